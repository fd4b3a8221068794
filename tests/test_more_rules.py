"""The product against an independent reading of the rules that are not in the contract's table."""

from __future__ import annotations

import csv
import datetime as dt
import random
from pathlib import Path

import oracle_more
import pytest
from oracle_cells import (
    CLOSURE_REASONS,
    FACTORS,
    PRIMARY_NEEDS,
    REFERRAL_SOURCES,
    RISK_RATINGS,
)
from oracle_cells import (
    OUTCOMES as DECISION_OUTCOMES,
)
from oracle_folder import MORE_READERS

from triage.judging import OUTCOMES
from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options
from triage.sample import make_council, write_folder

AS_OF = dt.date(2026, 9, 30)
RULES = load_rules(shipped("rules"))
KEYS = ("child_id", "referral_id", "referral_date")
DATES = {name for name in MORE_READERS if name.endswith(("_at", "_on", "_date"))}
UNREADABLE_DATES = ("2026-02-31", "soon", "06/2026", "1899-12-30", "2026-13-01", "00:00")
BOOLEANS = ("true", "false", "yes", "n", "maybe")
WORDS = {
    "referral_source": (*REFERRAL_SOURCES, "11", "school"),
    "primary_need": (*PRIMARY_NEEDS, "N1", "N1", "N1", "N12", "n4"),
    "nfa": BOOLEANS,
    "referrals_in_last_12_months": ("0", "1", "2", "two"),
    "closure_reason": (*CLOSURE_REASONS, "RC8", "rc9", "RC77"),
    "decision_outcome": (*DECISION_OUTCOMES, "assessment", "section47", "later"),
    "risk_rating": (*RISK_RATINGS, "Red", "orange"),
    "rationale_hash": ("a", "b"),
    "allocated_worker_id": ("W1", "W2", "W3", "duty", "Pool", "Assessment North"),
    "allocated_worker_role": ("Social Worker", "NQSW", "duty", "Referral Coordinator"),
    "worker_is_agency": BOOLEANS,
    "worker_is_registered": BOOLEANS,
    "worker_caseload": ("15", "16", "20", "21", "many"),
    "team": ("Assessment North", "North", "W1"),
    "household_id": ("H1", "H2", "H3"),
    "assessment_factors": (*FACTORS, "2B;3A", "3A;4B", "3A", "3A;3Z"),
    "icpc_not_required": BOOLEANS,
    "supersedes_decision_id": ("D1", "D2"),
    "superseding_reason": ("told more",),
    "contact_outcome": ("referral", "open_case", "nfa", "other", "phoned"),
}
REPEATED = ("allocations", "decisions", "contacts", "oversight", "early_help")

# Where the product may know less than the oracle, which tries what each unknown cell may hold.
MORE_CAUTIOUS = {
    *("ALL-03", "ALL-04", "ALL-05", "ALL-06", "PRO-04", "REF-06", "REF-10", "REF-13"),
    *("CMP-02", "CMP-04"),
}
# Measured over 100 cases: 0.0051 at most.
MOST_CAUTIOUS = 0.01

Tables = dict[str, tuple[list[str], list[list[str]]]]


def read(folder: Path) -> Tables:
    tables = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as handle:
            header, *rows = csv.reader(handle)
            tables[path.stem] = (header, rows)
    return tables


def write(tables: Tables, folder: Path) -> None:
    folder.mkdir()
    for name, (header, rows) in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle).writerows([header, *rows])


def moved(chance: random.Random, text: str) -> str:
    """Move a date some days, rarely many; a date in another form stays."""
    try:
        day = dt.date.fromisoformat(text[:10])
    except ValueError:
        return text
    span = chance.choice((1, 3, 10, 40, 200, 500))
    return (day + dt.timedelta(days=chance.randint(-span, span))).isoformat() + text[10:]


def changed(chance: random.Random, column: str, text: str) -> str:
    """Change one cell: blank, unreadable, another word of the column, or another day."""
    if column in DATES:
        kind = chance.random()
        if kind < 0.25:
            return ""
        return chance.choice(UNREADABLE_DATES) if kind < 0.4 else moved(chance, text)
    if column in WORDS and chance.random() < 0.7:
        return chance.choice(WORDS[column])
    return "" if column in WORDS or chance.random() < 0.3 else text


def dirtied(tables: Tables, seed: int) -> Tables:
    """Leave tables and columns out, enter rows again, and change cells, as the seed says."""
    chance = random.Random(seed)
    share = chance.choice((0.0, 0.01, 0.04, 0.1))
    again = chance.choice((0.0, 0.1, 0.4))
    lost = chance.choice((0.0, 0.0, 0.03, 0.1))
    done: Tables = {}
    for name, (header, rows) in tables.items():
        if name != "referrals" and chance.random() < lost * 2:
            continue
        grown = []
        for row in rows:
            grown.append(list(row))
            while name in REPEATED and chance.random() < again:
                grown.append(
                    [
                        changed(chance, column, text)
                        if column not in KEYS and chance.random() < 0.7
                        else text
                        for column, text in zip(header, row, strict=True)
                    ]
                )
        chance.shuffle(grown)
        for row in grown:
            for place, column in enumerate(header):
                rate = share / 10 if column in KEYS else share
                if chance.random() < rate:
                    row[place] = changed(chance, column, row[place])
        keep = [
            place
            for place, column in enumerate(header)
            if chance.random() >= lost
            or (name == "referrals" and column in KEYS)
            or column in ("child_id", "contact_date")
        ]
        done[name] = ([header[p] for p in keep], [[row[p] for p in keep] for row in grown])
    return done


def product(path: Path, as_of: dt.date, history_from: dt.date | None) -> dict:
    run = check([str(path)], RULES, Options(as_of, None, history_from))
    found = {}
    for judged, names in (
        (run.referrals.judged, oracle_more.RULES),
        (run.contacts.judged, ["REF-13"]),
    ):
        for name in names:
            codes = judged.outcomes.get(name, [])
            for identifier, code in zip(judged.ids.tolist(), codes, strict=bool(len(codes))):
                found[(name, identifier)] = OUTCOMES[code]
    return found


def differences(path: Path, as_of: dt.date, history_from: dt.date | None) -> list:
    """List where the two say otherwise: rule and identifier, what the oracle says, the product.

    A product that knows less is listed too, unless the rule may be, and it seldom is.
    """
    referrals, contacts = oracle_more.judge(path, as_of, history_from)
    told, found = {**referrals, **contacts}, product(path, as_of, history_from)
    listed = [
        (*key, told.get(key), found.get(key))
        for key in sorted(told.keys() | found.keys())
        if told.get(key) != found.get(key)
    ]
    others = [one for one in listed if not is_more_cautious(*one)]
    few = len(listed) - len(others) <= MOST_CAUTIOUS * len(told)
    return others if few else listed


def is_more_cautious(rule: str, _: str, told: str | None, found: str | None) -> bool:
    return rule in MORE_CAUTIOUS and told in ("clear", "flag") and found == "cannot_tell"


def random_case(seed: int, folder: Path) -> tuple[Path, dt.date, dt.date | None]:
    chance = random.Random(f"case {seed}")
    council = make_council(chance.randint(300, 800), seed=seed, as_of=AS_OF, months=18)
    write_folder(council, folder / "made")
    write(dirtied(read(folder / "made"), seed), folder / "dirty")
    back = chance.choice((0, 0, 0, 1, 3, 30, 120, 300))
    history = chance.choice((None, None, 18, 12, 9, 24))
    as_of = AS_OF - dt.timedelta(days=back)
    since = None if history is None else AS_OF - dt.timedelta(days=history * 30)
    return folder / "dirty", as_of, since


def test_the_invented_council_that_comes_with_the_tool() -> None:
    assert not differences(shipped("sample_data"), AS_OF, dt.date(2025, 4, 1))


@pytest.mark.parametrize("seed", range(10))
def test_other_councils_with_dirtier_tables(tmp_path: Path, seed: int) -> None:
    assert not differences(*random_case(seed, tmp_path))


def test_the_changed_tables_end_every_rule_in_every_way(tmp_path: Path) -> None:
    ended: set[tuple[str, str]] = set()
    for seed in range(8):
        path = tmp_path / str(seed)
        path.mkdir()
        referrals, contacts = oracle_more.judge(*random_case(seed, path))
        told = {**referrals, **contacts}
        ended |= {(rule, outcome) for (rule, _), outcome in told.items()}
    rules = [*oracle_more.RULES, "REF-13"]
    missing = {(rule, outcome) for rule in rules for outcome in OUTCOMES} - ended
    # How often a row was entered is always known.
    assert missing <= {("DQ-03", "cannot_tell")}
