"""What follows a decision: assessment, section 47, conference, closure and oversight."""

from __future__ import annotations

import numpy as np

from triage.sample import calibration as cal
from triage.sample import words
from triage.sample.chains import Chains
from triage.sample.chance import Ints, Rng, Truths, happens, pick, pick_in_bins, whole
from triage.sample.referrals import Columns
from triage.sample.workdays import BLANK, Days, WorkingDays

FACTOR_SETS = 600
"""How many different sets of assessment factors one council uses."""

_RC7 = words.REASONS.index("RC7")
_RC8 = words.REASONS.index("RC8")
_RC9 = words.REASONS.index("RC9")
_SEVENTEEN_YEARS = 6_210
_IN_NEED_REASONS = {
    "RC7": 0.905, "RC5": 0.035, "RC3": 0.02, "RC4": 0.015, "RC6": 0.015, "RC1": 0.005, "RC2": 0.005,
}  # fmt: skip


def progress(
    rng: Rng, rows: Columns, decision: Columns, chains: Chains, wd: WorkingDays
) -> Columns:
    """Draws what follows each decision as if time never stopped; ``BLANK`` where it never came.

    An episode is closed before the child's next referral, save for a small share that overlaps.
    What had not been done by then was never done: that is how a case is closed too early.
    """
    outcome = decision["outcome"]
    nfa = rows["nfa"] == 1
    is_grave = np.isin(outcome, _positions("strategy_discussion", "section47"))
    is_assessed_outcome = is_grave | np.isin(outcome, [BLANK, *_positions("assessment")])
    assessed = ~nfa & is_assessed_outcome & happens(rng, len(nfa), cal.ASSESSED_SHARE)
    events = _assess(rng, rows, decision, assessed, wd)
    events |= _enquire(rng, rows, decision, is_grave & ~nfa, assessed, wd)
    closed, reason = _close(rng, rows, decision, events, assessed)
    decided = decision["decided"]
    closed, reason = _close_before_return(rng, rows, chains, decided, events, closed, reason)
    _drop_after_closure(rng, events, closed)
    needs_assessment = (reason == _RC8) | (reason == _RC9)
    reason = np.where(needs_assessment & (events["authorised"] == BLANK), _RC7, reason)
    return events | {"closed": closed, "reason": np.where(closed == BLANK, BLANK, reason)}


def oversee(rng: Rng, rows: Columns, events: Columns, as_of_day: int) -> Ints:
    """Day of the latest note of supervision or oversight up to closure or ``as_of_day``."""
    size = len(rows["day"])
    end = np.where(events["closed"] == BLANK, as_of_day, np.minimum(events["closed"], as_of_day))
    note = np.maximum(end - pick_in_bins(rng, size, cal.OVERSIGHT_GAP_DAYS), rows["day"])
    none = (rows["nfa"] == 1) | happens(rng, size, cal.OVERSIGHT_MISSING_SHARE)
    return np.where(none, BLANK, note).astype(np.int32)


def factor_sets(rng: Rng) -> list[str]:
    """Sets of assessment factors as typed in, such as ``3B;4B``, commoner factors more often."""
    codes = list(cal.FACTOR_WEIGHTS)
    weights = np.array(list(cal.FACTOR_WEIGHTS.values()))
    weights = weights / weights.sum()
    counts = 1 + np.minimum(rng.poisson(1.3, FACTOR_SETS), 6)
    sets = (rng.choice(codes, size=int(n), replace=False, p=weights) for n in counts)
    return [";".join(sorted(chosen, key=_factor_order)) for chosen in sets]


def _factor_order(code: str) -> tuple[int, str]:
    return int(code.rstrip("ABC")), code


def _positions(*outcomes: str) -> list[int]:
    return [words.OUTCOMES.index(outcome) for outcome in outcomes]


def _assess(
    rng: Rng, rows: Columns, decision: Columns, assessed: Truths, wd: WorkingDays
) -> Columns:
    """Assessments: started soon after the decision, authorised by the published durations."""
    size = len(assessed)
    duration = pick_in_bins(rng, size, cal.ASSESSMENT_WORKING_DAYS)
    authorised = wd.after(rows["day"], duration)
    decided = np.maximum(decision["decided"], rows["day"])
    started = np.minimum(wd.after(decided, whole(rng, size, 0, 2)), authorised)
    reviewed = wd.after(started, whole(rng, size, 4, 8))
    never = happens(rng, size, cal.ASSESSMENT_NEVER_AUTHORISED_SHARE)
    has_review = assessed & happens(rng, size, 0.86) & (never | (reviewed <= authorised))
    authorised = np.where(assessed & ~never, authorised, BLANK)
    factors = np.where(
        (authorised != BLANK) & happens(rng, size, 0.985),
        whole(rng, size, 0, FACTOR_SETS - 1),
        BLANK,
    )
    return {
        "started": np.where(assessed, started, BLANK).astype(np.int32),
        "reviewed": np.where(has_review, reviewed, BLANK).astype(np.int32),
        "authorised": authorised.astype(np.int32),
        "factors": factors.astype(np.int32),
    }


def _enquire(
    rng: Rng,
    rows: Columns,
    decision: Columns,
    is_grave: Truths,
    assessed: Truths,
    wd: WorkingDays,
) -> Columns:
    """Strategy discussions, the enquiries they start, and the conferences that follow."""
    size = len(is_grave)
    later = assessed & ~is_grave & happens(rng, size, cal.LATER_STRATEGY_SHARE)
    decided = np.maximum(decision["decided"], rows["day"])
    at_once = wd.after(decided, pick(rng, size, (0.75, 0.22, 0.03)))
    strategy = np.where(later, wd.after(rows["day"], whole(rng, size, 3, 30)), at_once)
    strategy = strategy.astype(np.int32)

    has_strategy = is_grave | later
    has_enquiry = has_strategy & happens(rng, size, cal.SECTION47_OF_STRATEGY)
    started = wd.after(strategy, pick(rng, size, (0.95, 0.04, 0.01)))
    conferred = has_enquiry & happens(rng, size, cal.CONFERENCE_OF_SECTION47)
    held = wd.after(strategy, pick_in_bins(rng, size, cal.CONFERENCE_WORKING_DAYS))
    not_held = conferred & happens(rng, size, cal.CONFERENCE_NOT_HELD_SHARE / 0.5)
    held = np.where(conferred & ~not_held, held, BLANK)
    ended = wd.after(strategy, whole(rng, size, 3, 14))
    unrecorded = has_enquiry & happens(rng, size, 0.008)
    excused = np.where(conferred, 0, 1)
    excused = np.where(has_enquiry & ~unrecorded, excused, BLANK)
    strategy_unrecorded = has_enquiry & happens(rng, size, 0.01)
    return {
        "strategy": np.where(has_strategy & ~strategy_unrecorded, strategy, BLANK),
        "enquiry": np.where(has_enquiry, started, BLANK).astype(np.int32),
        "conference": held.astype(np.int32),
        "excused": excused.astype(np.int32),
        "enquiry_ended": np.where(has_enquiry, ended, BLANK).astype(np.int32),
    }


def _close(
    rng: Rng, rows: Columns, decision: Columns, events: Columns, assessed: Truths
) -> tuple[Days, Ints]:
    """When and why each episode would end if the child never came back."""
    size = len(assessed)
    day = rows["day"]
    nfa = rows["nfa"] == 1
    authorised = events["authorised"]
    decided = np.maximum(decision["decided"], day)
    not_in_need = (
        (authorised != BLANK)
        & (events["enquiry"] == BLANK)
        & happens(rng, size, cal.NOT_IN_NEED_OF_ASSESSED)
    )
    brief = ~nfa & ~assessed
    last_event = np.max(
        [authorised, events["conference"], events["enquiry_ended"], events["strategy"]], axis=0
    )
    in_need = np.maximum(day + pick_in_bins(rng, size, cal.IN_NEED_DAYS), last_event + 7)
    closed = np.select(
        [nfa, not_in_need, brief],
        [
            decided + pick(rng, size, (0.8, 0.15, 0.05)),
            authorised + whole(rng, size, 0, 10),
            np.maximum(decided, last_event) + whole(rng, size, 1, 25),
        ],
        in_need,
    )
    drifts = happens(rng, size, 0.01) | (assessed & (authorised == BLANK))
    closed = np.where(drifts & ~nfa, BLANK, closed)
    closed = np.where(nfa & happens(rng, size, 0.06), BLANK, closed)

    stepped_down = happens(rng, size, cal.STEPPED_DOWN_OF_NOT_IN_NEED)
    names = [words.REASONS.index(name) for name in _IN_NEED_REASONS]
    drawn = np.array(names)[pick(rng, size, list(_IN_NEED_REASONS.values()))]
    reason = np.select(
        [nfa | brief, not_in_need & stepped_down, not_in_need], [_RC7, _RC9, _RC8], drawn
    )
    adult = (rows["born"] != BLANK) & (closed - rows["born"] >= _SEVENTEEN_YEARS)
    to_adult_care = reason == words.REASONS.index("RC6")
    reason = np.where(to_adult_care & ~adult, _RC7, reason)
    return closed.astype(np.int32), reason.astype(np.int32)


def _close_before_return(
    rng: Rng,
    rows: Columns,
    chains: Chains,
    decided: Days,
    events: Columns,
    closed: Days,
    reason: Ints,
) -> tuple[Days, Ints]:
    """Moves closures that would overlap the child's next referral to before it, mostly."""
    size = len(closed)
    returns = chains.until != BLANK
    next_day = rows["day"] + chains.until
    clashes = returns & ((closed == BLANK) | (closed >= next_day))
    clashes &= ~happens(rng, size, cal.OVERLAP_SHARE)
    clashes &= (rows["nfa"] == 0) | (closed != BLANK)
    part = 0.35 + 0.6 * rng.random(size)
    early = rows["day"] + np.floor(chains.until * part).astype(np.int32)
    keeps_work = (events["authorised"] != BLANK) & (events["authorised"] < next_day)
    early = np.where(keeps_work, np.maximum(early, events["authorised"]), early)
    early = np.maximum(early, decided)
    closed = np.where(clashes, np.minimum(early, next_day - 1), closed)
    ends_for_good = np.isin(reason, [words.REASONS.index(code) for code in ("RC1", "RC2", "RC6")])
    reason = np.where(clashes | (returns & ends_for_good), _RC7, reason)
    return closed.astype(np.int32), reason.astype(np.int32)


def _drop_after_closure(rng: Rng, events: Columns, closed: Days) -> None:
    """Takes out of ``events`` what would have come after closure, in place."""
    is_closed = closed != BLANK
    unfinished = is_closed & ((events["authorised"] > closed) | (events["authorised"] == BLANK))
    dropped = unfinished & ~happens(rng, len(closed), 0.1)
    dropped |= is_closed & (events["started"] > closed)
    for name in ("started", "reviewed", "authorised", "factors"):
        gone = dropped | (unfinished if name in ("authorised", "factors") else False)
        events[name] = np.where(gone, BLANK, events[name]).astype(np.int32)
    late_review = is_closed & (events["reviewed"] > closed)
    events["reviewed"] = np.where(late_review, BLANK, events["reviewed"]).astype(np.int32)
    for name in ("strategy", "enquiry", "conference"):
        gone = is_closed & (events[name] > closed)
        events[name] = np.where(gone, BLANK, events[name]).astype(np.int32)
    none = events["enquiry"] == BLANK
    events["excused"] = np.where(none, BLANK, events["excused"]).astype(np.int32)
