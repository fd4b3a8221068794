"""Reading of second reviews: what waits, both sides of a case, and the pairs to be compared."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import sqlalchemy as sa

from triage.agreement import Pair
from triage.errors import MissingError
from triage.rights import Viewer
from triage.second import differences
from triage.store.caselist import COLUMNS, Case, made
from triage.store.connection import acting, reading
from triage.store.people import Asker, viewer_of
from triage.store.reviews import Review, made_review
from triage.store.standing import (
    PENDING,
    Wait,
    final_ids,
    hidden_from,
    keep_read,
    versions_of,
    waits,
)
from triage.store.tables import case, review, second_review
from triage.store.trail import add_events, happened
from triage.store.work import seen_case

Step = Literal["second review", "moderation"]
UNSETTLED: Final = sa.and_(second_review.c.outcome == "differs", second_review.c.ended_at.is_(None))
"""What is so of a second review that waits for moderation."""
_MAY_NOT: Final = "they may not review"


@dataclass(frozen=True)
class Waiting:
    """A case that waits for a second reviewer, or for whoever moderates.

    ``why_not`` says why whoever asks cannot do that step, and is empty where they can. What led to
    it is told to those only from whom the first answers are not hidden.
    """

    case: Case
    step: Step
    asked_at: str
    begun_by: str | None
    differs: tuple[str, ...]
    why_not: str
    why: str | None = None
    reason: str | None = None
    sample: int | None = None
    came_from: str | None = None


@dataclass(frozen=True)
class SideBySide:
    """Two reviews of a case, the questions on which they differ, and what settled them if so.

    ``reviewers`` are all who wrote a version of either.
    """

    case: int
    first: Review
    second: Review
    differs: tuple[str, ...]
    moderation: Review | None
    reviewers: frozenset[str]


def second_list(url: str, asker: Asker) -> list[Waiting]:
    """Return the cases that wait for a second review or for moderation, in the order of work.

    Raises:
        CallError: when people are registered and whoever asks is none of them.
    """
    which = sa.select(second_review).where(sa.or_(PENDING, UNSETTLED))
    cases = (
        sa.select(*COLUMNS)
        .where(case.c.id.in_(which.with_only_columns(second_review.c.case_id)))
        .order_by(case.c.place, case.c.id)
    )
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        pending = waits(connection, who)
        rows = {row.case_id: row for row in connection.execute(which)}
        return [
            _waiting(one, pending[one.id], who, asker)
            if one.id in pending
            else _unsettled(connection, one, rows[one.id], who)
            for one in map(made, connection.execute(cases).all())
            if who.sees(one.team, restricted=one.restricted)
        ]


def _waiting(one: Case, wait: Wait, who: Viewer, asker: Asker) -> Waiting:
    begun_by = one.holder(asker.at)
    why_not = wait.barred if who.may("review") else _MAY_NOT
    if not why_not and begun_by not in (None, who.name):
        why_not = f"{begun_by} is at it"
    found = Waiting(one, "second review", wait.row.asked_at, begun_by, (), why_not)
    return found if wait.hides_from(who) else _with_why(found, wait.row)


def _unsettled(connection: sa.Connection, one: Case, row: Any, who: Viewer) -> Waiting:
    both = side_by_side(connection, row)
    why_not = why_no_moderator(both, who) if who.may("review") else _MAY_NOT
    return _with_why(Waiting(one, "moderation", row.asked_at, None, both.differs, why_not), row)


def _with_why(found: Waiting, row: Any) -> Waiting:
    return replace(
        found, why=row.why, reason=row.reason, sample=row.sample_id, came_from=row.came_from
    )


def second_differences(url: str, asker: Asker, case_id: int) -> SideBySide:
    """Return the two reviews of a case side by side; that they were read is kept in the trail.

    Raises:
        CallError: when there is no such case for whoever asks, or its second review is not in.
    """
    with acting(url) as connection:
        who = viewer_of(connection, asker)
        seen_case(connection, who, case_id)
        row = connection.execute(
            sa.select(second_review)
            .where(second_review.c.case_id == case_id, second_review.c.second_id.is_not(None))
            .order_by(second_review.c.id.desc())
        ).first()
        if row is None:
            raise MissingError(
                f"no second review of case {case_id} is in", "; `triage second list`."
            )
        both = side_by_side(connection, row)
        read = [one.id for one in (both.first, both.second, both.moderation) if one is not None]
        keep_read(connection, asker, case_id, read)
        return both


def hidden_cases(url: str, asker: Asker) -> list[int]:
    """Return the cases that whoever asks sees, but of whose first reviews they are told nothing.

    Raises:
        CallError: when people are registered and whoever asks is none of them.
    """
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        rows = connection.execute(
            sa.select(case.c.id, case.c.team, case.c.restricted)
            .where(case.c.id.in_(hidden_from(connection, who)))
            .order_by(case.c.id)
        )
        return [row.id for row in rows if who.sees(row.team, restricted=row.restricted)]


@dataclass(frozen=True)
class Compared:
    """Pairs of reviews to be compared, and how many were put to a second reviewer for which reason.

    ``may_see_reviewers`` is whether whoever asks may see which two reviewers agree how well.
    """

    pairs: list[Pair]
    reasons: dict[str, int]
    may_see_reviewers: bool


def second_pairs(
    url: str,
    asker: Asker,
    first_day: dt.date | None = None,
    last_day: dt.date | None = None,
    sample: int | None = None,
) -> Compared:
    """Return the pairs of reviews of the cases that whoever asks sees, each as it was submitted.

    The days are those on which the second ones came in. That they were compared is kept in the
    trail.

    Raises:
        CallError: when people are registered and whoever asks is none of them.
    """
    one, other = sa.alias(review, "one"), sa.alias(review, "other")
    query = (
        sa.select(
            second_review.c.case_id, second_review.c.why, case.c.team, case.c.restricted,
            one.c.reviewer, one.c.answers, other.c.reviewer.label("other_by"),
            other.c.answers.label("other_answers"), other.c.submitted_at,
        )
        .join(case, case.c.id == second_review.c.case_id)
        .join(one, one.c.id == second_review.c.first_id)
        .join(other, other.c.id == second_review.c.second_id)
        .order_by(second_review.c.id)
    )  # fmt: skip
    if sample is not None:
        query = query.where(second_review.c.sample_id == sample)
    since, until = first_day or dt.date.min, last_day or dt.date.max
    pairs, reasons = [], {"sample": 0, "grade": 0, "asked": 0}
    with acting(url) as connection:
        who = viewer_of(connection, asker)
        who.require("see cases")
        for row in connection.execute(query):
            day = dt.datetime.fromisoformat(row.submitted_at).astimezone().date()
            if since <= day <= until and who.sees(row.team, restricted=row.restricted):
                answers = (json.loads(row.answers), json.loads(row.other_answers))
                pairs.append(Pair(row.case_id, row.reviewer, row.other_by, *answers))
                reasons[row.why] += 1
        told = {"pairs": len(pairs)}
        add_events(
            connection, asker.at, asker.actor, [happened("agreement read", None, None, told)]
        )
        return Compared(pairs, reasons, who.may("compare reviewers"))


def why_no_moderator(both: SideBySide, who: Viewer) -> str:
    """Return why somebody cannot moderate two reviews; nothing where they can."""
    return "one of the reviews is theirs" if who.name in both.reviewers else ""


def side_by_side(connection: sa.Connection, row: Any) -> SideBySide:
    """Return the reviews of a second review that is in."""
    first, second = review_of(connection, row.first_id), review_of(connection, row.second_id)
    settled = None if row.settled_id is None else review_of(connection, row.settled_id)
    wrote = sa.select(review.c.reviewer).where(
        review.c.id.in_([*versions_of(connection, row.case_id, row.first_id), row.second_id])
    )
    return SideBySide(
        row.case_id, first, second, differences(first.answers, second.answers), settled,
        frozenset(connection.scalars(wrote)),
    )  # fmt: skip


def review_of(connection: sa.Connection, number: int) -> Review:
    """Return a review by its number."""
    row = connection.execute(sa.select(review).where(review.c.id == number)).one()
    return made_review(row, final_ids(connection, [row.case_id]).get(row.case_id))
