"""Cases as plain objects: what each act makes of them, what it adds to the trail, what is refused.

It knows nothing of the store. Each act returns the events that it adds, as (kind, case, rule); it
raises Refused, and changes nothing, where somebody may not do so.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Event = tuple[str, int | None, str | None]
PEOPLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "r.north": ("reviewer", ("North",)),
    "r.all": ("reviewer", ()),
    "m.manager": ("team manager", ()),
}
READERS = ("m.manager",)
HOUR = dt.timedelta(minutes=60)
IN_WORK = ("new", "claimed", "in review")


class Refused(Exception):  # noqa: N818
    """Somebody may not do this, or not with this case as it stands."""


@dataclass
class Act:
    """Something that a review asked for."""

    case: int
    is_open: bool = True


@dataclass
class ModelCase:
    """A case as it stands."""

    number: int
    record: str
    team: str
    restricted: bool
    status: str = "new"
    held_by: str | None = None
    held_until: dt.datetime | None = None
    assigned_to: str | None = None
    boost: str | None = None
    snoozed_until: dt.date | None = None
    flags: dict[str, str] = field(default_factory=dict)
    cleared: set[str] = field(default_factory=set)
    drafts: dict[str, dict[str, Any]] = field(default_factory=dict)
    reviews: list[tuple[str, str]] = field(default_factory=list)
    """Who wrote each submitted review, and its state."""
    useful: tuple[str, ...] = ()
    """The rules that the review which stands speaks of."""
    n_notes: int = 0

    def free(self) -> None:
        self.held_by = self.held_until = None


@dataclass
class Model:
    """All cases, what is to be done, and the clock."""

    now: dt.datetime
    as_of: dt.date
    cases: dict[int, ModelCase] = field(default_factory=dict)
    actions: dict[int, Act] = field(default_factory=dict)

    def sees(self, who: str, case: ModelCase) -> bool:
        teams = PEOPLE[who][1]
        return (not case.restricted or who in READERS) and (not teams or case.team in teams)

    def count(self, who: str) -> Counter[tuple[str, str]]:
        """Return how many cases somebody sees, by status and team."""
        return Counter((one.status, one.team) for one in self.cases.values() if self.sees(who, one))

    def _seen(self, who: str, number: int, statuses: Collection[str] | None = None) -> ModelCase:
        case = self.cases.get(number)
        if case is None or not self.sees(who, case):
            raise Refused("not there")
        if statuses is not None and case.status not in statuses:
            raise Refused(f"is {case.status}")
        return case

    def _is_manager(self, who: str) -> bool:
        return PEOPLE[who][0] == "team manager"

    def _is_held(self, case: ModelCase) -> bool:
        return case.held_until is not None and case.held_until > self.now

    def _take(self, who: str, number: int) -> ModelCase:
        case = self._seen(who, number, IN_WORK)
        if self._is_held(case) and case.held_by != who:
            raise Refused("held")
        if case.assigned_to not in (None, who) and not self._is_manager(who):
            raise Refused("waits for somebody else")
        return case

    def _hold(self, who: str, case: ModelCase) -> None:
        case.held_by, case.held_until = who, self.now + HOUR

    def free_for(self, who: str, teams: Sequence[str]) -> list[int]:
        """Return the cases of which one is to be given next: one's own before everybody's."""
        found: dict[str | None, list[int]] = {who: [], None: []}
        for number, case in self.cases.items():
            is_put_off = case.snoozed_until is not None and case.snoozed_until > self.as_of
            if (
                case.status in IN_WORK and self.sees(who, case) and not self._is_held(case)
                and not is_put_off and (not teams or case.team in teams)
                and case.assigned_to in found
            ):  # fmt: skip
                found[case.assigned_to].append(number)
        return found[who] or found[None]

    def claim(self, who: str, number: int) -> list[Event]:
        case = self._take(who, number)
        case.status = "claimed" if case.status == "new" else case.status
        self._hold(who, case)
        return [("case claimed", number, None)]

    def release(self, who: str, number: int) -> list[Event]:
        case = self._seen(who, number, ("claimed", "in review"))
        if case.held_by != who and not self._is_manager(who):
            raise Refused("somebody else's")
        case.status = "new"
        case.free()
        return [("case released", number, None)]

    def note(self, who: str, number: int) -> list[Event]:
        case = self._seen(who, number)
        case.n_notes += 1
        if case.held_by == who:
            self._hold(who, case)
        return [("note added", number, None)]

    def begin(self, who: str, number: int) -> list[Event]:
        case = self._take(who, number)
        events: list[Event] = []
        if who not in case.drafts:
            case.drafts[who] = {}
            events = [("review started", number, None)]
        elif (case.status, case.held_by) != ("in review", who):
            events = [("review gone on with", number, None)]
        case.status = "in review"
        self._hold(who, case)
        return events

    def draft(self, who: str, number: int, answers: dict[str, Any]) -> list[Event]:
        events = self.begin(who, number)
        self.cases[number].drafts[who] = answers
        return [*events, ("review draft saved", number, None)]

    def submit(self, who: str, number: int, useful: Collection[str], n_asked: int) -> list[Event]:
        if set(useful) != set(self._take(who, number).flags):
            raise Refused("another flag is open")
        events = self.begin(who, number)
        case = self.cases[number]
        del case.drafts[who]
        case.reviews.append((who, "submitted"))
        case.useful = tuple(useful)
        case.status = "actions open"
        events.append(("review submitted", number, None))
        return events + self._ask(case, n_asked) + self._reviewed(case)

    def supersede(self, who: str, number: int, n_more: int) -> list[Event]:
        case = self._seen(who, number, ("actions open", "closed"))
        if not case.reviews:
            raise Refused("not reviewed")
        author, _ = case.reviews[-1]
        if author != who and not self._is_manager(who):
            raise Refused("somebody else's")
        case.reviews[-1] = (author, "superseded")
        case.reviews.append((who, "submitted"))
        case.status = "actions open"
        events: list[Event] = [("review superseded", number, None)]
        return events + self._ask(case, n_more) + self._reviewed(case)

    def _ask(self, case: ModelCase, n_asked: int) -> list[Event]:
        for _ in range(n_asked):
            self.actions[len(self.actions) + 1] = Act(case.number)
        return [("action asked for", case.number, None)] * n_asked

    def _reviewed(self, case: ModelCase) -> list[Event]:
        case.free()
        case.assigned_to = case.boost = None
        return self._close_if_done(case)

    def _close_if_done(self, case: ModelCase) -> list[Event]:
        if any(one.is_open for one in self.actions.values() if one.case == case.number):
            return []
        case.status, case.boost = "closed", None
        return [("case closed", case.number, None)]

    def settle(self, who: str, action: int, kind: str) -> list[Event]:
        found = self.actions.get(action)
        if found is None:
            raise Refused("no such action")
        case = self._seen(who, found.case)
        if not found.is_open:
            raise Refused("is done")
        found.is_open = False
        return [(kind, case.number, None), *self._close_if_done(case)]

    def manage(
        self, who: str, numbers: Sequence[int], kind: str, allowed: Collection[str], **values: Any
    ) -> list[Event]:
        """Do one thing to some cases, or to none of them where one of them does not allow it."""
        if not self._is_manager(who):
            raise Refused("no manager")
        found = [self._seen(who, number, allowed) for number in numbers]
        to = values.get("assigned_to")
        if to is not None and not all(self.sees(to, case) for case in found):
            raise Refused("not to be seen by them")
        for case in found:
            for name, value in values.items():
                setattr(case, name, value)
            if "status" in values:
                case.free()
            case.n_notes += kind != "case assigned"
        return [(kind, number, None) for number in numbers]

    def assign(self, who: str, numbers: Sequence[int], to: str) -> list[Event]:
        return self.manage(who, numbers, "case assigned", IN_WORK, status="new", assigned_to=to)

    def close(self, who: str, numbers: Sequence[int]) -> list[Event]:
        return self.manage(who, numbers, "case closed", ("new", "claimed"), status="closed")

    def reopen(self, who: str, number: int) -> list[Event]:
        afresh = {"status": "new", "boost": "reopened", "assigned_to": None, "snoozed_until": None}
        return self.manage(who, [number], "case reopened", ("closed",), **afresh)

    def snooze(self, who: str, numbers: Sequence[int], until: dt.date) -> list[Event]:
        if until <= self.as_of:
            raise Refused("not to come")
        still_open = (*IN_WORK, "actions open")
        return self.manage(who, numbers, "case snoozed", still_open, snoozed_until=until)

    def boost(self, who: str, number: int, why: str) -> list[Event]:
        return self.manage(who, [number], "case boosted", (*IN_WORK, "actions open"), boost=why)

    def night(
        self, as_of: dt.date, records: Mapping[str, tuple[str, bool, Mapping[str, str | None]]]
    ) -> list[Event]:
        """Bring the cases up to date with records.

        Each says its team, its mark, and of each rule that could be judged on what a flag of it
        rests, or None where it is clear.
        """
        self.as_of = as_of
        events: list[Event] = []
        by_record = {case.record: case for case in self.cases.values()}
        for name, (team, restricted, outcomes) in records.items():
            flagged = {rule: lasting for rule, lasting in outcomes.items() if lasting is not None}
            case, is_new = by_record.get(name), name not in by_record
            if case is None:
                if not flagged:
                    continue
                number = len(self.cases) + 1
                case = self.cases[number] = ModelCase(number, name, team, restricted)
                events.append(("case opened", number, None))
            if flagged:
                case.team, case.restricted = team, restricted
            raised = self._raise(case, flagged, [] if is_new else events)
            gone = [
                rule for rule, lasting in outcomes.items() if lasting is None and rule in case.flags
            ]
            for rule in gone:
                del case.flags[rule]
                case.cleared.add(rule)
                events.append(("flag cleared", case.number, rule))
            if not is_new:
                self._follow(case, raised, bool(gone), events)
        return [*events, ("run stored", None, None)]

    def _raise(self, case: ModelCase, flagged: Mapping[str, str], events: list[Event]) -> bool:
        raised = False
        for rule, lasting in flagged.items():
            if rule not in case.flags:
                again = rule in case.cleared
                case.cleared.discard(rule)
                events.append(("flag raised again" if again else "flag raised", case.number, rule))
                raised = True
            elif case.flags[rule] != lasting:
                events.append(("flag changed", case.number, rule))
            case.flags[rule] = lasting
        return raised

    def _follow(self, case: ModelCase, raised: bool, gone: bool, events: list[Event]) -> None:
        if raised and case.status == "closed":
            case.status, case.boost = "new", "came back"
            case.assigned_to = case.snoozed_until = None
            events.append(("case reopened", case.number, None))
        elif raised and case.boost is None:
            case.boost = "a flag was added"
            events.append(("case boosted", case.number, None))
        if (raised or gone) and not case.flags and case.status == "new":
            case.status = "closed"
            events.append(("case closed", case.number, None))
