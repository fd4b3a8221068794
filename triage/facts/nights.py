"""Facts of what earlier nights saw: a date that was not there when it is said to have been."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from triage.facts.fact import Fact, date
from triage.measure import Measure, known
from triage.schema_nights import MISSED
from triage.subject import ReferralSubject


def days_not_on_record(s: ReferralSubject, column: str, until: str) -> Measure:
    """Days from the date that an event bears to the last night on which it was not on record.

    None where it never was missing, or is missing still; below 0 where it happened afterwards.
    """
    event, night = s.column(column), s.column(until)
    both = s.given(column) & s.given(until)
    return known(night.value - event.value, both, s.blank(column) | s.blank(until))


def _facts() -> Iterator[Fact]:
    for name, column in MISSED.items():
        until = f"no_{name}_until"
        yield Fact(
            f"days_{name}_not_on_record", "whole number", "days",
            f"from the date of the {name} to the last night on which the records held none",
            (column, until), partial(days_not_on_record, column=column, until=until),
        )  # fmt: skip
        yield date(f"no_{name}_from", f"no_{name}_from",
                   f"first night on which the records held no {name}")  # fmt: skip
        yield date(until, until, f"last night on which the records held no {name}")


FACTS: Final[tuple[Fact, ...]] = tuple(_facts())
