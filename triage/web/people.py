"""The pages of people: who is registered as what, and how they get in. They tell of no case."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage import store
from triage.errors import CallError, ConflictError, ForbiddenError, MissingError
from triage.rights import ROLES, Person
from triage.web.forms import Form
from triage.web.gate import caller_of, form_of, sentence, site_of
from triage.web.passwords import hashed
from triage.web.render import page, query, to

router = APIRouter()


@router.get("/people")
def people(request: Request, locked: str = "") -> Response:
    """List who is registered; with ``locked`` only those whose account is locked now."""
    site, caller = site_of(request), caller_of(request)
    rows = [_row(one, *_known(request)) for one in store.people(site.url)]
    if locked == "yes":
        rows = [one for one in rows if one["account"] == "locked"]
    rows.sort(key=lambda one: not one["is_active"])
    return page(request, "people.html", rows=rows, is_locked=locked == "yes", own=caller.name)


Known = tuple[dict[str, store.Account], list[store.Session], Any]


def _known(request: Request) -> Known:
    site, caller = site_of(request), caller_of(request)
    return (
        store.accounts(site.url, caller.asker),
        store.sessions(site.url, caller.asker),
        caller.asker.now,
    )


def _row(
    person: Person, accounts: dict[str, store.Account], sessions: list[store.Session], now: Any
) -> dict[str, Any]:
    """Return somebody with the state of their account: what hinders them from signing in."""
    account = accounts.get(person.name)
    if not person.is_active:
        state = "struck off"
    elif account is None:
        state = "no password"
    elif account.is_locked(now):
        state = "locked"
    else:
        state = "to change password" if account.is_to_change else "open"
    return {
        "name": person.name, "role": person.role, "teams": person.teams,
        "is_active": person.is_active, "account": state,
        "locked_until": account.locked_until if account and state == "locked" else None,
        "sessions": sum(one.name == person.name for one in sessions),
    }  # fmt: skip


@router.get("/people/new")
def new_person(request: Request) -> Response:
    """Show the form by which somebody is registered."""
    return _shown(request, Form({"teams": []}), 200)


def _shown(request: Request, form: Form, status: int) -> Response:
    teams = _teams(request, form)
    return page(request, "person_new.html", status, form=form, roles=ROLES, teams=teams)


def _teams(request: Request, form: Form) -> list[str]:
    known = store.teams_known(site_of(request).url, caller_of(request).asker)
    return sorted({*known, *form.values.get("teams", [])})


def _person_form(request: Request) -> tuple[Form, list[str]]:
    """Return the form of a person, and all teams that it names."""
    form = Form.of(form_of(request), ["teams"])
    chosen = [one for one in form.values["teams"] if one]
    chosen += [one.strip() for one in form.text("other_teams").split("\n") if one.strip()]
    return form, list(dict.fromkeys(chosen))


@router.post("/people")
def add_person(request: Request) -> Response:
    """Register somebody new, with a first password if one is given."""
    site, caller = site_of(request), caller_of(request)
    form, teams = _person_form(request)
    name = form.text("name", "Enter the name")
    role = form.text("role", "Choose the role")
    kept = _hashed(request, form, name, is_needed=False)
    if any(one.name == name and one.is_active for one in store.people(site.url)):
        form.wrong("name", "Somebody of this name is registered already")
    if form.is_right:
        try:
            store.register(site.url, caller.asker, name, role, teams)
        except CallError as error:
            _refused(form, error, "name")
        else:
            if kept:
                store.keep_password(site.url, caller.asker, name, kept)
            return to(f"/people/edit{query({'name': name})}", "registered")
    return _shown(request, form, 422)


def _hashed(request: Request, form: Form, name: str, *, is_needed: bool) -> str:
    """Return the hash of the first password that was typed; it is never shown again."""
    password = str(form_of(request).get("password", ""))
    form.values.pop("password", None)
    if not password:
        if is_needed:
            form.wrong("password", "Enter a first password")
        return ""
    if not form.is_right:
        return ""
    try:
        return hashed(password, name)
    except CallError as error:
        form.wrong("password", sentence(error))
        return ""


def _refused(form: Form, error: CallError, field: str) -> None:
    """Keep what the store says against it; what is not for them at all goes on."""
    if isinstance(error, ForbiddenError):
        raise error
    form.wrong(field, sentence(error))


@router.get("/people/edit")
def person(request: Request, name: str = "") -> Response:
    """Show one person: their role and teams, how they get in, and where they are signed in."""
    found = _found(request, name)
    form = Form({"role": found.role, "teams": list(found.teams)})
    return _one(request, found, form, 200)


def _found(request: Request, name: str) -> Person:
    for one in store.people(site_of(request).url):
        if one.name == name:
            return one
    raise MissingError("nobody of that name is registered", "; `triage people list`.")


def _one(request: Request, found: Person, form: Form, status: int) -> Response:
    known = _known(request)
    return page(
        request, "person.html", status, form=form, person=_row(found, *known), roles=ROLES,
        teams=_teams(request, form), sessions=[one for one in known[1] if one.name == found.name],
        is_own=found.name == caller_of(request).name,
    )  # fmt: skip


@router.post("/people/edit")
def keep_person(request: Request) -> Response:
    """Keep the role and teams of somebody; who was struck off is registered again by it."""
    site, caller = site_of(request), caller_of(request)
    form, teams = _person_form(request)
    found = _found(request, form.text("name"))
    role = form.text("role", "Choose the role")
    status = 422
    if form.is_right:
        try:
            store.register(site.url, caller.asker, found.name, role, teams)
            return _to_person(found.name, "person")
        except CallError as error:
            _refused(form, error, "role")
            status = 409 if isinstance(error, ConflictError) else 422
    return _one(request, found, form, status)


def _to_person(name: str, done: str) -> Response:
    return to(f"/people/edit{query({'name': name})}", done)


@router.post("/people/strike-off")
def strike_off(request: Request) -> Response:
    """Take somebody's rights away, and end their sessions."""
    site, caller, form = site_of(request), caller_of(request), Form.of(form_of(request))
    found = _found(request, form.text("name"))
    shown = Form({"role": found.role, "teams": list(found.teams)})
    if form.text("sure") != "yes":
        shown.wrong("sure", f"Confirm that {found.name} is to be struck off")
        return _one(request, found, shown, 422)
    try:
        store.strike_off(site.url, caller.asker, found.name)
    except ConflictError as error:
        shown.wrong("sure", sentence(error))
        return _one(request, found, shown, 409)
    return to("/sign-in") if found.name == caller.name else to("/people", "struck-off")


@router.post("/people/password")
def give_password(request: Request) -> Response:
    """Give somebody a first password, which they are to change; it lifts a lock."""
    site, caller, came = site_of(request), caller_of(request), Form.of(form_of(request))
    found = _found(request, came.text("name"))
    form = Form({"role": found.role, "teams": list(found.teams)})
    if found.name == caller.name:
        form.wrong("password", "Change your own password under your account")
    kept = _hashed(request, form, found.name, is_needed=True)
    if form.is_right and not found.is_active:
        form.wrong("password", f"{found.name} is struck off; register them first")
    if not form.is_right:
        return _one(request, found, form, 422)
    store.keep_password(site.url, caller.asker, found.name, kept)
    return _to_person(found.name, "password-given")


@router.post("/people/sessions")
def end_their_sessions(request: Request) -> Response:
    """End the sessions of somebody: all, or of whoever asks all but this one."""
    site, caller, form = site_of(request), caller_of(request), Form.of(form_of(request))
    found = _found(request, form.text("name"))
    keep = caller.cookie if found.name == caller.name else ""
    store.revoke_sessions(site.url, caller.asker, found.name, keep=keep)
    return _to_person(found.name, "their-sessions")
