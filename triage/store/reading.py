"""Asking the store: the queue's cases, one case whole, runs, and what was rejected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from triage.due import Due
from triage.errors import CallError, StoreError
from triage.facts import SubjectName
from triage.ruleset import severity_rank
from triage.store.connection import database_file, reading
from triage.store.tables import case, due_item, event, flag, referral, rejection, rule_text, run


@dataclass(frozen=True)
class StoredFlag:
    """A flag as the store holds it."""

    rule: str
    severity: str
    state: str
    message: str
    due_on: dt.date | None
    first_flagged_on: dt.date
    evidence: dict[str, Any]
    rule_text: str = field(default="", repr=False)


@dataclass(frozen=True)
class Case:
    """A referral, or a contact, with its flags, to be reviewed by somebody.

    Of a contact, ``referral_id`` and ``referral_date`` are its own.
    """

    id: int
    subject: SubjectName
    child_id: str
    referral_id: str
    referral_date: dt.date
    team: str | None
    restricted: bool
    status: str
    due_on: dt.date
    reopened: bool
    flags: tuple[StoredFlag, ...]

    @property
    def severity(self) -> str:
        """Return the severity of the most pressing open flag, or of any when none is open."""
        open_ones = [found for found in self.flags if found.state == "open"] or self.flags
        return min((found.severity for found in open_ones), key=severity_rank)


def latest_as_of(url: str) -> dt.date:
    """Return the date on which the last run judged.

    Raises:
        StoreError: when there is no store, or no run in it.
    """
    with reading(url) as connection:
        found = connection.execute(sa.select(run.c.as_of).order_by(run.c.id.desc()).limit(1))
        as_of: dt.date | None = found.scalar()
    if as_of is None:
        raise StoreError("the store holds no run yet; `triage nightly SOURCE` makes one.")
    return as_of


def standing_flags(url: str, known: Collection[str]) -> dict[str, int]:
    """Return how many open flags there are of each rule that is not among the ``known``."""
    with reading(url) as connection:
        counts = connection.execute(
            sa.select(flag.c.rule_id, sa.func.count())
            .where(flag.c.state == "open", flag.c.rule_id.not_in(list(known)))
            .group_by(flag.c.rule_id)
            .order_by(flag.c.rule_id)
        )
        return {row[0]: row[1] for row in counts}


def last_as_of(url: str) -> dt.date | None:
    """Return the date on which the last run judged; None while there is no run."""
    if not database_file(url).exists():
        return None
    try:
        return latest_as_of(url)
    except StoreError:
        return None


def cases(url: str, *, status: str = "new") -> list[Case]:
    """Return the cases of a status, each with its open flags."""
    with reading(url) as connection:
        return _cases(connection, case.c.status == status, flag.c.state == "open")


@dataclass(frozen=True)
class TimelineReferral:
    """A referral of the child, with its case where it has one."""

    referral: dict[str, Any]
    case_id: int | None
    flags: tuple[str, ...]


def one_case(url: str, case_id: int) -> tuple[Case, list[dict[str, Any]], list[TimelineReferral]]:
    """Return a case with every flag, its events, and all referrals of the child by date.

    Raises:
        CallError: when there is no such case.
    """
    with reading(url) as connection:
        found = _cases(connection, case.c.id == case_id, sa.true(), with_text=True)
        if not found:
            raise CallError(f"there is no case {case_id}; `triage queue list` shows the numbers.")
        events = [
            {"at": row.at, "actor": row.actor, "kind": row.kind, "rule": row.rule_id}
            for row in connection.execute(
                sa.select(event).where(event.c.case_id == case_id).order_by(event.c.id)
            )
        ]
        return found[0], events, _timeline(connection, found[0].child_id)


def _timeline(connection: sa.Connection, child_id: str) -> list[TimelineReferral]:
    known = _cases(connection, case.c.child_id == child_id, flag.c.state == "open")
    by_referral = {one.referral_id: one for one in known if one.subject == "referral"}
    found = []
    for row in connection.execute(
        sa.select(referral)
        .where(referral.c.child_id == child_id)
        .order_by(referral.c.referral_date, referral.c.referral_id)
    ):
        its_case = by_referral.get(row.referral_id)
        flags = tuple(one.rule for one in its_case.flags) if its_case else ()
        found.append(TimelineReferral(dict(row._mapping), its_case.id if its_case else None, flags))
    return found


def _cases(
    connection: sa.Connection,
    which: sa.ColumnElement[bool],
    flags: sa.ColumnElement[bool],
    *,
    with_text: bool = False,
) -> list[Case]:
    query = sa.select(flag, *([rule_text.c.text] if with_text else [])).join(
        case, case.c.id == flag.c.case_id
    )
    if with_text:
        query = query.join(rule_text, rule_text.c.hash == flag.c.rule_hash)
    by_case: dict[int, list[StoredFlag]] = {}
    for row in connection.execute(query.where(which, flags)):
        by_case.setdefault(row.case_id, []).append(
            StoredFlag(
                row.rule_id,
                row.severity,
                row.state,
                row.message,
                row.due_on,
                row.first_flagged_on,
                row.evidence,
                row.text if with_text else "",
            )
        )
    return [
        Case(
            row.id,
            row.subject,
            row.child_id,
            row.referral_id,
            row.referral_date,
            row.team,
            row.restricted,
            row.status,
            row.due_on,
            row.reopened,
            tuple(
                sorted(by_case.get(row.id, ()), key=lambda f: (severity_rank(f.severity), f.rule))
            ),
        )
        for row in connection.execute(sa.select(case).where(which).order_by(case.c.id))
    ]


def runs(url: str) -> list[dict[str, Any]]:
    """Return every run, the latest first."""
    with reading(url) as connection:
        return [
            {**row._mapping, "as_of": row.as_of.isoformat()}
            for row in connection.execute(sa.select(run).order_by(run.c.id.desc()))
        ]


def due_items(url: str) -> tuple[dt.date, tuple[Due, ...]]:
    """Return the date of the last run, and what fell due by the next working day after it.

    Raises:
        StoreError: when there is no store, or no run in it.
    """
    as_of = latest_as_of(url)
    with reading(url) as connection:
        latest = connection.execute(sa.select(sa.func.max(run.c.id))).scalar()
        rows = connection.execute(
            sa.select(due_item).where(due_item.c.run_id == latest).order_by(due_item.c.id)
        )
        fields = ("rule", "severity", "child_id", "referral_id", "referral_date", "team",
                  "due_on", "message", "restricted")  # fmt: skip
        found = (Due(**{name: getattr(row, name) for name in fields}) for row in rows)
        return as_of, tuple(found)


def rejections(url: str, run_id: int | None = None) -> list[dict[str, Any]]:
    """Return what was wrong with the rows of a run (the latest by default), each cell once.

    Raises:
        CallError: when there is no such run.
    """
    with reading(url) as connection:
        number = run_id
        if number is None:
            number = connection.execute(sa.select(sa.func.max(run.c.id))).scalar()
        if not connection.execute(sa.select(run.c.id).where(run.c.id == number)).first():
            raise CallError(f"there is no run {run_id}; `triage runs` shows them.")
        query = sa.select(rejection).where(rejection.c.run_id == number)
        found = [
            {name: getattr(row, name) for name in ("kind", "source", "row", "column", "message")}
            for row in connection.execute(query.order_by(rejection.c.id))
        ]
    told = {(r["source"], r["row"], r["column"]) for r in found if r["kind"] == "rejected"}
    return [
        row
        for row in found
        if row["kind"] != "problem" or (row["source"], row["row"], row["column"]) not in told
    ]
