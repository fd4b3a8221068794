"""Every fact that a rule may ask of a referral, in one table: type, unit, meaning, columns.

A fact is unknown for a referral when a column that it needs is absent or cannot be read; a blank
event has not happened, and what would be counted from it is "none", which no comparison holds of.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

from triage import measures as m
from triage.calendar import to_date
from triage.measures import KNOWN, NONE, UNBOUNDED, Measure, Subject
from triage.records import Referrals

FactKind = Literal["yes or no", "whole number", "text", "date"]


@dataclass(frozen=True)
class Fact:
    """What a rule may ask: how it is measured, and which columns it cannot do without.

    ``needs`` names the columns without which it is unknown (one of them is enough where
    ``either``); ``also`` those that it uses when they are there. ``within`` says that the rule has
    to give a window in months. ``moves`` marks a clock that runs up to the date of judgement, so
    that it changes from night to night though the record does not.
    """

    name: str
    kind: FactKind
    unit: str
    meaning: str
    needs: tuple[str, ...]
    compute: Callable[..., Measure]
    also: tuple[str, ...] = ()
    either: bool = False
    within: bool = False
    moves: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column that the fact uses."""
        return self.needs + self.also

    def can_be_known(self, carried: frozenset[str]) -> bool:
        """Return whether the columns that an extract carries let this fact be known."""
        if self.either:
            return any(column in carried for column in self.needs)
        return all(column in carried for column in self.needs)


def _has(name: str, column: str, what: str) -> Fact:
    return Fact(name, "yes or no", "", what, (column,), lambda s: s.has(column))


def _date(name: str, column: str, what: str) -> Fact:
    return Fact(name, "date", "date", what, (column,), partial(m.on, name=column))


_WD: Final = "working days"

FACTS: Final[tuple[Fact, ...]] = (
    Fact("referral_on", "date", "date", "date of the referral", (),
         partial(m.on, name="referral_date")),
    Fact("previous_referral_on", "date", "date", "date of the child's previous referral", (),
         m.previous_referral_on),
    Fact("months_since_previous_referral", "whole number", "months",
         "fewest calendar months within which the previous referral lies", (),
         m.months_since_previous_referral),
    Fact("n_referrals", "whole number", "referrals",
         "the child's referrals in the months up to and including this one, itself counted", (),
         m.n_referrals_within, within=True),
    Fact("previous_need_is_same", "yes or no", "",
         "primary need is that of the previous referral; N0 or N9 on either side is no",
         ("primary_need",), m.previous_need_is_same),
    Fact("primary_need", "text", "census code", "primary need", ("primary_need",),
         partial(m.text, name="primary_need")),
    Fact("previous_is_nfa", "yes or no", "", "the previous referral ended with no further action",
         ("nfa",), m.previous_is_nfa),
    Fact("days_since_previous_closure", "whole number", "days",
         "days from the previous referral's closure to this referral", ("closed_on",),
         m.days_since_previous_closure),
    Fact("previous_is_open_at_referral", "yes or no", "",
         "the previous referral, not NFA, was not closed when this one was made",
         ("nfa", "closed_on"), m.previous_is_open_at_referral),
    Fact("is_nfa", "yes or no", "", "closed at referral with no further action", ("nfa",),
         lambda s: m.known(s.column("nfa").value, s.given("nfa"))),
    Fact("is_open", "yes or no", "", "neither NFA nor closed at the date of judgement",
         ("nfa", "closed_on"), lambda s: s.open),
    Fact("working_days_since_referral", "whole number", _WD,
         "from the referral to the date of judgement", (),
         lambda s: s.working_days_so_far("referral_date"), moves=True),
    _has("has_decision", "decision_at", "a management decision is recorded"),
    _date("decision_on", "decision_at", "date of the management decision"),
    Fact("working_days_to_decision", "whole number", _WD, "from the referral to the decision",
         ("decision_at",), lambda s: s.working_days_between("referral_date", "decision_at")),
    Fact("decision_is_before_referral", "yes or no", "",
         "the decision bears a date before the referral's", ("decision_at",),
         m.decision_is_before_referral),
    _date("decision_recorded_on", "decision_recorded_at", "date the decision was typed in"),
    Fact("working_days_to_recording", "whole number", _WD,
         "from the decision to the day it was typed in", ("decision_at", "decision_recorded_at"),
         m.working_days_to_recording),
    Fact("decision_maker_role", "text", "role", "role of the decision maker",
         ("decision_maker_role",), partial(m.text, name="decision_maker_role")),
    Fact("decision_maker_is_allocated_worker", "yes or no", "",
         "the decision was made by the worker to whom the case was allocated",
         ("decision_maker_id", "allocated_worker_id"), m.decision_maker_is_allocated_worker),
    _has("has_rationale", "rationale_length", "a rationale is written"),
    Fact("rationale_length", "whole number", "characters", "length of the written rationale",
         ("rationale_length",), partial(m.number, name="rationale_length")),
    _has("has_risk_rating", "risk_rating", "a risk rating is recorded"),
    Fact("risk_rating", "text", "red, amber or green", "risk rating", ("risk_rating",),
         partial(m.text, name="risk_rating")),
    _has("has_threshold_level", "threshold_level", "a threshold level is recorded"),
    Fact("is_history_considered", "yes or no", "",
         "the decision records that history was considered; blank is no", ("history_considered",),
         partial(m.is_recorded_true, name="history_considered")),
    _has("is_allocated", "allocated_at", "the case is allocated to a named worker"),
    _date("allocated_on", "allocated_at", "date of the first allocation"),
    Fact("working_days_to_allocation", "whole number", _WD,
         "to the first allocation, from the decision, or from the referral where none is recorded",
         ("allocated_at",), m.working_days_to_allocation, also=("decision_at",)),
    Fact("working_days_awaiting_allocation", "whole number", _WD,
         "from that same start to the date of judgement", (), m.working_days_awaiting_allocation,
         also=("decision_at",), moves=True),
    Fact("allocation_clock", "text", "words", "from where the allocation clock runs", (),
         m.allocation_clock, also=("decision_at",)),
    _has("has_assessment", "assessment_started_on", "an assessment has started"),
    _date("assessment_started_on", "assessment_started_on", "start of the assessment"),
    _has("has_authorised_assessment", "assessment_authorised_on", "the assessment is authorised"),
    _date("assessment_authorised_on", "assessment_authorised_on", "authorisation"),
    Fact("working_days_to_authorisation", "whole number", _WD,
         "from the referral to the authorisation of its assessment",
         ("assessment_authorised_on",),
         lambda s: s.working_days_between("referral_date", "assessment_authorised_on")),
    _date("strategy_discussion_on", "strategy_discussion_on", "date of the strategy discussion"),
    Fact("working_days_since_strategy_discussion", "whole number", _WD,
         "from the strategy discussion to the date of judgement", ("strategy_discussion_on",),
         lambda s: s.working_days_so_far("strategy_discussion_on"), moves=True),
    _has("has_conference", "icpc_on", "an initial child protection conference was held"),
    _date("conference_on", "icpc_on", "date of the initial child protection conference"),
    Fact("working_days_to_conference", "whole number", _WD,
         "from the strategy discussion to the conference", ("strategy_discussion_on", "icpc_on"),
         lambda s: s.working_days_between("strategy_discussion_on", "icpc_on")),
    Fact("is_conference_not_required", "yes or no", "",
         "the conference is marked as not required; blank is no", ("icpc_not_required",),
         partial(m.is_recorded_true, name="icpc_not_required")),
    Fact("has_no_birth_date", "yes or no", "", "neither birth date nor expected birth date",
         ("date_of_birth", "expected_date_of_birth"), m.has_no_birth_date),
    Fact("days_from_referral_to_birth", "whole number", "days",
         "from the referral to the birth date, or to the expected one where that alone is there",
         ("date_of_birth", "expected_date_of_birth"), m.days_from_referral_to_birth, either=True),
    _has("has_closure_date", "closed_on", "a closure date is recorded"),
    _date("closed_on", "closed_on", "date of closure"),
    _has("has_closure_reason", "closure_reason", "a reason for closure is recorded"),
)  # fmt: skip

FACT_BY_NAME: Final = {fact.name: fact for fact in FACTS}


class FactTable:
    """The facts of every referral at ``as_of``, computed when first asked for."""

    def __init__(self, referrals: Referrals, as_of: dt.date, history_from: dt.date) -> None:
        self.subject = Subject(referrals, as_of, history_from)
        self._measures: dict[tuple[str, int | None], Measure] = {}

    def __len__(self) -> int:
        """Return the number of referrals dated up to ``as_of``."""
        return self.subject.n

    def measure(self, name: str, within: int | None = None) -> Measure:
        """Return a fact for every referral; ``within`` is the window in months, if it has one."""
        key = (name, within)
        if key not in self._measures:
            fact = FACT_BY_NAME[name]
            arguments = (within,) if fact.within else ()
            self._measures[key] = fact.compute(self.subject, *arguments)
        return self._measures[key]

    def plain(self, name: str, row: int, within: int | None = None) -> Any:
        """Return one fact as a plain value; None when it is none or unknown.

        Yes-or-no facts are booleans, dates are dates. Of a number known only within bounds, what
        was found is given: its upper bound, or its lower one where there is no upper.
        """
        measure = self.measure(name, within)
        if measure.state[row] != KNOWN:
            return None
        if measure.high is not None and measure.high[row] < UNBOUNDED:
            return int(measure.high[row])
        return plain_value(FACT_BY_NAME[name].kind, measure, row)

    def bounds(self, name: str, row: int, within: int | None = None) -> tuple[Any, Any] | None:
        """Return the lowest and highest value a fact may have; None when unknown.

        A fact that is known not to be there is ``(None, None)``; a missing upper bound is None.
        """
        measure = self.measure(name, within)
        if measure.state[row] == NONE:
            return (None, None)
        if measure.state[row] != KNOWN:
            return None
        value = plain_value(FACT_BY_NAME[name].kind, measure, row)
        if measure.high is None:
            return (value, value)
        high = int(measure.high[row])
        return (value, None if high >= UNBOUNDED else high)


def plain_value(kind: FactKind, measure: Measure, row: int) -> Any:
    """Return the value of a known fact as a boolean, number, text or date."""
    value = int(measure.value[row])
    match kind:
        case "yes or no":
            return value == 1
        case "date":
            return to_date(value)
        case "text":
            return measure.names[value]
        case _:
            return value
