"""Samples of reviewed cases for a second review: drawn, kept to be drawn again, and shown.

Who is drawn follows from the seed and the frame, which are kept with the sample.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from triage.errors import CallError
from triage.rights import Viewer
from triage.sampling import (
    TOLD_BY_ANSWERS,
    Stratum,
    drawn,
    seed_of,
    share_of,
    size_of,
    stratum_of,
)
from triage.second import WORKING_DAYS
from triage.store.caselist import COLUMNS, Case, made
from triage.store.connection import acting, reading
from triage.store.husks import IS_KEPT
from triage.store.people import Asker, actor_of, viewer_of
from triage.store.standing import hidden_from
from triage.store.tables import case, review, second_review, second_sample
from triage.store.trail import add_events, happened
from triage.store.waiting import put_to_second

REVIEWED: Final = ("actions open", "closed")
"""The statuses in which a reviewed case can be drawn."""
_IN_ONE: Final = 500
"""Case numbers asked for in one statement."""


@dataclass(frozen=True)
class Plan:
    """How a sample is to be drawn: a share, as ``10%``, or a number, of which reviews, by what."""

    seed: str
    share: str | None = None
    number: int | None = None
    by: Stratum | None = None
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    working_days: int = WORKING_DAYS


class Drawable(NamedTuple):
    """A reviewed case that can be drawn, with its latest first review."""

    case: Case
    review: int
    answers: str
    submitted_at: str

    def stratum(self, by: Stratum | None) -> str:
        """Return the stratum that it is of."""
        answers = json.loads(self.answers)
        return stratum_of(by, team=self.case.team, severity=self.case.severity, answers=answers)


@dataclass(frozen=True)
class SampleStratum:
    """A stratum: how many reviews there were of it, and how many of them were drawn."""

    stratum: str
    size: int
    drawn: int


@dataclass(frozen=True)
class Sample:
    """A sample as it was drawn, and what became of its cases so far.

    ``strata`` is None for whoever it could tell the first answers of a case that they may still
    review.
    """

    id: int
    drawn_at: str
    drawn_by: str
    seed: str
    share: str | None
    number: int | None
    by: Stratum | None
    first_day: dt.date | None
    last_day: dt.date | None
    size: int
    frame: tuple[int, ...]
    cases: tuple[int, ...]
    strata: tuple[SampleStratum, ...] | None
    states: dict[str, int]


def draw_sample(url: str, asker: Asker, plan: Plan) -> Sample:
    """Draw a sample of submitted reviews, whose cases then wait for a second one; return it.

    Of the frame are the reviewed cases that whoever asks sees and that had no second review yet.

    Raises:
        CallError: when whoever asks may not, the plan cannot be met, or there is nothing to draw.
    """
    seed = seed_of(plan.seed)
    share = None if plan.share is None else share_of(plan.share)
    size_of(1, share=share, number=plan.number)
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("manage cases")
        found = _frame(connection, actor, plan)
        frame: dict[str, list[int]] = defaultdict(list)
        for number, one in found.items():
            frame[one.stratum(plan.by)].append(number)
        if not found:
            raise CallError(
                "there is no submitted review of this kind that could be reviewed a second time; "
                "nothing was drawn."
            )
        who = drawn(frame, size_of(len(found), share=share, number=plan.number), seed)
        sample_id = _keep(connection, asker, plan, seed, frame, who)
        told = {"sample": sample_id, "seed": seed, "frame": len(found),
                "drawn": sum(map(len, who.values()))}  # fmt: skip
        events = [happened("sample drawn", None, None, told)]
        for number in sorted(number for some in who.values() for number in some):
            one = found[number]
            told_of_it = put_to_second(
                connection, asker, one.case, one.review, "sample", plan.working_days,
                sample_id=sample_id,
            )  # fmt: skip
            events.append(told_of_it)
        add_events(connection, asker.at, actor.name, events)
        return _samples(connection, actor, sample_id)[0]


def _frame(connection: sa.Connection, actor: Viewer, plan: Plan) -> dict[int, Drawable]:
    """Return the cases that can be drawn, by number."""
    had = sa.select(second_review.c.first_id).where(
        sa.or_(second_review.c.outcome.is_(None), second_review.c.outcome != "withdrawn")
    )
    query = (
        sa.select(*COLUMNS, review.c.id, review.c.answers, review.c.submitted_at)
        .join(review, review.c.case_id == case.c.id)
        .where(
            review.c.kind == "first",
            review.c.state == "submitted",
            case.c.status.in_(REVIEWED),
        )
        .order_by(case.c.id, review.c.submitted_at, review.c.id)
    )
    known = set(connection.scalars(had))
    first, last = plan.first_day or dt.date.min, plan.last_day or dt.date.max
    latest = {row[0]: Drawable(made(row[:-3]), *row[-3:]) for row in connection.execute(query)}
    return {
        number: one
        for number, one in latest.items()
        if actor.sees(one.case.team, restricted=one.case.restricted)
        and one.review not in known
        and first <= dt.datetime.fromisoformat(one.submitted_at).astimezone().date() <= last
    }


def _keep(
    connection: sa.Connection,
    asker: Asker,
    plan: Plan,
    seed: str,
    frame: dict[str, list[int]],
    who: dict[str, tuple[int, ...]],
) -> int:
    strata = {name: [len(frame[name]), len(who[name])] for name in sorted(frame)}
    share = None if plan.share is None else _as_percent(share_of(plan.share))
    inserted = connection.execute(
        sa.insert(second_sample).values(
            drawn_at=asker.at, drawn_by=asker.name, seed=seed, share=share, number=plan.number,
            stratified_by=plan.by, first_day=plan.first_day, last_day=plan.last_day,
            frame={name: sorted(frame[name]) for name in sorted(frame)}, strata=strata,
        )
    )  # fmt: skip
    key = inserted.inserted_primary_key
    assert key is not None
    return int(key[0])


def _as_percent(share: Fraction) -> str:
    return f"{float(share * 100):g}%"


def samples(url: str, asker: Asker) -> list[Sample]:
    """Return the samples that whoever asks drew, or sees every case of, the latest first.

    Raises:
        CallError: when they may not: samples are for managers and auditors.
    """
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        who.require("see samples")
        return _samples(connection, who)


def _samples(connection: sa.Connection, who: Viewer, sample_id: int | None = None) -> list[Sample]:
    hidden = hidden_from(connection, who)
    cases: dict[int, list[int]] = defaultdict(list)
    states: dict[int, Counter[str]] = defaultdict(Counter)
    for row in connection.execute(sa.select(second_review).order_by(second_review.c.case_id)):
        if row.sample_id is not None:
            cases[row.sample_id].append(row.case_id)
            states[row.sample_id][_state(row)] += 1
    query = sa.select(second_sample).order_by(second_sample.c.id.desc())
    if sample_id is not None:
        query = query.where(second_sample.c.id == sample_id)
    found = []
    for row in connection.execute(query):
        frame = sorted(number for some in row.frame.values() for number in some)
        if row.drawn_by != who.name and not _sees_all(connection, who, frame):
            continue
        is_told = row.stratified_by not in TOLD_BY_ANSWERS or hidden.keys().isdisjoint(
            cases[row.id]
        )
        strata = tuple(SampleStratum(name, *of_it) for name, of_it in sorted(row.strata.items()))
        found.append(
            Sample(
                row.id, row.drawn_at, row.drawn_by, row.seed, row.share, row.number,
                row.stratified_by, row.first_day, row.last_day, len(frame), tuple(frame),
                tuple(cases[row.id]), strata if is_told else None, dict(states[row.id]),
            )
        )  # fmt: skip
    return found


def _sees_all(connection: sa.Connection, who: Viewer, cases: Sequence[int]) -> bool:
    query = sa.select(case.c.team, case.c.restricted).where(IS_KEPT)
    return all(
        who.sees(row.team, restricted=row.restricted)
        for start in range(0, len(cases), _IN_ONE)
        for row in connection.execute(query.where(case.c.id.in_(cases[start : start + _IN_ONE])))
    )


def _state(row: Any) -> str:
    """Return in a word or two what became of a second review so far."""
    if row.outcome is None:
        return "waits"
    if row.outcome == "differs":
        return "waits for moderation" if row.ended_at is None else "moderated"
    return str(row.outcome)
