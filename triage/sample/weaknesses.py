"""Weak practice that chance alone would make too rare to meet, each kind in a small share."""

from __future__ import annotations

import numpy as np

from triage.sample import calibration as cal
from triage.sample import words
from triage.sample.chains import Chains
from triage.sample.chance import Rng, Truths, happens, whole
from triage.sample.decisions import Staff
from triage.sample.referrals import Columns
from triage.sample.workdays import BLANK, WorkingDays

_YEAR = 365
_RED = words.RATINGS.index("red")
_RC7 = words.REASONS.index("RC7")
_ASSESSMENT = words.OUTCOMES.index("assessment")
_TO_BE_ASSESSED = (
    BLANK,
    *(words.OUTCOMES.index(name) for name in ("assessment", "strategy_discussion", "section47")),
)
_WORK = (
    "recorded", "recorded_minute", "allocated", "allocated_minute", "worker", "worker_role",
    "agency", "registered", "started", "reviewed", "authorised", "factors", "strategy", "enquiry",
    "enquiry_ended", "excused", "conference", "oversight",
)  # fmt: skip


def end_without_action_again(rng: Rng, rows: Columns, chains: Chains) -> None:
    """Turns some returns, and what came before them, into no further action; before decisions.

    A small share of the returns within a year end without action like the referral before; of
    the children referred a third time within a year, some have all three ended so, for one need.
    """
    size = len(chains)
    second = (chains.since != BLANK) & (chains.since <= _YEAR)
    within = np.zeros(size, dtype=bool)
    within[2:] = second[2:] & second[1:-1] & (chains.since[2:] + chains.since[1:-1] <= _YEAR)
    third = within & happens(rng, size, cal.THIRD_NFA_SHARE)
    pair = second & happens(rng, size, cal.AGAIN_NFA_SHARE)
    for back in (1, 2):
        rows["need"][:-back] = np.where(third[back:], rows["need"][back:], rows["need"][:-back])
    ended = third | pair
    ended[:-1] |= third[1:] | pair[1:]
    ended[:-2] |= third[2:]
    rows["nfa"][ended] = 1
    rows["team"][ended] = words.TEAM_FRONT_DOOR


def weaken(rng: Rng, rows: Columns, chains: Chains, wd: WorkingDays) -> None:
    """Weakens, in place, the practice on a small share of referrals, kind after kind.

    Every draw is made for every row, so that one kind does not change the rows of another.
    """
    rows |= {name: rows[name].copy() for name in rows}
    _forget(rng, rows, chains)
    _misjudge(rng, rows, chains)
    _start_late(rng, rows, wd)
    _enquire_badly(rng, rows, wd)
    _close_badly(rng, rows, chains, wd)
    _keep_waiting(rng, rows, chains, wd)


def hold_badly(rng: Rng, rows: Columns, staff: Staff) -> None:
    """Gives, in place, a few first allocations to nobody by name or to an unregistered worker.

    The duty tray, or the team as a whole, stands where a name should. Enquiries under section 47
    go to registered workers, save for a few.
    """
    size = len(rows["day"])
    held = rows["allocated"] != BLANK
    enquired = held & (rows["enquiry"] != BLANK) & (rows["worker"] != rows["maker"])
    support = enquired & happens(rng, size, cal.SECTION47_BY_UNREGISTERED_SHARE)
    worker = np.where(enquired, staff.registered_instead(rows["worker"]), rows["worker"])
    worker = np.where(support, staff.support_start + rows["team"], worker)
    on_duty = held & happens(rng, size, cal.DUTY_SHARE)
    as_team = happens(rng, size, cal.DUTY_IS_TEAM)
    tray = np.where(as_team, staff.duty + 1 + rows["team"], staff.duty)
    worker = np.where(on_duty, tray, worker)
    named = held & ~on_duty
    rows["worker"] = worker.astype(np.int32)
    rows["worker_role"] = np.where(held, staff.role[worker], BLANK).astype(np.int32)
    rows["agency"] = np.where(named, staff.agency[worker], BLANK).astype(np.int32)
    rows["registered"] = np.where(named, staff.registered[worker], BLANK).astype(np.int32)


def _forget(rng: Rng, rows: Columns, chains: Chains) -> None:
    """Half of the referrals on which nobody decided lie untouched until somebody finds them."""
    size = len(chains)
    share = happens(rng, size, cal.FORGOTTEN_OF_UNDECIDED)
    forgotten = (rows["nfa"] == 0) & (rows["decided"] == BLANK) & share
    for name in _WORK:
        rows[name][forgotten] = BLANK
    found = rows["day"] + whole(rng, size, *cal.FORGOTTEN_FOUND_DAYS)
    before_return = (chains.until == BLANK) | (found < rows["day"] + chains.until)
    closed = np.where(before_return, found, BLANK)
    rows["closed"] = np.where(forgotten, closed, rows["closed"]).astype(np.int32)
    reason = np.where(closed == BLANK, BLANK, _RC7)
    rows["reason"] = np.where(forgotten, reason, rows["reason"]).astype(np.int32)


def _misjudge(rng: Rng, rows: Columns, chains: Chains) -> None:
    """Rates some of what ends without action red, and finds the same factors once again."""
    size = len(chains)
    red = (rows["nfa"] == 1) & (rows["decided"] != BLANK)
    red &= happens(rng, size, cal.NFA_RATED_RED_SHARE)
    rows["risk"][red] = _RED
    before = np.full(size, BLANK, dtype=np.int32)
    before[1:] = rows["factors"][:-1]
    same = (chains.since != BLANK) & (chains.since <= _YEAR)
    same &= (before != BLANK) & (rows["factors"] != BLANK)
    same &= happens(rng, size, cal.SAME_FACTORS_SHARE)
    rows["factors"] = np.where(same, before, rows["factors"]).astype(np.int32)


def _start_late(rng: Rng, rows: Columns, wd: WorkingDays) -> None:
    """Starts some of the assessments that were decided on more than three working days later."""
    size = len(rows["day"])
    decided = np.maximum(rows["decided"], rows["day"])
    later = wd.after(decided, whole(rng, size, *cal.LATE_START_WORKING_DAYS))
    late = (rows["outcome"] == _ASSESSMENT) & (rows["started"] != BLANK)
    late &= _not_after(later, rows["authorised"]) & _not_after(later, rows["closed"])
    late &= happens(rng, size, cal.LATE_START_SHARE)
    rows["started"] = np.where(late, later, rows["started"]).astype(np.int32)
    rows["reviewed"][late & (rows["reviewed"] < later)] = BLANK


def _keep_waiting(rng: Rng, rows: Columns, chains: Chains, wd: WorkingDays) -> None:
    """Lets some children who came back wait for a worker, and leaves their risk unrated."""
    size = len(chains)
    decided = np.maximum(rows["decided"], rows["day"])
    later = wd.after(decided, whole(rng, size, *cal.WAITED_WORKING_DAYS))
    waits = (chains.since != BLANK) & (chains.since <= _YEAR) & (rows["nfa"] == 0)
    waits &= (rows["decided"] != BLANK) & (rows["allocated"] != BLANK)
    waits &= _not_after(later, rows["closed"]) & happens(rng, size, cal.WAITED_UNRATED_SHARE)
    rows["allocated"] = np.where(waits, later, rows["allocated"]).astype(np.int32)
    rows["risk"] = np.where(waits, BLANK, rows["risk"]).astype(np.int32)


def _enquire_badly(rng: Rng, rows: Columns, wd: WorkingDays) -> None:
    """Loses the record of some strategy discussions, and dates some after the enquiry began."""
    size = len(rows["day"])
    enquiry = rows["enquiry"]
    later = wd.after(enquiry, whole(rng, size, 1, 3))
    after = (enquiry != BLANK) & (rows["strategy"] != BLANK)
    after &= _not_after(later, rows["conference"]) & _not_after(later, rows["closed"])
    after &= happens(rng, size, cal.STRATEGY_AFTER_ENQUIRY_SHARE)
    lost = (enquiry != BLANK) & happens(rng, size, cal.STRATEGY_UNRECORDED_SHARE)
    strategy = np.where(after, later, rows["strategy"])
    rows["strategy"] = np.where(lost, BLANK, strategy).astype(np.int32)


def _close_badly(rng: Rng, rows: Columns, chains: Chains, wd: WorkingDays) -> None:
    """Closes some episodes on unfinished work, and leaves some open past the child's return."""
    size = len(chains)
    closed, day = rows["closed"], rows["day"]
    soon = (closed != BLANK) & (closed - day <= cal.CLOSED_SOON_DAYS) & (rows["nfa"] == 0)
    begun = wd.after(np.maximum(rows["decided"], day), whole(rng, size, 0, 2))
    cut_off = soon & (rows["started"] == BLANK) & (begun <= closed)
    cut_off &= np.isin(rows["outcome"], _TO_BE_ASSESSED) & (rows["decided"] != BLANK)
    cut_off &= happens(rng, size, cal.CLOSED_ON_OPEN_ASSESSMENT_SHARE)
    rows["started"] = np.where(cut_off, begun, rows["started"]).astype(np.int32)

    unmarked = soon & (rows["enquiry"] != BLANK) & (rows["conference"] == BLANK)
    unmarked &= happens(rng, size, cal.CLOSED_WITHOUT_MARK_SHARE)
    rows["excused"][unmarked] = BLANK

    overlap = day + chains.until + whole(rng, size, *cal.REOPENED_DAYS)
    kept_open = (chains.until != BLANK) & (chains.until <= _YEAR) & (rows["nfa"] == 0)
    kept_open &= (closed != BLANK) & (closed < overlap) & happens(rng, size, cal.REOPENED_SHARE)
    rows["closed"] = np.where(kept_open, overlap, closed).astype(np.int32)


def _not_after(days: np.ndarray, limit: np.ndarray) -> Truths:
    return np.asarray((limit == BLANK) | (days <= limit))
