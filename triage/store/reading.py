"""Asking the store: the queue's cases, one case whole, runs, and what was rejected."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from triage.due import Due
from triage.errors import MissingError, StoreError
from triage.order import NOT_OVERDUE
from triage.rights import Viewer
from triage.ruleset import severity_rank
from triage.store.caselist import Case, SortKey, Wanted, count, of_child, page, sorted_page
from triage.store.connection import acting, reading
from triage.store.letting_go import was_let_go_of
from triage.store.people import Asker, viewer_of
from triage.store.standing import NOTHING_HIDDEN, hidden_from
from triage.store.tables import due_item, event, flag, note, referral, rejection, rule_text, run
from triage.store.trail import add_events, happened
from triage.store.work import as_of_store, seen_case
from triage.timeline import TOLD


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


def latest_as_of(url: str) -> dt.date:
    """Return the date on which the last run judged.

    Raises:
        StoreError: when there is no store, or no run in it.
    """
    with reading(url) as connection:
        return as_of_store(connection)


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
    try:
        return latest_as_of(url)
    except StoreError:
        return None


def cases(
    url: str,
    asker: Asker,
    wanted: Wanted,
    as_of: dt.date | None = None,
    limit: int | None = None,
    offset: int = 0,
    sort: SortKey | None = None,
    *,
    is_falling: bool = False,
    most: int | None = None,
) -> Listed:
    """Return the cases that whoever asks sees of those wanted, in the order of work.

    ``as_of`` is the day as of which reviews are overdue: that of the last run, unless it is given.
    With ``sort`` they are in another order, rising or falling. Of more than ``most`` cases it is
    only said that there are more: to count a country's takes longer than to show some.

    Raises:
        CallError: when people are registered and this is none of them.
        StoreError: when there is no store, or no run in it.
    """
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        day = as_of_store(connection)
        if sort is not None:
            found = sorted_page(
                connection, who, wanted, day, sort, limit, offset, is_falling=is_falling
            )
            n = count(connection, who, wanted, day, most and most + 1)
            return _listed(found, n, as_of or day, offset, most)
        found = page(connection, who, wanted, day, limit, offset=offset)
        if limit is None and as_of is not None and as_of != day:
            found = sorted(
                found, key=lambda one: (one.due_on >= as_of, one.place % NOT_OVERDUE, one.id)
            )
        if limit is None:
            return Listed(found, offset + len(found), as_of or day, offset)
        n = count(connection, who, wanted, day, most and most + 1)
        return _listed(found, n, as_of or day, offset, most)


def _listed(found: list[Case], n: int, as_of: dt.date, offset: int, most: int | None) -> Listed:
    is_more = most is not None and n > most
    return Listed(found, most if is_more and most else n, as_of, offset, is_more)


@dataclass(frozen=True)
class Listed:
    """Some cases in the order of work, from a place on; ``n`` is how many there are in all.

    With ``is_more`` there are more than that.
    """

    cases: list[Case]
    n: int
    as_of: dt.date
    offset: int = 0
    is_more: bool = False


def cases_after(
    url: str, asker: Asker, wanted: Wanted, limit: int, after: tuple[int, int] | None = None
) -> Listed:
    """Return so many cases that stand after a place and number, and one more where there is one.

    Whoever goes on from where the last one stood misses none and meets none twice, however many
    are claimed or closed in between. They are not counted: ``n`` is how many these are.

    Raises:
        CallError: when people are registered and this is none of them.
        StoreError: when there is no store, or no run in it.
    """
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        day = as_of_store(connection)
        found = page(connection, who, wanted, day, limit + 1, after)
        return Listed(found, len(found), day)


def check_seen(url: str, asker: Asker, case_id: int) -> None:
    """Refuse a case that is not there for whoever asks; nothing of it is read.

    Raises:
        CallError: when there is no such case for them.
    """
    with reading(url) as connection:
        seen_case(connection, viewer_of(connection, asker), case_id)


SHOWN: Final = ("child_id", "referral_id", "referral_date", *TOLD, "restricted")
"""What is shown of a referral beside the child's other ones."""


@dataclass(frozen=True)
class TimelineReferral:
    """A referral of the child, with its case where it has one."""

    referral: dict[str, Any]
    case_id: int | None
    flags: tuple[str, ...]


@dataclass(frozen=True)
class WholeCase:
    """A case with its flags, its notes, what happened to it, and the child's referrals by date.

    ``contacts`` are the cases of the child's contacts.
    """

    case: Case
    flags: tuple[StoredFlag, ...]
    notes: list[dict[str, Any]]
    events: list[dict[str, Any]]
    timeline: list[TimelineReferral]
    contacts: list[Case]


def one_case(url: str, asker: Asker, case_id: int) -> WholeCase:
    """Return a case with all that belongs to it, as far as whoever asks may see it.

    Whoever may still be its second reviewer is not told what the first review led to. That they
    read it is added to the trail.

    Raises:
        CallError: when there is no such case for them.
    """
    with acting(url) as connection:
        who = viewer_of(connection, asker)
        found = seen_case(connection, who, case_id)
        hidden = hidden_from(connection, who, case_id).get(case_id, NOTHING_HIDDEN)
        notes = [
            {"at": row.at, "by": row.by, "text": row.text}
            for row in connection.execute(
                sa.select(note).where(note.c.case_id == case_id).order_by(note.c.id)
            )
        ]
        events = [
            {"at": row.at, "actor": row.actor, "kind": row.kind, "rule": row.rule_id,
             "detail": json.loads(row.detail)}
            for row in connection.execute(
                sa.select(event).where(event.c.case_id == case_id).order_by(event.c.id)
            )
            if not hidden.tells(who, row.kind, row.at, row.actor)
        ]  # fmt: skip
        flags = _flags(connection, case_id)
        rules = tuple(one.rule for one in flags if one.state == "open")
        of_child_seen = [
            one
            for one in of_child(connection, found.child_id)
            if who.sees(one.team, restricted=one.restricted)
        ]
        timeline = _timeline(connection, found.child_id, who, of_child_seen)
        contacts = [one for one in of_child_seen if one.subject == "contact"]
        add_events(connection, asker.at, asker.actor, [happened("case read", case_id)])
        return WholeCase(found._replace(rules=rules), flags, notes, events, timeline, contacts)


def _timeline(
    connection: sa.Connection, child_id: str, who: Viewer, seen: Sequence[Case]
) -> list[TimelineReferral]:
    """Return the child's referrals; restricted ones, and other teams' cases, only to their own."""
    known = {one.referral_id: one for one in seen if one.subject == "referral"}
    found = []
    for row in connection.execute(
        sa.select(referral)
        .where(referral.c.child_id == child_id)
        .order_by(referral.c.referral_date, referral.c.referral_id)
    ):
        if row.restricted and not who.sees_restricted:
            continue
        its_case = known.get(row.referral_id)
        number, rules = (its_case.id, its_case.rules) if its_case else (None, ())
        found.append(TimelineReferral({n: row._mapping[n] for n in SHOWN}, number, rules))
    return found


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


def runs_before(url: str, limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """Return so many runs, the latest first: from the last one on, or from before a run."""
    query = sa.select(run).order_by(run.c.id.desc()).limit(limit)
    with reading(url) as connection:
        found = connection.execute(query if before is None else query.where(run.c.id < before))
        return [{**row._mapping, "as_of": row.as_of.isoformat()} for row in found]


def run_row(url: str, number: int) -> dict[str, Any]:
    """Return a run.

    Raises:
        CallError: when there is none such.
    """
    found = runs_before(url, 1, number + 1)
    if not found or found[0]["id"] != number:
        raise MissingError(f"there is no run {number}", "; `triage runs` shows them.")
    return found[0]


def due_items(url: str, asker: Asker) -> tuple[dt.date, tuple[Due, ...]]:
    """Return the date of the last run, and what fell due by the next working day after it.

    Raises:
        CallError: when people are registered and whoever asks is none of them.
        StoreError: when there is no store, or no run in it.
    """
    with reading(url) as connection:
        as_of, who = as_of_store(connection), viewer_of(connection, asker)
        latest = connection.execute(sa.select(sa.func.max(run.c.id))).scalar()
        rows = connection.execute(
            sa.select(due_item).where(due_item.c.run_id == latest).order_by(due_item.c.id)
        )
        fields = ("rule", "severity", "child_id", "referral_id", "referral_date", "team",
                  "due_on", "message", "restricted")  # fmt: skip
        found = (Due(**{name: getattr(row, name) for name in fields}) for row in rows)
        return as_of, tuple(one for one in found if who.sees(one.team, restricted=one.restricted))


def rejections(url: str, run_id: int | None = None) -> list[dict[str, Any]]:
    """Return what was wrong with the rows of a run (the latest by default), each cell once.

    Raises:
        CallError: when there is no such run, or what it said of rows was let go of.
    """
    with reading(url) as connection:
        number = run_id
        if number is None:
            number = connection.execute(sa.select(sa.func.max(run.c.id))).scalar()
        if not connection.execute(sa.select(run.c.id).where(run.c.id == number)).first():
            raise MissingError(f"there is no run {run_id}", "; `triage runs` shows them.")
        query = sa.select(rejection).where(rejection.c.run_id == number)
        found = [
            {name: getattr(row, name) for name in ("kind", "source", "row", "column", "message")}
            for row in connection.execute(query.order_by(rejection.c.id))
        ]
        if not found and number is not None and was_let_go_of(connection, number):
            raise MissingError(
                f"what run {number} said of rows was let go of, since it was past its time; "
                "the list of runs has the counts."
            )
    told = {(r["source"], r["row"], r["column"]) for r in found if r["kind"] == "rejected"}
    return [
        row
        for row in found
        if row["kind"] != "problem" or (row["source"], row["row"], row["column"]) not in told
    ]
