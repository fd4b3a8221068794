"""The weekly pack says what the records say, by team and in all, in each of its weeks."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import pytest
from oracle_cells import elapsed
from oracle_reports import (
    MEASURES,
    MISSING,
    Group,
    action_state,
    banded,
    ends_of,
    median_before,
    waiting,
    weekly,
)
from quarter import LAST, Quarter
from report_reading import Told, reading, told

TEAMS = (
    "Assessment Central", "Assessment Coast", "Assessment East", "Assessment North",
    "Assessment South", "Assessment West", "Children with Disabilities",
    "Initial Contact and Referral", MISSING,
)  # fmt: skip
GROUPS: tuple[tuple[str, str | None], ...] = (
    ("all", None), *((f"team-{number}", team) for number, team in enumerate(TEAMS, 1))
)  # fmt: skip
LASTS = (LAST, dt.date(2026, 6, 28))
"""The weeks before the second one begin before rates can be told."""


def of(team: str | None) -> Group:
    return lambda one: team is None or (one.known("team") or MISSING) == team


@pytest.fixture(params=LASTS, ids=str)
def last(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def pack(quarter: Quarter, last: dt.date) -> Told:
    return told(quarter, "weekly", last)


def test_there_is_a_section_for_all_teams_and_one_for_each(pack: Told) -> None:
    titles = [section.title for section in pack.document.sections]
    assert titles == ["At a glance", "All teams", *TEAMS, "How to read the charts"]


@pytest.mark.parametrize("measure", MEASURES)
def test_each_measure_of_each_team_is_right_in_each_of_26_weeks(
    pack: Told, last: dt.date, measure: str
) -> None:
    tables = {table.name for table in pack.document.tables()}
    for name, team in GROUPS:
        pairs = [weekly(reading(), measure, end, of(team)) for end in ends_of(last)]
        if not any(whole for _, whole in pairs):
            assert f"{name}-{measure}" not in tables
            continue
        rows = pack.rows(f"{name}-{measure}")
        assert [row[0] for row in rows] == [end.isoformat() for end in ends_of(last)]
        for row, (part, whole) in zip(rows, pairs, strict=True):
            share = [] if part is None else [round(100 * part / whole, 1) if whole else "z"]
            found = [whole] if part is None else [part, whole]
            assert row[1 : 1 + len(found + share)] == found + share, (name, row[0])


def test_this_week_stands_beside_the_last_and_the_median_of_the_13_before(
    pack: Told, last: dt.date
) -> None:
    for name, team in GROUPS:
        rows = pack.rows(f"week-{name}")
        assert len(rows) == len(MEASURES)
        for row, measure in zip(rows, MEASURES, strict=True):
            pairs = [weekly(reading(), measure, end, of(team)) for end in ends_of(last)]
            for place, (part, whole) in ((1, pairs[-1]), (4, pairs[-2])):
                if part is None:
                    assert row[place : place + 3] == [whole, "", ""]
                else:
                    share = round(100 * part / whole, 1) if whole else "z"
                    assert row[place : place + 3] == [part, whole, share], (name, measure)
            middle = median_before(pairs)
            assert row[7] == ("z" if middle is None else pytest.approx(middle, abs=0.0501))


def test_centre_and_limits_are_those_of_the_26_weeks(quarter: Quarter) -> None:
    """As the books have them: a p-chart of shares, an XmR chart of numbers."""
    pack = told(quarter, "weekly")
    for row in pack.rows("all-decisions"):
        pairs = [weekly(reading(), "decisions", end, of(None)) for end in ends_of(LAST)]
        centre = sum(part or 0 for part, _ in pairs) / sum(whole for _, whole in pairs)
        sigma = (centre * (1 - centre) / row[2]) ** 0.5
        low, high = max(0.0, centre - 3 * sigma), min(1.0, centre + 3 * sigma)
        assert row[4:7] == pytest.approx([100 * one for one in (centre, low, high)], abs=0.0501)
    wholes = [weekly(reading(), "referrals", end, of(None))[1] for end in ends_of(LAST)]
    mean = sum(wholes) / 26
    reach = 2.66 * sum(abs(b - a) for a, b in pairwise(wholes)) / 25
    for row in pack.rows("all-referrals"):
        limits = [mean, max(0.0, mean - reach), mean + reach]
        assert row[2:5] == pytest.approx(limits, abs=0.0501)


def test_what_waits_is_told_with_its_age_in_working_days(quarter: Quarter) -> None:
    pack = told(quarter, "weekly")
    for name, team in GROUPS:
        decisions, allocations = waiting(reading(), of(team))
        queue = [one for one in quarter.queue.values()
                 if not one.restricted and team in (None, one.team or MISSING)]  # fmt: skip
        is_open = [one for one in queue if one.status != "closed"]
        overdue = [one for one in is_open if one.due_on < LAST
                   and one.status in ("new", "claimed", "in review")]  # fmt: skip
        mine = {one.id for one in queue}
        actions = [
            one["due_on"]
            for one in quarter.actions
            if one["case"] in mine and action_state(one, LAST) == "Open, overdue"
        ]
        expected = [
            decisions,
            allocations,
            banded(elapsed(one.opened_on or LAST, LAST) for one in is_open),
            banded(elapsed(one.due_on, LAST) for one in overdue),
            banded(elapsed(due_on, LAST) for due_on in actions),
        ]
        assert [row[1:] for row in pack.rows(f"waits-{name}")] == expected, name


def test_what_waits_is_not_told_of_a_week_before_the_last_run(quarter: Quarter) -> None:
    pack = told(quarter, "weekly", dt.date(2026, 6, 28))
    assert not [table for table in pack.document.tables() if table.name.startswith("waits")]
    assert "this week ends before it" in pack.text()


def test_teams_add_up_to_all_teams(pack: Told) -> None:
    names = {table.name for table in pack.document.tables()}
    for measure in MEASURES:
        columns = (1,) if measure == "referrals" else (1, 2)
        tables = [pack.rows(f"{name}-{measure}") for name, _ in GROUPS[1:]
                  if f"{name}-{measure}" in names]  # fmt: skip
        for week, row in enumerate(pack.rows(f"all-{measure}")):
            for column in columns:
                assert sum(table[week][column] for table in tables) == row[column]
