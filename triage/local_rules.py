"""What a council makes of the rules: its own beside the shipped ones, limits changed, rules off.

``triage.toml`` may change a parameter within its bounds and switch a rule off; what a rule asks
(its ``when``) is changed only in a rule file, where its examples stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from triage.errors import CallError, RuleError
from triage.rule_text import meant, with_values
from triage.rulefiles import changed_rule, load_rules
from triage.rules import Parameter, Rule
from triage.ruleset import Ruleset, ruleset

FILE: Final = "triage.toml"
Changes = Mapping[str, Mapping[str, Any]]


def assemble(
    base: Path, own: Path | None = None, changes: Changes | None = None, off: Sequence[str] = ()
) -> Ruleset:
    """Return the rules of ``base`` and of the council's own folder, as the settings change them.

    ``changes`` gives other values of parameters by rule; ``off`` the rules switched off.

    Raises:
        CallError: when the settings name no rule or parameter, or a value is out of bounds.
        RuleError: when rule files are wrong, or an identifier of the council's own clashes.
    """
    loaded = load_rules(base, *([own] if own else []))
    changes = changes or {}
    problems = _problems(loaded, changes, off)
    if problems:
        raise CallError("\n".join(problems))
    rules = []
    for rule in loaded.rules:
        if rule.id in changes:
            values = {name: _plain(value) for name, value in changes[rule.id].items()}
            rule = changed_rule(rule, with_values(rule.text, values))
        rules.append(replace(rule, is_off=rule.id in off))
    return ruleset(rules, loaded.unfinished)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else value


def _problems(loaded: Ruleset, changes: Changes, off: Sequence[str]) -> list[str]:
    """Return everything in the settings that does not fit the rules, a sentence each."""
    problems = [
        f"{FILE}: {what} {rule_id}: there is no such rule{meant(rule_id, loaded.by_id)}"
        for what, ids in (("parameters", changes), ("switch_off", off))
        for rule_id in ids
        if rule_id not in loaded.by_id
    ]
    for rule_id, values in changes.items():
        rule = loaded.by_id.get(rule_id)
        for name, value in values.items() if rule else ():
            assert rule is not None
            if wrong := _wrong(rule, name, value):
                problems.append(f"{FILE}: parameters {rule_id} {name}: {wrong}")
    return problems


def _wrong(rule: Rule, name: str, value: Any) -> str:
    """Return what is wrong with a changed parameter; nothing when it is allowed."""
    parameter = rule.about.parameters.get(name)
    if parameter is None:
        known = ", ".join(rule.about.parameters) or "none"
        return f"the rule has no such parameter{meant(name, rule.parameters)}; it has {known}"
    if not isinstance(parameter.value, int):
        return _wrong_list(rule, name, value)
    if isinstance(value, bool) or not isinstance(value, int):
        return f"is to be a whole number of {parameter.unit}, not {value!r}"
    if not _within(parameter, value):
        return (
            f"{value} is outside {parameter.min} to {parameter.max} {parameter.unit}, between "
            "which a council may choose"
        )
    return ""


def _wrong_list(rule: Rule, name: str, value: Any) -> str:
    if (
        not isinstance(value, list | tuple)
        or not value
        or not all(isinstance(v, str) for v in value)
    ):
        return 'is to be a list of at least one word, as ["one", "another"]'
    try:
        changed_rule(rule, with_values(rule.text, {name: list(value)}))
    except RuleError as error:
        return error.problems[0].rpartition(": ")[2]
    return ""


def _within(parameter: Parameter, value: int) -> bool:
    assert parameter.min is not None
    assert parameter.max is not None
    return parameter.min <= value <= parameter.max
