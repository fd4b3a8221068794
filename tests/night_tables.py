"""Records of a small council that change from night to night, and what is done in between."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from oracle_queue import ACTS

from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.ruleset import Ruleset, ruleset

SHIPPED = load_rules(shipped("rules"))
ASKED = ("ALL-02", "DEC-01", "DEC-02", "DEC-04", "DQ-06", "REF-01", "REF-08", "REF-13")
FIRST_NIGHT = dt.date(2023, 6, 28)


def rules_with(rule: str, status: str) -> Ruleset:
    """Return the rules that are asked, one of them in another status."""
    return ruleset(
        [
            replace(one, about=one.about.model_copy(update={"status": status}))
            if one.id == rule
            else one
            for one in SHIPPED.only(*ASKED).rules
        ]
    )


RULES = {
    "all": rules_with("", ""),
    "one on trial": rules_with("DEC-04", "trial"),
    "one retired": rules_with("DQ-06", "retired"),
    "one gone": SHIPPED.only(*(rule for rule in ASKED if rule != "DEC-02")),
}


COLUMNS = ("child_id", "referral_date", "referral_id", "nfa", "team", "closed_on",
           "closure_reason", "decision_at", "risk_rating", "threshold_level", "allocated_at",
           "restricted")  # fmt: skip
REFERRALS = (
    "A 2023-03-06 R1 no North 2023-05-02 RC7 2023-03-06 red 3 2023-03-07 -",
    "A 2023-06-20 R2 no North - - 2023-06-27 red - - -",
    "B 2023-06-21 - no South - - - - - - -",
    "C 2023-06-26 R4 no - 2023-06-27 - 2023-06-26 red 3 2023-06-26 -",
    "É 2023-05-04 R1 yes North 2023-05-05 RC8 2023-05-04 amber 2 - -",
)
"""Each of some flags, of the second one several; ``-`` is blank."""
CHOICES = {
    "nfa": ["no", "yes", "perhaps"],
    "team": ["North", "South 'End\"", "-"],
    "closed_on": ["-", "2023-06-27", "never"],
    "closure_reason": ["-", "RC7"],
    "decision_at": ["-", "2023-06-21", "2023-06-27", "2023-06-28", "2023-06-31"],
    "threshold_level": ["3", "-", "none"],
    "allocated_at": ["-", "2023-06-27"],
    "restricted": ["-", "true"],
    "is there": ["yes", "no"],
}
CONTACT_COLUMNS = ("contact_id", "child_id", "contact_date", "contact_outcome", "team")
CONTACTS = (
    "K1 A 2023-03-01 nfa Door",
    "K2 A 2023-06-22 nfa -",
    "K3 D 2023-05-02 nfa Door",
    "K4 D 2023-06-02 nfa Door",
    "K5 D 2023-06-23 nfa Door",
)
"""The last of the child's three contacts is flagged."""
CONTACT_CHOICES = {
    "contact_outcome": ["nfa", "referral"],
    "team": ["Door", "-"],
    "is there": ["yes", "no"],
}


def edits_of(n_rows: int, choices: dict[str, list[str]]) -> st.SearchStrategy[Any]:
    """Return some cells to be typed anew: row, column, and what stands there then."""
    cells = [(name, text) for name, texts in choices.items() for text in texts]
    one = st.tuples(st.integers(0, n_rows - 1), st.sampled_from(cells))
    return st.lists(one, max_size=3)


@dataclass(frozen=True)
class Night:
    """What was typed since the night before, and how and when the records are judged."""

    referrals: list[tuple[int, tuple[str, str]]]
    contacts: list[tuple[int, tuple[str, str]]]
    days: int
    rules: str
    acts: tuple[tuple[str, int], ...] = ()
    """What somebody did in the day before, and to which case."""


NIGHTS = st.lists(
    st.builds(
        Night,
        edits_of(len(REFERRALS), CHOICES),
        edits_of(len(CONTACTS), CONTACT_CHOICES),
        st.sampled_from([0, 0, 1, 3, -2, 90]),
        st.sampled_from(["all", "all", *RULES]),
        st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 9)), max_size=3).map(
            tuple
        ),
    ),
    min_size=2,
    max_size=5,
)
BACK_AND_FORTH = [
    Night([], [], 0, "all"),
    Night([(3, ("closure_reason", "RC7"))], [(4, ("contact_outcome", "referral"))], 0, "all"),
    Night([(3, ("closure_reason", "-"))], [(4, ("contact_outcome", "nfa"))], 5, "all"),
    Night([(1, ("decision_at", "2023-06-28"))], [], 0, "one on trial"),
    Night([(2, ("is there", "no"))], [(4, ("is there", "no"))], 0, "all"),
    Night([(2, ("is there", "yes"))], [], 0, "one retired"),
    Night([], [], 1, "one gone"),
    Night([], [(4, ("is there", "yes"))], 1, "all"),
    Night([(1, ("threshold_level", "none"))], [], 0, "all"),
    Night([(1, ("threshold_level", "3"))], [], 0, "all"),
    Night([(0, ("closure_reason", "-"))], [], 0, "all"),
]
"""Cases that close and come back, flags that change, records that leave, rules that fall silent.

At the end what is raised stays the same: a cell is unreadable, then it clears a flag; then only a
referral without a flag is told otherwise.
"""
EVERY_CASE = range(5)
SOON_DUE = [(1, ("decision_at", "2023-06-21")), (1, ("threshold_level", "3")),
            (0, ("closed_on", "-"))]  # fmt: skip
"""What clears the flags of a referral that are to be reviewed first, and leaves another."""
WORKED_ON = [
    Night([(1, ("allocated_at", "2023-06-27"))], [], 0, "all"),
    Night([(1, ("decision_at", "2023-06-28"))], [], 0, "all"),
    Night([], [], 0, "all", tuple((act, n) for n in EVERY_CASE for act in ("assign", "snooze"))),
    Night([], [], 0, "all", tuple((act, n) for n in EVERY_CASE for act in ("boost", "close"))),
    Night([(1, ("decision_at", "2023-06-27"))], [], 0, "all"),
    Night(SOON_DUE, [], 0, "all"),
    Night([(3, ("closure_reason", "RC7"))], [(4, ("contact_outcome", "referral"))], 1, "all"),
    Night([(3, ("closure_reason", "-"))], [(4, ("contact_outcome", "nfa"))], 3, "all"),
    Night([], [], 0, "all", (("claim", 3), ("review", 4), ("review", 2), ("release", 2))),
    Night([(3, ("closure_reason", "RC7"))], [(4, ("contact_outcome", "referral"))], 1, "all"),
    Night([], [], -2, "all", (("close", 0), ("reopen", 0), ("snooze", 0))),
]
"""Cases that somebody has put off, given, closed or begun, and on which flags clear and return."""


class Records:
    """The records of a council as they are typed from night to night."""

    def __init__(self) -> None:
        self.referrals = self._read(REFERRALS, COLUMNS)
        self.contacts = self._read(CONTACTS, CONTACT_COLUMNS)

    @staticmethod
    def _read(rows: Sequence[str], columns: Sequence[str]) -> list[dict[str, str]]:
        return [{**dict(zip(columns, row.split(), strict=True)), "is there": "yes"} for row in rows]

    def type(self, night: Night) -> None:
        """Type what a night brings."""
        for rows, edits in ((self.referrals, night.referrals), (self.contacts, night.contacts)):
            for place, (column, text) in edits:
                rows[place][column] = text

    def write(self, folder: Path) -> list[str]:
        """Write the tables that have a row, that of referrals always having one."""
        found = []
        if all(row["is there"] == "no" for row in self.referrals):
            self.referrals[0]["is there"] = "yes"
        for name, rows in (("referrals", self.referrals), ("contacts", self.contacts)):
            there = [row for row in rows if row["is there"] == "yes"]
            if there:
                path = folder / f"{name}.csv"
                with path.open("w", encoding="utf-8", newline="") as opened:
                    table = csv.DictWriter(opened, list(there[0])[:-1], extrasaction="ignore")
                    table.writeheader()
                    for row in there:
                        table.writerow({k: "" if v == "-" else v for k, v in row.items()})
                found.append(str(path))
        return found
