"""Asking the store: the queue's cases, one case whole, runs, and what was rejected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from triage.due import Due
from triage.errors import CallError, StoreError
from triage.facts import SubjectName
from triage.ruleset import severity_rank
from triage.store import bulk
from triage.store.connection import database_file, reading
from triage.store.tables import case, due_item, event, flag, referral, rejection, rule_text, run
from triage.vocabulary import SEVERITIES

_OPEN: Final = "0"


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


class Case(NamedTuple):
    """A referral, or a contact, with its flags, to be reviewed by somebody.

    Of a contact, ``referral_id`` and ``referral_date`` are its own. ``severity`` is that of the
    most pressing open flag, or of any when none is open. ``marks`` has its flags in short
    (``_mark``); ``flags`` are there when the case is asked for by itself.
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
    severity: str
    marks: str
    flags: tuple[StoredFlag, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """Return the rules of its open flags, the most pressing first."""
        return tuple(mark[2:] for mark in sorted(self.marks.split(" ")) if mark[0] == _OPEN)


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
    """Return the cases of a status, each with the rules of its open flags."""
    with reading(url) as connection:
        return _cases(connection, case.c.status == status)


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
        found = _cases(connection, case.c.id == case_id)
        if not found:
            raise CallError(f"there is no case {case_id}; `triage queue list` shows the numbers.")
        whole = found[0]._replace(flags=_flags(connection, case_id))
        events = [
            {"at": row.at, "actor": row.actor, "kind": row.kind, "rule": row.rule_id}
            for row in connection.execute(
                sa.select(event).where(event.c.case_id == case_id).order_by(event.c.id)
            )
        ]
        return whole, events, _timeline(connection, whole.child_id)


def _timeline(connection: sa.Connection, child_id: str) -> list[TimelineReferral]:
    known = _cases(connection, case.c.child_id == child_id)
    by_referral = {one.referral_id: one for one in known if one.subject == "referral"}
    found = []
    for row in connection.execute(
        sa.select(referral)
        .where(referral.c.child_id == child_id)
        .order_by(referral.c.referral_date, referral.c.referral_id)
    ):
        its_case = by_referral.get(row.referral_id)
        number, rules = (its_case.id, its_case.rules) if its_case else (None, ())
        found.append(TimelineReferral(dict(row._mapping), number, rules))
    return found


def _cases(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[Case]:
    """Return cases by number, without their flags in words.

    A country has hundreds of thousands of cases: each is made once, of plain values.
    """
    rank = sa.case({name: place for place, name in enumerate(SEVERITIES)}, value=flag.c.severity)
    is_closed = sa.cast(flag.c.state != "open", sa.Integer)
    marks = (
        sa.select(
            flag.c.case_id, sa.func.aggregate_strings(_mark(is_closed, rank, flag.c.rule_id), " ")
        )
        .join(case, case.c.id == flag.c.case_id)
        .where(which)
        .group_by(flag.c.case_id)
    )
    marks_of = dict(row for some in bulk.rows(connection, marks) for row in some)
    query = sa.select(*(case.c[name] for name in Case._fields[:-3])).where(which)
    found = []
    for some in bulk.rows(connection, query.order_by(case.c.id)):
        for number, subject, child, name, day, team, restricted, status, due_on, reopened in some:
            in_short = marks_of[number]
            found.append(
                Case(
                    number,
                    subject,
                    child,
                    name,
                    dt.date.fromisoformat(day),
                    team,
                    bool(restricted),
                    status,
                    dt.date.fromisoformat(due_on),
                    bool(reopened),
                    SEVERITIES[int(min(in_short.split(" "))[1])],
                    in_short,
                )
            )
    return found


def _mark(
    is_closed: sa.ColumnElement[int], rank: sa.ColumnElement[int], rule: sa.ColumnElement[str]
) -> sa.ColumnElement[str]:
    """Return a flag as one text: open ones sort before cleared ones, the most pressing first."""
    return sa.cast(is_closed, sa.String).concat(sa.cast(rank, sa.String)).concat(rule)


def _flags(connection: sa.Connection, case_id: int) -> tuple[StoredFlag, ...]:
    """Return every flag of a case, the most pressing first, with the text of its rule."""
    query = (
        sa.select(flag, rule_text.c.text)
        .join(rule_text, rule_text.c.hash == flag.c.rule_hash)
        .where(flag.c.case_id == case_id)
    )
    found = (
        StoredFlag(
            row.rule_id,
            row.severity,
            row.state,
            row.message,
            row.due_on,
            row.first_flagged_on,
            row.evidence,
            row.text,
        )
        for row in connection.execute(query)
    )
    return tuple(sorted(found, key=lambda one: (severity_rank(one.severity), one.rule)))


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
