"""Every referral of the children who have a flag: what a reviewer reads first."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from triage.calendar import to_date
from triage.run import Run
from triage.validation import GIVEN


@dataclass(frozen=True)
class TimelineEntry:
    """A referral of a child who has a flag, flagged itself or not."""

    child_id: str
    referral_id: str
    referral_date: dt.date
    team: str | None
    referral_source: str | None
    primary_need: str | None
    nfa: bool | None
    closed_on: dt.date | None
    closure_reason: str | None
    restricted: bool


def timeline(run: Run) -> tuple[TimelineEntry, ...]:
    """Return every referral, up to the date of judgement, of the children who have a flag."""
    assert run.referrals.table is not None
    subject = run.referrals.table.subject
    referrals = subject.entries
    children = {flag.child_id for flag in run.stable_flags}
    rows = np.array(
        [row for row, child in enumerate(referrals.child_ids.tolist()) if child in children],
        np.int64,
    )

    def words(name: str) -> list[str | None]:
        column = subject.column(name)
        return [column.names[column.value[r]] if column.state[r] == GIVEN else None for r in rows]

    def days(name: str) -> list[dt.date | None]:
        column = subject.column(name)
        return [to_date(int(column.value[r])) if column.state[r] == GIVEN else None for r in rows]

    yes, no = subject.yes("nfa"), subject.no("nfa")
    return tuple(
        TimelineEntry(*entry)
        for entry in zip(
            referrals.child_ids[rows].tolist(),
            referrals.ids[rows].tolist(),
            [to_date(int(day)) for day in referrals.day[rows]],
            words("team"),
            words("referral_source"),
            words("primary_need"),
            [True if yes[r] else (False if no[r] else None) for r in rows],
            days("closed_on"),
            words("closure_reason"),
            subject.is_restricted[rows].tolist(),
            strict=True,
        )
    )
