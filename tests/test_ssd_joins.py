"""Tables of the Standard Safeguarding Dataset put together: persons, assessments, enquiries."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from ssd_helpers import (
    AS_OF,
    TWO_REFERRALS,
    Row,
    beside,
    cells,
    episode,
    involvement,
    loaded,
    read,
    records,
    sqlite,
    told,
)

from triage.reading import Reading
from triage.records import load
from triage.sources import read_source
from triage.sources.ssd import read_ssd
from triage.sources.ssd_tables import EPISODES, TABLES
from triage.tables import LOST
from triage.validation import GIVEN


def test_a_person_entered_twice_is_one_child_with_one_birth_date(tmp_path: Path) -> None:
    people = [
        {"pers_person_id": "A", "pers_dob": "2015-02-03 00:00:00"},
        {"pers_person_id": "A", "pers_dob": None, "pers_expected_dob": "2015-02-01 00:00:00"},
        {"pers_person_id": "B", "pers_dob": "2016-02-03 00:00:00"},
        {"pers_person_id": "B", "pers_dob": "2017-02-03 00:00:00"},
        {"pers_person_id": "-1", "pers_dob": "2000-01-01 00:00:00"},
    ]
    rows = [
        episode(cine_referral_id="R1"),
        episode(cine_referral_id="R2", cine_person_id="B"),
        episode(cine_referral_id="R3", cine_person_id="C"),
        episode(cine_referral_id="R4", cine_person_id="-1"),
    ]
    source = read(tmp_path, ssd_cin_episodes=rows, ssd_person=people)
    names = ("child_id", "date_of_birth", "expected_date_of_birth")
    assert records(source.referrals, *names) == [
        ("A", "2015-02-03", "2015-02-01"),
        ("B", LOST, ""),
        ("C", LOST, LOST),
        ("", LOST, LOST),
    ]
    assert source.notes[1:] == (
        "ssd_cin_episodes: 1 row of person -1, which is nobody: rejected",
        "ssd_person: pers_dob of one person is given in several ways; unknown for 1 referral",
        "ssd_person: holds no person for 1 referral, whose birth date is unknown",
    )
    result = loaded(source)
    assert (result.n_read, result.n_rejected, len(result.referrals)) == (4, 1, 3)


def test_a_child_in_several_families_has_no_household(tmp_path: Path) -> None:
    rows = [episode(cine_referral_id=f"R{child}", cine_person_id=child) for child in "ABCD"]
    families = [
        {"fami_table_id": n, "fami_family_id": family, "fami_person_id": child}
        for n, (family, child) in enumerate(
            [("F1", "A"), ("F1", "A"), ("F1", "B"), ("F2", "B"), ("-1", "C"), ("F9", "-1")]
        )
    ]
    source = read(tmp_path, ssd_cin_episodes=rows, ssd_family=families)
    assert cells(source.referrals, "household_id") == ["F1", "", "", ""]
    assert "ssd_family: 1 child is in several families; household left blank" in source.notes


def test_what_stands_for_nobody_is_blank_everywhere(tmp_path: Path) -> None:
    source = read(
        tmp_path,
        ssd_cin_episodes=[episode(cine_referral_team="-1"), episode(cine_referral_id="-1")],
        ssd_cin_assessments=[
            {
                "cina_assessment_id": "S1",
                "cina_person_id": "-1",
                "cina_referral_id": "R1",
                "cina_assessment_start_date": "2023-05-04 00:00:00",
            }
        ],
        ssd_early_help_episodes=[
            {
                "earl_episode_id": "E1",
                "earl_person_id": "-1",
                "earl_episode_start_date": "2023-01-01",
            }
        ],
    )
    assert records(source.referrals, "referral_id", "team") == [("", ""), ("R1", "")]
    assert cells(beside(source, "assessments").table, "child_id") == [""]
    assert source.notes[1:] == (
        "ssd_cin_assessments: 1 row of person -1, which is nobody: joined by their referral alone",
        "ssd_early_help_episodes: 1 row of person -1, which is nobody: not used",
    )


def assessment(number: str, referral: str | None, started: str) -> Row:
    return {
        "cina_assessment_id": number,
        "cina_person_id": "A",
        "cina_referral_id": referral,
        "cina_assessment_start_date": f"{started} 00:00:00",
        "cina_assessment_auth_date": None,
    }


def test_an_assessment_belongs_to_the_referral_it_names_else_to_the_one_before_it(
    tmp_path: Path,
) -> None:
    source = read(
        tmp_path,
        ssd_cin_episodes=TWO_REFERRALS,
        ssd_cin_assessments=[
            assessment("S1", "R1", "2023-05-02"),
            assessment("S2", None, "2023-05-03"),
            assessment("S3", "GONE", "2023-05-04"),
        ],
    )
    assert told(source, "assessment_started_on") == {"R1": "2023-05-02", "R2": "2023-05-03"}
    unmatched = [p for p in loaded(source).problems if "matches no referral" in p.message]
    assert [(p.row, p.source[-21:]) for p in unmatched] == [(4, "[ssd_cin_assessments]")]


def enquiry(number: str, started: str, **more: str | None) -> Row:
    return {
        "s47e_s47_enquiry_id": number,
        "s47e_referral_id": "R1",
        "s47e_person_id": "A",
        "s47e_s47_start_date": f"{started} 00:00:00",
        **more,
    }


def conference(number: str, held: str | None, **more: str | None) -> Row:
    date = None if held is None else f"{held} 00:00:00"
    return {"icpc_icpc_id": number, "icpc_icpc_date": date, **more}


def test_a_conference_goes_to_its_enquiry_else_to_the_latest_one_of_its_referral(
    tmp_path: Path,
) -> None:
    source = read(
        tmp_path,
        ssd_s47_enquiry=[
            enquiry("Q1", "2023-05-02"),
            enquiry("Q2", "2023-05-20"),
            enquiry("Q3", "2023-06-20", s47e_referral_id="R3"),
        ],
        ssd_initial_cp_conference=[
            conference("C1", "2023-05-19", icpc_s47_enquiry_id="Q1"),
            conference("C2", "2023-05-16", icpc_s47_enquiry_id="Q1"),
            conference("C3", "2023-05-20", icpc_referral_id="R1"),
            conference("C4", "2023-06-01", icpc_s47_enquiry_id="-1", icpc_referral_id="R3"),
            conference("C5", None, icpc_s47_enquiry_id="Q2"),
        ],
    )
    names = ("referral_id", "strategy_discussion_on", "section47_started_on", "icpc_on")
    assert records(beside(source, "section47s").table, *names) == [
        ("R1", "2023-05-02", "2023-05-02", "2023-05-16"),
        ("R1", "2023-05-20", "2023-05-20", "2023-05-20"),
        ("R3", "2023-06-20", "2023-06-20", "2023-06-01"),
    ]


def test_a_conference_without_an_enquiry_is_still_held_and_one_of_nothing_is_counted(
    tmp_path: Path,
) -> None:
    source = read(
        tmp_path,
        ssd_s47_enquiry=[enquiry("Q1", "2023-05-02", s47e_referral_id="R9")],
        ssd_initial_cp_conference=[
            conference("C1", "2023-05-19", icpc_s47_enquiry_id="GONE", icpc_referral_id="R1"),
            conference("C2", "2023-05-19", icpc_s47_enquiry_id="GONE"),
        ],
    )
    table = beside(source, "section47s").table
    names = ("referral_id", "child_id", "strategy_discussion_on", "icpc_on")
    assert records(table, *names) == [
        ("R9", "A", "2023-05-02", ""),
        ("R1", "", "", "2023-05-19"),
    ]
    assert table.rows.tolist() == [2, 3]
    assert told(source, "icpc_on") == {"R1": "2023-05-19"}
    assert source.notes[1] == (
        "ssd_initial_cp_conference: 1 row of neither an enquiry nor a referral; not used"
    )
    assert source.notes[2].startswith(
        "ssd_initial_cp_conference: 1 conference of a referral without an enquiry, from row 3 of "
    )


@pytest.mark.parametrize(
    ("nfa", "ended", "said"),
    [("Y", "2023-05-09", "true"), ("N", "2023-05-09", "false"), ("Y", None, ""),
     (None, "2023-05-09", ""), ("X", "2023-05-09", LOST)],
)  # fmt: skip
def test_a_conference_is_not_required_where_the_enquiry_ended_in_no_further_action(
    tmp_path: Path, nfa: str | None, ended: str | None, said: str | None
) -> None:
    row = enquiry("Q1", "2023-05-02", s47e_s47_nfa=nfa, s47e_s47_end_date=ended)
    source = read(tmp_path, ssd_s47_enquiry=[row])
    assert cells(beside(source, "section47s").table, "icpc_not_required") == [said]


def test_early_help_is_known_by_child(tmp_path: Path) -> None:
    row = {
        "earl_episode_id": "E1",
        "earl_person_id": "A",
        "earl_episode_start_date": "2022-01-01 00:00:00",
        "earl_episode_end_date": None,
    }
    child = beside(read(tmp_path, ssd_early_help_episodes=[row]), "early_help")
    names = ("child_id", "early_help_started_on", "early_help_ended_on")
    assert records(child.table, *names) == [("A", "2022-01-01", "")]
    assert child.match_by == "child"


def test_everything_but_the_episodes_may_be_missing_and_is_named_once(tmp_path: Path) -> None:
    source = read(tmp_path)
    assert source.notes == (
        "the database has no table ssd_person, ssd_family, ssd_cin_assessments, "
        "ssd_assessment_factors, ssd_s47_enquiry, ssd_initial_cp_conference, ssd_involvements, "
        "ssd_professionals, ssd_early_help_episodes, ssd_contacts: what they carry is unknown",
    )
    assert source.children == ()
    assert source.contacts is None
    assert not {"date_of_birth", "household_id", "allocated_at"} & source.referrals.columns.keys()


def test_tables_without_a_row_say_that_nothing_happened(tmp_path: Path) -> None:
    empty: dict[str, list[Row]] = {table.name: [] for table in TABLES if table is not EPISODES}
    source = read(tmp_path, **empty)
    assert told(source, "allocated_at") == {"R1": ""}
    assert told(source, "assessment_started_on") == {"R1": ""}
    assert told(source, "date_of_birth") == {"R1": LOST}
    assert loaded(source).contacts is not None


def test_referrals_without_identifiers_are_found_by_child_and_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ssd.db") as database:
        database.execute("CREATE TABLE ssd_cin_episodes (cine_person_id, cine_referral_date)")
        database.execute("INSERT INTO ssd_cin_episodes VALUES ('A', '2023-05-01 00:00:00')")
    database.close()
    tables: dict[str, list[Row]] = {
        "ssd_cin_assessments": [assessment("S1", "R1", "2023-05-03")],
        "ssd_involvements": [involvement("I1", "2023-05-02")],
    }
    source = read_ssd(sqlite(tmp_path / "ssd.db", **tables), Reading())
    assert told(source, "assessment_started_on") == {"A/2023-05-01/1": "2023-05-03"}
    assert told(source, "allocated_at") == {"A/2023-05-01/1": "2023-05-02"}


def test_decisions_of_the_council_are_joined_to_the_dataset(tmp_path: Path) -> None:
    decisions = tmp_path / "decisions.csv"
    decisions.write_text("referral_id,child_id,decision_at\nR2,A,2023-05-02\n,A,2023-01-12\n")
    source = read(tmp_path, ssd_cin_episodes=TWO_REFERRALS)
    joined = load([source, read_source(str(decisions))], AS_OF)
    assert [(j.n_by_identifier, j.n_earlier, j.n_unmatched) for j in joined.joins] == [(1, 1, 0)]
    assert joined.referrals.column("decision_at").state.tolist() == [GIVEN, GIVEN]


def test_a_problem_names_the_referral_since_rows_of_a_database_have_no_number(
    tmp_path: Path,
) -> None:
    source = read(
        tmp_path,
        ssd_cin_episodes=[
            episode(cine_referral_id="R7", cine_cin_primary_need_code="N12"),
            episode(cine_referral_id="R8"),
        ],
    )
    problems = [one for one in loaded(source).problems if one.column == "primary_need"]
    assert [one.message[:6] for one in problems] == ["'N12' "]
    assert problems[0].message.endswith("(referral R7)")
