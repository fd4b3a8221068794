"""The life of a case: its statuses, and the one table of moves between them.

Status says where the work stands; what came of it stands in the review, and nowhere else.
"""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal, get_args

from triage.errors import CallError, ConflictError

Status = Literal["new", "claimed", "in review", "awaiting second review", "actions open", "closed"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
OPEN: Final[tuple[Status, ...]] = STATUSES[:-1]
CLAIMABLE: Final[tuple[Status, ...]] = ("new", "claimed", "in review")
"""The statuses in which a case can be held by somebody who is to review it."""
Act = Literal[
    "claim", "release", "assign", "start a review", "submit a review", "supersede a review",
    "finish the actions", "close", "clear", "reopen", "ask for a second review",
    "start a second review", "settle a second review", "end a second review",
]  # fmt: skip

MOVES: Final[dict[Act, dict[Status, Status]]] = {
    "claim": {"new": "claimed", "claimed": "claimed", "in review": "in review"},
    "release": {
        "claimed": "new", "in review": "new", "awaiting second review": "awaiting second review",
    },
    "assign": {
        "new": "new", "claimed": "new", "in review": "new",
        "awaiting second review": "awaiting second review",
    },
    "start a review": {"new": "in review", "claimed": "in review", "in review": "in review"},
    "submit a review": {"in review": "actions open"},
    "supersede a review": {"actions open": "actions open", "closed": "actions open"},
    "finish the actions": {"actions open": "closed"},
    "close": {"new": "closed", "claimed": "closed"},
    "clear": {"new": "closed"},
    "reopen": {"closed": "new"},
    "ask for a second review": {
        "actions open": "awaiting second review", "closed": "awaiting second review",
    },
    "start a second review": {"awaiting second review": "awaiting second review"},
    "settle a second review": {"awaiting second review": "awaiting second review"},
    "end a second review": {"awaiting second review": "actions open"},
}  # fmt: skip
"""What each act makes of a case.

Assigned to somebody, a case waits for them, held by nobody. A review that asks for no action
finishes them at once. ``clear`` is a run's, for a case that nobody touched and of which no flag
holds any more. ``close`` is a person's, who gives a reason instead of a review. A second review
ends where both agree, or with the moderation; the case then goes on to its actions, or is closed.
"""

HELD_FOR: Final = dt.timedelta(minutes=60)
"""How long a case is held without anything being done on it."""


def said(text: str, missing: str, command: str = "") -> str:
    """Return what somebody says in words, without the blanks around it.

    Raises:
        CallError: when it is empty, with what is ``missing`` and the ``command`` that gives it; or
            when no store could keep it.
    """
    words = text.strip()
    if not words:
        raise CallError(missing, command)
    if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in words):
        raise CallError("the text holds a character that cannot be kept; leave it out.")
    return words


def moved(act: Act, status: Status, case_id: int) -> Status:
    """Return the status that a case comes to by an act.

    Raises:
        ConflictError: when the act is not for a case of that status.
    """
    to = MOVES[act].get(status)
    if to is None:
        allowed = " or ".join(MOVES[act])
        raise ConflictError(
            f"case {case_id} is {status}: to {act} it has to be {allowed}; nothing was changed."
        )
    return to
