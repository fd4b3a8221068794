"""The commands about runs: what was stored, and what one changed beside another; thin doors."""

from __future__ import annotations

import click

from triage.options import as_option, asker_of, db_option, settings_of, table_or_json


@click.group(invoke_without_command=True)
@db_option
@table_or_json
@click.pass_context
def runs(context: click.Context, /, db: str | None, form: str) -> None:
    """List the runs that were stored, the latest first; or see what changed between two of them.

    Example: triage runs --format json
    """
    from triage import outputs, present, present_cases, store

    if context.invoked_subcommand is not None:
        return
    found = store.runs(settings_of({"db": db}).db)
    if form == "json":
        click.echo(outputs.as_json(found))
    else:
        present_cases.show_runs(found, present.console())


@runs.command("diff")
@click.argument("first", type=click.IntRange(1, 2**31 - 1), metavar="A")
@click.argument("second", type=click.IntRange(1, 2**31 - 1), metavar="B")
@db_option
@as_option
@table_or_json
def runs_diff(first: int, second: int, db: str | None, person: str | None, form: str) -> None:
    """Name the flags that appeared, cleared and changed from run A to run B, and the records.

    Example: triage runs diff 41 42
    """
    from triage import outputs, present_history, store

    settings = settings_of({"db": db})
    found = store.runs_beside(settings.db, asker_of(person, settings), first, second)
    if form == "json":
        click.echo(outputs.as_json(present_history.beside_json(found)))
    else:
        present_history.show_beside(found)
