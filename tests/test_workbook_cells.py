"""Cells of a workbook that hold no value, and workbooks that are not to be opened as they are."""

from __future__ import annotations

import datetime as dt
import io
import re
from functools import partial
from pathlib import Path

import msoffcrypto.format.ooxml
import pytest
import xlsxwriter
import xlwt
from annex_a_files import SHORT, Cell, mend_sheet, without_value, write

from triage.errors import InputError
from triage.records import Loaded, load
from triage.sources import read_source
from triage.validation import BLANK, GIVEN, UNREADABLE

MAY = dt.date(2023, 5, 1)


def loaded(path: Path) -> Loaded:
    return load([read_source(str(path))], dt.date(2023, 6, 30))


@pytest.mark.parametrize("how", ["<v></v>", "<v />", "<v/>", ""])
def test_a_formula_that_was_never_worked_out_is_unknown_never_blank(
    tmp_path: Path, how: str
) -> None:
    path = tmp_path / "annex_a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("List 3")
        sheet.write_row(0, 0, [*SHORT, "CIN Closure Date", "Allocated Team", "Age"])
        sheet.write_row(1, 0, ["A", "01/05/2023", "GP", "No"])
        sheet.write_row(2, 0, ["B", "02/05/2023", "GP", "No", "no date", "no team", 7])
        for column in (4, 5, 6):
            sheet.write_formula(1, column, "=TODAY()")
    mend_sheet(path, without_value(how))
    for place, value in (("E3", ""), ("F3", "North")):
        worked_out = f'<c r="{place}" t="str"><f>IF(A1="","","{value}")</f><v>{value}</v></c>'
        mend_sheet(path, partial(re.sub, rf'<c r="{place}".*?</c>', worked_out))
    result = loaded(path)
    assert result.referrals.column("closed_on").state.tolist() == [UNREADABLE, BLANK]
    assert result.referrals.column("team").state.tolist() == [UNREADABLE, GIVEN]
    assert {(p.row, p.column) for p in result.problems} == {(2, "closed_on"), (2, "team")}
    assert sum("stands in 1 cell; open the workbook in Excel" in note for note in result.notes) == 2


def errors_in(form: str, place: Path) -> Path:
    """A List 3 with an error, and a formula that came to one, in a date and in a word."""
    path = place / f"annex_a.{form}"
    headings = [*SHORT, "CIN Closure Date", "Allocated Team"]
    if form == "xlsx":
        with xlsxwriter.Workbook(str(path)) as book:
            sheet = book.add_worksheet("List 3")
            sheet.write_row(0, 0, headings)
            sheet.write_row(1, 0, ["A", "01/05/2023", "GP"])
            for column in (3, 4):
                sheet.write_formula(1, column, "=NA()", None, "#N/A")
            sheet.write_row(2, 0, ["B", "01/05/2023", "GP", "No", "", "North"])
        return path
    old = xlwt.Workbook()
    old.add_sheet("Guidance").write(0, 0, "é")
    sheet = old.add_sheet("List 3")
    for column, heading in enumerate(headings):
        sheet.write(0, column, heading)
    for row, child in ((1, "A"), (2, "B")):
        for column, cell in enumerate((child, "01/05/2023", "GP")):
            sheet.write(row, column, cell)
    sheet.row(1).set_cell_error(3, 0x2A)
    sheet.write(1, 4, xlwt.Formula("1+1"))
    sheet.write(2, 3, "No")
    sheet.write(2, 5, "North")
    old.save(str(path))
    no_result = b"\x03" + bytes(5) + b"\xff\xff"
    not_there = b"\x02\x00\x2a" + bytes(3) + b"\xff\xff"
    content = path.read_bytes()
    assert content.count(no_result) == 1
    path.write_bytes(content.replace(no_result, not_there))
    return path


@pytest.mark.parametrize("form", ["xlsx", "xls"])
def test_an_error_is_unknown_in_a_word_and_in_a_date(tmp_path: Path, form: str) -> None:
    result = loaded(errors_in(form, tmp_path))
    assert result.referrals.column("nfa").state.tolist() == [UNREADABLE, GIVEN]
    assert result.referrals.column("closed_on").state.tolist() == [UNREADABLE, BLANK]
    told = {(p.row, p.column, p.message.partition(" is ")[0]) for p in result.problems}
    assert told == {(2, "nfa", "'#N/A'"), (2, "closed_on", "'#N/A'")}
    assert not any("neither yes nor no" in note for note in result.notes)


def test_a_workbook_locked_by_a_password_is_refused_in_words(tmp_path: Path) -> None:
    path = write("xlsx", tmp_path, {"List 3": [SHORT, ["A", MAY, "", ""]]})
    locked = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(path.read_bytes())).encrypt("secret", locked)
    for name in ("annex_a.xlsx", "annex_a.xls", "annex_a"):
        (tmp_path / name).write_bytes(locked.getvalue())
        with pytest.raises(InputError, match="is locked by a password; "):
            read_source(str(tmp_path / name))


def test_cells_at_opposite_ends_of_a_sheet_do_not_cost_what_lies_between(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [list(SHORT), ["A", "01/05/2023", "", ""]]
    path = write("xlsx", tmp_path, {"List 3": rows})
    mend_sheet(path, lambda text: text.replace(
        "</sheetData>", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    ))  # fmt: skip
    with pytest.raises(InputError, match=r"row 1,048,576 and column 16,384, with next to nothing"):
        read_source(str(path))
