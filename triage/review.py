"""The order in which cases are to be reviewed, and why each stands where it does, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

from triage.ruleset import severity_rank
from triage.store import Case
from triage.wording import spoken


@dataclass(frozen=True)
class Place:
    """A case's place in the queue and the reason for it."""

    position: int
    case: Case
    reason: str


class Queue(Sequence[Place]):
    """Cases in the order of work; each one's place is told when it is asked for."""

    def __init__(self, ordered: Sequence[Case], as_of: dt.date) -> None:
        self._ordered, self._as_of = ordered, as_of

    def __len__(self) -> int:
        """Return how many cases there are."""
        return len(self._ordered)

    @overload
    def __getitem__(self, at: int) -> Place: ...
    @overload
    def __getitem__(self, at: slice) -> list[Place]: ...
    def __getitem__(self, at: int | slice) -> Place | list[Place]:
        """Return the place of one case, or those of some."""
        if isinstance(at, slice):
            return [self[number] for number in range(len(self))[at]]
        number = range(len(self))[at]
        case = self._ordered[number]
        return Place(number + 1, case, reason(case, self._as_of))


def in_order(cases: Iterable[Case], as_of: dt.date) -> Queue:
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
    return Queue(ordered, as_of)


def reason(case: Case, as_of: dt.date) -> str:
    """Return in words why a case stands where it does."""
    if case.due_on < as_of:
        first = f"review overdue since {spoken(case.due_on)}"
    else:
        first = f"review due {spoken(case.due_on)}"
    back = "came back, " if case.reopened else ""
    return f"{back}{case.severity}, {first}"
