"""Every form in which records come: encodings, delimiters, workbooks, Parquet, refusals."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter

from triage.errors import InputError
from triage.records import Loaded, load
from triage.sources import read_source

AS_OF = dt.date(2023, 6, 30)
PLAIN = "child_id,referral_date,team\nA,2023-05-01,Café\nB,06/10/2022,\n"


def loaded(*paths: Path) -> Loaded:
    return load([read_source(str(path)) for path in paths], AS_OF)


def teams(path: Path) -> dict[str, str]:
    result = loaded(path)
    column = result.referrals.column("team")
    return {
        str(child): column.names[value] if state == 0 else ""
        for child, state, value in zip(
            result.referrals.child_ids, column.state, column.value, strict=True
        )
    }


def dates(path: Path) -> dict[str, str]:
    referrals = loaded(path).referrals
    days = referrals.day.astype("datetime64[D]").astype(str)
    return dict(zip(referrals.child_ids.tolist(), days.tolist(), strict=True))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_text_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(PLAIN.encode(encoding))
    assert teams(path) == {"A": "Café", "B": ""}
    assert dates(path)["B"] == "2022-10-06"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_delimiters_and_line_endings(tmp_path: Path, delimiter: str, ending: str) -> None:
    path = tmp_path / "table.txt"
    text = PLAIN.replace(",", delimiter).replace("\n", ending)
    path.write_bytes(text.encode())
    assert teams(path) == {"A": "Café", "B": ""}


@pytest.mark.parametrize(
    "above", ["sep=,\n", "Extract of referrals\n\n", '"Made by ""A"" on, Monday"\n']
)
def test_a_title_may_stand_above_the_headings(tmp_path: Path, above: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(above + PLAIN, "utf-8")
    assert teams(path) == {"A": "Café", "B": ""}


def test_lines_that_end_as_on_old_machines(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(PLAIN.replace("\n", "\r").encode())
    assert teams(path) == {"A": "Café", "B": ""}


def test_quoted_cells_may_hold_delimiters_and_line_breaks(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('child_id,referral_date,team\n\nA,2023-05-01,"North,\nand East"\n\nB,bad,x\n')
    result = loaded(path)
    assert result.n_read == 2
    assert [(p.row, p.column) for p in result.problems if p.kind == "rejected"] == [
        (3, "referral_date")
    ]


def test_rows_too_short_or_too_long_are_listed_and_judged(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        "child_id,referral_date,decision_at,team\nA,2023-05-01\nB,2023-05-02,,North,extra\n"
        "C,2023-05-03,,North,\n"
    )
    result = loaded(path)
    assert len(result.referrals) == 3
    assert [(p.row, p.column) for p in result.problems] == [(2, "decision_at"), (3, "")]
    decision = result.referrals.column("decision_at")
    assert decision.state.tolist() == [2, 1, 1]


def test_headings_match_in_any_dress_and_by_the_names_of_other_returns(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        "LA child ID,Date of Referral,cine_referral_nfa,Continuous Assessment Start Date,"
        "S47ActualStartDate,Shoe Size\n007,2023-05-01,Y,2023-05-02,2023-05-03,5\n"
    )
    source = read_source(str(path))
    assert set(source.referrals.columns) == {
        "child_id", "referral_date", "nfa", "assessment_started_on", "strategy_discussion_on",
        "section47_started_on",
    }  # fmt: skip
    assert source.notes == ("unknown column 'Shoe Size' was ignored",)
    assert load([source], AS_OF).referrals.child_ids.tolist() == ["007"]


def test_a_canonical_heading_goes_before_its_alias_which_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("LAchildID,child_id,referral_date\nwrong,right,2023-05-01\n")
    source = read_source(str(path))
    assert load([source], AS_OF).referrals.child_ids.tolist() == ["right"]
    assert source.notes == ("column 'LAchildID' was ignored: another holds the same",)


def test_a_written_rationale_goes_no_further_than_its_length_and_hash(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    secret = "Mother says that all is well at home."
    path.write_text(
        "child_id,referral_date,decision_at,rationale\n"
        f"A,2023-05-01,2023-05-01, {secret} \nB,2023-05-01,2023-05-01,\n"
    )
    source = read_source(str(path))
    result = load([source], AS_OF)
    assert result.referrals.column("rationale_length").value[0] == len(secret)
    assert result.referrals.column("rationale_length").state.tolist() == [0, 1]
    assert "Mother" not in repr(source) + repr(result)


def workbook(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        style = book.add_format({"num_format": "dd/mm/yyyy"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    if isinstance(cell, dt.date):
                        sheet.write_datetime(number, place, cell, style)
                    else:
                        sheet.write(number, place, cell)
    return path


def test_a_workbook_with_a_title_real_dates_and_numbers_for_identifiers(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "table.xlsx",
        {
            "Notes": [["Made on Monday"]],
            "Data": [
                ["All referrals"],
                ["Child_ID", "Referral date", "nfa", "team"],
                [6537810, dt.date(2023, 5, 1), True, "Café\u00a0North"],
                ["007", dt.datetime(2023, 5, 2, 9, 30), "no", ""],
            ],
        },
    )
    assert dates(path) == {"6537810": "2023-05-01", "007": "2023-05-02"}
    assert teams(path)["6537810"] == "Café North"
    assert loaded(path).problems == ()


def test_parquet_with_types_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pd.DataFrame(
        {
            "child_id": [1, 2, 3],
            "referral_date": [dt.date(2023, 5, 1)] * 3,
            "decision_at": pd.to_datetime(["2023-05-02 10:30", None, "2023-05-04 00:00"]),
            "nfa": [True, None, False],
            "rationale_length": [45.0, None, 12.0],
            "team": pd.Categorical(["North", None, "South"]),
        }
    ).to_parquet(path)
    result = loaded(path)
    assert result.problems == ()
    assert result.referrals.child_ids.tolist() == ["1", "2", "3"]
    assert result.referrals.column("rationale_length").value[[0, 2]].tolist() == [45, 12]
    assert result.referrals.column("nfa").state.tolist() == [0, 1, 0]
    assert result.referrals.column("decision_at").state.tolist() == [0, 1, 0]


PDF = b"%PDF-1.7\n\xe2\xe3\xcf\xd3\n\x00\x00 1 0 obj"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "is empty"),
        ("heading.csv", b"child_id,referral_date\n", "holds headings but no referral"),
        ("blob.csv", PDF, "binary"),
        ("other.csv", b"name,price\nbread,2\n", "a table headed name, price"),
        ("other.xml", b"<Message><Header/></Message>", "without a CINdetails"),
        ("page.xml", b"<html><body/></html>", "its root is html"),
        ("cut.xml", b"<Message><Children><Child><CINdetails>", "damaged or cut short"),
        ("store.csv", b"SQLite format 3\x00" + b"\x00" * 90, "SQLite database"),
        ("zip.xlsx", b"PK\x03\x04" + b"\x00" * 60, "cannot be opened as an Excel workbook"),
        ("cut.parquet", b"PAR1" + b"\x00" * 60, "damaged Parquet"),
        ("twice.csv", b"child_id,referral_date,Child ID\n1,2023-05-01,2\n", "two columns"),
        ("none.csv", b"child_id,referral_date\n,2023-05-01\nA,31/04/2023\n", "every one of its 2"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        loaded(path)
    assert refused.value.exit_code == 3
    assert said in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [("nowhere.csv", "no such file"), ("postgresql://u:pw@h/db", "not databases"), (".", "folder")],
)
def test_what_is_not_there_is_said_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said) as refused:
        read_source(name)
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize(
    "rows",
    [
        'A,2023-05-01,"North\nB,2023-05-02,South\nC,2023-05-03,East\n',
        'A,2023-05-01,"North\nB,2023-05-02,South\nC,2023-05-03,"East\nD,2023-05-03,x\n',
        'A,2023-05-01,"North\nB,2023-05-02\n',
    ],
)
def test_a_quotation_mark_that_would_swallow_rows_is_refused_with_its_line(
    tmp_path: Path, rows: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("child_id,referral_date,team\n" + rows)
    with pytest.raises(InputError, match="quotation mark in or after line 2 is not closed"):
        loaded(path)


def test_a_quotation_mark_within_a_cell_is_text(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('child_id,referral_date,team\nA,2023-05-01,5" North\nB,2023-05-02,"So""uth"\n')
    assert teams(path) == {"A": '5" North', "B": 'So"uth'}
