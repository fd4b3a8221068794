"""The pages by which people come in and go out, and choose their password."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage import store
from triage.errors import CallError
from triage.store import Asker
from triage.web.forms import Form
from triage.web.gate import (
    caller_of,
    cookie_name,
    form_of,
    is_encrypted,
    new_token,
    sentence,
    site_of,
)
from triage.web.limits import is_too_often
from triage.web.metrics import count_failed
from triage.web.passwords import hashed, is_right
from triage.web.render import page, to

router = APIRouter()
_WRONG: Final = "The name or the password is not right"


def local_address(asked: str) -> str:
    """Return where somebody wanted to go, if that is a page of ours; else the first page."""
    parts = urlsplit(asked)
    is_ours = asked.startswith("/") and not parts.scheme and not parts.netloc
    is_plain = asked.isprintable() and "\\" not in asked and not asked.startswith("//")
    return asked if is_ours and is_plain and not asked.startswith("/sign-") else "/"


def keep_cookie(request: Request, answer: Response, token: str) -> None:
    """Give a browser the word by which it is known: to this host alone, and to no script."""
    answer.set_cookie(
        cookie_name(request), token, path="/", secure=is_encrypted(request), httponly=True,
        samesite="lax",
    )  # fmt: skip


@router.get("/sign-in")
def sign_in(request: Request, next: str = "/") -> Response:
    """Show the form to sign in; a browser that comes first is given a word for the form."""
    caller = caller_of(request)
    if caller.viewer is not None:
        return to(local_address(next))
    return _shown(request, Form({"next": next}), 200)


def _shown(request: Request, form: Form, status: int) -> Response:
    site, caller = site_of(request), caller_of(request)
    token = caller.cookie or new_token()
    request.state.caller = replace(caller, cookie=token)
    answer = page(
        request, "sign_in.html", status, form=form, web=site.settings.web,
        next=local_address(form.text("next")), named=caller.named,
    )  # fmt: skip
    if token != caller.cookie:
        keep_cookie(request, answer, token)
    return answer


@router.post("/sign-in")
def sign_in_now(request: Request) -> Response:
    """Sign somebody in by name and password; what is wrong of the two is not said."""
    site, form = site_of(request), Form.of(form_of(request))
    name, password = form.text("name"), str(form_of(request).get("password", ""))
    form.values.pop("password", None)
    if is_too_often(request, "sign-in"):
        count_failed(request, "local")
        form.wrong("name", "There were too many attempts. Wait a minute and try again")
        return _shown(request, form, 429)
    if not site.settings.web.local:
        form.wrong("name", "People do not sign in with a password here")
        return _shown(request, form, 403)
    if not name or not password:
        form.wrong(
            "name" if not name else "password", f"Enter your {'name' if not name else 'password'}"
        )
        return _shown(request, form, 422)
    now = site.now()
    known = store.account_of(site.url, name)
    is_locked = known is not None and known.is_locked(now)
    kept = None if known is None or is_locked else known.password
    if not is_right(kept, password):
        if not is_locked:
            store.keep_failed(site.url, name, now)
        count_failed(request, "local")
        form.wrong("name", _WRONG)
        return _shown(request, form, 422)
    return begun(request, name, "local", form.text("next"))


def begun(request: Request, name: str, way: store.Way, next_address: str) -> Response:
    """Begin the session of somebody who has shown who they are, under a new word."""
    site, token = site_of(request), new_token()
    store.begin_session(site.url, site.asker(name), token, way)
    answer = to(local_address(next_address))
    keep_cookie(request, answer, token)
    return answer


def named_in(request: Request, name: str, next_address: str) -> Response:
    """Take somebody in whom a proxy in front names; whoever is not registered is told so."""
    site = site_of(request)
    if is_too_often(request, "proxy", name):
        count_failed(request, "proxy")
        said = "You were signed in too often. Let your browser keep cookies, and wait a minute."
        return page(request, "not_in.html", 429, said=said)
    if name not in {one.name for one in store.people(site.url) if one.is_active}:
        store.keep_failed(site.url, "", site.now())
        count_failed(request, "proxy")
        whom = site.settings.web.contact or "an administrator of this service"
        said = f"You are signed in to your organisation, but not registered here. Ask {whom}."
        return page(request, "not_in.html", 403, said=said)
    return begun(request, name, "proxy", next_address)


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session, and take the word from the browser."""
    site, caller = site_of(request), caller_of(request)
    store.end_session(site.url, caller.asker, caller.cookie)
    answer = to("/sign-in")
    answer.delete_cookie(
        cookie_name(request), path="/", secure=is_encrypted(request), httponly=True, samesite="lax"
    )
    return answer


@router.get("/account")
def account(request: Request) -> Response:
    """Show who is signed in, as what, and their sessions."""
    site, caller = site_of(request), caller_of(request)
    own = [one for one in store.sessions(site.url, caller.asker) if one.name == caller.name]
    return page(request, "account.html", sessions=own)


@router.post("/account/sessions")
def end_sessions(request: Request) -> Response:
    """End the other sessions of whoever asks."""
    site, caller = site_of(request), caller_of(request)
    store.revoke_sessions(site.url, caller.asker, caller.name, keep=caller.cookie)
    return to("/account", "sessions")


@router.get("/account/password")
def password(request: Request) -> Response:
    """Show the form by which somebody chooses a password."""
    return page(request, "password.html", form=Form())


@router.post("/account/password")
def keep_password(request: Request) -> Response:
    """Keep a new password of whoever asks, who has to know the old one; begin a new session."""
    site, caller, came = site_of(request), caller_of(request), form_of(request)
    old, new, again = (str(came.get(name, "")) for name in ("old", "new", "again"))
    form = Form()
    known = store.account_of(site.url, caller.name)
    if is_too_often(request, "sign-in") or not is_right(known.password if known else None, old):
        form.wrong("old", "This is not your password now")
    elif new != again:
        form.wrong("again", "The two are not the same")
    elif new == old:
        form.wrong("new", "Choose another password than the one you have")
    else:
        try:
            kept = hashed(new, caller.name)
        except CallError as error:
            form.wrong("new", sentence(error))
    if not form.is_right:
        return page(request, "password.html", 422, form=form)
    asker = Asker(caller.name, (), site.now())
    store.keep_password(site.url, asker, caller.name, kept)
    answer = begun(request, caller.name, "local", "/account?done=password")
    return answer
