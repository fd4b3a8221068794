"""Second reviews: asked for, done without having seen the first, and settled where they differ.

A case goes on by itself where both reviewers agree on every question that is compared; else it
waits for somebody who is neither. The first review stays as it was submitted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from triage.casework import Act, Status, moved, said
from triage.errors import ConflictError, ForbiddenError
from triage.review_form import complete, draft
from triage.rights import Viewer
from triage.second import WORKING_DAYS, differences, in_common
from triage.store.actions import ask_for, has_open_actions
from triage.store.caselist import Case
from triage.store.cases import CAME_BACK
from triage.store.connection import acting
from triage.store.overseeing import case_rules
from triage.store.people import Asker, actor_of
from triage.store.reviews import (
    Review,
    as_text,
    draft_of,
    keep_answers,
    new_review,
)
from triage.store.second_reading import (
    UNSETTLED,
    SideBySide,
    Step,
    review_of,
    side_by_side,
    why_no_moderator,
)
from triage.store.standing import Wait, final_ids, keep_read, waits
from triage.store.tables import case, event, note, review, second_review
from triage.store.trail import Happened, add_events, happened
from triage.store.waiting import put_to_second
from triage.store.work import (
    BACK_TO_NOBODY,
    as_of_store,
    change,
    held_until,
    refuse_others,
    seen_case,
)


@dataclass(frozen=True)
class SecondBegun:
    """What a second reviewer, or whoever moderates, has before them.

    ``answers`` are the draft so far, or what the two reviewers have in common; ``differs`` has the
    answers of both where they have not.
    """

    case: Case
    step: Step
    rules: tuple[str, ...]
    answers: dict[str, Any]
    differs: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class SecondSubmitted:
    """A second review that is in, on which questions it differs, and the case's status now."""

    review: int
    differs: tuple[str, ...]
    status: str


def ask_for_second(
    url: str, asker: Asker, case_id: int, why: str, working_days: int = WORKING_DAYS
) -> None:
    """Ask for a second review of a case, for a reason that its second reviewer is not told.

    Raises:
        CallError: when no reason is given, the case has no review or had a second one.
    """
    reason = said(why, "give a reason to ask for a second review, with --reason TEXT.")
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("manage cases")
        found = seen_case(connection, actor, case_id)
        moved("ask for a second review", cast(Status, found.status), case_id)
        stands = final_ids(connection, [case_id]).get(case_id)
        if stands is None:
            raise ConflictError(
                f"case {case_id} has no submitted review", "; `triage review submit` it."
            )
        kind = connection.scalar(sa.select(review.c.kind).where(review.c.id == stands))
        if kind != "first":
            raise ConflictError(f"case {case_id} has had its second review; nothing was changed.")
        told = put_to_second(connection, asker, found, stands, "asked", working_days, reason=reason)
        add_events(connection, asker.at, actor.name, [told])


def withdraw_second(url: str, asker: Asker, case_id: int, why: str) -> None:
    """Let a case go on without the second review that nobody submitted yet.

    Raises:
        CallError: when no reason is given, or the case does not wait for one.
    """
    reason = said(why, "give a reason to withdraw a second review, with --reason TEXT.")
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("manage cases")
        found, wait = pending(connection, actor, case_id)
        ended = {"outcome": "withdrawn", "ended_at": asker.at}
        _change_row(connection, wait.row.id, ended)
        connection.execute(
            sa.insert(note).values(case_id=case_id, at=asker.at, by=actor.name, text=reason)
        )
        told = happened("second review withdrawn", case_id)
        _go_on(connection, asker, actor, found, wait.row, [told])


def see_first_answers(url: str, asker: Asker, case_id: int) -> None:
    """Give up being the second reviewer of a case, to see the first answers before the second.

    Raises:
        CallError: when whoever asks is no manager, or the case does not wait for a second review.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("manage cases")
        _, wait = pending(connection, actor, case_id)
        keep_read(connection, asker, case_id, sorted(wait.first.reviews))


def begin_second(url: str, asker: Asker, case_id: int) -> SecondBegun:
    """Start the second review of a case, or go on with one's draft; or begin its moderation.

    Raises:
        CallError: when the case waits for neither, or not for whoever asks.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("review")
        found = seen_case(connection, actor, case_id)
        row = _unsettled_row(connection, case_id)
        if row is not None:
            return _moderating(connection, asker, actor, found, row)
        found, wait, _ = _in_second(connection, asker, actor, case_id)
        known = draft_of(connection, case_id, actor.name, "second")
        rules = first_rules(review_of(connection, wait.row.first_id))
        return SecondBegun(found, "second review", rules, json.loads(known.answers), {})


def begin_moderation(url: str, asker: Asker, case_id: int) -> SecondBegun:
    """Return two reviews that differ to whoever moderates them; that they were read is kept.

    Raises:
        CallError: when the case waits for no moderation, or not for whoever asks.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("review")
        found, row = _unsettled(connection, actor, case_id)
        return _moderating(connection, asker, actor, found, row)


def _moderating(
    connection: sa.Connection, asker: Asker, actor: Viewer, found: Case, row: Any
) -> SecondBegun:
    both = _to_be_settled(connection, actor, row)
    keep_read(connection, asker, found.id, [both.first.id, both.second.id])
    common = in_common(both.first.answers, both.second.answers)
    apart = {name: (both.first.answers[name], both.second.answers[name]) for name in both.differs}
    return SecondBegun(found, "moderation", first_rules(both.first), common, apart)


def _unsettled(connection: sa.Connection, actor: Viewer, case_id: int) -> tuple[Case, Any]:
    """Return a case that waits for moderation, and its second review."""
    found = seen_case(connection, actor, case_id)
    moved("settle a second review", cast(Status, found.status), case_id)
    row = _unsettled_row(connection, case_id)
    if row is None:
        raise ConflictError(
            f"case {case_id} waits for its second review, not for moderation",
            "; `triage second list`.",
        )
    return found, row


def save_second_draft(url: str, asker: Asker, case_id: int, answers: Mapping[str, Any]) -> None:
    """Keep the second answers so far as a draft.

    Raises:
        CallError: for an answer that there is not, or a case that does not wait for whoever asks.
    """
    kept = draft(answers)
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("review")
        _, _, number = _in_second(connection, asker, actor, case_id)
        values = {"answers": as_text(kept), "changed_at": asker.at}
        connection.execute(sa.update(review).where(review.c.id == number).values(values))
        told = happened("second review draft saved", case_id, None, {"review": number})
        add_events(connection, asker.at, actor.name, [told])


def submit_second(
    url: str, asker: Asker, case_id: int, answers: Mapping[str, Any] | None
) -> SecondSubmitted:
    """Submit a second review, of these answers or of one's draft.

    Where it agrees with the first the case goes on; else it waits for moderation. What it asks for
    is to be done at once, either way.

    Raises:
        CallError: for an answer that is missing or wrong, or a case that does not wait for whoever
            asks.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("review")
        found, wait, number = _in_second(connection, asker, actor, case_id)
        if answers is None:
            answers = json.loads(draft_of(connection, case_id, actor.name, "second").answers)
        first = review_of(connection, wait.row.first_id)
        whole = complete(answers, first_rules(first), asker.today)
        told = keep_answers(connection, asker, number, whole)
        second = review_of(connection, number)
        differs = differences(first.answers, second.answers)
        told["agrees"] = not differs
        events = [happened("second review submitted", case_id, None, told)]
        events += ask_for(connection, case_id, number, whole.actions)
        values = {"second_id": number, "outcome": "differs" if differs else "agreed"}
        _change_row(connection, wait.row.id, values)
        if differs:
            free = {**BACK_TO_NOBODY, "assigned_to": None}
            connection.execute(sa.update(case).where(case.c.id == case_id).values(free))
            add_events(connection, asker.at, actor.name, events)
            return SecondSubmitted(number, differs, found.status)
        _change_row(connection, wait.row.id, {"ended_at": asker.at})
        status = _go_on(connection, asker, actor, found, wait.row, events)
        return SecondSubmitted(number, (), status)


def settle_second(
    url: str, asker: Asker, case_id: int, answers: Mapping[str, Any], why: str
) -> SecondSubmitted:
    """Settle two reviews that differ, by answers which are final from then on.

    Raises:
        CallError: when no reason is given, an answer is missing or wrong, the case waits for no
            moderation, or whoever asks is one of the two reviewers.
    """
    reason = said(why, "give a reason to settle two reviews, with --reason TEXT.")
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("review")
        found, row = _unsettled(connection, actor, case_id)
        both = _to_be_settled(connection, actor, row)
        whole = complete(answers, first_rules(both.first), asker.today)
        number = new_review(connection, asker, actor, case_id, "moderation", None, reason)
        told = keep_answers(connection, asker, number, whole)
        events = [happened("second review settled", case_id, None, told)]
        events += ask_for(connection, case_id, number, whole.actions)
        _change_row(connection, row.id, {"settled_id": number, "ended_at": asker.at})
        status = _go_on(connection, asker, actor, found, row, events)
        return SecondSubmitted(number, both.differs, status)


def pending(connection: sa.Connection, actor: Viewer, case_id: int) -> tuple[Case, Wait]:
    """Return a case that waits for its second review, and what is known of that."""
    found = seen_case(connection, actor, case_id)
    act: Act = "start a second review"
    moved(act, cast(Status, found.status), case_id)
    wait = waits(connection, actor, case_id).get(case_id)
    if wait is None:
        raise ConflictError(
            f"the second review of case {case_id} is in, and differs from the first",
            f": `triage second differences {case_id}`.",
        )
    return found, wait


def _in_second(
    connection: sa.Connection, asker: Asker, actor: Viewer, case_id: int
) -> tuple[Case, Wait, int]:
    """Return a case as in second review by whoever asks, and the number of their draft."""
    found, wait = pending(connection, actor, case_id)
    if wait.barred:
        raise ForbiddenError(
            f"{actor.name} cannot be the second reviewer of case {case_id}: {wait.barred}."
        )
    refuse_others(found, asker, actor)
    held: dict[str, Any] = {"held_by": actor.name, "held_until": held_until(asker.now)}
    connection.execute(sa.update(case).where(case.c.id == case_id).values(held))
    known = draft_of(connection, case_id, actor.name, "second")
    if known is not None:
        return found._replace(**held), wait, known.id
    number = new_review(connection, asker, actor, case_id, "second")
    told = happened("second review started", case_id, None, {"review": number})
    add_events(connection, asker.at, actor.name, [told])
    return found._replace(**held), wait, number


def _unsettled_row(connection: sa.Connection, case_id: int) -> Any:
    """Return the second review of a case that waits for moderation; None where none does."""
    return connection.execute(
        sa.select(second_review).where(second_review.c.case_id == case_id, UNSETTLED)
    ).first()


def _to_be_settled(connection: sa.Connection, actor: Viewer, row: Any) -> SideBySide:
    both = side_by_side(connection, row)
    why_not = why_no_moderator(both, actor)
    if why_not:
        raise ForbiddenError(f"{actor.name} cannot moderate case {both.case}: {why_not}.")
    return both


def first_rules(first: Review) -> tuple[str, ...]:
    """Return the rules of the flags that the first review answers for: the second does too."""
    return tuple(sorted(first.answers["flags_useful"]))


def _change_row(connection: sa.Connection, number: int, values: Mapping[str, Any]) -> None:
    connection.execute(sa.update(second_review).where(second_review.c.id == number).values(values))


def _go_on(
    connection: sa.Connection,
    asker: Asker,
    actor: Viewer,
    found: Case,
    row: Any,
    events: list[Happened],
) -> str:
    """Let a case go on to its actions, or be closed where there are none; return its status.

    A case that would be closed though a flag was raised while it waited is opened again, as a run
    would have done had it been closed.
    """
    as_of = as_of_store(connection)
    status = moved("end a second review", cast(Status, found.status), found.id)
    values: dict[str, Any] = {**BACK_TO_NOBODY, "assigned_to": None}
    if found.due_on == row.due_on:
        values["due_on"] = row.due_before
    if not has_open_actions(connection, found.id):
        status = moved("finish the actions", status, found.id)
        if _is_raised_since(connection, found.id):
            status = moved("reopen", status, found.id)
            values |= {"boost": CAME_BACK, "opened_on": as_of}
            events.append(happened("case reopened", found.id))
        else:
            values["boost"] = None
            events.append(happened("case closed", found.id, None, {"why": "reviewed"}))
    change(connection, found, {**values, "status": status}, as_of)
    add_events(connection, asker.at, actor.name, events)
    return status


def _is_raised_since(connection: sa.Connection, case_id: int) -> bool:
    """Return whether a run raised a flag on a case since it began to wait.

    That people were late with the case itself is no reason to review it again.
    """
    asked = sa.select(sa.func.max(event.c.id)).where(
        event.c.case_id == case_id, event.c.kind == "second review asked for"
    )
    raised = sa.select(event.c.id).where(
        event.c.case_id == case_id,
        event.c.kind.in_(("flag raised", "flag raised again")),
        event.c.rule_id.not_in(case_rules(connection)),
        event.c.id > asked.scalar_subquery(),
    )
    return connection.execute(raised.limit(1)).first() is not None
