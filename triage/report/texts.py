"""A document as text files: CSV of a table for machines, Markdown of all of it for minutes."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator
from typing import Final

from triage.calendar import spoken_date
from triage.flag_texts import defused
from triage.report.document import (
    HIDDEN,
    NOT_APPLICABLE,
    NOT_AVAILABLE,
    Bound,
    Bullets,
    Cell,
    Chart,
    Column,
    Document,
    Share,
    Standing,
    Table,
    Words,
)
from triage.report.shown import Shown

MOST_ROWS_IN_MINUTES: Final = 25
"""Minutes hold the rows of shorter tables; longer ones are named with their file."""
MARKS: Final = (
    (HIDDEN, "suppressed: a number from 1 to 5, or one from which such a number could be told"),
    (NOT_APPLICABLE, "not applicable, such as a share of nobody"),
    (NOT_AVAILABLE, "not available"),
)
"""What the marks mean that stand in place of figures."""

_UNREADABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>#|~&$])")
_OPENING: Final = re.compile(r"^(\s*)(?:([-+=>])|(\d+)([.)]))")
_ADDRESS: Final = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*)(:)(?=/|[a-z])|(\bwww)(\.)")


def readable(text: str) -> str:
    """Return a text without the characters that no page or workbook can hold."""
    return _UNREADABLE.sub("\ufffd", text)


def is_percent(column: Column, cell: Cell) -> bool:
    """Return whether a number in a cell is a percentage: by itself, or as all of its column."""
    return column.kind == "share" or isinstance(cell, Share | Bound)


def cell_text(column: Column, cell: Cell, shown: Shown) -> str:
    """Return a cell for people; a limit or a median in a column of shares has its sign as well."""
    text = readable(shown.text(cell))
    if not is_percent(column, cell) or text.endswith("%"):
        return text
    found = shown.value(cell)
    return text if isinstance(found, str | dt.date) else f"{text}%"


def table_texts(table: Table, shown: Shown) -> list[list[str]]:
    """Return the cells of a table of the document for people, row by row."""
    if id(table) not in shown.texts:
        shown.texts[id(table)] = [
            [
                cell_text(column, cell, shown)
                for column, cell in zip(table.columns, row, strict=True)
            ]
            for row in table.rows
        ]
    return shown.texts[id(table)]


def standing_of(shown: Shown) -> list[tuple[str, list[str]]]:
    """Return on what a document stands: each matter with what there is to say of it."""
    on = shown.document.standing
    return [
        ("As of", [spoken_date(on.as_of)]),
        ("Period", [f"{spoken_date(on.first_day)} to {spoken_date(on.last_day)}"]),
        ("Run", [str(on.run)]),
        ("Product version", [readable(on.version)]),
        ("Input files and their SHA-256", _inputs(on)),
        ("Rules, by their hash", [readable(on.ruleset)]),
        ("Last event of the audit trail", [f"{on.event}, with the hash {readable(on.head)}"]),
        ("Who sees what", [readable(on.seen_by)]),
        ("Small numbers", [small_numbers(shown)]),
        ("Marks in place of figures", [f"{mark} means {meaning}" for mark, meaning in MARKS]),
    ]


def small_numbers(shown: Shown) -> str:
    """Return what was done about small numbers."""
    if not shown.is_published:
        return "Small numbers are shown: this is for use inside the authority, not for publication."
    if not shown.hidden:
        return "For publication: numbers from 1 to 5 are suppressed; there were none."
    return (
        "For publication: numbers from 1 to 5 are suppressed, and so are the figures that would "
        "tell them; they read c."
    )


def named_file(table: Table) -> str:
    """Return the name of a table's CSV file beside the document's own."""
    return f"tables/{table.name}.csv"


def csv_of(table: Table, shown: Shown) -> str:
    """Return a table as CSV for machines: ISO dates, shares as numbers in percent.

    What a spreadsheet would run is made harmless, as in every CSV that is written.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        defused(one.heading + " %" if one.kind == "share" else one.heading) for one in table.columns
    )
    writer.writerows([_machine_text(cell, shown) for cell in row] for row in table.rows)
    return out.getvalue()


def _machine_text(cell: Cell, shown: Shown) -> str | int | float:
    found = shown.value(cell)
    if isinstance(found, dt.date):
        return found.isoformat()
    return str(defused(found)) if isinstance(found, str) else found


def markdown_of(shown: Shown) -> str:
    """Return a document as Markdown for minutes; no text in it can become markup or a link."""
    document = shown.document
    parts = [f"# {_plain(document.title)}", _paragraph(document.summary)]
    parts += [f"**{small_numbers(shown)}**", _standing_in_short(document)]
    seen: set[str] = set()
    for section in document.sections:
        parts.append(f"## {_plain(section.title)}")
        for block in section.blocks:
            parts += _block(block, shown, seen)
    marks = "; ".join(f"{mark} means {meaning}" for mark, meaning in MARKS)
    parts += ["## Marks in place of figures", f"{marks}."]
    return "\n\n".join(part for part in parts if part) + "\n"


def _standing_in_short(document: Document) -> str:
    on = document.standing
    return "\n".join(
        [
            f"- As of {spoken_date(on.as_of)}; period {spoken_date(on.first_day)} to "
            f"{spoken_date(on.last_day)}; run {on.run}; version {_plain(on.version)}",
            *(f"- Input {_plain(one)}" for one in _inputs(on)),
            f"- Rules {_plain(on.ruleset)}",
            f"- Audit trail: event {on.event}, head {_plain(on.head)}",
            f"- {_paragraph(on.seen_by)}",
        ]
    )


def _inputs(on: Standing) -> list[str]:
    return [f"{readable(name)}: {readable(digest)}" for name, digest in on.inputs] or ["none"]


def _block(block: Words | Bullets | Table | Chart, shown: Shown, seen: set[str]) -> Iterator[str]:
    match block:
        case Words():
            yield _paragraph(shown.words(block))
        case Bullets():
            yield "\n".join(f"- {_paragraph(shown.words(one))}" for one in block.items)
        case Chart():
            yield f"**Figure: {_plain(block.title)}**"
            yield _paragraph(block.alternative)
            yield from _block(block.table, shown, seen)
        case Table():
            yield from _table(block, shown, is_again=block.name in seen)
            seen.add(block.name)


def _table(table: Table, shown: Shown, *, is_again: bool) -> Iterator[str]:
    title = f"**{_plain(table.title)}**"
    many = len(table.rows) > MOST_ROWS_IN_MINUTES
    if is_again:
        yield f"{title}: see above"
    elif many:
        yield f"{title}: {len(table.rows):,} rows in {_plain(named_file(table))}"
    else:
        yield title
        yield "\n".join(_lines(table, shown))
    if not is_again:
        yield from map(_paragraph, table.notes)


def _lines(table: Table, shown: Shown) -> Iterator[str]:
    yield _line([_plain(column.heading) for column in table.columns])
    yield _line(["---" if one.kind in ("text", "date") else "---:" for one in table.columns])
    for row in table.rows:
        texts = zip(table.columns, row, strict=True)
        yield _line([_plain(cell_text(column, cell, shown)) for column, cell in texts])
    if not table.rows:
        yield _line(["No rows"] + [""] * (len(table.columns) - 1))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _paragraph(text: str) -> str:
    """Return a text that can begin a line: neither a list nor a heading's underline."""
    return _OPENING.sub(_opening, _plain(text))


def _opening(found: re.Match[str]) -> str:
    space, mark, number, stop = found.groups()
    return f"{space}\\{mark}" if mark else f"{space}{number}\\{stop}"


def _plain(text: str) -> str:
    """Return a text as it is to be read, on one line.

    An address is broken where a reader of Markdown would take it for a link. After an ``@`` an
    escape does not help, since links to mailboxes are looked for last; so a space of no width does.
    """
    line = " ".join(readable(text).split())
    line = _MARKUP.sub(r"\\\1", line).replace("@", "@\u200b")
    return _ADDRESS.sub(lambda one: f"{one[1] or one[3]}\\{one[2] or one[4]}", line)
