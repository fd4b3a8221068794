"""Every example inside every shipped rule file, as a test case of its own."""

from __future__ import annotations

import pytest

from triage.conditions import Compare, leaves
from triage.examples import run_example
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.rules import Example, Rule

RULES = load_rules(shipped("rules"))
CASES = [
    pytest.param(rule, example, id=f"{rule.id}: {example.name}")
    for rule in RULES.rules
    for example in rule.about.examples
]


@pytest.mark.parametrize(("rule", "example"), CASES)
def test_rule_says_what_its_example_expects(rule: Rule, example: Example) -> None:
    assert run_example(rule, example, RULES).found == example.expect


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_names_of_a_rules_examples_are_unique(rule: Rule) -> None:
    names = [example.name for example in rule.about.examples]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_every_number_a_rule_compares_with_is_a_named_parameter(rule: Rule) -> None:
    for leaf in leaves(rule.condition):
        if isinstance(leaf, Compare) and leaf.operator != "is":
            assert leaf.parameter in rule.parameters
