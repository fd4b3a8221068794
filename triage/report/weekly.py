"""The weekly pack: each team's work of the week beside the weeks before, and what waits now.

Weekly figures for managers, and a monthly clinic, were part of Sunderland's answer to Ofsted. A
control chart beside each shows which change is more than the noise that is always there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Final

import numpy as np
import pandas as pd

from triage.calendar import spoken_date, to_date, to_day
from triage.casework import CLAIMABLE, OPEN
from triage.report.control import FEW, RULES, ControlChart, p_chart, xmr_chart
from triage.report.counting import NOT_RECORDED, Counting
from triage.report.document import (
    Block,
    Bullets,
    Cell,
    Chart,
    Column,
    Count,
    Document,
    Remark,
    Section,
    Series,
    Share,
    Statistic,
    Sum,
    Table,
    Words,
)
from triage.report.measures import Measures, Weekly, by_week
from triage.report.population import OVERDUE, WAITING, Population, elapsed, population_of
from triage.report.records import GIVEN, YES, Records, Truth, Whole
from triage.report.shown import rest
from triage.report.standing import standing_of, what_is_lacking

WEEKS: Final = 26
"""Weeks of each chart, the last one included."""
MEDIAN_OF: Final = 13
"""Weeks before this one of which the median is told."""
_ALL: Final = "All teams"
_AGES: Final = (
    (1, "up to 1 working day"), (5, "2 to 5"), (10, "6 to 10"), (20, "11 to 20"),
    (10**9, "more than 20"),
)  # fmt: skip
"""Working days that something has waited."""


@dataclass(frozen=True)
class Pack:
    """What a weekly pack counts: the population, the weeks, and the teams."""

    records: Records
    population: Population
    last: dt.date

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """Return the last day of each week, the earliest first."""
        end = to_day(self.last)
        return tuple(end - 7 * back for back in range(WEEKS - 1, -1, -1))

    @cached_property
    def measures(self) -> Measures:
        """Return what is measured."""
        return Measures(self.population)

    @cached_property
    def team(self) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
        """Return the team of each referral, in words."""
        texts = self.population.text("team")
        return np.array([NOT_RECORDED if one is None else str(one) for one in texts], object)

    @cached_property
    def teams(self) -> tuple[str, ...]:
        """Return the teams that hold a referral or a case, by name."""
        found = set(self.team[self.population.is_seen].tolist())
        found |= set(self.records.cases["team"].fillna(NOT_RECORDED).tolist())
        return tuple(sorted(found, key=lambda name: (name == NOT_RECORDED, name)))

    @cached_property
    def totals(self) -> dict[str, list[tuple[Count, dict[str, Count]]]]:
        """Return what waits of all teams and then of each, to be added up."""
        return {}

    def queue(self, team: str | None) -> tuple[pd.DataFrame, Whole]:
        """Return the open cases of a team, and the due days of its overdue remedial actions."""
        cases = self.records.cases
        if team is not None:
            named = cases["team"].fillna(NOT_RECORDED)
            cases = cases[named == team]
        numbers = set(cases["case"].tolist())
        due = [
            to_day(one.due_on)
            for one in self.records.actions
            if one.case in numbers and one.done_on is None and not one.is_handed_over
            and to_day(one.due_on) < self.population.as_of
        ]  # fmt: skip
        return cases[cases["status"].isin(OPEN)], np.array(due, np.int64)

    def group(self, team: str | None) -> Truth:
        """Return which referrals are a team's; all of them for none."""
        if team is None:
            return np.ones(len(self.population), bool)
        return np.asarray(self.team == team, bool)


def weekly_document(records: Records, to: dt.date) -> Document:
    """Return the pack of the week that ends on a day."""
    pack = Pack(records, population_of(records), to)
    counting = Counting()
    groups: list[str | None] = [None, *pack.teams]
    weeks = {
        group: [by_week(one, pack.ends, pack.group(group)) for one in pack.measures.all]
        for group in groups
    }
    for place, measure in enumerate(pack.measures.all):
        _add_up(counting, pack, measure.name, [weeks[group][place] for group in groups])
    for group in groups:
        _nest(counting, pack, group, weeks[group])
    sections = [
        Section("At a glance", (*_lead(pack), *what_is_lacking(records, counting))),
        *(_section(pack, counting, group, weeks[group]) for group in groups),
        Section("How to read the charts", (_how_to_read(),)),
    ]
    for of_groups in pack.totals.values():
        (whole, bands), *teams = of_groups
        counting.add(whole, [count for count, _ in teams])
        for band, count in bands.items():
            counting.add(count, [parts[band] for _, parts in teams])
    first = to_date(pack.ends[-1] - 6)
    return Document(
        "weekly",
        f"Weekly pack, week to {spoken_date(to)}",
        "Referrals, re-referrals, decisions, allocations, assessments and conferences of the week, "
        "beside the weeks before; and what waits now.",
        standing_of(records, first, to),
        tuple(sections),
        tuple(counting.sums),
    )


def _lead(pack: Pack) -> tuple[Block, ...]:
    first = to_date(pack.ends[-1] - 6)
    n = by_week(pack.measures.all[0], pack.ends, pack.group(None)).wholes[-1]
    whole = _count(pack, None, "referrals", len(pack.ends) - 1, "whole", n)
    return (
        Words(f"From {spoken_date(first)} to {spoken_date(pack.last)} {{}} referrals were made.",
              (whole,)),
    )  # fmt: skip


def _count(pack: Pack, group: str | None, measure: str, week: int, what: str, n: int) -> Count:
    day = to_date(pack.ends[week])
    return Count(f"{measure} | {what} | week to {day} | team: {group or _ALL}", n)


def _counts(
    pack: Pack, group: str | None, name: str, weekly: Weekly
) -> list[tuple[Count | None, Count]]:
    """Return the part and the whole of each week."""
    parts: Sequence[int | None] = weekly.parts or [None] * len(weekly.wholes)
    return [
        (
            None if part is None else _count(pack, group, name, week, "part", part),
            _count(pack, group, name, week, "whole", whole),
        )
        for week, (part, whole) in enumerate(zip(parts, weekly.wholes, strict=True))
    ]


def _add_up(counting: Counting, pack: Pack, name: str, of_groups: Sequence[Weekly]) -> None:
    """Keep that the teams are all teams together, in each week."""
    groups: list[str | None] = [None, *pack.teams]
    rows = [_counts(pack, group, name, one) for group, one in zip(groups, of_groups, strict=True)]
    for of_week in zip(*rows, strict=True):
        for which in (0, 1):
            whole, *parts = (pair[which] for pair in of_week)
            if whole is not None:
                counting.sums.append(Sum(whole, tuple(part for part in parts if part is not None)))


def _nest(counting: Counting, pack: Pack, group: str | None, weeks: Sequence[Weekly]) -> None:
    """Keep which counts of a week are some of others: what is shown of both tells the rest.

    Most measures are of some of the week's referrals, and a rapid return is a re-referral.
    """
    by_name = {one.measure.name: _counts(pack, group, one.measure.name, one) for one in weeks}
    referrals = by_name["referrals"]
    for name in (*_RETURNS, "decisions", "allocations"):
        for (_, whole), (_, of) in zip(by_name[name], referrals, strict=True):
            counting.add(of, [whole, rest(whole, of)])
    for (part, whole), (of_part, of) in zip(*(by_name[name] for name in _RETURNS[::-1]),
                                            strict=True):  # fmt: skip
        if part and of_part and whole.n == of.n:
            counting.add(of_part, [part, rest(part, of_part)])


def _section(pack: Pack, counting: Counting, group: str | None, weeks: Sequence[Weekly]) -> Section:
    name = _slug(pack, group)
    rows = [_now_and_before(pack, group, weekly) for weekly in weeks]
    columns = (
        Column("Measure", "text"), Column("This week"), Column("This week, of"),
        Column("This week, share", "share"), Column("Last week"), Column("Last week, of"),
        Column("Last week, share", "share"), Column(f"Median of {MEDIAN_OF} weeks", "number"),
        Column("More than noise?", "text"),
    )  # fmt: skip
    table = Table(
        f"week-{name}", f"The week, {group or _ALL}", columns, tuple(rows),
        (f"The median is of the {MEDIAN_OF} weeks before this one: of the numbers, or of the "
         "shares in percent.",),
    )  # fmt: skip
    charts: list[Block] = []
    for weekly in weeks:
        charts += _charted(pack, group, weekly)
    waiting = _waiting(pack, counting, group)
    return Section(group or _ALL, (table, *waiting, *charts))


def _slug(pack: Pack, group: str | None) -> str:
    return "all" if group is None else f"team-{pack.teams.index(group) + 1}"


def _now_and_before(pack: Pack, group: str | None, weekly: Weekly) -> tuple[Cell, ...]:
    counts = _counts(pack, group, weekly.measure.name, weekly)
    now, last = counts[-1], counts[-2]
    before = counts[-1 - MEDIAN_OF : -1]
    if weekly.parts is None:
        numbers = [float(whole.n) for _, whole in before]
        cells: tuple[Cell, ...] = (now[1], "", "", last[1], "", "")
        of = tuple(whole for _, whole in before)
    else:
        numbers = [100 * part.n / whole.n for part, whole in before if part and whole.n]
        cells = (now[0], now[1], _share(now), last[0], last[1], _share(last))
        of = tuple(count for pair in before for count in pair if count is not None)
    middle = Statistic(median(numbers) if numbers else None, of)
    words = _chart_of(weekly).series[-1]
    told = Remark("" if words is None else words.words, _all_of(counts))
    return (weekly.measure.title, *cells, middle, told)


def _all_of(counts: Sequence[tuple[Count | None, Count]]) -> tuple[Count, ...]:
    return tuple(count for pair in counts for count in pair if count is not None)


def _share(pair: tuple[Count | None, Count]) -> Cell:
    part, whole = pair
    return None if part is None else Share(part, whole)


def _chart_of(weekly: Weekly) -> ControlChart:
    if weekly.parts is None:
        return xmr_chart(weekly.wholes, are_counts=True)
    return p_chart(weekly.parts, weekly.wholes)


def _charted(pack: Pack, group: str | None, weekly: Weekly) -> list[Block]:
    """Return a measure as a control chart with its table; what is no measure at all is left out."""
    if not any(weekly.wholes):
        return [Words(f"{weekly.measure.title}: the records tell of none.")]
    counts = _counts(pack, group, weekly.measure.name, weekly)
    chart = _chart_of(weekly)
    of, is_share = _all_of(counts), weekly.parts is not None
    scale = 100 if is_share else 1
    rows: list[tuple[Cell, ...]] = []
    for end, (part, whole), point in zip(pack.ends, counts, chart.series, strict=True):
        limits = (None, None) if point is None else (point.low, point.high)
        remark = "" if point is None else point.words
        shown: tuple[Cell, ...] = (part, whole, _share((part, whole))) if is_share else (whole,)
        rows.append(
            (
                to_date(end).isoformat(),
                *shown,
                Statistic(None if chart.centre is None else scale * chart.centre, of),
                *(Statistic(None if one is None else scale * one, of) for one in limits),
                Remark(remark, of),
            )
        )
    name = f"{_slug(pack, group)}-{weekly.measure.name}"
    title = f"{weekly.measure.title}, {group or _ALL}"
    numbers = ("In time", "Of") if weekly.measure.name not in _RETURNS else ("Re-referrals", "Of")
    heads = [*(Column(head) for head in numbers), Column("Share", "share")] if is_share else [
        Column("Number")]  # fmt: skip
    columns = (
        Column("Week to", "text"), *heads, Column("Centre", "number"),
        Column("Lower limit", "number"), Column("Upper limit", "number"),
        Column("More than noise?", "text"),
    )  # fmt: skip
    notes = tuple(filter(None, (
        weekly.measure.note,
        f"Fewer than {FEW} weeks have a point, so the limits rest on few." if chart.is_few else "",
    )))  # fmt: skip
    table = Table(name, title, columns, tuple(rows), notes)
    at = len(heads)
    series = (
        Series(at, "Share" if is_share else "Number"),
        Series(at + 1, "Centre", is_reference=True),
        Series(at + 2, "Lower limit", is_reference=True),
        Series(at + 3, "Upper limit", is_reference=True),
    )
    kind = "p-chart" if is_share else "XmR chart"
    alternative = (
        f"{kind} of {WEEKS} weeks to {spoken_date(pack.last)}; its values, centre and limits stand "
        "in the table beside it, with each point that is more than noise."
    )
    drawn = Chart(
        f"chart-{name}", title, "control", table, series,
        "Share, %" if is_share else "Number", alternative, marked=at + 4,
    )  # fmt: skip
    return [drawn]


_RETURNS: Final = ("re-referrals", "rapid-returns")


def _waiting(pack: Pack, counting: Counting, group: str | None) -> list[Block]:
    """Return what waits now, with its age: decisions, allocations, reviews, remedial actions."""
    if pack.last != pack.records.run.as_of:
        return [Words("What waits is told as of the last run only, and this week ends before it.")]
    of = pack.population
    mine = of.is_seen & pack.group(group)
    decided, allocated = (np.array(one, object) for one in (of.decision, of.allocation))
    waits = (WAITING, OVERDUE)
    start = np.where(of.state("decision_at") == GIVEN, of.column("decision_at"), of.day)
    now = np.full(len(of), of.as_of)
    cases, actions = pack.queue(group)
    # Of one that was reviewed something else is due; one that is put off waits for nobody yet.
    is_due = cases["status"].isin(CLAIMABLE) & ~cases["is_put_off"]
    overdue = cases[is_due & (cases["due_on"] < of.as_of)]
    kinds: list[tuple[str, Whole]] = [
        ("No decision, open", elapsed(of.day, now)[mine & np.isin(decided, waits)
                                                   & (of.is_open == YES)]),
        ("Open and not allocated", elapsed(start, now)[mine & np.isin(allocated, waits)
                                                       & (of.is_open == YES)]),
        ("Cases in the queue, since they were opened",
         _ages(cases["opened_on"].to_numpy(np.int64), of.as_of)),
        ("Reviews overdue, since they were due",
         _ages(overdue["due_on"].to_numpy(np.int64), of.as_of)),
        ("Remedial actions overdue, since they were due", _ages(actions, of.as_of)),
    ]  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    wholes: list[Count] = []
    for title, ages in kinds:
        whole = Count(f"{title} | team: {group or _ALL}", len(ages))
        bands: dict[str, int] = {}
        least = -(10**9)
        for most, text in _AGES:
            bands[text] = int(((ages > least) & (ages <= most)).sum())
            least = most
        parts = counting.split(whole, "age", bands)
        rows.append((title, whole, *parts.values()))
        pack.totals.setdefault(title, []).append((whole, parts))
        wholes.append(whole)
    counting.add(wholes[2], [wholes[3], rest(wholes[3], wholes[2])])
    columns = (Column("What waits", "text"), Column("In all"), *(Column(text) for _, text in _AGES))
    title = f"What waits on {spoken_date(pack.last)}, by working days, {group or _ALL}"
    return [Table(f"waits-{_slug(pack, group)}", title, columns, tuple(rows))]


def _ages(since: Whole, as_of: int) -> Whole:
    return elapsed(since, np.full(len(since), as_of)) if len(since) else since


def _how_to_read() -> Bullets:
    rules = "; ".join(rule.words for rule in RULES)
    return Bullets(
        (
            Words(f"A point is more than noise where it meets one of these rules: {rules}."),
            Words("The limits of a share are three standard deviations of the binomial from the "
                  "share of all weeks together, so that a week with few has wider ones (p-chart). "
                  "Those of a number are 2.66 mean moving ranges from its mean (XmR chart)."),
            Words("A change within the limits that meets no rule is not to be explained, praised "
                  "or blamed: ask what the system as a whole brings about."),
        )
    )  # fmt: skip
