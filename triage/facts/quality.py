"""Facts of the record itself: what is missing, out of order, outside its list, or entered twice."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np

from triage.facts.fact import Fact, number
from triage.measure import UNBOUNDED, Measure, Truth, between, known, truth
from triage.schema import OWN_COLUMNS
from triage.subject import EVENTS, ReferralSubject, Subject
from triage.validation import ABSENT, BLANK, GIVEN, UNREAD, UNREADABLE

_DATES: Final = tuple(sorted(EVENTS.intersection(OWN_COLUMNS)))


def has_no_birth_date(s: Subject) -> Measure:
    """Whether neither a birth date nor an expected one is there."""
    born, expected = "date_of_birth", "expected_date_of_birth"
    return truth(s.blank(born) & s.blank(expected), s.given(born) | s.given(expected))


def days_from_referral_to_birth(s: Subject) -> Measure:
    """Days from the referral to the birth date, or the expected one where that alone is there."""
    born, expected = s.column("date_of_birth"), s.column("expected_date_of_birth")
    use_expected = (born.state == BLANK) | (born.state == ABSENT)
    date = np.where(use_expected, expected.value, born.value)
    state = np.where(use_expected, expected.state, born.state)
    none = (born.state == BLANK) & (expected.state == BLANK)
    return known(date - s.day, state == GIVEN, none)


def is_before(s: Subject, after: str, before: str) -> Measure:
    """Whether what should come later bears the earlier date; none where either is blank."""
    late, early = s.column(after), s.column(before)
    both = (late.state == GIVEN) & (early.state == GIVEN)
    none = (late.state == BLANK) | (early.state == BLANK)
    return known(late.value < early.value, both, none)


def _future(s: Subject) -> tuple[Truth, Measure]:
    """Return where some event lies after the date of judgement, and the latest such day."""
    latest = np.zeros(s.n, np.int64)
    for name in _DATES:
        column = s.entries.column(name)
        latest = np.where(column.state == GIVEN, np.maximum(latest, column.value), latest)
    if notes := s.entries.events.get("oversight"):
        note = notes.column("last_oversight_on")
        np.maximum.at(latest, notes.owner, np.where(note.state == GIVEN, note.value, 0))
    is_later = latest > s.as_of
    return is_later, known(latest, is_later, ~is_later)


def has_date_in_future(s: Subject) -> Measure:
    """Whether an event bears a date after the date of judgement.

    Unknown where the extract holds referrals made up to then: it is read as of an earlier day than
    it was made on, and the date need not be wrong. The very last referral proves nothing, since its
    own date may be the mistyped one.
    """
    is_later, latest = _future(s)
    states = [s.entries.column(name).state for name in _DATES]
    is_read = ~np.any([np.isin(state, UNREAD) for state in states], axis=0)
    is_carried = np.any([state != ABSENT for state in states], axis=0)
    return truth(is_later & (latest.value > s.made_on), ~is_later & is_read & is_carried)


def is_unusable(s: Subject, name: str) -> Measure:
    """Whether a code is blank, or was typed and is not in the census list."""
    state = s.column(name).state
    return truth((state == BLANK) | (state == UNREADABLE), state == GIVEN)


def is_not_in_list(s: Subject, name: str) -> Measure:
    """Whether a code was typed that is not in the census list; a blank one was not."""
    state = s.column(name).state
    return truth(state == UNREADABLE, (state == GIVEN) | (state == BLANK))


def n_entered(s: Subject) -> Measure:
    """Rows of one input for the same child and the same date, this one counted."""
    return known(s.entries.n_rows, np.ones(s.n, bool))


def n_earlier_referrals(s: ReferralSubject, months: int) -> Measure:
    """Earlier referrals of the child in the months before this one."""
    count = np.arange(s.n) - s.first_within(months)
    return between(count, np.where(s.months_covered >= months, count, UNBOUNDED))


def stated_count_differs(s: ReferralSubject, months: int) -> Measure:
    """Whether the number of earlier referrals that the record states is not the number counted.

    Unknown where the extract does not reach back over the months and more may have been made.
    """
    stated = s.column("referrals_in_last_12_months")
    count = np.arange(s.n) - s.first_within(months)
    covered = s.months_covered >= months
    given = stated.state == GIVEN
    differs = given & ((covered & (stated.value != count)) | (stated.value < count))
    return truth(differs, (given & covered & (stated.value == count)) | (stated.state == BLANK))


def _order(name: str, after: str, before: str, what: str) -> Fact:
    needs = tuple(column for column in (after, before) if column != "referral_date")
    return Fact(name, "yes or no", "", what, needs, partial(is_before, after=after, before=before))


def _code(name: str, column: str, what: str, *, blank_is_fine: bool = False) -> Fact:
    compute = is_not_in_list if blank_is_fine else is_unusable
    return Fact(name, "yes or no", "", what, (column,), partial(compute, name=column))


FACTS: Final[tuple[Fact, ...]] = (
    Fact("has_no_birth_date", "yes or no", "", "neither birth date nor expected birth date",
         ("date_of_birth", "expected_date_of_birth"), has_no_birth_date),
    Fact("days_from_referral_to_birth", "whole number", "days",
         "from the referral to the birth date, or to the expected one where that alone is there",
         (), days_from_referral_to_birth, any_of=("date_of_birth", "expected_date_of_birth")),
    _order("assessment_is_before_referral", "assessment_started_on", "referral_date",
           "the assessment bears a start before the referral"),
    _order("section47_is_before_referral", "section47_started_on", "referral_date",
           "the section 47 enquiry bears a start before the referral"),
    _order("authorisation_is_before_assessment", "assessment_authorised_on",
           "assessment_started_on", "the assessment was authorised before it started"),
    _order("closure_is_before_referral", "closed_on", "referral_date",
           "the closure bears a date before the referral"),
    Fact("has_date_in_future", "yes or no", "",
         "an event bears a date after the date of judgement; cannot be told where the extract "
         "holds referrals made up to that date, the very last one not counted", (),
         has_date_in_future, any_of=_DATES),
    Fact("future_date_on", "date", "date", "the latest date after the date of judgement", (),
         lambda s: _future(s)[1], any_of=_DATES),
    _code("referral_source_is_unusable", "referral_source",
          "the referral source is blank or not in the census list"),
    _code("primary_need_is_unusable", "primary_need",
          "the primary need is blank or not in the census list"),
    _code("closure_reason_is_not_in_list", "closure_reason",
          "a reason for closure was typed that is not in the census list", blank_is_fine=True),
    _code("factors_are_not_in_list", "assessment_factors",
          "an assessment factor was typed that is not in the census list", blank_is_fine=True),
    Fact("n_entered", "whole number", "rows",
         "rows of one input for the same child and the same date, this one counted", (),
         n_entered, always=True),
    Fact("n_earlier_referrals", "whole number", "referrals",
         "earlier referrals of the child in the months before this one", (), n_earlier_referrals,
         within=True),
    Fact("stated_referrals", "whole number", "referrals",
         "earlier referrals in the last 12 months, as the record states them",
         ("referrals_in_last_12_months",), partial(number, name="referrals_in_last_12_months")),
    Fact("stated_count_differs", "yes or no", "",
         "the number of earlier referrals that the record states is not the number counted",
         ("referrals_in_last_12_months",), stated_count_differs, within=True),
)  # fmt: skip
