"""Reviews: drafts, and what was submitted.

A draft belongs to whoever writes it and can be changed; a submitted review is never changed, only
superseded by another, with a reason. Its answers are kept here and sealed in the trail.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import sqlalchemy as sa

from triage.casework import Act, Status, moved, said
from triage.errors import ConflictError, ForbiddenError
from triage.review_form import Answers, complete, draft
from triage.rights import Viewer
from triage.second import Kind, SecondRule
from triage.store.actions import ask_for, go_on
from triage.store.caselist import Case
from triage.store.connection import acting
from triage.store.people import Asker, actor_of, viewer_of
from triage.store.standing import NOTHING_HIDDEN, final_ids, hidden_from, keep_read
from triage.store.tables import case, flag, review
from triage.store.trail import add_events, happened
from triage.store.waiting import put_to_second
from triage.store.work import (
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
        return Begun(found, open_rules(connection, case_id), answers)


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
        whole = complete(answers, open_rules(connection, case_id), asker.today)
        status = moved("submit a review", cast(Status, found.status), case_id)
        told = keep_answers(connection, asker, number, whole)
        events = [happened("review submitted", case_id, None, told)]
        events += ask_for(connection, case_id, number, whole.actions, beside=())
        go_on(connection, asker, actor, found._replace(status=status), events)
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
    reason = said(why, "give a reason to supersede a review", ", with --reason TEXT.")
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("review")
        found, status, stands = _to_supersede(connection, actor, case_id)
        useful = json.loads(stands.answers)["flags_useful"]
        whole = complete(answers, useful, asker.today)
        connection.execute(
            sa.update(review).where(review.c.id == stands.id).values(state="superseded")
        )
        number = new_review(connection, asker, actor, case_id, stands.kind, stands.id, reason)
        told = {**keep_answers(connection, asker, number, whole), "supersedes": stands.id}
        events = [happened("review superseded", case_id, None, told)]
        events += ask_for(connection, case_id, number, whole.actions)
        go_on(connection, asker, actor, found._replace(status=status), events)
        if stands.kind == "first":
            _put_by_grade(connection, asker, actor, case_id, number, whole, second)
        return number


def standing_review(url: str, asker: Asker, case_id: int) -> Review:
    """Return the review of a case that whoever asks may supersede; that it was read is kept.

    Raises:
        CallError: when there is none, or it is not theirs to supersede.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("review")
        _, _, stands = _to_supersede(connection, actor, case_id)
        keep_read(connection, asker, case_id, [stands.id])
        return made_review(stands, stands.id)


def _to_supersede(
    connection: sa.Connection, actor: Viewer, case_id: int
) -> tuple[Case, Status, Any]:
    """Return a case, its status once superseded, and the row of the review that stands."""
    found = seen_case(connection, actor, case_id)
    status = moved("supersede a review", cast(Status, found.status), case_id)
    number = final_ids(connection, [case_id]).get(case_id)
    if number is None:
        raise ConflictError(
            f"case {case_id} has no submitted review", "; `triage review submit` it."
        )
    stands = connection.execute(sa.select(review).where(review.c.id == number)).one()
    if stands.reviewer != actor.name and not actor.may("manage cases"):
        raise ForbiddenError(
            f"the review of case {case_id} is {stands.reviewer}'s: only they, or a manager, "
            "may supersede it."
        )
    return found, status, stands


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
        if (found.status, found.held_by) != (status, actor.name):
            event = happened("review gone on with", case_id, None, {"review": number})
            add_events(connection, asker.at, actor.name, [event])
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


def open_rules(connection: sa.Connection, case_id: int) -> tuple[str, ...]:
    """Return the rules of a case's open flags, each of which a review calls useful or not."""
    query = sa.select(flag.c.rule_id).where(flag.c.case_id == case_id, flag.c.state == "open")
    return tuple(sorted(connection.scalars(query)))


def as_text(answers: Mapping[str, Any]) -> str:
    """Return answers as they are kept."""
    return json.dumps(answers, ensure_ascii=False, default=str)
