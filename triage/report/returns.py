"""What the records alone tell of returns: how soon children come back, and after which endings."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Final, TypeAlias

import numpy as np

from triage.calendar import spoken_date, to_date, to_day
from triage.report.counting import NOT_RECORDED, Counting
from triage.report.document import (
    Block,
    Bound,
    Cell,
    Chart,
    Column,
    Count,
    Section,
    Series,
    Share,
    Statistic,
    Table,
    Words,
)
from triage.report.population import Population
from triage.report.records import GIVEN, NOT_TOLD, UNKNOWN, YES, Truth, Whole
from triage.report.shown import rest
from triage.report.survival import MONTH, survival
from triage.vocabulary import CLOSURE_REASONS, PRIMARY_NEEDS

_UNTIL: Final = 360
"""Days up to which a return is followed in tables and charts."""
_FEWEST: Final = 30
"""A group of fewer is not drawn by itself: its band would say nothing."""
_FROM_REFERRAL: Final = "followed from referral"
_NFA: Final = "no further action at referral"
_OPEN: Final = "not ended"
_UNTOLD: Final = "cannot tell whether it ended"
_OTHER: Final = "others, too few to be shown apart"

_AFTERWARDS: Final = (
    "Referrals are grouped by how they ended afterwards: the longer one lasted, the likelier a "
    "return before its end. To compare endings, take the curves from the closure."
)

Texts: TypeAlias = np.ndarray[tuple[int], np.dtype[np.object_]]


def ending_of(population: Population, last: int) -> list[str]:
    """Return how each referral had ended by a day, in words.

    As for the rules, it is closed where it has a date of closure: a reason alone does not close it.
    Where that date cannot be told, a reason tells that it was closed.
    """
    columns = (
        population.column("nfa"), population.state("closed_on"), population.column("closed_on"),
        population.text("closure_reason"),
    )  # fmt: skip
    found = []
    for nfa, state, closed, reason in zip(*(one.tolist() for one in columns), strict=True):
        is_closed = state == GIVEN and closed <= last
        if nfa == YES:
            found.append(_NFA)
        elif reason is not None and (is_closed or state == UNKNOWN):
            found.append(f"{reason} {CLOSURE_REASONS.get(str(reason), '')}".strip())
        elif is_closed:
            found.append(f"closed, reason {NOT_RECORDED}")
        else:
            found.append(_UNTOLD if state == UNKNOWN or nfa == NOT_TOLD else _OPEN)
    return found


def _up_to(population: Population, last: int) -> Truth:
    """Return which seen referrals were made up to a day."""
    return population.is_seen & (population.day <= last)


def returns_section(
    population: Population, counting: Counting, to: dt.date, *, from_closure: bool
) -> Section:
    """Return how soon children were referred again, by how the one before ended and by need.

    Followed is each referral up to the day; from its closure, each that was closed by then, unless
    the child was referred again before that: such a referral inside the episode is no return.
    """
    last = to_day(to)
    start = population.column("closed_on") if from_closure else population.day
    following = _following(population)
    has_next = following >= 0
    next_day = population.day[np.maximum(following, 0)]
    is_in = _up_to(population, last)
    if from_closure:
        is_in &= (population.state("closed_on") == GIVEN) & (start <= last)
        is_in &= ~(has_next & (next_day < start))
    end = np.minimum(np.where(has_next, next_day, population.as_of), last)
    returned = has_next & (next_day <= last)
    days = np.maximum(end - start, 0)
    name = "closure" if from_closure else "referral"
    followed = Count(f"followed from {name}", int(is_in.sum()))
    came_back = Count(f"returned from {name}", int((returned & is_in).sum()))
    needs = [
        NOT_RECORDED if code is None else f"{code} {PRIMARY_NEEDS.get(str(code), '')}".strip()
        for code in population.text("primary_need")
    ]
    blocks: list[Block] = [
        Words(
            f"Followed from the {name} to the child's next referral, or to {spoken_date(to)} where "
            "there was none; {} are followed, and {} of them came back in that time.",
            (followed, came_back),
        )
    ]
    later = Count(
        f"returned from {name} after {_UNTIL} days", int((returned & is_in & (days > _UNTIL)).sum())
    )
    for by, found in (("ending", ending_of(population, last)), ("need", needs)):
        texts = np.array(found, object)
        sizes = _sizes(counting, followed, by, texts, _up_to(population, last), is_in)
        blocks += _curves(counting, (came_back, later), sizes, by, texts, is_in, days, returned)
    return Section(f"Time from the {name} to the next referral", tuple(blocks))


def _following(population: Population) -> Whole:
    """Return the place of each child's next referral, -1 where there is none."""
    following = np.full(len(population), -1, np.int64)
    has_one = population.previous >= 0
    following[population.previous[has_one]] = np.flatnonzero(has_one)
    return following


def _sizes(
    counting: Counting, followed: Count, by: str, texts: Texts, everyone: Truth, is_in: Truth
) -> dict[str, Count]:
    """Return how many of each group are followed.

    They make up all that are followed, and are some of all referrals of their group, which the
    curves from the referral tell.
    """
    n_of, n_all = Counter(texts[is_in].tolist()), Counter(texts[everyone].tolist())
    found = {group: Count(f"{followed.key} by {by}: {group}", n) for group, n in n_of.items()}
    counting.add(followed, [found[group] for group in sorted(found)])
    for group, count in found.items():
        whole = Count(f"{_FROM_REFERRAL} by {by}: {group}", n_all[group])
        if whole.key != count.key:
            counting.add(whole, [count, rest(count, whole)])
    return found


def _curves(
    counting: Counting, returned_all: tuple[Count, Count], sizes: dict[str, Count], by: str,
    texts: Texts, is_in: Truth, days: Whole, returned: Truth,
) -> list[Block]:  # fmt: skip
    """Return the curves of each group as a table, and a chart of them."""
    came_back, later = returned_all
    name = came_back.key.removeprefix("returned from ")
    groups = [group for group in sorted(sizes) if sizes[group].n >= _FEWEST]
    few = [group for group in sorted(sizes) if group not in groups]
    chosen = [(group, is_in & (texts == group), sizes[group]) for group in groups]
    if few:
        whole = counting.whole(f"followed from {name} by {by}: {_OTHER}", [sizes[g] for g in few])
        chosen.append((_OTHER, is_in & np.isin(texts, few), whole))
    rows: list[tuple[Cell, ...]] = []
    by_the_end: list[Count] = []
    for group, which, whole in chosen:
        curve = survival(days[which], returned[which])
        before: tuple[Count, Count] | None = None
        for mark in curve.marks(_UNTIL, MONTH):
            key = f"from {name} by {by}: {group}, day {mark.day}"
            counts = (
                Count(f"{key}, followed", mark.n_at_risk),
                Count(f"{key}, returned", mark.n_returned),
                Count(f"{key}, newly returned", mark.n_new_returned),
                Count(f"{key}, newly not followed", mark.n_new_left),
            )
            left = Count(f"{key}, not followed", mark.n_left)
            counting.add(whole, (counts[0], counts[1], left))
            if before is not None:
                counting.add(counts[1], (before[0], counts[2]))
                counting.add(left, (before[1], counts[3]))
            before = (counts[1], left)
            shares = (None if one is None else 100 * one
                      for one in (mark.share, mark.low, mark.high))  # fmt: skip
            rows.append(
                (group, str(mark.day), counts[0], counts[1],
                 *(Statistic(one, counts) for one in shares))
            )  # fmt: skip
        by_the_end += [] if before is None else [before[0]]
    if not rows:
        return []
    counting.add(came_back, [*by_the_end, later])
    columns = (
        Column(by.capitalize(), "text"), Column("Days", "text"), Column("Followed still"),
        Column("Returned by then"), Column("Not returned, %", "number"),
        Column("from", "number"), Column("to", "number"),
    )  # fmt: skip
    title = f"Not referred again, by days from the {name}, by {by}"
    table = Table(
        f"returns-{name}-{by}", title, columns, tuple(rows),
        ("Kaplan and Meier's estimate with a 95 % band (log-log). Who is followed no longer counts "
         "up to then.", *([_AFTERWARDS] if (name, by) == ("referral", "ending") else [])),
    )  # fmt: skip
    series = tuple(
        Series(4, group, low=5, high=6, only=(group,))
        for group, _, _ in sorted(chosen, key=lambda one: -one[2].n)[:4]
    )
    chart = Chart(
        f"chart-returns-{name}-{by}", f"{title}: the largest groups", "steps", table, series,
        "Not returned, %", "Falling steps for each of the largest groups, with bands; all groups "
        "stand in the table beside.", x=1,
    )  # fmt: skip
    return [chart]


def endings_section(population: Population, counting: Counting, to: dt.date) -> Section:
    """Return which endings re-referrals follow, beside all endings.

    Endings are those up to the day. A re-referral follows one only if the previous referral was
    closed, or was no further action, on its day or before.
    """
    last = to_day(to)
    texts = ending_of(population, last)
    upto = _up_to(population, last)
    is_none = np.isin(np.array(texts, object), (_OPEN, _UNTOLD))
    comes_back = np.flatnonzero(upto & (population.re_referral == YES))
    before = population.previous[comes_back]
    closed, state = population.column("closed_on"), population.state("closed_on")
    had_ended = ~is_none[before] & (
        (population.column("nfa")[before] == YES)
        | (state[before] == UNKNOWN)
        | (closed[before] <= population.day[comes_back])
    )
    ended = [texts[place] for place in np.flatnonzero(upto).tolist()]
    followed = [texts[place] for place in before[had_ended].tolist()]
    of_all, of_back = Counter(ended), Counter(followed)
    none = [of_all.pop(text, 0) for text in (_OPEN, _UNTOLD)]
    kinds = sorted({*of_all, *of_back})
    whole = Count("endings", of_all.total())
    back = Count("re-referrals after an ending", len(followed))
    all_parts = counting.split(whole, "ending", {kind: of_all[kind] for kind in kinds})
    back_parts = counting.split(back, "ending", {kind: of_back[kind] for kind in kinds})
    told = [*all_parts.items(), *((text, Count(text, n)) for text, n in
                                  zip((_OPEN, _UNTOLD), none, strict=True))]  # fmt: skip
    for kind, count in told:
        if count.n:
            counting.add(count, [Count(f"{_FROM_REFERRAL} by ending: {kind}", count.n)])
    rows: list[tuple[Cell, ...]] = [
        (
            kind, all_parts[kind], Share(all_parts[kind], whole), back_parts[kind],
            Share(back_parts[kind], back), Bound(back_parts[kind], back, "low"),
            Bound(back_parts[kind], back, "high"),
        )
        for kind in kinds
    ]  # fmt: skip
    rows.append(("All", whole, Share(whole, whole), back, Share(back, back), "", ""))
    columns = (
        Column("Ending", "text"), Column("Endings"), Column("Share of endings", "share"),
        Column("Re-referrals after it"), Column("Share of re-referrals", "share"),
        Column("Share of re-referrals: from", "share"),
        Column("Share of re-referrals: to", "share"),
    )  # fmt: skip
    table = Table(
        "endings", "Endings, and the re-referrals that follow them", columns, tuple(rows),
        (f"Of all records from {spoken_date(to_date(population.start))} on. Where an ending's "
         "share of re-referrals lies above its share of all endings, by more than the interval, it "
         "is followed by a return more often than others: a reason to look, no proof.",),
        has_total=True,
    )  # fmt: skip
    unended = Words(
        "{} further re-referrals follow none: the previous referral had not ended when they came, "
        "or it cannot be told whether it had.",
        (Count("re-referrals before an ending", len(before) - len(followed)),),
    )
    only = tuple(kinds)
    chart = Chart(
        "chart-endings", "Share of all endings, and of the re-referrals that follow", "bars", table,
        (Series(2, "Share of endings", only=only), Series(4, "Share of re-referrals", only=only)),
        "%", "Two bars for each ending; the table beside has their values and intervals.",
    )  # fmt: skip
    return Section("Which endings are followed by a return", (table, unended, chart))
