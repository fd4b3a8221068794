"""What the commands share: kinds of argument, options, and the settings they add up to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from triage.ruleset import Ruleset
    from triage.run import Options
    from triage.settings import Settings
    from triage.store import Asker, Wanted

SEVERITIES: Final = ("critical", "high", "medium", "low")


class Date(click.ParamType[dt.date]):
    """A date written YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> dt.date:
        """Return the date, or say how one is written."""
        if isinstance(value, dt.date):
            return value
        try:
            return dt.datetime.strptime(value, "%Y-%m-%d").date()
        except ValueError:
            self.fail(f"'{value}' is not a date; write YYYY-MM-DD.", param, ctx)


class Window(click.ParamType[str]):
    """A number of months, or all."""

    name = "months|all"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """Return the window as text, or say what it may be."""
        if value == "all" or (str(value).isascii() and str(value).isdigit() and int(value) < 1000):
            return str(value)
        self.fail(f"'{value}' is neither a number of months nor all.", param, ctx)


def options(*options: Callable[..., Any]) -> Callable[..., Any]:
    """Return a decorator that adds several options to a command, in the order given."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


as_of_option = click.option("--as-of", type=Date(), help="Judge as of this date [default: today].")
rules_option = click.option(
    "--rules", type=click.Path(), help="Folder of rules [default: those shipped]."
)
db_option = click.option("--db", metavar="URL", help="The store [default: sqlite:///triage.db].")
quiet_option = click.option("--quiet", is_flag=True, help="Print no progress and no messages.")
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="What is printed.",
)
table_or_json = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True,
    help="What is printed.",
)  # fmt: skip
as_option = click.option("--as", "person", metavar="NAME", help="Who asks, or does this.")
history_option = click.option(
    "--history-from", type=Date(), help="From when the records are whole."
)
reading_options = options(
    click.option("--mapping", metavar="NAME", help="Read tables by this mapping of headings."),
    click.option(
        "--join-within",
        "join_within_days",
        type=click.IntRange(0, 3660),
        metavar="DAYS",
        help="Days within which a row that names no referral is joined to one.",
    ),
)
judged_options = options(
    as_of_option,
    click.option("--window", type=Window(), help="Months judged, or all [default: 3]."),
    history_option,
    reading_options,
)
jobs_option = click.option(
    "--jobs", type=click.IntRange(1, 1024), metavar="N",
    help="Parts judged at the same time [default: by size, up to the processors].",
)  # fmt: skip
partition_options = options(
    click.option("--chunk", is_flag=True,
                 help="Judge Parquet a partition at a time, with the memory of a few."),
    click.option("--cluster", metavar="local|ADDRESS",
                 help="Judge Parquet on the workers of a Dask cluster."),
)  # fmt: skip
run_options = options(
    judged_options,
    rules_option,
    format_option,
    click.option("--output", type=click.Path(), metavar="FILE",
                 help="Write the result to FILE (.json, .csv or .parquet)."),
    click.option("--fail-on", type=click.Choice(SEVERITIES),
                 help="Exit with 1 if a flag of this severity or above was raised."),
    jobs_option,
    quiet_option,
)  # fmt: skip


wanted_options = options(
    click.option("--team", "teams", multiple=True, metavar="TEAM",
                 help="Only cases of this team; may be repeated."),
    click.option("--severity", "severities", multiple=True, type=click.Choice(SEVERITIES),
                 help="Only cases of this severity; may be repeated."),
    click.option("--rule", metavar="RULE", help="Only cases with an open flag of this rule."),
    click.option("--subject", type=click.Choice(("referral", "contact")),
                 help="Only cases of referrals, or of contacts."),
    click.option("--assigned-to", metavar="NAME", help="Only cases assigned to somebody."),
    click.option("--held-by", metavar="NAME", help="Only cases that somebody holds."),
    click.option("--overdue", "is_overdue", is_flag=True, help="Only overdue reviews."),
)  # fmt: skip
"""Which cases are asked for: in a list, for a claim, and for what is done to many at once."""


def wanted_of(asked: dict[str, Any]) -> Wanted:
    """Return which cases are asked for.

    Raises:
        CallError: for a status that there is not.
    """
    from triage.casework import STATUSES
    from triage.errors import CallError
    from triage.store import Wanted

    for status in asked.get("statuses", ()):
        if status not in STATUSES:
            raise CallError(f"--status '{status}': known are {', '.join(STATUSES)}.")
    return Wanted(**{name: value for name, value in asked.items() if value})


def settings_of(flags: dict[str, Any]) -> Settings:
    """Return the settings of a call from what was given on the command line."""
    from triage.settings import load_settings

    wanted = (
        "db", "rules", "window", "history_from", "fail_on", "mapping", "join_within_days",
    )  # fmt: skip
    return load_settings({name: flags.get(name) for name in wanted})


def asker_of(person: str | None, settings: Settings) -> Asker:
    """Return who asks something of the store, now."""
    from triage.people import current_user
    from triage.store import Asker

    now = dt.datetime.now(dt.UTC)
    return Asker(person, settings.restricted.readers, now, f"account:{current_user()}")


def options_of(asked: dict[str, Any], settings: Settings) -> Options:
    """Return what a run is asked: the date of judgement, the window and the history."""
    from triage.run import Options

    window = None if settings.window == "all" else int(settings.window)
    as_of = asked.get("as_of") or dt.date.today()
    return Options(as_of, window, settings.history_from, settings.reading, asked.get("jobs"))


def is_in_partitions(asked: dict[str, Any]) -> bool:
    """Return whether records are judged partition by partition.

    Raises:
        CallError: when they are to be so in two ways, or on a cluster without a name.
    """
    from triage.errors import CallError

    address = asked.get("cluster")
    if asked.get("chunk") and address is not None:
        raise CallError("--chunk judges on this machine and --cluster on others; give one of them.")
    if address == "":
        raise CallError("--cluster names no cluster; write local, or the address of a scheduler.")
    return bool(asked.get("chunk") or address)


def ruleset_of(settings: Settings) -> Ruleset:
    """Return the rules that judge here: the shipped ones (or those the settings name) and own."""
    from triage.local_rules import assemble

    base, own = rule_folders(settings)
    return assemble(base, own, settings.parameters, settings.switch_off)


def rule_folders(settings: Settings) -> tuple[Path, Path | None]:
    """Return the folder of rules, and that of the council's own, where it is another one."""
    base, own = base_rules(settings), settings.own_folder
    return base, None if own is not None and own.resolve() == base.resolve() else own


def base_rules(settings: Settings) -> Path:
    """Return the folder of rules that the settings name, else of those that came along."""
    from triage.resources import shipped

    return Path(settings.rules) if settings.rules else shipped("rules")


def written_rules(settings: Settings) -> Ruleset:
    """Return the rules as their files have them, without what triage.toml changes.

    Their examples speak of these values.
    """
    from triage.rulefiles import load_rules

    base, own = rule_folders(settings)
    return load_rules(base, *([own] if own else []))


def keep_page(
    context: click.Context, page: Path, before: str, after: str, *, by: str, is_check: bool
) -> None:
    """Write a page anew where it is stale, or with ``is_check`` only say so and exit with 1."""
    from triage.outputs import write_text

    if before == after:
        click.echo(f"{page}: is up to date.")
    elif is_check:
        click.echo(f"{page}: is stale; `{by}` writes it anew.")
        context.exit(1)
    else:
        write_text(page, after)
        click.echo(f"Wrote {page}.")
