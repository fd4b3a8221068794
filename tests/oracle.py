"""A slow, plain reading of the contract for the referral table as CSV.

The product judges whole columns at once. This module judges one referral at a time with ordinary
Python, so that the two can be compared on any table: where they differ, one of them has misread
the contract. For that reason nothing here is imported from the product, and every rule is written
as close to the words of the contract as Python allows.

Truth has three values: True, False and None for unknown.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from oracle_cells import (
    _ABSENT_CELL,
    _BLANK_CELL,
    ABSENT,
    BLANK,
    GIVEN,
    READERS,
    UNREADABLE,
    Cell,
    Truth,
    elapsed,
    mask,
    months_before,
    nth_working_day,
    read_cell,
)
from oracle_rules import (
    Case,
    Referral,
    all_01,
    all_02,
    allocation_start,
    cmp_01,
    dec_01,
    dec_02,
    dec_03,
    dec_04,
    dec_05,
    dec_06,
    dec_07,
    dec_08,
    dec_10,
    dq_05,
    dq_06,
    pro_02,
    pro_03,
    pro_08,
    ref_01,
    ref_02,
    ref_04,
    ref_05,
    ref_07,
    ref_08,
    ref_11,
    ref_14,
)

Table = tuple[str, list[str], list[list[str]]]


@dataclass(frozen=True)
class Rule:
    """One rule: its test, the columns it reads, and the smallest sets that can make it true.

    ``enough`` was worked out by hand: with every column of one of its sets present, and all the
    others of the rule unknown, the rule can still come out true; with none of the sets, never.
    """

    test: Callable[[Case], Truth]
    columns: frozenset[str]
    enough: tuple[frozenset[str], ...]


def _rule(test: Callable[[Case], Truth], *enough: str, also: str = "") -> Rule:
    """Write a rule down: each ``enough`` is a set of columns, ``also`` what else it reads."""
    sets = tuple(frozenset(one.split()) for one in enough) or (frozenset[str](),)
    return Rule(test, frozenset(also.split()).union(*sets), sets)


RULES: dict[str, Rule] = {
    "REF-01": _rule(ref_01),
    "REF-02": _rule(ref_02),
    "REF-04": _rule(ref_04),
    "REF-05": _rule(ref_05, "primary_need"),
    "REF-07": _rule(ref_07, "nfa"),
    "REF-08": _rule(ref_08, "closed_on"),
    "REF-11": _rule(ref_11, "nfa closed_on"),
    "REF-14": _rule(ref_14, "nfa"),
    "DEC-01": _rule(dec_01, "decision_at"),
    "DEC-02": _rule(dec_02, "decision_at"),
    "DEC-03": _rule(dec_03, "decision_at rationale_length"),
    # One of the two blank is enough.
    "DEC-04": _rule(dec_04, "decision_at risk_rating", "decision_at threshold_level"),
    "DEC-05": _rule(dec_05, "decision_at decision_maker_role"),
    "DEC-06": _rule(dec_06, "decision_at decision_maker_id allocated_at allocated_worker_id"),
    # A decision before the referral needs no time of recording.
    "DEC-07": _rule(dec_07, "decision_at", also="decision_recorded_at"),
    "DEC-08": _rule(dec_08, "nfa risk_rating"),
    "DEC-10": _rule(dec_10, "decision_at history_considered"),
    # Without decisions in the extract the clock starts at the referral.
    "ALL-01": _rule(all_01, "nfa allocated_at", also="decision_at"),
    "ALL-02": _rule(all_02, "nfa closed_on allocated_at", also="decision_at"),
    "PRO-02": _rule(pro_02, "nfa closed_on assessment_started_on assessment_authorised_on"),
    "PRO-03": _rule(pro_03, "assessment_authorised_on"),
    # A conference held late needs no mark.
    "PRO-08": _rule(pro_08, "strategy_discussion_on icpc_on", also="icpc_not_required"),
    # A referral long before either date needs only that date.
    "DQ-05": _rule(dq_05, "date_of_birth", "expected_date_of_birth"),
    "DQ-06": _rule(dq_06, "closed_on closure_reason"),
    # ALL-01 with DEC-01 is the way that asks least.
    "CMP-01": _rule(
        cmp_01,
        "nfa allocated_at decision_at",
        also="closed_on rationale_length risk_rating threshold_level",
    ),
}

# Working-day limits of the rules that have one.
LIMITS = {
    "DEC-01": 1,
    "DEC-02": 1,
    "ALL-01": 1,
    "ALL-02": 1,
    "PRO-02": 45,
    "PRO-03": 45,
    "PRO-08": 15,
}


def _span(rule: str, case: Case) -> tuple[date | None, date | None]:
    """Return the start and the end of the time a flagged rule with a limit has measured."""
    this = case.this
    return {
        "DEC-01": (this.day, case.as_of),
        "DEC-02": (this.day, this.on("decision_at")),
        "ALL-01": (allocation_start(case), this.on("allocated_at")),
        "ALL-02": (allocation_start(case), case.as_of),
        "PRO-02": (this.day, case.as_of),
        "PRO-03": (this.day, this.on("assessment_authorised_on")),
        "PRO-08": (this.on("strategy_discussion_on"), this.on("icpc_on") or case.as_of),
    }[rule]


# --------------------------------------------------------------------------------------------
# The whole run
# --------------------------------------------------------------------------------------------


@dataclass
class Verdict:
    """Everything a run of the checker must agree with."""

    rows: dict[str, int]
    rules: dict[str, dict[str, object]] = field(default_factory=dict)
    flags: set[tuple[str, str, str, str]] = field(default_factory=set)
    rejections: set[tuple[str, int, str]] = field(default_factory=set)
    problems: set[tuple[str, int, str]] = field(default_factory=set)
    history_from: date | None = None
    # (rule, referral_id) -> (due_on as YYYY-MM-DD, overdue working days), flagged referrals only.
    due: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    # (rule, referral_id) -> "flag", "clear" or "cannot_tell", to say where two readings differ.
    outcomes: dict[tuple[str, str], str] = field(default_factory=dict)


def load(path: Path, source: str | None = None) -> Table:
    """Read a CSV file as the raw table ``judge`` takes; lines with nothing in them are none."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        records = [record for record in csv.reader(handle) if record]
    return (source if source is not None else str(path), records[0], records[1:])


def _row_cells(header: Sequence[str], record: Sequence[str]) -> dict[str, Cell]:
    """Read one record; a column the table does not have is absent, a short row's are blank."""
    raw = {
        column: record[place] if place < len(record) else "" for place, column in enumerate(header)
    }
    cells = {
        column: read_cell(column, raw[column]) if column in raw else _ABSENT_CELL
        for column in READERS
    }
    # The text of a rationale stands in for its length where the length is not given.
    if "rationale" in raw and cells["rationale_length"].state in (ABSENT, BLANK):
        text = raw["rationale"].strip()
        cells["rationale_length"] = Cell(GIVEN, len(text)) if text else _BLANK_CELL
    return cells


def _accept(tables: Sequence[Table], as_of: date, verdict: Verdict) -> list[Referral]:
    """Read every row, list what cannot be read, and turn away rows without child or date."""
    accepted = []
    for source, header, records in tables:
        for row, record in enumerate(records, start=2):
            verdict.rows["read"] += 1
            cells = _row_cells(header, record)
            verdict.problems |= {
                (source, row, column) for column, cell in cells.items() if cell.state == UNREADABLE
            }
            child, referred = cells["child_id"].value, cells["referral_date"].value
            if not isinstance(child, str):
                verdict.rejections.add((source, row, "child_id"))
            elif not isinstance(referred, datetime):
                verdict.rejections.add((source, row, "referral_date"))
            else:
                typed = cells["referral_id"].value
                mask(cells, as_of)
                accepted.append(
                    Referral(
                        source,
                        row,
                        child,
                        referred.date(),
                        referred.time(),
                        cells,
                        typed if isinstance(typed, str) else None,
                    )
                )
                continue
            verdict.rows["rejected"] += 1
    return accepted


def _disown_reused_ids(accepted: Iterable[Referral], verdict: Verdict) -> set[str]:
    """Leave each typed id with the first referral that used it; return the ids in use.

    A referral is a child and a date here, so that a same-day duplicate may repeat its id.
    """
    owners: dict[str, tuple[str, date]] = {}
    for one in accepted:
        if one.typed_id is None:
            continue
        if owners.setdefault(one.typed_id, (one.child, one.day)) != (one.child, one.day):
            verdict.problems.add((one.source, one.row, "referral_id"))
            one.typed_id = None
    return set(owners)


def _collapse(accepted: Iterable[Referral]) -> dict[tuple[str, date], Referral]:
    """Keep one referral a child and date: the earliest time, then the first in the input."""
    kept: dict[tuple[str, date], Referral] = {}
    for one in accepted:
        other = kept.get((one.child, one.day))
        if other is None or one.clock < other.clock:
            kept[(one.child, one.day)] = one
    return kept


def _name(referrals: Iterable[Referral], used: set[str]) -> None:
    """Give each referral its typed id, or ``child_id/YYYY-MM-DD/n`` with the first unused n."""
    for one in referrals:
        if one.typed_id is not None:
            one.referral_id = one.typed_id
            continue
        n = 1
        while f"{one.child}/{one.day.isoformat()}/{n}" in used:
            n += 1
        one.referral_id = f"{one.child}/{one.day.isoformat()}/{n}"
        used.add(one.referral_id)


def _in_window(one: Referral, as_of: date, window: int | None) -> bool:
    """Say whether the referral is judged: recent enough, or open at as_of, or perhaps open."""
    if window is None or one.day >= months_before(as_of, window):
        return True
    return one.is_open is not False


def _present(tables: Sequence[Table]) -> set[str]:
    """Return the columns that at least one table carries."""
    present = {column for _, header, _ in tables for column in header}
    return present | ({"rationale_length"} if "rationale" in present else set())


def judge(
    tables: Sequence[Table],
    as_of: date,
    window: int | None,
    history_from: date | None = None,
) -> Verdict:
    """Judge raw tables, given in order, by every rule; ``window`` None judges all referrals."""
    verdict = Verdict(
        dict.fromkeys(("read", "judged", "history_only", "after_as_of", "collapsed", "rejected"), 0)
    )
    accepted = _accept(tables, as_of, verdict)
    used = _disown_reused_ids(accepted, verdict)
    kept = _collapse(accepted)
    verdict.rows["collapsed"] = len(accepted) - len(kept)
    _name(kept.values(), used)
    verdict.history_from = history_from or min((one.day for one in accepted), default=None)

    counts: dict[str, Counter[str]] = {rule: Counter() for rule in RULES}
    by_child: dict[str, list[Referral]] = {}
    for one in sorted(kept.values(), key=lambda referral: referral.day):
        by_child.setdefault(one.child, []).append(one)
    for referrals in by_child.values():
        for place, one in enumerate(referrals):
            if one.day > as_of:
                verdict.rows["after_as_of"] += 1
            elif not _in_window(one, as_of, window):
                verdict.rows["history_only"] += 1
            else:
                verdict.rows["judged"] += 1
                assert verdict.history_from is not None
                case = Case(one, referrals[:place], as_of, verdict.history_from)
                _judge_one(case, counts, verdict)

    present = _present(tables)
    for rule_id, rule in RULES.items():
        verdict.rules[rule_id] = {
            **{key: counts[rule_id][key] for key in ("flag", "clear", "cannot_tell")},
            "not_evaluable": not any(columns <= present for columns in rule.enough),
            "missing_columns": set(rule.columns - present),
        }
    return verdict


def _judge_one(case: Case, counts: Mapping[str, Counter[str]], verdict: Verdict) -> None:
    """Put every rule to one referral and write the outcome down."""
    this = case.this
    for rule_id, rule in RULES.items():
        truth = rule.test(case)
        outcome = "cannot_tell" if truth is None else "flag" if truth else "clear"
        counts[rule_id][outcome] += 1
        verdict.outcomes[(rule_id, this.referral_id)] = outcome
        if not truth:
            continue
        verdict.flags.add((rule_id, this.child, this.referral_id, this.day.isoformat()))
        if rule_id in LIMITS:
            start, end = _span(rule_id, case)
            assert start is not None
            assert end is not None
            verdict.due[(rule_id, this.referral_id)] = (
                nth_working_day(start, LIMITS[rule_id]).isoformat(),
                elapsed(start, end) - LIMITS[rule_id],
            )
