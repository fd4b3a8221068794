"""Decisions that were made again: a later one that takes the place of the first."""

from __future__ import annotations

import numpy as np

from triage.sample import calibration as cal
from triage.sample import words
from triage.sample.chance import Rng, happens, pick, pick_in_bins, whole
from triage.sample.decisions import Staff, minute_after
from triage.sample.rationales import tell_referrers
from triage.sample.referrals import Columns
from triage.sample.workdays import BLANK, WorkingDays

_BRIEF = tuple(
    words.OUTCOMES.index(name) for name in ("early_help", "information_and_advice", "other")
)


def supersede(rng: Rng, rows: Columns, staff: Staff, wd: WorkingDays, as_of_day: int) -> Columns:
    """Draws the second decisions, by the row of the referral each belongs to.

    A second decision says what was in truth done next, is made while the episode is open, and
    half of the time does not say why it was needed. Ordered by ``row``; nothing is after
    ``as_of_day``.
    """
    size = len(rows["day"])
    day = wd.after(rows["decided"], whole(rng, size, *cal.SUPERSEDED_WORKING_DAYS))
    chosen = (rows["decided"] != BLANK) & (rows["nfa"] == 0) & (day <= as_of_day)
    chosen &= (rows["closed"] == BLANK) | (day <= rows["closed"])
    chosen &= (day >= rows["day"]) & happens(rng, size, cal.SUPERSEDED_SHARE)
    row = np.flatnonzero(chosen).astype(np.int32)
    size = len(row)
    day = day[row]
    minute = minute_after(rng, rows["decided_minute"][row], same_day=np.zeros(size, dtype=bool))
    recorded = wd.after(day, pick_in_bins(rng, size, cal.RECORDING_LAG_WORKING_DAYS))
    recorded_minute = minute_after(rng, minute, same_day=recorded == day)
    feedback, told_at = tell_referrers(rng, rows["source"][row], day, minute, wd)

    enquired, discussed = rows["enquiry"][row] != BLANK, rows["strategy"][row] != BLANK
    assessed = rows["started"][row] != BLANK
    before = rows["outcome"][row]
    other = np.array(_BRIEF, dtype=np.int32)[pick(rng, size, (0.5, 0.35, 0.15))]
    other = np.where(other == before, words.OUTCOMES.index("assessment"), other)
    names = ("section47", "strategy_discussion", "assessment")
    done = [words.OUTCOMES.index(name) for name in names]
    grave = enquired | discussed
    outcome = np.select([enquired, discussed, assessed], done, other)
    risk = np.select(
        [grave, assessed], [pick(rng, size, (0, 0.35, 0.65)), pick(rng, size, (0.35, 0.65))], 0
    )
    maker = staff.manager(rng, rows["team"][row])
    rationale = pick_in_bins(rng, size, cal.RATIONALE_CHARACTERS)
    has_reason = happens(rng, size, cal.SUPERSEDED_WITH_REASON)
    reason = whole(rng, size, 0, len(words.SUPERSEDING_REASONS) - 1)
    later = {
        "row": row,
        "decided": day,
        "decided_minute": minute,
        "recorded": np.where(recorded > as_of_day, BLANK, recorded),
        "recorded_minute": recorded_minute,
        "maker": maker,
        "maker_role": staff.role[maker],
        "outcome": outcome,
        "threshold": np.select([grave, assessed], [4, 3], 2),
        "risk": risk,
        "rationale": rationale,
        "text": int(rows["text"].max(initial=0)) + len(rows["day"]) + np.arange(1, size + 1),
        "history": np.where(happens(rng, size, 0.93), 1, 0),
        "feedback": np.where(feedback > as_of_day, BLANK, feedback),
        "feedback_minute": told_at,
        "superseding_reason": np.where(has_reason, reason, BLANK),
    }
    return {name: np.asarray(column, dtype=np.int32) for name, column in later.items()}
