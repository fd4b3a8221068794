"""Which columns would let most rules be judged that an extract leaves open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from triage.ruleset import Ruleset
from triage.sources.folder import BESIDE


@dataclass(frozen=True)
class Unlock:
    """Columns that the extract lacks, and the rules that could be judged with them."""

    columns: tuple[str, ...]
    rules: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the columns for a script."""
        return {"columns": list(self.columns), "rules": list(self.rules)}


@dataclass(frozen=True)
class TableUnlock:
    """A whole table that could be given beside, and the rules that could be judged with it."""

    table: str
    rules: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the table for a script."""
        return {"table": self.table, "rules": list(self.rules)}


def unlocks(
    ruleset: Ruleset, closed: Sequence[str], carried: frozenset[str], could: Iterable[str]
) -> list[Unlock]:
    """Return the columns that would let rules be judged that cannot be now, the best first.

    ``closed`` are the rules that cannot be judged with the ``carried`` columns, ``could`` those
    that an extract may carry. Where no column alone unlocks any rule, the smallest set that does
    is the one answer.
    """
    absent = [name for name in could if name not in carried]
    found = [
        Unlock((name,), opened)
        for name in absent
        if (opened := _opened(ruleset, closed, carried | {name}))
    ]
    if not found:
        found = _smallest_set(ruleset, closed, carried, absent)
    return sorted(found, key=lambda one: -len(one.rules))


def _opened(ruleset: Ruleset, closed: Sequence[str], carried: frozenset[str]) -> tuple[str, ...]:
    return tuple(rule_id for rule_id in closed if ruleset.can_flag(rule_id, carried))


def _smallest_set(
    ruleset: Ruleset, closed: Sequence[str], carried: frozenset[str], absent: Sequence[str]
) -> list[Unlock]:
    """Return the fewest columns that unlock a rule; of equally few, those that unlock most."""
    found = [
        Unlock(columns, _opened(ruleset, closed, carried.union(columns)))
        for rule_id in closed
        if (columns := lacking(ruleset, rule_id, carried, absent))
    ]
    return sorted(found, key=lambda one: (len(one.columns), -len(one.rules)))[:1]


def lacking(
    ruleset: Ruleset, rule_id: str, carried: frozenset[str], could: Iterable[str]
) -> tuple[str, ...]:
    """Return the fewest columns for want of which a rule cannot be judged; none where it can be.

    Of sets equally small the first counts, in the order of ``could``: what an extract may carry.
    None as well where the rule could not be judged even with all of them.
    """
    columns = ruleset.columns(rule_id) - carried
    absent = [name for name in could if name in columns]
    for size in range(len(absent) + 1):
        for names in combinations(absent, size):
            if ruleset.can_flag(rule_id, carried.union(names)):
                return names
    return ()


def of_tables(
    ruleset: Ruleset, closed: Sequence[str], carried: frozenset[str]
) -> tuple[TableUnlock, ...]:
    """Return which rules a whole table of decisions, allocations and so on would let be judged."""
    found = (
        TableUnlock(name, _opened(ruleset, closed, carried.union(beside.carries, beside.keeps)))
        for name, beside in BESIDE.items()
    )
    return tuple(sorted((one for one in found if one.rules), key=lambda one: -len(one.rules)))
