"""The places of cases in the order of work, and why each stands where it does, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from triage.store import Case, Listed
from triage.wording import spoken


@dataclass(frozen=True)
class Place:
    """A case's place in the queue and the reason for it."""

    position: int
    case: Case
    reason: str


class Queue(Sequence[Place]):
    """Cases in the order of work; each one's place is told when it is asked for.

    ``n`` is how many there are in all, of which these may be a page.
    """

    def __init__(self, listed: Listed) -> None:
        self._listed = listed
        self.n = listed.n

    def __len__(self) -> int:
        """Return how many cases there are here."""
        return len(self._listed.cases)

    @overload
    def __getitem__(self, at: int) -> Place: ...
    @overload
    def __getitem__(self, at: slice) -> list[Place]: ...
    def __getitem__(self, at: int | slice) -> Place | list[Place]:
        """Return the place of one case, or those of some."""
        if isinstance(at, slice):
            return [self[number] for number in range(len(self))[at]]
        number = range(len(self))[at]
        case = self._listed.cases[number]
        return Place(self._listed.offset + number + 1, case, reason(case, self._listed.as_of))


def reason(case: Case, as_of: dt.date) -> str:
    """Return in words why a case stands where it does."""
    what = "second review" if case.status == "awaiting second review" else "review"
    if case.due_on < as_of:
        first = f"{what} overdue since {spoken(case.due_on)}"
    else:
        first = f"{what} due {spoken(case.due_on)}"
    forward = f"{case.boost}, " if case.boost else ""
    return f"{forward}{case.severity}, {first}"
