"""Why a rule said what it said: each condition with its value, limit and truth, and the days."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import AS_OF, Triage

ROWS = """\
child_id,referral_date,referral_id,nfa,closed_on,decision_at,rationale_length,risk_rating,restricted
A,2022-01-10,R1,yes,2022-01-10,2022-01-10,200,green,
A,2022-05-31,R2,no,,2022-06-08,,amber,
B,2022-06-01,R3,no,,2022-02-31,,,
C,2022-06-01,R4,no,,2022-06-07,,,true
"""


@pytest.fixture
def extract(workplace: Path) -> Path:
    path = workplace / "records.csv"
    path.write_text(ROWS, "utf-8")
    return path


def explain(triage: Triage, rule: str, entry: str, extract: Path, *more: str) -> dict[str, Any]:
    code, out, err = triage(
        "rules", "explain", rule, "--referral", entry, extract, "--as-of", "2022-06-30",
        "--history-from", "2020-01-01", "--format", "json", *more,
    )  # fmt: skip
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_days_counted_and_the_holidays_passed_over_are_named(
    triage: Triage, extract: Path
) -> None:
    told = explain(triage, "dec-02", "R2", extract)
    assert told["outcome"] == "flag"
    when = told["when"]
    assert when["asks"] == "working_days_to_decision more than 1 working days (limit)"
    assert (when["found"], when["truth"]) == ("4", "holds")
    assert when["clock"]["from"] == "2022-05-31"
    assert when["clock"]["counted"] == ["2022-06-01", "2022-06-06", "2022-06-07", "2022-06-08"]
    assert [day["date"] for day in when["clock"]["bank_holidays"]] == ["2022-06-02", "2022-06-03"]
    assert when["clock"]["weekend_days"] == 2


def test_for_people_it_reads_as_lines(triage: Triage, extract: Path) -> None:
    out = triage(
        "rules", "explain", "DEC-02", "--referral", "R2", extract, "--as-of", "2022-06-30"
    )[1]
    assert "DEC-02 Decision late on referral R2 of 31 May 2022: flag" in out
    assert "[holds] working_days_to_decision more than 1 working days (limit): 4" in out
    assert "counted from Tue 31 May 2022: Wed 1 June 2022, Mon 6 June 2022" in out
    assert "not counted: 2 days of weekends" in out
    assert "not counted: Thu 2 June 2022, " in out


def test_what_cannot_be_told_names_the_cell(triage: Triage, extract: Path) -> None:
    told = explain(triage, "DEC-02", "R3", extract)
    assert told["outcome"] == "cannot_tell"
    assert told["when"]["truth"] == "cannot be told"
    assert told["when"]["columns"] == {"decision_at": "cannot be read"}
    out = triage(
        "rules", "explain", "DEC-05", "--referral", "R2", extract, "--as-of", "2022-06-30"
    )[1]
    assert "decision_maker_role: not in the extract" in out


def test_a_rule_that_reads_others_explains_them_too(triage: Triage, extract: Path) -> None:
    told = explain(triage, "CMP-01", "R2", extract)
    first = told["when"]["parts"][0]
    assert first["asks"] == "rule REF-01 (Re-referral within 12 months) flags"
    assert (first["found"], first["truth"]) == ("flag", "holds")
    (inner,) = first["parts"]
    assert inner["asks"] == "months_since_previous_referral at most 12 months (window)"
    assert inner["found"] == "5"


def test_a_number_known_within_bounds_is_told_so(triage: Triage, extract: Path) -> None:
    told = explain(triage, "REF-04", "R3", extract, "--history-from", "2022-01-01")
    assert told["outcome"] == "cannot_tell"
    assert told["when"]["found"] == "at least 1"


def test_only_those_named_may_have_a_restricted_record_explained(
    triage: Triage, extract: Path, workplace: Path
) -> None:
    call = ("rules", "explain", "DEC-02", "--referral", "R4", extract, "--as-of", "2022-06-30")
    code, out, err = triage(*call)
    assert (code, "restricted" in err, out) == (2, True, "")
    (workplace / "triage.toml").write_text('[restricted]\nreaders = ["a.auditor"]\n')
    assert triage(*call, "--as", "a.auditor")[0] == 0


def test_a_referral_that_is_not_there_is_told(triage: Triage, records: Path) -> None:
    code, _, err = triage(
        "rules", "explain", "DEC-02", "--referral", "nobody", records, "--as-of", AS_OF
    )
    assert (code, "no referral up to 2023-06-30 is called 'nobody'" in err) == (2, True)


def test_a_rule_for_contacts_needs_contacts(triage: Triage, records: Path) -> None:
    code, _, err = triage(
        "rules", "explain", "REF-13", "--referral", "R1", records, "--as-of", AS_OF
    )
    assert (code, "holds no contacts" in err) == (3, True)
