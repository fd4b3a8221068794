"""The commands for whoever has to show what was done: the trail, and who is registered."""

from __future__ import annotations

from pathlib import Path

import click

from triage.options import as_option, asker_of, db_option, settings_of, table_or_json


@click.group()
def audit() -> None:
    """Look at the trail: what was done, when, and by whom; and whether it is whole.

    Example: triage audit verify
    """


@audit.command("verify")
@db_option
@click.option(
    "--head",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The trail's head as `triage audit head` wrote it: the trail has to reach it.",
)
@table_or_json
@click.pass_context
def audit_verify(context: click.Context, db: str | None, head: str | None, form: str) -> None:
    """Say whether the trail is whole; exit with 1 when it is damaged, naming the first damage.

    Each event bears a hash of itself and of all before it. Events cut off from its end are found
    with a head that was kept outside.

    Example: triage audit verify --head trail-head.json
    """  # fmt: skip
    from triage import auditing, outputs

    verdict = auditing.verify(settings_of({"db": db}).db, Path(head) if head else None)
    if form == "json":
        click.echo(outputs.as_json(auditing.verdict_json(verdict)))
    else:
        click.echo(auditing.verdict_told(verdict))
    if verdict.damage:
        context.exit(1)


@audit.command("head")
@db_option
@click.option("--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write to FILE.")
def audit_head(db: str | None, output: str | None) -> None:
    """Give the trail's head, to be kept where nobody who writes to the store can write.

    Example: triage audit head --output trail-head.json
    """
    from triage import auditing, outputs, store

    url = settings_of({"db": db}).db
    if output:
        outputs.refuse_to_overwrite(Path(output), (), url)
    text = outputs.as_json(auditing.head_json(store.trail_head(url)))
    if output:
        outputs.write_text(Path(output), f"{text}\n")
        click.echo(f"Wrote {output}.", err=True)
    else:
        click.echo(text)


@audit.command("log")
@db_option
@as_option
@click.option("--actor", metavar="NAME", help="Only what this person did.")
@click.option("--kind", metavar="KIND", help="Only events of this kind, such as 'case claimed'.")
@click.option(
    "--case", "case_id", type=click.IntRange(1, 2**31 - 1), metavar="ID", help="Only of a case."
)
@click.option("--since", metavar="TIME", help="From this day or moment (UTC) on.")
@click.option("--until", metavar="TIME", help="Up to this day or moment (UTC).")
@click.option(
    "--limit",
    type=click.IntRange(0, 2**31 - 1),
    default=100,
    show_default=True,
    help="The last so many; 0 for all.",
)
@table_or_json
def audit_log(
    db: str | None, person: str | None, actor: str | None, kind: str | None, case_id: int | None,
    since: str | None, until: str | None, limit: int, form: str,
) -> None:  # fmt: skip
    """List what happened, the latest last.

    Example: triage audit log --case 12 --as a.auditor
    """
    from triage import auditing, outputs, present, present_cases, store

    settings = settings_of({"db": db})
    found = store.audit_log(
        settings.db, asker_of(person, settings), actor=actor or "", kind=kind or "",
        case_id=case_id, since=since or "", until=until or "", limit=limit or None,
    )  # fmt: skip
    if form == "json":
        click.echo(outputs.as_json([auditing.event_json(one) for one in found]))
    else:
        present_cases.show_trail(found, present.console())


@click.group()
def people() -> None:
    """Register who works with the queue; until somebody is, anybody may under any name.

    Example: triage people add a.administrator --role administrator --as a.administrator
    """


@people.command("add")
@click.argument("name")
@click.option(
    "--role",
    required=True,
    metavar="ROLE",
    help="reviewer, team manager, auditor or administrator.",
)
@click.option(
    "--team",
    "teams",
    multiple=True,
    metavar="TEAM",
    help="A team whose cases they see; may be repeated [default: all].",
)
@db_option
@as_option
def people_add(
    name: str, role: str, teams: tuple[str, ...], db: str | None, person: str | None
) -> None:  # fmt: skip
    """Register somebody, or change their role and teams; the first has to be an administrator.

    Example: triage people add r.reviewer --role reviewer --team North --as a.administrator
    """
    from triage import store

    settings = settings_of({"db": db})
    store.register(settings.db, asker_of(person, settings), name, role, teams)
    click.echo(f"{name} is registered as {role}, for {', '.join(teams) or 'all teams'}.")


@people.command("remove")
@click.argument("name")
@db_option
@as_option
def people_remove(name: str, db: str | None, person: str | None) -> None:
    """Take somebody's rights away; what they did stays theirs.

    Example: triage people remove r.reviewer --as a.administrator
    """
    from triage import store

    settings = settings_of({"db": db})
    store.strike_off(settings.db, asker_of(person, settings), name)
    click.echo(f"{name} may do nothing here any more.")


@people.command("list")
@db_option
@table_or_json
def people_list(db: str | None, form: str) -> None:
    """List who is registered, with role and teams.

    Example: triage people list
    """
    from triage import outputs, present, present_cases, store

    found = store.people(settings_of({"db": db}).db)
    if form == "json":
        click.echo(outputs.as_json([present_cases.person_json(one) for one in found]))
    else:
        present_cases.show_people(found, present.console())
