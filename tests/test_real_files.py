"""Files in the field's real formats, made by others: each does what its README says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Triage

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
