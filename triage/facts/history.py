"""Facts of what came before a referral: the child's earlier ones, and those of the household."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from triage import calendar
from triage.facts.fact import Fact, on, text
from triage.measure import NONE, UNBOUNDED, UNKNOWN, Measure, Truth, between, known, truth
from triage.subject import ReferralSubject
from triage.validation import ABSENT, BLANK, GIVEN, Column
from triage.vocabulary import NEEDS_THAT_SAY_NOTHING


def months_since_previous_referral(s: ReferralSubject) -> Measure:
    """Months since the previous referral, between bounds where the extract starts too late."""
    low = s.months_covered + 1
    months = s.months_since_previous
    value = np.where(s.has_previous, np.minimum(months, np.maximum(low, 0)), low)
    return between(value, np.where(s.has_previous, months, UNBOUNDED), found_is_high=True)


def n_referrals(s: ReferralSubject, months: int) -> Measure:
    """Referrals of the child in the months up to and including this one, itself counted."""
    count = np.arange(s.n) - s.first_within(months) + 1
    return between(count, np.where(s.months_covered >= months, count, UNBOUNDED))


def previous_referral_on(s: ReferralSubject) -> Measure:
    """Return the date of the previous referral, for messages."""
    return known(s.day[np.maximum(s.previous, 0)], s.has_previous, ~s.has_previous)


def _says_nothing(column: Column) -> Truth:
    """Return where a primary need is N0 or N9, which are the same as none other."""
    empty = np.array([name in NEEDS_THAT_SAY_NOTHING for name in column.names] or [False], bool)
    return np.asarray((column.state == GIVEN) & empty[column.value], bool)


def previous_need_is_same(s: ReferralSubject) -> Measure:
    """Whether the primary need is that of the previous referral; N0 and N9 are never the same."""
    now, before = s.column("primary_need"), s.of_previous("primary_need")
    both = (now.state == GIVEN) & (before.state == GIVEN) & s.is_previous_sure
    says_nothing = _says_nothing(now) | (_says_nothing(before) & s.is_previous_sure)
    same = both & (now.value == before.value) & ~says_nothing
    return truth(same, (both & ~same) | says_nothing)


def previous_is_nfa(s: ReferralSubject) -> Measure:
    """Whether the previous referral ended with no further action."""
    before = s.of_previous("nfa")
    return known(before.value, (before.state == GIVEN) & s.is_previous_sure)


def n_nfa_for_same_need(s: ReferralSubject, months: int) -> Measure:
    """Referrals up to and including this one that ended NFA for the primary need it has.

    Two needs that say nothing (N0, N9) are not the same, so where this one's is such there is none.
    """
    need, nfa = s.column("primary_need"), s.column("nfa")
    low, high = np.zeros(s.n, np.int64), np.zeros(s.n, np.int64)
    for code, name in enumerate(need.names):
        here = (need.state == GIVEN) & (need.value == code)
        if name in NEEDS_THAT_SAY_NOTHING or not here.any():
            continue
        may_be = here | (need.state != GIVEN)
        sure, possible = s.count_within(
            months, here & s.yes("nfa"), may_be & (s.yes("nfa") | (nfa.state != GIVEN))
        )
        low, high = np.where(here, sure, low), np.where(here, possible, high)
    no_nfa = np.zeros(s.n, bool)
    _, any_nfa = s.count_within(months, no_nfa, s.yes("nfa") | (nfa.state != GIVEN))
    high = np.where(need.state == GIVEN, high, any_nfa)
    measure = between(low, np.where(s.months_covered >= months, high, UNBOUNDED))
    is_absent = (need.state == ABSENT) | (nfa.state == ABSENT)
    state = np.where(_says_nothing(need), NONE, np.where(is_absent, UNKNOWN, measure.state))
    return replace(measure, state=state.astype(np.uint8))


def without_previous(s: ReferralSubject, measure: Measure) -> Measure:
    """Return a measure of the previous referral: none where there was none, if that is sure."""
    state = np.where(s.has_previous, measure.state, np.where(s.is_surely_first, NONE, UNKNOWN))
    return replace(measure, state=state.astype(np.uint8))


def days_since_previous_closure(s: ReferralSubject) -> Measure:
    """Days from the previous referral's closure to this referral; negative when closed later."""
    closed = s.of_previous("closed_on")
    days = known(s.day - closed.value, closed.state == GIVEN, closed.state == BLANK)
    return without_previous(s, days)


def months_since_previous_closure(s: ReferralSubject) -> Measure:
    """Months within which the previous referral was closed; none where that was not before."""
    closed = s.of_previous("closed_on")
    is_before = (closed.state == GIVEN) & (closed.value <= s.day)
    end = np.where(is_before, closed.value, s.day).astype(np.int32)
    is_none = (closed.state == BLANK) | ((closed.state == GIVEN) & ~is_before)
    months = known(calendar.months_between(end, s.entries.day), is_before, is_none)
    return without_previous(s, months)


def previous_closed_on(s: ReferralSubject) -> Measure:
    """Return the date of the previous referral's closure, for messages."""
    closed = s.of_previous("closed_on")
    return known(closed.value, closed.state == GIVEN, closed.state == BLANK)


def previous_closure_reason(s: ReferralSubject) -> Measure:
    """Why the previous referral was closed; none while it is not closed."""
    reason, closed = s.of_previous("closure_reason"), s.of_previous("closed_on")
    is_open = (closed.state == BLANK) & (reason.state != GIVEN)
    given = known(reason.value, reason.state == GIVEN, is_open)
    return replace(without_previous(s, given), names=reason.names)


def previous_is_open_at_referral(s: ReferralSubject) -> Measure:
    """Whether the previous referral, not NFA, was still open when this one was made."""
    closed, nfa = s.of_previous("closed_on"), s.of_previous("nfa")
    given = closed.state == GIVEN
    still_open = (closed.state == BLANK) | (given & (closed.value > s.day))
    closed_by_then = given & (closed.value <= s.day)
    not_nfa = (nfa.state == GIVEN) & (nfa.value == 0)
    is_nfa = (nfa.state == GIVEN) & (nfa.value == 1)
    return without_previous(s, truth(still_open & not_nfa, closed_by_then | is_nfa))


def _assessed_factors(factors: Column, authorised: Column) -> tuple[Truth, Truth]:
    """Return where factors are known, and where there are none: nothing was authorised."""
    is_none = authorised.state == BLANK
    is_none |= (factors.state == BLANK) & (authorised.state == ABSENT)
    return np.asarray((factors.state == GIVEN) & ~is_none, bool), np.asarray(is_none, bool)


def n_shared_factors(s: ReferralSubject, among: tuple[str, ...]) -> Measure:
    """Factors of a list found both by this referral's assessment and by the previous one's.

    None where either was never authorised, 0 where this one found none of the list.
    """
    now, before = s.column("assessment_factors"), s.of_previous("assessment_factors")
    known_now, none_now = _assessed_factors(now, s.column("assessment_authorised_on"))
    known_before, none_before = _assessed_factors(before, s.of_previous("assessment_authorised_on"))
    wanted = [frozenset(name.split(";")).intersection(among) for name in now.names]
    both = known_now & known_before & s.is_previous_sure
    stacked = np.stack([now.value[both], before.value[both]])
    pairs, which = np.unique(stacked, axis=1, return_inverse=True)
    counts = [len(wanted[one] & wanted[other]) for one, other in pairs.T.tolist()]
    shared = np.zeros(s.n, np.int64)
    shared[both] = np.array(counts, np.int64)[which.ravel()]
    is_none = none_now | s.is_surely_first | (none_before & s.is_previous_sure)
    has_listed = np.array([bool(factors) for factors in wanted] or [False], bool)
    finds_nothing = known_now & ~has_listed[now.value]
    return known(shared, (both & ~is_none) | (finds_nothing & ~is_none), is_none)


def months_since_household_referral(s: ReferralSubject) -> Measure:
    """Months since another child of the same household was referred, before this one's day.

    Siblings are never guessed: the household is only as supplied.
    """
    latest = s.household_day
    found = latest >= 0
    since = np.where(found, latest, s.day).astype(np.int32)
    months = calendar.months_between(since, s.entries.day)
    low = s.months_covered + 1
    value = np.where(found, np.minimum(months, np.maximum(low, 0)), low)
    measure = between(value, np.where(found, months, UNBOUNDED), found_is_high=True)
    state = np.where(s.given("household_id"), measure.state, UNKNOWN)
    return replace(measure, state=state.astype(np.uint8))


def household_referral_on(s: ReferralSubject) -> Measure:
    """Return the date on which another child of the household was referred, for messages."""
    latest = s.household_day
    return known(latest, latest >= 0, latest < 0)


def n_sources(s: ReferralSubject, months: int, among: tuple[str, ...]) -> Measure:
    """Distinct sources of a list that referred the child in the months up to this referral."""
    source = s.column("referral_source")
    low = np.zeros(s.n, np.int64)
    for code, name in enumerate(source.names):
        if name not in among:
            continue
        count, _ = s.count_within(
            months, (source.state == GIVEN) & (source.value == code), np.zeros(s.n, bool)
        )
        low += count > 0
    unknown, _ = s.count_within(months, source.state != GIVEN, np.zeros(s.n, bool))
    high = np.minimum(low + unknown, len(among))
    return between(low, np.where(s.months_covered >= months, high, UNBOUNDED))


FACTS: Final[tuple[Fact, ...]] = (
    Fact("referral_on", "date", "date", "date of the referral", (),
         partial(on, name="referral_date")),
    Fact("previous_referral_on", "date", "date", "date of the child's previous referral", (),
         previous_referral_on),
    Fact("months_since_previous_referral", "whole number", "months",
         "fewest calendar months within which the previous referral lies", (),
         months_since_previous_referral),
    Fact("n_referrals", "whole number", "referrals",
         "the child's referrals in the months up to and including this one, itself counted", (),
         n_referrals, within=True),
    Fact("previous_need_is_same", "yes or no", "",
         "primary need is that of the previous referral; N0 or N9 on either side is no",
         ("primary_need",), previous_need_is_same),
    Fact("primary_need", "text", "census code", "primary need", ("primary_need",),
         partial(text, name="primary_need")),
    Fact("previous_is_nfa", "yes or no", "", "the previous referral ended with no further action",
         ("nfa",), previous_is_nfa),
    Fact("n_nfa_for_same_need", "whole number", "referrals",
         "the child's referrals in the months up to and including this one that ended with no "
         "further action for the need this one has; N0 and N9 count as none",
         ("primary_need", "nfa"), n_nfa_for_same_need, within=True),
    Fact("days_since_previous_closure", "whole number", "days",
         "days from the previous referral's closure to this referral", ("closed_on",),
         days_since_previous_closure),
    Fact("months_since_previous_closure", "whole number", "months",
         "fewest calendar months within which the previous referral was closed", ("closed_on",),
         months_since_previous_closure),
    Fact("previous_closed_on", "date", "date", "date of the previous referral's closure",
         ("closed_on",), previous_closed_on),
    Fact("previous_closure_reason", "text", "census code",
         "why the previous referral was closed", ("closure_reason",), previous_closure_reason,
         also=("closed_on",)),
    Fact("previous_is_open_at_referral", "yes or no", "",
         "the previous referral, not NFA, was not closed when this one was made",
         ("nfa", "closed_on"), previous_is_open_at_referral),
    Fact("n_shared_factors", "whole number", "factors",
         "factors of a list found by the assessment of this referral and of the previous one",
         ("assessment_factors",), n_shared_factors, also=("assessment_authorised_on",),
         among=True),
    Fact("months_since_household_referral", "whole number", "months",
         "fewest calendar months within which another child of the household was referred before",
         ("household_id",), months_since_household_referral),
    Fact("household_referral_on", "date", "date",
         "date of the latest earlier referral of another child of the household",
         ("household_id",), household_referral_on),
    Fact("referral_source", "text", "census code", "who referred", ("referral_source",),
         partial(text, name="referral_source")),
    Fact("n_sources", "whole number", "sources",
         "distinct sources of a list that referred the child in the months up to and including "
         "this referral", ("referral_source",), n_sources, within=True, among=True),
)  # fmt: skip
