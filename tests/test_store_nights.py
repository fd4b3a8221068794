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
from hypothesis import example, given, settings
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


COLUMNS = ("child_id", "referral_date", "referral_id", "nfa", "team", "closed_on",
           "closure_reason", "decision_at", "risk_rating", "threshold_level", "allocated_at",
           "restricted")  # fmt: skip
REFERRALS = (
    "A 2023-03-06 R1 no North 2023-05-02 RC7 2023-03-06 red 3 2023-03-07 -",
    "A 2023-06-20 R2 no North - - 2023-06-27 red - - -",
    "B 2023-06-21 - no South - - - - - - -",
    "C 2023-06-26 R4 no - 2023-06-27 - 2023-06-26 red 3 2023-06-26 -",
    "É 2023-05-04 R1 yes North 2023-05-05 RC8 2023-05-04 amber 2 - -",
)
"""Each of some flags, of the second one several; ``-`` is blank."""
CHOICES = {
    "nfa": ["no", "yes", "perhaps"],
    "team": ["North", "South 'End\"", "-"],
    "closed_on": ["-", "2023-06-27", "never"],
    "closure_reason": ["-", "RC7"],
    "decision_at": ["-", "2023-06-21", "2023-06-27", "2023-06-28", "2023-06-31"],
    "threshold_level": ["3", "-", "none"],
    "allocated_at": ["-", "2023-06-27"],
    "restricted": ["-", "true"],
    "is there": ["yes", "no"],
}
CONTACT_COLUMNS = ("contact_id", "child_id", "contact_date", "contact_outcome", "team")
CONTACTS = (
    "K1 A 2023-03-01 nfa Door",
    "K2 A 2023-06-22 nfa -",
    "K3 D 2023-05-02 nfa Door",
    "K4 D 2023-06-02 nfa Door",
    "K5 D 2023-06-23 nfa Door",
)
"""The last of the child's three contacts is flagged."""
CONTACT_CHOICES = {
    "contact_outcome": ["nfa", "referral"],
    "team": ["Door", "-"],
    "is there": ["yes", "no"],
}


def edits_of(n_rows: int, choices: dict[str, list[str]]) -> st.SearchStrategy[Any]:
    """Return some cells to be typed anew: row, column, and what stands there then."""
    cells = [(name, text) for name, texts in choices.items() for text in texts]
    one = st.tuples(st.integers(0, n_rows - 1), st.sampled_from(cells))
    return st.lists(one, max_size=3)


@dataclass(frozen=True)
class Night:
    """What was typed since the night before, and how and when the records are judged."""

    referrals: list[tuple[int, tuple[str, str]]]
    contacts: list[tuple[int, tuple[str, str]]]
    days: int
    rules: str


NIGHTS = st.lists(
    st.builds(
        Night,
        edits_of(len(REFERRALS), CHOICES),
        edits_of(len(CONTACTS), CONTACT_CHOICES),
        st.sampled_from([0, 0, 1, 3, 90]),
        st.sampled_from(["all", "all", *RULES]),
    ),
    min_size=2,
    max_size=5,
)
BACK_AND_FORTH = [
    Night([], [], 0, "all"),
    Night([(3, ("closure_reason", "RC7"))], [(4, ("contact_outcome", "referral"))], 0, "all"),
    Night([(3, ("closure_reason", "-"))], [(4, ("contact_outcome", "nfa"))], 5, "all"),
    Night([(1, ("decision_at", "2023-06-28"))], [], 0, "one on trial"),
    Night([(2, ("is there", "no"))], [(4, ("is there", "no"))], 0, "all"),
    Night([(2, ("is there", "yes"))], [], 0, "one retired"),
    Night([], [], 1, "one gone"),
    Night([], [(4, ("is there", "yes"))], 1, "all"),
    Night([(1, ("threshold_level", "none"))], [], 0, "all"),
    Night([(1, ("threshold_level", "3"))], [], 0, "all"),
    Night([(0, ("closure_reason", "-"))], [], 0, "all"),
]
"""Cases that close and come back, flags that change, records that leave, rules that fall silent.

At the end what is raised stays the same: a cell is unreadable, then it clears a flag; then only a
referral without a flag is told otherwise.
"""


class Records:
    """The records of a council as they are typed from night to night."""

    def __init__(self) -> None:
        self.referrals = self._read(REFERRALS, COLUMNS)
        self.contacts = self._read(CONTACTS, CONTACT_COLUMNS)

    @staticmethod
    def _read(rows: Sequence[str], columns: Sequence[str]) -> list[dict[str, str]]:
        return [{**dict(zip(columns, row.split(), strict=True)), "is there": "yes"} for row in rows]

    def type(self, night: Night) -> None:
        """Type what a night brings."""
        for rows, edits in ((self.referrals, night.referrals), (self.contacts, night.contacts)):
            for place, (column, text) in edits:
                rows[place][column] = text

    def write(self, folder: Path) -> list[str]:
        """Write the tables that have a row, that of referrals always having one."""
        found = []
        if all(row["is there"] == "no" for row in self.referrals):
            self.referrals[0]["is there"] = "yes"
        for name, rows in (("referrals", self.referrals), ("contacts", self.contacts)):
            there = [row for row in rows if row["is there"] == "yes"]
            if there:
                path = folder / f"{name}.csv"
                with path.open("w", encoding="utf-8", newline="") as opened:
                    table = csv.DictWriter(opened, list(there[0])[:-1], extrasaction="ignore")
                    table.writeheader()
                    for row in there:
                        table.writerow({k: "" if v == "-" else v for k, v in row.items()})
                found.append(str(path))
        return found


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
@example(BACK_AND_FORTH)
@given(NIGHTS)
def test_after_each_night_the_store_holds_what_the_slow_queue_holds(nights: list[Night]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, as_of = Path(name), FIRST_NIGHT
        slow, records = SlowQueue(REVIEW_DAYS), Records()
        for night in nights:
            as_of += dt.timedelta(night.days)
            records.type(night)
            options = Options(as_of, 3, dt.date(2020, 1, 1))
            run = check(records.write(folder), RULES[night.rules], options)
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


def test_the_nights_written_out_come_to_every_kind_of_event(tmp_path: Path) -> None:
    as_of, records = FIRST_NIGHT, Records()
    for night in BACK_AND_FORTH:
        as_of += dt.timedelta(night.days)
        records.type(night)
        options = Options(as_of, 3, dt.date(2020, 1, 1))
        keep(tmp_path, check(records.write(tmp_path), RULES[night.rules], options))
    found = {(kind, key[0]) for _, key, kind, _, _ in stored(tmp_path)["events"]}
    assert {kind for kind, _ in found} == {
        "case opened", "flag raised", "flag changed", "flag cleared", "case closed",
        "flag raised again", "case reopened",
    }  # fmt: skip
    assert {("case reopened", "contact"), ("case reopened", "referral")} <= found
    details = {detail for *_, detail in stored(tmp_path)["events"]}
    assert {"the rule is on trial", "the rule is retired"} <= details


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
