"""The pages of tokens, by which programs ask for what somebody may see and do."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage import store
from triage.errors import CallError, ForbiddenError
from triage.web.forms import Form, Number
from triage.web.gate import caller_of, form_of, sentence, site_of
from triage.web.render import page, to

router = APIRouter()
PREFIX: Final = "trt_"
"""How a token begins, so that one that stands where it should not is known for what it is."""
_LONGEST: Final = dt.timedelta(days=366)
_MOST_LETTERS: Final = 100


@router.get("/tokens")
def tokens(request: Request) -> Response:
    """List the tokens, with a form to make one."""
    return _shown(request, Form(), 200)


def _shown(request: Request, form: Form, status: int, made: str = "") -> Response:
    site, caller = site_of(request), caller_of(request)
    found = store.tokens(site.url, caller.asker)
    people = [one for one in store.people(site.url) if one.is_active]
    active = {one.name for one in people}
    return page(
        request, "tokens.html", status, form=form, tokens=found, made=made,
        people=[(one.name, f"{one.name}, {one.role}") for one in people],
        active=active, today=caller.asker.today,
    )  # fmt: skip


@router.post("/tokens")
def make_token(request: Request) -> Response:
    """Make a token and show it, this once: only its hash is kept."""
    site, caller, form = site_of(request), caller_of(request), Form.of(form_of(request))
    name = form.text("name", "Choose whom the program acts for")
    label = form.text("label", "Enter what the token is for")
    until = form.day("until", "Enter the last day of the token")
    today = caller.asker.today
    if len(label) > _MOST_LETTERS:
        form.wrong("label", f"Say what it is for in {_MOST_LETTERS} characters or fewer")
    if until is not None and not today <= until <= today + _LONGEST:
        form.wrong("until", "Enter a day from today on, within a year")
    if not form.is_right or until is None:
        return _shown(request, form, 422)
    token = f"{PREFIX}{secrets.token_urlsafe(32)}"
    try:
        store.make_token(site.url, caller.asker, name, label, until, token)
    except ForbiddenError:
        raise
    except CallError as error:
        form.wrong("name", sentence(error))
        return _shown(request, form, 422)
    return _shown(request, Form(), 200, token)


@router.post("/tokens/{number}/end")
def end_token(request: Request, number: Number) -> Response:
    """End a token, whose program is let in no more."""
    store.revoke_token(site_of(request).url, caller_of(request).asker, number)
    return to("/tokens", "token-ended")
