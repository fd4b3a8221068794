"""The commands that keep the store: upgrade, check, backup, restore, move."""

from __future__ import annotations

from pathlib import Path

import click

from triage.options import as_option, asker_of, db_option, quiet_option, settings_of, table_or_json

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group("db")
def database() -> None:
    """Keep the store: bring it up to date, check it, back it up, restore it, move it.

    Example: triage db backup triage-2026-09-30.backup
    """


@database.command("upgrade")
@db_option
@as_option
def db_upgrade(db: str | None, person: str | None) -> None:
    """Bring the store to this version's revision, or make an empty one where there is none.

    Take a backup first.

    Example: triage db upgrade
    """
    from triage import keeping, store

    settings = settings_of({"db": db})
    done = store.upgrade_store(settings.db, asker_of(person, settings))
    click.echo(keeping.upgraded_told(done))


@database.command("check")
@db_option
@table_or_json
@click.pass_context
def db_check(context: click.Context, db: str | None, form: str) -> None:
    """Say whether the store is whole; exit with 1 when it is damaged, naming each damage.

    Every row is read; tables, references, guards, trail, reviews' seals and the order of work are
    held to what they should be. Nothing is changed.

    Example: triage db check --format json
    """
    from triage import keeping, outputs, store

    found = store.check_store(settings_of({"db": db}).db)
    if form == "json":
        click.echo(outputs.as_json(keeping.checked_json(found)))
    else:
        click.echo(keeping.checked_told(found))
    if found.damages:
        context.exit(1)


@database.command("backup")
@click.argument("file", type=_FILE, metavar="FILE")
@db_option
@as_option
@quiet_option
def db_backup(file: Path, db: str | None, person: str | None, quiet: bool) -> None:
    """Write the whole store into FILE, as it is at one moment, while others work on.

    FILE is the same for SQLite and PostgreSQL: what was backed up from one restores into the
    other. It must not be there yet, and is there only once it is whole.

    Example: triage db backup triage-2026-09-30.backup
    """
    from triage import keeping, store
    from triage.progress import stages

    settings = settings_of({"db": db})
    with stages(quiet=quiet) as progress:
        done = store.back_up(settings.db, file, asker_of(person, settings), progress)
    if not quiet:
        click.echo(keeping.backed_up_told(done, file))


@database.command("restore")
@click.argument("file", type=_FILE, metavar="FILE")
@db_option
@as_option
@quiet_option
def db_restore(file: Path, db: str | None, person: str | None, quiet: bool) -> None:
    """Make the store that was backed up in FILE, in an empty place.

    Every byte of FILE, every row, the references between them and the trail are checked before
    anything is stored. A backup of an older version is upgraded.

    Example: triage db restore triage-2026-09-30.backup --db sqlite:///restored.db
    """
    from triage import keeping, store
    from triage.progress import stages

    settings = settings_of({"db": db})
    with stages(quiet=quiet) as progress:
        done = store.restore(settings.db, file, asker_of(person, settings), progress)
    if not quiet:
        click.echo(keeping.restored_told(done, file))


@database.command("move")
@click.argument("source", metavar="FROM_URL")
@click.argument("target", metavar="TO_URL")
@as_option
@quiet_option
def db_move(source: str, target: str, person: str | None, quiet: bool) -> None:
    """Copy the store in FROM_URL into an empty place, TO_URL: SQLite to PostgreSQL, or back.

    Every row is held beside its original before anything is stored; meanwhile nobody can write to
    the old store. It is left as it is.

    Example: triage db move sqlite:///triage.db postgresql://server/triage
    """
    from triage import keeping, store
    from triage.progress import stages

    with stages(quiet=quiet) as progress:
        done = store.move(source, target, asker_of(person, settings_of({})), progress)
    if not quiet:
        click.echo(keeping.moved_told(done))
