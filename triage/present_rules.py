"""What the commands under ``triage rules`` print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape

from triage.catalogue import asked_with, needed
from triage.conditions import in_words
from triage.explaining import TRUTHS
from triage.facts import FACTS, Fact
from triage.present import WITHHELD, add_row, console, shown_value, table_of
from triage.rules import BRACES, Rule
from triage.ruleset import Ruleset
from triage.trying import FIRST
from triage.vocabulary import counted, printable
from triage.wording import spoken

if TYPE_CHECKING:
    from triage.comparing import RuleComparison
    from triage.examples import ExampleResult
    from triage.explaining import Clock, Explained, Explanation
    from triage.mutation import MutationResult
    from triage.trying import Trial

__all__ = ["console"]

SHOWN_DAYS: Final = 10


def show_rules(ruleset: Ruleset, out: Console) -> None:
    """Print the rules with their severity, status and limits."""
    table = table_of("Rule", "Title", "Severity", "Status", "Limits")
    for rule in ruleset.rules:
        limits = ", ".join(
            f"{name} {shown_value(value)}" for name, value in rule.parameters.items()
        )
        status = "switched off" if rule.is_off else rule.status
        add_row(table, rule.id, rule.about.title, rule.severity, status, limits)
    out.print(table)
    for problem in ruleset.unfinished:
        out.print(f"unfinished draft: {problem}", markup=False)


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
    out.print(f"\nFlags a {rule.subject} when: {in_words(rule.condition)}", markup=False)
    out.print(f"\nSays: {BRACES.sub(lambda m: '‹' + m.group(1) + '›', about.message)}",
              markup=False)  # fmt: skip
    if about.due:
        out.print(f"\nWhen it falls due: {BRACES.sub(lambda m: '‹' + m.group(1) + '›', about.due)}",
                  markup=False)  # fmt: skip
    for heading, items in (
        ("References", about.references),
        ("May be harmless", about.benign_explanations),
        ("The reviewer checks", about.reviewer_checks),
        ("Columns", ["child_id", f"{rule.subject}_date", *sorted(ruleset.columns(rule.id))]),
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
        if result.lacks:
            out.print(
                f"  the example has no column {', '.join(result.lacks)}; a blank one says that "
                "nothing happened, one that is left out says nothing",
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


def show_trial(tried: Trial, out: Console) -> None:
    """Print how many referrals a rule flags, and the sentences of the first."""
    result = tried.result
    about = result.rule.about
    out.print(f"[bold]{result.rule.id} {escape(about.title)}[/bold] ({about.severity})")
    what = result.rule.subject
    judged = result.n_flag + result.n_clear + result.n_cannot_tell
    out.print(
        f"{counted(judged, what)} judged: {result.n_flag:,} flagged, {result.n_clear:,} clear, "
        f"{result.n_cannot_tell:,} cannot be told."
    )
    if not result.can_flag:
        lacks = ", ".join(result.missing_columns)
        out.print(f"It cannot be evaluated on these records, which lack {lacks}.", markup=False)
    for flag in tried.flags[:FIRST]:
        whose = WITHHELD if flag.restricted else f"child {flag.child_id}, {what} {flag.referral_id}"
        out.print(printable(f"  {whose}: {flag.message}"), markup=False)
    if len(tried.flags) > FIRST:
        out.print(f"  … and {counted(len(tried.flags) - FIRST, 'further flag')}; "
                  "--format json gives them all.")  # fmt: skip


def show_comparison(found: Sequence[RuleComparison], out: Console) -> None:
    """Print, for each rule that differs, how, and every case that does."""
    table = table_of(
        "Rule", "Title", "Its text", "Newly flagged", "No longer", "Unchanged",
        right=("Newly flagged", "No longer", "Unchanged"),
    )  # fmt: skip
    different = [one for one in found if one.is_different]
    if not different:
        out.print("Nothing differs: the same rules, and the same flags.")
        return
    for one in different:
        add_row(
            table,
            one.rule,
            one.title,
            one.in_words,
            f"{len(one.newly_flagged):,}",
            f"{len(one.no_longer_flagged):,}",
            f"{one.n_unchanged:,}",
        )
    out.print(table)
    same = len(found) - len(different)
    if same:
        out.print(f"{counted(same, 'other rule')} and their flags are the same.")
    for one in different:
        for what, cases in (
            ("newly flagged", one.newly_flagged),
            ("no longer flagged", one.no_longer_flagged),
        ):
            if cases:
                out.print(f"\n[bold]{one.rule}, {what}[/bold]")
            for case in cases:
                whose = (
                    WITHHELD if case.restricted else f"child {case.child_id}, {case.referral_id}"
                )
                out.print(printable(f"  {whose}: {case.message}"), markup=False)


def show_explanation(found: Explanation, out: Console) -> None:
    """Print what a rule says of one referral, condition by condition."""
    about = found.rule.about
    out.print(
        f"[bold]{found.rule.id} {escape(about.title)}[/bold] on {found.rule.subject} "
        + escape(printable(found.referral_id))
        + f" of {spoken(found.referral_date)}: [bold]{found.outcome.replace('_', ' ')}[/bold]"
    )
    _show_explained(found.whole, out, 1)


def _show_explained(one: Explained, out: Console, depth: int) -> None:
    indent = "  " * depth
    said = f": {one.found}" if one.found else ""
    out.print(printable(f"{indent}[{TRUTHS[one.truth]}] {one.asks}{said}"), markup=False)
    if one.truth is None:
        for name, state in one.columns:
            out.print(f"{indent}    {name}: {state}", markup=False)
    if one.clock:
        for line in _clock_lines(one.clock):
            out.print(f"{indent}    {line}", markup=False)
    for part in one.parts:
        _show_explained(part, out, depth + 1)


def _clock_lines(clock: Clock) -> Iterator[str]:
    """Yield the days that were counted, and what was passed over among them."""
    days = [f"{day:%a} {spoken(day)}" for day in clock.counted]
    if len(days) > SHOWN_DAYS:
        days = [*days[: SHOWN_DAYS - 2], "…", *days[-2:]]
    counted_days = f": {', '.join(days)}" if days else ", none"
    yield f"counted from {clock.start:%a} {spoken(clock.start)}{counted_days}"
    if clock.n_weekend:
        yield f"not counted: {counted(clock.n_weekend, 'day')} of weekends"
    for day, name in clock.holidays:
        yield f"not counted: {day:%a} {spoken(day)}, {name}"


def facts_with(word: str) -> list[Fact]:
    """Return the facts whose name or meaning holds a word."""
    sought = word.casefold()
    return [fact for fact in FACTS if sought in f"{fact.name} {fact.meaning}".casefold()]


def fact_json(fact: Fact) -> dict[str, Any]:
    """Return a fact for a script."""
    return {
        "name": fact.name,
        "subject": fact.subject,
        "type": fact.kind,
        "unit": fact.unit,
        "meaning": fact.meaning,
        "needs": list(fact.needs),
        "needs_any_of": list(fact.any_of),
        "uses_if_there": list(fact.also),
        "asked_with": [word for word in asked_with(fact) if word in ("within", "among")],
    }


def show_facts(found: Sequence[Fact], out: Console) -> None:
    """Print facts with their type, unit, meaning and columns."""
    if not found:
        out.print("No fact is called so; `triage facts` lists them all.")
        return
    table = table_of("Fact", "Type", "Unit", "Asked", "Meaning", "Columns")
    for fact in found:
        asked = ", ".join(asked_with(fact))
        add_row(table, fact.name, fact.kind, fact.unit, asked, fact.meaning, needed(fact))
    out.print(table)
