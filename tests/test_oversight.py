"""What people have not done yet: reviews that nobody does, actions that are overdue, as flags."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Triage, mend
from hypothesis import given
from hypothesis import strategies as st
from stores import OwnStore
from work_helpers import ANSWERS, SHIPPED, asker, case_of, check_whole, night, row, to_do

from triage import store as door
from triage.calendar import add_working_days, to_date, to_day, working_days
from triage.overseeing import SCHEMA, judge_cases, of_cases

RULES = SHIPPED.only("DEC-01", "DEC-02", "OVS-02", "OVS-03")
OPENED = dt.date(2023, 6, 30)
ONE, MANAGER = asker("r.one"), asker("m.manager")


def after(n: int) -> dt.date:
    """Return the n-th working day after the case was opened."""
    return to_date(add_working_days(to_day(OPENED), n))


def nights(own: OwnStore, folder: Path, as_of: dt.date, **cells: str) -> int:
    return night(own, folder, [row("R1", **cells)], as_of, RULES)


def flags(own: OwnStore, state: str = "open") -> list[str]:
    query = f"SELECT rule_id FROM flag WHERE state = '{state}' ORDER BY rule_id"
    return [rule for (rule,) in own.query(query)]


def reviewed(own: OwnStore, **answers: Any) -> None:
    """Review the case, and say of each open flag that it was useful."""
    door.begin_review(own.url, ONE, 1)
    useful = dict.fromkeys(flags(own), "yes")
    door.submit_review(own.url, ONE, 1, ANSWERS | {"flags_useful": useful} | answers)


def test_the_rules_for_cases_are_those_that_ask_for_what_the_queue_knows_alone() -> None:
    assert [rule.id for rule in of_cases(SHIPPED).rules] == ["OVS-02", "OVS-03"]


def test_a_case_without_a_review_is_flagged_after_its_twentieth_working_day(
    store: OwnStore, workplace: Path
) -> None:
    nights(store, workplace, OPENED)
    nights(store, workplace, after(20))
    assert flags(store) == ["DEC-01"]
    nights(store, workplace, after(21))
    assert flags(store) == ["DEC-01", "OVS-03"]
    (said,) = store.query("SELECT message, due_on FROM flag WHERE rule_id = 'OVS-03'")
    assert said == (
        "The case has waited for its review since 30 June 2023, 21 working days; the limit is 20.",
        after(20).isoformat(),
    )
    check_whole(store)


def test_a_review_clears_it_at_the_next_run(store: OwnStore, workplace: Path) -> None:
    nights(store, workplace, OPENED)
    nights(store, workplace, after(21))
    reviewed(store)
    assert case_of(store, 1)["status"] == "closed"
    nights(store, workplace, after(22))
    assert flags(store, "cleared") == ["OVS-03"]
    assert case_of(store, 1)["status"] == "closed"
    check_whole(store)


@pytest.mark.parametrize("status", ["claimed", "in review", "closed"])
def test_who_has_begun_still_owes_the_review_and_who_closed_the_case_does_not(
    store: OwnStore, workplace: Path, status: str
) -> None:
    nights(store, workplace, OPENED)
    if status == "closed":
        door.close(store.url, MANAGER, [1], "known to the team")
    else:
        door.claim(store.url, ONE, 1)
        if status == "in review":
            door.begin_review(store.url, ONE, 1)
    nights(store, workplace, after(30))
    assert ("OVS-03" in flags(store)) == (status != "closed")


def test_a_case_that_nobody_touched_closes_the_night_its_last_other_flag_clears(
    store: OwnStore, workplace: Path
) -> None:
    nights(store, workplace, OPENED)
    nights(store, workplace, after(21))
    nights(store, workplace, after(22), decision_at="2023-06-21")
    assert flags(store) == []
    assert case_of(store, 1)["status"] == "closed"
    check_whole(store)


def test_a_case_opened_again_waits_from_then_on(store: OwnStore, workplace: Path) -> None:
    nights(store, workplace, OPENED)
    door.close(store.url, MANAGER, [1], "known to the team")
    nights(store, workplace, after(30))
    door.reopen(store.url, MANAGER, 1, "looked at again")
    nights(store, workplace, after(50))
    assert "OVS-03" not in flags(store)
    nights(store, workplace, after(51))
    assert "OVS-03" in flags(store)


def test_a_remedial_action_is_flagged_from_the_working_day_after_it_was_due(
    store: OwnStore, workplace: Path
) -> None:
    nights(store, workplace, OPENED)
    friday = dt.date(2023, 7, 7)
    reviewed(store, actions=[to_do(due_on="2023-07-14"), to_do(due_on=friday.isoformat())])
    for day, is_flagged in ((0, False), (2, False), (3, True)):
        nights(store, workplace, friday + dt.timedelta(day))
        assert ("OVS-02" in flags(store)) == is_flagged
    said = store.value("SELECT message FROM flag WHERE rule_id = 'OVS-02'")
    assert said.startswith("A remedial action of the review was due on 7 July 2023 and is not done")
    assert case_of(store, 1)["severity"] == "critical"


@pytest.mark.parametrize("how", ["done", "handed over"])
def test_what_is_done_or_handed_over_clears_it(store: OwnStore, workplace: Path, how: str) -> None:
    nights(store, workplace, OPENED)
    reviewed(store, actions=[to_do(due_on="2023-07-07")])
    nights(store, workplace, dt.date(2023, 7, 10))
    assert "OVS-02" in flags(store)
    if how == "done":
        door.finish_action(store.url, MANAGER, 1, OPENED, "seen")
    else:
        door.hand_over_action(store.url, MANAGER, 1, "another authority", "the family moved")
    nights(store, workplace, dt.date(2023, 7, 11))
    assert "OVS-02" not in flags(store)
    assert case_of(store, 1)["status"] == "closed"
    check_whole(store)


def test_an_action_comes_back_however_old_the_referral_is(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    """The referral itself is closed and outside the window, so nothing else judges it."""
    assert triage("nightly", records, "--as-of", "2023-06-30")[0] == 0
    number = store.value("SELECT id FROM \"case\" WHERE referral_id = 'R2'")
    door.begin_review(store.url, ONE, number)
    rules = {
        rule: "yes" for (rule,) in store.query(f"SELECT rule_id FROM flag WHERE case_id = {number}")
    }
    answers = ANSWERS | {"flags_useful": rules, "actions": [to_do(due_on="2023-07-07")]}
    door.submit_review(store.url, ONE, number, answers)
    mend(records, "A,2023-05-10,R2,false,,,", "A,2023-05-10,R2,false,2023-08-01,RC7,")
    mend(records, "B,2023-06-01,R3", "B,2024-06-03,R3")
    code, out, err = triage("nightly", records, "--as-of", "2024-06-28", "--format", "json")
    assert code == 0, err
    told = json.loads(out)
    assert [one["rule"] for one in told["oversight"]["flags"] if one["referral_id"] == "R2"] == [
        "OVS-02"
    ]
    (counts,) = [one for one in told["rules"] if one["id"] == "OVS-02"]
    assert counts["not_evaluable"]
    assert counts["flag"] == counts["clear"] == 0


def test_a_second_review_is_no_reason_to_review_again_because_an_action_was_late(
    store: OwnStore, workplace: Path
) -> None:
    nights(store, workplace, OPENED)
    reviewed(store, actions=[to_do(due_on="2023-07-07")])
    door.ask_for_second(store.url, MANAGER, 1, "a complaint", 20)
    nights(store, workplace, dt.date(2023, 7, 10))
    assert "OVS-02" in flags(store)
    door.finish_action(store.url, MANAGER, 1, OPENED, "seen")
    door.withdraw_second(store.url, MANAGER, 1, "not needed any more")
    assert case_of(store, 1)["status"] == "closed"


def test_a_second_run_on_the_same_day_changes_nothing(store: OwnStore, workplace: Path) -> None:
    nights(store, workplace, OPENED)
    nights(store, workplace, after(21))
    before = store.rows("case", "flag")
    nights(store, workplace, after(21))
    assert store.rows("case", "flag") == before


def test_an_exception_keeps_the_rule_quiet(store: OwnStore, workplace: Path) -> None:
    nights(store, workplace, OPENED)
    nights(store, workplace, after(21))
    until = after(60)
    door.add_exception(
        store.url, MANAGER, "OVS-03", child_id=None, team="North", owner=None, until=until,
        why="inspection",
    )  # fmt: skip
    nights(store, workplace, after(22))
    assert flags(store) == ["DEC-01"]


@given(
    since=st.none() | st.dates(dt.date(2022, 1, 1), dt.date(2023, 7, 31)),
    due=st.none() | st.dates(dt.date(2022, 1, 1), dt.date(2023, 7, 31)),
)
def test_a_case_is_flagged_exactly_when_more_working_days_have_passed(
    since: dt.date | None, due: dt.date | None
) -> None:
    import numpy as np
    import pyarrow as pa

    row = {"child_id": "A", "referral_id": "R", "referral_date": dt.date(2020, 1, 1),
           "team": None, "restricted": False, "review_awaited_since": since,
           "action_due_on": due}  # fmt: skip
    found = judge_cases(pa.Table.from_pylist([row], SCHEMA), "contact", RULES, OPENED)

    def passed(start: dt.date | None, limit: int) -> bool:
        if start is None or start > OPENED:
            return False
        ends = (np.array([to_day(day)], np.int32) for day in (start, OPENED))
        return bool(working_days(*ends)[0] > limit)

    expected = {"OVS-02": passed(due, 0), "OVS-03": passed(since, 20)}
    assert {one.rule: True for one in found.flags} == {k: v for k, v in expected.items() if v}
    assert all(one.subject == "contact" for one in found.flags)
    assert all(one.n_cannot_tell == 0 for one in found.results)
