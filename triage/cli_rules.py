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
    from triage import outputs, present_rules

    loaded = ruleset_of(settings_of({"rules": rules}))
    if form == "json":
        click.echo(
            outputs.as_json([present_rules.rule_json(rule, loaded) for rule in loaded.rules])
        )
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
    turned, a condition left out); exit 1 when the rule's own examples do not notice one.

    Example: triage rules test DEC-02 --mutate
    """
    from triage import present_rules
    from triage.errors import RuleError
    from triage.examples import run_examples

    loaded = ruleset_of(settings_of({"rules": rules}))
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
