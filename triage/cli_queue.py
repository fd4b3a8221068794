"""The commands that show the queue, and what is about to join it: thin doors, no logic."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import click

from triage.options import (
    Date,
    as_option,
    db_option,
    judged_options,
    options_of,
    rules_option,
    ruleset_of,
    settings_of,
    table_or_json,
)

if TYPE_CHECKING:
    from triage.settings import Settings


@click.group()
def queue() -> None:
    """See the cases that wait for review.

    Example: triage queue list --format json
    """


@queue.command("list")
@db_option
@click.option("--as-of", type=Date(), help="Overdue as of this date [default: the last run's].")
@as_option
@table_or_json
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True,
              help="Cases to print in a table; 0 for all.")  # fmt: skip
def queue_list(
    db: str | None, as_of: dt.date | None, person: str | None, form: str, limit: int
) -> None:
    """List the cases in the order of work, each with the reason for its place.

    Overdue is reckoned as of the last run, unless --as-of says otherwise.

    Example: triage queue list --limit 50
    """
    settings = settings_of({"db": db})
    print_queue(settings.db, as_of, person, form, limit, settings)


@queue.command("show")
@click.argument("case_id", type=click.IntRange(1, 2**63 - 1), metavar="ID")
@db_option
@as_option
@table_or_json
def queue_show(case_id: int, db: str | None, person: str | None, form: str) -> None:
    """Show a case: each flag with its because, the rule's reference, the child's referrals.

    Example: triage queue show 12
    """
    from triage import casefile, outputs, present

    settings = settings_of({"db": db})
    whole = casefile.case_file(settings.db, case_id, person, settings.restricted.readers)
    if form == "json":
        click.echo(outputs.as_json(whole.as_json()))
    else:
        present.show_case(whole, present.console())


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE...]")
@judged_options
@rules_option
@db_option
@as_option
@table_or_json
def due(
    sources: tuple[str, ...], db: str | None, person: str | None, form: str, **asked: Any
) -> None:
    """List what falls due today or on the next working day, before it is late.

    Decisions, allocations, assessments and conferences. Without SOURCE, as the last nightly run saw
    it; with SOURCE, as those records stand.

    Example: triage due --db sqlite:///queue.db
    """
    from triage import outputs, present, store
    from triage.errors import CallError

    settings = settings_of(asked | {"db": db})
    if sources:
        from triage.pipeline import check

        options = options_of(asked, settings)
        as_of, items = options.as_of, check(sources, ruleset_of(settings), options).due
    elif asked.get("as_of"):
        raise CallError(
            "--as-of goes with a SOURCE; without one, `triage due` shows what the last run saw."
        )
    else:
        as_of, items = store.due_items(settings.db)
    may_see = person in settings.restricted.readers
    if form == "json":
        shown = [present.due_json(one, may_see=may_see) for one in items]
        click.echo(outputs.as_json({"as_of": as_of, "due": shown}))
    else:
        if not sources and as_of != dt.date.today():
            click.echo(present.not_tonight(as_of, dt.date.today()), err=True)
        present.show_due(items, as_of, present.console(), may_see=may_see)


def print_queue(
    url: str,
    as_of: dt.date | None,
    person: str | None,
    form: str,
    limit: int,
    settings: Settings | None = None,
) -> None:
    """Print the cases in the order of work."""
    from triage import outputs, present, review, store

    places = review.in_order(store.cases(url), as_of or store.latest_as_of(url))
    may_see = settings is not None and person in settings.restricted.readers
    if form == "json":
        shown = [present.case_json(place, may_see=may_see) for place in places]
        click.echo(outputs.as_json(shown))
    else:
        present.show_queue(places, present.console(), may_see=may_see, limit=limit or len(places))
