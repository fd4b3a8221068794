"""The command line: thin doors over the pipeline, the store and the rules; no logic here.

Heavy imports stand inside the commands, so that ``triage --help`` answers at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from triage import __version__
from triage.cli_audit import audit, people
from triage.cli_data import data
from triage.cli_db import database
from triage.cli_exceptions import exception
from triage.cli_queue import due, print_queue, queue
from triage.cli_report import report
from triage.cli_review import action, review
from triage.cli_rules import facts, rules
from triage.cli_runs import runs
from triage.cli_second import second
from triage.cli_serve import check_extra, demo_options, serve, serve_demo, users
from triage.cli_sources import sources
from triage.cli_tell import tell, tell_of_night
from triage.options import (
    as_of_option,
    db_option,
    is_in_partitions,
    options_of,
    partition_options,
    quiet_option,
    ruleset_of,
    run_options,
    settings_of,
)

if TYPE_CHECKING:
    from triage.settings import Settings

FIRST_STEPS: Final = """\
Re-referral triage: which re-referrals waited, drifted, or have no sound risk decision.

To see it at work on an invented council:   triage demo
To check your own records, storing nothing:  triage check referrals.csv
To keep a review queue from night to night:  triage init, then triage nightly referrals.csv
All commands:                                triage --help
"""


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="triage")
@click.pass_context
def cli(context: click.Context) -> None:
    """Find re-referrals that waited, drifted or have no sound risk decision.

    It points at cases; people decide. Nothing leaves the machine it runs on,
    except what triage.toml says is to be sent.

    Example: triage check referrals.csv --as-of 2026-09-30
    """
    if context.invoked_subcommand is None:
        click.echo(FIRST_STEPS, nl=False)


@cli.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@run_options
@partition_options
@click.pass_context
def check(context: click.Context, /, sources: tuple[str, ...], **asked: Any) -> None:
    """Judge the records in SOURCE and print what was found; nothing is stored.

    SOURCE is a referral table (CSV, Parquet, Excel), a folder of tables, a CIN census file,
    Ofsted's Annex A or the URL of an SSD database; several may be given together, and tables of
    decisions, allocations and the like beside them.

    Referrals beyond this machine's memory, in Parquet files, are judged with --chunk, or by many
    machines with --cluster; --output may then name a folder for the flags, a file a partition.

    Example: triage check census.xml decisions.csv --as-of 2026-09-30
    """
    run, settings = _run(sources, asked, keeps_records=False)
    _give(run, run.told, asked)
    _fail_if_met(context, run, settings)


@cli.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE...]")
@run_options
@db_option
@click.pass_context
def nightly(
    context: click.Context, /, sources: tuple[str, ...], db: str | None, **asked: Any
) -> None:
    """Judge the records in SOURCE, then bring the review queue in the store up to date.

    Without SOURCE, the sources named in triage.toml are read. A second run on the same records
    changes nothing. Whoever triage.toml names under [telling] and [webhook] is told of the run.

    Example: triage nightly extracts/referrals.csv --db sqlite:///queue.db
    """
    run, settings, run_id = _nightly(sources, asked | {"db": db})
    tell_of_night(settings, run_id, quiet=asked["quiet"])
    _fail_if_met(context, run, settings)


@cli.command()
@click.option(
    "--into", type=click.Path(file_okay=False), help="Folder to make [default: triage-demo]."
)
@demo_options
@quiet_option
def demo(into: str | None, is_served: bool, port: int, quiet: bool) -> None:
    """Show the tool at work on the invented council that comes with it.

    A fresh folder is made for the demo's store; nothing else is touched. With --serve its pages
    are opened on this machine alone.

    Example: triage demo --serve
    """
    from triage import demonstration, present

    if is_served:
        check_extra()
    folder = demonstration.fresh_folder(into)
    sample = demonstration.sample()
    url = f"sqlite:///{folder / 'triage.db'}"
    asked: dict[str, Any] = {
        "as_of": sample.as_of, "form": "table", "quiet": quiet, "db": url,
        "history_from": sample.history_from,
    }  # fmt: skip
    _nightly((str(sample.folder),), asked)
    out = present.console()
    out.print()
    out.print("[bold]The review queue[/bold]")
    print_queue(settings_of({"db": url}), None, "table", 10)
    click.echo(f"\n{demonstration.WHAT_NEXT.format(url=url)}")
    if is_served:
        serve_demo(url, str(folder), port)


@cli.command()
def init() -> None:
    """Write a commented triage.toml into this folder.

    Example: triage init
    """
    from triage.errors import CallError
    from triage.settings import FILE_NAME, TEMPLATE

    path = Path(FILE_NAME)
    if path.exists():
        raise CallError(f"{path}: is there already; it was left as it is.")
    try:
        path.write_text(TEMPLATE, "utf-8")
    except OSError as error:
        raise CallError(f"{path}: cannot be written ({error.strerror or error}).") from None
    click.echo(f"Wrote {path}. Read it, change what you need, then: triage nightly SOURCE")


cli.add_command(queue)
cli.add_command(due)
cli.add_command(review)
cli.add_command(action)
cli.add_command(second)
cli.add_command(exception)
cli.add_command(audit)
cli.add_command(people)
cli.add_command(database)
cli.add_command(data)
cli.add_command(rules)
cli.add_command(runs)
cli.add_command(facts)
cli.add_command(sources)
cli.add_command(tell)
cli.add_command(report)
cli.add_command(serve)
cli.add_command(users)


@cli.command()
@click.option("--run", "run_id", type=int, metavar="N", help="Which run [default: the latest].")
@db_option
@click.option("--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write to FILE.")
def rejects(run_id: int | None, db: str | None, output: str | None) -> None:
    """Give a run's rejected rows, unreadable cells and contradictions as CSV.

    For whoever owns the records: each line names source, row, column and what is wrong.

    Example: triage rejects --output to_mend.csv
    """
    from triage import outputs, store

    text = outputs.rejections_csv(store.rejections(settings_of({"db": db}).db, run_id))
    if output:
        outputs.write_text(Path(output), text)
        click.echo(f"Wrote {output}.", err=True)
    else:
        click.echo(text, nl=False)


@cli.group()
def sample() -> None:
    """Make invented records of any size, for trying things out.

    Example: triage sample make made_up --referrals 5000
    """


@sample.command("make")
@click.argument("folder", type=click.Path(file_okay=False), metavar="FOLDER")
@click.option(
    "--referrals",
    type=click.IntRange(1, 64_000_000),
    default=1200,
    show_default=True,
    help="How many referrals; at most 6,400,000 of one council.",
)
@click.option(
    "--parts",
    type=click.IntRange(1, 1000),
    metavar="P",
    help="Instead of one council P of them, each with children and workers of its own: P Parquet "
    "files of the referral table in a folder, in each the rows by child_id, then referral_date.",
)
@click.option(
    "--months",
    type=click.IntRange(1, 240),
    default=18,
    show_default=True,
    help="Months up to --as-of over which they are spread.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="The same seed gives the same records.",
)
@as_of_option
@click.option("--clean", is_flag=True, help="Without dirty cells, duplicates and odd dates.")
@click.option(
    "--form",
    "forms",
    multiple=True,
    type=click.Choice(["table", "parquet", "folder", "cin", "annex-a", "ssd"]),
    help="Which forms to write; may be repeated [default: table].",
)
@quiet_option
def sample_make(
    folder: str,
    referrals: int,
    parts: int | None,
    months: int,
    seed: int,
    as_of: dt.date | None,
    clean: bool,
    forms: tuple[str, ...],
    quiet: bool,
) -> None:
    """Make an invented council's records; the same seed gives the same bytes.

    With --parts a whole country's are made, in the memory that one council takes.

    Example: triage sample make made_up --referrals 5000 --form table --form cin
    """
    from triage import demonstration
    from triage.progress import stages

    asked: dict[str, Any] = {
        "months": months,
        "seed": seed,
        "as_of": as_of or dt.date.today(),
        "dirty": not clean,
        "forms": forms or ("table",),
    }
    with stages(quiet=quiet) as progress:
        if parts is None:
            written = demonstration.make_sample(Path(folder), referrals, **asked, progress=progress)
        else:
            written = [
                demonstration.make_sample_in_parts(
                    Path(folder), referrals, parts, **asked, progress=progress
                )
            ]
    if not quiet:
        for path in written:
            click.echo(f"Wrote {path}. It is invented: it describes no real child.")  # fmt: skip


def _run(
    sources: tuple[str, ...], asked: dict[str, Any], *, keeps_records: bool, nights: Any = None
) -> tuple[Any, Settings]:
    from triage.pipeline import check
    from triage.progress import stages

    is_apart = is_in_partitions(asked)
    output, write_to = asked.get("output"), None
    if output:
        from triage.outputs import output_folder, output_form, refuse_to_overwrite

        write_to = output_folder(Path(output), asked["form"]) if is_apart else None
        if write_to is None:
            output_form(Path(output), asked["form"])
    settings = settings_of(asked)
    names = sources or settings.sources
    if output:
        refuse_to_overwrite(Path(output), names, settings.db)
    options = options_of(asked, settings)
    with stages(quiet=asked["quiet"]) as progress:
        if is_apart:
            from triage.cluster import check_in_partitions

            return check_in_partitions(
                names, ruleset_of(settings), options, asked["cluster"], write_to, progress
            ), settings
        run = check(
            names, ruleset_of(settings), options, progress,
            keeps_records=keeps_records, nights=nights,
        )  # fmt: skip
    return run, settings


def _nightly(sources: tuple[str, ...], asked: dict[str, Any]) -> tuple[Any, Settings, int]:
    from triage import present, store
    from triage.outputs import refuse_the_same
    from triage.people import current_user

    settings = settings_of(asked)
    refuse_the_same(settings.db, sources or settings.sources)
    started_at = dt.datetime.now(dt.UTC)
    with store.run_lock(settings.db):
        nights = store.nights_so_far(settings.db)
        run, settings = _run(sources, asked, keeps_records=True, nights=nights)
        last = store.last_as_of(settings.db)
        if last is not None and last > run.options.as_of and not asked["quiet"]:
            click.echo(present.back_in_time(run.options.as_of, last), err=True)
        run_id, changes, oversight = store.store_run(
            settings.db,
            run,
            who=current_user(),
            started_at=started_at,
            finished_at=dt.datetime.now(dt.UTC),
            settings=settings.model_dump(
                mode="json", exclude={"restricted", "sources", "telling", "webhook", "web"}
            ),
            review_days=settings.days_by_severity,
        )
    left = store.standing_flags(settings.db, [*run.ruleset.by_id, *run.ruleset.silent])
    if left and not asked["quiet"]:
        click.echo(present.left_standing(left), err=True)

    def whole() -> dict[str, Any]:
        found: dict[str, Any] = run.told() | {"queue": changes["referral"].as_json()}
        found["contacts"] |= {"queue": changes["contact"].as_json()}
        found["oversight"] = oversight.as_json()
        return found

    _give(run, whole, asked)
    if asked["form"] == "table":
        present.show_changes(changes, oversight, run_id, present.console())
    return run, settings, run_id


def _give(run: Any, whole: Callable[[], dict[str, Any]], asked: dict[str, Any]) -> None:
    """Print a run, and write it to a file where one was named.

    ``whole`` makes the one object for scripts, which takes time and is mostly not asked for.
    """
    from triage import outputs, present

    written = None
    if asked.get("output") and not run.written_to:
        written = outputs.write_output(run, whole, Path(asked["output"]), asked["form"])
        if not asked["quiet"]:
            click.echo(f"Wrote {asked['output']}.", err=True)
    if asked["form"] == "table":
        present.show_run(run, present.console())
    elif asked["form"] != written:
        for text in outputs.output_texts(run, whole, asked["form"]):
            click.echo(text, nl=False)


def _fail_if_met(context: click.Context, run: Any, settings: Settings) -> None:
    if settings.fail_on is not None and run.reaches(settings.fail_on):
        context.exit(1)
