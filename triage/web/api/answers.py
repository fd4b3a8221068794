"""What programs are answered of cases, reviews and what follows from them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, Field

from triage.casework import Status
from triage.second import Kind
from triage.web.api.kinds import Page, Severity, Subject


class CaseTold(BaseModel):
    """A case, without its flags."""

    case: int
    subject: Subject
    status: Status
    severity: Severity
    due_on: dt.date
    child_id: str
    referral_id: str
    referral_date: dt.date
    team: str | None
    restricted: bool
    held_by: str | None
    held_until: str | None
    assigned_to: str | None
    boost: str | None = Field(description="Why it comes before its turn.")
    snoozed_until: dt.date | None


class CaseListed(CaseTold):
    """A case in the order of work, with the reason for its place in words."""

    reason: str
    flags: list[str] = Field(description="Rules of its open flags, the most pressing first.")


class Cases(Page[CaseListed]):
    """A page of the queue; ``total`` is null unless it was asked to be counted."""

    as_of: dt.date
    total: int | None


class FlagTold(BaseModel):
    """A flag of a case, with its because and what its rule asks to be checked."""

    rule: str
    title: str
    severity: Severity
    state: str
    message: str
    because: dict[str, Any]
    due_on: dt.date | None
    first_flagged_on: dt.date
    references: list[str]
    reviewer_checks: list[str]


class NoteTold(BaseModel):
    """A note of a case."""

    at: str
    by: str
    text: str


class HappenedTold(BaseModel):
    """What happened to a case."""

    at: str
    actor: str
    kind: str
    rule: str | None
    detail: dict[str, Any]


class CaseWhole(CaseTold):
    """A case with all that belongs to it."""

    flags: list[FlagTold]
    timeline: list[dict[str, Any]] = Field(description="The child's referrals, by date.")
    notes: list[NoteTold]
    events: list[HappenedTold]


class RecordTold(BaseModel):
    """How the record of a referral stood at a run."""

    run: int
    as_of: dt.date
    is_judged: bool
    values: dict[str, str | None]


class SpellTold(BaseModel):
    """A value of a column, and the first and last run that saw it."""

    column: str
    value: str | None
    first_run: int
    last_run: int | None


class HistoryTold(BaseModel):
    """The record of a case as it stood on a night, and every value that it has had."""

    record: RecordTold
    spells: list[SpellTold]


class Held(BaseModel):
    """A case that was claimed; it names no child, since answers are kept for a day."""

    case: int
    status: Status
    severity: Severity
    due_on: dt.date
    held_by: str
    held_until: str


class Claimed(BaseModel):
    """What was claimed; null where there is nothing to claim."""

    claimed: Held | None


class Done(BaseModel):
    """The case to which something was done."""

    case: int


class DoneToMany(BaseModel):
    """To how many cases something was done."""

    cases: int


class ReviewTold(BaseModel):
    """A review that was submitted, or one's own draft."""

    id: int
    case: int
    reviewer: str
    state: str
    answers: dict[str, Any]
    started_at: str
    submitted_at: str | None
    supersedes: int | None
    reason: str | None
    kind: Kind
    is_final: bool


class Reviews(BaseModel):
    """The reviews of a case; ``is_first_hidden`` where whoever asks may do the second one."""

    is_first_hidden: bool
    items: list[ReviewTold]


class Started(BaseModel):
    """What is to be answered: each rule's flag useful or not, and what two reviewers differ on."""

    case: int
    step: str
    rules: list[str]
    differs: list[str]


class Submitted(BaseModel):
    """A review that was submitted."""

    case: int
    review: int


class SecondIn(Submitted):
    """A second review, or moderation, that is in; on what it differs, and the case's status."""

    differs: list[str]
    status: Status


class WaitingTold(CaseTold):
    """A case that waits for a second review or for moderation; ``why_not`` for whoever asks."""

    step: str
    asked_at: str
    begun_by: str | None
    differs: list[str]
    why_not: str | None
    why: str | None
    reason: str | None
    sample: int | None
    came_from: str | None


class Sides(BaseModel):
    """The answers to one question: first, second, and what settled them."""

    first: Any
    second: Any
    settled: Any


class Differences(BaseModel):
    """Two reviews of a case beside each other."""

    case: int
    first_by: str
    second_by: str
    settled_by: str | None
    settled_why: str | None
    differs: list[str]
    answers: dict[str, Sides]


class AgreementTold(BaseModel):
    """How well two reviewers agree, always with n; by pair for those who may compare."""

    cases: int
    asked_for: dict[str, int]
    few_below: int
    questions: list[dict[str, Any]]
    pairs: list[dict[str, Any]] | None


class ActionTold(BaseModel):
    """A remedial action, and what became of it."""

    id: int
    case: int
    review: int
    kind: str
    owner: str
    due_on: dt.date
    done_on: dt.date | None
    evidence: str | None
    handed_to: str | None
    handed_why: str | None


class ActionSettled(BaseModel):
    """The remedial action that is done, or was handed over."""

    action: int


class StratumTold(BaseModel):
    """A stratum: how many reviews there were of it, and how many were drawn."""

    stratum: str
    size: int
    drawn: int


class SampleTold(BaseModel):
    """A sample as it was drawn, and what became of its cases."""

    id: int
    drawn_at: str
    drawn_by: str
    seed: str
    share: str | None
    number: int | None
    by: str | None
    first_day: dt.date | None
    last_day: dt.date | None
    size: int
    strata: list[StratumTold] | None
    states: dict[str, int]


class SampleWhole(SampleTold):
    """A sample with the numbers of its cases, and of all that it was drawn of."""

    cases: list[int]
    frame: list[int]


class SampleDrawn(BaseModel):
    """A sample that was drawn, of how many, and its cases."""

    sample: int
    size: int
    cases: list[int]
