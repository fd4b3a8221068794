"""Properties of a whole check, on small tables made at random."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter

import dirty_tables
import dirty_words
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.conditions import Compare, leaves
from triage.facts import FACT_BY_NAME, FactTable
from triage.judging import CANNOT_TELL_CODE, judge_all
from triage.measure import KNOWN
from triage.pipeline import check_sources
from triage.records import load
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options, Run
from triage.sources.grid import row_numbers
from triage.subject import ReferralSubject
from triage.tables import RawTable, Source, encode

AS_OF = dt.date(2023, 6, 30)
RULES = load_rules(shipped("rules"))
HEADER = list(dirty_words.COLUMNS)
seeds = st.integers(0, 10**6)

NOTHING_DONE = {"PRO-05", "CMP-04"}
NOT_BEGUN = {"DEC-09", *NOTHING_DONE}
ABSENCE_COUNTS = {
    "referral_source": {"DQ-04"},
    "primary_need": {"DQ-04"},
    "decision_at": {"DEC-01", "ALL-01", "ALL-02", "CMP-01", "CMP-04"},
    "rationale_length": {"DEC-03", "CMP-01"},
    "risk_rating": {"DEC-04", "CMP-01"},
    "threshold_level": {"DEC-04", "CMP-01"},
    "history_considered": {"DEC-10", "CMP-03"},
    "allocated_at": {"ALL-02", "ALL-09", "CMP-01", *NOTHING_DONE},
    "assessment_started_on": {"PRO-01", "PRO-07", "PRO-10", *NOT_BEGUN},
    "assessment_reviewed_on": {"PRO-04"},
    "assessment_authorised_on": {"PRO-02", "PRO-04", "PRO-09", "DQ-04"},
    "strategy_discussion_on": {"PRO-06", *NOT_BEGUN},
    "section47_started_on": NOT_BEGUN,
    "icpc_on": {"PRO-08", "PRO-09", *NOTHING_DONE},
    "icpc_not_required": {"PRO-08", "PRO-09"},
    "last_oversight_on": {"ALL-09", "OVS-01", *NOTHING_DONE},
    "date_of_birth": {"DQ-05"},
    "expected_date_of_birth": {"DQ-05"},
    "closed_on": {
        "DQ-04", "DQ-06", "REF-11", "PRO-01", "PRO-02", "PRO-04", "ALL-02", "ALL-08", "ALL-09",
        "CMP-01", "OVS-01", *NOTHING_DONE,
    },
    "closure_reason": {"DQ-06"},
}  # fmt: skip
"""Which rules look for the absence of a cell, or stop short of it: only these may newly flag.

A closure after the day of judgement hides its reason; a blank one leaves an unlisted reason seen.
"""


def table(seed: int, n: int) -> list[dict[str, str]]:
    header, rows = dirty_tables.make_table(seed, n, HEADER, AS_OF)
    return [
        dict(zip(header, row, strict=True)) | {"referral_id": f"R{number}"}
        for number, row in enumerate(rows)
    ]


def source(rows: list[dict[str, str]], name: str = "table") -> Source:
    columns = {column: encode([row[column] for row in rows]) for column in HEADER}
    return Source(name, "referral table", "", RawTable(name, row_numbers(len(rows)), columns))


def run(rows: list[dict[str, str]], window: int | None = None) -> Run:
    return check_sources([source(rows)], RULES, Options(AS_OF, window, dt.date(2015, 1, 1)))


def outcomes(result: Run) -> dict[tuple[str, str], int]:
    return {
        (rule_id, str(referral_id)): int(code)
        for rule_id, codes in result.referrals.judged.outcomes.items()
        for referral_id, code in zip(result.referrals.judged.ids, codes, strict=True)
    }


def flagged(result: Run) -> set[tuple[str, str]]:
    return {(flag.rule, flag.referral_id) for flag in result.flags}


@given(seeds, st.integers(1, 60), st.sampled_from([None, 0, 3]))
def test_every_row_read_is_accounted_for(seed: int, n: int, window: int | None) -> None:
    rows = [*table(seed, n), LONE]
    result = run(rows, window)
    fates = Counter(result.rows)
    assert fates.pop("read") == len(rows) == fates.total()
    judged = result.rows["judged"]
    for told in result.results:
        assert told.n_flag + told.n_clear + told.n_cannot_tell == judged
    rejected = [problem for problem in result.problems if problem.kind == "rejected"]
    assert len(rejected) == result.rows["rejected"]


@given(seeds, seeds)
def test_an_unrelated_child_changes_nothing(seed: int, other_seed: int) -> None:
    rows = table(seed, 30)
    others = [
        row
        | {
            "child_id": "other " + row["child_id"].strip(),
            "household_id": "other " + row["household_id"],
            "referral_id": f"other {number}",
        }
        for number, row in enumerate(table(other_seed, 20))
    ]
    alone, together = outcomes(run([*rows, LONE])), outcomes(run([*rows, LONE, *others]))
    of_the_extract = {"DQ-02"}
    same = {key: code for key, code in alone.items() if key[0] not in of_the_extract}
    assert {key: together[key] for key in same} == same


LONE = {**dict.fromkeys(HEADER, ""), "child_id": "lone", "referral_date": "2023-06-01",
        "referral_id": "lone"}  # fmt: skip


@given(seeds, st.integers(0, 40), st.integers(0, 40))
def test_widening_the_window_never_removes_a_flag(seed: int, narrow: int, more: int) -> None:
    rows = [*table(seed, 40), LONE]
    smaller, larger = flagged(run(rows, narrow)), flagged(run(rows, narrow + more))
    assert smaller <= larger <= flagged(run(rows, None))


@pytest.mark.parametrize("column", HEADER[3:])
@settings(max_examples=settings().max_examples // 4)
@given(seed=seeds)
def test_blanking_a_cell_flags_only_where_absence_is_what_the_rule_looks_for(
    column: str, seed: int
) -> None:
    rows = [*table(seed, 25), LONE]
    before = outcomes(run(rows))
    chosen = random.Random(seed).randrange(len(rows))
    blanked = [row | ({column: ""} if n == chosen else {}) for n, row in enumerate(rows)]
    after = outcomes(run(blanked))
    newly = {key[0] for key, code in after.items() if code == 1 and before.get(key) == 0}
    assert newly <= ABSENCE_COUNTS.get(column, set())


@given(seeds, st.sampled_from([None, dt.date(2022, 5, 1)]))
def test_cannot_tell_only_where_a_fact_that_the_rule_needs_is_unknown(
    seed: int, history: dt.date | None
) -> None:
    loaded = load([source([*table(seed, 40), LONE])], AS_OF)
    subject = ReferralSubject(loaded.referrals, AS_OF, history or dt.date(2015, 1, 1))
    facts = FactTable(subject, FACT_BY_NAME)
    rules = RULES.of("referral")
    verdicts = judge_all(rules, facts, np.ones(len(facts), bool))
    unsure = {}
    for rule_id in rules.order:
        rule = rules.by_id[rule_id]
        found = np.zeros(len(facts), bool)
        for leaf in leaves(rule.condition):
            if isinstance(leaf, Compare):
                measure = facts.measure(leaf.asked)
                found |= ~np.isin(measure.state, [KNOWN, 1])
                if measure.high is not None:
                    found |= measure.high != measure.value
            else:
                found |= unsure[leaf.rule]
        unsure[rule_id] = found
        assert not ((verdicts[rule_id].codes == CANNOT_TELL_CODE) & ~found).any(), rule_id


def test_the_same_source_given_twice_only_adds_collapsed_duplicates() -> None:
    rows = [*table(5, 40), LONE]
    options = Options(AS_OF, None)
    once = check_sources([source(rows)], RULES, options)
    twice = check_sources([source(rows), source(rows, "again")], RULES, options)
    assert flagged(once) == flagged(twice)
    kept = once.rows["read"] - once.rows["rejected"] - once.rows["collapsed"]
    assert twice.rows["collapsed"] == 2 * once.rows["collapsed"] + kept
