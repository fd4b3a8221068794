"""What a form of records cannot tell, as narrowly as it is so, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from triage.vocabulary import CANNOT_TELL, CLEAR, FLAG

SSD = frozenset({"ssd_sqlite", "ssd_postgresql"})
NATIONAL = SSD | {"cin", "annex_a"}
Key = tuple[str, int]
"""A child and the day of a referral or contact, by which it is known in every form."""
Change = tuple[str, str]
"""The outcome in the folder, and in another form."""


@dataclass(frozen=True)
class Record:
    """A referral as the council has it, with the child's earlier ones, the latest last."""

    cells: dict[str, str]
    earlier: tuple[dict[str, str], ...]
    registered: tuple[str, ...]
    """Whether each worker who held it in turn is registered, as it was typed."""

    def has(self, column: str) -> bool:
        return self.cells[column] != ""


@dataclass(frozen=True)
class Untold:
    """Outcomes that differ because a form does not carry the fact, and of which records."""

    why: str
    forms: frozenset[str]
    rules: frozenset[str]
    changes: frozenset[Change]
    of: Callable[[Record], bool]

    def allows(self, form: str, rule: str, change: Change, record: Record) -> bool:
        return (
            form in self.forms and rule in self.rules and change in self.changes and self.of(record)
        )


def is_untold_in_list_6(record: Record) -> bool:
    """Whether this referral or an earlier one is NFA, and so in no list 6, or bears letter h)."""
    return any(
        one["nfa"] == "true" or one["closure_reason"] in ("RC8", "RC9")
        for one in (record.cells, *record.earlier)
    )


UNTOLD = (
    Untold(
        "one row a referral tells of its first worker only, not of who followed",
        frozenset({"table"}),
        frozenset({"ALL-04"}),
        frozenset({(CLEAR, FLAG)}),
        lambda record: len(record.registered) > 1,
    ),
    Untold(
        "one row a referral tells of the latest oversight note only, not of the first",
        frozenset({"table"}),
        frozenset({"CMP-04", "PRO-05"}),
        frozenset({(FLAG, CANNOT_TELL)}),
        lambda record: record.has("last_oversight_on"),
    ),
    Untold(
        "a strategy discussion is known by the section 47 enquiry it led to, and bears its date",
        NATIONAL - {"annex_a"},
        frozenset({"PRO-06", "PRO-08"}),
        frozenset({(FLAG, CLEAR)}),
        lambda record: (
            record.cells["strategy_discussion_on"] != record.cells["section47_started_on"]
        ),
    ),
    Untold(
        "list 5 holds no strategy discussion that led to no section 47 enquiry",
        frozenset({"annex_a"}),
        frozenset({"PRO-08"}),
        frozenset({(FLAG, CLEAR)}),
        lambda record: not record.has("section47_started_on"),
    ),
    Untold(
        "list 6 holds no referral that ended with no further action, so neither its need nor "
        "its closure, and has one letter for both RC8 and RC9",
        frozenset({"annex_a"}),
        frozenset({"CMP-02", "DQ-06", "REF-05", "REF-08", "REF-09"}),
        frozenset({(FLAG, CANNOT_TELL), (CLEAR, CANNOT_TELL)}),
        is_untold_in_list_6,
    ),
    Untold(
        "without decisions the time to an allocation runs from the referral, and the message says "
        "so",
        SSD,
        frozenset({"ALL-01"}),
        frozenset({(CLEAR, FLAG), (FLAG, CLEAR)}),
        lambda record: record.has("decision_at"),
    ),
    Untold(
        "a registration stands once with the worker, and that somebody is not registered cannot "
        "be written",
        SSD,
        frozenset({"ALL-05"}),
        frozenset({(FLAG, CANNOT_TELL), (CLEAR, CANNOT_TELL), (CANNOT_TELL, CLEAR)}),
        lambda record: bool({"false", ""}.intersection(record.registered)),
    ),
)
