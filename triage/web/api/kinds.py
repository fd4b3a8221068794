"""What programs send, in kinds that routes share: numbers, words, filters and pages."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from fastapi import Path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from triage.casework import OPEN, Status
from triage.store import Wanted
from triage.web.api.problems import WrongError

MOST: Final = 2**31 - 1
"""The highest number that a store can hold."""
MOST_ON_A_PAGE: Final = 200
_MOST_CHOSEN: Final = 100
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
T = TypeVar("T")


def _keepable(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a character that cannot be kept")
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds a character that cannot be printed")
    return text


def _written(day: Any) -> Any:
    # A number would be taken for seconds since 1970.
    if isinstance(day, str) and not _DAY.fullmatch(day):
        raise ValueError("is not a day; write YYYY-MM-DD")
    if isinstance(day, int | float):
        raise ValueError("is not a day; write it as a text, YYYY-MM-DD")
    return day


Day = Annotated[dt.date, BeforeValidator(_written)]
"""A day, written as 2026-10-09."""
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000),
    AfterValidator(_keepable),
]
"""What somebody says, in words."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
"""A name on one line: of somebody, of a team, of a rule."""
Number = Annotated[int, Path(ge=1, le=MOST)]
"""A number in an address: of a case, a run, an action."""
Severity = Literal["critical", "high", "medium", "low"]
Subject = Literal["referral", "contact"]
Limit = Annotated[int, Field(ge=1, le=MOST_ON_A_PAGE, description="How many to give.")]
After = Annotated[
    str | None,
    Field(max_length=200, description="Where to go on: what the page before gave as next."),
]


class Body(BaseModel):
    """What is sent: nothing but what is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Paged(Body):
    """Which page of a list is asked for."""

    limit: Limit = 50
    after: After = None


class Page(BaseModel, Generic[T]):
    """A page of a list; ``next`` is null on the last one."""

    items: list[T]
    next: str | None


class Filter(Body):
    """Which cases are meant; what is left out means any, and no status means all that are open."""

    status: list[Status] = Field(default=[], max_length=_MOST_CHOSEN)
    team: list[Name] = Field(default=[], max_length=_MOST_CHOSEN)
    severity: list[Severity] = Field(default=[], max_length=_MOST_CHOSEN)
    rule: Name | None = None
    subject: Subject | None = None
    assigned_to: Name | None = None
    held_by: Name | None = None
    overdue: bool = False
    snoozed: bool = Field(
        default=False, description="Those that are put off, instead of the others."
    )

    def wanted(self) -> Wanted:
        """Return what is asked of the store; what is named twice is asked once."""
        return Wanted(
            tuple(dict.fromkeys(self.status)) or OPEN, tuple(dict.fromkeys(self.team)),
            tuple(dict.fromkeys(self.severity)), self.rule or "", self.subject or "",
            self.assigned_to or "", self.held_by or "", self.overdue, self.snoozed,
        )  # fmt: skip


class FilterPaged(Filter):
    """Which cases are meant, and which page of them."""

    limit: Limit = 50
    after: After = None
    count: bool = Field(default=False, description="Count all of them, too, as total.")


def cursor(*numbers: int) -> str:
    """Return where a page ended, in a word that says nothing by itself."""
    text = ".".join(map(str, numbers))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_in(after: str | None, n_numbers: int) -> tuple[int, ...] | None:
    """Return where a page is to go on; None from the beginning.

    Raises:
        WrongError: when it is nothing that a page gave.
    """
    if after is None:
        return None
    try:
        text = base64.b64decode(after + "=" * (-len(after) % 4), b"-_", validate=True).decode()
        found = tuple(map(int, text.split(".")))
    except (binascii.Error, ValueError):
        found = ()
    if len(found) != n_numbers or any(abs(one) >= 2**63 for one in found):
        raise WrongError("This is no place in the list; give what a page gave as next.",
                         parameter="after")  # fmt: skip
    return found


def paged(
    items: Sequence[T], asked: Paged, key: Callable[[T], tuple[int, ...]], n_numbers: int
) -> tuple[list[T], str | None]:
    """Return a page of a list that stands in the order of its keys, and where the next begins."""
    start = place_in(asked.after, n_numbers)
    rest = [one for one in items if start is None or key(one) > start]
    page = rest[: asked.limit]
    return page, cursor(*key(page[-1])) if len(rest) > len(page) else None


def told(page: tuple[list[Any], str | None]) -> dict[str, Any]:
    """Return a page as it is answered."""
    return {"items": page[0], "next": page[1]}
