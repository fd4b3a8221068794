"""What people do with cases, each act one transaction: the change, and its event in the trail.

Whoever writes writes alone, on SQLite and on PostgreSQL alike, so a case that is looked at here is
still so when it is changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

import sqlalchemy as sa

from triage.calendar import to_day
from triage.casework import CLAIMABLE, HELD_FOR, Act, Status, moved, said
from triage.errors import CallError, ConflictError, MissingError, StoreError
from triage.order import place
from triage.rights import Viewer
from triage.ruleset import severity_rank
from triage.store.caselist import COLUMNS, Case, Wanted, made, numbers, page
from triage.store.connection import acting, reading
from triage.store.husks import NOBODY
from triage.store.people import Asker, actor_of, stamp, viewer_of, worker_of
from triage.store.tables import case, note, run
from triage.store.trail import add_events, happened

CLOSED: Final[Status] = "closed"
REOPENED: Final = "reopened"
BACK_TO_NOBODY: Final[dict[str, Any]] = {"held_by": None, "held_until": None}


def claim_next(url: str, asker: Asker, wanted: Wanted) -> Case | None:
    """Claim the first case in the order of work that nobody else holds; None where there is none.

    Only what is new, or whose hold ran out, can be claimed; what was assigned to somebody waits for
    them, and is given to them before what is for everybody.

    Raises:
        CallError: when whoever asks may not work on cases.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("work on cases")
        as_of = as_of_store(connection)
        for mine in (actor.name, None):
            found = _first_free(connection, actor, wanted, as_of, asker.at, mine)
            if found is not None:
                return _claim(connection, asker, actor, found)
    return None


def _first_free(
    connection: sa.Connection,
    actor: Viewer,
    wanted: Wanted,
    as_of: dt.date,
    at: str,
    assigned_to: str | None,
) -> Case | None:
    free: list[sa.ColumnElement[bool]] = [sa.or_(case.c.held_by.is_(None), case.c.held_until <= at)]
    if assigned_to is None:
        free.append(case.c.assigned_to.is_(None))
    elif wanted.assigned_to not in ("", assigned_to):
        return None
    statuses = tuple(status for status in CLAIMABLE if status in wanted.statuses)
    if not statuses:
        return None
    asked = replace(wanted, statuses=statuses, assigned_to=assigned_to or wanted.assigned_to)
    found = page(connection, actor, asked, as_of, limit=1, only=free)
    return found[0] if found else None


def claim(url: str, asker: Asker, case_id: int) -> Case:
    """Claim a case; the hold of whoever claims it again is renewed.

    Raises:
        CallError: when there is no such case, it cannot be claimed, or it is somebody else's.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("work on cases")
        return _claim(connection, asker, actor, seen_case(connection, actor, case_id))


def _claim(connection: sa.Connection, asker: Asker, actor: Viewer, found: Case) -> Case:
    status = moved("claim", _status(found), found.id)
    refuse_others(found, asker, actor)
    until = held_until(asker.now)
    held: dict[str, Any] = {"status": status, "held_by": actor.name, "held_until": until}
    connection.execute(sa.update(case).where(case.c.id == found.id).values(held))
    event = happened("case claimed", found.id, None, {"until": until})
    add_events(connection, asker.at, actor.name, [event])
    return found._replace(**held)


def release(url: str, asker: Asker, case_id: int) -> None:
    """Give a case back that one holds; a manager may give back anybody's.

    Raises:
        CallError: when there is no such case, or it is not held by whoever asks.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("work on cases")
        found = seen_case(connection, actor, case_id)
        status = moved("release", _status(found), case_id)
        if found.held_by != actor.name and not actor.may("manage cases"):
            raise ConflictError(f"case {case_id} is held by {found.held_by}, not by {actor.name}.")
        free = {"status": status, **BACK_TO_NOBODY}
        connection.execute(sa.update(case).where(case.c.id == case_id).values(free))
        event = happened("case released", case_id, None, {"from": found.held_by})
        add_events(connection, asker.at, actor.name, [event])


def assign(url: str, asker: Asker, cases: Sequence[int], to: str, why: str = "") -> int:
    """Assign cases to somebody, for whom they then wait; return how many.

    A reason, if one is given, is kept as a note of each.

    Raises:
        CallError: when one of them cannot be assigned, or not to them; then none is.
    """
    values = {"assigned_to": to, **BACK_TO_NOBODY}
    words = _reason(why, "to assign a case") if why.strip() else ""
    return _each(
        url, asker, cases, Deed("case assigned", "assign", values, {"to": to}, words, to=to)
    )


def close(url: str, asker: Asker, cases: Sequence[int], why: str) -> int:
    """Close cases without a review, for one reason; return how many.

    Raises:
        CallError: when no reason is given, or one of them cannot be closed; then none is.
    """
    words = _reason(why, "to close a case without a review")
    return _each(url, asker, cases, Deed("case closed", "close", BACK_TO_NOBODY, {}, words))


def reopen(url: str, asker: Asker, case_id: int, why: str) -> None:
    """Open a closed case again; it comes before its turn.

    Raises:
        CallError: when no reason is given, or the case is not closed.
    """
    values = {"boost": REOPENED, "assigned_to": None, "snoozed_until": None}
    words = _reason(why, "to reopen a case")
    _each(url, asker, [case_id], Deed("case reopened", "reopen", values, {}, words))


def snooze(url: str, asker: Asker, cases: Sequence[int], until: dt.date, why: str) -> int:
    """Put cases off until a day, on which they are in the queue again; return how many.

    Raises:
        CallError: when no reason is given, the day is not to come, or a case is closed or not
            there.
    """
    words = _reason(why, "to put a case off")
    told = {"until": until.isoformat()}
    deed = Deed("case snoozed", None, {"snoozed_until": until}, told, words, until)
    return _each(url, asker, cases, deed)


def boost(url: str, asker: Asker, case_id: int, why: str) -> None:
    """Bring a case before its turn, for a reason that is shown with its place.

    Raises:
        CallError: when no reason is given, or the case is closed or not there.
    """
    words = _reason(why, "to bring a case forward")
    _each(url, asker, [case_id], Deed("case boosted", None, {"boost": words}, {}, words))


def add_note(url: str, asker: Asker, case_id: int, text: str) -> None:
    """Add a note to a case; the trail keeps who and when, the note itself what.

    Raises:
        CallError: when it is empty, or there is no such case.
    """
    words = said(text, "the note is empty; nothing was stored.")
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("work on cases")
        found = seen_case(connection, actor, case_id)
        _note(connection, asker, actor, case_id, words)
        renew_hold(connection, asker, found)
        add_events(connection, asker.at, actor.name, [happened("note added", case_id)])


@dataclass(frozen=True)
class Deed:
    """One thing that is done to cases: its name in the trail, the move it is, what it changes.

    ``told`` is for the trail; ``said`` is a reason in words, which is kept as a note of the case;
    ``to`` is to whom they are given.
    """

    kind: str
    act: Act | None
    values: Mapping[str, Any]
    told: Mapping[str, Any] = field(default_factory=dict)
    said: str = ""
    not_before: dt.date | None = None
    to: str | None = None


def _each(url: str, asker: Asker, cases: Sequence[int], deed: Deed) -> int:
    """Do one thing to each of some cases, which a manager does; to all of them, or to none."""
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("manage cases")
        as_of = as_of_store(connection)
        if deed.not_before is not None and deed.not_before <= as_of:
            raise CallError(
                f"{deed.not_before}: is not after the day of the last run ({as_of}); give a later."
            )
        whose = worker_of(connection, asker, deed.to) if deed.to is not None else None
        for case_id in cases:
            found = seen_case(connection, actor, case_id)
            if deed.act is None and found.status == CLOSED:
                raise ConflictError(
                    f"case {case_id} is closed; reopen it first. Nothing was changed."
                )
            status = moved(deed.act, _status(found), case_id) if deed.act else found.status
            if whose is not None and not whose.sees(found.team, restricted=found.restricted):
                raise CallError(f"case {case_id} may not be seen by {deed.to}; give it another.")
            anew = {"opened_on": as_of} if deed.act == "reopen" else {}
            change(connection, found, {"status": status, **anew, **deed.values}, as_of)
            if deed.said:
                _note(connection, asker, actor, case_id, deed.said)
        told = [happened(deed.kind, case_id, None, deed.told) for case_id in cases]
        add_events(connection, asker.at, actor.name, told)
    return len(cases)


def matching(url: str, asker: Asker, wanted: Wanted) -> list[int]:
    """Return the numbers of the cases of a filter that whoever asks sees, in the order of work."""
    with reading(url) as connection:
        return numbers(connection, viewer_of(connection, asker), wanted, as_of_store(connection))


def seen_case(connection: sa.Connection, who: Viewer, case_id: int) -> Case:
    """Return a case, where whoever asks may see it.

    Raises:
        CallError: when there is none; one that they may not see is not there for them.
    """
    row = connection.execute(sa.select(*COLUMNS).where(case.c.id == case_id)).first()
    found = made(row) if row is not None else None
    if found is not None and found.child_id == NOBODY and who.may("see cases"):
        raise MissingError(f"case {case_id} was erased: only the trail tells that it was there.")
    if found is None or not who.sees(found.team, restricted=found.restricted):
        raise MissingError(
            f"there is no case {case_id}", "; `triage queue list` shows the numbers."
        )
    return found


def change(
    connection: sa.Connection, found: Case, values: Mapping[str, Any], as_of: dt.date
) -> None:
    """Change a case, and with it its place in the order of work."""
    after = found._replace(**values)
    put = place(
        is_overdue=int(after.due_on < as_of),
        is_boosted=int(after.boost is not None),
        rank=severity_rank(after.severity),
        due_day=to_day(after.due_on),
        referral_day=to_day(after.referral_date),
    )
    connection.execute(
        sa.update(case).where(case.c.id == found.id).values({**values, "place": put})
    )


def renew_hold(connection: sa.Connection, asker: Asker, found: Case) -> None:
    """Hold a case on for somebody who does something on it."""
    if found.held_by == asker.name:
        until = held_until(asker.now)
        connection.execute(sa.update(case).where(case.c.id == found.id).values(held_until=until))


def held_until(now: dt.datetime) -> str:
    """Return until when a case is held that something is done on now."""
    return stamp(now + HELD_FOR)


def as_of_store(connection: sa.Connection) -> dt.date:
    """Return the day on which the last run judged.

    Raises:
        StoreError: when there is no run yet.
    """
    as_of: dt.date | None = connection.scalar(
        sa.select(run.c.as_of).order_by(run.c.id.desc()).limit(1)
    )
    if as_of is None:
        raise StoreError("the store holds no run yet; `triage nightly SOURCE` makes one.")
    return as_of


def _note(connection: sa.Connection, asker: Asker, actor: Viewer, case_id: int, text: str) -> None:
    values = {"case_id": case_id, "at": asker.at, "by": actor.name, "text": text}
    connection.execute(sa.insert(note).values(values))


def refuse_others(found: Case, asker: Asker, actor: Viewer) -> None:
    """Refuse a case that somebody else holds, or that waits for them.

    Raises:
        CallError: when somebody else holds it; or it waits for them, and who asks is no manager.
    """
    holder = found.holder(asker.at)
    if holder is not None and holder != actor.name:
        raise ConflictError(
            f"case {found.id} is held by {holder} until {found.held_until}; a manager may assign "
            "it to somebody else."
        )
    if found.assigned_to not in (None, actor.name) and not actor.may("manage cases"):
        raise ConflictError(
            f"case {found.id} waits for {found.assigned_to}, to whom it was assigned; a manager "
            "may assign it to somebody else."
        )


def _reason(text: str, what: str) -> str:
    return said(text, f"give a reason {what}", ", with --reason TEXT.")


def _status(found: Case) -> Status:
    return cast(Status, found.status)
