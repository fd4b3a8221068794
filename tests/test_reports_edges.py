"""Reports on either side of every limit, by records of which the answer is worked out by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from quarter import LAST, asker, night
from report_reading import Told, nonzero

from triage import reporting, store
from triage.report.records import ActionRow

HEADING = "child_id,referral_date,referral_id,nfa,closed_on,closure_reason,decision_at,allocated_at"
ROWS = (
    "Z,2024-01-02,Z1,no,2024-02-01,RC8,2024-01-02,2024-01-03",
    # Exactly 12 months before, and a day more than that.
    "A,2025-09-10,A1,no,2025-10-01,RC8,2025-09-10,2025-09-10",
    "A,2026-09-10,A2,no,,,2026-09-11,2026-09-14",
    "B,2025-09-09,B1,no,2025-10-01,RC8,2025-09-09,2025-09-09",
    "B,2026-09-10,B2,no,,,2026-09-14,2026-09-16",
    # Closed on the day of the re-referral, 30 and 31 days before it, and the day after it.
    "C,2026-05-01,C1,no,2026-09-10,RC7,2026-05-01,2026-05-01",
    "C,2026-09-10,C2,no,,,,",
    "D,2026-05-01,D1,no,2026-08-11,RC7,2026-05-01,2026-05-01",
    "D,2026-09-10,D2,no,,,2026-09-10,",
    "E,2026-05-01,E1,no,2026-08-10,RC9,2026-05-01,2026-05-01",
    "E,2026-09-10,E2,yes,2026-09-10,,2026-09-10,",
    "F,2026-05-01,F1,no,2026-09-11,RC9,2026-05-01,2026-05-01",
    "F,2026-09-10,F2,no,2026-09-12,RC8,,",
    # No further action without a date of closure, and a reason without one.
    "G,2026-05-01,G1,yes,,,2026-05-01,",
    "G,2026-09-29,G2,no,,,,",
    "H,2026-05-01,H1,no,,RC7,2026-05-01,2026-05-01",
    "H,2026-09-28,H2,no,,,,",
)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("edges")
    table = folder / "records.csv"
    table.write_text("\n".join((HEADING, *ROWS)) + "\n", "utf-8")
    url = f"sqlite:///{folder / 'triage.db'}"
    night(url, LAST, table)
    return store.records_of(url, asker("m.manager", LAST))


def told(records: Any, name: Any, to: dt.date = LAST, **asked: Any) -> Told:
    return Told(reporting.document_of(name, records, reporting.Asked(to, **asked)))


def test_a_referral_exactly_12_months_after_another_is_a_re_referral_and_a_day_later_is_none(
    records: Any,
) -> None:
    review = told(records, "review")
    assert review.numbers("At a glance")[:2] == [8, 7]
    days = {row[1] for row in review.rows("cases")}
    assert days == {dt.date(2026, 9, day) for day in (10, 28, 29)}


def test_a_window_holds_its_first_and_its_last_day(records: Any) -> None:
    before, on = dt.date(2026, 9, 9), dt.date(2026, 9, 10)
    assert told(records, "review", before, months=1).numbers("At a glance")[0] == 0
    assert told(records, "review", on, months=1).numbers("At a glance")[0] == 6
    assert told(records, "review", dt.date(2026, 6, 1), months=1).numbers("At a glance")[0] == 6
    assert told(records, "review", dt.date(2026, 6, 2), months=1).numbers("At a glance")[0] == 0


def test_what_went_before_is_told_by_the_day_of_closure(records: Any) -> None:
    review = told(records, "review")
    assert nonzero(review.by_text("previous-closed", 1)) == {
        "0 to 30 days": 2, "31 to 90 days": 1, "more than 180 days": 1,
        "no further action, and no date of closure": 1, "not closed before the re-referral": 2,
    }  # fmt: skip
    assert nonzero(review.by_code("previous-closure", 1)) == {
        "RC7": 2, "RC8": 1, "RC9": 1, "no further action, and no date of closure": 1,
        "not closed before the re-referral": 2,
    }  # fmt: skip


def test_work_is_in_time_up_to_one_working_day_after_its_start(records: Any) -> None:
    """Of those of Thursday 10 September, and of Monday and Tuesday 28 and 29."""
    review = told(records, "review")
    assert nonzero(review.by_text("decisions", 1)) == {
        "in time": 3, "not yet, in time": 1, "not yet, overdue": 3,
    }  # fmt: skip
    assert nonzero(review.by_text("allocations", 1)) == {
        "in time": 1, "not needed": 2, "not yet, in time": 1, "not yet, overdue": 3,
    }  # fmt: skip


def test_an_ending_is_followed_by_a_return_on_its_day_and_not_by_one_before_it(
    records: Any,
) -> None:
    causes = told(records, "causes")
    followed = nonzero(causes.by_code("endings", 3))
    assert followed == {"RC7": 2, "RC8": 1, "RC9": 1, "no further action at referral": 1}
    assert causes.numbers("Which endings are followed by a return") == [2]
    # From its closure each is followed that was closed before the child came back: not F's first.
    n, back = causes.numbers("Time from the closure to the next referral")
    assert (n, back) == (8, 5)


def test_weeks_end_on_the_day_and_hold_seven(records: Any) -> None:
    for last, n in (
        (dt.date(2026, 9, 10), 6),
        (dt.date(2026, 9, 16), 6),
        (dt.date(2026, 9, 17), 0),
    ):
        rows = told(records, "weekly", last).rows("week-all")
        assert rows[0][1] == n, last
    rows = told(records, "weekly", dt.date(2026, 9, 17)).rows("week-all")
    assert rows[0][4] == 6


def test_an_action_is_overdue_from_the_day_after_it_was_due_and_late_if_done_then(
    records: Any,
) -> None:
    case = int(told(records, "review").rows("cases")[0][0])
    before = LAST - dt.timedelta(1)
    actions = tuple(
        ActionRow(case, "visit", due_on, done_on, handed)
        for due_on, done_on, handed in (
            (LAST, None, False), (before, None, False), (before, before, False),
            (before, LAST, False), (before, None, True),
        )
    )  # fmt: skip
    with_actions = replace(records, actions=actions)
    review = told(with_actions, "review")
    assert review.numbers("Remedial actions") == [5, 1, 1, 1, 2, 1]
    assert told(with_actions, "weekly").rows("waits-all")[4][1:3] == [1, 1]
