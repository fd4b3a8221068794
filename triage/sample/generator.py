"""The invented council: every referral of some months, as it stands on one day.

No record of a real child was read to make it. The figures it imitates are in ``calibration``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from triage.sample import calibration as cal
from triage.sample import words
from triage.sample.chains import make_chains
from triage.sample.chance import Rng
from triage.sample.decisions import Staff, allocate, decide
from triage.sample.dirt import mistype, same_day_duplicates
from triage.sample.progress import factor_sets, oversee, progress
from triage.sample.referrals import Columns, describe_referrals
from triage.sample.text import (
    Text,
    days_text,
    ids_text,
    numbers_text,
    times_text,
    to_series,
    words_text,
)
from triage.sample.workdays import BLANK, WorkingDays, day_number, months_before

_EARLIEST, _LATEST = date(1975, 1, 1), date(2060, 1, 1)
_BELONGS_TO = {
    "decided": (
        "decided_minute", "recorded", "recorded_minute", "maker", "maker_role", "outcome",
        "threshold", "risk", "rationale", "history",
    ),
    "recorded": ("recorded_minute",),
    "allocated": ("allocated_minute", "worker", "worker_role", "agency", "registered"),
    "closed": ("reason",),
    "started": (),
    "reviewed": (),
    "authorised": ("factors",),
    "strategy": (),
    "enquiry": (),
    "enquiry_ended": ("excused",),
    "conference": (),
}  # fmt: skip


@dataclass(frozen=True)
class Council:
    """An invented council's referrals, one row each, ordered by referral date.

    ``referrals`` has every column of the referral table; each cell is text exactly as it would
    be typed, and "" is a blank cell. Nothing that happened after ``as_of`` is in it.
    """

    referrals: pd.DataFrame
    as_of: date
    seed: int


def make_council(
    n_referrals: int, *, seed: int, as_of: date, months: int, dirty: bool = True
) -> Council:
    """Invents a council with exactly ``n_referrals`` rows over the ``months`` up to ``as_of``.

    The same arguments give the same cells, so that a test, a demonstration and a bug report can
    speak of the same child.

    Args:
        n_referrals: rows of the referral table, 1 or more.
        seed: any whole number from 0.
        as_of: the day the records are looked at; what lies after it has not happened yet.
        months: calendar months of referrals, 1 or more.
        dirty: whether a small share of cells is mistyped and a few referrals are entered twice.

    Raises:
        ValueError: when a number is out of range or the period is not within 1990 to 2050.
    """
    if months < 1:
        raise ValueError(f"the number of months must be 1 or more, not {months}")
    first = months_before(as_of, months) + timedelta(days=1)
    if first.year < 1990 or as_of.year > 2050:
        raise ValueError("the period must lie within 1990 to 2050")
    rng = np.random.Generator(np.random.PCG64(seed))
    repeats = round(n_referrals * cal.SAME_DAY_DUPLICATE_SHARE) if dirty else 0
    as_of_day = day_number(as_of)
    chains = make_chains(rng, n_referrals - repeats, day_number(first), as_of_day)
    wd = WorkingDays()

    rows = describe_referrals(rng, chains, as_of_day)
    staff = Staff(rng, len(chains), months)
    decision = decide(rng, rows, staff, wd)
    events = progress(rng, rows, decision, chains, wd)
    rows |= decision | allocate(rng, rows, decision, staff, wd) | events
    rows["oversight"] = oversee(rng, rows, events, as_of_day)
    _allocated_before_closed(rows)
    _nothing_after(rows, as_of_day)
    factors = factor_sets(rng)

    if dirty:
        rows = same_day_duplicates(rng, rows, repeats)
    order = np.lexsort((rows["child"], rows["minute"], rows["day"]))
    columns = _typed({name: column[order] for name, column in rows.items()}, factors)
    if dirty:
        columns = mistype(_dirt_rng(seed), columns)
    table = pd.DataFrame({name: to_series(columns[name]) for name in words.COLUMNS})
    return Council(referrals=table, as_of=as_of, seed=seed)


def _dirt_rng(seed: int) -> Rng:
    """A stream of its own, so that mistyping never changes the council underneath."""
    return np.random.Generator(np.random.PCG64([seed, 1]))


def _allocated_before_closed(rows: Columns) -> None:
    """Takes out, in place, allocations that would have come after the episode was closed."""
    gone = (rows["closed"] != BLANK) & (rows["allocated"] > rows["closed"])
    for name in ("allocated", *_BELONGS_TO["allocated"]):
        rows[name] = np.where(gone, BLANK, rows[name]).astype(np.int32)


def _nothing_after(rows: Columns, as_of_day: int) -> None:
    """Blanks, in place, every event after the day and what belongs to it."""
    for event, belongings in _BELONGS_TO.items():
        later = (rows[event] > as_of_day) | (rows[event] == BLANK)
        for name in (event, *belongings):
            rows[name] = np.where(later, BLANK, rows[name]).astype(np.int32)


def _typed(rows: Columns, factors: list[str]) -> dict[str, Text]:
    """The cells of the referral table as text."""
    size = len(rows["day"])
    worker_width = 4 if int(max(rows["worker"].max(), rows["maker"].max())) < 10_000 else 6
    return {
        "child_id": ids_text("C", rows["child"], 7),
        "referral_date": times_text(rows["day"], rows["minute"]),
        "referral_id": ids_text("R", np.arange(1, size + 1, dtype=np.int32), 7),
        "household_id": ids_text("H", rows["household"], 7),
        "date_of_birth": days_text(rows["born"]),
        "expected_date_of_birth": days_text(rows["expected"]),
        "referral_source": words_text(rows["source"], words.SOURCES),
        "primary_need": words_text(rows["need"], words.NEEDS),
        "nfa": words_text(rows["nfa"], words.TRUTHS),
        "team": words_text(rows["team"], words.TEAMS),
        "closed_on": days_text(rows["closed"]),
        "closure_reason": words_text(rows["reason"], words.REASONS),
        "decision_at": times_text(rows["decided"], rows["decided_minute"]),
        "decision_recorded_at": times_text(rows["recorded"], rows["recorded_minute"]),
        "decision_maker_id": ids_text("W", rows["maker"], worker_width),
        "decision_maker_role": words_text(rows["maker_role"], words.ROLES),
        "decision_outcome": words_text(rows["outcome"], words.OUTCOMES),
        "threshold_level": numbers_text(rows["threshold"]),
        "risk_rating": words_text(rows["risk"], words.RATINGS),
        "rationale_length": numbers_text(rows["rationale"]),
        "history_considered": words_text(rows["history"], words.TRUTHS),
        "allocated_at": times_text(rows["allocated"], rows["allocated_minute"]),
        "allocated_worker_id": ids_text("W", rows["worker"], worker_width),
        "allocated_worker_role": words_text(rows["worker_role"], words.ROLES),
        "worker_is_agency": words_text(rows["agency"], words.TRUTHS),
        "worker_is_registered": words_text(rows["registered"], words.TRUTHS),
        "assessment_started_on": days_text(rows["started"]),
        "assessment_reviewed_on": days_text(rows["reviewed"]),
        "assessment_authorised_on": days_text(rows["authorised"]),
        "assessment_factors": words_text(rows["factors"], factors),
        "strategy_discussion_on": days_text(rows["strategy"]),
        "section47_started_on": days_text(rows["enquiry"]),
        "icpc_on": days_text(rows["conference"]),
        "icpc_not_required": words_text(rows["excused"], words.TRUTHS),
        "last_oversight_on": days_text(rows["oversight"]),
        "restricted": words_text(rows["restricted"], words.TRUTHS),
    }
