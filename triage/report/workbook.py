"""A document as an Excel workbook: real tables of real numbers and dates, and nothing that runs."""

from __future__ import annotations

import datetime as dt
import io
import re
import textwrap
import zipfile
from typing import Any, Final

import xlsxwriter

from triage.flag_texts import defused
from triage.report.document import Bound, Cell, Column, Count, Share, Statistic, Table
from triage.report.shown import Shown
from triage.report.texts import (
    cell_text,
    is_percent,
    readable,
    small_numbers,
    standing_of,
    table_texts,
)

LANGUAGE: Final = "en-GB"
_ABOUT: Final = "About"
_MOST_LETTERS: Final = 32_000
_ABOUT_WIDTH: Final = 95
_WIDEST: Final = 45
_HEAD_ROW: Final = 3
_LINE: Final = 15.0
"""Points from a line of a cell to the next; rows do not grow by themselves everywhere."""
_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "d mmm yyyy",
}
_BAD_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\']")


def workbook_of(shown: Shown) -> bytes:
    """Return a document as a workbook: what it stands on, then a sheet for each table.

    A text is a text, whatever it begins with. The same document is the same bytes.
    """
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, _OPTIONS) as book:
        _Writer(book, shown).write()
    return _with_language(out.getvalue())


class _Writer:
    """Writes one workbook; each look of a cell is made once."""

    def __init__(self, book: xlsxwriter.Workbook, shown: Shown) -> None:
        self._book = book
        self._shown = shown
        self._looks: dict[tuple[tuple[str, Any], ...], Any] = {}

    def write(self) -> None:
        document = self._shown.document
        at = dt.datetime.combine(document.standing.as_of, dt.time())
        self._book.set_properties(
            {
                "title": _text(document.title),
                "subject": _text(document.summary),
                "author": f"rereferral-triage {_text(document.standing.version)}",
                "created": at,
            }
        )
        about = self._book.add_worksheet(_ABOUT)
        tables = list(document.tables())
        names = _sheet_names(tables)
        for place, (table, name) in enumerate(zip(tables, names, strict=True), 1):
            self._sheet(table, name, place)
        self._about(about, tables, names)

    def _look(self, **look: Any) -> Any:
        key = tuple(sorted(look.items()))
        if key not in self._looks:
            whole = {"font_name": "Arial", "font_size": 11, "valign": "top", **look}
            self._looks[key] = self._book.add_format(whole)
        return self._looks[key]

    def _put(self, sheet: Any, row: int, column: int, text: str, **look: Any) -> None:
        text = _text(text)
        if defused(text) != text:
            # Else a spreadsheet would run it once somebody edits the cell.
            look["quote_prefix"] = True
        sheet.write_string(row, column, text, self._look(**look))

    def _about(self, sheet: Any, tables: list[Table], names: list[str]) -> None:
        document = self._shown.document
        sheet.hide_gridlines(2)
        sheet.set_column(0, 0, 32)
        sheet.set_column(1, 1, _ABOUT_WIDTH)
        self._put(sheet, 0, 0, document.title, bold=True, font_size=16)
        self._put(sheet, 1, 0, document.summary)
        self._put(sheet, 2, 0, small_numbers(self._shown), bold=True)
        row = 4
        for matter, told in standing_of(self._shown):
            self._put(sheet, row, 0, matter, bold=True, text_wrap=True)
            for one in told:
                self._put(sheet, row, 1, one, text_wrap=True)
                sheet.set_row(row, _LINE * _lines(one, _ABOUT_WIDTH))
                row += 1
        row += 1
        self._put(sheet, row, 0, "Sheet", bold=True, bottom=1)
        self._put(sheet, row, 1, "Table", bold=True, bottom=1)
        link = self._look(font_color="#12436d", underline=1)
        for place, (table, name) in enumerate(zip(tables, names, strict=True), row + 1):
            sheet.write_url(place, 0, f"internal:'{name}'!A1", link, name)
            self._put(sheet, place, 1, table.title, text_wrap=True)
        _on_paper(sheet, document.title)
        sheet.activate()

    def _sheet(self, table: Table, name: str, number: int) -> None:
        sheet = self._book.add_worksheet(name)
        self._put(sheet, 0, 0, table.title, bold=True, font_size=14)
        on = self._shown.document.standing
        self._put(sheet, 1, 0, f"As of {cell_text(_DATE, on.as_of, self._shown)}, run {on.run}.")
        headings = _headings(table)
        first = _HEAD_ROW + 1
        last = len(table.rows) - 1
        for place, row in enumerate(table.rows):
            is_total = table.has_total and place == last
            for at, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
                self._cell(sheet, first + place, at, column, cell, is_total=is_total)
        n_rows = len(table.rows) - (1 if table.has_total and table.rows else 0)
        sheet.add_table(
            _HEAD_ROW, 0, _HEAD_ROW + max(n_rows, 1), len(headings) - 1,
            {
                "name": f"t{number}_{re.sub('[^A-Za-z0-9]', '_', table.name)}",
                "style": None,
                "columns": [{"header": heading} for heading in headings],
            },
        )  # fmt: skip
        # The table wrote its heads, without their look.
        for place, (column, heading) in enumerate(zip(table.columns, headings, strict=True)):
            look = {"bold": True, "bottom": 1, "text_wrap": True, **_side(column)}
            self._put(sheet, _HEAD_ROW, place, heading, **look)
        self._below(sheet, table, first + max(len(table.rows), 1) + 1)
        sheet.freeze_panes(first, 1)
        self._measure(sheet, table, headings)
        sheet.repeat_rows(_HEAD_ROW)
        _on_paper(sheet, self._shown.document.title)

    def _measure(self, sheet: Any, table: Table, headings: list[str]) -> None:
        rows = table_texts(table, self._shown)
        widths = _widths(headings, rows)
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        for row, texts in enumerate((headings, *rows), _HEAD_ROW):
            sheet.set_row(row, _LINE * max(map(_lines, texts, widths)))

    def _below(self, sheet: Any, table: Table, row: int) -> None:
        notes = list(table.notes)
        if not table.rows:
            notes.insert(0, "There are no rows.")
        for place, note in enumerate(notes):
            self._put(sheet, row + place, 0, note)

    def _cell(
        self, sheet: Any, row: int, at: int, column: Column, cell: Cell, *, is_total: bool
    ) -> None:
        found = self._shown.value(cell)
        look: dict[str, Any] = _side(column)
        if is_total:
            look |= {"bold": True, "top": 1}
        if isinstance(found, str):
            wrap = {"text_wrap": True} if column.kind == "text" else {}
            self._put(sheet, row, at, found, **look, **wrap)
        elif isinstance(found, dt.date):
            sheet.write_datetime(row, at, found, self._look(num_format="d mmm yyyy", **look))
        elif is_percent(column, cell):
            sheet.write_number(row, at, found / 100, self._look(num_format="0.0%", **look))
        else:
            sheet.write_number(row, at, found, self._look(num_format=_number_format(cell), **look))


_DATE: Final = Column("", "date")


def _number_format(cell: Cell) -> str:
    match cell:
        case Statistic(digits=digits) if digits:
            return "#,##0." + "0" * digits
        case Count() | Share() | Bound() | _:
            return "#,##0"


def _text(text: str) -> str:
    clean = readable(text)
    return clean if len(clean) <= _MOST_LETTERS else clean[: _MOST_LETTERS - 1] + "…"


def _side(column: Column) -> dict[str, Any]:
    if column.kind in ("text", "date"):
        return {"align": "left", "indent": 1}
    return {"align": "right"}


def _headings(table: Table) -> list[str]:
    """Return a table's headings as Excel wants those of a table: none empty, none twice."""
    taken: set[str] = set()
    found = []
    for column in table.columns:
        heading = " ".join(_text(column.heading).split())[:240] or "Column"
        name, turn = heading, 1
        while name.casefold() in taken:
            turn += 1
            name = f"{heading} ({turn})"
        taken.add(name.casefold())
        found.append(name)
    return found


def _sheet_names(tables: list[Table]) -> list[str]:
    """Return the sheets' names: at most 31 letters, and none that Excel keeps for itself."""
    taken = {_ABOUT.casefold(), "history"}
    found = []
    for table in tables:
        plain = _BAD_IN_NAMES.sub("-", readable(table.name))[:31] or "table"
        name, turn = plain, 1
        while name.casefold() in taken:
            turn += 1
            name = f"{plain[: 30 - len(str(turn))]}-{turn}"
        taken.add(name.casefold())
        found.append(name)
    return found


def _widths(headings: list[str], rows: list[list[str]]) -> list[float]:
    """Return columns' widths in letters, with room for the button of the filter."""
    found = []
    for place, heading in enumerate(headings):
        longest = max((len(word) for word in heading.split()), default=0)
        cells = max((len(row[place]) for row in rows), default=0)
        found.append(min(max(cells, longest + 3, min(len(heading), 14), 9), _WIDEST) + 3.0)
    return found


def _lines(text: str, width: float) -> int:
    """Return on how many lines a text stands in a cell, rather one too many than one too few."""
    room = max(int(width) - 1, 8)
    if len(text) <= room and "\t" not in text:
        return 1
    return max(1, len(textwrap.wrap(text, room)))


def _on_paper(sheet: Any, title: str) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer(f"&L{_text(title)[:100].replace('&', '&&')}&RPage &P of &N")


def _with_language(book: bytes) -> bytes:
    """Return a workbook that says in which language it is, which its writer has no setting for."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "docProps/core.xml":
                end = b"</cp:coreProperties>"
                told = f"<dc:language>{LANGUAGE}</dc:language>".encode()
                data = data.replace(end, told + end)
            new.writestr(part, data)
    return out.getvalue()
