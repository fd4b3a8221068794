"""The commands under ``triage rules``: thin doors, no logic."""

from __future__ import annotations

import click

from triage.options import rules_option, ruleset_of, settings_of, table_or_json


@click.group()
def rules() -> None:
    """See the rules and run their examples.

    Example: triage rules show DEC-01
    """


@rules.command("list")
@rules_option
@table_or_json
def rules_list(rules: str | None, form: str) -> None:
    """List the rules with their severity and limits.

    Example: triage rules list
    """
    from triage import outputs, present

    loaded = ruleset_of(settings_of({"rules": rules}))
    if form == "json":
        click.echo(outputs.as_json([present.rule_json(rule, loaded) for rule in loaded.rules]))
    else:
        present.show_rules(loaded, present.console())


@rules.command("show")
@click.argument("rule_id", metavar="ID")
@rules_option
@table_or_json
def rules_show(rule_id: str, rules: str | None, form: str) -> None:
    """Show one rule: why it is there, its limits, what is harmless, what to check.

    Example: triage rules show ALL-01
    """
    from triage import outputs, present

    loaded = ruleset_of(settings_of({"rules": rules}))
    rule = loaded.get(rule_id)
    if form == "json":
        click.echo(outputs.as_json(present.rule_json(rule, loaded)))
    else:
        present.show_rule(rule, loaded, present.console())


@rules.command("test")
@click.argument("rule_id", required=False, metavar="[ID]")
@rules_option
def rules_test(rule_id: str | None, rules: str | None) -> None:
    """Run the examples inside the rule files; exit 2 when one fails.

    Example: triage rules test DEC-02
    """
    from triage import present
    from triage.errors import RuleError
    from triage.examples import run_examples

    loaded = ruleset_of(settings_of({"rules": rules}))
    only = loaded.get(rule_id).id if rule_id else None
    results = run_examples(loaded, only)
    present.show_examples(results, present.console())
    failed = sum(not result.passed for result in results)
    if failed:
        raise RuleError(f"{failed} of the rules' own examples failed.")
