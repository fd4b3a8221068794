"""Facts of the management decision: when, by whom, how well founded, and what followed it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from triage.entries import Events
from triage.facts.fact import WORKING_DAYS, Fact, date, has, number, text
from triage.measure import (
    KNOWN,
    NONE,
    UNBOUNDED,
    UNKNOWN,
    Measure,
    Truth,
    Whole,
    between,
    known,
    truth,
)  # fmt: skip
from triage.names import equal_at
from triage.subject import ReferralSubject
from triage.tables import arrow_texts
from triage.validation import BLANK, GIVEN, UNREAD, Column


def is_recorded_true(s: ReferralSubject, name: str) -> Measure:
    """Whether a yes-or-no cell says yes, a blank one counting as no."""
    return truth(s.yes(name), s.no(name) | s.blank(name))


def decision_is_before_referral(s: ReferralSubject) -> Measure:
    """Whether the decision bears a date before the referral's."""
    decision = s.column("decision_at")
    return known(decision.value < s.day, s.given("decision_at"), s.blank("decision_at"))


def working_days_to_recording(s: ReferralSubject) -> Measure:
    """Working days from the decision to the day it was typed in; unknown while that is blank."""
    decided, typed = s.column("decision_at").value, s.column("decision_recorded_at").value
    both = s.given("decision_at") & s.given("decision_recorded_at")
    return s.working_days(decided, typed, both, s.blank("decision_at"))


def decision_maker_is_allocated_worker(s: ReferralSubject) -> Measure:
    """Whether the decision was made by the worker to whom the case was allocated."""
    maker, worker = s.column("decision_maker_id"), s.column("allocated_worker_id")
    same = equal_at(arrow_texts(maker.names), maker.value, arrow_texts(worker.names), worker.value)
    return known(same, s.given("decision_maker_id") & s.given("allocated_worker_id"))


def n_same_rationale(s: ReferralSubject, months: int) -> Measure:
    """Referrals in the months up to this one's day whose rationale is word for word this one's.

    None where no rationale is written. Texts are told by their hash; a referral of the same day
    counts, and so does this one.
    """
    count = s.n_same_rationale(months)
    measure = between(count, np.where(s.months_covered >= months, count, UNBOUNDED))
    is_none = s.blank("rationale_hash")
    state = np.where(s.given("rationale_hash"), KNOWN, np.where(is_none, NONE, UNKNOWN))
    return replace(measure, state=state.astype(np.uint8))


def n_replaced_without_reason(s: ReferralSubject) -> Measure:
    """Decisions on the referral that replace an earlier one and give no reason for it."""
    events = s.events("decisions")
    low, unknown = np.zeros(s.n, np.int64), np.zeros(s.n, np.int64)
    if events is None:
        return known(low, np.zeros(s.n, bool))
    replaces, reason = events.column("supersedes_decision_id"), events.column("superseding_reason")
    made = events.column("decision_at").state
    replaces = replace(replaces, state=_replaces_another(events, replaces))
    is_one = (replaces.state == GIVEN) & (reason.state == BLANK) & (made != BLANK)
    may_be = (replaces.state != BLANK) & (reason.state != GIVEN) & (made != BLANK) & ~is_one
    np.add.at(low, events.owner[is_one], 1)
    np.add.at(unknown, events.owner[may_be], 1)
    return between(low, low + unknown)


def _replaces_another(events: Events, replaces: Column) -> npt.NDArray[np.uint8]:
    """Return the state of what each decision replaces; one that names itself replaces none."""
    own = events.column("decision_id")
    both = np.flatnonzero((replaces.state == GIVEN) & (own.state == GIVEN))
    named = np.array([*replaces.names, ""], object)[replaces.value[both]]
    itself = both[named == np.array([*own.names, ""], object)[own.value[both]]]
    state = replaces.state.copy()
    state[itself] = BLANK
    return state


_ACTIONS: Final = ("assessment_started_on", "strategy_discussion_on", "section47_started_on")
_ACTIVITY: Final = (
    "allocated_at", *_ACTIONS, "icpc_on", "last_oversight_on", "closed_on",
)  # fmt: skip


def first_of(s: ReferralSubject, names: tuple[str, ...]) -> Measure:
    """Return the day of the first of several events, between bounds where some cannot be known.

    None where all are known not to have happened; unknown where none is known and some may be.
    """
    day = np.full(s.n, UNBOUNDED, np.int64)
    is_known, is_none = np.zeros(s.n, bool), np.ones(s.n, bool)
    is_sure = np.ones(s.n, bool)
    for name in names:
        given, first = s.given(name), s.column(name).value
        is_first = given
        if name == "last_oversight_on":
            first, is_first = _first_oversight(s)
        day = np.where(given, np.minimum(day, first), day)
        is_known |= given
        is_none &= s.blank(name)
        is_sure &= is_first | s.blank(name)
    measure = known(day, is_known, is_none)
    return replace(measure, value=np.where(is_sure, day, -UNBOUNDED), high=day)


def _first_oversight(s: ReferralSubject) -> tuple[Whole, Truth]:
    """Return the day of the first oversight note, and where that is known.

    Where the extract carries the latest note only, an earlier one may have been made.
    """
    latest, notes = s.column("last_oversight_on"), s.events("oversight")
    if notes is None:
        return latest.value, np.zeros(s.n, bool)
    note = notes.column("last_oversight_on")
    rows = np.flatnonzero(note.state == GIVEN)
    first = latest.value.copy()
    np.minimum.at(first, notes.owner[rows], note.value[rows])
    is_unread = np.zeros(s.n, bool)
    is_unread[notes.owner[np.isin(note.state, UNREAD)]] = True
    return first, s.given("last_oversight_on") & ~is_unread


def has_any(s: ReferralSubject, names: tuple[str, ...]) -> Measure:
    """Return whether any of several events has happened."""
    given = np.any([s.given(name) for name in names], axis=0)
    blank = np.all([s.blank(name) for name in names], axis=0)
    return truth(given, blank)


def first_on(s: ReferralSubject, names: tuple[str, ...]) -> Measure:
    """Return the date of the first of several events, for messages."""
    first = first_of(s, names)
    assert first.high is not None
    return replace(first, value=np.where(first.state == KNOWN, first.high, 0), high=None)


def working_days_to_first(s: ReferralSubject, start: str, names: tuple[str, ...]) -> Measure:
    """Working days from an event to the first of several; the lower bound is 0 where unsure."""
    first = first_of(s, names)
    assert first.high is not None
    is_known = s.given(start) & (first.state == KNOWN)
    is_none = s.blank(start) | (first.state == NONE)
    days = s.working_days(s.column(start).value, first.high, is_known, is_none)
    low = np.where(first.value == first.high, days.value, np.minimum(days.value, 0))
    return replace(days, value=low, high=days.value, found_is_high=True)


FACTS: Final[tuple[Fact, ...]] = (
    Fact("is_nfa", "yes or no", "", "closed at referral with no further action", ("nfa",),
         lambda s: known(s.column("nfa").value, s.given("nfa"))),
    Fact("is_open", "yes or no", "", "neither NFA nor closed at the date of judgement",
         ("nfa", "closed_on"), lambda s: s.open),
    Fact("working_days_since_referral", "whole number", WORKING_DAYS,
         "from the referral to the date of judgement", (),
         lambda s: s.working_days_so_far("referral_date"), moves=True, always=True),
    has("has_decision", "decision_at", "a management decision is recorded"),
    date("decision_on", "decision_at", "date of the management decision"),
    Fact("working_days_to_decision", "whole number", WORKING_DAYS,
         "from the referral to the decision", ("decision_at",),
         lambda s: s.working_days_between("referral_date", "decision_at")),
    Fact("working_days_since_decision", "whole number", WORKING_DAYS,
         "from the decision to the date of judgement", ("decision_at",),
         lambda s: s.working_days_so_far("decision_at"), moves=True),
    Fact("decision_is_before_referral", "yes or no", "",
         "the decision bears a date before the referral's", ("decision_at",),
         decision_is_before_referral),
    date("decision_recorded_on", "decision_recorded_at", "date the decision was typed in"),
    Fact("working_days_to_recording", "whole number", WORKING_DAYS,
         "from the decision to the day it was typed in", ("decision_at", "decision_recorded_at"),
         working_days_to_recording),
    Fact("decision_maker_role", "text", "role", "role of the decision maker",
         ("decision_maker_role",), partial(text, name="decision_maker_role")),
    Fact("decision_maker_is_allocated_worker", "yes or no", "",
         "the decision was made by the worker to whom the case was allocated",
         ("decision_maker_id", "allocated_worker_id"), decision_maker_is_allocated_worker),
    Fact("decision_outcome", "text", "outcome", "outcome of the decision", ("decision_outcome",),
         partial(text, name="decision_outcome")),
    has("has_rationale", "rationale_length", "a rationale is written"),
    Fact("rationale_length", "whole number", "characters", "length of the written rationale",
         ("rationale_length",), partial(number, name="rationale_length")),
    Fact("n_same_rationale", "whole number", "referrals",
         "referrals of any child in the months up to this one's day with the same rationale, word "
         "for word, this one counted", ("rationale_hash",), n_same_rationale, within=True),
    has("has_risk_rating", "risk_rating", "a risk rating is recorded"),
    Fact("risk_rating", "text", "red, amber or green", "risk rating", ("risk_rating",),
         partial(text, name="risk_rating")),
    has("has_threshold_level", "threshold_level", "a threshold level is recorded"),
    Fact("is_history_considered", "yes or no", "",
         "the decision records that history was considered; blank is no", ("history_considered",),
         partial(is_recorded_true, name="history_considered")),
    Fact("n_replaced_without_reason", "whole number", "decisions",
         "decisions on the referral that replace an earlier one without a reason",
         ("supersedes_decision_id", "superseding_reason"), n_replaced_without_reason),
    has("has_feedback", "feedback_at", "whoever referred was told the outcome"),
    date("feedback_on", "feedback_at", "date on which whoever referred was told the outcome"),
    Fact("working_days_to_feedback", "whole number", WORKING_DAYS,
         "from the decision to telling whoever referred", ("decision_at", "feedback_at"),
         lambda s: s.working_days_between("decision_at", "feedback_at")),
    Fact("has_action", "yes or no", "",
         "an assessment, a strategy discussion or a section 47 enquiry has started", (),
         partial(has_any, names=_ACTIONS), any_of=_ACTIONS, all_for_absence=True),
    Fact("first_action_on", "date", "date",
         "date of the first assessment, strategy discussion or section 47 enquiry", (),
         partial(first_on, names=_ACTIONS), any_of=_ACTIONS),
    Fact("working_days_to_action", "whole number", WORKING_DAYS,
         "from the decision to the first assessment, strategy discussion or section 47 enquiry",
         ("decision_at",), partial(working_days_to_first, start="decision_at", names=_ACTIONS),
         any_of=_ACTIONS, all_for_absence=True),
    Fact("has_activity", "yes or no", "",
         "anything was done: allocation, assessment, strategy discussion, section 47 enquiry, "
         "conference, oversight note or closure; a decision alone is not counted", (),
         partial(has_any, names=_ACTIVITY), any_of=_ACTIVITY, all_for_absence=True),
    Fact("first_activity_on", "date", "date", "date of the first of these", (),
         partial(first_on, names=_ACTIVITY), any_of=_ACTIVITY),
    Fact("working_days_to_activity", "whole number", WORKING_DAYS,
         "from the referral to the first of these", (),
         partial(working_days_to_first, start="referral_date", names=_ACTIVITY),
         any_of=_ACTIVITY, all_for_absence=True),
)  # fmt: skip
