"""The commands under ``triage rules``: thin doors, no logic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from triage.options import (
    as_of_option,
    as_option,
    base_rules,
    format_option,
    history_option,
    judged_options,
    keep_page,
    options_of,
    reading_options,
    rule_folders,
    rules_option,
    ruleset_of,
    settings_of,
    table_or_json,
    written_rules,
)


@click.group()
def rules() -> None:
    """See the rules, try them on records, change them, and test them.

    Example: triage rules show DEC-01
    """


@rules.command("list")
@rules_option
@table_or_json
def rules_list(rules: str | None, form: str) -> None:
    """List the rules with their severity, status and limits.

    Example: triage rules list
    """
    from triage import outputs, present_rules

    loaded = ruleset_of(settings_of({"rules": rules}))
    if form == "json":
        shown = [present_rules.rule_json(rule, loaded) for rule in loaded.rules]
        click.echo(outputs.as_json(shown))
    else:
        present_rules.show_rules(loaded, present_rules.console())


@rules.command("show")
@click.argument("rule_id", metavar="ID")
@rules_option
@table_or_json
def rules_show(rule_id: str, rules: str | None, form: str) -> None:
    """Show one rule: why it is there, its limits, what is harmless, what to check.

    Example: triage rules show ALL-01
    """
    from triage import outputs, present_rules

    loaded = ruleset_of(settings_of({"rules": rules}))
    rule = loaded.get(rule_id)
    if form == "json":
        click.echo(outputs.as_json(present_rules.rule_json(rule, loaded)))
    else:
        present_rules.show_rule(rule, loaded, present_rules.console())


@rules.command("new")
@click.argument("title")
@click.option(
    "--family",
    default="LOC",
    show_default=True,
    help="Family of the identifier: ALL, DEC, REF … are the shipped ones'.",
)
@click.option("--subject", type=click.Choice(["referral", "contact"]), default="referral",
              show_default=True, help="What the rule judges.")  # fmt: skip
@click.option("--folder", type=click.Path(file_okay=False), metavar="FOLDER",
              help="Where to write it [default: the council's own folder].")  # fmt: skip
def rules_new(title: str, family: str, subject: Any, folder: str | None) -> None:
    """Begin a rule: the next free identifier, and a file that says what to fill in.

    Example: triage rules new "Allocated to a worker on leave"
    """
    from triage.new_rule import next_id, write_new
    from triage.rulefiles import rule_ids
    from triage.settings import OWN_RULES

    settings = settings_of({})
    into = Path(folder or settings.own_rules or OWN_RULES)
    rule_id = next_id(family, rule_ids(base_rules(settings), into))
    path = write_new(into, rule_id, title, subject)
    click.echo(f"Wrote {path}. Fill in what it asks for, then: triage rules lint {path}")


@rules.command("lint")
@click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH...]")
@rules_option
def rules_lint(paths: tuple[str, ...], rules: str | None) -> None:
    """Say everything that is wrong with rule files, each with file and line; exit 2 if anything is.

    Without PATH, the rules that judge here are read, drafts as well.

    Example: triage rules lint own_rules
    """
    from triage.rulefiles import lint
    from triage.vocabulary import counted

    settings = settings_of({"rules": rules})
    base, own = rule_folders(settings)
    n_files = lint([Path(path) for path in paths], [base, *([own] if own else [])])
    click.echo(f"{counted(n_files, 'rule file')} read, nothing wrong.")


@rules.command("test")
@click.argument("rule_id", required=False, metavar="[ID]")
@click.option("--mutate", is_flag=True, help="Change each rule in every small way as well.")
@rules_option
@click.pass_context
def rules_test(
    context: click.Context, rule_id: str | None, mutate: bool, rules: str | None
) -> None:
    """Run the examples inside the rule files; exit 2 when one fails.

    With --mutate each rule is changed in every small way (a limit one up or down, a comparison
    turned, a condition left out); exit 1 when the rule's own examples do not notice one. Limits
    that triage.toml changes do not count here: the examples speak of the rule as written.

    Example: triage rules test DEC-02 --mutate
    """
    from triage import present_rules
    from triage.errors import RuleError
    from triage.examples import run_examples

    loaded = written_rules(settings_of({"rules": rules}))
    only = loaded.get(rule_id).id if rule_id else None
    results = run_examples(loaded, only)
    out = present_rules.console()
    present_rules.show_examples(results, out)
    failed = sum(not result.passed for result in results)
    if failed:
        raise RuleError(f"{failed} of the rules' own examples failed.")
    if mutate:
        from triage.mutation import mutate_all

        found = mutate_all(loaded, only)
        present_rules.show_mutants(found, out)
        if any(result.alive for result in found):
            context.exit(1)


@rules.command("try")
@click.argument("rule_id", metavar="ID")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@judged_options
@rules_option
@table_or_json
def rules_try(rule_id: str, sources: tuple[str, ...], form: str, **asked: Any) -> None:
    """Try one rule on records, a draft as well: how many it flags, and the first five.

    Example: triage rules try LOC-01 referrals.csv --as-of 2026-09-30
    """
    from triage import outputs, present_rules
    from triage.pipeline import read_sources
    from triage.trying import try_rule

    settings = settings_of(asked)
    loaded = ruleset_of(settings)
    options = options_of(asked, settings)
    tried = try_rule(loaded.get(rule_id), loaded, read_sources(sources, options), options)
    if form == "json":
        click.echo(outputs.as_json(tried.as_json()))
    else:
        present_rules.show_trial(tried, present_rules.console())


@rules.command("compare")
@click.argument("old")
@click.argument("new")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--rule", "rule_id", metavar="ID", help="Only this rule.")
@judged_options
@format_option
def rules_compare(
    old: str, new: str, sources: tuple[str, ...], rule_id: str | None, form: str, **asked: Any
) -> None:
    """Say whom a change of rules would flag: newly flagged, no longer flagged, unchanged.

    OLD and NEW are folders of rules, rule files (the current rules with that one in the place of
    its namesake), or the words shipped (as they came) and current (as they judge here).

    Example: triage rules compare current my_rules/REF-08-soon-after-closure.yaml referrals.csv
    """
    from triage import outputs, present_rules
    from triage.comparing import compare, of_rule, rules_named
    from triage.pipeline import read_sources

    settings = settings_of(asked)
    base, current = base_rules(settings), ruleset_of(settings)
    before, after = (rules_named(name, base, current) for name in (old, new))
    options = options_of(asked, settings)
    found = compare(before, after, read_sources(sources, options), options)
    if rule_id:
        found = of_rule(found, rule_id)
    if form == "json":
        click.echo(outputs.as_json([one.as_json() for one in found]))
    elif form == "csv":
        click.echo(outputs.comparison_csv(found), nl=False)
    else:
        present_rules.show_comparison(found, present_rules.console())


@rules.command("explain")
@click.argument("rule_id", metavar="ID")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--referral",
    "entry_id",
    required=True,
    metavar="R",
    help="Identifier of the referral, or of the contact for a rule that judges contacts.",
)
@as_of_option
@history_option
@reading_options
@rules_option
@as_option
@table_or_json
def rules_explain(
    rule_id: str,
    sources: tuple[str, ...],
    entry_id: str,
    form: str,
    person: str | None,
    **asked: Any,
) -> None:
    """Explain what a rule says of one referral: each condition with its value, limit and truth.

    Example: triage rules explain DEC-02 --referral R0000123 referrals.csv --as-of 2026-09-30
    """
    from triage import outputs, present_rules
    from triage.explaining import explain_rule, refuse_restricted
    from triage.pipeline import read_sources

    settings = settings_of(asked)
    loaded = ruleset_of(settings)
    options = options_of(asked, settings)
    found = explain_rule(
        loaded.get(rule_id), loaded, read_sources(sources, options), options, entry_id
    )
    refuse_restricted(found, person, settings.restricted.readers)
    if form == "json":
        click.echo(outputs.as_json(found.as_json()))
    else:
        present_rules.show_explanation(found, present_rules.console())


@rules.command("docs")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 when it is stale.")
@rules_option
@click.pass_context
def rules_docs(context: click.Context, only_check: bool, rules: str | None) -> None:
    """Write the catalogue into the README.md beside the rules.

    Each rule with its limits, source, and how often it flags on the invented council.

    Example: triage rules docs --rules own_rules
    """
    from triage.documenting import written_page

    path, before, after = written_page(base_rules(settings_of({"rules": rules})))
    keep_page(context, path, before, after, by="triage rules docs", is_check=only_check)


@click.command()
@click.argument("word", required=False, metavar="[WORD]")
@table_or_json
def facts(word: str | None, form: str) -> None:
    """List what a rule may ask: each fact with its type, unit, meaning and columns.

    With WORD, those whose name or meaning holds it.

    Example: triage facts allocation
    """
    from triage import outputs, present_rules

    found = present_rules.facts_with(word or "")
    if form == "json":
        click.echo(outputs.as_json([present_rules.fact_json(fact) for fact in found]))
    else:
        present_rules.show_facts(found, present_rules.console())
