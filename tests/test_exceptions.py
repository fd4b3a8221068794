"""Exceptions: one rule is quiet for one child, or one team, up to a day, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import AS_OF, Triage, mend
from stores import OwnStore

MANAGER = ("--as", "m.manager")
UNTIL = ("--until", "2023-07-31", "--reason", "kept in another system")


def night(triage: Triage, records: Path, as_of: str = AS_OF) -> dict[str, int]:
    code, out, err = triage("nightly", records, "--as-of", as_of, "--format", "json")
    assert code == 0, err
    found: dict[str, int] = json.loads(out)["queue"]
    return found


def open_flags(store: OwnStore) -> set[tuple[str, str]]:
    return {
        (row[0], row[1])
        for row in store.query(
            'SELECT c.referral_id, f.rule_id FROM flag f JOIN "case" c ON c.id = f.case_id '
            "WHERE f.state = 'open'"
        )
    }


def listed(triage: Triage, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        triage("exception", "list", "--format", "json", *more)[1]
    )
    return found


@pytest.mark.parametrize("whom", [("--child", "A"), ("--team", "North")])
def test_an_exception_clears_what_stands_and_raises_it_again_when_it_ends(
    triage: Triage, records: Path, store: OwnStore, whom: tuple[str, str]
) -> None:
    night(triage, records)
    before = open_flags(store)
    assert ("R2", "DEC-02") in before
    code, out, err = triage("exception", "add", "DEC-02", *whom, *UNTIL, *MANAGER)
    assert (code, err) == (0, "")
    assert "up to and including 2023-07-31" in out
    change = night(triage, records)
    assert (change["cleared"], change["new"]) == (1, 0)
    assert before - open_flags(store) == {("R2", "DEC-02")}
    why = store.value("SELECT detail FROM event WHERE kind = 'flag cleared'")
    assert json.loads(why) == {"why": "an exception is made"}
    assert night(triage, records)["cleared"] == 0
    assert triage("exception", "end", "1", *MANAGER)[0] == 0
    assert night(triage, records)["reopened"] == 1
    assert open_flags(store) == before
    assert triage("audit", "verify")[0] == 0


def test_an_exception_is_over_on_the_day_after_its_last(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    night(triage, records)
    triage("exception", "add", "DEC-02", "--child", "A", *UNTIL, *MANAGER)
    night(triage, records, "2023-07-31")
    assert ("R2", "DEC-02") not in open_flags(store)
    assert len(listed(triage)) == 1
    night(triage, records, "2023-08-01")
    assert ("R2", "DEC-02") in open_flags(store)
    assert listed(triage) == []
    assert [one["rule"] for one in listed(triage, "--all")] == ["DEC-02"]


def test_a_flag_that_is_new_under_an_exception_opens_no_case(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    night(triage, records)
    rules = [row[0] for row in store.query("SELECT DISTINCT rule_id FROM rule_text")]
    for rule in rules:
        assert triage("exception", "add", rule, "--team", "South", *UNTIL, *MANAGER)[0] == 0
    later = "D,2023-06-12,R9,false,,,,{},\n"
    records.write_text(records.read_text("utf-8") + later.format("South"), "utf-8")
    change = night(triage, records)
    assert change["new"] == 0
    assert not [rule for referral, rule in open_flags(store) if referral == "R9"]
    assert store.value("SELECT COUNT(*) FROM \"case\" WHERE referral_id = 'R9'") == 0
    mend(records, later.format("South").strip(), later.format("North").strip())
    assert night(triage, records)["new"] > 0


def test_an_exception_tells_nothing_of_the_child_in_the_trail(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    night(triage, records)
    triage("exception", "add", "DEC-02", "--child", "A", *UNTIL, *MANAGER)
    told = json.loads(store.value("SELECT detail FROM event WHERE kind = 'exception made'"))
    assert told == {
        "exception": 1, "for": "a child", "owner": "m.manager", "until": "2023-07-31",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("DEC-02", *UNTIL, *MANAGER), "--child or --team"),
        (("DEC-02", "--child", "A", "--team", "North", *UNTIL, *MANAGER), "--child or --team"),
        (("DEC-99", "--child", "A", *UNTIL, *MANAGER), "no run knew a rule DEC-99"),
        (("DEC-02", "--child", "Z", *UNTIL, *MANAGER), "no case of child Z"),
        (("DEC-02", "--child", "C", *UNTIL, *MANAGER), "no case of child C"),
        (("DEC-02", "--child", "A", "--until", "2023-06-29", "--reason", "r", *MANAGER), "is past"),
        (("DEC-02", "--child", "A", "--until", "2023-07-29", "--reason", " ", *MANAGER), "reason"),
        (("DEC-02", "--child", "A", *UNTIL), "--as NAME"),
    ],
)
def test_an_exception_that_cannot_be_made_is_refused_in_a_sentence(
    triage: Triage, records: Path, store: OwnStore, asked: tuple[str, ...], said: str
) -> None:
    night(triage, records)
    code, out, err = triage("exception", "add", *asked)
    assert (code, out) == (2, "")
    assert said in err
    assert store.value("SELECT COUNT(*) FROM rule_exception") == 0


def test_ending_an_exception_twice_or_one_that_is_not_there_is_refused(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    night(triage, records)
    triage("exception", "add", "DEC-02", "--child", "A", *UNTIL, *MANAGER)
    assert triage("exception", "end", "1", *MANAGER)[0] == 0
    for number in ("1", "7"):
        code, _, err = triage("exception", "end", number, *MANAGER)
        assert code == 2
        assert f"no exception {number} that lasts" in err
