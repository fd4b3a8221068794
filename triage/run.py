"""The result of one check: every row accounted for, every rule counted, every flag."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from triage.due import Due
from triage.entries import CONTACTS
from triage.facts import FactTable
from triage.flags import Flag, Flags
from triage.joining import Join
from triage.reading import USUAL, Reading
from triage.rules import Rule, Status
from triage.ruleset import Ruleset, severity_rank
from triage.tables import Input, Problem

DEFAULT_WINDOW = 3


@dataclass(frozen=True)
class Options:
    """What a run is asked: the date of judgement, the window in months (None: all), history.

    ``reading`` says how the inputs are to be read; ``jobs`` how many parts of them are judged at
    the same time (None: chosen by their size).
    """

    as_of: dt.date
    window: int | None = DEFAULT_WINDOW
    history_from: dt.date | None = None
    reading: Reading = USUAL
    jobs: int | None = None


@dataclass(frozen=True)
class RuleResult:
    """How one rule ended on the judged referrals, or contacts."""

    rule: Rule
    n_flag: int
    n_clear: int
    n_cannot_tell: int
    can_flag: bool
    missing_columns: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the counts as outside scripts read them."""
        return {
            "id": self.rule.id,
            "severity": self.rule.severity,
            "flag": self.n_flag,
            "clear": self.n_clear,
            "cannot_tell": self.n_cannot_tell,
            "not_evaluable": not self.can_flag,
            "missing_columns": list(self.missing_columns),
        }


@dataclass(frozen=True)
class Judged:
    """What was judged, known by its identifier and its child's, with the outcome of every rule."""

    names: pa.ChunkedArray
    child_names: pa.ChunkedArray
    outcomes: dict[str, npt.NDArray[np.int8]]

    @cached_property
    def ids(self) -> npt.NDArray[np.object_]:
        """Return the identifiers as Python strings."""
        return np.asarray(self.names.to_numpy(zero_copy_only=False), object)

    @cached_property
    def child_ids(self) -> npt.NDArray[np.object_]:
        """Return the children's identifiers as Python strings."""
        return np.asarray(self.child_names.to_numpy(zero_copy_only=False), object)


@dataclass(frozen=True)
class Judgement:
    """What the rules said of all that was judged of one subject."""

    rows: Mapping[str, int]
    problems: tuple[Problem, ...]
    results: tuple[RuleResult, ...]
    flags: Flags
    judged: Judged = field(repr=False)
    make_table: Callable[[], FactTable] | None = field(default=None, repr=False)

    @cached_property
    def table(self) -> FactTable | None:
        """Return the facts of everything in one table; None where there was nothing to judge."""
        return None if self.make_table is None else self.make_table()

    def results_of(self, status: Status) -> tuple[RuleResult, ...]:
        """Return the counts of the rules that are stable, or on trial."""
        return tuple(result for result in self.results if result.rule.status == status)


@dataclass(frozen=True)
class Run:
    """What one check found: of referrals, and of contacts, which may never become one."""

    options: Options
    history_from: dt.date
    sources: tuple[Input, ...]
    ruleset: Ruleset
    notes: tuple[str, ...]
    referrals: Judgement
    contacts: Judgement
    due: tuple[Due, ...]
    joins: tuple[Join, ...] = ()
    written_to: str = ""
    """The folder that the flags were written to in place of being given back; "" mostly."""

    @property
    def rows(self) -> Mapping[str, int]:
        """Return the rows of referrals by fate."""
        return self.referrals.rows

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with the rows of referrals and of the tables beside them."""
        return self.referrals.problems

    @property
    def results(self) -> tuple[RuleResult, ...]:
        """Return the counts of the stable rules that judge referrals."""
        return self.referrals.results_of("stable")

    @property
    def loaded(self) -> tuple[RuleResult, ...]:
        """Return every stable rule as it ended on the judged referrals.

        A rule that judges contacts cannot be evaluated on a referral, which has no contact's date;
        how it ended on the contacts is told with them.
        """
        n_judged = self.rows["judged"]
        of_contacts = [
            RuleResult(result.rule, 0, 0, n_judged, False, CONTACTS[:1])
            for result in self.contacts.results_of("stable")
        ]
        return tuple(sorted((*self.results, *of_contacts), key=lambda one: one.rule.id))

    @cached_property
    def flags(self) -> Flags:
        """Return the flags of the stable rules on referrals, in the order of the contract."""
        return self._flags(self.referrals, "stable")

    @cached_property
    def contact_flags(self) -> Flags:
        """Return the flags of the stable rules on contacts, in the same order."""
        return self._flags(self.contacts, "stable")

    @cached_property
    def stable_flags(self) -> Flags:
        """Return the flags of the stable rules on referrals, then those on contacts."""
        return self.flags + self.contact_flags

    @property
    def trial_results(self) -> tuple[RuleResult, ...]:
        """Return the counts of the rules on trial."""
        return self.referrals.results_of("trial") + self.contacts.results_of("trial")

    @property
    def trial_flags(self) -> tuple[Flag, ...]:
        """Return the flags of the rules on trial, which never reach the queue."""
        found = (self._flags(of, "trial") for of in (self.referrals, self.contacts))
        return tuple(sorted((flag for flags in found for flag in flags), key=flag_order))

    def _flags(self, judgement: Judgement, status: Status) -> Flags:
        rules = self.ruleset.by_id.items()
        return judgement.flags.of_rules({name for name, rule in rules if rule.status == status})

    def reaches(self, severity: str) -> bool:
        """Return whether a flag of this severity or above was raised by a stable rule."""
        rank = severity_rank(severity)
        results = (*self.results, *self.contacts.results_of("stable"))
        return any(one.n_flag and severity_rank(one.rule.severity) <= rank for one in results)

    @property
    def window(self) -> str:
        """Return the window in months, or ``all``."""
        return "all" if self.options.window is None else str(self.options.window)

    def inputs_json(self) -> list[dict[str, Any]]:
        """Return what was read, as outside scripts read it."""
        return [
            {
                "path": source.path,
                "kind": source.kind,
                "sha256": source.sha256,
                "rows": source.n_rows,
            }
            for source in self.sources
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the run as one object for outside scripts."""
        told = self.told()
        told["flags"] = [flag.as_json() for flag in self.flags]
        told["contacts"]["flags"] = [flag.as_json() for flag in self.contact_flags]
        return told

    def told(self) -> dict[str, Any]:
        """Return that object with flags as ``Flags``, which are too many to be made one by one."""
        return {
            "as_of": self.options.as_of.isoformat(),
            "inputs": self.inputs_json(),
            "ruleset": {"hash": self.ruleset.hash, "count": len(self.loaded)},
            "rows": dict(self.rows),
            "window": self.window,
            "history_from": self.history_from.isoformat(),
            "notes": list(self.notes),
            "joins": [one.as_json() for one in self.joins],
            "rejections": problems_json(self.problems, "rejected"),
            "problems": problems_json(self.problems, "problem"),
            "rules": [result.as_json() for result in self.loaded],
            "flags": self.flags,
            "due": [one.as_json() for one in self.due],
            "contacts": {
                "rows": dict(self.contacts.rows),
                "rejections": problems_json(self.contacts.problems, "rejected"),
                "problems": problems_json(self.contacts.problems, "problem"),
                "rules": [r.as_json() for r in self.contacts.results_of("stable")],
                "flags": self.contact_flags,
            },
            "trial": {
                "rules": [result.as_json() for result in self.trial_results],
                "flags": [flag.as_json() for flag in self.trial_flags],
            },
        }


def problems_json(problems: Iterable[Problem], kind: str) -> list[dict[str, Any]]:
    """Return the rejections, or the problems, as outside scripts read them."""
    return [
        {
            "source": problem.source,
            "row": problem.row,
            "column": problem.column,
            "message": problem.message,
        }
        for problem in problems
        if problem.kind == kind
    ]


def flag_order(flag: Flag) -> tuple[int, dt.date, str, str]:
    """Return the key by which flags are ordered: critical first, then date, identifier, rule."""
    return severity_rank(flag.severity), flag.referral_date, flag.referral_id, flag.rule
