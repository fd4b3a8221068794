"""The gate that every request of a page or a program passes: who asks, and whether they may.

What changes something is taken only from a form of our own: each carries a word that follows from
the cookie of whoever it was shown to.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from triage import store
from triage.errors import StoreError, TriageError
from triage.rights import Viewer
from triage.store import Asker, Session
from triage.web.access import NEEDS, may_come
from triage.web.proxies import named_by_proxy
from triage.web.site import Site

API: Final = "/api/v1"
CSRF: Final = "csrf"
"""The name of the field that a form of ours carries."""
SAFE: Final = ("GET", "HEAD")
_MOST_FIELDS: Final = 2_000
_FIRST: Final = ("password", "keep_password", "sign_out")
"""Where somebody may go whose password is somebody else's choice."""


class SignInError(Exception):
    """Nobody is signed in, and the page is not for everybody."""


class ForgedError(Exception):
    """What is to be changed was not asked for by a form of ours."""


class PasswordError(Exception):
    """Somebody is to choose a password of their own first."""


@dataclass(frozen=True)
class Caller:
    """Who asks: with a session, by a token, or nobody yet.

    ``cookie`` is what their browser shows, from which the word in their forms follows; ``named`` is
    whom a proxy in front names, who is not signed in here yet.
    """

    asker: Asker
    viewer: Viewer | None = None
    session: Session | None = None
    cookie: str = ""
    named: str = ""

    @property
    def name(self) -> str:
        """Return their name; nothing where nobody is signed in."""
        return self.viewer.name if self.viewer is not None else ""

    @property
    def csrf(self) -> str:
        """Return the word that their forms carry."""
        return hmac.new(self.cookie.encode(), b"form", hashlib.sha256).hexdigest()

    def may(self, act: str) -> bool:
        """Return whether they may come to a route, by its name."""
        return may_come(NEEDS[act], self.viewer)


def cookie_name(request: Request) -> str:
    """Return the name of the cookie: where it goes encrypted, one that only this host can set."""
    return "__Host-triage" if is_encrypted(request) else "triage"


def is_encrypted(request: Request) -> bool:
    """Return whether whoever asks came by https."""
    address = site_of(request).settings.web.address
    return (address or f"{request.url.scheme}:").startswith("https:")


def site_of(request: Request) -> Site:
    """Return what is served."""
    found = request.app.state.site
    assert isinstance(found, Site)
    return found


def caller_of(request: Request) -> Caller:
    """Return who asks; nobody where the gate was not reached."""
    found = getattr(request.state, "caller", None)
    return found if isinstance(found, Caller) else Caller(site_of(request).asker(None))


def form_of(request: Request) -> FormData:
    """Return the fields of the form that came, which is one of ours."""
    found = request.state.form
    assert isinstance(found, FormData)
    return found


async def gate(request: Request) -> None:
    """Let a request through, or refuse it.

    Raises:
        SignInError: when nobody is signed in, and somebody has to be.
        ForbiddenError: when it is not for their role.
        ForgedError: when it changes something and does not come from a form of ours.
    """
    is_program = request.url.path.startswith(f"{API}/")
    given = (request.path_params.values(), request.query_params.values())
    _refuse_unreadable(*given, status=422 if is_program else 400)
    if hasattr(request.state, "caller"):
        # A program's request has come by here before its body was read.
        return
    name = request.scope["route"].name
    need = NEEDS[name]
    caller = await run_in_threadpool(_by_token if is_program else _by_cookie, request)
    request.state.caller = caller
    if need != "nothing":
        if caller.viewer is None:
            raise SignInError
        if need != "to be signed in":
            caller.viewer.require(need)
        if caller.session is not None and caller.session.is_to_change and name not in _FIRST:
            raise PasswordError
    if request.method not in SAFE and not is_program:
        request.state.form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
        _refuse_unreadable(request.state.form.values())
        _refuse_forged(request, caller)


def _refuse_unreadable(*given: Iterable[Any], status: int = 400) -> None:
    """Refuse what no text of ours holds, and a database does not take."""
    if any("\0" in value for values in given for value in values if isinstance(value, str)):
        raise HTTPException(status)


def _by_cookie(request: Request) -> Caller:
    site = site_of(request)
    token = request.cookies.get(cookie_name(request), "")
    now = site.now()
    named = named_by_proxy(request, site.settings.web)
    found = None
    if token:
        found = store.session_of(site.url, token, now, site.settings.restricted.readers)
    if found is not None and found[0].way == "proxy" and found[0].name != named:
        # Somebody else is at the proxy by now, or nobody.
        with suppress(StoreError):
            store.end_session(site.url, site.asker(found[0].name), token)
        found = None
    if found is None:
        return Caller(site.asker(None), cookie=token, named=named)
    session, viewer = found
    if session.is_old(now):
        # While a night is being stored, nothing is kept; the next request does so.
        with suppress(StoreError):
            store.keep_seen(site.url, session.id, now)
    return Caller(site.asker(session.name), viewer, session, token)


def _by_token(request: Request) -> Caller:
    site = site_of(request)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    nobody = site.asker(None)
    if kind.lower() != "bearer" or not token.strip():
        return Caller(nobody)
    viewer = store.token_of(site.url, token.strip(), nobody)
    return Caller(nobody) if viewer is None else Caller(site.asker(viewer.name), viewer)


def _refuse_forged(request: Request, caller: Caller) -> None:
    said = request.state.form.get(CSRF, "")
    is_ours = bool(caller.cookie) and isinstance(said, str)
    if not is_ours or not hmac.compare_digest(said.encode(), caller.csrf.encode()):
        raise ForgedError
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ForgedError


def new_token() -> str:
    """Return a word that nobody can guess."""
    return secrets.token_urlsafe(32)


def sentence(error: TriageError) -> str:
    """Return what an error says on a page: a sentence, without the commands of a terminal."""
    said = error.sentence or str(error)
    return said[:1].upper() + said[1:]
