"""The queue as somebody sees it: cases in the order of work, by filter, a page at a time.

A case of another team, or a restricted one, is not there for whoever may not see it: not in a
list, not in a count.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, Literal, NamedTuple, get_args

import sqlalchemy as sa

from triage.casework import OPEN
from triage.facts import SubjectName
from triage.order import END, NOT_OVERDUE, ranges_of
from triage.rights import Viewer
from triage.ruleset import severity_rank
from triage.store import bulk
from triage.store.husks import IS_KEPT
from triage.store.tables import case, flag
from triage.vocabulary import SEVERITIES

SortKey = Literal["case", "referred", "due", "severity", "team"]
SORT_KEYS: Final[tuple[SortKey, ...]] = get_args(SortKey)
"""What cases can be sorted by in place of the order of work."""
_IN_ONE: Final = 500
"""Case numbers asked for in one statement."""
_MOST_PASSED: Final = 1_000
"""Cases that a page may pass over before it is found by sorting."""
_MOST_APART: Final = 200
"""Runs of the index that are put together; more of them are sorted instead."""


class Case(NamedTuple):
    """A referral, or a contact, with its flags, to be reviewed by somebody.

    Of a contact, ``referral_id`` and ``referral_date`` are its own. ``severity`` is that of the
    most pressing open flag, or of any when none is open; ``boost`` says why the case comes before
    its turn. ``rules`` are those of its open flags, the most pressing first.
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
    severity: str
    boost: str | None
    snoozed_until: dt.date | None
    held_by: str | None
    held_until: str | None
    assigned_to: str | None
    opened_on: dt.date | None
    place: int
    rules: tuple[str, ...] = ()

    def holder(self, now: str) -> str | None:
        """Return who holds the case at a moment."""
        return self.held_by if self.held_until is not None and self.held_until > now else None


_whose: Final = case.alias("whose")
"""The cases by whoever they wait for, or hold them: so few that they are looked up first."""
COLUMNS: Final = tuple(case.c[name] for name in Case._fields[:-1])
_IN_ORDER: Final = itemgetter(*map(Case._fields.index, ("place", "id")))


@dataclass(frozen=True)
class Wanted:
    """Which cases are asked for; empty means any. ``snoozed`` asks for those that are put off."""

    statuses: tuple[str, ...] = OPEN
    teams: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    rule: str = ""
    subject: str = ""
    assigned_to: str = ""
    held_by: str = ""
    is_overdue: bool = False
    snoozed: bool = False


def page(
    connection: sa.Connection,
    who: Viewer,
    wanted: Wanted,
    as_of: dt.date,
    limit: int | None = None,
    after: tuple[int, int] | None = None,
    offset: int = 0,
    only: Sequence[sa.ColumnElement[bool]] = (),
) -> list[Case]:
    """Return cases in the order of work: so many from the first, or after a case, or from a place.

    ``after`` is where a case stood, its place and its number: it may stand elsewhere by now.
    ``only`` are conditions of the store's own.

    The index has its cases in this order by status, by team and status, and in ranges of places by
    severity. Each such run is asked by itself, in a statement that is made ready only once, and
    only until the page is full; so a page costs as much in a queue of a million as of a hundred.
    """
    residual = [*_conditions(who, wanted, as_of), *only]
    start = 0
    if after is not None:
        start, number = after
        residual.append(sa.or_(case.c.place > start, case.c.id > number))
    runs = [list(some) for some in _runs(who, wanted, start)]
    is_sorted = limit is None or offset > _MOST_PASSED or _is_of_somebody(wanted)
    if limit is None or is_sorted or sum(map(len, runs)) > _MOST_APART:
        conditions = (*_grouped(who, wanted), case.c.place >= start, *residual)
        query = sa.select(*COLUMNS).where(*conditions).order_by(case.c.place, case.c.id)
        query = query if limit is None else query.limit(limit).offset(offset)
        return _with_rules(connection, [r for some in bulk.rows(connection, query) for r in some])
    most = limit + offset
    found: list[Any] = []
    for of_places in runs:
        here: list[Any] = []
        for run in of_places:
            query = sa.select(*COLUMNS).where(*run, *residual)
            here += connection.execute(query.order_by(case.c.place, case.c.id).limit(most))
        found += sorted(here, key=_IN_ORDER)
        if len(found) >= most:
            break
    return _with_rules(connection, found[offset:most])


def sorted_page(
    connection: sa.Connection,
    who: Viewer,
    wanted: Wanted,
    as_of: dt.date,
    key: SortKey,
    limit: int | None,
    offset: int = 0,
    *,
    is_falling: bool = False,
) -> list[Case]:
    """Return so many cases from a place on, sorted by something else than the order of work.

    Those alike are in the order of work; what has no team comes last, whichever way it is sorted.
    """
    rank = sa.case({name: at for at, name in enumerate(SEVERITIES)}, value=case.c.severity)
    columns: dict[SortKey, sa.ColumnElement[Any]] = {
        "case": case.c.id, "referred": case.c.referral_date, "due": case.c.due_on,
        "severity": rank, "team": case.c.team,
    }  # fmt: skip
    column = columns[key]
    query = (
        sa.select(*COLUMNS)
        .where(*_grouped(who, wanted), *_conditions(who, wanted, as_of))
        .order_by(
            *([case.c.team.is_(None)] if key == "team" else []),
            column.desc() if is_falling else column,
            case.c.place,
            case.c.id,
        )
    )
    rows = connection.execute(query.limit(limit).offset(offset)).all()
    return _with_rules(connection, [tuple(row) for row in rows])


def count(
    connection: sa.Connection, who: Viewer, wanted: Wanted, as_of: dt.date, most: int | None = None
) -> int:
    """Return how many cases somebody sees of those asked for; with ``most``, no more than that."""
    which: sa.Select[Any] | sa.CompoundSelect[Any]
    which = sa.select(case.c.id).where(*seen_of(who, wanted, as_of))
    runs = [run for of_places in _runs(who, wanted, 0) for run in of_places]
    if most and wanted.severities and len(runs) <= _MOST_APART and not _is_of_somebody(wanted):
        # By places the index has those of a severity alone; else all of a team are gone through.
        residual = _conditions(who, wanted, as_of)
        some = [sa.select(case.c.id).where(*run, *residual).limit(most).subquery() for run in runs]
        which = sa.union_all(*map(sa.select, some)) if some else which
    limited = which.limit(most).subquery()
    found = connection.scalar(sa.select(sa.func.count()).select_from(limited))
    return int(found or 0)


def numbers(connection: sa.Connection, who: Viewer, wanted: Wanted, as_of: dt.date) -> list[int]:
    """Return the numbers of the cases asked for, in the order of work."""
    query = sa.select(case.c.id).where(*seen_of(who, wanted, as_of))
    ordered = query.order_by(case.c.place, case.c.id)
    return [int(number) for number in connection.scalars(ordered)]


def seen_of(who: Viewer, wanted: Wanted, as_of: dt.date) -> list[sa.ColumnElement[bool]]:
    """Return what is so of the cases that somebody sees of those asked for."""
    return [*_grouped(who, wanted), *_conditions(who, wanted, as_of)]


def _is_of_somebody(wanted: Wanted) -> bool:
    return bool(wanted.held_by or wanted.assigned_to)


def _conditions(who: Viewer, wanted: Wanted, as_of: dt.date) -> list[sa.ColumnElement[bool]]:
    """Return what does not follow the index."""
    found: list[sa.ColumnElement[bool]] = [IS_KEPT]
    if not who.may("see cases"):
        found.append(sa.false())
    if not who.sees_restricted:
        found.append(case.c.restricted.is_(False))
    is_put_off = sa.and_(case.c.snoozed_until.is_not(None), case.c.snoozed_until > as_of)
    found.append(is_put_off if wanted.snoozed else sa.not_(is_put_off))
    if wanted.rule:
        found.append(
            sa.exists().where(
                flag.c.case_id == case.c.id, flag.c.rule_id == wanted.rule, flag.c.state == "open"
            )
        )
    for column, text in (
        (_whose.c.assigned_to, wanted.assigned_to),
        (_whose.c.held_by, wanted.held_by),
    ):
        if text:
            found.append(case.c.id.in_(sa.select(_whose.c.id).where(column == text)))
    if wanted.subject:
        found.append(case.c.subject == wanted.subject)
    if wanted.is_overdue:
        found.append(case.c.place < NOT_OVERDUE)
    return found


def _teams(who: Viewer, wanted: Wanted) -> list[str] | None:
    """Return the teams whose cases are asked for and may be seen; None where all are."""
    if who.teams is None:
        return list(dict.fromkeys(wanted.teams)) or None
    return sorted(who.teams.intersection(wanted.teams) if wanted.teams else who.teams)


def _grouped(who: Viewer, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    status: sa.ColumnElement[Any] = case.c.status
    team: sa.ColumnElement[Any] = case.c.team
    if _is_of_somebody(wanted):
        # Else SQLite would go through all cases of a status to find the few of somebody.
        status, team = sa.func.coalesce(status, ""), sa.func.coalesce(team, "")
    found: list[sa.ColumnElement[bool]] = [status.in_(wanted.statuses)]
    teams = _teams(who, wanted)
    if teams is not None:
        found.append(team.in_(teams))
    if wanted.severities:
        found.append(case.c.severity.in_(wanted.severities))
    return found


def _runs(
    who: Viewer, wanted: Wanted, start: int
) -> Iterator[Iterator[list[sa.ColumnElement[bool]]]]:
    """Yield what describes the runs of an index, by ranges of places, which follow each other.

    They begin at the place ``start``.
    """
    teams = _teams(who, wanted)
    whose: Sequence[str | None] = [None] if teams is None else teams
    ranges = sorted(
        one for severity in set(wanted.severities) for one in ranges_of(SEVERITIES.index(severity))
    )
    for least, most in ranges or [(0, END)]:
        if most > start:
            yield (
                _run(status, team, max(least, start), most)
                for status, team in itertools.product(dict.fromkeys(wanted.statuses), whose)
            )


def _run(status: str, team: str | None, least: int, most: int) -> list[sa.ColumnElement[bool]]:
    run = [case.c.status == status, case.c.place >= least, case.c.place < most]
    return run if team is None else [*run, case.c.team == team]


def _with_rules(connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> list[Case]:
    return with_open_rules(connection, [made(row) for row in rows])


def with_open_rules(connection: sa.Connection, cases: Sequence[Case]) -> list[Case]:
    """Return cases with the rules of their open flags."""
    rules = _open_rules(connection, [one.id for one in cases])
    return [one._replace(rules=tuple(rules.get(one.id, ()))) for one in cases]


def made(row: Sequence[Any]) -> Case:
    """Return a case from its columns as the store keeps them."""
    whole = Case(*row)
    put_off, opened = whole.snoozed_until, whole.opened_on
    return whole._replace(
        opened_on=None if opened is None else _date(opened),
        referral_date=_date(whole.referral_date),
        due_on=_date(whole.due_on),
        restricted=bool(whole.restricted),
        snoozed_until=None if put_off is None else _date(put_off),
    )


def _date(kept: Any) -> dt.date:
    return kept if isinstance(kept, dt.date) else dt.date.fromisoformat(kept)


def _open_rules(connection: sa.Connection, cases: Sequence[int]) -> dict[int, list[str]]:
    """Return the rules of the open flags of cases, the most pressing first."""
    query = sa.select(flag.c.case_id, flag.c.severity, flag.c.rule_id).where(flag.c.state == "open")
    found: dict[int, list[tuple[int, str]]] = {}
    for some in _asked_for(connection, query, cases):
        for number, severity, rule in some:
            found.setdefault(number, []).append((severity_rank(severity), rule))
    return {number: [rule for _, rule in sorted(some)] for number, some in found.items()}


def _asked_for(
    connection: sa.Connection, query: sa.Select[Any], cases: Sequence[int]
) -> Iterator[Sequence[Any]]:
    """Yield what a query of flags finds of some cases; for very many of them that of all."""
    if len(cases) > 20 * _IN_ONE:
        yield from bulk.rows(connection, query)
        return
    for start in range(0, len(cases), _IN_ONE):
        which = flag.c.case_id.in_(cases[start : start + _IN_ONE])
        yield connection.execute(query.where(which)).all()


def of_child(connection: sa.Connection, child_id: str) -> list[Case]:
    """Return every case of a child, whoever may see it."""
    query = sa.select(*COLUMNS).where(case.c.child_id == child_id)
    return _with_rules(connection, [row for some in bulk.rows(connection, query) for row in some])
