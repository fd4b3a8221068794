"""Sources of several tables: folders joined by identifier or date, Annex A, the census."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import xlsxwriter

from triage.errors import InputError
from triage.records import Loaded, load
from triage.sources import read_source
from triage.tables import Source
from triage.validation import BLANK, GIVEN, UNREADABLE, UNTOLD

AS_OF = dt.date(2023, 6, 30)


def folder(path: Path, **tables: str) -> Source:
    path.mkdir(exist_ok=True)
    for name, text in tables.items():
        (path / f"{name}.csv").write_text(text.replace(" ", "\n") + "\n", "utf-8")
    return read_source(str(path))


def decided(result: Loaded, column: str = "decision_at") -> dict[str, str | None]:
    found = result.referrals.column(column)
    days = found.value.astype("datetime64[D]").astype(str)
    return {
        str(identifier): day if state == 0 else None
        for identifier, state, day in zip(result.referrals.ids, found.state, days, strict=True)
    }


REFERRALS = "child_id,referral_date,referral_id A,2023-05-01,R1 A,2023-06-01,R2 B,2023-06-02,R3"


@pytest.mark.parametrize(
    "decisions",
    [
        "referral_id,decision_at R2,2023-06-05 R1,2023-05-02",
        "child_id,referral_date,decision_at A,2023-06-01,2023-06-05 A,01/05/2023,2023-05-02",
        "child_id,decision_at A,2023-06-05 A,2023-05-02",
    ],
    ids=["by identifier", "by child and referral date", "by child and the event's date"],
)
def test_a_table_beside_the_referrals_is_joined(tmp_path: Path, decisions: str) -> None:
    result = load([folder(tmp_path, referrals=REFERRALS, decisions=decisions)], AS_OF)
    assert decided(result) == {"R1": "2023-05-02", "R2": "2023-06-05", "R3": None}
    assert result.problems == ()


def test_rows_without_an_identifier_go_by_child_and_date(tmp_path: Path) -> None:
    source = folder(
        tmp_path,
        referrals="child_id,referral_date,referral_id A,2023-05-01, A,2023-06-01,R2 B,2023-06-02,",
        decisions="referral_id,child_id,referral_date,decision_at ,A,2023-05-01,2023-05-02 "
        ",A,2023-06-01,2023-06-05 ,C,2023-06-02,2023-06-05 ,,,2023-06-06",
    )
    result = load([source], AS_OF)
    assert decided(result) == {
        "A/2023-05-01/1": "2023-05-02", "R2": "2023-06-05", "B/2023-06-02/1": None,
    }  # fmt: skip
    unused = [p.row for p in result.problems if "matches no referral" in p.message]
    assert unused == [4, 5]


def test_files_that_are_no_known_table_are_named_and_rows_that_match_nothing_listed(
    tmp_path: Path,
) -> None:
    source = folder(
        tmp_path,
        referrals=REFERRALS,
        decision="referral_id,decision_at R1,2023-05-02",
        figures="a,b 1,2",
        oversight="child_id,last_oversight_on Z,2023-05-02 A,2019-05-02 A,2023-05-03",
    )
    notes = "\n".join(source.notes)
    assert "decision.csv: is none of the tables that are known" in notes
    assert "did you mean decisions.csv?" in notes
    assert "figures.csv: is none of the tables that are known, and was passed over" in notes
    result = load([source], AS_OF)
    assert [(p.row, p.column) for p in result.problems] == [(2, "child_id"), (3, "child_id")]


def test_an_empty_table_beside_is_called_empty(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"allocations\.csv: is empty"):
        folder(tmp_path, referrals=REFERRALS, allocations="")


def test_an_identifier_that_two_referrals_share_gives_neither_the_others_rows(
    tmp_path: Path,
) -> None:
    referrals = "child_id,referral_date,referral_id A,2023-05-01,R1 B,2023-06-01,R1"
    by_name = folder(
        tmp_path / "one", referrals=referrals, decisions="referral_id,decision_at R1,2023-05-02"
    )
    assert decided(load([by_name], AS_OF)) == {"R1": "2023-05-02", "B/2023-06-01/1": None}
    by_both = folder(
        tmp_path / "two",
        referrals=referrals,
        decisions="referral_id,child_id,referral_date,decision_at R1,B,2023-06-01,2023-06-05 "
        "R1,A,2023-05-01,2023-05-02",
    )
    assert decided(load([by_both], AS_OF)) == {
        "R1": "2023-05-02", "B/2023-06-01/1": "2023-06-05",
    }  # fmt: skip


def test_a_row_that_cannot_be_dated_may_have_been_the_one_that_counts(tmp_path: Path) -> None:
    source = folder(
        tmp_path,
        referrals=REFERRALS,
        decisions="referral_id,decision_at R1, R1,2023-02-31 R2,2023-02-31 R2,2023-06-05",
        oversight="referral_id,last_oversight_on R1,2023-05-02 R1,2023-13-01",
    )
    result = load([source], AS_OF)
    state = result.referrals.column("decision_at").state.tolist()
    assert state == [UNREADABLE, GIVEN, BLANK]
    assert result.referrals.column("last_oversight_on").state.tolist()[0] == UNREADABLE


def test_of_several_decisions_the_first_counts_and_of_notes_the_last_before_the_day(
    tmp_path: Path,
) -> None:
    source = folder(
        tmp_path,
        referrals=REFERRALS,
        decisions="referral_id,decision_at,risk_rating R1,2023-05-09,red R1,2023-05-02,green",
        oversight="referral_id,last_oversight_on R1,2023-05-20 R1,2023-06-20 R1,2023-07-20",
    )
    result = load([source], AS_OF)
    assert decided(result)["R1"] == "2023-05-02"
    rating = result.referrals.column("risk_rating")
    assert rating.names[rating.value[0]] == "green"
    assert decided(result, "last_oversight_on")["R1"] == "2023-06-20"


def test_rows_that_match_no_referral_and_cells_that_cannot_be_read_name_their_own_table(
    tmp_path: Path,
) -> None:
    source = folder(
        tmp_path,
        referrals=REFERRALS,
        decisions="referral_id,decision_at R9,2023-05-02 R1,2023-02-31",
    )
    result = load([source], AS_OF)
    found = {(Path(p.source).name, p.row, p.column) for p in result.problems}
    assert found == {("decisions.csv", 2, "referral_id"), ("decisions.csv", 3, "decision_at")}
    assert result.referrals.column("decision_at").state.tolist() == [2, 1, 1]


def test_tables_that_answer_nothing_and_columns_out_of_place_are_named(tmp_path: Path) -> None:
    source = folder(
        tmp_path,
        referrals=REFERRALS.replace("referral_id", "referral_id,decision_at", 1).replace(
            ",R1", ",R1,2020-01-01"
        ),
        decisions="referral_id,decision_at,team,mood R1,2023-05-02,North,good",
        contacts="child_id,contact_on A,2023-05-01",
    )
    notes = "\n".join(source.notes)
    assert "contacts.csv: was passed over, since it has no column contact_date" in notes
    assert "decisions.csv: column team belongs to another table" in notes
    assert "decisions.csv: unknown column 'mood'" in notes
    assert "referrals.csv: column decision_at was ignored: decisions.csv carries it" in notes


def test_a_table_that_is_there_twice_or_cannot_be_joined_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be joined"):
        folder(tmp_path / "one", referrals=REFERRALS, decisions="decision_at 2023-05-02")
    (tmp_path / "one" / "decisions.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"both decisions\.csv and decisions\.parquet"):
        read_source(str(tmp_path / "one"))


def test_annex_a_as_a_folder_of_lists_with_and_without_titles(tmp_path: Path) -> None:
    (tmp_path / "List 3.csv").write_text(
        "List 3: Referral,,,,\n"
        "Child Unique ID,Date of Birth,Date of referral,Referral Source,Referral NFA?\n"
        "1,01/02/2015,15/05/2023,q) 6: Police,a) Yes\n2,,16/05/2023,School,No\n"
        "3,,17/05/2023,Health,U\n"
    )
    (tmp_path / "List_4.csv").write_text(
        "Child Unique ID,Continuous Assessment Start Date,"
        "Continuous Assessment Date of Authorisation\n2,17/05/2023,20/06/2023\n9,01/01/2023,\n"
    )
    (tmp_path / "List_6.csv").write_text(
        "Child Unique ID,CIN Start Date,Primary Need Code,CIN Closure Date,Reason for Closure\n"
        "2,16/05/2023,N1 - Abuse or neglect,25/06/2023,g) Other\n"
    )
    source = read_source(str(tmp_path))
    result = load([source], AS_OF)
    referrals = result.referrals
    assert source.kind == "Ofsted Annex A"
    assert result.problems == ()
    sources = referrals.column("referral_source")
    assert [sources.names[v] for v in sources.value[:2]] == ["6", "2A"]
    assert sources.state.tolist() == [0, 0, 1]
    assert referrals.column("nfa").value[:2].tolist() == [1, 0]
    assert referrals.column("nfa").state.tolist() == [0, 0, 1]
    assert referrals.column("assessment_authorised_on").state.tolist() == [1, 0, 1]
    assert referrals.column("closed_on").state.tolist() == [UNTOLD, GIVEN, UNTOLD]


CENSUS = """<?xml version="1.0"?>
<Message xmlns="urn:any"><Children>
 <Child><ChildIdentifiers><LAchildID>A1</LAchildID><PersonBirthDate>2015-01-01</PersonBirthDate>
  <GenderCurrent>1</GenderCurrent></ChildIdentifiers>
  <CINdetails><CINreferralDate>2022-05-01</CINreferralDate><ReferralNFA>true</ReferralNFA>
  </CINdetails>
  <CINdetails><CINreferralDate>2022-09-01</CINreferralDate><PrimaryNeedCode>N1</PrimaryNeedCode>
   <Assessments><AssessmentActualStartDate>2022-10-01</AssessmentActualStartDate></Assessments>
   <Assessments><AssessmentActualStartDate>2022-09-02</AssessmentActualStartDate>
    <AssessmentAuthorisationDate>2022-09-20</AssessmentAuthorisationDate>
    <FactorsIdentifiedAtAssessment><AssessmentFactors>1A</AssessmentFactors>
     <AssessmentFactors>2B</AssessmentFactors></FactorsIdentifiedAtAssessment></Assessments>
   <Section47><S47ActualStartDate>2022-09-03</S47ActualStartDate>
    <ICPCnotRequired>0</ICPCnotRequired></Section47>
   <DateOfInitialCPC>2022-09-15</DateOfInitialCPC><Novelty><Part>1</Part></Novelty>
   <ReferralNFA>0</ReferralNFA></CINdetails></Child>
 <Child><ChildIdentifiers><LAchildID>B2</LAchildID><Sex>F</Sex></ChildIdentifiers>
  <CINdetails><CINreferralDate>1985-03-01</CINreferralDate><ReferralNFA>0</ReferralNFA>
  </CINdetails></Child>
</Children></Message>"""


def test_the_census_in_any_dress(tmp_path: Path) -> None:
    path = tmp_path / "census.xml"
    path.write_text(CENSUS, "utf-8")
    source = read_source(str(path))
    result = load([source], AS_OF)
    assert source.kind == "CIN census"
    assert source.referrals.rows.tolist() == [1, 1, 2]
    assert decided(result, "assessment_started_on")["A1/2022-09-01/1"] == "2022-09-02"
    assert decided(result, "assessment_authorised_on")["A1/2022-09-01/1"] == "2022-09-20"
    assert decided(result, "icpc_on")["A1/2022-09-01/1"] == "2022-09-15"
    assert decided(result, "strategy_discussion_on")["A1/2022-05-01/1"] is None
    notes = "\n".join(source.notes)
    for said in ("without a Header", "GenderCurrent", "unknown block Novelty", "ReferralNFA",
                 "more than one assessment"):  # fmt: skip
        assert said in notes
    assert "Part" not in notes


def test_a_census_referral_from_before_the_calendar_is_a_problem_not_a_lost_row(
    tmp_path: Path,
) -> None:
    path = tmp_path / "census.xml"
    path.write_text(CENSUS, "utf-8")
    result = load([read_source(str(path))], AS_OF)
    assert result.n_rejected == 0
    assert [(p.row, p.column, p.kind) for p in result.problems] == [(2, "referral_date", "problem")]


def test_an_error_in_a_workbook_is_a_cell_that_cannot_be_read_never_a_blank_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "table.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("Cover & notes").write(0, 0, "Made by the records team")
        sheet = book.add_worksheet("Referrals")
        headings = ["child_id", "referral_date", "decision_at", "team", "rationale"]
        sheet.write_row(2, 1, headings)
        sheet.write_row(3, 1, ["A", "2023-06-01"])
        sheet.write_formula(3, 3, "=1/0", None, "#DIV/0!")
        sheet.write_formula(3, 4, "=NA()", None, "#N/A")
        sheet.write_formula(3, 5, "=NA()", None, "#N/A")
        sheet.write_row(4, 1, ["B", "2023-06-02", "2023-06-02"])
        sheet.write_formula(5, 1, "=#REF!", None, "#REF!")
        sheet.write(5, 2, "2023-06-03")
    result = load([read_source(str(path))], AS_OF)
    assert result.n_rejected == 1
    told = {(p.kind, p.row, p.column) for p in result.problems}
    assert told == {
        ("problem", 2, "decision_at"), ("problem", 2, "team"), ("rejected", 4, "child_id"),
        ("problem", 4, "child_id"),
    }  # fmt: skip
    decision = result.referrals.column("decision_at")
    assert decision.state.tolist() == [UNREADABLE, GIVEN]
    assert result.referrals.column("team").state.tolist() == [UNREADABLE, BLANK]
    assert result.referrals.column("rationale_length").state.tolist() == [UNTOLD, BLANK]
    (message,) = [p.message for p in result.problems if p.column == "team"]
    assert message == "'#N/A' is an error of the spreadsheet, not a value"
