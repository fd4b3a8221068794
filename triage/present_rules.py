"""What the commands under ``triage rules`` print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

from triage.present import add_row, console, shown_value, table_of
from triage.rules import BRACES, Rule, Ruleset

if TYPE_CHECKING:
    from triage.examples import ExampleResult
    from triage.mutation import MutationResult

__all__ = ["console"]


def show_rules(ruleset: Ruleset, out: Console) -> None:
    """Print the rules with their severity, status and limits."""
    table = table_of("Rule", "Title", "Severity", "Status", "Limits")
    for rule in ruleset.rules:
        limits = ", ".join(
            f"{name} {shown_value(value)}" for name, value in rule.parameters.items()
        )
        add_row(table, rule.id, rule.about.title, rule.severity, rule.about.status, limits)
    out.print(table)


def show_rule(rule: Rule, ruleset: Ruleset, out: Console) -> None:
    """Print one rule: why it is there, what it compares, and what to check."""
    about = rule.about
    out.print(f"[bold]{rule.id} {about.title}[/bold] ({about.severity}, {about.status})")
    out.print(f"\n{about.rationale}", markup=False)
    for name, parameter in about.parameters.items():
        bounds = "" if parameter.min is None else f" ({parameter.min} to {parameter.max})"
        value = shown_value(rule.parameters[name] if isinstance(parameter.value, int) else
                       list(parameter.value))  # fmt: skip
        out.print(f"\n{name}: {value} {parameter.unit}{bounds}: {parameter.why}", markup=False)
    out.print(f"\nSays: {BRACES.sub(lambda m: '‹' + m.group(1) + '›', about.message)}",
              markup=False)  # fmt: skip
    for heading, items in (
        ("References", about.references),
        ("May be harmless", about.benign_explanations),
        ("The reviewer checks", about.reviewer_checks),
        ("Columns", sorted(ruleset.columns(rule.id)) or ["child_id", "referral_date"]),
        ("Reads the flags of", rule.reads),
    ):
        if items:
            out.print(f"\n{heading}:")
            for item in items:
                out.print(f"  - {item}", markup=False)
    out.print(f"\nFile: {rule.path}", markup=False)


def rule_json(rule: Rule, ruleset: Ruleset) -> dict[str, Any]:
    """Return a rule for a script."""
    about = rule.about.model_dump(mode="json", exclude={"when", "examples"})
    return about | {"columns": sorted(ruleset.columns(rule.id)), "reads": list(rule.reads)}


def show_examples(results: Sequence[ExampleResult], out: Console) -> None:
    """Print the examples that failed, and how many passed."""
    failed = [result for result in results if not result.passed]
    for result in failed:
        out.print(
            f"{result.rule} '{result.name}': expected {result.expected}, found {result.found}",
            markup=False,
        )
    out.print(f"{len(results) - len(failed)} passed, {len(failed)} failed")


def show_mutants(results: Sequence[MutationResult], out: Console) -> None:
    """Print how many mutants were made and noticed, and each one that lives."""
    for result in results:
        for mutant in result.alive:
            out.print(f"{mutant.rule} lives: {mutant.what}", markup=False)
    made = sum(result.n_made for result in results)
    alive = sum(len(result.alive) for result in results)
    out.print(f"{made:,} mutants made, {made - alive:,} killed, {alive:,} alive")
