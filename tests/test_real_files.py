"""Files in the field's real formats, made by others: each does what its README says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Triage

from triage.schema import COLUMNS
from triage.sources import read_source
from triage.tables import RawTable

REAL = REPOSITORY.parent / "shared" / "real"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not REAL.is_dir(), reason="the folder shared/real is not beside the project"
    ),
]
CENSUS = ("cin_2021.xml", "cin_2022.xml", "cin_2026.xml")


def check(triage: Triage, *names: str) -> dict[str, Any]:
    paths: list[str | Path] = [REAL / name for name in names]
    code, out, err = triage(
        "check", *paths, "--as-of", "2026-11-23", "--window", "all", "--format", "json"
    )
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_annex_a_with_plain_sheets(triage: Triage) -> None:
    found = check(triage, "annex_a_list_sheets.xlsx")
    assert found["inputs"][0]["kind"] == "Ofsted Annex A"
    assert found["rows"]["read"] == found["rows"]["judged"] == 6
    assert not any("6537810.0" in json.dumps(part) for part in found.values())
    columns = {problem["column"] for problem in found["problems"]}
    assert columns <= {"primary_need"}


def test_annex_a_with_title_rows_and_words_for_sources(triage: Triage) -> None:
    found = check(triage, "annex_a_ofsted_workbook.xlsx")
    assert found["rows"]["read"] == 5
    assert found["problems"] == []
    assert any("tolerated referral source 'Health'" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        ("cin_2021.xml", 1, ("stray text", "GenderCurrent", "true or false")),
        ("cin_2022.xml", 1, ("GenderCurrent", "true or false")),
        ("cin_2026.xml", 2, ("PreProceedingsandFGDM", "stray text", "true or false",
                             "assessment_authorised_on is before assessment_started_on")),
    ],
)  # fmt: skip
def test_a_census_file_is_read_and_what_was_tolerated_is_said(
    triage: Triage, name: str, rows: int, said: tuple[str, ...]
) -> None:
    found = check(triage, name)
    assert found["inputs"][0]["kind"] == "CIN census"
    assert found["rows"]["read"] == rows
    assert found["rows"]["rejected"] == 0
    for words in said:
        assert any(words in note for note in found["notes"]), words


def test_several_years_of_the_census_together(triage: Triage) -> None:
    found = check(triage, *CENSUS)
    rows = found["rows"]
    assert (rows["read"], rows["collapsed"], rows["judged"]) == (4, 1, 3)


@pytest.mark.parametrize(
    ("name", "looks_like"),
    [
        ("send_annex_a_not_ours.xlsx", "special educational needs"),
        ("ssda903_episodes_not_ours.csv", "looked-after"),
        ("ssd_cin_episodes.yml", "looks like"),
        ("README.md", "looks like"),
    ],
)
def test_other_returns_are_refused_in_one_sentence(
    triage: Triage, name: str, looks_like: str
) -> None:
    code, out, err = triage("check", REAL / name)
    assert (code, out) == (3, "")
    assert looks_like in err
    assert "expected a referral table" in err
    assert err.count("\n") == 1


def referrals(name: str) -> RawTable:
    return read_source(str(REAL / name)).referrals


def test_numbers_coded_values_and_spaces_of_the_plain_sheets_are_read_as_meant() -> None:
    columns = referrals("annex_a_list_sheets.xlsx").columns
    ids = ["6537810", "4653765", "997679", "14007367", "10897459", "11096583"]
    assert columns["child_id"].cells() == ids
    assert columns["referral_date"].cells() == ["2020-09-16"] * 6
    assert columns["referral_source"].cells() == ["8", "3D", "6", "2A", "6", "6"]
    assert columns["nfa"].cells() == ["false"] * 6
    assert not any("\u00a0" in (cell or "") for c in columns.values() for cell in c.cells())


def test_ages_are_known_by_either_heading_and_make_no_note() -> None:
    for name in ("annex_a_list_sheets.xlsx", "annex_a_ofsted_workbook.xlsx"):
        assert not any("Age" in note for note in read_source(str(REAL / name)).notes)


def test_words_of_the_ofsted_workbook_become_codes_and_a_group_becomes_unknown() -> None:
    columns = referrals("annex_a_ofsted_workbook.xlsx").columns
    assert columns["child_id"].cells() == ["1", "2", "3", "4", "5"]
    assert columns["referral_source"].cells() == ["2A", "", "6", "2A", "2A"]
    assert columns["nfa"].cells() == ["true", "false", "true", "false", "false"]


def test_census_cells_are_read_past_stray_text_and_unknown_blocks() -> None:
    columns = referrals("cin_2026.xml").columns
    assert columns["child_id"].cells() == ["DfEX0000001", "child_fails_assessments"]
    assert columns["referral_date"].cells() == ["2022-10-06", "2024-10-24"]
    assert columns["nfa"].cells() == ["0", "false"]
    assert columns["assessment_started_on"].cells() == ["2028-04-28", "2023-12-25"]


def test_dates_out_of_the_calendar_are_listed_and_their_referral_is_judged(triage: Triage) -> None:
    found = check(triage, "cin_2021.xml")
    listed = {problem["column"]: problem for problem in found["problems"]}
    assert {"referral_date", "expected_date_of_birth", "closed_on"} <= set(listed)
    assert listed["expected_date_of_birth"]["row"] == 1
    assert "'1066-04-13' lies outside 1900 to 2050" in listed["expected_date_of_birth"]["message"]
    assert found["rows"]["judged"] == 1


def test_every_alias_in_the_manner_of_the_safeguarding_dataset_is_a_field_of_it() -> None:
    specified = {
        field
        for path in REAL.glob("ssd_*.yml")
        for field in re.findall(r"^  - name: (\w+)$", path.read_text("utf-8"), re.MULTILINE)
    }
    prefixes = {field.partition("_")[0] for field in specified}
    aliases = {alias for spec in COLUMNS.values() for alias in spec.reads.aliases}
    ours = {alias for alias in aliases if alias.partition("_")[0] in prefixes}
    assert {"cine_referral_id", "cine_referral_date", "pers_dob"} <= ours
    assert ours <= specified


def decisions(workplace: Path, *rows: str) -> Path:
    """Invented decisions on the invented children of the real files."""
    path = workplace / "decisions.csv"
    path.write_text("\n".join(["child_id,decision_at,risk_rating", *rows]) + "\n", "utf-8")
    return path


def of_rule(found: dict[str, Any], rule: str) -> set[tuple[str, str]]:
    return {(f["child_id"], f["referral_date"]) for f in found["flags"] if f["rule"] == rule}


def test_decisions_are_joined_to_census_files_of_several_years(
    triage: Triage, workplace: Path
) -> None:
    table = decisions(
        workplace,
        "DfEX0000001,2022-10-06,amber",
        "child_fails_assessments,2024-10-29,red",
        "child_fails_assessments,2022-01-01,red",
        "DfEX0000002,2022-10-06,red",
    )
    found = check(triage, *CENSUS, str(table))
    joined = found["joins"][0]
    assert (joined["n_same_day"], joined["n_earlier"], joined["n_unmatched"]) == (1, 1, 2)
    assert of_rule(found, "DEC-02") == {("child_fails_assessments", "2024-10-24")}
    assert of_rule(found, "DEC-01") == {("DfEX0000001", "1970-10-06")}
    assert of_rule(found, "DEC-04") == set()
    lacking = {rule["id"]: rule for rule in found["rules"]}
    assert lacking["DEC-04"]["missing_columns"] == ["threshold_level"]
    assert not lacking["DEC-04"]["not_evaluable"]


@pytest.mark.parametrize(
    ("name", "rows", "late", "missing"),
    [
        (
            "annex_a_list_sheets.xlsx",
            ("6537810,16/09/2020,amber", "4653765,2020-09-16,red", "997679,2020-09-21,green",
             "14007367,2020-09-17,green", "10897459,2020-09-16 09:30,red"),
            {("997679", "2020-09-16")},
            {("11096583", "2020-09-16")},
        ),
        (
            "annex_a_ofsted_workbook.xlsx",
            ("1,2015-03-16,amber", "2,2015-03-17,red", "3,16/03/2015,green", "4,15/03/2015,red"),
            {("2", "2015-03-15")},
            {("5", "2015-03-15")},
        ),
    ],
)  # fmt: skip
def test_decisions_are_joined_to_annex_a(
    triage: Triage,
    workplace: Path,
    name: str,
    rows: tuple[str, ...],
    late: set[tuple[str, str]],
    missing: set[tuple[str, str]],
) -> None:
    """Decided on the day, on the next working day, and late; and one not decided at all."""
    found = check(triage, name, str(decisions(workplace, *rows)))
    assert found["joins"][-1]["n_unmatched"] == 0
    assert of_rule(found, "DEC-02") == late
    assert of_rule(found, "DEC-01") == missing
