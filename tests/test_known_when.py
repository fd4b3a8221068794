"""What was known when: the record on any past night, and what was recorded afterwards."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Triage
from nights_of_a_council import nights_of_a_council
from stores import OwnStore

sys.path.insert(0, str(Path(__file__).resolve().parent / "benchmarks"))

import nights as nightly_runs

COLUMNS = "child_id,referral_date,referral_id,nfa,closed_on,decision_at,allocated_at,team\n"


def night(triage: Triage, day: str, *rows: str) -> None:
    Path("records.csv").write_text(COLUMNS + "".join(f"{row}\n" for row in rows), "utf-8")
    code, _, err = triage("nightly", "records.csv", "--as-of", day, "--quiet")
    assert code == 0, err


def shown(triage: Triage, case: int, *more: str) -> dict[str, Any]:
    code, out, err = triage("queue", "show", str(case), "--format", "json", *more)
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def case_of(triage: Triage, referral: str, *more: str) -> int:
    listed = json.loads(triage("queue", "list", "--format", "json", *more)[1])
    return next(int(one["case"]) for one in listed if one["referral_id"] == referral)


def flags_of(triage: Triage, referral: str) -> dict[str, dict[str, Any]]:
    whole = shown(triage, case_of(triage, referral))
    return {one["rule"]: one for one in whole["flags"]}


UNDECIDED = "A,2026-06-01,R1,false,,,,North"


def test_a_decision_dated_before_a_night_that_missed_it_is_flagged_with_the_nights(
    triage: Triage, store: OwnStore
) -> None:
    for day in ("2026-06-03", "2026-06-04", "2026-06-05"):
        night(triage, day, UNDECIDED)
    night(triage, "2026-06-08", "A,2026-06-01,R1,false,,2026-06-02,,North")
    flag = flags_of(triage, "R1")["OVS-04"]
    assert flag["state"] == "open"
    assert flag["because"]["no_decision_from"] == "2026-06-03"
    assert flag["because"]["no_decision_until"] == "2026-06-05"
    night(triage, "2026-06-09", "A,2026-06-01,R1,false,,2026-06-02,,North")
    assert flags_of(triage, "R1")["OVS-04"]["because"] == flag["because"]


def test_a_decision_of_the_day_after_the_last_night_without_one_is_not_flagged(
    triage: Triage, store: OwnStore
) -> None:
    night(triage, "2026-06-03", UNDECIDED)
    night(triage, "2026-06-04", UNDECIDED)
    night(triage, "2026-06-05", "A,2026-06-01,R1,false,,2026-06-04,,North")
    assert "OVS-04" not in flags_of(triage, "R1")


def test_an_extract_that_lacks_the_column_for_some_nights_misses_nothing(
    triage: Triage, store: OwnStore
) -> None:
    whole = "A,2026-06-01,R1,false,,2026-06-03,,North"
    night(triage, "2026-06-04", whole)
    Path("records.csv").write_text("child_id,referral_date,referral_id\nA,2026-06-01,R1\n", "utf-8")
    assert triage("nightly", "records.csv", "--as-of", "2026-06-05", "--quiet")[0] == 0
    night(triage, "2026-06-08", whole)
    assert "OVS-04" not in flags_of(triage, "R1")


def test_a_case_shows_how_its_record_stood_on_a_past_night(triage: Triage, store: OwnStore) -> None:
    night(triage, "2026-06-03", UNDECIDED)
    night(triage, "2026-06-04", "A,2026-06-01,R1,false,,2026-06-03,,South")
    number = case_of(triage, "R1")
    then = shown(triage, number, "--on", "2026-06-03")["record"]
    now = shown(triage, number, "--on", "2026-06-30")["record"]
    assert (then["run"], then["values"]["team"]) == (1, "North")
    assert then["values"]["decision_at"] is None
    assert now["values"]["decision_at"] == "2026-06-03"
    spells = shown(triage, number, "--on", "2026-06-04")["spells"]
    teams = [
        (one["value"], one["first_run"], one["last_run"])
        for one in spells
        if one["column"] == "team"
    ]
    assert teams == [("North", 1, 1), ("South", 2, None)]
    code, _, err = triage("queue", "show", str(number), "--on", "2026-06-02")
    assert code == 2
    assert "no run up to 2026-06-02" in err


def test_two_runs_beside_each_other_name_what_appeared_cleared_and_changed(
    triage: Triage, store: OwnStore
) -> None:
    night(triage, "2026-06-03", UNDECIDED, "B,2026-06-01,R2,false,,2026-06-01,,North")
    night(triage, "2026-06-08", "A,2026-06-01,R1,false,,2026-06-02,,North",
          "B,2026-06-01,R2,false,,2026-06-01,,North")  # fmt: skip
    code, out, err = triage("runs", "diff", "1", "2", "--format", "json")
    assert code == 0, err
    found = json.loads(out)
    appeared = {(one["referral_id"], one["rule"]) for one in found["appeared"]}
    assert ("R1", "OVS-04") in appeared
    assert ("R1", "DEC-01") in {(one["referral_id"], one["rule"]) for one in found["cleared"]}
    assert [one["now"] for one in found["records"]] == [{"decision_at": "2026-06-02"}]
    for call in (("2", "1"), ("1", "9")):
        assert triage("runs", "diff", *call)[0] == 2


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_recorded_afterwards_is_exactly_what_was_backdated(
    seed: int, store: OwnStore, workplace: Path
) -> None:
    made = nights_of_a_council(workplace, 900, 14, seed, share=0.2)
    url = store.url
    for as_of, path in made.each(workplace):
        nightly_runs.night(url, as_of, path)
    backdated = set().union(*made.backdated.values())
    assert nightly_runs.found(url) == backdated
    assert backdated
