"""Retention: what is past its time by kind goes, what is not stays, and the trail tells of it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from conftest import Triage
from hypothesis import given
from hypothesis import strategies as st
from kept_stores import everything
from parting import at, bytes_of, holds
from second_helpers import refused, said, told
from stores import OwnStore
from work_helpers import AS_OF, DECIDED, asker, last_event, night, row

from triage import store as door
from triage.calendar import minus_months
from triage.casework import CLAIMABLE
from triage.errors import CallError
from triage.letting_go import Limits, Times
from triage.settings import TEMPLATE, load_settings
from triage.store import LetGo

TIMES = Times(runs=12, known=12, cases=72)
YEAR_ON = dt.date(2024, 6, 30)
"""A year after the first night: what is of that day is kept still."""
WORDS = "Oma holt das Kind ab"


def go(own: OwnStore, day: dt.date, times: Times = TIMES) -> LetGo:
    """Let go of what is past its time on a day; what was said before is what is done."""
    expected = door.past_its_time(own.url, at(day), times)
    done = door.let_go(own.url, at(day), times)
    assert done == expected
    assert door.verify_trail(own.url).damage == ""
    assert door.check_store(own.url).damages == []
    return done


def closed(own: OwnStore, case: int, day: dt.date) -> None:
    """Note something on a case, and close it on a day."""
    door.add_note(own.url, at(day, "m.manager"), case, WORDS)
    door.close(own.url, at(day, "m.manager"), [case], WORDS)


def husks(own: OwnStore) -> list[int]:
    return [number for (number,) in own.query("SELECT id FROM \"case\" WHERE child_id = ''")]


def test_what_a_run_said_of_single_records_goes_and_its_own_row_stays(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    bad = row("R1", decision_at="31.02.2023")
    night(store, workplace, [bad, row("R2", referral_date="2023-06-30")])
    night(store, workplace, [bad], dt.date(2023, 7, 3))
    before = everything(store)
    assert go(store, YEAR_ON).rows["runs"] == {}
    done = go(store, YEAR_ON + dt.timedelta(days=1))
    assert done.rows["runs"] == {"rejection": 1, "due_item": 1}
    assert done.limits.runs == dt.date(2023, 7, 1)
    after = everything(store)
    assert {one["run_id"] for one in after["rejection"]} == {2}
    assert after["run"] == before["run"]
    message = refused(triage, "rejects", "--run", "1")
    assert "what run 1 said of rows was let go of" in message
    assert "R1" not in message
    said(triage, "rejects", "--run", "2")


def test_a_run_that_had_nothing_to_say_is_no_run_that_was_let_go_of(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [row("R1")])
    assert said(triage, "rejects").count("\n") == 1
    go(store, AS_OF)
    assert said(triage, "rejects").count("\n") == 1


def test_how_records_stood_goes_once_they_were_not_judged_for_so_long(
    store: OwnStore, workplace: Path
) -> None:
    decided = [row(name, **DECIDED) for name in ("GONE", "BACK", "HERE")]
    open_case = row("OPEN")
    night(store, workplace, [*decided, open_case])
    night(store, workplace, [decided[2]], dt.date(2023, 7, 3))
    night(store, workplace, decided[1:], dt.date(2024, 7, 1))
    assert go(store, dt.date(2024, 7, 3)).rows["known"] == {}
    done = go(store, dt.date(2024, 7, 4))
    assert done.rows["known"] == {"known": 2, "known_now": 1}
    for table in ("known", "known_now"):
        found = {name for (name,) in store.query(f"SELECT referral_id FROM {table}")}
        assert found == {"BACK", "HERE", "OPEN"}


def test_a_case_goes_so_long_after_it_was_closed_for_the_last_time(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [row(f"R{number}") for number in range(5)])
    closed(store, 1, dt.date(2023, 7, 1))
    closed(store, 2, dt.date(2023, 7, 2))
    closed(store, 3, dt.date(2023, 7, 1))
    door.reopen(store.url, at(dt.date(2024, 1, 1), "m.manager"), 3, WORDS)
    closed(store, 3, dt.date(2024, 1, 2))
    door.add_note(store.url, asker(), 4, WORDS)
    night(store, workplace, [row("R9")], dt.date(2023, 7, 10))
    before, last = everything(store), last_event(store)
    assert go(store, dt.date(2029, 7, 1)).cases == ()
    done = go(store, dt.date(2029, 7, 2))
    assert done.cases == (1,)
    assert done.rows["cases"] == {"flag": 1, "note": 2, "referral": 1}
    assert husks(store) == [1]
    after = everything(store)
    for name, column in (("flag", "case_id"), ("note", "case_id"), ("case", "id")):
        kept = [[one for one in rows[name] if one[column] != 1] for rows in (before, after)]
        assert kept[0] == kept[1]
    kinds = store.query(f"SELECT kind, case_id FROM event WHERE id > {last} ORDER BY id")
    assert kinds == [("data let go", None), ("case erased", 1), ("data let go", None)]
    assert holds(bytes_of(store), ["PR0"]) == []
    assert door.let_go(store.url, at(dt.date(2029, 7, 2)), TIMES).cases == ()
    assert "case 1 was erased" in refused(triage, "queue", "show", "1")


def test_a_case_whose_referral_is_judged_still_stays_since_it_would_be_made_anew(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [row("R0"), row("R1")])
    closed(store, 1, AS_OF)
    closed(store, 2, AS_OF)
    night(store, workplace, [row("R1")], dt.date(2029, 9, 1))
    assert go(store, dt.date(2029, 9, 1)).cases == (1,)
    night(store, workplace, [row("R1")], dt.date(2029, 9, 2))
    night(store, workplace, [row("R2")], dt.date(2029, 9, 3))
    assert go(store, dt.date(2029, 9, 3)).cases == (2,)


def test_a_childs_referrals_stay_as_long_as_a_case_of_the_child_does(
    store: OwnStore, workplace: Path
) -> None:
    both = [row("R0", child_id="K"), row("R1", child_id="K", referral_date="2023-06-21")]
    night(store, workplace, both)
    closed(store, 1, AS_OF)
    closed(store, 2, dt.date(2023, 9, 1))
    night(store, workplace, [row("R9")], dt.date(2023, 9, 2))
    assert "referral" not in go(store, dt.date(2029, 8, 1)).rows["cases"]
    assert store.value("SELECT COUNT(*) FROM referral WHERE child_id = 'K'") == 2
    assert go(store, dt.date(2029, 9, 2)).rows["cases"]["referral"] == 2


def test_an_exception_of_a_child_goes_so_long_after_it_ended(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [row("R0"), row("R1")])
    for child, team, until in (
        ("PR0", None, dt.date(2023, 7, 1)), ("PR1", None, dt.date(2023, 7, 2)),
        (None, "North", dt.date(2023, 7, 1)), ("PR1", None, dt.date(2030, 1, 1)),
    ):  # fmt: skip
        door.add_exception(
            store.url, asker("m.manager"), "DEC-01", child_id=child, team=team, owner=None,
            until=until, why=WORDS,
        )  # fmt: skip
    door.end_exception(store.url, asker("m.manager"), 4)
    assert go(store, dt.date(2029, 7, 1)).rows["cases"] == {"rule_exception": 1}
    assert store.query("SELECT id FROM rule_exception ORDER BY id") == [(1,), (2,), (3,)]
    assert go(store, dt.date(2029, 7, 2)).rows["cases"] == {"rule_exception": 1}
    assert store.query("SELECT id FROM rule_exception ORDER BY id") == [(2,), (3,)]


def test_a_case_that_was_let_go_of_and_is_flagged_again_is_a_new_case(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [row("R0"), row("R1")])
    closed(store, 1, AS_OF)
    night(store, workplace, [row("R1")], dt.date(2029, 9, 1))
    assert go(store, dt.date(2029, 9, 1)).cases == (1,)
    night(store, workplace, [row("R0"), row("R1")], dt.date(2029, 9, 2))
    found = store.query("SELECT id, status FROM \"case\" WHERE child_id = 'PR0'")
    assert found == [(3, "new")]
    assert door.check_store(store.url).damages == []


def settings(workplace: Path, text: str) -> None:
    (workplace / "triage.toml").write_text(text, "utf-8")


def test_the_command_lets_go_as_the_settings_say_and_the_trail_tells_how_much(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [row("R0"), row("R1", decision_at="31.02.2023")])
    closed(store, 1, AS_OF)
    night(store, workplace, [row("R9")], dt.date(2023, 7, 3))
    settings(workplace, "[retention]\nruns = 13\nknown = 1200\ncases = 12\n")
    before = everything(store)
    plan = told(triage, "data", "retain", "--dry-run", "--as", "a.admin")
    assert everything(store) == before
    done = told(triage, "data", "retain", "--yes", "--as", "a.admin")
    assert done == plan | {"dry_run": False}
    kinds = done["kinds"]
    assert {name: one["months"] for name, one in kinds.items()} == {
        "runs": 13, "known": 1200, "cases": 12,
    }  # fmt: skip
    assert (done["cases"], kinds["known"]["rows"]) == (1, {})
    assert kinds["cases"]["rows"] == {"flag": 1, "note": 2, "referral": 2}
    detail = json.loads(store.value("SELECT detail FROM event ORDER BY id DESC LIMIT 1"))
    assert detail["rows"] == {name: one["rows"] for name, one in kinds.items()}
    assert detail["before"] == {name: one["before"] for name, one in kinds.items()}
    assert detail["cases"] == 1
    out = said(triage, "data", "retain", "--as", "a.admin")
    assert out.endswith("Nothing was past its time.\n")


def test_it_says_what_goes_and_asks_before_it_goes(
    triage: Triage, store: OwnStore, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(store, workplace, [row("R1", decision_at="31.02.2023"), row("R2")])
    before = everything(store)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    code, out, _ = triage("data", "retain", "--as", "a.admin")
    assert (code, everything(store)) == (130, before)
    assert "1 row or cell that could not be read" in out
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "y")
    assert "Backups made before still hold it" in said(triage, "data", "retain", "--as", "a.admin")
    assert store.value("SELECT COUNT(*) FROM rejection") == 0


@pytest.mark.parametrize("role", ["reviewer", "team manager", "auditor"])
def test_only_an_administrator_lets_go_of_data(
    triage: Triage, store: OwnStore, workplace: Path, role: str
) -> None:
    night(store, workplace, [row("R0")])
    door.register(store.url, asker("a.admin"), "a.admin", "administrator", ())
    door.register(store.url, asker("a.admin"), "somebody", role, ())
    before = everything(store)
    for option in ("--dry-run", "--yes"):
        message = refused(triage, "data", "retain", option, "--as", "somebody")
        assert "may not let go of data; that is for an administrator." in message
        assert "say who" in refused(triage, "data", "retain", option)
    assert everything(store) == before
    said(triage, "data", "retain", "--yes", "--as", "a.admin")


@pytest.mark.parametrize("value", ["0", "-1", "1201", '"12"', "1.5", "true"])
@pytest.mark.parametrize("kind", ["runs", "known", "cases"])
def test_months_are_whole_and_not_none(workplace: Path, kind: str, value: str) -> None:
    settings(workplace, f"[retention]\n{kind} = {value}\n")
    with pytest.raises(CallError, match=f"setting retention.{kind}: is to be"):
        load_settings({}, folder=workplace, environment={})


def test_the_template_names_the_usual_times(workplace: Path) -> None:
    block = TEMPLATE.partition("[retention]\n")[2].split("\n\n")[0]
    settings(workplace, "[retention]\n" + block.replace("# ", ""))
    found = load_settings({}, folder=workplace, environment={})
    assert found.times == Times() == TIMES
    settings(workplace, "[retention]\nrun = 3\n")
    with pytest.raises(CallError, match="did you mean runs"):
        load_settings({}, folder=workplace, environment={})


@given(st.dates(dt.date(1995, 1, 1), dt.date(2049, 1, 1)), st.integers(1, 24))
def test_what_is_of_so_many_months_ago_is_kept_and_of_the_day_before_is_not(
    today: dt.date, months: int
) -> None:
    limits = Times(months, months, months).limits(today)
    first = minus_months(today, months)
    assert limits == Limits(first, first, first)
    later = Times(months, months, months).limits(today + dt.timedelta(days=1))
    assert later.runs >= limits.runs


def test_open_statuses_are_never_past_their_time(store: OwnStore, workplace: Path) -> None:
    night(store, workplace, [row(f"R{number}") for number in range(4)])
    door.claim(store.url, asker(), 2)
    door.begin_review(store.url, asker(), 3)
    night(store, workplace, [row("R9")], dt.date(2023, 7, 3))
    done = go(store, dt.date(2060, 1, 1), Times(1, 1, 1))
    assert done.cases == ()
    kept = {status for (status,) in store.query('SELECT DISTINCT status FROM "case"')}
    assert kept == set(CLAIMABLE)
