"""The order in which cases are to be reviewed, and why each stands where it does, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from triage.ruleset import severity_rank
from triage.store import Case
from triage.wording import spoken


@dataclass(frozen=True)
class Place:
    """A case's place in the queue and the reason for it."""

    position: int
    case: Case
    reason: str


def in_order(cases: Iterable[Case], as_of: dt.date) -> list[Place]:
    """Return cases in the order of work.

    Overdue before the rest, then cases that came back, then severity, due date, the oldest
    referral, and the case number, so that the order is the same however often it is asked for.
    """
    ordered = sorted(
        cases,
        key=lambda case: (
            case.due_on >= as_of,
            not case.reopened,
            severity_rank(case.severity),
            case.due_on,
            case.referral_date,
            case.id,
        ),
    )
    return [
        Place(number, case, reason(case, as_of)) for number, case in enumerate(ordered, start=1)
    ]


def reason(case: Case, as_of: dt.date) -> str:
    """Return in words why a case stands where it does."""
    if case.due_on < as_of:
        first = f"review overdue since {spoken(case.due_on)}"
    else:
        first = f"review due {spoken(case.due_on)}"
    back = "came back, " if case.reopened else ""
    return f"{back}{case.severity}, {first}"
