"""The commands of exceptions: thin doors, no logic."""

from __future__ import annotations

import datetime as dt

import click

from triage.options import Date, as_option, asker_of, db_option, settings_of, table_or_json


@click.group()
def exception() -> None:
    """Except a child or a team from a rule, up to a day, with an owner and a reason.

    Example: triage exception list
    """


@exception.command("add")
@click.argument("rule")
@click.option("--child", "child_id", metavar="ID", help="The child who is excepted.")
@click.option("--team", metavar="TEAM", help="The team that is excepted.")
@click.option("--until", type=Date(), required=True, help="The last day of the exception.")
@click.option("--reason", required=True, metavar="TEXT", help="Why.")
@click.option("--owner", metavar="NAME", help="Who answers for it [default: who makes it].")
@db_option
@as_option
def exception_add(
    rule: str, child_id: str | None, team: str | None, until: dt.date, reason: str,
    owner: str | None, db: str | None, person: str | None,
) -> None:  # fmt: skip
    """Make an exception; from the next run on the rule raises nothing there.

    Example: triage exception add OVS-01 --team "Short Breaks" --until 2026-12-31
    --reason "oversight is kept in another system" --as m.manager
    """
    from triage import store

    settings = settings_of({"db": db})
    number = store.add_exception(
        settings.db, asker_of(person, settings), rule, child_id=child_id, team=team,
        owner=owner, until=until, why=reason,
    )  # fmt: skip
    click.echo(f"Exception {number} holds up to and including {until}, from the next run on.")


@exception.command("end")
@click.argument("number", type=click.IntRange(1, 2**31 - 1))
@db_option
@as_option
def exception_end(number: int, db: str | None, person: str | None) -> None:
    """End an exception before its day; the next run raises again what the rule says.

    Example: triage exception end 3 --as m.manager
    """
    from triage import store

    settings = settings_of({"db": db})
    store.end_exception(settings.db, asker_of(person, settings), number)
    click.echo(f"Exception {number} is ended.")


@exception.command("list")
@click.option("--all", "all_of_them", is_flag=True, help="Those that are over, too.")
@db_option
@as_option
@table_or_json
def exception_list(all_of_them: bool, db: str | None, person: str | None, form: str) -> None:
    """List the exceptions, the first to end first.

    Example: triage exception list --format json
    """
    from triage import outputs, present_reviews, reviewing, store

    settings = settings_of({"db": db})
    asker = asker_of(person, settings)
    found = store.exceptions(settings.db, asker, lasting_only=not all_of_them)
    if form == "json":
        click.echo(outputs.as_json([reviewing.exception_json(one) for one in found]))
    else:
        present_reviews.show_exceptions(found)
