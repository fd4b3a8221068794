"""The stages in order: sources, records, facts, rules, outcomes. One run, from inputs to flags."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from triage.calendar import check_as_of, minus_months, minus_months_array, to_date, to_day
from triage.errors import CallError
from triage.facts import FACT_BY_NAME, FactTable
from triage.flags import Flag, describe
from triage.judging import CANNOT_TELL_CODE, CLEAR_CODE, FLAG_CODE, Verdict, judge_all
from triage.measures import KNOWN
from triage.records import Loaded, load
from triage.rules import Rule, Ruleset, severity_rank
from triage.schema import COLUMNS
from triage.sources import read_source
from triage.tables import Problem, Source
from triage.vocabulary import counted

DEFAULT_WINDOW = 3
LONE_START_MONTHS = 36
"""An earliest referral this many months before the next one is no start of an extract."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What a run is asked: the date of judgement, the window in months (None: all), history."""

    as_of: dt.date
    window: int | None = DEFAULT_WINDOW
    history_from: dt.date | None = None


@dataclass(frozen=True)
class RuleResult:
    """How one rule ended on the judged referrals."""

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
    """A judged referral, known by its identifier, with the outcome of every rule."""

    referral_ids: npt.NDArray[np.object_]
    child_ids: npt.NDArray[np.object_]
    outcomes: dict[str, npt.NDArray[np.int8]]


@dataclass(frozen=True)
class TimelineEntry:
    """A referral of a child who has a flag, flagged itself or not: what a reviewer reads first."""

    child_id: str
    referral_id: str
    referral_date: dt.date
    team: str | None
    referral_source: str | None
    primary_need: str | None
    nfa: bool | None
    closed_on: dt.date | None
    closure_reason: str | None
    restricted: bool


@dataclass(frozen=True)
class Run:
    """The result of one check: every row accounted for, every rule counted, every flag."""

    options: Options
    history_from: dt.date
    sources: tuple[Source, ...]
    ruleset: Ruleset
    rows: dict[str, int]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]
    results: tuple[RuleResult, ...]
    flags: tuple[Flag, ...]
    table: FactTable = field(repr=False)
    judged: Judged = field(repr=False)

    def reaches(self, severity: str) -> bool:
        """Return whether a flag of this severity or above was raised."""
        rank = severity_rank(severity)
        return any(severity_rank(flag.severity) <= rank for flag in self.flags)

    def as_json(self) -> dict[str, Any]:
        """Return the run as one object for outside scripts."""
        window = self.options.window
        return {
            "as_of": self.options.as_of.isoformat(),
            "inputs": [
                {
                    "path": source.path,
                    "kind": source.kind,
                    "sha256": source.sha256,
                    "rows": len(source.referrals),
                }
                for source in self.sources
            ],
            "ruleset": {"hash": self.ruleset.hash, "count": len(self.ruleset.rules)},
            "rows": dict(self.rows),
            "window": "all" if window is None else str(window),
            "history_from": self.history_from.isoformat(),
            "notes": list(self.notes),
            "rejections": [problem_json(p) for p in self.problems if p.kind == "rejected"],
            "problems": [problem_json(p) for p in self.problems if p.kind == "problem"],
            "rules": [result.as_json() for result in self.results],
            "flags": [flag.as_json() for flag in self.flags],
        }


def problem_json(problem: Problem) -> dict[str, Any]:
    """Return a rejection or problem as outside scripts read it."""
    return {
        "source": problem.source,
        "row": problem.row,
        "column": problem.column,
        "message": problem.message,
    }


def check(
    names: Sequence[str],
    ruleset: Ruleset,
    options: Options,
    progress: Progress = lambda stage: None,
) -> Run:
    """Return what the rules say of the records in ``names``; nothing is stored.

    Raises:
        CallError: for a date that cannot be judged on, or no input.
        InputError: for an input that cannot be used.
        RuleError: for a rule that cannot be evaluated.
    """
    check_as_of(options.as_of)
    if not names:
        raise CallError("no input was given; name a file or a folder of referral records.")
    sources = []
    for name in names:
        progress(f"reading {name}")
        sources.append(read_source(name))
    return check_sources(sources, ruleset, options, progress)


def check_sources(
    sources: Sequence[Source],
    ruleset: Ruleset,
    options: Options,
    progress: Progress = lambda stage: None,
) -> Run:
    """Return what the rules say of inputs that were read already."""
    as_of = options.as_of
    progress("validating")
    loaded = load(sources, as_of)
    history_from, notes = _history(loaded, options)
    progress("working out the facts")
    table = FactTable(loaded.referrals, as_of, history_from)
    is_judged = _in_window(table, options) | _open_or_may_be(table)
    progress(f"judging {counted(int(is_judged.sum()), 'referral')}")
    verdicts = judge_all(ruleset, table, is_judged)
    progress("writing the flags")
    flags = [
        flag
        for rule in ruleset.rules
        for flag in describe(
            rule,
            table,
            verdicts,
            np.flatnonzero(is_judged & (verdicts[rule.id].codes == FLAG_CODE)).tolist(),
        )
    ]
    flags.sort(key=_flag_order)
    referrals = table.subject.referrals
    n_judged = int(is_judged.sum())
    later = len(loaded.referrals) - len(table)
    return Run(
        options,
        history_from,
        loaded.sources,
        ruleset,
        {
            "read": loaded.n_read,
            "judged": n_judged,
            "history_only": len(table) - n_judged,
            "after_as_of": later,
            "collapsed": len(loaded.collapsed_days),
            "rejected": loaded.n_rejected,
        },
        (*loaded.notes, *notes),
        loaded.problems,
        tuple(_results(ruleset, verdicts, is_judged, loaded.carried)),
        tuple(flags),
        table,
        Judged(
            referrals.referral_ids[is_judged],
            referrals.child_ids[is_judged],
            {rule_id: verdict.codes[is_judged] for rule_id, verdict in verdicts.items()},
        ),
    )


def _history(loaded: Loaded, options: Options) -> tuple[dt.date, list[str]]:
    """Return the date from which the extract covers referrals, with a warning where one is due."""
    days = np.unique(loaded.referrals.day)
    earliest = to_date(int(days[0]))
    if options.history_from is not None:
        return options.history_from, []
    notes = []
    if len(days) > 1:
        following = to_date(int(days[1]))
        if earliest <= minus_months(following, LONE_START_MONTHS):
            notes.append(
                f"warning: the earliest referral ({earliest}) lies three years or more before the "
                f"next ({following}), yet history is taken to start there; give --history-from"
            )
    return earliest, notes


def _in_window(table: FactTable, options: Options) -> npt.NDArray[np.bool_]:
    day = table.subject.referrals.day
    if options.window is None:
        return np.ones(len(day), bool)
    as_of = np.array([to_day(options.as_of)], np.int32)
    return np.asarray(day >= minus_months_array(as_of, options.window)[0], bool)


def _open_or_may_be(table: FactTable) -> npt.NDArray[np.bool_]:
    measure = table.measure("is_open")
    return np.asarray((measure.state != KNOWN) | (measure.value == 1), bool)


def _results(
    ruleset: Ruleset,
    verdicts: dict[str, Verdict],
    is_judged: npt.NDArray[np.bool_],
    carried: frozenset[str],
) -> list[RuleResult]:
    found = []
    for rule in ruleset.rules:
        codes = verdicts[rule.id].codes[is_judged]
        columns = ruleset.columns(rule.id)
        found.append(
            RuleResult(
                rule,
                int((codes == FLAG_CODE).sum()),
                int((codes == CLEAR_CODE).sum()),
                int((codes == CANNOT_TELL_CODE).sum()),
                ruleset.can_flag(rule.id, carried),
                tuple(name for name in COLUMNS if name in columns - carried),
            )
        )
    return found


def timeline(run: Run) -> tuple[TimelineEntry, ...]:
    """Return every referral, up to the date of judgement, of the children who have a flag."""
    subject = run.table.subject
    referrals = subject.referrals
    children = {flag.child_id for flag in run.flags}
    rows = np.array(
        [row for row, child in enumerate(referrals.child_ids.tolist()) if child in children],
        np.int64,
    )

    def words(name: str) -> list[str | None]:
        column = subject.column(name)
        return [column.names[column.value[r]] if column.state[r] == 0 else None for r in rows]

    def days(name: str) -> list[dt.date | None]:
        column = subject.column(name)
        return [to_date(int(column.value[r])) if column.state[r] == 0 else None for r in rows]

    yes, no = subject.yes("nfa"), subject.no("nfa")
    return tuple(
        TimelineEntry(*entry)
        for entry in zip(
            referrals.child_ids[rows].tolist(),
            referrals.referral_ids[rows].tolist(),
            [to_date(int(day)) for day in referrals.day[rows]],
            words("team"),
            words("referral_source"),
            words("primary_need"),
            [True if yes[r] else (False if no[r] else None) for r in rows],
            days("closed_on"),
            words("closure_reason"),
            subject.is_restricted[rows].tolist(),
            strict=True,
        )
    )


def _flag_order(flag: Flag) -> tuple[int, dt.date, str, str]:
    return severity_rank(flag.severity), flag.referral_date, flag.referral_id, flag.rule


def lasting_evidence(flag: Flag, rule: Rule) -> dict[str, Any]:
    """Return what a flag rests on, without the clocks that run on from night to night.

    Facts that are only told in the message are left out as well: two flags with the same lasting
    evidence are the same finding, even where a date beside it was corrected.
    """
    moving = {name for name, _ in rule.facts if FACT_BY_NAME[name].moves}
    left_out = moving.union(rule.shown)
    return {name: value for name, value in flag.evidence.items() if name not in left_out}
