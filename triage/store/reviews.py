"""Reviews and the remedial actions that follow from them.

A draft belongs to whoever writes it and can be changed; a submitted review is never changed, only
superseded by another, with a reason. Its answers are kept here and sealed in the trail.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import sqlalchemy as sa

from triage.casework import Act, Status, moved, said
from triage.errors import CallError
from triage.review_form import Action, Answers, complete, draft
from triage.rights import Viewer
from triage.second import Kind, SecondRule
from triage.store.caselist import Case
from triage.store.connection import acting, reading
from triage.store.people import Asker, actor_of, check_name, viewer_of
from triage.store.standing import NOTHING_HIDDEN, final_ids, hidden_from, keep_read
from triage.store.tables import case, flag, remedial_action, review
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

NO_RULE: Final = SecondRule()


@dataclass(frozen=True)
class Review:
    """A review of a case: a draft, one that was submitted, or one that another superseded.

    ``kind`` is first, second or moderation; the answers of one review of each case are final.
    """

    id: int
    case: int
    reviewer: str
    state: str
    answers: dict[str, Any]
    started_at: str
    submitted_at: str | None
    supersedes: int | None
    reason: str | None
    kind: Kind = "first"
    is_final: bool = False


@dataclass(frozen=True)
class RemedialAction:
    """Something that a review asks for, and what became of it."""

    id: int
    case: int
    review: int
    kind: str
    owner: str
    due_on: dt.date
    done_on: dt.date | None
    evidence: str | None
    handed_to: str | None
    handed_why: str | None

    @property
    def is_open(self) -> bool:
        """Return whether it is still to be done here."""
        return self.done_on is None and self.handed_to is None


@dataclass(frozen=True)
class Begun:
    """What a reviewer has before them: the case, its open flags' rules, and the draft so far."""

    case: Case
    rules: tuple[str, ...]
    answers: dict[str, Any]


def begin_review(url: str, asker: Asker, case_id: int) -> Begun:
    """Start the review of a case, or go on with one's draft; the case is held from then on.

    Raises:
        CallError: when the case is not there, cannot be reviewed now, or somebody else holds it.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("review")
        found, _ = _in_review(connection, asker, actor, case_id)
        known = draft_of(connection, case_id, actor.name, "first")
        answers = {} if known is None else json.loads(known.answers)
        return Begun(found, _open_rules(connection, case_id), answers)


def save_draft(url: str, asker: Asker, case_id: int, answers: Mapping[str, Any]) -> None:
    """Keep the answers so far as a draft.

    Raises:
        CallError: for an answer that there is not, or a case that cannot be reviewed now.
    """
    kept = draft(answers)
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("review")
        _, number = _in_review(connection, asker, actor, case_id)
        values = {"answers": as_text(kept), "changed_at": asker.at}
        connection.execute(sa.update(review).where(review.c.id == number).values(values))
        told = {"review": number}
        event = happened("review draft saved", case_id, None, told)
        add_events(connection, asker.at, actor.name, [event])


def submit_review(
    url: str,
    asker: Asker,
    case_id: int,
    answers: Mapping[str, Any] | None,
    second: SecondRule = NO_RULE,
) -> int:
    """Submit a review, of these answers or of one's draft; return its number.

    The case waits for the actions that it asks for, and is closed where there are none; or it waits
    for a second review, where the rule says so of its grade.

    Raises:
        CallError: for an answer that is missing or wrong, or a case that cannot be reviewed now.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("review")
        found, number = _in_review(connection, asker, actor, case_id)
        if answers is None:
            kept = draft_of(connection, case_id, actor.name, "first")
            answers = json.loads(kept.answers) if kept is not None else {}
        whole = complete(answers, _open_rules(connection, case_id), asker.today)
        status = moved("submit a review", cast(Status, found.status), case_id)
        told = keep_answers(connection, asker, number, whole)
        events = [happened("review submitted", case_id, None, told)]
        events += ask_for(connection, case_id, number, whole.actions)
        _go_on(connection, asker, actor, found._replace(status=status), events)
        _put_by_grade(connection, asker, actor, case_id, number, whole, second)
        return number


def _put_by_grade(
    connection: sa.Connection,
    asker: Asker,
    actor: Viewer,
    case_id: int,
    number: int,
    answers: Answers,
    rule: SecondRule,
) -> None:
    """Let a case wait for a second review, where the rule says so of the first one's grade."""
    if answers.grade in rule.grades:
        found = seen_case(connection, actor, case_id)
        told = put_to_second(connection, asker, found, number, "grade", rule.working_days)
        add_events(connection, asker.at, actor.name, [told])


def supersede_review(
    url: str,
    asker: Asker,
    case_id: int,
    answers: Mapping[str, Any],
    why: str,
    second: SecondRule = NO_RULE,
) -> int:
    """Put another review in the place of the one that stands, for a reason; return its number.

    The one that stands is the one whose answers are final. What it asked for stays to be done; of
    the new one only further actions are added.

    Raises:
        CallError: when no reason is given, none was submitted yet, or an answer is wrong.
    """
    reason = said(why, "give a reason to supersede a review, with --reason TEXT.")
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("review")
        found = seen_case(connection, actor, case_id)
        status = moved("supersede a review", cast(Status, found.status), case_id)
        number = final_ids(connection, [case_id]).get(case_id)
        if number is None:
            raise CallError(f"case {case_id} has no submitted review; `triage review submit` it.")
        stands = connection.execute(sa.select(review).where(review.c.id == number)).one()
        if stands.reviewer != actor.name and not actor.may("manage cases"):
            raise CallError(
                f"the review of case {case_id} is {stands.reviewer}'s: only they, or a manager, "
                "may supersede it."
            )
        useful = json.loads(stands.answers)["flags_useful"]
        whole = complete(answers, useful, asker.today)
        connection.execute(
            sa.update(review).where(review.c.id == stands.id).values(state="superseded")
        )
        number = new_review(connection, asker, actor, case_id, stands.kind, stands.id, reason)
        told = {**keep_answers(connection, asker, number, whole), "supersedes": stands.id}
        events = [happened("review superseded", case_id, None, told)]
        events += ask_for(connection, case_id, number, whole.actions)
        _go_on(connection, asker, actor, found._replace(status=status), events)
        if stands.kind == "first":
            _put_by_grade(connection, asker, actor, case_id, number, whole, second)
        return number


def reviews_of(url: str, asker: Asker, case_id: int) -> list[Review]:
    """Return the reviews of a case that were submitted, and one's own draft, in their order.

    The first one is hidden from whoever may still be the second reviewer. That they were read is
    added to the trail.

    Raises:
        CallError: when there is no such case for whoever asks.
    """
    with acting(url) as connection:
        who = viewer_of(connection, asker)
        seen_case(connection, who, case_id)
        hidden = hidden_from(connection, who, case_id).get(case_id, NOTHING_HIDDEN)
        stands = final_ids(connection, [case_id]).get(case_id)
        rows = connection.execute(
            sa.select(review)
            .where(
                review.c.case_id == case_id,
                sa.or_(review.c.state != "draft", review.c.reviewer == who.name),
            )
            .order_by(review.c.id)
        )
        found = [made_review(row, stands) for row in rows if row.id not in hidden.reviews]
        read = [one.id for one in found if one.state != "draft"]
        keep_read(connection, asker, case_id, read)
        return found


def made_review(row: Any, stands: int | None) -> Review:
    """Return a review from its row; ``stands`` is the one whose answers are final."""
    return Review(
        row.id, row.case_id, row.reviewer, row.state, json.loads(row.answers), row.started_at,
        row.submitted_at, row.supersedes, row.reason, row.kind, row.id == stands,
    )  # fmt: skip


def actions_of(
    url: str, asker: Asker, *, case_id: int | None = None, owner: str = "", open_only: bool = True
) -> list[RemedialAction]:
    """Return the remedial actions of the cases that whoever asks may see, the soonest due first.

    Those of a first review are hidden from whoever may still be the second reviewer.

    Raises:
        CallError: when people are registered and this is none of them.
    """
    conditions = [
        *([remedial_action.c.case_id == case_id] if case_id is not None else []),
        *([remedial_action.c.owner == owner] if owner else []),
    ]
    query = (
        sa.select(remedial_action, case.c.team, case.c.restricted)
        .join(case, case.c.id == remedial_action.c.case_id)
        .where(*conditions)
        .order_by(remedial_action.c.due_on, remedial_action.c.id)
    )
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        hidden = hidden_from(connection, who)
        found = [
            _action(row)
            for row in connection.execute(query)
            if who.sees(row.team, restricted=row.restricted)
            and row.review_id not in hidden.get(row.case_id, NOTHING_HIDDEN).reviews
        ]
    return [one for one in found if one.is_open or not open_only]


def finish_action(url: str, asker: Asker, number: int, done_on: dt.date, evidence: str) -> None:
    """Say that a remedial action was done, when, and by what that shows.

    Raises:
        CallError: when there is none such, it is not open, or nothing shows it.
    """
    words = said(evidence, "say what shows that it was done, with --evidence TEXT.")
    if done_on > asker.today:
        raise CallError(f"{done_on}: has not come yet; give the day on which it was done.")
    values = {"done_on": done_on, "evidence": words}
    _settle(url, asker, number, "action done", values, {"on": done_on.isoformat()})


def hand_over_action(url: str, asker: Asker, number: int, to: str, why: str) -> None:
    """Hand a remedial action over to somebody outside; it no longer holds the case open.

    Raises:
        CallError: when there is none such, it is not open, or no reason is given.
    """
    missing = "say to whom it is handed over, and why, with --to NAME --reason TEXT."
    whom, words = said(to, missing), said(why, missing)
    check_name(whom)
    values = {"handed_to": whom, "handed_why": words}
    _settle(url, asker, number, "action handed over", values, {"to": whom})


def _settle(
    url: str, asker: Asker, number: int, kind: str, values: dict[str, Any], told: dict[str, Any]
) -> None:
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("work on cases")
        row = connection.execute(
            sa.select(remedial_action).where(remedial_action.c.id == number)
        ).first()
        try:
            found = None if row is None else seen_case(connection, actor, row.case_id)
        except CallError:
            found = None
        if row is None or found is None:
            raise CallError(f"there is no remedial action {number}; `triage action list`.")
        if not _action(row).is_open:
            raise CallError(f"remedial action {number} is done, or was handed over, already.")
        connection.execute(
            sa.update(remedial_action).where(remedial_action.c.id == number).values(values)
        )
        events = [happened(kind, found.id, None, {"action": number, **told})]
        _go_on(connection, asker, actor, found, events, is_reviewed=False)


def _action(row: Any) -> RemedialAction:
    return RemedialAction(
        row.id, row.case_id, row.review_id, row.kind, row.owner, row.due_on, row.done_on,
        row.evidence, row.handed_to, row.handed_why,
    )  # fmt: skip


def _in_review(
    connection: sa.Connection, asker: Asker, actor: Viewer, case_id: int
) -> tuple[Case, int]:
    """Return a case as in review by whoever asks, and the number of their draft."""
    found = seen_case(connection, actor, case_id)
    act: Act = "start a review"
    status = moved(act, cast(Status, found.status), case_id)
    refuse_others(found, asker, actor)
    until = held_until(asker.now)
    held: dict[str, Any] = {"status": status, "held_by": actor.name, "held_until": until}
    connection.execute(sa.update(case).where(case.c.id == case_id).values(held))
    known = draft_of(connection, case_id, actor.name, "first")
    if known is None:
        number = new_review(connection, asker, actor, case_id, "first")
        event = happened("review started", case_id, None, {"review": number})
        add_events(connection, asker.at, actor.name, [event])
    else:
        number = known.id
    return found._replace(**held), number


def draft_of(connection: sa.Connection, case_id: int, reviewer: str, kind: Kind) -> Any:
    """Return somebody's draft of a review of a case; None where there is none."""
    return connection.execute(
        sa.select(review).where(
            review.c.case_id == case_id,
            review.c.reviewer == reviewer,
            review.c.kind == kind,
            review.c.state == "draft",
        )
    ).first()


def new_review(
    connection: sa.Connection,
    asker: Asker,
    actor: Viewer,
    case_id: int,
    kind: Kind,
    supersedes: int | None = None,
    reason: str | None = None,
) -> int:
    """Add an empty review, and return its number."""
    inserted = connection.execute(
        sa.insert(review).values(
            case_id=case_id, kind=kind, reviewer=actor.name, state="draft", answers="{}",
            salt="", started_at=asker.at, changed_at=asker.at, supersedes=supersedes,
            reason=reason,
        )
    )  # fmt: skip
    key = inserted.inserted_primary_key
    assert key is not None
    return int(key[0])


def keep_answers(
    connection: sa.Connection, asker: Asker, number: int, answers: Answers
) -> dict[str, Any]:
    """Keep the answers of a review as submitted; return what the trail says of it."""
    text, salt = as_text(answers.model_dump(mode="json")), secrets.token_hex(16)
    values = {
        "state": "submitted", "answers": text, "salt": salt, "submitted_at": asker.at,
        "changed_at": asker.at,
    }  # fmt: skip
    connection.execute(sa.update(review).where(review.c.id == number).values(values))
    return {"review": number, "sha256": seal(salt, text)}


def seal(salt: str, text: str) -> str:
    """Return the SHA-256 of a text and its salt, without which nobody can tell what was said."""
    return hashlib.sha256(f"{salt}{text}".encode()).hexdigest()


def ask_for(
    connection: sa.Connection, case_id: int, number: int, actions: tuple[Action, ...]
) -> list[Happened]:
    """Add the remedial actions of a review that the case does not have already."""
    known = {
        (row.kind, row.owner, row.due_on)
        for row in connection.execute(
            sa.select(remedial_action).where(remedial_action.c.case_id == case_id)
        )
    }
    events = []
    for one in actions:
        if (one.kind, one.owner, one.due_on) in known:
            continue
        inserted = connection.execute(
            sa.insert(remedial_action).values(
                case_id=case_id, review_id=number, kind=one.kind, owner=one.owner,
                due_on=one.due_on,
            )
        )  # fmt: skip
        key = inserted.inserted_primary_key
        assert key is not None
        told = {"action": int(key[0]), "kind": one.kind, "owner": one.owner,
                "due_on": one.due_on.isoformat()}  # fmt: skip
        events.append(happened("action asked for", case_id, None, told))
    return events


def _go_on(
    connection: sa.Connection,
    asker: Asker,
    actor: Viewer,
    found: Case,
    events: list[Happened],
    *,
    is_reviewed: bool = True,
) -> None:
    """Leave a case to its open actions, or close it where there are none, and add the events.

    What brought it forward is done with when it is reviewed, or closed. One that waits for a second
    review goes on waiting, held by whoever holds it.
    """
    status = cast(Status, found.status)
    if status == "awaiting second review":
        add_events(connection, asker.at, actor.name, events)
        return
    if status == "actions open" and not has_open_actions(connection, found.id):
        status = moved("finish the actions", status, found.id)
        events.append(happened("case closed", found.id, None, {"why": "reviewed"}))
    boost = None if is_reviewed or status == "closed" else found.boost
    values = {"status": status, **BACK_TO_NOBODY, "assigned_to": None, "boost": boost}
    change(connection, found, values, as_of_store(connection))
    add_events(connection, asker.at, actor.name, events)


def has_open_actions(connection: sa.Connection, case_id: int) -> bool:
    """Return whether something is still to be done on a case."""
    query = sa.select(remedial_action).where(remedial_action.c.case_id == case_id)
    return any(_action(row).is_open for row in connection.execute(query))


def _open_rules(connection: sa.Connection, case_id: int) -> tuple[str, ...]:
    query = sa.select(flag.c.rule_id).where(flag.c.case_id == case_id, flag.c.state == "open")
    return tuple(sorted(connection.scalars(query)))


def as_text(answers: Mapping[str, Any]) -> str:
    """Return answers as they are kept."""
    return json.dumps(answers, ensure_ascii=False, default=str)
