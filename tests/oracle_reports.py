"""A slow, plain reading of what the reports count, from the records and from what was drawn.

It knows the records as ``oracle`` reads them and what ``quarter`` drew; it asks neither the store
nor ``triage.report``. One referral is looked at at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from oracle import Verdict as _Verdict
from oracle import _accept, _collapse, _disown_reused_ids, _name, load
from oracle_cells import BLANK, GIVEN, Truth, elapsed, months_before
from oracle_rules import Referral

MISSING = "not recorded"
STANDS = ("in time", "late", "not yet, in time", "not yet, overdue", "not needed", "cannot tell")
AGES = (1, 5, 10, 20, None)
Group = Callable[[Referral], bool]


class Reading:
    """The records as of a day, as somebody sees them who sees some teams (None: all)."""

    def __init__(
        self, table: Path, as_of: date, teams: Iterable[str] | None = None, *, reader: bool = False
    ) -> None:
        verdict = _Verdict(dict.fromkeys(("read", "rejected"), 0))
        accepted = _accept([load(table)], as_of, verdict)
        used = _disown_reused_ids(accepted, verdict)
        kept = _collapse(accepted)
        _name(kept.values(), used)
        self.as_of = as_of
        self.start = min(one.day for one in accepted)
        self.everything = sorted(
            (one for one in kept.values() if one.day <= as_of), key=lambda one: (one.child, one.day)
        )
        self.previous: dict[str, Referral] = {}
        self.following: dict[str, Referral] = {}
        last: dict[str, Referral] = {}
        for one in self.everything:
            if one.child in last:
                self.previous[one.referral_id] = last[one.child]
                self.following[last[one.child].referral_id] = one
            last[one.child] = one
        chosen = None if teams is None else set(teams)
        self.seen = [
            one
            for one in self.everything
            if (reader or one.known("restricted") is not True)
            and (chosen is None or one.known("team") in chosen)
        ]

    def between(self, first: date, last: date) -> list[Referral]:
        return [one for one in self.seen if first <= one.day <= last]

    def covered(self, one: Referral, months: int = 12) -> bool:
        return months_before(one.day, months) >= self.start

    def came_back(self, one: Referral, months: int = 12) -> Truth:
        before = self.previous.get(one.referral_id)
        if before and before.day >= months_before(one.day, months):
            return True
        return False if self.covered(one, months) else None

    def decision(self, one: Referral) -> str:
        return self._stand(one, "decision_at", one.day)

    def allocation(self, one: Referral) -> str:
        """Say how it stands: closed before anybody was allocated, it needs nobody any more."""
        if one.nfa is True or (one.happened("allocated_at") is not True and one.is_open is False):
            return "not needed"
        if one.nfa is None or one.happened("decision_at") is None:
            return "cannot tell"
        return self._stand(one, "allocated_at", one.on("decision_at") or one.day)

    def _stand(self, one: Referral, event: str, start: date) -> str:
        happened = one.happened(event)
        if happened is None:
            return "cannot tell"
        late = elapsed(start, one.on(event) or self.as_of) > 1
        return STANDS[(0 if happened else 2) + late]


def text(one: Referral, column: str) -> str:
    """Return a code as the council writes it, or that there is none."""
    value = one.known(column)
    if value is None:
        return MISSING
    return str(value) if column == "team" else str(value).upper()


def counted(things: Iterable[str]) -> dict[str, int]:
    return {thing: n for thing, n in Counter(things).items() if n}


# What had gone before ----------------------------------------------------------------------------


def not_closed(before: Referral, day: date) -> str:
    """Say that an episode was not closed by a day; nothing where it was, or nobody knows."""
    closed = before.closed
    if closed is None or (closed and before.on("closed_on") <= day):  # type: ignore[operator]
        return ""
    if not closed and before.nfa is True:
        return "no further action, and no date of closure"
    return "not closed before the re-referral"


def closure_before(before: Referral, day: date) -> str:
    return not_closed(before, day) or text(before, "closure_reason")


def days_since(before: Referral, day: date) -> str:
    if before.closed is None:
        return "cannot tell"
    if said := not_closed(before, day):
        return said
    days = (day - before.on("closed_on")).days  # type: ignore[operator]
    if days > 180:
        return "more than 180 days"
    return "0 to 30 days" if days <= 30 else "31 to 90 days" if days <= 90 else "91 to 180 days"


def same_need(one: Referral, before: Referral) -> str:
    needs = [text(each, "primary_need") for each in (one, before)]
    if {"N0", "N9", MISSING} & set(needs):
        return "cannot tell"
    return "yes" if needs[0] == needs[1] else "no"


def yes_or_no(told: Truth) -> str:
    return {True: "yes", False: "no", None: "cannot tell"}[told]


# The weeks ---------------------------------------------------------------------------------------


def ends_of(last: date, weeks: int = 26) -> list[date]:
    return [last - timedelta(7 * back) for back in range(weeks)][::-1]


def weekly(reading: Reading, measure: str, end: date, mine: Group) -> tuple[int | None, int]:
    """Return the part and the whole of a measure in the week that ends on a day."""
    part, whole = 0, 0
    for one in filter(mine, reading.seen):
        day, is_whole, is_part = _measured(reading, measure, one)
        if is_whole and day is not None and end - timedelta(7) < day <= end:
            whole += 1
            part += is_part
    return (None if measure == "referrals" else part, whole)


def _measured(reading: Reading, measure: str, one: Referral) -> tuple[date | None, bool, bool]:
    if measure == "referrals":
        return one.day, True, False
    if measure in ("re-referrals", "rapid-returns"):
        months = 12 if measure == "re-referrals" else 3
        return one.day, reading.covered(one, months), reading.came_back(one, months) is True
    if measure in ("decisions", "allocations"):
        stands = reading.decision(one) if measure == "decisions" else reading.allocation(one)
        return one.day, stands in ("in time", "late", "not yet, overdue"), stands == "in time"
    event, limit = ("assessment_authorised_on", 45) if measure == "assessments" else ("icpc_on", 15)
    start = one.day if measure == "assessments" else one.on("strategy_discussion_on")
    end = one.on(event)
    if start is None or end is None:
        return None, False, False
    return end, True, elapsed(start, end) <= limit


MEASURES = (
    "referrals", "re-referrals", "rapid-returns", "decisions", "allocations", "assessments",
    "conferences",
)  # fmt: skip


def median_before(pairs: Sequence[tuple[int | None, int]]) -> float | None:
    """Return the median of the 13 weeks before the last: of numbers, or of shares in percent."""
    before = pairs[-14:-1]
    numbers = [
        whole if part is None else 100 * part / whole
        for part, whole in before
        if part is None or whole
    ]
    return median(numbers) if numbers else None


def banded(ages: Iterable[int]) -> list[int]:
    """Return how many there are in all, and how many in each band of working days."""
    left = list(ages)
    found = [len(left)]
    for most in AGES:
        found.append(sum(most is None or age <= most for age in left))
        left = [age for age in left if most is not None and age > most]
    return found


def waiting(reading: Reading, mine: Group) -> tuple[list[int], list[int]]:
    """Return what waits of decisions and of allocations, among the open referrals."""
    as_of = reading.as_of
    open_ones = [one for one in reading.seen if mine(one) and one.is_open is True]
    decisions = [
        elapsed(one.day, as_of) for one in open_ones if reading.decision(one).startswith("not yet")
    ]
    allocations = [
        elapsed(one.on("decision_at") or one.day, as_of)
        for one in open_ones
        if reading.allocation(one).startswith("not yet")
    ]
    return banded(decisions), banded(allocations)


# Endings and returns -----------------------------------------------------------------------------


def ending(one: Referral, to: date) -> str:
    """Say how a referral had ended by a day: by its date of closure, not by a reason alone."""
    reason = text(one, "closure_reason")
    if one.nfa is True:
        return "NFA"
    if one.closed is None:
        return "cannot tell" if reason == MISSING else reason
    if one.closed and one.on("closed_on") <= to:  # type: ignore[operator]
        return "no reason" if reason == MISSING else reason
    return "cannot tell" if one.nfa is None else "open"


def follows(reading: Reading, one: Referral, to: date) -> str:
    """Return the ending that a re-referral follows; nothing where it follows none."""
    before = reading.previous[one.referral_id]
    how = ending(before, to)
    if how in ("open", "cannot tell"):
        return ""
    if how == "NFA" or before.closed is None:
        return how
    return how if before.on("closed_on") <= one.day else ""  # type: ignore[operator]


def followed(reading: Reading, to: date, *, from_closure: bool) -> list[tuple[Referral, int, bool]]:
    """Return each referral that is followed, for how many days, and whether the child came back."""
    found = []
    for one in reading.seen:
        start = one.on("closed_on") if from_closure else one.day
        after = reading.following.get(one.referral_id)
        if one.day > to or start is None or start > to:
            continue
        if from_closure and after and after.day < start:
            continue
        is_back = after is not None and after.day <= to
        end = after.day if after and is_back else to
        found.append((one, max((end - start).days, 0), is_back))
    return found


def at_mark(lasted: Iterable[tuple[int, bool]], day: int) -> tuple[int, int]:
    """Return how many are followed still after a day, and how many had come back by then."""
    all_of = list(lasted)
    back = sum(is_back and days <= day for days, is_back in all_of)
    gone = sum(not is_back and days <= day for days, is_back in all_of)
    return len(all_of) - back - gone, back


def kept(lasted: Iterable[tuple[int, bool]], day: int) -> float | None:
    """Return the share not come back by a day, in percent: Kaplan and Meier's product, by hand."""
    all_of = sorted(lasted)
    share = 1.0
    for at in sorted({days for days, is_back in all_of if is_back and days <= day}):
        n = sum(days >= at for days, _ in all_of)
        share *= 1 - sum(days == at and is_back for days, is_back in all_of) / n
    return 100 * share if all_of[-1][0] >= day or not share else None


# What was drawn ----------------------------------------------------------------------------------


def final_answers(drawn: Any) -> dict[str, Mapping[str, Any]]:
    """Return the answers that are final, by referral."""
    return {
        drawn.referral_of[case]: answers
        for case, answers in drawn.answers.items()
        if case not in drawn.pending
    }


def case_of(drawn: Any) -> dict[str, int]:
    return {referral: case for case, referral in drawn.referral_of.items()}


def route(drawn: Any, case: int | None) -> str:
    """Say what became of a re-referral, as far as was drawn."""
    if case is None:
        return "no case"
    if case in drawn.pending:
        return "reviewed, and waits for a second review or its moderation"
    if case in drawn.answers:
        is_done = drawn.queue[case].status in ("closed", "actions open")
        return "reviewed" if is_done else "reviewed, and opened again since"
    if drawn.queue[case].status != "closed":
        return "waits for its review"
    return "closed by a manager, without a review"


def action_state(one: Mapping[str, Any], as_of: date) -> str:
    if one["done_on"]:
        return "Done in time" if one["done_on"] <= one["due_on"] else "Done late"
    if one["handed"]:
        return "Handed over"
    return "Open, overdue" if one["due_on"] < as_of else "Open, not due"


__all__ = ["BLANK", "GIVEN", "Reading", "Referral", "months_before"]
