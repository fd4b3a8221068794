"""The commands that let go of data, and hand it on under pseudonyms: thin doors, no logic."""

from __future__ import annotations

from pathlib import Path

import click

from triage.options import as_option, asker_of, db_option, settings_of, table_or_json

_FILE = click.Path(dir_okay=False, path_type=Path)
_dry_run = click.option("--dry-run", is_flag=True, help="Only say what it would be.")
_yes = click.option("--yes", is_flag=True, help="Do it without asking.")
_key_file = click.option(
    "--key-file", required=True, type=_FILE, metavar="FILE",
    help="The key, as `triage data key` made it; outside DIR.",
)  # fmt: skip


@click.group()
def data() -> None:
    """Let go of data that is past its time, erase a child's, or hand it on under pseudonyms.

    Example: triage data retain --dry-run
    """


@data.command("retain")
@_dry_run
@_yes
@db_option
@as_option
@table_or_json
def data_retain(dry_run: bool, yes: bool, db: str | None, person: str | None, form: str) -> None:
    """Let go of what is past its time, as [retention] in triage.toml says.

    What runs said of single records, how records stood on past nights, and closed cases with all
    that belongs to them. The trail is kept, and the number of each case, to which it refers.

    Example: triage data retain --yes --as a.administrator
    """
    from triage import outputs, present_data, store

    settings = settings_of({"db": db})
    asked = (settings.db, asker_of(person, settings), settings.times)
    if dry_run or not yes:
        found = store.past_its_time(*asked)
        if form == "table" or not dry_run:
            click.echo(present_data.past_told(found), err=form == "json")
        if dry_run:
            if form == "json":
                click.echo(outputs.as_json(present_data.let_go_json(found, dry_run=True)))
            return
        if not present_data.is_nothing_past(found):
            click.confirm("It cannot be brought back. Let go of it?", abort=True, err=True)
    done = store.let_go(*asked)
    if form == "json":
        click.echo(outputs.as_json(present_data.let_go_json(done, dry_run=False)))
    else:
        click.echo(present_data.let_go_told(done))


@data.command("erase")
@click.argument("child_id", metavar="CHILD_ID")
@click.option("--reason", default="", metavar="TEXT",
              help="Why; it stands in the trail, so it is not to name the child.")  # fmt: skip
@click.option("--open-too", is_flag=True, help="Erase cases that are open, too.")
@_dry_run
@_yes
@db_option
@as_option
@table_or_json
def data_erase(
    child_id: str, reason: str, open_too: bool, dry_run: bool, yes: bool, db: str | None,
    person: str | None, form: str,
) -> None:  # fmt: skip
    """Erase all that is kept of a child; the trail stays whole, and tells of no child.

    The next nightly run makes anew what is in the records still: the record in your case system, or
    its extract, has to go first. Backups made before still hold it.

    Example: triage data erase C0000041 --reason "request of 3 May, reference 17/26"
    --as a.administrator
    """
    from triage import outputs, present_data, store

    settings = settings_of({"db": db})
    asked = (settings.db, asker_of(person, settings), child_id)
    if dry_run or not yes:
        found = store.erasure_of(*asked, None if dry_run else reason, open_too=open_too)
        told = "\n".join([present_data.erasure_told(found), *present_data.named_told(found)])
        if form == "table" or not dry_run:
            click.echo(told, err=form == "json")
        if dry_run:
            if form == "json":
                click.echo(outputs.as_json(present_data.erased_json(found, dry_run=True)))
            return
        click.confirm("It cannot be brought back. Erase it?", abort=True, err=True)
    done = store.erase_child(*asked, reason, open_too=open_too)
    if form == "json":
        click.echo(outputs.as_json(present_data.erased_json(done, dry_run=False)))
    else:
        click.echo(present_data.erased_told(done))


@data.command("key")
@click.argument("file", type=_FILE, metavar="FILE")
def data_key(file: Path) -> None:
    """Make a key for pseudonyms in FILE, which only its owner can read.

    Whoever has it and an export can tell whose each pseudonym is: keep it apart from every export,
    and where it is not lost, since only the same key gives the same pseudonyms.

    Example: triage data key /srv/keys/triage.key
    """
    from triage.pseudonyms import make_key

    key = make_key(file)
    click.echo(f"Made the key {key.fingerprint} in {file}: keep it apart from every export.")


@data.command("export")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@_key_file
@click.option("--team", "teams", multiple=True, metavar="TEAM",
              help="Only cases of this team; may be repeated.")  # fmt: skip
@db_option
@as_option
@table_or_json
def data_export(
    folder: Path, key_file: Path, teams: tuple[str, ...], db: str | None, person: str | None,
    form: str,
) -> None:  # fmt: skip
    """Write cases, flags, reviews, actions and referrals into DIR, as CSV under pseudonyms.

    No name, no identifier and no free text is in it; dates stay as they are. DIR has to be new, or
    empty. The same store and key give the same bytes.

    Example: triage data export for_analysis --key-file /srv/keys/triage.key --as a.auditor
    """
    from triage import outputs, present_data, store
    from triage.pseudonyms import read_key

    settings = settings_of({"db": db})
    key = read_key(key_file, folder)
    done = store.export_data(settings.db, asker_of(person, settings), folder, key, teams)
    if form == "json":
        click.echo(outputs.as_json(present_data.exported_json(done, folder)))
    else:
        click.echo(present_data.exported_told(done, folder))


@data.command("whose")
@click.argument("pseudonym")
@_key_file
@click.option("--reason", default="", metavar="TEXT", help="Why; it stands in the trail.")
@db_option
@as_option
def data_whose(
    pseudonym: str, key_file: Path, reason: str, db: str | None, person: str | None
) -> None:
    """Say which cases stand behind the pseudonym of a case or a child, for a reason.

    Example: triage data whose case-0f3a5c7e9b1d2f4a6c8e --key-file /srv/keys/triage.key
    --reason "outlier in the analysis of May" --as a.auditor
    """
    from triage import store
    from triage.pseudonyms import read_key

    settings = settings_of({"db": db})
    found = store.cases_behind(
        settings.db, asker_of(person, settings), pseudonym, read_key(key_file), reason
    )
    word = "case" if len(found) == 1 else "cases"
    click.echo(f"It is {word} {', '.join(map(str, found))}; `triage queue show` shows one.")
