"""The commands that show the queue, and what is about to join it: thin doors, no logic."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import click

from triage.cli_work import acts
from triage.options import (
    Date,
    as_option,
    asker_of,
    db_option,
    judged_options,
    options_of,
    rules_option,
    ruleset_of,
    settings_of,
    table_or_json,
    wanted_of,
    wanted_options,
)

if TYPE_CHECKING:
    from triage.settings import Settings


@click.group()
def queue() -> None:
    """See the cases that wait for review, and work on them.

    Example: triage queue list --format json
    """


for act in acts:
    queue.add_command(act)


@queue.command("list")
@db_option
@click.option("--as-of", type=Date(), help="Overdue as of this date [default: the last run's].")
@wanted_options
@click.option(
    "--status",
    "statuses",
    multiple=True,
    metavar="STATUS",
    help="Only cases of this status; may be repeated [default: all that are open].",
)
@click.option("--snoozed", is_flag=True, help="The cases that are put off, instead of the others.")
@as_option
@table_or_json
@click.option(
    "--limit",
    type=click.IntRange(0),
    help="Cases to print; 0 for all [default: 20 in a table, all as JSON].",
)
@click.option("--page", type=click.IntRange(1), default=1, show_default=True, metavar="N",
              help="Which page of as many cases as --limit says.")  # fmt: skip
def queue_list(
    db: str | None, as_of: dt.date | None, person: str | None, form: str, limit: int | None,
    page: int, **asked: Any,
) -> None:  # fmt: skip
    """List the cases in the order of work, each with the reason for its place.

    Overdue is reckoned as of the last run, unless --as-of says otherwise. Cases of other teams, and
    restricted ones, are listed only for those who may see them.

    Example: triage queue list --team North --severity critical --limit 50
    """
    settings = settings_of({"db": db})
    most = (20 if form == "table" else None) if limit is None else limit or None
    print_queue(settings, person, form, most, page=page, as_of=as_of, wanted=wanted_of(asked))


@queue.command("show")
@click.argument("case_id", type=click.IntRange(1, 2**31 - 1), metavar="ID")
@click.option("--on", type=Date(), help="How the record stood on that night, too.")
@db_option
@as_option
@table_or_json
def queue_show(
    case_id: int, on: dt.date | None, db: str | None, person: str | None, form: str
) -> None:
    """Show a case: each flag with its because, the rule's reference, the child's referrals.

    With --on also how the record stood at the last run up to that day, and what it was before and
    since, by the runs that saw it.

    Example: triage queue show 12
    """
    from triage import casefile, outputs, present, present_cases, present_history, store

    settings = settings_of({"db": db})
    asker = asker_of(person, settings)
    whole = casefile.case_file(settings.db, asker, case_id)
    past = store.history_of(settings.db, asker, case_id, on) if on is not None else None
    if form == "json":
        told = {} if past is None else present_history.history_json(past)
        click.echo(outputs.as_json({**whole.as_json(), **told}))
        return
    present_cases.show_case(whole, present.console())
    if past is not None:
        present_history.show_history(past)


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
        as_of, items = store.due_items(settings.db, asker_of(person, settings))
    may_see = person in settings.restricted.readers
    if form == "json":
        shown = [present.due_json(one, may_see=may_see) for one in items]
        click.echo(outputs.as_json({"as_of": as_of, "due": shown}))
    else:
        if not sources and as_of != dt.date.today():
            click.echo(present.not_tonight(as_of, dt.date.today()), err=True)
        present.show_due(items, as_of, present.console(), may_see=may_see)


def print_queue(
    settings: Settings,
    person: str | None,
    form: str,
    limit: int | None,
    *,
    page: int = 1,
    as_of: dt.date | None = None,
    wanted: Any = None,
) -> None:
    """Print the cases in the order of work."""
    from triage import outputs, present, present_cases, review, store

    asker, offset = asker_of(person, settings), (page - 1) * (limit or 0)
    wanted = wanted or store.Wanted()
    places = review.Queue(store.cases(settings.db, asker, wanted, as_of, limit, offset))
    if form == "json":
        click.echo(outputs.as_json([present_cases.place_json(place) for place in places]))
    else:
        present_cases.show_queue(places, present.console())
