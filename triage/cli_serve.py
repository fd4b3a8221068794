"""The commands of the pages: serving them, and who may sign in. Thin doors, no logic."""

from __future__ import annotations

import sys
from typing import Any

import click

from triage.options import as_option, asker_of, db_option, options, ruleset_of, settings_of


@click.command()
@click.option("--host", metavar="ADDRESS", help="Serve at this address [default: 127.0.0.1].")
@click.option("--port", type=click.IntRange(1, 65535), help="And this port [default: 8080].")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Serve by so many processes.",
)
@db_option
def serve(host: str | None, port: int | None, workers: int, db: str | None) -> None:
    """Serve the pages of the queue, to this machine unless triage.toml says otherwise.

    People sign in with an account: `triage users add NAME` makes the first administrator's. Ctrl-C
    stops it, once what was begun is ended. The log goes to standard error, a JSON object a line.
    With --workers, attempts to sign in are counted by each process alone.

    Example: triage serve --port 8080
    """
    from triage.extras import needed

    settings = settings_of({"db": db})
    web = settings.web
    with needed("web"):
        from triage.web.serving import serve as serve_site
        from triage.web.site import Site
    at, by = host or web.host, port or web.port
    served = Site(settings.db, settings, ruleset_of(settings))
    said = f"Serving the pages at http://{f'[{at}]' if ':' in at else at}:{by}; Ctrl-C stops it."
    serve_site(served, at, by, workers, lambda: click.echo(said, err=True))


@click.group()
def users() -> None:
    """Give people accounts for the pages, with a password kept here.

    Example: triage users add a.admin --role administrator
    """


@users.command("add")
@click.argument("name")
@click.option("--role", metavar="ROLE", help="As what [default: as they are registered].")
@click.option("--team", "teams", multiple=True, metavar="TEAM", help="May be repeated; none: all.")
@db_option
@as_option
def users_add(
    name: str, role: str | None, teams: tuple[str, ...], db: str | None, person: str | None
) -> None:  # fmt: skip
    """Register somebody and give them a password, asked for twice and shown to nobody.

    Where nobody is at the keyboard it is the first line of standard input. The first of all is an
    administrator and adds themselves; from then on --as names an administrator, and whoever is
    added chooses another password when they first sign in. For somebody who is registered it is a
    new password.

    Example: triage users add a.admin
    """
    from triage.extras import needed
    from triage.users import add

    with needed("web"):
        from triage.web.passwords import hashed
    settings = settings_of({"db": db})
    password = _password()
    call: dict[str, Any] = {"url": settings.db, "asker": asker_of(person or name, settings)}
    found = add(**call, name=name, role=role, teams=teams, kept=hashed(password, name))
    whose = ", ".join(found.teams) or "all teams"
    click.echo(f"{name} is registered as {found.role}, for {whose}, and can sign in.")


def _password() -> str:
    """Return a password that is typed twice, or comes in on standard input."""
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")


demo_options = options(
    click.option("--serve", "is_served", is_flag=True,
                 help="Then serve its pages to this machine, with an account of each role."),
    click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True,
                 help="With --serve: at this port."),
)  # fmt: skip
"""What the demo may be asked of its pages."""


def check_extra() -> None:
    """Say at once where the packages of the pages are not installed.

    Raises:
        CallError: when one of them is not.
    """
    from triage.extras import needed

    with needed("web"):
        from triage.web import serving  # noqa: F401


def serve_demo(url: str, folder: str, port: int) -> None:
    """Serve the demonstration to this machine, with an account of each role."""
    import secrets
    from pathlib import Path

    from triage.settings import Settings
    from triage.settings_web import Web
    from triage.users import DEMO, add_demonstrators
    from triage.web.passwords import hashed
    from triage.web.serving import serve as serve_site
    from triage.web.site import Site

    password = secrets.token_urlsafe(12)
    web = Web(reports=str(Path(folder) / "reports"))
    settings = Settings.model_validate({"db": url, "web": web})
    add_demonstrators(url, lambda name: asker_of(name, settings), hashed, password)

    def ready() -> None:
        click.echo(f"\nThe pages are at http://127.0.0.1:{port} for this machine alone. Sign in as")
        for name, role, _ in DEMO:
            click.echo(f"  {name:<12} {role}")
        click.echo(
            f"with the password {password} (invented for this demonstration; Ctrl-C ends it)."
        )
        sys.stdout.flush()

    served = Site(url, settings, ruleset_of(settings), is_demo=True)
    serve_site(served, "127.0.0.1", port, ready=ready)
