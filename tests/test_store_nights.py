"""Several nights in the store, beside a slow queue that is kept by the same rules."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sqlite3
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Triage, mend
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_queue import SlowQueue

from triage import store
from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.ruleset import Ruleset, ruleset
from triage.run import Options, Run
from triage.store import bulk
from triage.store.tables import HEAD_REVISION

SHIPPED = load_rules(shipped("rules"))
ASKED = ("ALL-02", "DEC-01", "DEC-02", "DEC-04", "DQ-06", "REF-01", "REF-08", "REF-13")
REVIEW_DAYS = {"critical": 8, "high": 3, "medium": 10, "low": 1}
"""Not in the order of severities: the most pressing flag of a case is not the first to be due."""
FIRST_NIGHT = dt.date(2023, 6, 28)
NOW = dt.datetime(2023, 6, 30, 2, 0, tzinfo=dt.UTC)


def rules_with(rule: str, status: str) -> Ruleset:
    """Return the rules that are asked, one of them in another status."""
    return ruleset(
        [
            replace(one, about=one.about.model_copy(update={"status": status}))
            if one.id == rule
            else one
            for one in SHIPPED.only(*ASKED).rules
        ]
    )


RULES = {
    "all": rules_with("", ""),
    "one on trial": rules_with("DEC-04", "trial"),
    "one retired": rules_with("DQ-06", "retired"),
    "one gone": SHIPPED.only(*(rule for rule in ASKED if rule != "DEC-02")),
}


@dataclass(frozen=True)
class Night:
    rows: tuple[tuple[str, ...] | None, ...]
    contacts: tuple[tuple[str, ...] | None, ...]
    days: int
    rules: str


WHO = (("A", "2023-03-06", "R1"), ("A", "2023-06-20", "R2"), ("B", "2023-06-21", ""),
       ("C", "2023-06-26", "R4"), ("É", "2023-05-04", "R1"))  # fmt: skip
COLUMNS = ("child_id", "referral_date", "referral_id", "nfa", "team", "closed_on",
           "closure_reason", "decision_at", "risk_rating", "threshold_level", "allocated_at",
           "restricted")  # fmt: skip
CELLS = st.tuples(
    st.sampled_from(["no", "no", "yes", "perhaps"]),
    st.sampled_from(["North", "South 'End\"", ""]),
    st.sampled_from(["", "", "2023-06-27", "never"]),
    st.sampled_from(["", "RC7"]),
    st.sampled_from(["", "2023-06-22", "2023-06-27", "2023-06-31"]),
    st.sampled_from(["red", ""]),
    st.sampled_from(["3", ""]),
    st.sampled_from(["", "2023-06-27"]),
    st.sampled_from(["", "", "true"]),
)
CONTACTS = (
    ("K1", "A", "2023-03-01"),
    ("K2", "A", "2023-04-03"),
    ("K3", "A", "2023-06-22"),
    ("K4", "D", "2023-05-02"),
    ("K5", "D", "2023-06-02"),
    ("K6", "D", "2023-06-23"),
)
CONTACT_CELLS = st.tuples(
    st.sampled_from(["nfa", "nfa", "referral"]), st.sampled_from(["Front door", ""])
)
NIGHTS = st.lists(
    st.builds(
        Night,
        st.tuples(*(st.none() | CELLS | CELLS for _ in WHO)),
        st.tuples(*(st.none() | CONTACT_CELLS | CONTACT_CELLS for _ in CONTACTS)),
        st.sampled_from([0, 0, 1, 3, 90]),
        st.sampled_from(["all", "all", *RULES]),
    ),
    min_size=2,
    max_size=5,
)


def write(path: Path, head: Sequence[str], names: Sequence[tuple[str, ...]], cells: Any) -> None:
    """Write a table of the rows that are there."""
    with path.open("w", encoding="utf-8", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(head)
        table.writerows((*name, *row) for name, row in zip(names, cells, strict=True) if row)


def judge(folder: Path, night: Night, as_of: dt.date) -> Run | None:
    """Return what the rules say of a night's records; None where it has no referral."""
    if not any(night.rows):
        return None
    records, contacts = folder / "records.csv", folder / "contacts.csv"
    write(records, COLUMNS, WHO, night.rows)
    head = ("contact_id", "child_id", "contact_date", "contact_outcome", "team")
    write(contacts, head, CONTACTS, night.contacts)
    options = Options(as_of, 3, dt.date(2020, 1, 1))
    sources = [str(records), *([str(contacts)] if any(night.contacts) else [])]
    return check(sources, RULES[night.rules], options)


def keep(folder: Path, run: Run) -> dict[str, dict[str, int]]:
    """Store a run; return the counts by subject."""
    _, changes = store.store_run(
        f"sqlite:///{folder / 'triage.db'}",
        run,
        who="nobody",
        started_at=NOW,
        finished_at=NOW,
        settings={},
        review_days=REVIEW_DAYS,
    )
    return {subject: change.as_json() for subject, change in changes.items()}


def day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)


def stored(folder: Path) -> dict[str, Any]:
    """Return what the store holds, as the slow queue keeps it."""
    with sqlite3.connect(folder / "triage.db") as opened:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return opened.execute(query).fetchall()

        assert rows("PRAGMA foreign_key_check") == []
        cases = rows(
            "SELECT subject, child_id, referral_id, id, referral_date, status, due_on, reopened, "
            'team, restricted FROM "case"'
        )
        key_of = {row[3]: row[:3] for row in cases}
        flags = rows(
            "SELECT case_id, rule_id, message, due_on, severity, rule_hash, evidence, state, "
            "fingerprint, changed_run_id, cleared_run_id, first_flagged_on, first_run_id FROM flag"
        )
        events = rows("SELECT run_id, case_id, kind, rule_id, detail FROM event ORDER BY id")
        referrals = rows("SELECT * FROM referral")
    return {
        "cases": {
            row[:3]: {
                "number": row[3],
                "referral_date": day(row[4]),
                "status": row[5],
                "due_on": day(row[6]),
                "reopened": bool(row[7]),
                "team": row[8],
                "restricted": bool(row[9]),
            }
            for row in cases
        },
        "flags": {
            (key_of[row[0]], row[1]): {
                "message": row[2],
                "due_on": day(row[3]),
                "severity": row[4],
                "rule_hash": row[5],
                "evidence": json.loads(row[6]),
                "state": row[7],
                "rests_on": row[8],
                "changed": row[9],
                "cleared": row[10],
                "first_on": day(row[11]),
                "first": row[12],
            }
            for row in flags
        },
        "events": [
            (row[0], key_of[row[1]], row[2], row[3], next(iter(json.loads(row[4]).values()), ""))
            for row in events
        ],
        "referrals": {
            row[:2]: (
                day(row[2]),
                *row[3:6],
                None if row[6] is None else bool(row[6]),
                day(row[7]),
                row[8],
                bool(row[9]),
            )
            for row in referrals
        },
    }


def dump(folder: Path) -> list[str]:
    """Return every row of the store but the run log and what stands in it by run."""
    with sqlite3.connect(folder / "triage.db") as opened:
        return [
            line
            for line in opened.iterdump()
            if not any(f'INTO "{name}"' in line for name in ("run", "rejection", "due_item"))
            and "sqlite_sequence" not in line
        ]


@settings(max_examples=15)
@given(NIGHTS)
def test_after_each_night_the_store_holds_what_the_slow_queue_holds(nights: list[Night]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, as_of = Path(name), FIRST_NIGHT
        slow = SlowQueue(REVIEW_DAYS)
        for night in nights:
            as_of += dt.timedelta(night.days)
            run = judge(folder, night, as_of)
            if run is None:
                continue
            assert keep(folder, run) == slow.night(run)
            found = stored(folder)
            assert found["cases"] == slow.cases
            assert found["flags"] == slow.flags
            assert found["referrals"] == slow.referrals
            assert sorted(found["events"], key=str) == sorted(slow.events, key=str)
            before = dump(folder)
            again = slow.night(run)
            assert keep(folder, run) == again
            assert all(not count["new"] + count["changed"] for count in again.values())
            assert dump(folder) == before
            # That nothing differs is seen at once; flag by flag it comes to the same.
            with sqlite3.connect(folder / "triage.db") as opened:
                opened.execute("UPDATE run SET told = NULL")
            assert keep(folder, run) == slow.night(run)
            assert dump(folder) == before


@pytest.mark.parametrize("at_once", [1, 3, 2_000])
def test_rows_come_and_go_whole_however_many_at_a_time(
    at_once: int, triage: Triage, records: Path, monkeypatch: pytest.MonkeyPatch, workplace: Path
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", at_once)
    monkeypatch.setattr(bulk, "_MOST_CELLS", 20 * at_once)
    night = ("nightly", records, "--as-of", "2023-06-30", "--quiet")
    assert triage(*night)[0] == 0
    mend(records, "A,2023-05-10,R2,false,,,2023-05-15", "A,2023-05-10,R2,false,,,2023-05-11")
    assert triage(*night)[0] == 0
    with sqlite3.connect("triage.db") as opened:
        counts = opened.execute(
            "SELECT (SELECT count(*) FROM flag), (SELECT count(*) FROM event), "
            "(SELECT count(*) FROM flag WHERE state = 'cleared'), "
            "(SELECT count(*) FROM event WHERE kind = 'flag cleared')"
        ).fetchone()
    n_flags, n_events, n_cleared, n_told = counts
    assert n_cleared == n_told == 1
    n_cases = len(json.loads(triage("queue", "list", "--format", "json")[1]))
    assert n_events == n_flags + n_cases + 1


def test_after_a_night_events_are_guarded_as_the_migrations_made_it(
    triage: Triage, records: Path
) -> None:
    assert triage("nightly", records, "--as-of", "2023-06-30")[0] == 0
    with sqlite3.connect("triage.db") as opened:
        guards = dict(opened.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        stands = {
            name: opened.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "integrity_check")
        }
        revision = opened.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    assert set(guards) == {"event_no_update", "event_no_delete", "event_no_replace"}
    assert "BEFORE INSERT ON event WHEN EXISTS" in guards["event_no_replace"]
    assert stands == {"journal_mode": "wal", "integrity_check": "ok"}
    assert revision == HEAD_REVISION
