"""A mapping is found, applied as it says, and refused with its key where it is wrong."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from council_tables import STYLES, in_style, referrals, write_csv

from triage.reading import Reading
from triage.sources import read_source
from triage.sources.mapping import mapping_for
from triage.sources.mapping_file import ColumnMapping
from triage.sources.mapping_text import mapping_text
from triage.tables import Extract, Source

TABLE = """\
Person ID,Ref Start,Source,Decided,Notes
A1,3/5/2022,police,3 May 2022 9:05 am,seen
A1,14/6/2022,MASH,45/6/2022,seen again
B2,1/7/2022,2a,,
"""
MAPPING = """\
[columns."Person ID"]
means = "child_id"
[columns."Ref Start"]
means = "referral_date"
dates = "day-first"
[columns."source"]
means = "referral_source"
codes = { "POLICE" = 6, "Mash" = "5B" }
[columns.Decided]
means = "decision_at"
dates = "day-first"
[columns.Notes]
means = ""
[columns."Gone"]
means = "team"
"""


@pytest.fixture
def report(workplace: Path) -> Path:
    """A table of a council's own with its mapping beside it."""
    (workplace / "report.mapping.toml").write_text(MAPPING, "utf-8")
    path = workplace / "report.csv"
    path.write_text(TABLE, "utf-8")
    return path


def cells(source: Source, name: str) -> list[str | None]:
    return source.referrals.columns[name].cells()


def of(path: Path | str, reading: Reading = Reading()) -> Source:  # noqa: B008
    found = read_source(str(path), reading)
    assert isinstance(found, Source)
    return found


def test_headings_dates_and_codes_are_read_as_the_mapping_says(report: Path) -> None:
    found = of(report)
    assert cells(found, "child_id") == ["A1", "A1", "B2"]
    assert cells(found, "referral_date") == ["2022-05-03", "2022-06-14", "2022-07-01"]
    assert cells(found, "referral_source") == ["6", "5B", "2a"]
    assert cells(found, "decision_at") == ["2022-05-03T09:05", "45/6/2022", ""]
    mapping = report.with_name("report.mapping.toml")
    sha256 = hashlib.sha256(mapping.read_bytes()).hexdigest()
    assert found.notes == (
        f"read by the mapping {mapping} (SHA-256 {sha256[:16]}…)",
        "left out by the mapping: 'Notes'",
        "in the mapping, not in the table: 'Gone'",
    )


def test_what_does_not_fit_is_listed_with_what_was_typed(triage, report: Path) -> None:
    code, told, _ = triage("check", report, "--as-of", "2022-07-30", "--format", "json")
    assert code == 0
    found = json.loads(told)
    assert [(one["row"], one["column"]) for one in found["problems"]] == [(3, "decision_at")]
    assert "'45/6/2022'" in found["problems"][0]["message"]
    assert "left out by the mapping: 'Notes'" in found["notes"]


def test_a_heading_that_the_mapping_lacks_is_ignored_with_a_note(report: Path) -> None:
    report.write_text(TABLE.replace("Notes", "Team"), "utf-8")
    found = of(report)
    assert "team" not in found.referrals.columns
    assert "not in the mapping, ignored: 'Team'" in found.notes


def test_a_mapping_is_used_by_its_name_and_by_its_path(triage, report: Path) -> None:
    beside = report.with_name("report.mapping.toml")
    code, expected, _ = triage("check", report, "--as-of", "2022-07-30", "--format", "csv")
    assert code == 0
    Path("mappings").mkdir()
    beside.rename("mappings/case system.toml")
    for named in ("case system", "mappings/case system.toml"):
        asked = ("check", report, "--as-of", "2022-07-30", "--format", "csv", "--mapping", named)
        assert triage(*asked)[:2] == (0, expected)
    code, _, said = triage("check", report, "--mapping", "case-system")
    assert code == 2
    assert "there is no mapping mappings/case-system.toml; did you mean case system?" in said
    code, _, said = triage("check", report, "--mapping", "elsewhere.toml")
    assert code == 2
    assert "there is no mapping elsewhere.toml" in said


def test_a_mapping_named_in_the_settings_is_used(triage, report: Path) -> None:
    Path("mappings").mkdir()
    report.with_name("report.mapping.toml").rename("mappings/ours.toml")
    Path("triage.toml").write_text('mapping = "ours"\n', "utf-8")
    code, told, _ = triage("check", report, "--as-of", "2022-07-30", "--format", "json")
    assert code == 0
    assert json.loads(told)["rows"]["read"] == 3


def test_a_named_mapping_leaves_alone_the_tables_it_was_not_made_for(
    triage, report: Path, records: Path
) -> None:
    mapping = report.with_name("report.mapping.toml").rename("ours.toml")
    asked = (records, "--as-of", "2023-06-30", "--window", "all", "--format", "json")
    expected = json.loads(triage("check", *asked)[1])
    found = json.loads(triage("check", *asked, "--mapping", mapping)[1])
    assert found["flags"] == expected["flags"] != []
    assert found["notes"] == [
        "the mapping ours.toml was not used: its headings are not in the table"
    ]


def test_the_mapping_beside_a_table_goes_before_the_named_one(report: Path) -> None:
    other = report.with_name("other.toml")
    other.write_text(MAPPING.replace('"day-first"', '"month-first"'), "utf-8")
    assert cells(of(report, Reading(mapping=str(other))), "referral_date")[0] == "2022-05-03"


def test_a_mapping_beside_another_table_is_refused(triage, report: Path) -> None:
    report.write_text("child_id,referral_date\nA,2022-05-03\n", "utf-8")
    code, _, said = triage("check", report)
    assert code == 3
    assert "report.mapping.toml is the mapping of another table" in said


def test_a_mapping_that_maps_nothing_is_told_of(triage, report: Path) -> None:
    report.with_name("report.mapping.toml").write_text(
        '[columns."Person ID"]\nmeans = ""\n', "utf-8"
    )
    code, _, said = triage("check", report)
    assert code == 3
    assert "report.mapping.toml gives it no child_id with a date; mend it" in said


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_a_title_above_sheets_and_types_are_no_hindrance(workplace: Path, form: str) -> None:
    (workplace / "report.mapping.toml").write_text(MAPPING, "utf-8")
    path = workplace / f"report.{form}"
    rows = [line.split(",") for line in TABLE.splitlines()]
    if form == "csv":
        path.write_text(f"All referrals of the quarter\n\n{TABLE}", "utf-8")
    elif form == "parquet":
        pd.DataFrame(rows[1:], columns=rows[0]).to_parquet(path)
    else:
        with xlsxwriter.Workbook(path) as book:
            book.add_worksheet("Read me").write_row(0, 0, ["What", "is", "here"])
            sheet = book.add_worksheet("Data")
            sheet.write(0, 0, "All referrals of the quarter")
            for number, row in enumerate(rows, start=2):
                sheet.write_row(number, 0, row)
    found = of(path)
    assert cells(found, "referral_date") == ["2022-05-03", "2022-06-14", "2022-07-01"]
    assert cells(found, "referral_source") == ["6", "5B", "2a"]


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_a_mapping_is_proposed_for_each_kind_of_file(triage, workplace: Path, form: str) -> None:
    rows = in_style(referrals(40), STYLES["a spreadsheet kept by hand"])
    path = workplace / f"report.{form}"
    if form == "csv":
        write_csv(path, rows)
        path.write_text(f"Quarter 2\n{path.read_text('utf-8')}", "utf-8")
    elif form == "parquet":
        pd.DataFrame(rows).to_parquet(path)
    else:
        with xlsxwriter.Workbook(path) as book:
            book.add_worksheet("Read me").write_row(0, 0, ["What", "is", "here"])
            sheet = book.add_worksheet("Data")
            sheet.write(0, 0, "Quarter 2")
            for number, row in enumerate([list(rows[0]), *[list(row.values()) for row in rows]]):
                sheet.write_row(number + 1, 0, row)
    code, _, said = triage("sources", "map", path)
    assert code == 0, said
    assert len(of(path).referrals.columns) == len(rows[0])


def test_a_table_of_decisions_is_mapped_and_joined(triage, workplace: Path, records: Path) -> None:
    (workplace / "boss.csv").write_text(
        "Mosaic No,Mgr Decision Date,RAG\nB,02/06/2023,Red\nC,26/06/2023,Green\n", "utf-8"
    )
    plain = workplace / "decisions.csv"
    plain.write_text("child_id,decision_at,risk_rating\nB,2023-06-02,red\nC,2023-06-26,green\n",
                     "utf-8")  # fmt: skip
    referral_columns = [0, 1, 2, 3]
    text = records.read_text("utf-8").splitlines()
    records.write_text(
        "\n".join(",".join(line.split(",")[i] for i in referral_columns) for line in text), "utf-8"
    )
    code, told, _ = triage("sources", "map", "boss.csv")
    assert code == 0
    assert "a table of decisions, to give beside the referrals" in told
    asked = ("--as-of", "2023-06-30", "--window", "all", "--format", "csv")
    expected = triage("check", records, plain, *asked)
    assert expected[0] == 0
    assert triage("check", records, "boss.csv", *asked)[:2] == expected[:2]
    assert isinstance(read_source("boss.csv"), Extract)


def test_tables_of_a_folder_are_read_by_the_mappings_in_it(workplace: Path) -> None:
    folder = workplace / "extract"
    folder.mkdir()
    (folder / "referrals.csv").write_text(TABLE, "utf-8")
    (folder / "referrals.mapping.toml").write_text(MAPPING, "utf-8")
    (folder / "allocations.csv").write_text("child_id,allocated_at\nA1,2022-05-04\n", "utf-8")
    found = of(folder)
    assert cells(found, "referral_source") == ["6", "5B", "2a"]
    assert any(note.startswith("referrals.csv: read by the mapping") for note in found.notes)


def test_rows_cut_short_are_unknown_and_told_of(report: Path) -> None:
    report.write_text(f"{TABLE}C3,2/7/2022\n", "utf-8")
    found = of(report)
    assert cells(found, "referral_source")[-1] is None
    assert cells(found, "referral_date")[-1] == "2022-07-02"
    assert "the row has 2 cells under 5 headings" in found.referrals.problems[0].message


def test_two_columns_under_one_mapped_heading_are_refused(triage, report: Path) -> None:
    report.write_text(TABLE.replace("Notes", "Source"), "utf-8")
    code, _, said = triage("check", report)
    assert code == 3
    assert "two columns are headed 'source'" in said


def test_a_list_of_factors_is_read_by_part_and_by_word(workplace: Path) -> None:
    (workplace / "a.mapping.toml").write_text(
        '[columns.child_id]\nmeans = "child_id"\n[columns.referral_date]\nmeans = "referral_date"\n'
        '[columns.Factors]\nmeans = "assessment_factors"\ncodes = { "Neglect" = "16A" }\n',
        "utf-8",
    )
    (workplace / "a.csv").write_text(
        'child_id,referral_date,Factors\nA,2022-05-03,"neglect, 2B"\n'
        'B,2022-05-03,"[""1A"",""3B""]"\n',
        "utf-8",
    )
    assert cells(of(workplace / "a.csv"), "assessment_factors") == ["16A;2B", "1A;3B"]


@pytest.mark.parametrize(
    ("old", "new", "choices"),
    [
        ('dates = "day-first"\n[columns."source"]', 'dates = "?"\n[columns."source"]',
         ["column 'Ref Start': how its dates are written", '"month-first" (5/3/2022 is 3 May)']),
        ('"Mash" = "5B"', '"Mash" = "?"', ["'Mash' stands for nothing yet", "5A, 5B, 5C"]),
    ],
)  # fmt: skip
def test_a_question_left_open_stops_the_reading(
    triage, report: Path, old: str, new: str, choices: list[str]
) -> None:
    mapping = report.with_name("report.mapping.toml")
    assert MAPPING.count(old) == 1
    mapping.write_text(MAPPING.replace(old, new), "utf-8")
    code, _, told = triage("check", report)
    assert code == 2
    assert f"{mapping}: column" in told
    assert all(choice in told for choice in choices)


def test_an_existing_mapping_is_never_overwritten_unasked(triage, report: Path) -> None:
    mapping = report.with_name("report.mapping.toml")
    code, _, said = triage("sources", "map", report)
    assert code == 2
    assert "is there already" in said
    assert mapping.read_text("utf-8") == MAPPING
    assert triage("sources", "map", report, "--output", "elsewhere.toml")[0] == 0
    assert "--mapping elsewhere.toml" in triage(
        "sources", "map", report, "--output", "elsewhere.toml", "--overwrite"
    )[2]  # fmt: skip
    assert mapping.read_text("utf-8") == MAPPING
    assert triage("sources", "map", report, "--overwrite")[0] == 0
    assert mapping.read_text("utf-8") != MAPPING
    code, _, said = triage("sources", "map", report, "--output", report, "--overwrite")
    assert code == 2
    assert report.read_text("utf-8") == TABLE


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "census.xml",
            "<Message><CINdetails/></Message>",
            "a mapping is for CSV, Parquet and Excel",
        ),
        ("empty.csv", "  \n", "is empty"),
        ("heads.csv", "Person ID,Ref date\n", "holds no rows"),
        ("903.csv", "CHILD,DECOM,RNE\n1,2,3\n", "the looked-after children return"),
        ("gone.csv", None, "there is no such file"),
    ],
)
def test_what_cannot_be_mapped_is_refused(
    triage, workplace: Path, name: str, content: str | None, said: str
) -> None:
    if content is not None:
        (workplace / name).write_text(content, "utf-8")
    code, _, told = triage("sources", "map", name)
    assert code == 3
    assert said in told
    assert not list(workplace.glob("*.toml"))


def test_a_folder_is_not_mapped_as_a_whole(triage, workplace: Path) -> None:
    code, _, told = triage("sources", "map", workplace)
    assert code == 3
    assert "name one of the tables in it" in told


def test_a_table_that_is_not_understood_is_refused_with_what_to_do(triage, workplace: Path) -> None:
    path = workplace / "report.csv"
    path.write_text(TABLE, "utf-8")
    assert f"`triage sources map {path}` proposes what its columns mean" in triage("check", path)[2]
    book = workplace / "report.xlsx"
    with xlsxwriter.Workbook(book) as writer:
        writer.add_worksheet().write_row(0, 0, TABLE.splitlines()[0].split(","))
    assert f"`triage sources map {book}` proposes" in triage("check", book)[2]
    path.write_text("CHILD,DECOM,RNE\n1,2,3\n", "utf-8")
    code, _, said = triage("check", path)
    assert code == 3
    assert "looked-after" in said
    assert "sources map" not in said


def test_several_columns_under_one_heading_are_written_and_read(workplace: Path) -> None:
    pair = ("strategy_discussion_on", "section47_started_on")
    text = mapping_text("a.csv", {
        "Child": ColumnMapping(means="child_id"),
        "Ref": ColumnMapping(means="referral_date"),
        "Strat": ColumnMapping(means=pair, dates="day-first"),
    })  # fmt: skip
    (workplace / "a.mapping.toml").write_text(text, "utf-8")
    (workplace / "a.csv").write_text("Child,Ref,Strat\nA,2022-05-03,4.5.22\n", "utf-8")
    found = of(workplace / "a.csv")
    assert [cells(found, name) for name in pair] == [["2022-05-04"], ["2022-05-04"]]


def test_without_a_mapping_nothing_is_mapped(workplace: Path) -> None:
    assert mapping_for(workplace / "report.csv", Reading()) is None


def test_a_large_table_is_read_by_its_mapping_without_an_object_a_row(workplace: Path) -> None:
    n = 30_000
    days = np.datetime64("2016-01-01") + np.arange(n) % 2_000
    frame = pd.DataFrame(
        {"Person ID": [f"P{i % 9_000}" for i in range(n)],
         "Ref Start": pd.to_datetime(days).strftime("%d/%m/%Y"), "Source": "police",
         "Decided": "", "Notes": ""}
    )  # fmt: skip
    frame.to_csv(workplace / "report.csv", index=False)
    (workplace / "report.mapping.toml").write_text(MAPPING, "utf-8")
    column = of(workplace / "report.csv").referrals.columns["referral_date"]
    assert len(column.texts) == 2_000
    assert column.texts[0] == "2016-01-01"
