"""What was known when, asked: the record of a referral on any past night, and run beside run."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from triage.errors import CallError, MissingError
from triage.rights import Viewer
from triage.store import bulk
from triage.store.caselist import Case
from triage.store.connection import reading
from triage.store.husks import IS_KEPT
from triage.store.people import Asker, viewer_of
from triage.store.tables import case, event, known, run
from triage.store.work import seen_case

_OPENS: Final = ("case opened", "flag raised", "flag raised again")
_CHANGES: Final = "flag changed"
_CLEARS: Final = "flag cleared"
JUDGED: Final = "judged"
"""What is told of a referral beside its columns: whether it was judged at all."""


@dataclass(frozen=True)
class Spell:
    """A value of a column, and the first and last run that saw it; the last is None while it is so.

    ``value`` is None where the cell was known to be blank.
    """

    column: str
    value: str | None
    first_run: int
    last_run: int | None


@dataclass(frozen=True)
class Record:
    """How the record of a referral stood at a run; ``is_judged`` whether the run judged it.

    ``values`` holds the columns that the records of that run carried.
    """

    run: int
    as_of: dt.date
    is_judged: bool
    values: dict[str, str | None]


@dataclass(frozen=True)
class History:
    """The record of a case as it stood on a night, and every value that it has had."""

    record: Record
    spells: list[Spell]


@dataclass(frozen=True)
class Night:
    """A run by its number and the day as of which it judged."""

    run: int
    as_of: dt.date


def nights_of(url: str) -> list[Night]:
    """Return the nights of which it is kept how records stood, the latest first; one a day.

    Of a day that was judged more than once it is the last run.
    """
    query = sa.select(run.c.id, run.c.as_of).where(run.c.carried.is_not(None))
    with reading(url) as connection:
        found: dict[dt.date, int] = {}
        for number, as_of in connection.execute(query.order_by(run.c.id)):
            found[as_of] = number
        return [Night(number, as_of) for as_of, number in sorted(found.items(), reverse=True)]


def history_of(url: str, asker: Asker, case_id: int, on: dt.date | None = None) -> History:
    """Return how the record of a case stood at the last run up to a day, and all it has been.

    Raises:
        CallError: when there is no such case for whoever asks, no run up to that day, or the run
            did not keep how records stood.
    """
    with reading(url) as connection:
        found = seen_case(connection, viewer_of(connection, asker), case_id)
        query = sa.select(run.c.id, run.c.as_of, run.c.carried).order_by(run.c.id.desc()).limit(1)
        night = connection.execute(query if on is None else query.where(run.c.as_of <= on)).first()
        if night is None:
            raise MissingError(f"there is no run up to {on}", "; `triage runs` shows them.")
        if night.carried is None:
            raise MissingError(f"run {night.id} was stored before records were kept by night.")
        runs = list(connection.scalars(sa.select(run.c.id).order_by(run.c.id)))
        changes = list(_changes(connection, found))
        values: dict[str, Any] = {}
        for number, told in changes:
            if number <= night.id:
                values |= told
        is_judged = bool(values) and values.get(JUDGED, True)
        carried = {name: values.get(name) for name in night.carried} if values else {}
        record = Record(night.id, night.as_of, is_judged, carried)
        return History(record, _spells(changes, dict(zip(runs[1:], runs, strict=False))))


def _spells(changes: list[tuple[int, dict[str, Any]]], before: dict[int, int]) -> list[Spell]:
    now: dict[str, Spell] = {}
    done: list[Spell] = []
    for number, told in changes:
        for column, value in told.items():
            if column == JUDGED:
                continue
            last = now.pop(column, None)
            if last is not None:
                done.append(Spell(column, last.value, last.first_run, before[number]))
            now[column] = Spell(column, value, number, None)
    return sorted([*done, *now.values()], key=lambda one: (one.column, one.first_run))


def _changes(connection: sa.Connection, of: Case) -> Iterator[tuple[int, dict[str, Any]]]:
    if of.subject != "referral":
        return
    query = (
        sa.select(known.c.run_id, known.c.told)
        .where(known.c.child_id == of.child_id, known.c.referral_id == of.referral_id)
        .order_by(known.c.id)
    )
    for row in connection.execute(query):
        yield int(row.run_id), json.loads(row.told)


@dataclass(frozen=True)
class FlagMove:
    """A flag of which something is otherwise at one run than at another."""

    case: int
    subject: str
    child_id: str
    referral_id: str
    team: str | None
    rule: str


@dataclass(frozen=True)
class RecordMove:
    """A referral whose record changed between two runs: column by column, what it was and is.

    ``was`` is empty for one that was not judged before; ``case`` is its case.
    """

    child_id: str
    referral_id: str
    was: dict[str, Any]
    now: dict[str, Any]
    case: int


@dataclass(frozen=True)
class RunsBeside:
    """What is otherwise at one run than at an earlier one."""

    first: int
    second: int
    appeared: list[FlagMove]
    cleared: list[FlagMove]
    changed: list[FlagMove]
    records: list[RecordMove]


def runs_beside(url: str, asker: Asker, first: int, second: int) -> RunsBeside:
    """Return which flags appeared, cleared and changed between two runs, and which records.

    Records are told of referrals that have a case, and only to those who may see it.

    Raises:
        CallError: when there is no such run, or the first is not the earlier.
    """
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        there = set(connection.scalars(sa.select(run.c.id).where(run.c.id.in_([first, second]))))
        for number in (first, second):
            if number not in there:
                raise MissingError(f"there is no run {number}", "; `triage runs` shows them.")
        if first >= second:
            raise CallError(f"run {first} is not before run {second}; name the earlier one first.")
        visible = _visible(connection, who)
        moves = _flag_moves(connection, first, second, visible)
        return RunsBeside(first, second, *moves, _record_moves(connection, first, second, visible))


def _visible(connection: sa.Connection, who: Viewer) -> dict[int, tuple[Any, ...]]:
    names = ("id", "subject", "child_id", "referral_id", "team", "restricted")
    query = sa.select(*(case.c[name] for name in names)).where(IS_KEPT)
    return {
        row[0]: row
        for some in bulk.rows(connection, query)
        for row in some
        if who.sees(row[4], restricted=bool(row[5]))
    }


def _flag_moves(
    connection: sa.Connection, first: int, second: int, visible: dict[int, tuple[Any, ...]]
) -> tuple[list[FlagMove], list[FlagMove], list[FlagMove]]:
    kinds = (*_OPENS, _CHANGES, _CLEARS)
    query = (
        sa.select(event.c.run_id, event.c.case_id, event.c.rule_id, event.c.kind, event.c.detail)
        .where(event.c.run_id <= second, event.c.kind.in_(kinds))
        .order_by(event.c.id)
    )
    was: set[tuple[int, str]] = set()
    now: set[tuple[int, str]] = set()
    touched: set[tuple[int, str]] = set()
    for some in bulk.rows(connection, query):
        for number, case_id, rule, kind, detail in some:
            # A case says itself what it was opened for; before revision 0008 its flags did.
            rules = [rule] if rule else json.loads(detail).get("flags", ())
            keys = {(case_id, one) for one in rules}
            if number > first:
                touched |= keys
            for held in (now,) if number > first else (was, now):
                if kind in _OPENS:
                    held |= keys
                elif kind == _CLEARS:
                    held -= keys

    def named(keys: set[tuple[int, str]]) -> list[FlagMove]:
        return [
            FlagMove(*_named(visible[number]), rule)
            for number, rule in sorted(keys)
            if number in visible
        ]

    return named(now - was), named(was - now), named(was & now & touched)


def _named(row: tuple[Any, ...]) -> tuple[int, str, str, str, str | None]:
    number, subject, child, name, team, _ = row
    return number, subject, child, name, team


def _record_moves(
    connection: sa.Connection, first: int, second: int, visible: dict[int, tuple[Any, ...]]
) -> list[RecordMove]:
    wanted = {(row[2], row[3]): row[0] for row in visible.values() if row[1] == "referral"}
    touched = sa.select(known.c.child_id).where(known.c.run_id > first, known.c.run_id <= second)
    query = (
        sa.select(known.c.run_id, known.c.child_id, known.c.referral_id, known.c.told)
        .where(known.c.run_id <= second, known.c.child_id.in_(touched))
        .order_by(known.c.id)
    )
    was: dict[tuple[str, str], dict[str, Any]] = {}
    now: dict[tuple[str, str], dict[str, Any]] = {}
    for some in bulk.rows(connection, query):
        for number, child, name, text in some:
            if (child, name) in wanted:
                told = json.loads(text)
                now.setdefault((child, name), {}).update(told)
                if number <= first:
                    was.setdefault((child, name), {}).update(told)
    found = []
    for key in sorted(now):
        then = was.get(key, {})
        names = [name for name, value in now[key].items() if then.get(name) != value]
        if names:
            here = {name: now[key][name] for name in names}
            stood = {name: then.get(name) for name in names} if key in was else {}
            found.append(RecordMove(*key, stood, here, wanted[key]))
    return found
