"""What programs are answered of rules, runs, the trail and people."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, Field

from triage.rights import Act, Role
from triage.web.api.kinds import Page, Severity, Subject


class Me(BaseModel):
    """Who a token acts as, and what they may do; no teams means all."""

    name: str
    role: Role
    teams: list[str] | None
    sees_restricted: bool
    may: list[Act]


class PersonTold(BaseModel):
    """Somebody registered; no teams means all."""

    name: str
    role: Role
    teams: list[str]
    is_active: bool


class PersonKept(BaseModel):
    """Somebody who was registered, or changed."""

    name: str


class ParameterTold(BaseModel):
    """A number or list that a rule compares with, and why it is what it is."""

    value: int | list[str]
    unit: str
    min: int | None
    max: int | None
    why: str


class RuleTold(BaseModel):
    """A rule: what it asks of records, why, and what to check."""

    id: str
    title: str
    status: str
    is_off: bool = Field(description="Whether the settings switch it off.")
    subject: Subject
    severity: Severity
    rationale: str
    references: list[str]
    parameters: dict[str, ParameterTold]
    message: str
    due: str | None
    benign_explanations: list[str]
    reviewer_checks: list[str]
    columns: list[str]
    reads: list[str]


class Rules(BaseModel):
    """Every rule that judges here."""

    items: list[RuleTold]


class ExceptionTold(BaseModel):
    """A rule that raises nothing for a child, or for a team, up to and including a day."""

    id: int
    rule: str
    child_id: str | None
    team: str | None
    owner: str
    reason: str
    until: dt.date
    made_at: str
    made_by: str
    ended_at: str | None


class ExceptionMade(BaseModel):
    """An exception that was made."""

    exception: int


class RunTold(BaseModel):
    """A run: when, by whom, as of which day, and its counts."""

    id: int
    started_at: str
    finished_at: str
    who: str
    version: str
    as_of: dt.date
    ruleset_hash: str
    rows: dict[str, Any]
    queue: dict[str, Any]
    contacts: dict[str, Any] | None


class RunWhole(RunTold):
    """A run with its inputs, and what each rule said."""

    inputs: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    notes: list[Any]
    trial: list[dict[str, Any]] | None
    oversight: dict[str, Any] | None


class RejectTold(BaseModel):
    """What was wrong with a row or a cell."""

    kind: str
    source: str
    row: int | None
    column: str | None
    message: str


class FlagMoved(BaseModel):
    """A flag of which something is otherwise at one run than at another."""

    case: int
    subject: Subject
    child_id: str
    referral_id: str
    team: str | None
    rule: str


class RecordMoved(BaseModel):
    """A referral whose record changed between two runs: what it was, and is, column by column."""

    child_id: str
    referral_id: str
    was: dict[str, Any]
    now: dict[str, Any]


class Beside(BaseModel):
    """What is otherwise at one run than at an earlier one: a page of each list, and their sizes."""

    first: int
    second: int
    counts: dict[str, int]
    appeared: list[FlagMoved]
    cleared: list[FlagMoved]
    changed: list[FlagMoved]
    records: list[RecordMoved]
    next: str | None


class DueTold(BaseModel):
    """Something that a rule will flag unless it is done by a day."""

    rule: str
    severity: Severity
    child_id: str
    referral_id: str
    referral_date: dt.date
    team: str | None
    due_on: dt.date
    message: str


class Dues(Page[DueTold]):
    """A page of what falls due, as the last run saw it."""

    as_of: dt.date


class EventTold(BaseModel):
    """What happened, once: when, by whom, and to what."""

    id: int
    at: str
    actor: str
    kind: str
    run: int | None
    case: int | None
    rule: str | None
    detail: dict[str, Any]


class Trail(BaseModel):
    """Events in their order; ``next`` is the number to go on after, null at the end."""

    items: list[EventTold]
    next: int | None


class HeadTold(BaseModel):
    """The last event, to be kept where nobody who writes to the store can write."""

    event: int
    hash: str


class VerdictTold(BaseModel):
    """Whether the trail is whole; ``damage`` says where it is damaged first."""

    whole: bool
    events: int
    head: HeadTold
    damage: str | None
