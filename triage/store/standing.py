"""Which answers stand, and from whom the first ones are hidden until the second ones are in.

Whoever may still be the second reviewer of a case does not see the first answers; whoever has seen
them, or asked for what they led to, cannot be its second reviewer. The two never overlap.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from triage.rights import Viewer
from triage.sampling import TOLD_BY_ANSWERS
from triage.second import Given, Pairing, final, versions
from triage.store.people import Asker
from triage.store.tables import event, remedial_action, review, second_review, second_sample
from triage.store.trail import add_events, happened

READ: Final = "reviews read"
"""The kind of the event that somebody read submitted reviews; its detail names which."""
WITHHELD: Final = "withheld until the second review is in"
"""What stands in place of an event's kind where it could tell something of the first answers."""
_TELLS_NOTHING: Final = frozenset(
    {"case read", READ, "note added", "case boosted", "case snoozed", "flag raised",
     "flag raised again", "flag changed", "flag cleared"}
)  # fmt: skip
"""The kinds of events after a first review that tell nothing of its answers."""
Cases: TypeAlias = Sequence[int] | sa.Select[Any]
"""Numbers of cases, or a query that gives them."""
PENDING: Final = sa.and_(second_review.c.second_id.is_(None), second_review.c.ended_at.is_(None))
"""What is so of a second review that nobody submitted yet."""


@dataclass(frozen=True)
class Hidden:
    """The versions of a first review that somebody may not see yet, and when it was submitted."""

    reviews: frozenset[int]
    since: str

    def tells(self, who: Viewer, kind: str, at: str, actor: str) -> bool:
        """Return whether an event of the case could tell somebody of the first answers."""
        is_own = bool(who.name) and actor == who.name
        is_after = bool(self.reviews) and at >= self.since
        return is_after and kind not in _TELLS_NOTHING and not is_own


NOTHING_HIDDEN: Final = Hidden(frozenset(), "")


@dataclass(frozen=True)
class Wait:
    """A case that waits for its second review.

    ``barred`` says in words why whoever asks cannot be its second reviewer, and is empty where
    they can.
    """

    row: Any
    first: Hidden
    barred: str

    def hides_from(self, who: Viewer) -> bool:
        """Return whether the first answers are hidden from whoever asked for this."""
        return who.may("review") and not self.barred


def final_ids(connection: sa.Connection, cases: Cases | None = None) -> dict[int, int]:
    """Return the review of each case whose answers are final: of some cases, or of all.

    Moderation goes before a second review that agreed, and that before the first one.
    """
    pairings: dict[int, list[Pairing]] = defaultdict(list)
    query = sa.select(second_review).order_by(second_review.c.id)
    for row in connection.execute(_of(query, second_review, cases)):
        pairings[row.case_id].append(
            Pairing(row.first_id, row.second_id, row.outcome, row.settled_id)
        )
    found = {
        number: final(reviews, pairings[number])
        for number, reviews in _given(connection, cases).items()
    }
    return {number: one for number, one in found.items() if one is not None}


def _given(connection: sa.Connection, cases: Cases | None = None) -> dict[int, list[Given]]:
    """Return the submitted reviews of each case, without their answers."""
    query = sa.select(
        review.c.id, review.c.case_id, review.c.kind, review.c.state, review.c.supersedes,
        review.c.submitted_at,
    ).where(review.c.state != "draft").order_by(review.c.id)  # fmt: skip
    found: dict[int, list[Given]] = defaultdict(list)
    for row in connection.execute(_of(query, review, cases)):
        is_superseded = row.state == "superseded"
        found[row.case_id].append(
            Given(row.id, row.kind, is_superseded, row.supersedes, row.submitted_at)
        )
    return found


def versions_of(connection: sa.Connection, case_id: int, number: int) -> frozenset[int]:
    """Return a review of a case, and all that it came in the place of."""
    return versions(number, _given(connection, [case_id])[case_id])


def _of(query: sa.Select[Any], table: sa.Table, cases: Cases | None) -> sa.Select[Any]:
    return query if cases is None else query.where(table.c.case_id.in_(cases))


def waits(connection: sa.Connection, who: Viewer, case_id: int | None = None) -> dict[int, Wait]:
    """Return what waits for a second review, by case: one case, or all."""
    query = sa.select(second_review, second_sample.c.stratified_by).outerjoin(
        second_sample, second_sample.c.id == second_review.c.sample_id
    )
    conditions = [PENDING, *([second_review.c.case_id == case_id] if case_id is not None else [])]
    rows = {row.case_id: row for row in connection.execute(query.where(*conditions))}
    if not rows:
        return {}
    which = sa.select(second_review.c.case_id).where(*conditions)
    given = _given(connection, which)
    authors, owners, readers = _who_knows(connection, who, which)
    found = {}
    for number, row in rows.items():
        hidden = versions(row.first_id, given[number])
        since = min(one.submitted_at for one in given[number] if one.id in hidden)
        barred = ""
        if who.name and hidden & authors:
            barred = "the first review is theirs"
        elif hidden & owners:
            barred = "they have something to do that it asks for"
        elif hidden & readers:
            barred = "they have read it"
        elif who.name == row.asked_by and row.why == "asked":
            barred = "they asked for it, and said why"
        elif who.name == row.asked_by and row.stratified_by in TOLD_BY_ANSWERS:
            barred = f"they drew the sample by {row.stratified_by}, and saw how many of each"
        found[number] = Wait(row, Hidden(hidden, since), barred)
    return found


def _who_knows(
    connection: sa.Connection, who: Viewer, which: sa.Select[Any]
) -> tuple[set[int], set[int], set[int]]:
    """Return the reviews that somebody wrote, has to act on, and has read, of some cases."""
    authors = connection.scalars(
        sa.select(review.c.id).where(
            review.c.case_id.in_(which), review.c.reviewer == who.name, review.c.state != "draft"
        )
    )
    owners = connection.scalars(
        sa.select(remedial_action.c.review_id).where(
            remedial_action.c.case_id.in_(which), remedial_action.c.owner == who.name
        )
    )
    told = connection.scalars(
        sa.select(event.c.detail).where(
            event.c.case_id.in_(which), event.c.kind == READ, event.c.actor == who.name
        )
    )
    readers = {number for detail in told for number in json.loads(detail).get("reviews", ())}
    return set(authors), set(owners), readers


def hidden_from(
    connection: sa.Connection, who: Viewer, case_id: int | None = None
) -> dict[int, Hidden]:
    """Return what is hidden from somebody, by case: of one case, or of all."""
    found = waits(connection, who, case_id)
    return {number: one.first for number, one in found.items() if one.hides_from(who)}


def keep_read(
    connection: sa.Connection, asker: Asker, case_id: int, reviews: Sequence[int]
) -> None:
    """Add to the trail that somebody asked for the reviews of a case, and which they read."""
    told = {"reviews": sorted(reviews)}
    add_events(connection, asker.at, asker.actor, [happened(READ, case_id, None, told)])
