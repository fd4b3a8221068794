"""Every fact that a rule may ask, in families: each fact beside the way it is measured.

A fact is unknown for a referral when a column that it needs is absent or cannot be read; a blank
event has not happened, and what would be counted from it is "none", which no comparison holds of.
"""

from __future__ import annotations

from typing import Final

from triage.facts.allocation import FACTS as ALLOCATION
from triage.facts.contacts import FACTS as CONTACTS
from triage.facts.decision import FACTS as DECISION
from triage.facts.fact import Asked, Fact, FactKind, SubjectName
from triage.facts.history import FACTS as HISTORY
from triage.facts.nights import FACTS as NIGHTS
from triage.facts.quality import FACTS as QUALITY
from triage.facts.queue import FACTS as QUEUE
from triage.facts.table import FactTable, plain_value
from triage.facts.work import FACTS as WORK

FACTS: Final[tuple[Fact, ...]] = (
    *HISTORY, *DECISION, *ALLOCATION, *WORK, *QUALITY, *NIGHTS, *QUEUE, *CONTACTS,
)  # fmt: skip
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
