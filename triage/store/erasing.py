"""Erasing a child's working data: all that tells of the child goes, and the trail stays whole.

Events refer to cases and are never changed, so of each case its number stays (``husks``). Nothing
in the trail tells which child it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from triage.casework import said
from triage.errors import CallError
from triage.letting_go import (
    Counts,
    Identifiers,
    added,
    as_written,
    names_any,
    refuse_naming,
)
from triage.rights import Viewer
from triage.store.address import address_of
from triage.store.connection import acting, reading
from triage.store.husks import (
    BELONGINGS,
    ERASED,
    compare_anew,
    counted_rows,
    deleted,
    leave_husks,
)
from triage.store.people import Asker, actor_of
from triage.store.tables import (
    case,
    due_item,
    flag,
    known,
    known_now,
    note,
    referral,
    rejection,
    remedial_action,
    review,
    rule_exception,
    second_review,
)
from triage.store.trail import add_events, happened
from triage.store.wiping import overwrite_deleted, write_anew

_IN_ONE: Final = 200
_TEXTS: Final = (
    note.c.text, review.c.answers, review.c.reason, remedial_action.c.evidence,
    remedial_action.c.handed_why, remedial_action.c.handed_to, second_review.c.reason,
    flag.c.message, flag.c.evidence, case.c.boost,
)  # fmt: skip
"""Words on a case in which another child might be named."""
_OF_CHILD: Final = (due_item, referral, known, known_now, rule_exception)

Rows = list[tuple[sa.Table, sa.ColumnElement[bool]]]


@dataclass(frozen=True)
class Erasure:
    """What there is of a child, or was erased: its cases, those of them that are open, and rows.

    ``named_in`` are other cases, and exceptions, in whose words the child is named still.
    """

    cases: tuple[int, ...]
    open: dict[int, str]
    rows: Counts
    named_in: dict[str, tuple[int, ...]]
    is_on_server: bool


def erasure_of(
    url: str, asker: Asker, child_id: str, why: str | None = None, *, open_too: bool = True
) -> Erasure:
    """Return what would be erased of a child; nothing is changed.

    With a reason it refuses what ``erase_child`` would refuse.

    Raises:
        CallError: when nothing is kept of the child, or whoever asks may not.
    """
    words = None if why is None else _reason(why)
    with reading(url) as connection:
        _actor(connection, asker)
        found, rows = _found(connection, child_id)
        statuses = _statuses(connection, found.child)
        if words is not None:
            refuse_naming(words, found)
            _refuse_open(statuses, open_too=open_too)
        counts = counted_rows(connection, rows)
        return _told(connection, url, found, statuses, counts)


def erase_child(
    url: str, asker: Asker, child_id: str, why: str, *, open_too: bool = False
) -> Erasure:
    """Erase the working data of a child, for a reason; return what was erased.

    One transaction: all of it or nothing. A SQLite file is written anew afterwards.

    Raises:
        CallError: when nothing is kept of the child, a case is open and that is not to be erased,
            no reason is given or it names the child, or whoever asks may not.
        StoreError: when the store is busy, damaged or out of reach.
    """
    words = _reason(why)
    with acting(url) as connection:
        actor = _actor(connection, asker)
        found, rows = _found(connection, child_id)
        refuse_naming(words, found)
        statuses = _statuses(connection, found.child)
        _refuse_open(statuses, open_too=open_too)
        overwrite_deleted(connection)
        counts = deleted(connection, rows)
        leave_husks(connection, sorted(statuses))
        compare_anew(connection)
        done = _told(connection, url, found, statuses, counts)
        told = {"reason": words, "cases": list(done.cases), "open": sorted(done.open),
                "rows": done.rows}  # fmt: skip
        events = [happened(ERASED, number) for number in done.cases]
        events.append(happened("child erased", detail=told))
        add_events(connection, asker.at, actor.name, events)
    write_anew(address_of(url))
    return done


def _reason(why: str) -> str:
    return said(why, "give a reason to erase what is kept of a child, with --reason TEXT.")


def _actor(connection: sa.Connection, asker: Asker) -> Viewer:
    actor = actor_of(connection, asker)
    actor.require("let go of data")
    return actor


def _found(connection: sa.Connection, child_id: str) -> tuple[Identifiers, Rows]:
    """Return how a child is named in the store, and the rows that tell of it, in their order.

    Raises:
        CallError: when there are none.
    """
    child = child_id.strip()
    tables = (case, *_OF_CHILD)
    is_there = any(
        connection.execute(
            sa.select(sa.literal(1)).where(table.c.child_id == child).limit(1)
        ).first()
        for table in tables
    )
    if not child or not is_there:
        raise CallError(
            "nothing is kept of a child of this identifier, written so; nothing was erased."
        )
    others: set[str] = set()
    for table in tables:
        if "referral_id" in table.c:
            query = sa.select(table.c.referral_id).where(table.c.child_id == child).distinct()
            others.update(connection.scalars(query))
    found = Identifiers(child, frozenset(others))
    of_case = sa.select(case.c.id).where(case.c.child_id == child)
    rows: Rows = [(table, table.c.case_id.in_(of_case)) for table in BELONGINGS]
    rows += [(table, table.c.child_id == child) for table in _OF_CHILD]
    numbers = _rejections(connection, found)
    for start in range(0, len(numbers), _IN_ONE):
        rows.append((rejection, rejection.c.id.in_(numbers[start : start + _IN_ONE])))
    return found, rows


def _rejections(connection: sa.Connection, found: Identifiers) -> Sequence[int]:
    """Return what runs said of the rows of whose cells one names the child."""
    in_row = sa.tuple_(rejection.c.run_id, rejection.c.source, rejection.c.row)
    naming = [
        (row.run_id, row.source, row.row)
        for row in connection.execute(
            sa.select(rejection).where(_may_name(rejection.c.message, found.all))
        )
        if names_any(row.message, found.all)
    ]
    numbers: set[int] = set()
    for start in range(0, len(naming), _IN_ONE):
        query = sa.select(rejection.c.id).where(in_row.in_(naming[start : start + _IN_ONE]))
        numbers.update(connection.scalars(query))
    return sorted(numbers)


def _may_name(column: sa.ColumnElement[str], identifiers: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return what is so of a text that holds one of some identifiers, if only in a longer word."""
    text = sa.cast(column, sa.Text)
    forms = {form for one in identifiers for form in as_written(one)}
    return sa.or_(*(text.contains(form, autoescape=True) for form in sorted(forms)))


def _statuses(connection: sa.Connection, child: str) -> dict[int, str]:
    query = sa.select(case.c.id, case.c.status).where(case.c.child_id == child).order_by(case.c.id)
    return {row.id: row.status for row in connection.execute(query)}


def _refuse_open(statuses: dict[int, str], *, open_too: bool) -> None:
    still = [f"case {number} is {status}" for number, status in statuses.items()
             if status != "closed"]  # fmt: skip
    if still and not open_too:
        raise CallError(
            f"{', '.join(still)}: close what is open first, or erase it too with --open-too. "
            "Nothing was erased."
        )


def _told(
    connection: sa.Connection,
    url: str,
    found: Identifiers,
    statuses: dict[int, str],
    counts: Counts,
) -> Erasure:
    still = {number: status for number, status in statuses.items() if status != "closed"}
    return Erasure(
        tuple(sorted(statuses)), still, added(counts), _named_in(connection, found, set(statuses)),
        address_of(url).file is None,
    )  # fmt: skip


def _named_in(
    connection: sa.Connection, found: Identifiers, own: set[int]
) -> dict[str, tuple[int, ...]]:
    """Return the cases and exceptions of others in whose words the child is named."""
    cases: set[int] = set()
    for column in _TEXTS:
        table = column.table
        number = table.c.id if table is case else table.c.case_id
        query = sa.select(number, sa.cast(column, sa.Text)).where(_may_name(column, found.telling))
        for of_case, text in connection.execute(query):
            if of_case not in own and names_any(text, found.telling):
                cases.add(of_case)
    reasons = sa.select(rule_exception.c.id, rule_exception.c.reason).where(
        sa.or_(rule_exception.c.child_id.is_(None), rule_exception.c.child_id != found.child),
        _may_name(rule_exception.c.reason, found.telling),
    )
    exceptions = {row.id for row in connection.execute(reasons)
                  if names_any(row.reason, found.telling)}  # fmt: skip
    told = {"cases": tuple(sorted(cases)), "exceptions": tuple(sorted(exceptions))}
    return {name: numbers for name, numbers in told.items() if numbers}
