"""Facts of a case in the queue: what people have not done on it yet.

They are the store's, and in no extract. Rules that ask for nothing else are judged on cases.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from triage.facts.fact import WORKING_DAYS, Fact, date
from triage.measure import Measure
from triage.subject import Subject

_WAITING: Final = "review_awaited_since"
_ACTION: Final = "action_due_on"


def so_far(s: Subject, since: str) -> Measure:
    """Working days from a day up to the clock; none where there is nothing to wait for."""
    return s.working_days_so_far(since)


FACTS: Final[tuple[Fact, ...]] = (
    date(_WAITING, _WAITING,
         "day on which a case without a review was opened, or opened again"),
    Fact("working_days_unreviewed", "whole number", WORKING_DAYS,
         "since a case without a review was opened, or opened again",
         (_WAITING,), partial(so_far, since=_WAITING), moves=True),
    date(_ACTION, _ACTION, "due date of the remedial action that is open and was due first"),
    Fact("working_days_action_overdue", "whole number", WORKING_DAYS,
         "since a remedial action that is still open was due",
         (_ACTION,), partial(so_far, since=_ACTION), moves=True),
)  # fmt: skip
