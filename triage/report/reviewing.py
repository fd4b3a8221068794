"""The re-referrals of a window with their cases and reviews: what the three-month review counts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from triage.calendar import to_day
from triage.report.population import MONTHS, Population
from triage.report.records import YES, ActionRow, Records, Reviewed, Truth

REVIEWED: Final = "reviewed"
AGAIN: Final = "reviewed, and opened again since"
SECOND: Final = "reviewed, and waits for a second review or its moderation"
WAITING: Final = "waits for its review"
BY_HAND: Final = "closed by a manager, without a review"
BY_ITSELF: Final = "closed by itself: no flag held any more"
EXCEPTED: Final = "no case: an exception is made"
NOT_ASKED: Final = "no case: the rule REF-01 was not in use"
NOT_JUDGED: Final = "no case: no run judged it"
ROUTES: Final = (
    REVIEWED,
    AGAIN,
    SECOND,
    WAITING,
    BY_HAND,
    BY_ITSELF,
    EXCEPTED,
    NOT_ASKED,
    NOT_JUDGED,
)
"""How each re-referral came into the review, or why it did not."""


@dataclass(frozen=True)
class Reviewing:
    """The re-referrals of a window with their cases and reviews, by place in the population."""

    records: Records
    population: Population
    first: dt.date
    last: dt.date

    @cached_property
    def referrals(self) -> Truth:
        """Return which referrals were made in the window."""
        return self.population.between(to_day(self.first), to_day(self.last))

    @cached_property
    def covered(self) -> Truth:
        """Return which of them have a look-back that the records cover: those a rate is of."""
        return self.referrals & self.population.covered(MONTHS)

    @cached_property
    def places(self) -> list[int]:
        """Return the places of the re-referrals of the window."""
        return places_of(self.referrals & (self.population.re_referral == YES))

    @cached_property
    def case_of(self) -> dict[int, tuple[int, str]]:
        """Return the number and the status of the case of each re-referral that has one."""
        cases = self.records.cases
        of_referrals = cases[cases["subject"] == "referral"]
        names = ("child", "referral_id", "case", "status")
        columns = [of_referrals[name].tolist() for name in names]
        found = {(child, name): told for child, name, *told in zip(*columns, strict=True)}
        children, names_of = self.population.column("child"), self.population.text("referral_id")
        rows = {place: found.get((int(children[place]), names_of[place])) for place in self.places}
        return {place: (row[0], row[1]) for place, row in rows.items() if row is not None}

    def number(self, place: int) -> int | None:
        """Return the number of a re-referral's case."""
        found = self.case_of.get(place)
        return None if found is None else found[0]

    @cached_property
    def answers(self) -> dict[int, Reviewed]:
        """Return the final answers of each re-referral that was reviewed."""
        by_case = {one.case: one for one in self.records.reviewed}
        found = {place: by_case.get(self.number(place) or 0) for place in self.places}
        return {place: one for place, one in found.items() if one is not None}

    @cached_property
    def actions(self) -> list[ActionRow]:
        """Return the remedial actions of the re-referrals of the window."""
        numbers = {self.number(place) for place in self.places}
        return [one for one in self.records.actions if one.case in numbers]

    def route(self, place: int) -> str:
        """Return how a re-referral came into the review, or why it did not."""
        found = self.case_of.get(place)
        if found is None:
            return self._why_no_case(place)
        number, status = found
        if number in self.records.pending or status == "awaiting second review":
            return SECOND
        if place in self.answers:
            return REVIEWED if status in ("closed", "actions open") else AGAIN
        if status != "closed":
            return WAITING
        return BY_HAND if number in self.records.closed_by_hand else BY_ITSELF

    def _why_no_case(self, place: int) -> str:
        child = int(self.population.column("child")[place])
        team = self.population.text("team")[place]
        for one in self.records.excepted:
            if one.rule == "REF-01" and (one.child == child or (one.child is None and
                                                                one.team == team)):  # fmt: skip
                return EXCEPTED
        in_use = any(rule["id"] == "REF-01" for rule in self.records.run.rules)
        return NOT_JUDGED if in_use else NOT_ASKED


def places_of(which: Truth) -> list[int]:
    """Return the places of some referrals."""
    return [int(place) for place in np.flatnonzero(which)]
