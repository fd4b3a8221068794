"""Facts of the work on a case: assessment, section 47, conference, closure, and early help."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from triage.facts.decision import is_recorded_true
from triage.facts.fact import WORKING_DAYS, Fact, date, has, text
from triage.measure import Measure, known
from triage.subject import NEVER, ReferralSubject
from triage.validation import BLANK, GIVEN, UNREAD


def working_days_of_assessment(s: ReferralSubject) -> Measure:
    """Working days from the referral to the authorisation, or to closure, or to judgement."""
    authorised, closed = s.column("assessment_authorised_on"), s.column("closed_on")
    end = np.where(closed.state == GIVEN, closed.value, s.clock)
    end = np.where(authorised.state == GIVEN, authorised.value, end)
    is_known = (authorised.state == GIVEN) | (
        (authorised.state == BLANK) & ~np.isin(closed.state, UNREAD)
    )
    return s.working_days(s.day, end, is_known)


def strategy_discussion_is_after_section47(s: ReferralSubject) -> Measure:
    """Whether the strategy discussion bears a date after the start of the enquiry."""
    strategy, enquiry = s.column("strategy_discussion_on"), s.column("section47_started_on")
    both = s.given("strategy_discussion_on") & s.given("section47_started_on")
    none = s.blank("strategy_discussion_on") | s.blank("section47_started_on")
    return known(strategy.value > enquiry.value, both, none)


def days_without_early_help(s: ReferralSubject) -> Measure:
    """Days from closure to the child's next early help, or to judgement while there is none.

    0 where an episode that started since the referral lasted at closure. None while the referral
    is not closed.
    """
    closed = s.column("closed_on")
    events = s.events("early_help")
    if events is None:
        return known(s.day, np.zeros(s.n, bool), closed.state == BLANK)
    started, ended = events.column("early_help_started_on"), events.column("early_help_ended_on")
    until = np.where(ended.state == GIVEN, ended.value, NEVER)
    episodes = pd.DataFrame({"child": events.owner, "start": started.value, "until": until})
    referrals = pd.DataFrame(
        {"child": s.entries.child, "day": s.day, "closed": closed.value, "place": np.arange(s.n)}
    )
    pairs = referrals[closed.state == GIVEN].merge(episodes[started.state == GIVEN], on="child")
    counts = (pairs["start"] >= pairs["closed"]) | (
        (pairs["start"] >= pairs["day"]) & (pairs["until"] >= pairs["closed"])
    )
    first = pairs[counts].groupby("place")["start"].min()
    found = np.full(s.n, s.clock, np.int64)
    found[first.index.to_numpy(np.int64)] = first.to_numpy(np.int64)
    days = np.maximum(found - closed.value, 0)
    unread = np.isin(s.entries.child, events.owner[np.isin(started.state, UNREAD)])
    return known(days, (closed.state == GIVEN) & ~unread, closed.state == BLANK)


FACTS: Final[tuple[Fact, ...]] = (
    has("has_assessment", "assessment_started_on", "an assessment has started"),
    date("assessment_started_on", "assessment_started_on", "start of the assessment"),
    Fact("working_days_to_assessment", "whole number", WORKING_DAYS,
         "from the decision to the start of the assessment",
         ("decision_at", "assessment_started_on"),
         lambda s: s.working_days_between("decision_at", "assessment_started_on")),
    has("has_review", "assessment_reviewed_on", "a manager has reviewed the assessment"),
    date("assessment_reviewed_on", "assessment_reviewed_on", "manager's review of the assessment"),
    Fact("working_days_to_review", "whole number", WORKING_DAYS,
         "from the referral to the manager's review of its assessment",
         ("assessment_reviewed_on",),
         lambda s: s.working_days_between("referral_date", "assessment_reviewed_on")),
    has("has_authorised_assessment", "assessment_authorised_on", "the assessment is authorised"),
    date("assessment_authorised_on", "assessment_authorised_on", "authorisation"),
    Fact("working_days_to_authorisation", "whole number", WORKING_DAYS,
         "from the referral to the authorisation of its assessment",
         ("assessment_authorised_on",),
         lambda s: s.working_days_between("referral_date", "assessment_authorised_on")),
    Fact("working_days_of_assessment", "whole number", WORKING_DAYS,
         "from the referral to the authorisation of its assessment; without one to the closure, or "
         "to the date of judgement", ("assessment_authorised_on",), working_days_of_assessment,
         also=("closed_on",), moves=True),
    has("has_strategy_discussion", "strategy_discussion_on", "a strategy discussion was held"),
    date("strategy_discussion_on", "strategy_discussion_on", "date of the strategy discussion"),
    Fact("working_days_since_strategy_discussion", "whole number", WORKING_DAYS,
         "from the strategy discussion to the date of judgement", ("strategy_discussion_on",),
         lambda s: s.working_days_so_far("strategy_discussion_on"), moves=True),
    has("has_section47", "section47_started_on", "a section 47 enquiry has started"),
    date("section47_started_on", "section47_started_on", "start of the section 47 enquiry"),
    Fact("strategy_discussion_is_after_section47", "yes or no", "",
         "the strategy discussion bears a date after the start of the section 47 enquiry",
         ("strategy_discussion_on", "section47_started_on"),
         strategy_discussion_is_after_section47),
    has("has_conference", "icpc_on", "an initial child protection conference was held"),
    date("conference_on", "icpc_on", "date of the initial child protection conference"),
    Fact("working_days_to_conference", "whole number", WORKING_DAYS,
         "from the strategy discussion to the conference", ("strategy_discussion_on", "icpc_on"),
         lambda s: s.working_days_between("strategy_discussion_on", "icpc_on")),
    Fact("is_conference_not_required", "yes or no", "",
         "the conference is marked as not required; blank is no", ("icpc_not_required",),
         partial(is_recorded_true, name="icpc_not_required")),
    has("has_closure_date", "closed_on", "a closure date is recorded"),
    date("closed_on", "closed_on", "date of closure"),
    Fact("working_days_to_closure", "whole number", WORKING_DAYS,
         "from the referral to its closure", ("closed_on",),
         lambda s: s.working_days_between("referral_date", "closed_on")),
    has("has_closure_reason", "closure_reason", "a reason for closure is recorded"),
    Fact("closure_reason", "text", "census code", "why the referral was closed",
         ("closure_reason",), partial(text, name="closure_reason")),
    Fact("days_without_early_help", "whole number", "days",
         "from the closure to the child's next early-help episode, or to the date of judgement "
         "while there is none; 0 where one started since the referral and lasted at closure",
         ("closed_on", "early_help_started_on"), days_without_early_help,
         also=("early_help_ended_on",), moves=True),
)  # fmt: skip
