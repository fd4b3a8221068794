"""Remedial actions: what a review asks for, and when a case is done with because of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from triage.casework import Status, moved, said
from triage.errors import CallError, ConflictError, MissingError
from triage.review_form import Action
from triage.rights import Viewer
from triage.store.caselist import Case
from triage.store.connection import acting, reading
from triage.store.people import Asker, actor_of, check_name, viewer_of
from triage.store.standing import NOTHING_HIDDEN, hidden_from
from triage.store.tables import case, remedial_action
from triage.store.trail import Happened, add_events, happened
from triage.store.work import BACK_TO_NOBODY, as_of_store, change, seen_case


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


def actions_of(
    url: str,
    asker: Asker,
    *,
    case_id: int | None = None,
    owner: str = "",
    team: str = "",
    open_only: bool = True,
) -> list[RemedialAction]:
    """Return the remedial actions of the cases that whoever asks may see, the soonest due first.

    Those of a first review are hidden from whoever may still be the second reviewer.

    Raises:
        CallError: when people are registered and this is none of them.
    """
    conditions = [
        *([remedial_action.c.case_id == case_id] if case_id is not None else []),
        *([remedial_action.c.owner == owner] if owner else []),
        *([case.c.team == team] if team else []),
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


def one_action(url: str, asker: Asker, number: int) -> RemedialAction:
    """Return a remedial action by its number.

    Raises:
        MissingError: when there is none such for whoever asks.
    """
    for one in actions_of(url, asker, open_only=False):
        if one.id == number:
            return one
    raise _no_such(number)


def _no_such(number: int) -> MissingError:
    return MissingError(f"there is no remedial action {number}", "; `triage action list`.")


def finish_action(url: str, asker: Asker, number: int, done_on: dt.date, evidence: str) -> None:
    """Say that a remedial action was done, when, and by what that shows.

    Raises:
        CallError: when there is none such, it is not open, or nothing shows it.
    """
    words = said(evidence, "say what shows that it was done", ", with --evidence TEXT.")
    if done_on > asker.today:
        raise CallError(f"{done_on}: has not come yet; give the day on which it was done.")
    values = {"done_on": done_on, "evidence": words}
    _settle(url, asker, number, "action done", values, {"on": done_on.isoformat()})


def hand_over_action(url: str, asker: Asker, number: int, to: str, why: str) -> None:
    """Hand a remedial action over to somebody outside; it no longer holds the case open.

    Raises:
        CallError: when there is none such, it is not open, or no reason is given.
    """
    missing = ("say to whom it is handed over, and why", ", with --to NAME --reason TEXT.")
    whom, words = said(to, *missing), said(why, *missing)
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
            raise _no_such(number)
        if not _action(row).is_open:
            raise ConflictError(f"remedial action {number} is done, or was handed over, already.")
        connection.execute(
            sa.update(remedial_action).where(remedial_action.c.id == number).values(values)
        )
        events = [happened(kind, found.id, None, {"action": number, **told})]
        go_on(connection, asker, actor, found, events, is_reviewed=False)


def _action(row: Any) -> RemedialAction:
    return RemedialAction(
        row.id, row.case_id, row.review_id, row.kind, row.owner, row.due_on, row.done_on,
        row.evidence, row.handed_to, row.handed_why,
    )  # fmt: skip


def ask_for(
    connection: sa.Connection,
    case_id: int,
    number: int,
    actions: tuple[Action, ...],
    beside: Collection[int] | None = None,
) -> list[Happened]:
    """Add the remedial actions of a review, but for those that were asked for already.

    ``beside`` are the reviews whose actions, open or done, are not asked for again: all of the
    case's, unless it says otherwise.
    """
    query = sa.select(remedial_action).where(remedial_action.c.case_id == case_id)
    if beside is not None:
        query = query.where(remedial_action.c.review_id.in_(beside))
    known = {(row.kind, row.owner, row.due_on) for row in connection.execute(query)}
    events = []
    for one in actions:
        if (one.kind, one.owner, one.due_on) in known:
            continue
        known.add((one.kind, one.owner, one.due_on))
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


def go_on(
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
