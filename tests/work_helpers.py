"""Who acts and when, and nights that bring cases to work on: what tests of work on cases share."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stores import OwnStore

from triage import store
from triage.calendar import to_day
from triage.casework import MOVES, Act
from triage.order import place as in_order
from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.ruleset import Ruleset
from triage.run import Options
from triage.store import Asker, Case, Wanted
from triage.vocabulary import SEVERITIES

SHIPPED = load_rules(shipped("rules"))
RULES = SHIPPED.only("DEC-01", "DEC-02", "DEC-04")
"""One critical, and one that a decision without a rating brings instead."""
AS_OF = dt.date(2023, 6, 30)
NOON = dt.datetime(2023, 6, 30, 12, tzinfo=dt.UTC)
REVIEW_DAYS = {"critical": 1, "high": 5, "medium": 10, "low": 20}
EVERY = Wanted(statuses=(*Wanted().statuses, "closed"))
COLUMNS = ("child_id", "referral_date", "referral_id", "nfa", "team", "restricted",
           "decision_at", "risk_rating", "threshold_level")  # fmt: skip

Row = dict[str, str]


def asker(name: str | None = "r.reviewer", minutes: int = 0, readers: Sequence[str] = ()) -> Asker:
    """Return somebody who asks, some minutes after noon."""
    return Asker(name, tuple(readers), NOON + dt.timedelta(minutes=minutes))


def row(name: str, **cells: str) -> Row:
    """Return a referral without a decision, which is flagged."""
    blank = dict.fromkeys(COLUMNS, "")
    return blank | {
        "child_id": f"P{name}", "referral_id": name, "referral_date": "2023-06-20",
        "nfa": "no", "team": "North", **cells,
    }  # fmt: skip


def rows(n: int, **cells: str) -> list[Row]:
    return [row(f"R{number:05}", **cells) for number in range(n)]


DECIDED = {"decision_at": "2023-06-20", "risk_rating": "red", "threshold_level": "3"}
"""Cells of a record of which no rule says anything."""


def night(
    own: OwnStore,
    folder: Path,
    referrals: Sequence[Row],
    as_of: dt.date = AS_OF,
    rules: Ruleset = RULES,
) -> int:
    """Judge referrals and store the run; return its number."""
    path = folder / "referrals.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(referrals)
    run = check([str(path)], rules, Options(as_of, None))
    at = dt.datetime.combine(as_of, dt.time(2), dt.UTC)
    number, _, _ = store.store_run(
        own.url, run, who="tests", started_at=at, finished_at=at, settings={},
        review_days=REVIEW_DAYS,
    )  # fmt: skip
    return number


def listed(own: OwnStore, who: Asker | None = None, wanted: Wanted = EVERY) -> list[Case]:
    """Return the cases that somebody sees, in the order of work."""
    return store.cases(own.url, who or asker(), wanted).cases


def case_of(own: OwnStore, number: int) -> dict[str, Any]:
    """Return the columns of a case as the store keeps them."""
    names = ("status", "held_by", "held_until", "assigned_to", "boost", "snoozed_until", "team",
             "restricted", "severity")  # fmt: skip
    (found,) = own.query(f'SELECT {", ".join(names)} FROM "case" WHERE id = {number}')
    return dict(zip(names, found, strict=True))


def kinds(own: OwnStore, since: int = 0) -> list[str]:
    """Return the kinds of the events after one, in their order."""
    found = own.query(f"SELECT kind FROM event WHERE id > {since} ORDER BY id")
    return [kind for (kind,) in found]


def last_event(own: OwnStore) -> int:
    number: int = own.value("SELECT COALESCE(MAX(id), 0) FROM event")
    return number


ANSWERS: dict[str, Any] = {
    "is_re_referral": "yes", "main_reason": "R02", "further_reasons": [], "closure_right": "no",
    "threshold_right": "yes", "risk_identified": "partly", "oversight": "weak",
    "avoidable": "avoidable", "grade": "good", "flags_useful": {"DEC-01": "yes"}, "learning": "",
    "actions": [],
}  # fmt: skip


def to_do(kind: str = "visit", owner: str = "w.worker", due_on: str = "2023-07-07") -> Row:
    return {"kind": kind, "owner": owner, "due_on": due_on}


MOVES_BY_EVENT: dict[str, tuple[Act, ...]] = {
    "case claimed": ("claim",),
    "case released": ("release",),
    "case assigned": ("assign",),
    "case reopened": ("reopen",),
    "case closed": ("close", "clear", "finish the actions"),
    "review started": ("start a review",),
    "review gone on with": ("start a review",),
    "review submitted": ("submit a review",),
    "review superseded": ("supersede a review",),
}
"""Which moves an event of the trail may be."""


def statuses_told(own: OwnStore) -> dict[int, str]:
    """Return the status of each case as the trail tells it, each move of which is allowed."""
    found: dict[int, Any] = {}
    for kind, number in own.query("SELECT kind, case_id FROM event ORDER BY id"):
        if kind == "case opened":
            found[number] = "new"
        elif acts := MOVES_BY_EVENT.get(kind):
            allowed = [MOVES[act][found[number]] for act in acts if found[number] in MOVES[act]]
            assert allowed, f"{kind} on case {number}, which was {found[number]}"
            found[number] = allowed[0]
    return found


def check_whole(own: OwnStore) -> None:
    """Hold a store to what is always so of it, whatever people and nights did."""
    assert store.verify_trail(own.url).damage == ""
    statuses = dict(own.query('SELECT id, status FROM "case"'))
    assert statuses_told(own) == statuses
    as_of = dt.date.fromisoformat(own.value("SELECT as_of FROM run ORDER BY id DESC LIMIT 1"))
    names = "place, due_on, boost, severity, referral_date, status, held_by, held_until"
    for place, due, boost, severity, referred, status, held_by, until in own.query(
        f'SELECT {names} FROM "case"'
    ):
        due_on, referred_on = dt.date.fromisoformat(due), dt.date.fromisoformat(referred)
        assert place == in_order(
            is_overdue=int(due_on < as_of), is_boosted=int(boost is not None),
            rank=SEVERITIES.index(severity), due_day=to_day(due_on),
            referral_day=to_day(referred_on),
        )  # fmt: skip
        assert (held_by is None) == (until is None)
        assert (held_by is not None) == (status in ("claimed", "in review"))
    waiting = own.query(
        "SELECT DISTINCT case_id FROM remedial_action WHERE done_on IS NULL AND handed_to IS NULL"
    )
    open_actions = {number for number, status in statuses.items() if status == "actions open"}
    assert {number for (number,) in waiting} == open_actions
    own.check()
