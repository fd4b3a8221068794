"""What an extract can answer: its columns, its history, and the rules that can be judged on it.

It counts and points: it tells of columns and rules, never of one child.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from triage.calendar import minus_months, to_date, to_day
from triage.entries import CONTACTS
from triage.held import InputHeld, describe_input
from triage.joining import Join
from triage.ruleset import Ruleset
from triage.run import Judgement, RuleResult, Run
from triage.schema import COLUMNS, REFERRAL_COLUMNS
from triage.schema_nights import STORE_COLUMNS
from triage.sources.folder import CONTACT_COLUMNS
from triage.subject import LOOK_BACK_MONTHS
from triage.unlocking import TableUnlock, Unlock, of_tables, unlocks

FAMILIES: Final = {
    "REF": "re-referral",
    "DEC": "decision",
    "ALL": "allocation",
    "PRO": "progression",
    "OVS": "oversight",
    "DQ": "data quality",
    "CMP": "several together",
}
"""The families of the shipped rules, by the letters before the number."""
OF_REFERRALS: Final = tuple(
    name
    for name in COLUMNS
    if name not in STORE_COLUMNS and (name in REFERRAL_COLUMNS or name not in CONTACT_COLUMNS)
)
"""The columns that rules for referrals may rest on, in the tables beside them as well."""
OF_ANY_CONTACT: Final = ("child_id", CONTACTS[0])
"""What any table of contacts carries."""
MOST_TOLD: Final = 5
"""How many columns to ask for are told to a reader; a script gets them all."""


@dataclass(frozen=True)
class History:
    """How far back the records reach, and for how many referrals that is far enough.

    ``months`` are the whole months from the start to the latest referral. A referral has its
    look-back when the 12 months before it lie in the extract.
    """

    from_: dt.date
    to: dt.date | None
    months: int
    n_judged: int
    n_with_look_back: int
    window_from: dt.date | None
    window_has_look_back: bool

    def as_json(self) -> dict[str, Any]:
        """Return the history for a script."""
        return {
            "from": self.from_.isoformat(),
            "to": None if self.to is None else self.to.isoformat(),
            "months": self.months,
            "look_back_months": LOOK_BACK_MONTHS,
            "judged": self.n_judged,
            "judged_with_look_back": self.n_with_look_back,
            "window_from": None if self.window_from is None else self.window_from.isoformat(),
            "window_has_look_back": self.window_has_look_back,
        }


@dataclass(frozen=True)
class Family:
    """The rules of one family together: how many can be judged, and how they ended."""

    name: str
    n_rules: int
    n_evaluable: int
    n_flag: int
    n_clear: int
    n_cannot_tell: int

    def as_json(self) -> dict[str, Any]:
        """Return the family for a script."""
        return {
            "family": self.name,
            "rules": self.n_rules,
            "evaluable": self.n_evaluable,
            "flag": self.n_flag,
            "clear": self.n_clear,
            "cannot_tell": self.n_cannot_tell,
        }


@dataclass(frozen=True)
class Told:
    """How the rules of one subject ended, and what would let more of them be judged."""

    subject: str
    rows: Mapping[str, int]
    results: tuple[RuleResult, ...]
    unlocks: tuple[Unlock, ...]
    tables: tuple[TableUnlock, ...] = ()

    @property
    def n_evaluable(self) -> int:
        """Return how many of the rules can be judged."""
        return sum(result.can_flag for result in self.results)

    @property
    def best(self) -> tuple[Unlock, ...]:
        """Return what would unlock most rules; those that unlock equally many together."""
        most = max((len(one.rules) for one in self.unlocks), default=0)
        return tuple(one for one in self.unlocks if len(one.rules) == most)

    def as_json(self) -> dict[str, Any]:
        """Return the rules and what would unlock more of them for a script."""
        return {
            "rows": dict(self.rows),
            "evaluable": self.n_evaluable,
            "rules": [
                {"judged": self.rows["judged"], **result.as_json()} for result in self.results
            ],
            "ask_next": [one.as_json() for one in self.best],
            "unlocks": [one.as_json() for one in self.unlocks],
            "tables": [one.as_json() for one in self.tables],
        }


@dataclass(frozen=True)
class Description:
    """What some inputs together can answer."""

    as_of: dt.date
    window: int | None
    inputs: tuple[InputHeld, ...]
    history: History
    joins: tuple[Join, ...]
    referrals: Told
    contacts: Told
    families: tuple[Family, ...]
    notes: tuple[str, ...]

    @property
    def absent(self) -> tuple[str, ...]:
        """Return the columns of the schema that no input carries."""
        carried = {column.column for one in self.inputs for column in one.columns}
        return tuple(n for n in COLUMNS if n not in carried and n not in STORE_COLUMNS)

    def as_json(self) -> dict[str, Any]:
        """Return all of it for a script."""
        return {
            "as_of": self.as_of.isoformat(),
            "window": "all" if self.window is None else str(self.window),
            "inputs": [one.as_json() for one in self.inputs],
            "absent": list(self.absent),
            "history": self.history.as_json(),
            "joins": [one.as_json() for one in self.joins],
            "families": [one.as_json() for one in self.families],
            "referrals": self.referrals.as_json(),
            "contacts": self.contacts.as_json(),
            "notes": list(self.notes),
        }


def describe(run: Run) -> Description:
    """Return what the inputs of a run can answer, from what the run found."""
    return Description(
        run.options.as_of,
        run.options.window,
        tuple(describe_input(source) for source in run.sources),
        _history(run),
        run.joins,
        _of_referrals(run.referrals, run.ruleset),
        _of_contacts(run.contacts, run.ruleset),
        families((*of_records(run.referrals, run.ruleset), *run.contacts.results)),
        run.notes,
    )


def _history(run: Run) -> History:
    table = run.referrals.table
    if table is None:
        raise ValueError("a run without referrals has no history")
    subject, window = table.subject, run.options.window
    is_covered = subject.months_covered >= LOOK_BACK_MONTHS
    judged = set(run.referrals.judged.ids.tolist())
    is_judged = np.array([one in judged for one in subject.entries.ids.tolist()], bool)
    window_from = None if window is None else minus_months(run.options.as_of, window)
    in_window = np.ones(subject.n, bool)
    if window_from is not None:
        in_window = subject.day >= to_day(window_from)
    return History(
        run.history_from,
        to_date(int(subject.day.max())) if subject.n else None,
        max(0, int(subject.months_covered.max(initial=0))),
        int(is_judged.sum()),
        int((is_judged & is_covered).sum()),
        window_from,
        bool(in_window.any() and is_covered[in_window].all()),
    )


def _of_referrals(judgement: Judgement, ruleset: Ruleset) -> Told:
    carried = frozenset() if judgement.table is None else judgement.table.subject.whole.carried
    closed = [one.rule.id for one in of_records(judgement, ruleset) if not one.can_flag]
    return Told(
        "referral",
        judgement.rows,
        of_records(judgement, ruleset),
        tuple(unlocks(ruleset, closed, carried, OF_REFERRALS)),
        of_tables(ruleset, closed, carried),
    )


def _of_contacts(judgement: Judgement, ruleset: Ruleset) -> Told:
    """Return how the rules for contacts ended; without contacts these are what is asked for."""
    closed = _closed(judgement)
    if judgement.table is not None:
        carried = judgement.table.subject.whole.carried
        found = unlocks(ruleset, closed, carried, CONTACT_COLUMNS)
    else:
        opened = tuple(one for one in closed if ruleset.can_flag(one, frozenset(OF_ANY_CONTACT)))
        found = [Unlock(OF_ANY_CONTACT, opened)] if opened else []
    return Told("contact", judgement.rows, judgement.results, tuple(found))


def of_records(judgement: Judgement, ruleset: Ruleset) -> tuple[RuleResult, ...]:
    """Return how the rules ended that records can answer by themselves.

    What only the nights of a store can tell is in no extract, and nobody's to ask for.
    """
    return tuple(
        one
        for one in judgement.results
        if not ruleset.columns(one.rule.id).intersection(STORE_COLUMNS)
    )


def _closed(judgement: Judgement) -> list[str]:
    return [result.rule.id for result in judgement.results if not result.can_flag]


def family_of(rule_id: str) -> str:
    """Return the family of a rule: the letters before its number."""
    return rule_id.partition("-")[0]


def families(results: Iterable[RuleResult]) -> tuple[Family, ...]:
    """Return the counts of rules by family, the shipped families first, then a council's own."""
    by_name: dict[str, list[RuleResult]] = {}
    for result in results:
        by_name.setdefault(family_of(result.rule.id), []).append(result)
    order = [*FAMILIES, *sorted(by_name.keys() - FAMILIES.keys())]
    return tuple(
        Family(
            name,
            len(found),
            sum(one.can_flag for one in found),
            sum(one.n_flag for one in found),
            sum(one.n_clear for one in found),
            sum(one.n_cannot_tell for one in found),
        )
        for name in order
        if (found := by_name.get(name))
    )
