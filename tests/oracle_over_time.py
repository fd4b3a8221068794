"""What the rules ask of many rows of one referral: allocations, decisions, early help.

Part of ``oracle_more``; nothing here is imported from the product.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from oracle_cells import (
    ABSENT,
    BLANK,
    GIVEN,
    Truth,
    both,
    either,
    elapsed,
    months_before,
)
from oracle_folder import (
    FAR_FUTURE,
    FAR_PAST,
    INFINITE,
    NONE,
    Folder,
    Row,
    Span,
    When,
    span_of,
    when,
)
from oracle_rules import Referral

# --------------------------------------------------------------------------------------------
# Allocations over time
# --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Allocation:
    """One row of allocations that has begun, or may have; an end before its start is unknown."""

    row: Row
    start: When
    end: When


def allocations(folder: Folder, one: Referral) -> list[Allocation]:
    """Return the allocations begun by the day of judgement; an end after it has not come."""
    found = []
    for row in folder.beside(one, "allocations"):
        start, end = when(row["allocated_at"]), when(row["allocation_ended_at"])
        if start == NONE or (isinstance(start, date) and start > folder.as_of):
            continue
        if isinstance(end, date) and end > folder.as_of:
            end = NONE
        elif isinstance(end, date) and isinstance(start, date) and end < start:
            end = None
        found.append(Allocation(row, start, end))
    return found


def working_days_without_worker(folder: Folder, one: Referral) -> Span:
    """Find the longest time from a worker's end to the next start, or to closure or judgement.

    Every unknown date is tried at its extremes. With an end that cannot be told, the worker may
    have left long ago, and there is no upper bound.
    """
    if not folder.carries("allocations", "allocated_at", "allocation_ended_at"):
        return None
    found = allocations(folder, one)
    if not found:
        return NONE
    longest = [
        _longest_gap([held for held in chosen if held is not None], stop)
        for chosen in itertools.product(*(_possible(each, folder.as_of) for each in found))
        for stop in _possible_stops(folder, one)
    ]
    low = min(0 if isinstance(days, str) else days for days in longest)
    high = max(0 if isinstance(days, str) else days for days in longest)
    if any(each.end is None for each in found):
        return span_of(low, INFINITE)
    return NONE if all(isinstance(days, str) for days in longest) else span_of(low, high)


def _possible(held: Allocation, as_of: date) -> list[tuple[date, date] | None]:
    """Return the times, extremes only, in which an allocation may have been held."""
    if isinstance(held.start, date):
        if isinstance(held.end, date):
            return [(held.start, max(held.start, held.end))]
        return [(held.start, FAR_FUTURE)] + ([(held.start, held.start)] if not held.end else [])
    last = held.end if isinstance(held.end, date) else as_of
    ends = [last] if isinstance(held.end, date) else [FAR_FUTURE]
    ends += [last, FAR_PAST] if held.end is None else []
    return [None] + [(start, max(start, end)) for end in ends for start in (FAR_PAST, last)]


def _possible_stops(folder: Folder, one: Referral) -> list[date | None]:
    """Return until when a case without a worker waits; None where it does not wait."""
    closed, nfa = when(one.cells["closed_on"]), one.nfa
    if isinstance(closed, date):
        return [closed]
    stops: list[date | None] = [folder.as_of] if nfa is not True else [None]
    if nfa is None or closed is None:
        stops.append(None)
    return stops


def _longest_gap(held: list[tuple[date, date]], stop: date | None) -> float | str:
    gaps: list[float] = []
    reach: date | None = None
    for start, end in sorted(held):
        if reach is not None and start > reach:
            gaps.append(elapsed(reach, start))
        reach = end if reach is None else max(reach, end)
    if reach is not None and reach < FAR_FUTURE and stop is not None:
        gaps.append(elapsed(reach, stop))
    return max(gaps, default=NONE)  # type: ignore[type-var]


def n_workers(folder: Folder, one: Referral, months: int) -> Span:
    """Count the most workers to whom the case was newly allocated within so many months."""
    if not folder.carries("allocations", "allocated_at", "allocation_ended_at"):
        return None
    found = allocations(folder, one)
    if not found:
        return NONE
    undated = [each for each in found if each.start is None]
    dated = [each for each in found if isinstance(each.start, date)]
    low = high = 0
    for last in [each.start for each in dated] or [FAR_PAST]:
        window = [each for each in dated if months_before(last, months) <= each.start <= last]  # type: ignore[arg-type,operator]
        low = max(low, _distinct(window)[0], bool(window))
        high = max(high, _distinct(window + undated)[1])
    return span_of(low, high)


def _distinct(found: Iterable[Allocation]) -> tuple[int, int]:
    """Count the workers named, and those that there may be with each blank name another one."""
    names = [each.row["allocated_worker_id"].value for each in found]
    known = len({name for name in names if name is not None})
    return known, known + names.count(None)


def is_held_by_nobody_named(folder: Folder, one: Referral, desks: Iterable[str]) -> Truth:
    """Say whether every allocation is to a desk: a name or role of the list, or the team itself."""
    if not folder.carries("allocations", "allocated_at"):
        return None
    words = {desk.lower() for desk in desks}
    found = allocations(folder, one)
    if not found:
        return False
    team = one.known("team")
    certain: list[Truth] = []
    for each in found:
        worker, role = (
            each.row[column].value for column in ("allocated_worker_id", "allocated_worker_role")
        )
        names = [text.lower() for text in (worker, role) if isinstance(text, str)]
        is_desk: Truth
        if words.intersection(names) or (isinstance(team, str) and team.lower() in names):
            is_desk = True
        else:
            is_desk = None if worker is None else False
        # An allocation whose date cannot be read may not have happened.
        certain.append(is_desk if each.start is not None or is_desk is False else None)
    if all(each.start is None for each in found):
        return False if all(truth is False for truth in certain) else None
    dated = [truth for truth, each in zip(certain, found, strict=True) if each.start is not None]
    doubtful = [
        None if truth is False else True
        for truth, each in zip(certain, found, strict=True)
        if each.start is None and truth is False
    ]
    return both(*dated, *doubtful)


def has_unregistered_worker_on_section47(folder: Folder, one: Referral) -> Truth:
    """Say whether a worker who is not registered held the case after the enquiry's first day.

    Where an end cannot be told, only a worker allocated after that day surely did; where the table
    has no column of ends, one allocated on that day did too.
    """
    began = when(one.cells["section47_started_on"])
    if began == NONE:
        return False
    if one.cells["section47_started_on"].state == ABSENT:
        return None
    if not folder.carries("allocations", "worker_is_registered"):
        return None
    parts: list[Truth] = []
    for each in allocations(folder, one):
        registered = each.row["worker_is_registered"].value
        held: Truth = None
        if isinstance(began, date):
            no_ends = each.row["allocation_ended_at"].state == ABSENT
            began_after = isinstance(each.start, date) and each.start > began
            began_then = isinstance(each.start, date) and each.start >= began
            if each.end == NONE or began_after or (no_ends and began_then):
                held = True
            elif isinstance(each.end, date):
                held = each.end > began
        happened = None if each.start is None else True
        not_registered = None if registered is None else registered is False
        parts.append(both(happened, held, not_registered))
    return either(*parts)


# --------------------------------------------------------------------------------------------
# Decisions, early help
# --------------------------------------------------------------------------------------------


def n_replaced_without_reason(folder: Folder, one: Referral) -> Span:
    """Count the decisions that replace another without a reason; a blank cell replaces none.

    A decision whose date cannot be read is one, as an example of DEC-12 says.
    """
    if "decisions" not in folder.tables:
        return None
    parts = []
    for row in folder.beside(one, "decisions"):
        made = when(row["decision_at"])
        replaces, reason = row["supersedes_decision_id"].state, row["superseding_reason"].state
        parts.append(
            both(
                made is None or (isinstance(made, date) and made <= folder.as_of),
                None if replaces == ABSENT else replaces == GIVEN,
                None if reason == ABSENT else reason == BLANK,
            )
        )
    return span_of(parts.count(True), len(parts) - parts.count(False))


def days_without_early_help(folder: Folder, one: Referral) -> Span:
    """Count the days from closure to the child's next early help, or to judgement."""
    closed = when(one.cells["closed_on"])
    if closed == NONE or not isinstance(closed, date):
        return NONE if closed == NONE else None
    if not folder.carries("early_help", "child_id", "early_help_started_on"):
        return None
    low = high = (folder.as_of - closed).days
    for row in folder.of_child("early_help", one.child):
        start, end = when(row["early_help_started_on"]), when(row["early_help_ended_on"])
        if start is None:
            low = 0
        elif isinstance(start, date) and start <= folder.as_of:
            if start >= closed:
                low, high = (min(bound, (start - closed).days) for bound in (low, high))
            elif start >= one.day:
                lasted = end == NONE or row["early_help_ended_on"].state == ABSENT
                if lasted or (isinstance(end, date) and end >= closed):
                    low = high = 0
                elif end is None:
                    low = 0
    return span_of(low, high)
