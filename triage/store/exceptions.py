"""Exceptions: a rule that raises nothing for a child, or for a team, up to and including a day.

Somebody owns each of them, for a reason. It quietens one rule in one place, where changing the rule
would quieten it everywhere; when it ends, what the rule says is in the queue again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from triage.errors import CallError, MissingError
from triage.rights import Viewer
from triage.store.columns import truths
from triage.store.connection import acting, reading
from triage.store.people import Asker, actor_of, viewer_of
from triage.store.tables import case, rule_exception, rule_text
from triage.store.trail import add_events, happened
from triage.store.work import as_of_store

Truth = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RuleException:
    """A rule that raises nothing for a child, or for a team; ``ended_at`` when it was ended."""

    id: int
    rule: str
    child_id: str | None
    team: str | None
    owner: str
    reason: str
    until: dt.date
    made_at: str
    made_by: str
    ended_at: str | None


def add_exception(
    url: str,
    asker: Asker,
    rule: str,
    *,
    child_id: str | None,
    team: str | None,
    owner: str | None,
    until: dt.date,
    why: str,
) -> int:
    """Except a child or a team from a rule up to a day; return the exception's number.

    Raises:
        CallError: when neither or both are named, the rule never flagged anything here, no reason
            is given, the day is past, or whoever asks may not.
    """
    said = why.strip()
    if not said:
        raise CallError("give the reason of the exception", ", with --reason TEXT.")
    if (child_id is None) == (team is None):
        raise CallError("name the child or the team that is excepted", ", with --child or --team.")
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("manage cases")
        if until < as_of_store(connection):
            raise CallError(f"--until {until}: is past; give the last day of the exception.")
        known = sa.select(rule_text.c.rule_id).where(rule_text.c.rule_id == rule).limit(1)
        if connection.execute(known).first() is None:
            raise MissingError(f"no run knew a rule {rule}", "; `triage rules` lists them.")
        where = case.c.child_id == child_id if child_id is not None else case.c.team == team
        rows = connection.execute(sa.select(case.c.team, case.c.restricted).where(where)).all()
        if not any(actor.sees(row.team, restricted=row.restricted) for row in rows):
            what = f"child {child_id}" if child_id is not None else f"team {team}"
            raise MissingError(f"there is no case of {what}", "; `triage queue list` shows them.")
        inserted = connection.execute(
            sa.insert(rule_exception).values(
                rule_id=rule, child_id=child_id, team=team, owner=owner or actor.name,
                reason=said, until=until, made_at=asker.at, made_by=actor.name,
            )
        )  # fmt: skip
        key = inserted.inserted_primary_key
        assert key is not None
        number = int(key[0])
        told = {"exception": number, "for": "a child" if team is None else "a team",
                "until": until.isoformat(), "owner": owner or actor.name}  # fmt: skip
        event = happened("exception made", None, rule, told)
        add_events(connection, asker.at, actor.name, [event])
        return number


def end_exception(url: str, asker: Asker, number: int) -> None:
    """End an exception before its day; the next run raises again what the rule says.

    Raises:
        CallError: when there is none such that lasts, or whoever asks may not.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("manage cases")
        found = connection.execute(
            sa.select(rule_exception).where(
                rule_exception.c.id == number, rule_exception.c.ended_at.is_(None)
            )
        ).first()
        if found is None or not _seen_of(connection, actor, [_made(found)]):
            raise MissingError(
                f"there is no exception {number} that lasts", "; `triage exception list`."
            )
        connection.execute(
            sa.update(rule_exception).where(rule_exception.c.id == number).values(ended_at=asker.at)
        )
        told = {"exception": number}
        event = happened("exception ended", None, found.rule_id, told)
        add_events(connection, asker.at, actor.name, [event])


def exceptions(url: str, asker: Asker, *, lasting_only: bool = True) -> list[RuleException]:
    """Return the exceptions, the first to end first; of a child only to whoever sees its cases.

    Raises:
        CallError: when people are registered and whoever asks is none of them.
    """
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        found = _exceptions(connection)
        if lasting_only:
            day = as_of_store(connection)
            found = [one for one in found if _lasts(one, day)]
        return _seen_of(connection, who, found)


def _seen_of(
    connection: sa.Connection, who: Viewer, found: Sequence[RuleException]
) -> list[RuleException]:
    """Return those that somebody may see: of a child only where they see one of its cases."""
    children = [one.child_id for one in found if one.child_id is not None]
    rows = connection.execute(
        sa.select(case.c.child_id, case.c.team, case.c.restricted).where(
            case.c.child_id.in_(children)
        )
    )
    seen = {row.child_id for row in rows if who.sees(row.team, restricted=row.restricted)}
    return [
        one
        for one in found
        if one.child_id in seen or (one.child_id is None and who.sees(one.team, restricted=False))
    ]


def lasting(connection: sa.Connection, as_of: dt.date) -> list[RuleException]:
    """Return the exceptions that hold on a day."""
    return [one for one in _exceptions(connection) if _lasts(one, as_of)]


def _lasts(one: RuleException, as_of: dt.date) -> bool:
    return one.ended_at is None and one.until >= as_of


def _exceptions(connection: sa.Connection) -> list[RuleException]:
    query = sa.select(rule_exception).order_by(rule_exception.c.until, rule_exception.c.id)
    return [_made(row) for row in connection.execute(query)]


def _made(row: Any) -> RuleException:
    return RuleException(
        row.id, row.rule_id, row.child_id, row.team, row.owner, row.reason, row.until,
        row.made_at, row.made_by, row.ended_at,
    )  # fmt: skip


def excepted(
    found: Sequence[RuleException],
    rule: pa.ChunkedArray,
    child_id: pa.ChunkedArray,
    team: pa.ChunkedArray,
) -> Truth:
    """Return which flags an exception is made for."""
    which = np.zeros(len(rule), bool)
    for one in found:
        where = pc.equal(child_id, one.child_id) if one.team is None else pc.equal(team, one.team)
        which |= truths(pc.and_(pc.equal(rule, one.rule), where))
    return which
