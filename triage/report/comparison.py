"""The council's rates beside published ones, year by year, on the same definition."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from triage.calendar import to_day
from triage.report.counting import Counting
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
from triage.report.measures import Measures
from triage.report.population import MONTHS, Population
from triage.report.published import SOURCE, Neighbour, england
from triage.report.records import NOT_TOLD, YES
from triage.report.shown import rest


def comparison_section(
    population: Population, counting: Counting, to: dt.date, councils: Sequence[Neighbour]
) -> Section:
    """Return the council's years beside England's, and beside neighbours' where they are given.

    Of the council's own only whole years, to 31 March, that the records cover are told.
    """
    years = _years(population, to)
    words = Words(
        "Years end on 31 March. A rate is of the referrals alone whose look-back of 12 months the "
        "records cover."
        + ("" if years else " The records cover no whole year up to that day, so none of the "
           "council's own stands in the table.")
    )  # fmt: skip
    table = _by_year(population, counting, years)
    only = tuple(str(row[0]) for row in table.rows)
    chart = Chart(
        "chart-comparison", "Re-referrals within 12 months, of all referrals", "lines", table,
        (Series(5, "This council", low=6, high=7, only=only), Series(8, "England", only=only)),
        "Re-referrals, %", "A line for England and one for this council, by year; the table beside "
        "has their values.",
    )  # fmt: skip
    blocks: list[Block] = [words, chart, _other_rates(population, counting, years)]
    if councils:
        blocks.append(_neighbours(councils))
    return Section("Beside published figures", tuple(blocks))


def _years(population: Population, to: dt.date) -> list[int]:
    """Return the years to 31 March that lie wholly in the records and before the day."""
    return [
        year
        for year in range(1990, to.year + 1)
        if to_day(dt.date(year - 1, 4, 1)) >= population.start
        and to_day(dt.date(year, 3, 31)) <= to_day(to)
    ]


def _ends(year: int) -> tuple[int, int]:
    return to_day(dt.date(year - 1, 4, 1)), to_day(dt.date(year, 3, 31))


def _by_year(population: Population, counting: Counting, years: Sequence[int]) -> Table:
    national = {one.year: one for one in england()}
    rows: list[tuple[Cell, ...]] = []
    for year in sorted({*national, *years}):
        mine: tuple[Cell, ...] = (None,) * 7
        if year in years:
            mine = _own(population, counting, year)
        one = national.get(year)
        theirs: tuple[Cell, ...] = (None, None, None)
        if one is not None:
            theirs = (Statistic(one.re_referral_share), Statistic(one.referrals, digits=0),
                      Statistic(one.re_referrals, digits=0))  # fmt: skip
        rows.append((str(year), *mine, *theirs))
    columns = (
        Column("Year to 31 March", "text"), Column("Referrals"), Column("Re-referrals"),
        Column("Look-back covered"), Column("Of these re-referrals"), Column("Rate", "share"),
        Column("Rate: from", "share"), Column("Rate: to", "share"),
        Column("England, rate %", "number"),
        Column("England, referrals", "number"), Column("England, re-referrals", "number"),
    )  # fmt: skip
    return Table(
        "comparison", "Referrals and re-referrals by year, and England's", columns, tuple(rows),
        (SOURCE,),
    )  # fmt: skip


def _own(population: Population, counting: Counting, year: int) -> tuple[Cell, ...]:
    """Return the council's own referrals and re-referrals of a year, and the rate."""
    which = population.between(*_ends(year))
    is_one, is_covered = population.re_referral == YES, population.covered(MONTHS)
    whole, back, covered, found = (
        Count(f"{key} in {year}", int((which & of_these).sum()))
        for key, of_these in (
            ("referrals", which), ("re-referrals", is_one), ("covered", is_covered),
            ("re-referrals of the covered", is_one & is_covered),
        )
    )  # fmt: skip
    for part, of in ((back, whole), (covered, whole), (found, back), (found, covered)):
        counting.add(of, [part, rest(part, of)])
    return (whole, back, covered, found, Share(found, covered), Bound(found, covered, "low"),
            Bound(found, covered, "high"))  # fmt: skip


def _other_rates(population: Population, counting: Counting, years: Sequence[int]) -> Table:
    """Return the shares of no further action, assessments and conferences in time, by year."""
    national = {one.year: one for one in england()}
    measures = {one.name: one for one in Measures(population).all}
    rows: list[tuple[Cell, ...]] = []
    for year in sorted({*national, *years}):
        mine: list[Cell] = [None, None, None]
        if year in years:
            first, last = _ends(year)
            which = population.between(first, last)
            nfa = population.column("nfa")[which]
            told = Count(f"nfa told in {year}", int((nfa != NOT_TOLD).sum()))
            whole = Count(f"referrals in {year}", int(which.sum()))
            counting.add(whole, [told, rest(told, whole)])
            mine = [Share(Count(f"nfa in {year}", int((nfa == YES).sum())), told)]
            for name in ("assessments", "conferences"):
                one = measures[name]
                counted = one.whole & (one.day >= first) & (one.day <= last)
                part = counted if one.part is None else counted & one.part
                mine.append(
                    Share(Count(f"{name} in time in {year}", int(part.sum())),
                          Count(f"{name} in {year}", int(counted.sum())))
                )  # fmt: skip
        found = national.get(year)
        theirs: tuple[Cell, ...] = (None, None, None)
        if found is not None:
            theirs = tuple(
                None if value is None else Statistic(value)
                for value in (found.nfa_share, found.assessments_in_time,
                              found.conferences_in_time)
            )  # fmt: skip
        rows.append((str(year), *mine, *theirs))
    columns = (
        Column("Year to 31 March", "text"), Column("No further action", "share"),
        Column("Assessments within 45 working days", "share"),
        Column("Conferences within 15 working days", "share"),
        Column("England, no further action %", "number"),
        Column("England, assessments %", "number"), Column("England, conferences %", "number"),
    )  # fmt: skip
    return Table(
        "comparison-other", "Other rates by year, and England's", columns, tuple(rows), (SOURCE,)
    )


def _neighbours(councils: Sequence[Neighbour]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            one.council, str(one.year), Statistic(one.referrals, digits=0),
            Statistic(one.re_referrals, digits=0),
            Statistic(100 * one.re_referrals / one.referrals if one.referrals else None),
        )
        for one in sorted(councils, key=lambda one: (one.council, one.year))
    ]  # fmt: skip
    columns = (
        Column("Council", "text"), Column("Year to 31 March", "text"),
        Column("Referrals", "number"), Column("Re-referrals", "number"), Column("Rate %", "number"),
    )  # fmt: skip
    return Table(
        "neighbours", "Published figures of other councils", columns, tuple(rows),
        ("As given in the file of published figures; counts as they were published.",),
    )  # fmt: skip
