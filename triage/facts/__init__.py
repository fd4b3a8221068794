"""Every fact that a rule may ask, in families: each fact beside the way it is measured.

A fact is unknown for a referral when a column that it needs is absent or cannot be read; a blank
event has not happened, and what would be counted from it is "none", which no comparison holds of.
"""

from __future__ import annotations

from typing import Final

from triage.facts import allocation, contacts, decision, history, quality, work
from triage.facts.fact import Asked, Fact, FactKind, SubjectName
from triage.facts.table import FactTable, plain_value

FACTS: Final[tuple[Fact, ...]] = (
    *history.FACTS,
    *decision.FACTS,
    *allocation.FACTS,
    *work.FACTS,
    *quality.FACTS,
    *contacts.FACTS,
)
"""Every fact, in the order in which a referral goes its way; those of contacts come last."""

FACT_BY_NAME: Final = {fact.name: fact for fact in FACTS}

__all__ = [
    "FACTS",
    "FACT_BY_NAME",
    "Asked",
    "Fact",
    "FactKind",
    "FactTable",
    "SubjectName",
    "plain_value",
]
