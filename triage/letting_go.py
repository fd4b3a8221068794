"""When kept data is past its time, and whether words name a child: pure, for whoever lets go of it.

What is kept has a time by its kind, in calendar months: what a run said of single records, how
records stood on past nights, and closed cases with all that people did on them. The trail has none:
it tells nothing of a child but the numbers of cases.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from triage.calendar import minus_months
from triage.errors import CallError
from triage.vocabulary import cut

RUN_MONTHS: Final = 12
KNOWN_MONTHS: Final = 12
CASE_MONTHS: Final = 72
"""The usual times: twelve months for what runs put out, six years for review decisions."""
_FEWEST_LETTERS: Final = 4
"""An identifier of a referral that is shorter than this is not told from other words in texts."""


@dataclass(frozen=True)
class Times:
    """How many months each kind of data is kept."""

    runs: int = RUN_MONTHS
    known: int = KNOWN_MONTHS
    cases: int = CASE_MONTHS

    def limits(self, today: dt.date) -> Limits:
        """Return the first day of each kind that is not past its time on a day."""
        return Limits(*(minus_months(today, one) for one in (self.runs, self.known, self.cases)))


@dataclass(frozen=True)
class Limits:
    """The first day of each kind that is kept still: what is of a day before it is let go of."""

    runs: dt.date
    known: dt.date
    cases: dt.date


@dataclass(frozen=True)
class Identifiers:
    """How a child is named: by its own identifier, and by those of its referrals and contacts."""

    child: str
    others: frozenset[str] = frozenset()

    @property
    def all(self) -> tuple[str, ...]:
        """Return every one of them, in one order."""
        return (self.child, *sorted(self.others - {self.child}))

    @property
    def telling(self) -> tuple[str, ...]:
        """Return those by which the child can be found in a text: short ones are in any."""
        return (self.child, *(one for one in self.all[1:] if len(one) >= _FEWEST_LETTERS))


def names_any(text: str, identifiers: Collection[str]) -> bool:
    """Return whether a text holds one of some identifiers, not as a part of a longer word."""
    forms = {form for one in identifiers for form in as_written(one)}
    return any(re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text) for form in forms)


def as_written(identifier: str) -> tuple[str, ...]:
    """Return how an identifier may stand in a text: as it is, cut short, or as JSON writes it."""
    in_json = (json.dumps(identifier, ensure_ascii=is_plain)[1:-1] for is_plain in (False, True))
    return tuple(dict.fromkeys((identifier, cut(identifier), *in_json)))


def refuse_naming(words: str, identifiers: Identifiers) -> None:
    """Refuse a reason that names the child: it is to stand in the trail, which nobody can change.

    Raises:
        CallError: when it does.
    """
    if names_any(words.casefold(), [one.casefold() for one in identifiers.all]):
        raise CallError(
            "the reason names the child, or a referral of it, and would stay in the trail for "
            "good; say it without."
        )


Counts = dict[str, int]
"""How many rows of each table."""


def added(*counts: Counts) -> Counts:
    """Return counts together, what is none left out."""
    found: Counts = {}
    for one in counts:
        for name, number in one.items():
            found[name] = found.get(name, 0) + number
    return {name: number for name, number in found.items() if number}
