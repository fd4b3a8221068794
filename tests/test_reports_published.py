"""What is published of a report: no small number, no case, and nothing to recover either from."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from attacker import Attacker, counts_of, small
from quarter import REPORTS, Quarter
from report_files import Grid, csv_grid, tables_of, texts_of
from report_reading import records_of

from triage import reporting
from triage.report.document import HIDDEN, Bullets, Count, Document, Sum, Table, Words
from triage.report.shown import Shown

SMALL = {"1", "2", "3", "4", "5"}


def published(quarter: Quarter, name: str) -> Shown:
    document = reporting.document_of(name, records_of(quarter.url), reporting.Asked())  # type: ignore[arg-type]
    return reporting.shown_of(document, publish=True)


@pytest.fixture(params=REPORTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shown(quarter: Quarter, name: str) -> Shown:
    return published(quarter, name)


def rows_under_heading(grid: Grid, table: Table) -> Grid | None:
    """Return the rows of a table of a file, where it is this one: it has the same heading."""
    plain = [column.heading for column in table.columns]
    with_sign = [f"{one.heading} %" if one.kind == "share" else one.heading
                 for one in table.columns]  # fmt: skip
    for place, row in enumerate(grid):
        if row[: len(plain)] in (plain, with_sign):
            return grid[place + 1 :]
    return None


def test_no_count_from_1_to_5_stands_in_any_table_of_any_file(
    reported: Path, shown: Shown, name: str
) -> None:
    n_read: dict[str, int] = {}
    n_hidden = 0
    for file, grid in tables_of(reported / "published" / name):
        found = [(table, rows_under_heading(grid, table)) for table in shown.document.tables()]
        tables = [(table, rows) for table, rows in found if rows is not None]
        n_read[Path(file.split(":")[0]).suffix] = n_read.get(Path(file).suffix, 0) + len(tables)
        for table, rows in tables[:1]:
            for place, column in enumerate(table.columns):
                cells = [row[place] for row in rows if len(row) > place]
                if column.kind == "count":
                    assert not SMALL & set(cells), (file, column.heading)
                    n_hidden += cells.count(HIDDEN)
    assert set(n_read) >= {".csv", ".html", ".xlsx"}
    assert n_hidden > 0


def test_within_the_authority_small_counts_are_shown(reported: Path, name: str) -> None:
    """So the test above is one that would find them."""
    cells = [
        cell
        for path in sorted((reported / "within" / name / "tables").glob("*.csv"))
        for row in csv_grid(path)[1:]
        for cell in row[1:]
    ]
    assert set(cells) >= SMALL
    assert HIDDEN not in cells


def test_no_sentence_tells_a_count_from_1_to_5(shown: Shown) -> None:
    for section in shown.document.sections:
        for block in section.blocks:
            for words in block.items if isinstance(block, Bullets) else (block,):
                if isinstance(words, Words):
                    counts = [cell for cell in words.cells if isinstance(cell, Count)]
                    assert not SMALL & set(map(shown.text, counts)), words.text


def test_no_annex_and_no_case_is_published(reported: Path, name: str) -> None:
    for file, text in texts_of(reported / "published" / name).items():
        assert "Annex" not in text, file
        assert not re.search(r"\bcase [0-9]", text), file
        assert "Ask the referrer what changed" not in text, file
    assert not (reported / "published" / name / "tables" / "cases.csv").exists()
    within = "\n".join(texts_of(reported / "within" / name).values())
    assert ("Annex" in within) == (name == "review")


def sums_seen(document: Document) -> list[Sum]:
    """Return the sums that a reader sees in the tables themselves, whatever the document has.

    The last row is all of the others; and each rule judged as many as any other did.
    """
    found = []
    for table in document.tables():
        if table.has_total:
            for place in range(len(table.columns)):
                cells = [row[place] for row in table.rows if isinstance(row[place], Count)]
                *parts, whole = (cell for cell in cells if isinstance(cell, Count)) if cells else (
                    Count("none", 0),)  # fmt: skip
                if parts:
                    found.append(Sum(whole, tuple(parts)))
        if table.name == "rules-last-run":
            for row in table.rows:
                parts = [cell for cell in row[2:5] if isinstance(cell, Count)]
                n = sum(part.n for part in parts)
                found.append(Sum(Count(f"judged by a rule: {n}", n), tuple(parts)))
    return found


def test_no_hidden_count_can_be_recovered_from_what_is_shown_and_all_sums(shown: Shown) -> None:
    """By a solver of its own, which is told the sums of the document and those seen in tables."""
    document = shown.document
    more = replace(document, sums=(*document.sums, *sums_seen(document)))
    keys = shown.hidden | small(document)
    assert keys
    assert Attacker(replace(shown, document=more)).recovers(sorted(keys)) == {}


def test_small_counts_alone_left_out_could_be_recovered(quarter: Quarter) -> None:
    """So the solver is one that finds what can be found in these documents."""
    shown = published(quarter, "review")
    keys = frozenset(small(shown.document))
    found = Attacker(replace(shown, hidden=keys)).recovers(sorted(keys))
    truth = counts_of(shown.document)
    assert found
    assert all(truth[key] == n for key, n in found.items())


def test_counts_are_the_same_in_every_place_where_they_have_one_key(quarter: Quarter) -> None:
    for name in REPORTS:
        seen: dict[str, int] = {}
        document = published(quarter, name).document
        for cell in document.cells():
            if isinstance(cell, Count):
                assert seen.setdefault(cell.key, cell.n) == cell.n


def test_most_of_what_is_large_is_shown(reported: Path) -> None:
    review = csv_grid(reported / "published" / "review" / "tables" / "by-need.csv")
    assert next(row for row in review if row[0].startswith("N1"))[1] != HIDDEN
    population = csv_grid(reported / "published" / "review" / "tables" / "population.csv")
    assert population[-1][1] == "41"


def test_that_it_may_be_published_is_said_in_each_document(reported: Path, name: str) -> None:
    for kind, words in (("published", "For publication"), ("within", "not for publication")):
        texts = texts_of(reported / kind / name)
        for ending in ("html", "md"):
            assert words in texts[f"{name}.{ending}"]
