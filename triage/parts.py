"""Judging records in parts of whole children: the same work on one machine and on many.

What is judged of a referral depends on its own child's records alone, but for the few things that
are looked up across children first (``triage.across``). So one function does the whole work from
entries to flags in words for some children, and what it finds of each part adds up.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from triage.across import Across
from triage.calendar import minus_months, to_day
from triage.due import Due, what_is_due
from triage.entries import Entries, Events
from triage.facts import FACT_BY_NAME, FactTable
from triage.judging import OUTCOMES, Bench, judge_all
from triage.measure import KNOWN
from triage.raising import Raised, raise_flags
from triage.rules import Rule
from triage.ruleset import Ruleset
from triage.subject import ReferralSubject, Subject
from triage.threads import in_turn

Truth = npt.NDArray[np.bool_]

ROWS_OF_A_PART: Final = 110_000
"""Referrals of a part: enough that its own cost is lost, few enough to stay near the processor."""
ONE_PART: Final = 50_000
"""Up to this many referrals are judged in one part: a second thread costs more than it brings."""


@dataclass(frozen=True)
class Questions:
    """What is asked of every part: by which rules, on which day, over which window.

    ``rules`` are of one subject. ``window`` is in months (None: all). ``history_from`` is where the
    records of all parts begin.
    """

    rules: Ruleset
    as_of: dt.date
    window: int | None
    history_from: dt.date

    @property
    def reported(self) -> tuple[Rule, ...]:
        """Return the rules whose outcomes are reported, sorted by identifier."""
        return tuple(rule for rule in self.rules.rules if not rule.is_off)


@dataclass(frozen=True)
class Part:
    """Entries of whole children, with what was found across all children for those judged."""

    entries: Entries
    across: Across


@dataclass(frozen=True)
class Found:
    """What was found of one part.

    ``tallies`` counts, for each reported rule, the outcomes clear, flag and cannot tell. ``ids``
    and ``child_ids`` name what was judged, and ``outcomes`` holds what each rule said of it.
    """

    n_entries: int
    n_later: int
    n_judged: int
    tallies: npt.NDArray[np.int64]
    raised: Raised
    due: tuple[Due, ...]
    ids: pa.Array
    child_ids: pa.Array
    outcomes: dict[str, npt.NDArray[np.int8]]

    def without_names(self) -> Found:
        """Return what is counted and flagged, without what else was judged: the store's alone."""
        nothing = pa.array([], pa.string())
        none = {name: np.zeros(0, np.int8) for name in self.outcomes}
        return replace(self, ids=nothing, child_ids=nothing, outcomes=none)

    def without_flags(self) -> Found:
        """Return what is counted, without the flags, which have been written."""
        return replace(self, raised=self.raised.nothing())


def judge_part(part: Part, asked: Questions, bench: Bench) -> Found:
    """Return what the rules say of some children's referrals: the whole work, reading aside.

    Raises:
        RuleError: when a rule cannot be evaluated.
    """
    subject = ReferralSubject(part.entries, asked.as_of, asked.history_from, across=part.across)
    return judge_subject(subject, asked, bench)


def judge_subject(subject: Subject, asked: Questions, bench: Bench) -> Found:
    """Return what the rules say of what is judged: of referrals, or of contacts.

    Raises:
        RuleError: when a rule cannot be evaluated.
    """
    table = FactTable(subject, FACT_BY_NAME)
    is_judged = judged(table, asked.as_of, asked.window)
    verdicts = judge_all(asked.rules, table, is_judged, bench)
    reported = asked.reported
    rows = np.flatnonzero(is_judged)
    is_whole = len(rows) == len(table)
    outcomes = {
        rule.id: verdicts[rule.id].codes if is_whole else verdicts[rule.id].codes[rows]
        for rule in reported
    }
    entries = subject.entries
    return Found(
        len(table),
        len(subject.whole) - len(table),
        len(rows),
        np.array([_tally(codes) for codes in outcomes.values()]).reshape(-1, len(OUTCOMES)),
        raise_flags(reported, table, verdicts, is_judged),
        what_is_due(asked.rules, table, is_judged, verdicts, bench),
        entries.identifiers.arrow.take(pa.array(entries.identity[rows])),
        entries.child_names.arrow.take(pa.array(entries.child[rows])),
        outcomes,
    )


def judged(table: FactTable, as_of: dt.date, window: int | None) -> Truth:
    """Return which entries are judged: those of the window, and older ones that are or may be open.

    A contact is never open.
    """
    day = table.subject.entries.day
    if window is None:
        return np.ones(len(day), bool)
    in_window = np.asarray(day >= to_day(minus_months(as_of, window)), bool)
    if not isinstance(table.subject, ReferralSubject):
        return in_window
    is_open = table.measure("is_open")
    return np.asarray(in_window | (is_open.state != KNOWN) | (is_open.value == 1), bool)


def _tally(codes: npt.NDArray[np.int8]) -> list[int]:
    """Return how many of the judged ended as each outcome, by its code."""
    later = [int(np.count_nonzero(codes == code)) for code in range(1, len(OUTCOMES))]
    return [len(codes) - sum(later), *later]


def jobs_for(n_entries: int) -> int:
    """Return how many parts are worth judging at the same time on this machine."""
    return 1 if n_entries <= ONE_PART else (os.cpu_count() or 1)


def judge_parts(
    parts: Sequence[Part],
    asked: Questions,
    jobs: int,
    done: Callable[[int], None] = lambda n_entries: None,
    *,
    keeps_names: bool = True,
) -> list[Found]:
    """Return what was found of each part, in their order; ``done`` is told how many were judged.

    ``jobs`` parts are worked on at the same time, by threads: what takes time lets go of the
    interpreter's lock, and nothing has to be copied.

    Raises:
        RuleError: when a rule cannot be evaluated.
    """
    bench = Bench()

    def one(part: Part) -> Found:
        found = judge_part(part, asked, bench)
        done(len(part.entries))
        return found if keeps_names else found.without_names()

    if jobs < 2 or len(parts) < 2:
        return [one(part) for part in parts]
    with ThreadPoolExecutor(jobs) as pool:
        return list(in_turn(lambda part: pool.submit(one, part).result, parts, 2 * jobs))


def cut(entries: Entries, across: Across, as_of: dt.date, jobs: int) -> Iterator[Part]:
    """Yield the entries in parts of whole children, as many parts as the jobs share evenly."""
    n = len(entries)
    each = n if n <= ONE_PART else ROWS_OF_A_PART
    rounds = max(1, -(-n // (max(each, 1) * jobs)))
    wanted = 1 if n <= ONE_PART else rounds * jobs
    is_first = np.r_[True, entries.child[1:] != entries.child[:-1], True][: n + 1]
    firsts = np.flatnonzero(is_first)
    places = np.unique(
        firsts[np.searchsorted(firsts, [n * number // wanted for number in range(wanted + 1)])]
    )
    if not n:
        places = np.zeros(2, np.int64)
    n_now = np.r_[0, np.cumsum(entries.day <= to_day(as_of))]
    for start, stop in zip(places[:-1].tolist(), places[1:].tolist(), strict=True):
        yield Part(_between(entries, start, stop), across.part(n_now[start], n_now[stop]))


def _between(entries: Entries, start: int, stop: int) -> Entries:
    """Return a run of entries, which are views: nothing is copied."""
    if start == 0 and stop == len(entries):
        return entries
    here = slice(start, stop)
    return Entries(
        entries.child[here],
        entries.day[here],
        entries.order[here],
        entries.identity[here],
        entries.identifiers,
        entries.child_names,
        entries.n_rows[here],
        {name: column.between(start, stop) for name, column in entries.columns.items()},
        {name: _events(events, entries, start, stop) for name, events in entries.events.items()},
    )


def _events(events: Events, entries: Entries, start: int, stop: int) -> Events:
    """Return the rows beside that belong to a run of entries, or to its children."""
    low: Any = start
    high: Any = stop
    if events.is_of_child:
        low, high = entries.child[start], entries.child[stop - 1] + 1
    first, last = np.searchsorted(events.owner, [low, high]).tolist()
    owner = events.owner[first:last]
    columns = {name: column.between(first, last) for name, column in events.columns.items()}
    return Events(owner if events.is_of_child else owner - start, columns, events.is_of_child)
