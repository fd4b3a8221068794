"""Reports as workbooks, CSV and Markdown: what is in them, and that it is only data."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from python_calamine import CalamineWorkbook
from report_documents import (
    AWKWARD,
    awkward_table,
    document,
    long_table,
    published,
    standing,
    with_other_secrets,
    within,
)

from triage.report.document import Column, Document, Section, Statistic, Table, Words
from triage.report.forms import written
from triage.report.shown import Shown
from triage.report.texts import csv_of, is_percent, markdown_of, readable
from triage.report.workbook import workbook_of

SOFFICE = shutil.which("soffice")
HEAD_ROW = 3
SHOWN = {"within": within(), "published": published()}
DIGEST = (
    "import hashlib, json, sys; sys.path.insert(0, {tests!r})\n"
    "from report_documents import published, within\n"
    "from triage.report.forms import written\n"
    "made = written({which}(), with_pdf={pdf})\n"
    "print(json.dumps({{k: hashlib.sha256(v).hexdigest() for k, v in made.items()}}))"
)


@pytest.fixture(params=SHOWN)
def shown(request: pytest.FixtureRequest) -> Shown:
    return SHOWN[request.param]


def expected(table: Table, shown: Shown) -> list[list[Any]]:
    """Return the cells of a table's rows as a workbook has them."""
    return [
        [_expected(column, cell, shown) for column, cell in zip(table.columns, row, strict=True)]
        for row in table.rows
    ]


def _expected(column: Column, cell: Any, shown: Shown) -> Any:
    found = shown.value(cell)
    if isinstance(found, str):
        return readable(found)
    if isinstance(found, dt.date):
        return found
    return pytest.approx(found / 100 if is_percent(column, cell) else found)


def sheets(book: bytes, shown: Shown) -> list[tuple[Table, list[list[Any]]]]:
    whole = CalamineWorkbook.from_filelike(io.BytesIO(book))
    assert whole.sheet_names[0] == "About"
    rows = [
        whole.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for name in whole.sheet_names[1:]
    ]
    return list(zip(shown.document.tables(), rows, strict=True))


def parts(book: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(book)) as files:
        return {name: files.read(name).decode() for name in files.namelist()}


def check_sheets(book: bytes, shown: Shown) -> None:
    for table, rows in sheets(book, shown):
        assert rows[0][0] == table.title
        width = len(table.columns)
        own = rows[HEAD_ROW + 1 : HEAD_ROW + 1 + len(table.rows)]
        assert [row[:width] for row in own] == expected(table, shown)


def test_a_workbook_holds_every_cell_of_every_table(shown: Shown) -> None:
    check_sheets(workbook_of(shown), shown)


@pytest.mark.skipif(SOFFICE is None, reason="no LibreOffice: apt install libreoffice-calc")
def test_libreoffice_reads_the_same_cells(shown: Shown, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    path.write_bytes(workbook_of(shown))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    call = [str(SOFFICE), "--headless", profile, "--convert-to", "ods", "--outdir", str(tmp_path)]
    subprocess.run([*call, str(path)], check=True, capture_output=True, timeout=240)
    check_sheets((tmp_path / "report.ods").read_bytes(), shown)


def test_nothing_in_a_workbook_runs_or_points_outside(shown: Shown) -> None:
    for name, text in parts(workbook_of(shown)).items():
        assert not re.search(r"<f[ >/]", text), name
        assert "TargetMode" not in text, name
        assert not re.search(r"vba|externalLink|connections|<ddeLink|calculatedColumn", name + text)


def test_each_table_is_one_of_excels_with_its_total_outside_the_filter(shown: Shown) -> None:
    found = parts(workbook_of(shown))
    tables = list(shown.document.tables())
    names = set()
    for place, table in enumerate(tables, 1):
        text = found[f"xl/tables/table{place}.xml"]
        names.add(re.search(r'displayName="([^"]+)"', text)[1])  # type: ignore[index]
        last = re.search(r'<autoFilter ref="A4:[A-Z]+(\d+)"', text)
        assert last is not None
        inside = len(table.rows) - table.has_total
        assert int(last[1]) == HEAD_ROW + 1 + max(inside, 1)
        assert 'state="frozen"' in found[f"xl/worksheets/sheet{place + 1}.xml"]
    assert len(names) == len(tables)
    assert "<dc:language>en-GB</dc:language>" in found["docProps/core.xml"]
    assert (
        "<dc:title>Re-referrals &amp; reviews &lt;2026&gt;</dc:title>" in found["docProps/core.xml"]
    )
    assert "2026-06-30T00:00:00Z" in found["docProps/core.xml"]


def test_a_workbook_tells_first_on_what_it_stands(shown: Shown) -> None:
    whole = CalamineWorkbook.from_filelike(io.BytesIO(workbook_of(shown)))
    told = "\n".join(str(cell) for row in whole.get_sheet_by_index(0).to_python() for cell in row)
    on = standing()
    digests = [digest for _, digest in on.inputs]
    assert all(one in told for one in (shown.document.title, on.ruleset, on.head, on.seen_by))
    assert all(one in told for one in (*digests, *whole.sheet_names[1:]))
    assert "c means suppressed" in told
    assert "30 June 2026" in told


def test_names_that_excel_keeps_or_cannot_hold_are_mended() -> None:
    columns = (Column("Same", "text"), Column("same"), Column(""), Column("x" * 400, "number"))
    rows = (("a", None, None, Statistic(1234.5678, digits=2)),)
    names = ("about", "history", "a" * 40, "a" * 41, "it's [bad]: */?\\")
    blocks = tuple(Table(name, "Title", columns, rows) for name in names)
    one = Document("d", "T", "S", standing(), (Section("One", blocks),))
    whole = CalamineWorkbook.from_filelike(io.BytesIO(workbook_of(Shown(one))))
    found = whole.sheet_names
    assert len({name.casefold() for name in found}) == 6
    assert all(len(name) <= 31 and name.casefold() != "history" for name in found)
    heads, cells = whole.get_sheet_by_index(1).to_python(skip_empty_area=False)[3:5]
    assert heads[:3] == ["Same", "same (2)", "Column"]
    assert cells == ["a", ":", ":", 1234.57]


def test_csv_holds_machine_values_and_nothing_that_a_spreadsheet_runs(shown: Shown) -> None:
    for table in shown.document.tables():
        text = csv_of(table, shown)
        heads, *rows = csv.reader(io.StringIO(text))
        assert len(rows) == len(table.rows)
        for column, head in zip(table.columns, heads, strict=True):
            assert head.lstrip("'") == column.heading + (" %" if column.kind == "share" else "")
        for row, own in zip(rows, table.rows, strict=True):
            for told, cell in zip(row, own, strict=True):
                value = shown.value(cell)
                assert told in (str(value), f"'{value}")
                assert re.match(r"[-+]?\d", told) or not told.startswith(("=", "+", "-", "@"))
    assert "'=cmd|" in csv_of(awkward_table(), shown)
    assert ",2026-02-28," in csv_of(awkward_table(), shown)


def tokens(text: str) -> list[Token]:
    read = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    return [*read, *[child for token in read for child in token.children or ()]]


def test_markdown_holds_small_tables_and_names_long_ones(shown: Shown) -> None:
    text = markdown_of(shown)
    read = tokens(text)
    titles = sum(token.type == "heading_open" for token in read)
    assert titles == 2 + len(shown.document.sections)
    small = [one for one in shown.document.tables() if len(one.rows) <= 25]
    assert sum(token.type == "table_open" for token in read) == len(small)
    assert ("60 rows in tables/cases.csv" in text) != shown.is_published
    assert standing().head in text
    assert "0.1.0" in text


def test_no_text_becomes_markup_or_a_link_in_minutes(shown: Shown) -> None:
    text = markdown_of(shown)
    read = tokens(text)
    assert not {token.type for token in read} & {
        "html_inline", "html_block", "link_open", "em_open", "code_inline", "image", "s_open",
        "ordered_list_open", "fence", "code_block", "blockquote_open", "hr",
    }  # fmt: skip
    cells = {token.content for token in read if token.type == "text"}
    for one in AWKWARD:
        assert " ".join(readable(one).split()).replace("@", "@\u200b") in cells
    assert not re.search(r"https?://|www\.|\w@\w", text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_read_from_minutes_as_it_is(cell: str, words: str) -> None:
    table = Table("any", "Any", (Column("Text", "text"), Column("N")), ((cell, None),))
    blocks = (Words("{}", (words,)), table)
    one = Document("any", "Any", "Any.", standing(), (Section("Any", blocks),))
    read = tokens(markdown_of(Shown(one)))
    found = [token.content for token in read if token.type == "text"]
    for text in (cell, words):
        line = " ".join(readable(text).split()).replace("@", "@\u200b")
        assert line in found or not line


def test_forms_are_named_by_the_document_and_its_tables(shown: Shown) -> None:
    assert set(written(shown, with_pdf=False)) == {
        "re-referrals.html", "re-referrals.xlsx", "re-referrals.md",
        *[f"tables/{table.name}.csv" for table in shown.document.tables()],
    }  # fmt: skip


def test_what_is_hidden_changes_no_byte_of_any_form() -> None:
    shown = published()
    assert written(shown, with_pdf=False) == written(with_other_secrets(shown), with_pdf=False)
    inside = within()
    assert written(inside, with_pdf=False) != written(with_other_secrets(inside), with_pdf=False)


def test_two_processes_write_the_same_bytes() -> None:
    pytest.importorskip("weasyprint", reason="pip install weasyprint")
    tests = str(Path(__file__).parent)
    code = DIGEST.format(tests=tests, which="published", pdf=True)
    made = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        )
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]
    first, second = (one.communicate(timeout=300)[0] for one in made)
    assert [one.returncode for one in made] == [0, 0]
    assert first == second
    assert "re-referrals.pdf" in first


def test_a_long_table_is_whole_in_its_workbook_and_csv() -> None:
    table = long_table(1200)
    one = Document("d", "T", "S", document().standing, (Section("One", (table,)),))
    shown = Shown(one)
    check_sheets(workbook_of(shown), shown)
    assert csv_of(table, shown).count("\n") == 1201
