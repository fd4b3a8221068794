"""A slow, plain reading of the rules that are not in the contract's table.

What ``oracle`` is to the contract's own rules, this is to the others of the catalogue: one
referral at a time, in the words of each rule's file and of the table of facts, with nothing
imported from the product. Truth has three values: True, False and None for unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import oracle_more_history as history
import oracle_more_work as work
import oracle_rules as contract
from oracle_cells import ABSENT, Truth, both, either
from oracle_cells import months_before as before
from oracle_contacts import contacts, ref_13
from oracle_folder import (
    INFINITE,
    at_least,
    read_folder,
    span_of,
)
from oracle_more_case import More, among
from oracle_rules import Referral


def cmp_02(case: More) -> Truth:
    """3 referrals or more in 12 months that ended NFA for the need this one has."""
    first = before(case.this.day, 12)
    mine = [one for one in [*case.earlier, case.this] if one.day >= first]
    need = case.this.known("primary_need")
    if need in ("n0", "n9"):
        return False
    if ABSENT in (case.state("primary_need"), case.state("nfa")):
        return None
    low, high = 0, 0.0
    for guess in [need] if need else [f"n{n}" for n in range(1, 9)]:
        alike = [
            both(one.nfa, True if one is case.this else among(one.known("primary_need"), guess))
            for one in mine
        ]
        low = alike.count(True) if need else 0
        high = max(high, len(alike) - alike.count(False))
    return at_least(span_of(low, INFINITE if case.uncovered(12) else high), 3)


def cmp_03(case: More) -> Truth:
    """REF-08 with REF-05 with DEC-10."""
    return both(contract.ref_08(case), contract.ref_05(case), contract.dec_10(case))


def cmp_04(case: More) -> Truth:
    """Rated red, with ALL-02 or PRO-01 or PRO-05."""
    return both(
        among(case.this.known("risk_rating"), "red"),
        either(contract.all_02(case), work.pro_01(case), work.pro_05(case)),
    )


RULES: dict[str, Callable[[More], Truth]] = {
    name.upper().replace("_", "-"): rule
    for where in (history.__dict__, work.__dict__, globals())
    for name, rule in where.items()
    if re.fullmatch("(ref|dec|all|pro|ovs|dq|cmp)_[0-9]{2}", name) and name != "ref_13"
}


def judge(
    path: Path, as_of: date, history_from: date | None
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    """Judge every referral and every contact of a folder; outcomes by rule and identifier."""
    folder = read_folder(path, as_of, history_from)
    by_child: dict[str, list[Referral]] = {}
    for one in folder.kept:
        by_child.setdefault(one.child, []).append(one)
    referrals = {}
    for mine in by_child.values():
        for place, one in enumerate(mine):
            if one.day > as_of:
                continue
            case = More(one, mine[:place], as_of, folder.history_from, folder)
            for name, rule in RULES.items():
                referrals[(name, one.referral_id)] = outcome(rule(case))
    found = contacts(folder)
    judged = {("REF-13", c.contact_id): outcome(ref_13(folder, found, c)) for c in found}
    return referrals, judged


def outcome(truth: Truth) -> str:
    """Name a truth as the product does."""
    return "cannot_tell" if truth is None else "flag" if truth else "clear"
