"""Checking the checker: each figure of a rule is what the records, or the reviewers, say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from hashlib import sha256
from itertools import groupby
from typing import Any

import pytest
from conftest import REPOSITORY
from oracle import RULES as ORACLE
from oracle import Verdict, judge, load
from oracle_reports import final_answers
from quarter import LAST, NIGHTS, TABLE, Quarter
from report_reading import Told, reading, records_of, told

from triage import reporting
from triage.report.records import RuleUse

TEXTS = {
    "-".join(path.name.split("-")[:2]): sha256(path.read_bytes()).hexdigest()
    for path in (REPOSITORY / "rules").glob("*.yaml")
}


@cache
def verdict(night: int) -> Verdict:
    return judge([load(TABLE)], NIGHTS[night], 3)


@pytest.fixture
def rules(quarter: Quarter) -> Told:
    return told(quarter, "rules")


def test_every_rule_of_the_run_has_a_row_and_what_it_judged_adds_up(rules: Told) -> None:
    rows = rules.by_text("rules-last-run")
    assert set(rows) == set(TEXTS)
    judged = verdict(-1).rows["judged"]
    for name, (title, flag, clear, cannot, share, evaluable, exceptions) in rows.items():
        assert title
        assert flag + clear + cannot in (0, judged), name
        assert share == (round(100 * flag / (flag + clear), 1) if flag + clear else "z")
        assert evaluable in ("yes", "no")
        assert exceptions == 0


@pytest.mark.parametrize("name", sorted(ORACLE))
def test_at_the_last_run_a_rule_ended_as_a_reading_of_the_contract_has_it(
    rules: Told, name: str
) -> None:
    expected = verdict(-1).rules[name]
    row = rules.by_text("rules-last-run")[name]
    assert row[1:4] == [expected["flag"], expected["clear"], expected["cannot_tell"]]
    assert row[5] == ("no" if expected["not_evaluable"] else "yes")


@pytest.mark.parametrize("name", sorted(ORACLE))
def test_the_cases_a_rule_flagged_are_those_of_every_night_and_open_ones_those_that_hold(
    rules: Told, name: str
) -> None:
    """What is judged no more keeps the state it had."""
    seen = {one.referral_id for one in reading().seen}
    ever, held = set(), set()
    for night in range(len(NIGHTS)):
        for (rule, referral), outcome in verdict(night).outcomes.items():
            if rule != name or referral not in seen:
                continue
            if outcome == "flag":
                ever.add(referral)
                held.add(referral)
            else:
                held.discard(referral)
    rows = [row for row in rules.rows("rules-useful") if row[0] == name]
    assert [row[2:4] for row in rows] == ([[len(ever), len(held)]] if ever else [])


def test_usefulness_is_what_final_reviews_say_of_each_flag(quarter: Quarter, rules: Told) -> None:
    hidden = {one.referral_id for one in quarter.queue.values() if one.restricted}
    said: Counter[tuple[str, str]] = Counter(
        (rule, answer)
        for referral, answers in final_answers(quarter).items()
        for rule, answer in answers["flags_useful"].items()
        if referral not in hidden
    )
    rows = rules.rows("rules-useful")
    assert {rule for rule, _ in said} <= {row[0] for row in rows}
    for name, of_rule in groupby(rows, lambda row: row[0]):
        (row,) = of_rule
        expected = [said[name, answer] for answer in ("yes", "partly", "no")]
        assert row[4:7] == expected, name
        n = sum(expected)
        assert row[7] == (round(100 * expected[0] / n, 1) if n else "z")
        assert not n or row[8] <= row[7] <= row[9]
        assert row[1] == TEXTS[name][:12]


def uses(quarter: Quarter, *found: tuple[str, str, dict[str, int]]) -> str:
    records = replace(
        records_of(quarter.url),
        uses=tuple(RuleUse(name, text, 9, 3, useful) for name, text, useful in found),
    )
    return _bullets(reporting.document_of("rules", records, reporting.Asked()))


def _bullets(document: Any) -> str:
    (section,) = [one for one in document.sections if one.title == "Rules to look at"]
    return "\n".join(words.text for words in section.blocks[0].items)


def test_a_rule_is_useful_to_nobody_from_five_answers_of_no_on(quarter: Quarter) -> None:
    told = uses(
        quarter,
        ("DEC-01", "a", {"no": 3}), ("DEC-01", "b", {"no": 2}), ("DEC-02", "c", {"no": 4}),
        ("DEC-03", "d", {"no": 9, "partly": 1}),
    )  # fmt: skip
    assert "Useful to nobody, of at least 5 answers: DEC-01." in told


def test_a_rule_that_never_flagged_anybody_is_named_if_it_could(rules: Told) -> None:
    rows = rules.by_text("rules-last-run")
    flagged = {row[0] for row in rules.rows("rules-useful")}
    never = [
        name for name, row in rows.items()
        if row[5] == "yes" and not row[1] and name not in flagged
    ]  # fmt: skip
    words = ", ".join(never) or "none"
    assert f"though they can be evaluated: {words}." in _bullets(rules.document)
    assert rules.document.standing.as_of == LAST
