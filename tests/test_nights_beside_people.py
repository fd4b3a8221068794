"""Nights that are stored while people work: nothing that somebody did is lost to a night."""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from processes import at_once
from stores import OwnStore
from work_helpers import ANSWERS, AS_OF, DECIDED, NOON, Row, check_whole, night, row

from triage import store as door
from triage.errors import CallError
from triage.store import Asker, Wanted, beside

SECONDS = 10
"""How long people work beside nights, on each store; longer where too little came of it."""
LEAST_NIGHTS = 10
N_PEOPLE = 4
N_REFERRALS = 150
LATE = {"decision_at": "2023-06-27", "risk_rating": "red", "threshold_level": "3"}
LATER = LATE | {"decision_at": "2023-06-28"}
WITHOUT_RATING = {"decision_at": "2023-06-21", "threshold_level": "3"}
RECORDS: Sequence[dict[str, str]] = ({}, {}, DECIDED, LATE, LATER, WITHOUT_RATING)
"""What a record may say: no decision, one in time, a late one, one without a rating."""


@dataclass
class Log:
    """What somebody did, as they were told that it was stored."""

    events: Counter[tuple[str, int]] = field(default_factory=Counter)
    notes: dict[str, int] = field(default_factory=dict)
    drafts: dict[int, dict[str, Any]] = field(default_factory=dict)
    reviews: dict[int, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    done: dict[int, str] = field(default_factory=dict)
    n_refused: int = 0

    @property
    def is_enough(self) -> bool:
        """Return whether something of each kind was done."""
        return bool(self.notes and self.reviews and self.done)


class Somebody:
    """A person who claims, notes, drafts, submits, supersedes, releases and finishes actions."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name, self.log = url, name, Log()
        self.chance = Random(name)
        self.mine: list[int] = []
        self.last_review: tuple[int, int] | None = None

    @property
    def now(self) -> Asker:
        return Asker(self.name, (), dt.datetime.now(dt.UTC))

    def did(self, kind: str, case_id: int) -> None:
        self.log.events[kind, case_id] += 1

    def do_something(self) -> None:
        if self.mine and self.chance.random() < 0.7:
            on_a_case = [self.note, self.draft, self.draft, self.submit, self.submit, self.release]
            self.chance.choice(on_a_case)(self.chance.choice(self.mine))
        else:
            self.chance.choice([self.claim, self.claim, self.finish, self.supersede])()

    def claim(self) -> None:
        found = door.claim_next(self.url, self.now, Wanted())
        if found is not None:
            self.did("case claimed", found.id)
            self.mine.append(found.id)

    def note(self, case_id: int) -> None:
        text = f"{uuid.uuid4()} by {self.name}"
        door.add_note(self.url, self.now, case_id, text)
        self.did("note added", case_id)
        self.log.notes[text] = case_id

    def begin(self, case_id: int) -> tuple[str, ...]:
        begun = door.begin_review(self.url, self.now, case_id)
        assert begun.answers == self.log.drafts.setdefault(case_id, {})
        return begun.rules

    def draft(self, case_id: int) -> None:
        self.begin(case_id)
        answers = {"learning": str(uuid.uuid4()), "grade": "good"}
        door.save_draft(self.url, self.now, case_id, answers)
        self.did("review draft saved", case_id)
        self.log.drafts[case_id] = answers

    def submit(self, case_id: int) -> None:
        rules = self.begin(case_id)
        due_on = (self.now.today + dt.timedelta(days=7)).isoformat()
        asked = [{"kind": "visit", "owner": self.name, "due_on": due_on}]
        answers = ANSWERS | {
            "flags_useful": dict.fromkeys(rules, "partly"),
            "learning": str(uuid.uuid4()),
            "actions": asked if self.chance.random() < 0.5 else [],
        }
        number = door.submit_review(self.url, self.now, case_id, answers)
        self.did("review submitted", case_id)
        if answers["actions"]:
            self.did("action asked for", case_id)
        self.log.reviews[number] = ("submitted", answers)
        self.last_review = (case_id, number)
        del self.log.drafts[case_id]
        self.mine.remove(case_id)

    def supersede(self) -> None:
        if self.last_review is None:
            return
        case_id, former = self.last_review
        answers = self.log.reviews[former][1] | {"learning": str(uuid.uuid4())}
        number = door.supersede_review(self.url, self.now, case_id, answers, "misread")
        self.did("review superseded", case_id)
        self.log.reviews[former] = ("superseded", self.log.reviews[former][1])
        self.log.reviews[number] = ("submitted", answers)
        self.last_review = (case_id, number)

    def release(self, case_id: int) -> None:
        door.release(self.url, self.now, case_id)
        self.did("case released", case_id)
        self.mine.remove(case_id)

    def finish(self) -> None:
        found = door.actions_of(self.url, self.now, owner=self.name)
        if found:
            one, said = self.chance.choice(found), str(uuid.uuid4())
            door.finish_action(self.url, self.now, one.id, self.now.today, said)
            self.did("action done", one.case)
            self.log.done[one.id] = said


UNCOUNTED = ("case closed", "review started", "review gone on with")
"""What comes of an act besides, as the case stood."""


def work(url: str, name: str, seconds: float) -> Log:
    """Work for some time, and until enough is done; what was refused left nothing behind."""
    somebody, end = Somebody(url, name), time.monotonic() + seconds
    while time.monotonic() < end or not somebody.log.is_enough:
        try:
            somebody.do_something()
        except CallError:
            somebody.log.n_refused += 1
    return somebody.log


def nights(own: OwnStore, folder: Path, seconds: float) -> None:
    """Store nights on changing records for some time."""
    chance, end, n_nights = Random(2017), time.monotonic() + seconds, 0
    while time.monotonic() < end or n_nights < LEAST_NIGHTS:
        referrals: list[Row] = [
            row(f"R{number:05}", team=chance.choice(["North", "East"]), **chance.choice(RECORDS))
            for number in range(N_REFERRALS)
        ]
        n_nights += 1
        night(own, folder, referrals, AS_OF + dt.timedelta(days=n_nights // 10))


def test_what_people_do_beside_nights_is_all_there_afterwards(
    store: OwnStore, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As of a large store: what stands is read by a second process, which is to leave the locks.
    monkeypatch.setattr(beside, "LARGE", 0)
    night(store, workplace, [row(f"R{number:05}") for number in range(N_REFERRALS)])
    names = [f"r.reviewer{number}" for number in range(N_PEOPLE)]
    people = {"a.admin": "administrator"} | dict.fromkeys(names, "reviewer")
    for name, role in people.items():
        door.register(store.url, Asker("a.admin", (), NOON), name, role, [])
    asked = [(store.url, name, SECONDS) for name in names]
    found = at_once(work, asked, lambda: nights(store, workplace, SECONDS))
    logs = dict(zip(names, found, strict=True))
    check_whole(store)
    for name, log in logs.items():
        check_log(store, name, log)
    n_nights = store.value("SELECT COUNT(*) FROM run")
    n_acts = sum(log.events.total() for log in found)
    n_refused = sum(log.n_refused for log in found)
    print(f"{store.kind}: {n_nights} nights, {n_acts} acts, {n_refused} refused")  # noqa: T201
    assert n_nights > LEAST_NIGHTS
    assert n_acts > n_refused
    by_night = {kind for (kind,) in store.query(
        "SELECT DISTINCT kind FROM event WHERE actor = 'system:nightly'")}  # fmt: skip
    assert {
        "case closed",
        "case reopened",
        "flag raised",
        "flag cleared",
        "flag changed",
    } <= by_night


def check_log(own: OwnStore, name: str, log: Log) -> None:
    """Hold the store to what somebody was told that it had stored: all of it, and no more."""
    told = own.query(f"SELECT kind, case_id FROM event WHERE actor = '{name}'")
    assert Counter(one for one in told if one[0] not in UNCOUNTED) == log.events
    assert dict(own.query(f"SELECT text, case_id FROM note WHERE \"by\" = '{name}'")) == log.notes
    kept = own.query(f"SELECT id, case_id, state, answers FROM review WHERE reviewer = '{name}'")
    drafts = {of: json.loads(answers) for _, of, state, answers in kept if state == "draft"}
    assert drafts == log.drafts
    submitted = {
        number: (state, json.loads(answers))
        for number, _, state, answers in kept
        if state != "draft"
    }
    assert submitted == log.reviews
    done = "SELECT id, evidence FROM remedial_action WHERE done_on IS NOT NULL AND owner = "
    assert dict(own.query(f"{done}'{name}'")) == log.done
