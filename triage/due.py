"""Early warning: what falls due today or on the next working day, before it is late.

Nothing here is a flag. A rule that knows what it waits for (its file has a ``due``) is asked again
with its clocks two working days on and the records as they stand: what it would flag then, and does
not flag now, is due today or on the next working day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from triage.calendar import add_working_days, to_date
from triage.facts import FactTable
from triage.flagged import flagged
from triage.judging import FLAG_CODE, Bench, Verdict, judge_all
from triage.rules import Rule
from triage.ruleset import Ruleset
from triage.validation import GIVEN
from triage.wording import words_of_due

Whole = npt.NDArray[np.int64]

AHEAD: Final = 2
"""Working days the clocks are put on by: what is due on the next one is late on the second."""


@dataclass(frozen=True)
class Due:
    """Something that a rule will flag unless it is done by ``due_on``."""

    rule: str
    severity: str
    child_id: str
    referral_id: str
    referral_date: dt.date
    team: str | None
    due_on: dt.date
    message: str
    restricted: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as outside scripts read it."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "child_id": self.child_id,
            "referral_id": self.referral_id,
            "referral_date": self.referral_date.isoformat(),
            "team": self.team,
            "due_on": self.due_on.isoformat(),
            "message": self.message,
        }


def what_is_due(
    ruleset: Ruleset,
    table: FactTable,
    judged: npt.NDArray[np.bool_],
    verdicts: Mapping[str, Verdict],
    bench: Bench,
) -> tuple[Due, ...]:
    """Return what falls due by the next working day, the earliest first.

    ``verdicts`` are tonight's, so that what is flagged already is not called due.
    """
    wanted = [r.id for r in ruleset.rules if r.about.due and r.status == "stable" and not r.is_off]
    if not wanted:
        return ()
    later = table.with_clock(add_working_days(table.subject.as_of, AHEAD))
    needed = ruleset.only(*wanted)
    then = judge_all(needed, later, judged, bench)
    found: list[Due] = []
    for rule_id in wanted:
        is_new = (then[rule_id].codes == FLAG_CODE) & (verdicts[rule_id].codes != FLAG_CODE)
        rows = np.flatnonzero(judged & is_new)
        if len(rows):
            rule = needed.by_id[rule_id]
            found += _of_rule(
                rule, later, *words_of_due(rule, needed, flagged(rule, later, then, rows))
            )
    return in_order(found)


def in_order(found: Iterable[Due]) -> tuple[Due, ...]:
    """Return what falls due with the earliest first."""
    return tuple(sorted(found, key=lambda one: (one.due_on, one.rule, one.referral_id)))


def _of_rule(
    rule: Rule, table: FactTable, rows: Whole, days: Whole, messages: list[str]
) -> Iterator[Due]:
    """Yield what falls due by one rule: whose, by when, and what is to be done."""
    entries, team = table.subject.entries, table.subject.column("team")
    restricted = table.subject.is_restricted
    for row, day, message in zip(rows.tolist(), days.tolist(), messages, strict=True):
        yield Due(
            rule.id,
            rule.severity,
            entries.child_names[int(entries.child[row])],
            entries.identifiers[int(entries.identity[row])],
            to_date(int(entries.day[row])),
            team.names[team.value[row]] if team.state[row] == GIVEN else None,
            to_date(day),
            message,
            bool(restricted[row]),
        )
