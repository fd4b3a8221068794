"""Ofsted's Annex A as councils send it: workbooks and folders, headings, lists, and traps."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from annex_a_files import FORMS, LIST_3, LIST_6, SHORT, Cell, Rows, write
from conftest import Triage
from hypothesis import given
from hypothesis import strategies as st

from triage.errors import InputError
from triage.records import Loaded, load
from triage.sources import read_source
from triage.sources.annex_a_headings import list_number
from triage.sources.annex_a_words import SOURCE_WORDS
from triage.tables import Source
from triage.validation import BLANK, GIVEN, UNTOLD

AS_OF = dt.date(2023, 6, 30)
MAY = dt.date(2023, 5, 1)


def row_3(child: Cell, day: Cell, source: Cell = "", nfa: Cell = "", count: Cell = "") -> Rows:
    return [child, None, None, None, None, day, source, nfa, count, "North", "A. Worker"]


def annex(place: Path, lists: dict[str, Rows], form: str = "xlsx") -> Source:
    source = read_source(str(write(form, place, lists)))
    assert isinstance(source, Source)
    assert source.kind == "Ofsted Annex A"
    return source


def loaded(source: Source) -> Loaded:
    return load([source], AS_OF)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("List 3", 3), ("List_3", 3), ("list3", 3), ("LIST  03", 3), ("3 Referrals", 3),
        ("03_referrals", 3), ("Annex A - List 3", 3), ("AnnexA_List3 Referrals", 3),
        ("AnnexAList3", 3), ("List 3 - Referral", 3), ("List.3", 3), ("List 1", 1), ("List 10", 10),
        ("list11", 11), ("5 S47s and ICPCs", 5), ("6. Children in Need", 6), ("2-Early Help", 2),
        ("Guidance", None), ("3 Contacts", None), ("Checklist 3", None), ("Referrals", None),
        ("2023 Referrals", None), ("List", None),
    ],
)  # fmt: skip
def test_a_list_is_known_by_its_number_however_the_sheet_is_named(
    name: str, number: int | None
) -> None:
    assert list_number(name) == number


@pytest.mark.parametrize("form", FORMS)
def test_every_list_is_read_in_every_form_past_titles_guidance_and_lists_of_care(
    tmp_path: Path, form: str
) -> None:
    child, born = 6537810, dt.date(2015, 2, 28)
    start = ["Child Unique ID", "Date of Birth"]
    source = annex(
        tmp_path,
        {
            "Guidance": [["List 3: all referrals of the six months before"], ["Child Unique ID"]],
            "List_1": [["List 1: Contacts"], [*start, "Date of Contact", "Contact Source"],
                       [child, born, MAY, "q) 6: Police"]],
            "List_2": [[*start, "Assessment start date"], [child, born, dt.date(2023, 6, 1)]],
            "List_3": [["List 3: Referral"], LIST_3,
                       [child, "b) Female", "a) WBRI", born, 8, MAY, "j) 3D: Health services",
                        "b) No", 2, "North", "A. Worker"]],
            "List_4": [[*start, "Continuous Assessment Start Date",
                        "Continuous Assessment Date of Authorisation"],
                       [child, born, dt.date(2023, 5, 2), dt.date(2023, 6, 20)]],
            "List_5": [[*start, "Strategy discussion initiating Section 47 Enquiry Start Date",
                        "Was an Initial Child Protection Conference deemed unnecessary?",
                        "Date of Initial Child Protection Conference"],
                       [child, born, dt.date(2023, 5, 3), "b) No", dt.date(2023, 5, 20)]],
            "List_6": [LIST_6, [child, MAY, "N1 - Abuse or neglect", dt.date(2023, 6, 29),
                                "RC7 - Services ceased", "e) Closed episode"]],
            "List_7": [[*start, "Child Protection Plan Start Date"], [child, born, MAY]],
            "List_10": [["Child Unique ID", "Date of referral"], [1, MAY]],
        },
        form,
    )  # fmt: skip
    result = loaded(source)
    assert result.problems == ()
    referrals = result.referrals
    assert source.referrals.columns["child_id"].cells() == ["6537810"]
    for name, value in (("referral_source", "3D"), ("primary_need", "N1"), ("team", "North")):
        assert referrals.column(name).names[referrals.column(name).value[0]] == value
    for name, value in (("nfa", 0), ("referrals_in_last_12_months", 2), ("icpc_not_required", 0)):
        assert (referrals.column(name).state[0], referrals.column(name).value[0]) == (GIVEN, value)
    for name in ("date_of_birth", "assessment_started_on", "assessment_authorised_on", "closed_on",
                 "strategy_discussion_on", "icpc_on"):  # fmt: skip
        assert referrals.column(name).state[0] == GIVEN, name
    assert result.contacts is not None
    assert result.contacts.n_read == 1
    assert {child.name for child in source.children} >= {"early_help"}
    (note,) = [note for note in source.notes if "List_7" in note]
    assert note.endswith("1 child protection plan, which no rule asks for")
    assert not any("unknown column" in note for note in source.notes)
    assert any("list 10" in note for note in source.notes) == (form != "folder")


@pytest.mark.parametrize(
    ("column", "heading"),
    [
        ("child_id", "Child ID"), ("child_id", "Child’s Unique Identifier"),
        ("child_id", "CHILD\u00a0UNIQUE\u00a0ID "), ("child_id", "Unique Child ID"),
        ("child_id", "ChildUniqueID"), ("child_id", "Child's identifier (LCS)"),
        ("referral_date", "Date of the Referral"), ("referral_date", "DATE OF\nREFERRAL"),
        ("referral_date", "Referral Date"), ("referral_date", "Date referral received?"),
        ("referral_source", "Source of Referral"), ("referral_source", "Source"),
        ("referral_source", "referral source?"), ("nfa", "NFA"), ("nfa", "Referral NFA"),
        ("nfa", "Referral – No Further Action?"),
        ("referrals_in_last_12_months", "Number of referrals in last 12 months?"),
        ("referrals_in_last_12_months", "ReferralsLast12Months"),
        ("referrals_in_last_12_months", "No. of Referrals within the last twelve months"),
        ("referrals_in_last_12_months", "Number of\nReferrals in\u00a0Last 12 Months"),
        ("team", "Team"), ("date_of_birth", "DOB"),
        ("expected_date_of_birth", "Expected Date of Birth"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["xlsx", "folder"])
def test_headings_are_known_as_councils_write_them(
    tmp_path: Path, form: str, column: str, heading: str
) -> None:
    usual = {"child_id": "Child Unique ID", "referral_date": "Date of referral"}
    headings = [*({**usual, column: heading}.values()), "Sex", "Age"]
    cells = {"child_id": "7", "referral_date": "01/05/2023"}
    cells.setdefault(column, "true" if column == "nfa" else "6")
    rows: Rows = [headings, [*cells.values(), "F", 3]]
    source = annex(tmp_path, {"List 3": rows}, form)
    (found,) = source.referrals.columns[column].cells()
    assert found == cells[column]
    assert source.notes == ()


def test_an_exact_heading_goes_before_one_that_says_the_same_and_the_other_is_named(
    tmp_path: Path,
) -> None:
    headings = ["Child ID number/ID", "Child Unique ID", "Source of the referral",
                "Date of first referral", "Date of referral", "Shoe size"]  # fmt: skip
    source = annex(tmp_path, {"List 3": [headings, ["old", "A", "GP", "", "01/05/2023", 4]]})
    assert source.referrals.columns["child_id"].cells() == ["A"]
    assert source.referrals.columns["referral_date"].cells() == ["01/05/2023"]
    assert source.referrals.columns["referral_source"].cells() == ["3A"]
    told = [note.partition(": ")[2] for note in source.notes]
    assert told == [
        "column 'Child ID number/ID' was ignored: 'Child Unique ID' is read as child_id",
        "column 'Date of first referral' was ignored: 'Date of referral' is read as referral_date",
        "unknown column 'Shoe size' was ignored",
    ]


@pytest.mark.parametrize(
    "heading", ["Date of previous referral", "Referral closed date", "Referral decision date"]
)
def test_a_date_of_something_else_is_not_the_date_of_referral(tmp_path: Path, heading: str) -> None:
    rows: Rows = [["Child Unique ID", heading, "NFA"], ["A", MAY, "No"]]
    with pytest.raises(InputError, match="looks like a table headed"):
        read_source(str(write("xlsx", tmp_path, {"List 3": rows})))


def test_loose_headings_mean_nothing_outside_the_lists(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("Child's Unique Identifier,Date of the Referral\nA,01/05/2023\n", "utf-8")
    with pytest.raises(InputError, match="looks like a table headed Child's Unique Identifier"):
        read_source(str(path))


@pytest.mark.parametrize("form", FORMS)
def test_a_list_that_cannot_be_used_is_named_and_the_others_are_read(
    tmp_path: Path, form: str
) -> None:
    lists: dict[str, Rows] = {
        "List 3": [SHORT, ["A", MAY, "", ""]],
        "List 4": [["Name", "Shoe size"], ["B", 4]],
    }
    (note,) = annex(tmp_path, lists, form).notes
    assert re.fullmatch(r".*List 4.*: was passed over, since none of its first rows .*", note)


@pytest.mark.parametrize("form", FORMS)
def test_lists_without_the_referrals_are_refused_in_a_sentence(tmp_path: Path, form: str) -> None:
    lists: dict[str, Rows] = {
        "List 1": [["Child Unique ID", "Date of Contact"], ["A", MAY]],
        "List 6": [LIST_6, ["A", MAY, "", "", "", ""]],
    }
    with pytest.raises(InputError, match="holds list 1, list 6 of Annex A and no List 3"):
        read_source(str(write(form, tmp_path, lists)))


@pytest.mark.parametrize("form", FORMS)
def test_a_list_that_is_there_twice_is_refused(tmp_path: Path, form: str) -> None:
    rows: Rows = [SHORT, ["A", MAY, "", ""]]
    with pytest.raises(InputError, match=r"holds list 3 twice \(List 3(.csv)?, List_3(.csv)?\)"):
        read_source(str(write(form, tmp_path, {"List 3": rows, "List_3": rows})))


def test_a_hidden_sheet_is_read_unless_one_in_sight_holds_the_list(tmp_path: Path) -> None:
    for hidden in ("List 3", "List 3 old"):
        path = tmp_path / f"{hidden}.xlsx"
        with xlsxwriter.Workbook(str(path)) as book:
            book.add_worksheet("Front sheet").merge_range(0, 0, 2, 5, "Annex A")
            for name, child in (("List 3 old", "old"), ("List 3", "new")):
                if name == "List 3" or hidden == "List 3 old":
                    sheet = book.add_worksheet(name)
                    sheet.merge_range(0, 0, 0, 3, "List 3: Referral")
                    sheet.write_row(1, 0, SHORT)
                    sheet.write_row(2, 0, [child, "01/05/2023"])
                    if name == hidden:
                        sheet.hide()
        source = read_source(str(path))
        assert source.referrals.columns["child_id"].cells() == ["new"]


def list_6(place: Path, *rows: tuple[Cell, Cell, Cell]) -> Loaded:
    children = [f"C{number}" for number in range(len(rows))]
    lists = {
        "List 3": [SHORT, *([child, MAY, "", "b) No"] for child in children)],
        "List 6": [LIST_6, *([child, MAY, "", day, reason, status]
                             for child, (day, reason, status) in zip(children, rows, strict=True))],
    }  # fmt: skip
    return loaded(annex(place, lists))


def test_a_closed_episode_without_a_date_is_never_taken_for_an_open_one(tmp_path: Path) -> None:
    result = list_6(
        tmp_path,
        ("", "", "e) Closed episode"),
        ("", "RC7", "Closed - stepdown"),
        ("", "", "c) Child in need plan"),
        (dt.date(2023, 6, 1), "RC7", "d) Open assessment"),
        ("", "", ""),
    )
    state = result.referrals.column("closed_on").state.tolist()
    assert state == [UNTOLD, UNTOLD, BLANK, GIVEN, BLANK]
    told = {(p.row, p.column, p.message.partition(" says")[0]) for p in result.problems}
    assert told == {
        (2, "closed_on", "the case status 'e) Closed episode'"),
        (3, "closed_on", "the case status 'Closed - stepdown'"),
    }


def test_a_reason_that_stands_for_two_codes_is_unknown_and_counted(tmp_path: Path) -> None:
    day = dt.date(2023, 6, 1)
    result = list_6(tmp_path, *([(day, "h) Not in need after assessment", "e)")] * 2))
    assert not set(result.referrals.column("closure_reason").state) & {GIVEN, BLANK}
    assert any("'h) Not in need after assessment' (2 rows) stands for two" in note
               for note in result.notes)  # fmt: skip


def checked(triage: Triage, path: Path, *more: str) -> dict[str, Any]:
    code, out, err = triage("check", path, "--as-of", "2023-06-30", "--window", "all",
                            "--history-from", "2021-01-01", "--format", "json", *more)  # fmt: skip
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.parametrize("form", FORMS)
def test_the_stated_number_of_referrals_is_compared_with_the_counted_one(
    triage: Triage, workplace: Path, form: str
) -> None:
    rows = [
        row_3("A", dt.date(2023, 1, 10), count=0),
        row_3("A", MAY, count=1),
        row_3("B", dt.date(2023, 1, 10), count=0),
        row_3("B", MAY, count=3),
        row_3("C", MAY, count="many"),
    ]
    found = checked(triage, write(form, workplace, {"List 3": [LIST_3, *rows]}))
    flags = [flag for flag in found["flags"] if flag["rule"] == "DQ-07"]
    assert [(flag["child_id"], flag["referral_date"]) for flag in flags] == [("B", "2023-05-01")]
    (rule,) = [rule for rule in found["rules"] if rule["id"] == "DQ-07"]
    assert (rule["flag"], rule["clear"], rule["cannot_tell"]) == (1, 3, 1)


CODES = tuple(SOURCE_WORDS)
TEXTS = st.text(
    st.characters(categories=("L", "Nd"), include_characters=" ,;'\"&<>-", max_codepoint=0x24F),
    min_size=1, max_size=12,
).map(lambda text: " ".join(text.split())).filter(bool)  # fmt: skip
RECORDS = st.lists(
    st.tuples(
        st.one_of(st.integers(1, 99_999_999), st.sampled_from(["007", "A1", "x-9"])),
        st.dates(dt.date(1990, 1, 1), dt.date(2050, 12, 31)),
        st.sampled_from(["", *CODES]),
        st.sampled_from(["", "true", "false"]),
        st.one_of(st.just(""), st.integers(0, 12)),
        st.one_of(st.just(""), TEXTS),
    ),
    min_size=1, max_size=12,
)  # fmt: skip
LABELS = {"": "", "true": "a) Yes", "false": "b) No"}


@given(records=RECORDS, form=st.sampled_from(FORMS))
def test_what_is_written_in_each_form_is_read_back_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[tuple[Any, dt.date, str, str, Any, str]],
    form: str,
) -> None:
    rows: list[Rows] = [
        [child, None, None, None, None, day, f"q) {code}: Group" if code else "", LABELS[nfa],
         count, team, None]
        for child, day, code, nfa, count, team in records
    ]  # fmt: skip
    place = tmp_path_factory.mktemp("made")
    columns = annex(place, {"List 3": [LIST_3, *rows]}, form).referrals.columns
    days = [f"{day:%d/%m/%Y}" if form == "folder" else day.isoformat() for _, day, *_ in records]
    assert columns["referral_date"].cells() == days
    for place_, name in ((0, "child_id"), (2, "referral_source"), (3, "nfa"),
                         (4, "referrals_in_last_12_months"), (5, "team")):  # fmt: skip
        assert columns[name].cells() == [str(record[place_]) for record in records], name


@pytest.mark.parametrize("name", ["List_3", "List 3", "list 3 Referrals"])
@pytest.mark.parametrize("titled", [True, False])
def test_annex_a_workbooks_are_known_by_the_list_whatever_stands_above_it(
    tmp_path: Path, name: str, titled: bool
) -> None:
    heading = ["Child Unique ID", "Date of referral", "Referral Source", "Referral NFA?"]
    rows: Rows = [
        ["List 3: Referral"],
        heading,
        [6537810, dt.date(2023, 5, 1), "j) 3D: Health services", "b) No"],
        [7, dt.date(2023, 5, 2), "Police", "Yes"],
    ]
    sheets = {"Guidance": [["Read this first"]], name: rows if titled else rows[1:]}
    source = read_source(str(write("xlsx", tmp_path, sheets)))
    columns = source.referrals.columns
    assert source.kind == "Ofsted Annex A"
    assert columns["child_id"].cells() == ["6537810", "7"]
    assert columns["referral_date"].cells() == ["2023-05-01", "2023-05-02"]
    assert columns["referral_source"].cells() == ["3D", "6"]
    assert columns["nfa"].cells() == ["false", "true"]
