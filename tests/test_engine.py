"""The engine against the second judge, on rules and facts made at random, and its safeguards."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage import engine, explain, judging
from triage.conditions import All, AnyOf, Compare, Condition, RuleHolds
from triage.errors import RuleError
from triage.facts import FACTS, Asked, Fact
from triage.measure import KNOWN, NONE, UNBOUNDED, UNKNOWN, Measure
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.rules import Rule
from triage.ruleset import Ruleset

TEMPLATE = load_rules(shipped("rules")).rules[0].about
WHOLE = [fact for fact in FACTS if fact.kind == "whole number" and not (fact.within or fact.among)][
    :4
]
YES_NO = [fact for fact in FACTS if fact.kind == "yes or no"][:3]
WORDS = [fact for fact in FACTS if fact.kind == "text"][:2]
NAMES = ("red", "Amber", "team manager", "N1", "other")


def a_rule(rule_id: str, condition: Condition) -> Rule:
    about = TEMPLATE.model_copy(update={"id": rule_id, "message": "said"})
    return Rule(about, condition, "made.yaml", rule_id)


numbers = st.integers(-3, 12)


@st.composite
def comparisons(draw: st.DrawFn) -> Compare:
    fact = draw(st.sampled_from([*WHOLE, *YES_NO, *WORDS]))
    if fact.kind == "whole number":
        name = draw(st.sampled_from(["more_than", "at_least", "less_than", "at_most"]))
        return Compare(fact.name, name, (draw(numbers),))
    if fact.kind == "yes or no":
        return Compare(fact.name, "is", (draw(st.booleans()),))
    name = draw(st.sampled_from(["is", "one_of", "none_of"]))
    words = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    return Compare(fact.name, name, tuple(words[:1] if name == "is" else words))


def conditions(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Condition]:
    return st.recursive(
        leaf,
        lambda parts: st.builds(
            lambda kind, inner: kind(tuple(inner)),
            st.sampled_from([All, AnyOf]),
            st.lists(parts, min_size=1, max_size=3),
        ),
        max_leaves=6,
    )


class Facts:
    """Facts made at random, in the shape in which the judges ask for them."""

    def __init__(self, n: int, measures: dict[str, Measure]) -> None:
        self._n, self._measures = n, measures

    def __len__(self) -> int:
        return self._n

    def measure(self, asked: Asked) -> Measure:
        return self._measures[asked.name]

    def bounds(self, asked: Asked, row: int) -> tuple[Any, Any] | None:
        measure = self._measures[asked.name]
        if measure.state[row] == UNKNOWN:
            return None
        if measure.state[row] == NONE:
            return (None, None)
        fact = next(fact for fact in FACTS if fact.name == asked.name)
        value: Any = int(measure.value[row])
        if fact.kind == "yes or no":
            value = value == 1
        if fact.kind == "text":
            value = measure.names[value]
        if measure.high is None:
            return (value, value)
        high = int(measure.high[row])
        return (value, None if high >= UNBOUNDED else high)


@st.composite
def measures(draw: st.DrawFn, fact: Fact, n: int) -> Measure:
    state = np.array(draw(st.lists(st.sampled_from([KNOWN, KNOWN, NONE, UNKNOWN]), min_size=n,
                                   max_size=n)), np.uint8)  # fmt: skip
    if fact.kind == "text":
        value = draw(st.lists(st.integers(0, len(NAMES) - 1), min_size=n, max_size=n))
        return Measure(state, np.array(value, np.int64), names=NAMES)
    if fact.kind == "yes or no":
        value = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
        return Measure(state, np.array(value, np.int64))
    low = np.array(draw(st.lists(numbers, min_size=n, max_size=n)), np.int64)
    if draw(st.booleans()):
        return Measure(state, low)
    spread = draw(st.lists(st.sampled_from([0, 1, 4, UNBOUNDED]), min_size=n, max_size=n))
    return Measure(state, low, low + np.array(spread, np.int64))


@given(st.data())
@settings(max_examples=150)
def test_engine_and_second_judge_agree_on_random_rules_and_facts(data: st.DataObject) -> None:
    n = 25
    facts = [*WHOLE, *YES_NO, *WORDS]
    table = Facts(n, {fact.name: data.draw(measures(fact, n)) for fact in facts})
    first = a_rule("AAA-01", data.draw(conditions(comparisons())))
    second = a_rule(
        "AAA-02", data.draw(conditions(st.one_of(comparisons(), st.just(RuleHolds("AAA-01")))))
    )
    rules = Ruleset((first, second), ("AAA-01", "AAA-02"))

    verdicts = judging.judge_all(rules, table, np.ones(n, bool))

    for rule in (first, second):
        for row in range(n):
            truth = explain.judge(rule.condition, judging.Row(table, verdicts, row))
            said = judging.OUTCOMES[verdicts[rule.id].codes[row]]
            assert said == explain.outcome(truth), (rule.condition, row)


def a_limit(limit: int = 3) -> Rule:
    return a_rule("AAA-03", Compare(WHOLE[0].name, "more_than", (limit,)))


def test_more_patterns_than_one_batch_are_all_answered() -> None:
    patterns = [{"f0": rank, "g0": rank} for rank in range(251)]
    assert engine.decide(a_limit(), patterns) == [rank > 1 for rank in range(251)]


def test_a_disagreement_between_the_judges_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "decide", lambda rule, patterns: [False] * len(patterns))
    table = Facts(1, {WHOLE[0].name: Measure(np.zeros(1, np.uint8), np.array([9], np.int64))})
    with pytest.raises(RuleError, match=r"AAA-03: the engine says no flag where .* say flag"):
        judging.judge_all(Ruleset((a_limit(),), ("AAA-03",)), table, np.ones(1, bool))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((2, 1), "dropped facts"),
        ((1, 1), "lost facts: its test fact was not seen"),
    ],
)
def test_facts_that_the_engine_drops_or_loses_stop_the_run(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[int, int], said: str
) -> None:
    monkeypatch.setattr(engine.durable_rules_engine, "assert_facts", lambda *_: answer)
    monkeypatch.setattr(engine.durable_rules_engine, "start_action_for_state", lambda *_: None)
    with pytest.raises(RuleError, match=f"AAA-03: could not be evaluated: .*{said}"):
        engine.decide(a_limit(), [{"f0": 1, "g0": 1}])


def test_an_error_inside_the_engine_names_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError("engine gone")

    monkeypatch.setattr(engine.durable_rules_engine, "assert_facts", fail)
    with pytest.raises(RuleError, match="AAA-03: could not be evaluated by the engine: engine"):
        engine.decide(a_limit(), [{"f0": 1}])


def test_a_rule_with_too_many_alternatives_is_refused() -> None:
    many = AnyOf(tuple(Compare(WHOLE[0].name, "more_than", (n,)) for n in range(70)))
    with pytest.raises(RuleError, match="70 alternatives"):
        engine.compiled(a_rule("AAA-04", many))


def test_every_compiled_rule_starts_with_the_anchor_and_carries_the_canary() -> None:
    for rule in load_rules(shipped("rules")).rules:
        made = engine.compiled(rule)
        assert made["rule"]["all"][0]["m"]["$and"][0] == {"k": 1}
        assert made["canary"]["all"] == [{"m": {"c": 1}}]
        assert "null" not in json.dumps(made)


def test_equal_compiled_rules_share_one_handle_in_the_engine() -> None:
    engine.decide(a_limit(3), [{"f0": 1, "g0": 1}])
    before = len(engine._handles)
    engine.decide(a_limit(7), [{"f0": 1, "g0": 1}])
    assert len(engine._handles) == before
