"""The commands that make reports: the three-month review, the weekly pack, causes, rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from triage.options import Date, as_option, asker_of, db_option, options, settings_of

_to = click.option("--to", type=Date(), help="Up to this day [default: that of the last run].")
_shared = options(
    click.option("--out", "folder", required=True, metavar="DIR",
                 type=click.Path(file_okay=False, path_type=Path), help="Where the files go."),
    click.option("--publish", is_flag=True,
                 help="Suppress small numbers and leave the annexes out, for publication."),
    click.option("--pdf/--no-pdf", "pdf", default=None,
                 help="Write a PDF as well [default: where the extra pdf is installed]."),
    db_option,
    as_option,
    click.option("--format", "form", type=click.Choice(["table", "json"]), default="table",
                 show_default=True, help="What is printed."),
)  # fmt: skip


@click.group()
def report() -> None:
    """Make reports from the store: pages, workbooks, tables, and minutes.

    Example: triage report review --to 2026-09-30 --out reports --as m.manager
    """


def _make(name: Any, asked: dict[str, Any], **more: Any) -> None:
    from triage import outputs, reporting

    settings = settings_of({"db": asked["db"]})
    wanted = reporting.Asked(
        asked.get("to"), publish=asked["publish"], with_pdf=asked["pdf"], **more
    )
    made = reporting.make_report(
        settings.db, asker_of(asked["person"], settings), name, wanted, asked["folder"]
    )
    if asked["form"] == "json":
        click.echo(outputs.as_json(reporting.made_json(made, asked["folder"])))
    else:
        click.echo(reporting.made_told(made, asked["folder"]))


@report.command("review")
@_to
@click.option("--months", type=click.IntRange(1, 120), default=3, show_default=True,
              help="Months of the window.")  # fmt: skip
@_shared
def report_review(months: int, **asked: Any) -> None:
    """Make the review of every re-referral of a window of months.

    Example: triage report review --to 2026-09-30 --out reports --as m.manager
    """
    _make("review", asked, months=months)


@report.command("weekly")
@_to
@_shared
def report_weekly(**asked: Any) -> None:
    """Make the pack of the week that ends on a day, by team, with control charts.

    Example: triage report weekly --to 2026-09-30 --out reports --as m.manager
    """
    _make("weekly", asked)


@report.command("causes")
@_to
@click.option("--councils", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Published figures of other councils, as CSV: council, year, referrals, "
              "re_referrals.")  # fmt: skip
@_shared
def report_causes(councils: Path | None, **asked: Any) -> None:
    """Ask why children come back: reasons over time, time to return, and published figures.

    Example: triage report causes --to 2026-09-30 --councils neighbours.csv --out reports
    """
    _make("causes", asked, councils=councils)


@report.command("rules")
@_shared
def report_rules(**asked: Any) -> None:
    """Check the checker: how often each rule flags, and how useful reviewers find it.

    Example: triage report rules --out reports --as a.auditor
    """
    _make("rules", asked)
