"""The catalogue of rules and facts, as the page beside the rules shows it.

It stands between two marks in the page, so that what people wrote around it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from triage.errors import CallError
from triage.facts import FACTS, Fact
from triage.rules import Parameter
from triage.ruleset import Ruleset
from triage.run import Run
from triage.vocabulary import SEVERITIES, counted

BEGIN: Final = "<!-- catalogue: written by `triage rules docs`, not by hand -->"
END: Final = "<!-- end of the catalogue -->"
MARKS: Final = (BEGIN, END)


@dataclass(frozen=True)
class Firing:
    """How often a rule flags on the sample council: in the window of a usual run, and ever."""

    window: int
    ever: int


def firing(window: Run, ever: Run) -> dict[str, Firing]:
    """Return how often each rule flags in two runs on the same records."""
    counts = [
        {
            result.rule.id: result.n_flag
            for judgement in (run.referrals, run.contacts)
            for result in judgement.results
        }
        for run in (window, ever)
    ]
    return {rule: Firing(counts[0][rule], counts[1][rule]) for rule in counts[0]}


def catalogue(ruleset: Ruleset, fires: Mapping[str, Firing]) -> str:
    """Return the catalogue as Markdown: every rule, then every fact."""
    return "\n".join([*_rule_lines(ruleset, fires), "", *_fact_lines()])


def _rule_lines(ruleset: Ruleset, fires: Mapping[str, Firing]) -> list[str]:
    n_by_severity = {
        severity: sum(rule.severity == severity for rule in ruleset.rules)
        for severity in SEVERITIES
    }
    counts = ", ".join(f"{n} {severity}" for severity, n in n_by_severity.items() if n)
    n_rules = counted(len(ruleset.rules), "rule")
    lines = [
        f"{n_rules}: {counts}. The last two columns say how often each flags on the invented",
        "council that comes with the tool: in the three months (and older open cases) of a usual",
        "run, and over all its months.",
        "",
        "| rule | title | severity | status | limits | first source | 3 months | all |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for rule in ruleset.rules:
        found = fires.get(rule.id)
        ends = [str(found.window), str(found.ever)] if found else ["", ""]
        cells = [
            f"[{rule.id}]({Path(rule.path).name})",
            rule.about.title,
            rule.severity,
            rule.status,
            "; ".join(_limit(name, p) for name, p in rule.about.parameters.items()),
            rule.about.references[0],
            *ends,
        ]
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return lines


def _limit(name: str, parameter: Parameter) -> str:
    if isinstance(parameter.value, int):
        bounds = f"{parameter.min} to {parameter.max}"
        return f"{name} {parameter.value} {parameter.unit} ({bounds})"
    return f"{name}: {', '.join(parameter.value)}"


def _fact_lines() -> list[str]:
    lines = [
        "## The facts",
        "",
        "What a rule may ask. A fact `within` takes a window in months, one `among` a list of "
        "words.",
        "",
        "| fact | type | unit | meaning | columns | asked |",
        "|---|---|---|---|---|---|",
    ]
    for fact in FACTS:
        cells = [
            f"`{fact.name}`",
            fact.kind,
            fact.unit,
            fact.meaning,
            needed(fact),
            ", ".join(asked_with(fact)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def needed(fact: Fact) -> str:
    """Return the columns that a fact rests on, in words."""
    if fact.subject == "contact" and not fact.columns:
        return "a table of contacts"
    words = [*fact.needs]
    if fact.any_of:
        words.append(f"any of {', '.join(fact.any_of)}")
    if fact.also:
        words.append(f"if there: {', '.join(fact.also)}")
    return "; ".join([", ".join(fact.needs), *words[len(fact.needs) :]]).strip("; ") or (
        "always there"
    )


def asked_with(fact: Fact) -> list[str]:
    """Return what a rule gives beside a fact when it asks for it, and of what it is a fact."""
    found = [word for word, is_so in (("within", fact.within), ("among", fact.among)) if is_so]
    return found + (["of a contact"] if fact.subject == "contact" else [])


def written_into(
    page: str, inner: str, name: str, what: str = "the catalogue", marks: tuple[str, str] = MARKS
) -> str:
    """Return a page with the catalogue, or what else stands between two marks, written anew.

    Raises:
        CallError: when the page lacks the marks, or the second stands before the first.
    """
    begin, end = marks
    if begin not in page or end not in page.partition(begin)[2]:
        raise CallError(f"{name}: has no place for {what}; put in the lines {begin} {end}.")
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n\n{inner}\n\n{end}{rest.partition(end)[2]}"


def new_page(title: str) -> str:
    """Return a page for a folder of rules that has none yet."""
    return f"# {title}\n\n{BEGIN}\n{END}\n"
