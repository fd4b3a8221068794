"""The commands by which people work on cases: thin doors, no logic."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import click

from triage.options import (
    Date,
    as_option,
    asker_of,
    db_option,
    options,
    settings_of,
    table_or_json,
    wanted_of,
    wanted_options,
)

if TYPE_CHECKING:
    from triage.store import Case

_case = click.argument("case_id", type=click.IntRange(1, 2**31 - 1), metavar="ID")
_cases = options(
    click.argument("case_ids", type=click.IntRange(1, 2**31 - 1), nargs=-1, metavar="[ID...]"),
    click.option("--status", "statuses", multiple=True, metavar="STATUS",
                 help="Of this status; may be repeated."),
    wanted_options,
    click.option("--yes", is_flag=True, help="Do it without asking, however many there are."),
)  # fmt: skip
_reason = click.option("--reason", required=True, metavar="TEXT", help="Why.")


def _done_to(case_ids: tuple[int, ...], asked: dict[str, Any], call: dict[str, Any]) -> list[int]:
    """Return the cases that something is to be done to: those named, or all of a filter.

    How many a filter finds is said, and asked about, before anything is done.
    """
    from triage import store
    from triage.errors import CallError
    from triage.vocabulary import counted

    is_sure = asked.pop("yes")
    wanted = {name: value for name, value in asked.items() if value}
    if case_ids and wanted:
        raise CallError("name cases by their numbers, or by a filter, not both.")
    if case_ids:
        return list(dict.fromkeys(case_ids))
    if not wanted:
        raise CallError("name cases by their numbers, or by a filter such as --team NAME.")
    found = store.matching(call["url"], call["asker"], wanted_of(wanted))
    if not found:
        raise CallError("no case is of this kind; nothing was changed.")
    if not is_sure:
        click.confirm(f"This is for {counted(len(found), 'case')}. Go on?", abort=True, err=True)
    return found


def _call(db: str | None, person: str | None) -> dict[str, Any]:
    settings = settings_of({"db": db})
    return {"url": settings.db, "asker": asker_of(person, settings)}


def _say(n_cases: int, what: str) -> None:
    from triage.vocabulary import counted

    click.echo(f"{counted(n_cases, 'case')} {what}.")


def _show(found: Case, form: str) -> None:
    from triage import casefile, outputs

    if form == "json":
        click.echo(outputs.as_json({**casefile.case_told(found), "flags": list(found.rules)}))
    else:
        click.echo(
            f"Case {found.id} is yours until {found.held_until}: triage queue show {found.id}"
        )


@click.command("claim-next")
@wanted_options
@db_option
@as_option
@table_or_json
def claim_next(db: str | None, person: str | None, form: str, **asked: Any) -> None:
    """Claim the next case that nobody holds; nobody else is given it.

    It is held for 60 minutes, and longer while something is done on it. With nothing to claim,
    JSON is null.

    Example: triage queue claim-next --as r.reviewer --team North
    """
    from triage import store

    found = store.claim_next(**_call(db, person), wanted=wanted_of(asked))
    if found is not None:
        _show(found, form)
    else:
        click.echo("null" if form == "json" else "There is no case to claim.")


@click.command()
@_case
@db_option
@as_option
@table_or_json
def claim(case_id: int, db: str | None, person: str | None, form: str) -> None:
    """Claim a case by its number.

    Example: triage queue claim 12 --as r.reviewer
    """
    from triage import store

    _show(store.claim(**_call(db, person), case_id=case_id), form)


@click.command()
@_case
@db_option
@as_option
def release(case_id: int, db: str | None, person: str | None) -> None:
    """Give back a case that you hold.

    Example: triage queue release 12 --as r.reviewer
    """
    from triage import store

    store.release(**_call(db, person), case_id=case_id)
    click.echo(f"Case {case_id} waits for anybody.")


@click.command()
@_cases
@click.option("--to", required=True, metavar="NAME", help="For whom they are to wait.")
@db_option
@as_option
def assign(
    case_ids: tuple[int, ...], to: str, db: str | None, person: str | None, **asked: Any
) -> None:
    """Assign cases to somebody: those named, or all of a filter.

    Example: triage queue assign --team North --status new --to r.reviewer --as m.manager
    """
    from triage import store

    call = _call(db, person)
    _say(store.assign(**call, cases=_done_to(case_ids, asked, call), to=to), f"assigned to {to}")


@click.command()
@_cases
@click.option("--until", type=Date(), required=True, help="On this day they are back.")
@_reason
@db_option
@as_option
def snooze(
    case_ids: tuple[int, ...],
    until: dt.date,
    reason: str,
    db: str | None,
    person: str | None,
    **asked: Any,
) -> None:
    """Put cases off until a day: those named, or all of a filter.

    Example: triage queue snooze 12 --until 2026-10-12 --reason "court on the 9th" --as m.manager
    """
    from triage import store

    call = _call(db, person)
    found = _done_to(case_ids, asked, call)
    _say(store.snooze(**call, cases=found, until=until, why=reason), f"put off until {until}")


@click.command()
@_cases
@_reason
@db_option
@as_option
def close(
    case_ids: tuple[int, ...], reason: str, db: str | None, person: str | None, **asked: Any
) -> None:
    """Close cases without a review, for one reason: those named, or all of a filter.

    Example: triage queue close 12 13 --reason "duplicates of case 9" --as m.manager
    """
    from triage import store

    call = _call(db, person)
    _say(store.close(**call, cases=_done_to(case_ids, asked, call), why=reason), "closed")


@click.command()
@_case
@_reason
@db_option
@as_option
def reopen(case_id: int, reason: str, db: str | None, person: str | None) -> None:
    """Open a closed case again; it comes before its turn.

    Example: triage queue reopen 12 --reason "new information" --as m.manager
    """
    from triage import store

    store.reopen(**_call(db, person), case_id=case_id, why=reason)
    click.echo(f"Case {case_id} is open again.")


@click.command()
@_case
@_reason
@db_option
@as_option
def boost(case_id: int, reason: str, db: str | None, person: str | None) -> None:
    """Bring a case before its turn; the reason is shown with its place.

    Example: triage queue boost 12 --reason "complaint received" --as m.manager
    """
    from triage import store

    store.boost(**_call(db, person), case_id=case_id, why=reason)
    click.echo(f"Case {case_id} comes before its turn.")


@click.command()
@_case
@click.argument("text")
@db_option
@as_option
def note(case_id: int, text: str, db: str | None, person: str | None) -> None:
    """Add a note to a case.

    Example: triage queue note 12 "spoke to the referrer" --as r.reviewer
    """
    from triage import store

    store.add_note(**_call(db, person), case_id=case_id, text=text)
    click.echo(f"Noted on case {case_id}.")


acts: Final[tuple[click.Command, ...]] = (
    claim_next, claim, release, assign, snooze, close, reopen, boost, note,
)  # fmt: skip
