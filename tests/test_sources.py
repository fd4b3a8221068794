"""Every form in which records come: encodings, delimiters, workbooks, Parquet, refusals."""

from __future__ import annotations

import datetime as dt
import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
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
    assert decision.state.tolist() == [4, 1, 1]


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
    [
        ("nowhere.csv", "no such file"),
        ("postgresql://u:pw@127.0.0.1:1/db", "cannot be opened"),
        (".", "folder"),
    ],
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


def test_text_in_utf_16_with_the_larger_end_first(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xfe\xff" + PLAIN.encode("utf-16-be"))
    assert teams(path) == {"A": "Café", "B": ""}


def refusal(path: Path) -> str:
    """Return the one sentence with which an input is refused."""
    with pytest.raises(InputError) as refused:
        loaded(path)
    assert refused.value.exit_code == 3
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b" \n\t\n", "is empty"),
        (b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n", "looks like"),
        (b'"child\nname",price\nbread,2\n', "looks like a table headed child name, price"),
        (b'<?xml version="1.0" encoding="utf-99"?><Message/>', "damaged"),
        (b"<Message><Children><Child><CINdetails></Children></Message>", "damaged"),
    ],
)
def test_what_looks_like_something_else_is_refused(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "records.csv"
    path.write_bytes(content)
    assert said in refusal(path)


def test_a_long_heading_is_cut_where_a_message_repeats_it(tmp_path: Path) -> None:
    path = tmp_path / "letter.csv"
    path.write_text("She was afraid of him and had told nobody of it until then; " * 9 + "\n")
    assert "had told nobody of it until then" not in refusal(path)
    path.write_text(f"child_id,referral_date,{'y' * 90}\nA,2023-05-01,1\n")
    assert "y" * 40 not in " ".join(read_source(str(path)).notes)


def test_the_heading_a_short_row_lacks_is_told_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('child_id,referral_date,"team\nname"\nA,2023-05-01\n')
    (problem,) = loaded(path).problems
    assert "\n" not in problem.column + problem.message


def parquet(path: Path, **columns: Any) -> Path:
    plain = {"child_id": pa.array(["A", "B"]), "referral_date": pa.array(["2023-05-01"] * 2)}
    pq.write_table(pa.table(plain | columns), path)
    return path


@pytest.mark.parametrize(
    "column",
    [
        pa.array([["x"], None]),
        pa.array([{"a": 1}, None]),
        pa.array([b"\xff\xfe", None]),
        pa.array([float("inf"), float("nan")]),
        pa.nulls(2),
    ],
    ids=lambda column: str(column.type),
)
def test_a_parquet_column_that_is_not_ours_may_be_of_any_type(
    tmp_path: Path, column: pa.Array
) -> None:
    path = parquet(tmp_path / "table.parquet", shoe=column)
    assert read_source(str(path)).notes == ("unknown column 'shoe' was ignored",)


@pytest.mark.parametrize(
    ("name", "column", "cells"),
    [
        ("child_id", pa.array([6537810.0, 7.0]), ["6537810", "7"]),
        ("threshold_level", pa.array([3, None]).dictionary_encode(), ["3", ""]),
        ("rationale_length", pa.array([45.0, float("nan")]), ["45", ""]),
        ("closed_on", pa.array([dt.date(2023, 5, 3), None], pa.date64()), ["2023-05-03", ""]),
        ("decision_at", pa.array([dt.datetime(2023, 5, 3, 8), None],
                                 pa.timestamp("us", "Europe/London")), ["2023-05-03T09:00:00", ""]),
        ("nfa", pa.array([True, None]), ["true", ""]),
        ("team", pa.array([" North ", None], pa.large_string()), ["North", ""]),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)  # fmt: skip
def test_parquet_cells_are_read_as_a_person_would_type_them(
    tmp_path: Path, name: str, column: pa.Array, cells: list[str]
) -> None:
    source = read_source(str(parquet(tmp_path / "table.parquet", **{name: column})))
    assert source.referrals.columns[name].cells() == cells


SECRET = "Grandmother wrote that nobody had asked her"


@pytest.mark.parametrize("form", ["csv", "short row", "xlsx", "parquet", "decisions"])
def test_a_written_rationale_is_nowhere_in_what_was_read(tmp_path: Path, form: str) -> None:
    path = tmp_path / "table"
    rows = [["child_id", "referral_date", "Rationale", "rationale_length"],
            ["A", "2023-05-01", SECRET, ""], ["B", "2023-05-02", "", "77"]]  # fmt: skip
    text = "\n".join(",".join(row) for row in rows)
    if form == "xlsx":
        workbook(path, {"Data": [list(row) for row in rows]})
    elif form == "parquet":
        pd.DataFrame(rows[1:], columns=rows[0]).to_parquet(path)
    elif form == "decisions":
        path.mkdir()
        (path / "referrals.csv").write_text("child_id,referral_date\nA,2023-05-01\nB,2023-05-02\n")
        (path / "decisions.csv").write_text(text)
    else:
        path.write_text(text + ("\nC,2023-05-03" if form == "short row" else ""))
    source = read_source(str(path))
    table = source.children[0].table if form == "decisions" else source.referrals
    assert SECRET.encode() not in pickle.dumps(source)
    assert "rationale" not in table.columns
    assert table.columns["rationale_length"].cells()[:2] == [str(len(SECRET)), "77"]
    digest, without = table.columns["rationale_hash"].cells()[:2]
    assert len(digest or "") == 16
    assert without == ""
