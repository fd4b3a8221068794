"""What reports are made from: every referral, case, review and action, as the store has them.

Days are whole numbers since 1 January 1970. What is known of an event stands beside its day:
``GIVEN``, ``BLANK`` (it has not happened) or ``UNKNOWN`` (the records do not tell).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.agreement import Pair

GIVEN: Final = 0
BLANK: Final = 1
UNKNOWN: Final = 2

YES: Final = 1
NO: Final = 0
NOT_TOLD: Final = -1

Whole = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]

EVENTS: Final = (
    "closed_on", "decision_at", "allocated_at", "assessment_started_on",
    "assessment_authorised_on", "strategy_discussion_on", "icpc_on",
)  # fmt: skip
MARKS: Final = ("nfa", "icpc_not_required")
CODES: Final = ("team", "referral_source", "primary_need", "closure_reason")

REFERRALS: Final = (
    "child", "referral_id", "day", *CODES, *MARKS, *EVENTS,
    *(f"{name}_state" for name in EVENTS), "is_seen",
)  # fmt: skip
"""Referrals, sorted by child and day. Codes are texts, None where the records tell none; marks are
YES, NO or NOT_TOLD. ``is_seen`` is whether whoever makes the report may see it: the others only
tell whether a child was referred before."""
CASES: Final = (
    "case", "subject", "child", "referral_id", "day", "team", "status", "severity", "due_on",
    "opened_on", "is_put_off",
)  # fmt: skip
"""Cases that whoever makes the report may see. One that is put off until a day after the last run
waits for nobody until then."""


@dataclass(frozen=True)
class Reviewed:
    """The final answers of a case's review, and the day on which that came in.

    The day is that of the first reviewer: neither a correction nor a second review changes it, but
    a new review does, after the case was opened again.
    """

    case: int
    submitted_on: dt.date
    answers: Mapping[str, Any]
    kind: str


@dataclass(frozen=True)
class ActionRow:
    """A remedial action: of which case, what, due when, and what became of it."""

    case: int
    kind: str
    due_on: dt.date
    done_on: dt.date | None
    is_handed_over: bool


@dataclass(frozen=True)
class RuleUse:
    """How often one text of a rule flagged a case, and what reviewers said of those flags."""

    rule: str
    text_hash: str
    n_flags: int
    n_open: int
    useful: Mapping[str, int]


@dataclass(frozen=True)
class SecondRow:
    """That a case was put to a second reviewer: why, and what came of it so far."""

    case: int
    why: str
    outcome: str
    is_in: bool
    is_settled: bool


@dataclass(frozen=True)
class Excepted:
    """That a rule is quiet for a child (by its number in the referrals) or for a team."""

    rule: str
    child: int | None
    team: str | None


@dataclass(frozen=True)
class LastRun:
    """The last run: what it read, by which rules, and how each rule ended on what was judged."""

    number: int
    as_of: dt.date
    version: str
    ruleset: str
    inputs: tuple[tuple[str, str], ...]
    history_from: dt.date
    window: str
    rows: Mapping[str, int]
    rules: tuple[Mapping[str, Any], ...]
    carried: frozenset[str]
    n_unread: int


@dataclass(frozen=True)
class Records:
    """All that a report is made from, as of the last run, as one person may see it.

    ``pending`` are cases whose answers are not final: they wait for a second review, or for the
    moderation of one that differs. ``flags`` has the rules that ever flagged each case. ``event``
    and ``head`` are of the last event that changed anything.
    """

    run: LastRun
    event: int
    head: str
    seen_by: str
    referrals: pd.DataFrame
    cases: pd.DataFrame
    flags: Mapping[int, tuple[str, ...]]
    reviewed: tuple[Reviewed, ...]
    pending: frozenset[int]
    closed_by_hand: frozenset[int]
    seconds: tuple[SecondRow, ...]
    pairs: tuple[Pair, ...]
    actions: tuple[ActionRow, ...]
    uses: tuple[RuleUse, ...]
    titles: Mapping[str, str]
    excepted: tuple[Excepted, ...]
    may_see_reviewers: bool
