"""Facts of a contact, which is judged as a subject of its own: it may never become a referral."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np

from triage.facts.fact import Fact, on, text
from triage.measure import UNBOUNDED, Measure, Truth, between, known
from triage.subject import ContactSubject
from triage.validation import ABSENT, BLANK, GIVEN
from triage.vocabulary import CONTACT_PROGRESSED


def n_contacts(s: ContactSubject, months: int) -> Measure:
    """Days with a contact about the child in the months up to and including this one."""
    count = np.arange(s.n) - s.first_within(months) + 1
    return between(count, np.where(s.months_covered >= months, count, UNBOUNDED))


def _progress(s: ContactSubject) -> tuple[Truth, Truth]:
    """Return which contacts reached a social worker, and which did not.

    By the outcome where one is recorded. Without one, a contact since which the child was never
    referred did not, unless a referral was open at the time; otherwise it cannot be told.
    """
    outcome = s.column("contact_outcome")
    is_progress = np.array([name in CONTACT_PROGRESSED for name in outcome.names] or [False], bool)
    given = np.asarray(outcome.state == GIVEN, bool)
    yes = given & is_progress[outcome.value]
    is_left_open = np.isin(outcome.state, (BLANK, ABSENT))
    came_to_nothing = is_left_open & ~s.has_later_referral & ~s.may_be_open_case
    return yes, (given & ~yes) | came_to_nothing


def n_progressed(s: ContactSubject, months: int) -> Measure:
    """Contacts in the months up to and including this one that reached a social worker."""
    yes, no = _progress(s)
    low, high = s.count_within(months, yes, ~no)
    return between(low, np.where(s.months_covered >= months, high, UNBOUNDED))


def first_contact_on(s: ContactSubject, months: int) -> Measure:
    """Return the date of the first contact in the months up to this one, for messages."""
    first = s.day[s.first_within(months)] if s.n else s.day
    return known(first, np.ones(s.n, bool))


FACTS: Final[tuple[Fact, ...]] = (
    Fact("contact_on", "date", "date", "date of the contact", (),
         partial(on, name="contact_date"), subject="contact"),
    Fact("contact_source", "text", "census code", "who made the contact", ("contact_source",),
         partial(text, name="contact_source"), subject="contact"),
    Fact("contact_outcome", "text", "outcome", "what became of the contact",
         ("contact_outcome",), partial(text, name="contact_outcome"), subject="contact"),
    Fact("n_contacts", "whole number", "contacts",
         "days with a contact about the child in the months up to and including this one", (),
         n_contacts, within=True, subject="contact"),
    Fact("first_contact_on", "date", "date", "date of the first of these contacts", (),
         first_contact_on, within=True, subject="contact"),
    Fact("n_progressed", "whole number", "contacts",
         "contacts in the months up to and including this one that reached a social worker, by "
         "their outcome; without one, not if no referral was open then or made since", (),
         n_progressed, also=("contact_outcome",), within=True, subject="contact"),
)  # fmt: skip
