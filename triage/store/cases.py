"""Cases: opened for flagged referrals, closed and reopened with their flags."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from triage.calendar import add_working_days, to_date, to_day
from triage.flags import Flag
from triage.run import Run
from triage.store.tables import case, flag

CHUNK: Final = 5_000
Key = tuple[str, str, str]
"""A referral or a contact: which of them, the child's identifier, and its own."""


@dataclass
class Writes:
    """Rows gathered during a run, written together at its end."""

    new_flags: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)


def event_row(
    kind: str, case_id: int, rule_id: str | None, detail: dict[str, Any]
) -> dict[str, Any]:
    """Return an event to be added; when it happened and who acted are filled in later."""
    return {"kind": kind, "case_id": case_id, "rule_id": rule_id, "detail": detail}


def insert_rows(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Add rows to a table, some thousands at a time."""
    for start in range(0, len(rows), CHUNK):
        connection.execute(sa.insert(table), rows[start : start + CHUNK])


def key_of(flag: Flag) -> Key:
    """Return what a flag is on."""
    return flag.subject, flag.child_id, flag.referral_id


def stored_keys(connection: sa.Connection, after: int = 0) -> dict[int, Key]:
    """Return what each case is of, by its number; those numbered ``after`` and higher."""
    found = connection.execute(
        sa.select(case.c.id, case.c.subject, case.c.child_id, case.c.referral_id)
        .where(case.c.id > after)
        .order_by(case.c.id)
    )
    return {row.id: (row.subject, row.child_id, row.referral_id) for row in found}


def open_cases(
    connection: sa.Connection,
    result: Run,
    known: Mapping[Key, int],
    review_days: Mapping[str, int],
) -> dict[Key, int]:
    """Open a case for each flagged referral or contact that has none, in the order of flags."""
    first: dict[Key, Flag] = {}
    for found in result.stable_flags:
        first.setdefault(key_of(found), found)
    new = {key: found for key, found in first.items() if key not in known}
    if not new:
        return {}
    last = connection.execute(sa.select(sa.func.max(case.c.id))).scalar() or 0
    rows = [
        {
            "subject": found.subject,
            "child_id": found.child_id,
            "referral_id": found.referral_id,
            "referral_date": found.referral_date,
            "team": found.team,
            "restricted": found.restricted,
            "status": "new",
            "due_on": _due(result.options.as_of, found.severity, review_days),
            "reopened": False,
        }
        for found in new.values()
    ]
    insert_rows(connection, case, rows)
    return {key: number for number, key in stored_keys(connection, last).items()}


def follow_cases(
    connection: sa.Connection, result: Run, writes: Writes, review_days: Mapping[str, int]
) -> None:
    """Close cases nobody touched whose last flag cleared, reopen those flagged again."""
    raised = result.stable_flags
    about = {key_of(found): (found.team, found.restricted) for found in raised}
    open_flags: dict[int, list[Any]] = {}
    for found in connection.execute(
        sa.select(flag.c.case_id, flag.c.severity, flag.c.first_flagged_on).where(
            flag.c.state == "open"
        )
    ):
        open_flags.setdefault(found.case_id, []).append(found)
    for row in connection.execute(sa.select(case)).all():
        key = (row.subject, row.child_id, row.referral_id)
        team, restricted = about.get(key, (row.team, row.restricted))
        values: dict[str, Any] = {}
        if (team, restricted) != (row.team, row.restricted):
            values |= {"team": team, "restricted": restricted}
        if row.id in writes.touched:
            values |= _status(row, open_flags.get(row.id, []), result, writes, review_days)
        if values:
            connection.execute(sa.update(case).where(case.c.id == row.id).values(**values))


def _status(
    row: Any,
    open_flags: Sequence[Any],
    result: Run,
    writes: Writes,
    review_days: Mapping[str, int],
) -> dict[str, Any]:
    """Return what changes in a case whose flags changed tonight."""
    if not open_flags:
        if row.status != "new":
            return {}
        writes.events.append(
            event_row("case closed", row.id, None, {"why": "no flag holds any more"})
        )
        return {"status": "closed"}
    values: dict[str, Any] = {}
    due_on = min(_due(f.first_flagged_on, f.severity, review_days) for f in open_flags)
    if row.status == "closed":
        writes.events.append(event_row("case reopened", row.id, None, {}))
        values = {"status": "new", "reopened": True}
        due_on = min(_due(result.options.as_of, f.severity, review_days) for f in open_flags)
    if due_on != row.due_on:
        values["due_on"] = due_on
    return values


def _due(start: dt.date, severity: str, review_days: Mapping[str, int]) -> dt.date:
    return to_date(add_working_days(to_day(start), review_days[severity]))
