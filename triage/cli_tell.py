"""The command that tells people of a night, and what ``nightly`` does of it: no logic here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from triage.options import as_option, asker_of, db_option, quiet_option, settings_of, table_or_json
from triage.vocabulary import printable

if TYPE_CHECKING:
    from triage.settings import Settings


@click.command()
@click.option("--run", "run_id", type=int, metavar="N", help="Of this run [default: the latest].")
@click.option("--team", metavar="TEAM", help="Only this team's digest, even if nothing is new.")
@click.option("--again", is_flag=True, help="Also what the trail says was sent before.")
@click.option("--dry-run", is_flag=True, help="Print the digests instead, and send nothing.")
@db_option
@as_option
@table_or_json
@quiet_option
@click.pass_context
def tell(
    context: click.Context, run_id: int | None, team: str | None, again: bool, dry_run: bool,
    db: str | None, person: str | None, form: str, quiet: bool,
) -> None:  # fmt: skip
    """Send the digests of a stored run, and call the webhook, as triage.toml says.

    `triage nightly` does so by itself; this sends what could not be sent then. It ends with 1 when
    something could not be sent now. With --dry-run, --format json gives what the webhook is told.

    Example: triage tell --team "Assessment North" --dry-run
    """
    from triage import store, telling
    from triage.errors import CallError

    settings = settings_of({"db": db})
    if dry_run:
        _show(settings, run_id, team, person, form)
        return
    if form == "json":
        raise CallError("--format json goes with --dry-run: it is what the webhook is told.")
    asker = asker_of(person, settings)
    store.check_asker(settings.db, asker)
    report = telling.tell(
        settings, telling.Means(os.environ), run_id=run_id, team=team, again=again,
        actor=asker.actor,
    )  # fmt: skip
    if not quiet:
        _say(telling.told(report))
    _say(telling.failures(report))
    if report.failed:
        context.exit(1)


def tell_of_night(settings: Settings, run_id: int, *, quiet: bool) -> None:
    """Tell whoever the settings name of a run just stored; whatever goes wrong is only said.

    The run stands, and `nightly` ends as it would have ended.
    """
    from triage import telling
    from triage.errors import TriageError

    if not telling.is_asked(settings):
        return
    try:
        report = telling.tell(settings, telling.Means(os.environ), run_id=run_id)
    except TriageError as error:
        _say([f"nobody was told of run {run_id}, which is stored: {error}",
              f"`triage tell --run {run_id}` tries again."])  # fmt: skip
        return
    except KeyboardInterrupt:
        _say([f"stopped; run {run_id} is stored, and `triage tell` sends what was not sent."])
        raise click.exceptions.Exit(130) from None
    if not quiet:
        _say(telling.told(report))
    _say(telling.failures(report))


def _show(
    settings: Settings, run_id: int | None, team: str | None, person: str | None, form: str
) -> None:  # fmt: skip
    """Print what would be sent, as far as whoever asks may see it."""
    from triage import outputs, store, telling
    from triage.digest import as_text
    from triage.errors import CallError

    seen = store.teams_shown(settings.db, asker_of(person, settings))
    night = store.night_figures(settings.db, run_id, settings.telling.most_pressing)
    if form == "json":
        if seen is not None or team is not None:
            raise CallError("--format json is what the webhook is told, of all teams together.")
        click.echo(outputs.as_json(night.as_json()))
        return
    shown = telling.previews(settings, night, team, seen)
    for told_to, whole in shown:
        click.echo(f"To: {printable(told_to)}\nSubject: {whole.subject}\n\n{as_text(whole)}")
    if not shown:
        click.echo("Nothing is new or overdue, so nobody would be sent a digest.")
    if settings.webhook.url and team is None:
        click.echo(f"Webhook: {settings.webhook.name} (--format json shows what it is told)")
    _say(telling.warned(telling.unknown_names(settings.telling, night)))


def _say(sentences: list[str]) -> None:
    for sentence in sentences:
        click.echo(f"triage: {printable(sentence)}", err=True)
