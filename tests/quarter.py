"""A quarter of reviews on the invented council: nights, reviewers, second reviews, actions.

All of it is drawn by a seed. What was drawn is kept beside the store, so that a report can be held
to it without asking the store.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import pickle
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from triage import store
from triage.__main__ import run
from triage.pipeline import check
from triage.resources import shipped
from triage.review_form import ACTIONS, GRADES, REASONS
from triage.rulefiles import load_rules
from triage.run import Options
from triage.settings import ReviewDays
from triage.store import Asker, Case, Wanted

LAST = dt.date(2026, 9, 30)
NIGHTS = (dt.date(2026, 7, 31), dt.date(2026, 8, 31), LAST)
REPORTS = ("review", "weekly", "causes", "rules")
REVIEWERS = ("r.one", "r.two", "r.three")
TABLE = shipped("sample_data") / "one_table" / "referral_table.csv"
RULES = load_rules(shipped("rules"))
EVERY = Wanted(statuses=(*Wanted().statuses, "closed"))


@dataclass
class Quarter:
    """What was done, by case: the final answers, who differs, what is to be done and was."""

    url: str
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    reviewed_on: dict[int, dt.date] = field(default_factory=dict)
    pairs: dict[int, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)
    referral_of: dict[int, str] = field(default_factory=dict)
    pending: set[int] = field(default_factory=set)
    second: dict[int, str] = field(default_factory=dict)
    actions: list[dict[str, Any]] = field(default_factory=list)
    queue: dict[int, Case] = field(default_factory=dict)
    """The cases as the queue has them in the end, restricted ones among them."""


def asker(name: str, on: dt.date, minutes: int = 0) -> Asker:
    """Return somebody who asks on a day."""
    at = dt.datetime.combine(on, dt.time(9), dt.UTC) + dt.timedelta(minutes=minutes)
    return Asker(name, (), at)


def simulate(url: str, *, seed: int = 7, share: float = 0.6, table: Path = TABLE) -> Quarter:
    """Judge the records on each night, and review a share of the cases between the nights."""
    drawn = random.Random(seed)
    quarter = Quarter(url)
    for as_of in NIGHTS:
        night(url, as_of, table)
        _review_some(quarter, drawn, as_of, share)
    night(url, LAST, table)
    reader = Asker("m.manager", ("m.manager",), asker("m.manager", LAST).at)
    quarter.queue = {one.id: one for one in store.cases(url, reader, EVERY).cases}
    return quarter


def night(url: str, as_of: dt.date, table: Path) -> None:
    """Judge the records and store the run."""
    at = dt.datetime.combine(as_of, dt.time(2), dt.UTC)
    run = check([str(table)], RULES, Options(as_of), nights=store.nights_so_far(url))
    store.store_run(
        url, run, who="quarter", started_at=at, finished_at=at, settings={},
        review_days=ReviewDays().model_dump(),
    )  # fmt: skip


def _review_some(quarter: Quarter, drawn: random.Random, as_of: dt.date, share: float) -> None:
    minutes = 0
    listed = store.cases(quarter.url, asker("m.manager", as_of), Wanted(subject="referral")).cases
    for case in sorted(listed, key=lambda one: one.id):
        quarter.referral_of[case.id] = case.referral_id
        if case.status != "new" or drawn.random() > share:
            continue
        minutes += 3
        if drawn.random() < 0.05:
            store.close(quarter.url, asker("m.manager", as_of, minutes), [case.id], "known to us")
            continue
        _review(quarter, drawn, case, as_of, minutes)


def _review(
    quarter: Quarter, drawn: random.Random, case: Any, as_of: dt.date, minutes: int
) -> None:
    """Review a case, and do some of what follows: actions, a second review, its moderation."""
    first, second, third = drawn.sample(REVIEWERS, 3)
    answers = _answers(drawn, case.rules, as_of)
    store.submit_review(quarter.url, asker(first, as_of, minutes), case.id, answers)
    quarter.answers[case.id] = answers
    quarter.reviewed_on[case.id] = as_of
    _ask_for(quarter, case.id, answers)
    fate = drawn.random() if case.id not in quarter.second else 1
    if fate < 0.25:
        store.ask_for_second(quarter.url, asker("m.manager", as_of, minutes), case.id, "a sample")
        quarter.second[case.id] = "waits"
        quarter.pending.add(case.id)
    if fate < 0.2:
        other = dict(answers) if fate < 0.1 else _answers(drawn, case.rules, as_of)
        other["actions"] = []
        agrees = all(other[name] == answers[name] for name in _COMPARED)
        store.submit_second(quarter.url, asker(second, as_of, minutes + 1), case.id, other)
        quarter.second[case.id] = "agreed" if agrees else "differs"
        quarter.pairs[case.id] = (answers, other)
        if agrees:
            quarter.answers[case.id] = other
            quarter.pending.discard(case.id)
        elif fate < 0.17:
            who = asker(third, as_of, minutes + 2)
            store.settle_second(quarter.url, who, case.id, other, "talked about")
            quarter.answers[case.id] = other
            quarter.second[case.id] = "settled"
            quarter.pending.discard(case.id)
    _finish_some(quarter, drawn, case.id, as_of, minutes)


_COMPARED = (
    "is_re_referral", "main_reason", "closure_right", "threshold_right", "risk_identified",
    "oversight", "avoidable", "grade",
)  # fmt: skip


def _answers(drawn: random.Random, rules: tuple[str, ...], on: dt.date) -> dict[str, Any]:
    is_one = drawn.choices(("yes", "partly", "no"), (8, 1, 1))[0]
    codes = list(REASONS)
    main = "none" if is_one == "no" else drawn.choice(codes[:6])
    further = [] if is_one == "no" else sorted(set(drawn.sample(codes, 2)) - {main})
    actions = [
        {"kind": kind, "owner": "w.worker",
         "due_on": (on + dt.timedelta(drawn.randint(3, 40))).isoformat()}
        for kind in drawn.sample(list(ACTIONS), drawn.choice((0, 0, 1, 2)))
    ]  # fmt: skip
    return {
        "is_re_referral": is_one,
        "main_reason": main,
        "further_reasons": further,
        "closure_right": drawn.choice(("yes", "no", "unclear", "not applicable")),
        "threshold_right": drawn.choice(("yes", "no", "unclear", "not applicable")),
        "risk_identified": drawn.choice(("yes", "partly", "no")),
        "oversight": drawn.choice(("effective", "weak", "missing")),
        "avoidable": drawn.choice(("avoidable", "partly avoidable", "not avoidable", "unclear")),
        "grade": drawn.choices(GRADES, (1, 4, 4, 1))[0],
        "flags_useful": {rule: drawn.choice(("yes", "yes", "partly", "no")) for rule in rules},
        "learning": "Ask the referrer what changed.",
        "actions": actions,
    }


def _ask_for(quarter: Quarter, case: int, answers: dict[str, Any]) -> None:
    quarter.actions += [
        {"case": case, "kind": one["kind"], "due_on": dt.date.fromisoformat(one["due_on"]),
         "done_on": None, "handed": False}
        for one in answers["actions"]
    ]  # fmt: skip


def _finish_some(
    quarter: Quarter, drawn: random.Random, case: int, as_of: dt.date, minutes: int
) -> None:
    """Finish or hand over some of the case's actions, as they are numbered in the store."""
    who = asker("m.manager", as_of, minutes + 2)
    for number, one in enumerate(quarter.actions, 1):
        if one["case"] != case or one["done_on"] or one["handed"]:
            continue
        fate = drawn.random()
        if fate < 0.6:
            done = as_of
            store.finish_action(quarter.url, who, number, done, "seen")
            one["done_on"] = done
        elif fate < 0.7:
            store.hand_over_action(quarter.url, who, number, "another authority", "they moved")
            one["handed"] = True


def made_once(folder: Path) -> Quarter:
    """Return the quarter, in a store of its own in a folder; of several processes one makes it."""
    kept = folder / "quarter.pickle"
    with _alone(folder):
        if not kept.exists():
            made = simulate(f"sqlite:///{folder / 'quarter.db'}")
            kept.write_bytes(pickle.dumps(made))
        found: Quarter = pickle.loads(kept.read_bytes())
    return found


def reported_once(quarter: Quarter, folder: Path) -> Path:
    """Return a folder of every report of the quarter, made by the command in a copy of its store.

    In it are ``within`` and ``published``, a folder in each for each report.
    """
    with _alone(folder):
        if not (folder / "done").exists():
            shutil.copy(quarter.url.removeprefix("sqlite:///"), folder / "triage.db")
            for name in REPORTS:
                _make(folder, name, "within")
                _make(folder, name, "published", "--publish")
            (folder / "done").touch()
    return folder


def _make(folder: Path, name: str, kind: str, *more: str) -> None:
    url, out = f"sqlite:///{folder / 'triage.db'}", str(folder / kind / name)
    called = ["report", name, "--db", url, "--out", out, "--no-pdf", "--as", "m.manager", *more]
    assert run(called) == 0


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
