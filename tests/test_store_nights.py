"""Several nights in the store, beside a slow queue that is kept by the same rules."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import Triage, mend
from hypothesis import example, given, settings
from hypothesis import strategies as st
from night_tables import BACK_AND_FORTH, FIRST_NIGHT, NIGHTS, RULES, WORKED_ON, Night, Records
from oracle_queue import SNOOZED_FOR, SlowQueue
from stores import ON_SQLITE, NewStore, OwnStore
from work_helpers import SHIPPED, night, row

from triage.errors import CallError
from triage.pipeline import check
from triage.run import Options, Run
from triage.store import (
    Asker,
    Wanted,
    begin_review,
    bulk,
    cases,
    queue,
    store_run,
    verify_trail,
    work,
)
from triage.store.connection import writing
from triage.store.tables import HEAD_REVISION
from triage.store.trail import happened

REVIEW_DAYS = {"critical": 8, "high": 3, "medium": 10, "low": 1}
"""Not in the order of severities: the most pressing flag of a case is not the first to be due."""
NOW = dt.datetime(2023, 6, 30, 2, 0, tzinfo=dt.UTC)
READERS = ("m.manager", "w.worker")
MANAGER, ANYBODY = Asker("m.manager", READERS, NOW), Asker(None, READERS, NOW)
PLAIN = ("status", "severity", "boost", "team", "held_by", "assigned_to")


def keep(store: OwnStore, run: Run) -> dict[str, dict[str, int]]:
    """Store a run; return the counts by subject."""
    _, changes, _ = store_run(
        store.url,
        run,
        who="nobody",
        started_at=NOW,
        finished_at=NOW,
        settings={},
        review_days=REVIEW_DAYS,
    )
    return {subject: change.as_json() for subject, change in changes.items()}


def act(store: OwnStore, slow: SlowQueue, name: str, number: int) -> None:
    """Do to a case what a person may do, in the store and in the slow queue."""
    number = number % len(slow.cases) + 1
    acts: dict[str, Callable[[], Any]] = {
        "claim": lambda: work.claim(store.url, MANAGER, number),
        "review": lambda: begin_review(store.url, MANAGER, number),
        "release": lambda: work.release(store.url, MANAGER, number),
        "assign": lambda: work.assign(store.url, MANAGER, [number], "w.worker"),
        "close": lambda: work.close(store.url, MANAGER, [number], "known"),
        "reopen": lambda: work.reopen(store.url, MANAGER, number, "to be seen again"),
        "boost": lambda: work.boost(store.url, MANAGER, number, "asked for"),
        "snooze": lambda: work.snooze(
            store.url, MANAGER, [number], slow.as_of + SNOOZED_FOR, "away"
        ),
    }
    if slow.act(name, number):
        acts[name]()
    else:
        with pytest.raises(CallError):
            acts[name]()


def day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)


def in_words(told: str | list[str]) -> str:
    return told if isinstance(told, str) else " ".join(told)


def stored(store: OwnStore) -> dict[str, Any]:
    """Return what the store holds, as the slow queue keeps it."""
    store.check()
    cases, flags, events, referrals = store.queries(
        'SELECT * FROM "case" ORDER BY place, id', "SELECT * FROM flag",
        "SELECT * FROM event WHERE run_id IS NOT NULL ORDER BY id", "SELECT * FROM referral",
    )  # fmt: skip
    key_of = {row["id"]: (row["subject"], row["child_id"], row["referral_id"]) for row in cases}
    return {
        "order": [row["id"] for row in cases],
        "cases": {
            key_of[row["id"]]: {
                "number": row["id"],
                "restricted": bool(row["restricted"]),
                **{name: row[name] for name in PLAIN},
                **{name: day(row[name]) for name in ("referral_date", "due_on", "snoozed_until")},
            }
            for row in cases
        },
        "flags": {
            (key_of[row["case_id"]], row["rule_id"]): {
                **{name: row[name] for name in ("message", "severity", "rule_hash", "state")},
                "due_on": day(row["due_on"]),
                "evidence": json.loads(row["evidence"]),
                "rests_on": row["fingerprint"],
                "changed": row["changed_run_id"],
                "cleared": row["cleared_run_id"],
                "first_on": day(row["first_flagged_on"]),
                "first": row["first_run_id"],
            }
            for row in flags
        },
        "events": [
            (
                row["run_id"], key_of[row["case_id"]], row["kind"], row["rule_id"],
                in_words(next(iter(json.loads(row["detail"]).values()), "")),
            )
            for row in events
            if row["kind"] != "run stored"
        ],
        "referrals": {
            (row["child_id"], row["referral_id"]): (
                day(row["referral_date"]),
                *(row[name] for name in ("team", "referral_source", "primary_need")),
                None if row["nfa"] is None else bool(row["nfa"]),
                day(row["closed_on"]),
                row["closure_reason"],
                bool(row["restricted"]),
            )
            for row in referrals
        },
    }  # fmt: skip


def dump(store: OwnStore) -> list[Any]:
    """Return every row of the store but the run log and what stands in it by run."""
    tables = sorted(store.tables() - {"run", "rejection", "due_item", "event"})
    events = store.query("SELECT * FROM event WHERE kind <> 'run stored' ORDER BY id")
    return [store.rows(*tables), events]


def check_same(store: OwnStore, slow: SlowQueue) -> None:
    """Hold the store, and what is seen of it, to the slow queue."""
    found = stored(store)
    assert found["cases"] == slow.cases
    assert found["flags"] == slow.flags
    assert found["referrals"] == slow.referrals
    assert sorted(found["events"], key=str) == sorted(slow.events, key=str)
    assert found["order"] == slow.order()
    for asker, wanted, seen in (
        (MANAGER, Wanted(), slow.listed(sees_restricted=True)),
        (ANYBODY, Wanted(), slow.listed(sees_restricted=False)),
        (ANYBODY, Wanted(teams=("North",)), slow.listed(sees_restricted=False, team="North")),
    ):
        assert [one.id for one in cases(store.url, asker, wanted).cases] == seen
    assert verify_trail(store.url).damage == ""


@settings(max_examples=12)
@example(BACK_AND_FORTH)
@example(WORKED_ON)
@given(NIGHTS)
def test_after_each_night_the_store_holds_what_the_slow_queue_holds(
    new_store: NewStore, nights: list[Night]
) -> None:
    with tempfile.TemporaryDirectory() as name, new_store(Path(name)) as store:
        folder, as_of = Path(name), FIRST_NIGHT
        slow, records = SlowQueue(REVIEW_DAYS), Records()
        for one in nights:
            as_of += dt.timedelta(one.days)
            records.type(one)
            for done, number in one.acts if slow.cases else ():
                act(store, slow, done, number)
            options = Options(as_of, 3, dt.date(2020, 1, 1))
            run = check(records.write(folder), RULES[one.rules], options)
            assert keep(store, run) == slow.night(run)
            check_same(store, slow)
            before = dump(store)
            again = slow.night(run)
            assert keep(store, run) == again
            assert all(not count["new"] + count["changed"] for count in again.values())
            assert dump(store) == before
            # That nothing differs is seen at once; flag by flag, and record by record, it comes to
            # the same.
            store.execute("UPDATE run SET told = NULL, records = NULL")
            assert keep(store, run) == slow.night(run)
            assert dump(store) == before


def test_the_nights_written_out_come_to_every_kind_of_event(
    store: OwnStore, workplace: Path
) -> None:
    as_of, records = FIRST_NIGHT, Records()
    for one in BACK_AND_FORTH:
        as_of += dt.timedelta(one.days)
        records.type(one)
        options = Options(as_of, 3, dt.date(2020, 1, 1))
        keep(store, check(records.write(workplace), RULES[one.rules], options))
    events = stored(store)["events"]
    found = {(kind, key[0]) for _, key, kind, _, _ in events}
    assert {kind for kind, _ in found} == {
        "case opened", "flag raised", "flag changed", "flag cleared", "case closed",
        "flag raised again", "case reopened", "case boosted",
    }  # fmt: skip
    assert {("case reopened", "contact"), ("case reopened", "referral")} <= found
    details = {detail for *_, detail in events}
    assert {"the rule is on trial", "the rule is retired"} <= details
    assert verify_trail(store.url).damage == ""


def test_records_of_the_night_before_are_not_compared_again_whatever_the_rules_say(
    triage: Triage, records: Path, monkeypatch: pytest.MonkeyPatch, store: OwnStore
) -> None:
    kept = ("known", "known_now", "referral")
    alone = SHIPPED.only("DEC-01")
    night(store, records.parent, [row("R1"), row("R2")], NOW.date(), alone)
    before = store.rows(*kept)
    with monkeypatch.context() as patched:
        patched.setattr("triage.store.nightly._records_before", None)
        night(store, records.parent, [row("R1"), row("R2")], NOW.date(), SHIPPED.only("DEC-02"))
    assert store.rows(*kept) == before
    night(store, records.parent, [row("R1"), row("R2", team="Other")], NOW.date(), alone)
    assert store.rows(*kept) != before
    assert [one is not None for (one,) in store.query("SELECT records FROM run")] == [True] * 3


@given(
    st.dictionaries(st.integers(1, 12), st.sets(st.integers(0, 199), min_size=1, max_size=9)),
    st.integers(0, 12),
)
def test_new_flags_are_told_by_case_however_many_rules_there_are(
    flags: dict[int, set[int]], last: int
) -> None:
    rules = [f"R-{number:03}" for number in range(200)]
    pairs = [(number, rule) for number in sorted(flags) for rule in sorted(flags[number])]
    whose, rule = (np.array([pair[place] for pair in pairs], int) for place in (0, 1))
    tonight = SimpleNamespace(rule=rule, rules=rules)
    stood: Any = SimpleNamespace(cases=SimpleNamespace(last=last), whose=whose, tonight=tonight)
    found = queue._raised(stood, np.arange(len(pairs)))
    raised = [
        happened("flag raised", number, rules[rule]) for number, rule in pairs if number <= last
    ]
    opened = [
        happened("case opened", number, None, {"flags": [rules[one] for one in sorted(of)]})
        for number, of in sorted(flags.items())
        if number > last
    ]
    assert found == raised + opened


@pytest.mark.parametrize("at_once", [1, 3, 2_000])
def test_rows_come_and_go_whole_however_many_at_a_time(
    at_once: int, triage: Triage, records: Path, monkeypatch: pytest.MonkeyPatch, store: OwnStore
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", at_once)
    monkeypatch.setattr(bulk, "_MOST_CELLS", 20 * at_once)
    night = ("nightly", records, "--as-of", "2023-06-30", "--quiet")
    assert triage(*night)[0] == 0
    mend(records, "A,2023-05-10,R2,false,,,2023-05-15", "A,2023-05-10,R2,false,,,2023-05-11")
    assert triage(*night)[0] == 0
    ((n_flags, n_events, n_cleared, n_told),) = store.query(
        "SELECT (SELECT count(*) FROM flag), (SELECT count(*) FROM event), "
        "(SELECT count(*) FROM flag WHERE state = 'cleared'), "
        "(SELECT count(*) FROM event WHERE kind = 'flag cleared')"
    )
    assert n_cleared == n_told == 1
    n_runs = 2
    n_cases = store.value('SELECT count(*) FROM "case"')
    opened = store.query("SELECT detail FROM event WHERE kind = 'case opened'")
    assert len(opened) == n_cases
    assert sum(len(json.loads(detail)["flags"]) for (detail,) in opened) == n_flags
    assert n_events == n_cases + n_told + n_runs
    assert verify_trail(store.url).damage == ""


def guards(store: OwnStore) -> dict[str, str]:
    """Return what keeps events from being changed, by name."""
    if store.kind == "sqlite":
        return dict(store.query("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    return dict(
        store.query(
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger "
            "WHERE NOT tgisinternal AND tgrelid = 'event'::regclass"
        )
    )


@pytest.mark.parametrize("at_once", [1, 2_000])
def test_after_a_night_events_are_guarded_as_the_migrations_made_it(
    at_once: int, triage: Triage, records: Path, monkeypatch: pytest.MonkeyPatch, store: OwnStore
) -> None:
    with writing(store.url):
        pass
    before = guards(store)
    assert len(before) == (3 if store.kind == "sqlite" else 1)
    monkeypatch.setattr(bulk, "AT_ONCE", at_once)
    assert triage("nightly", records, "--as-of", "2023-06-30")[0] == 0
    assert guards(store) == before
    store.check()
    assert store.value("SELECT version_num FROM alembic_version") == HEAD_REVISION


@ON_SQLITE
def test_after_a_night_a_store_in_a_file_has_its_write_ahead_log(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    assert triage("nightly", records, "--as-of", "2023-06-30")[0] == 0
    assert store.value("PRAGMA journal_mode") == "wal"
