"""Finding a case by an identifier, and what falls due next."""

from __future__ import annotations

import re
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage import store
from triage.errors import MissingError
from triage.store import Case
from triage.web.case_number import LARGEST
from triage.web.forms import Form
from triage.web.gate import Caller, caller_of, form_of, site_of
from triage.web.queue import rows_of
from triage.web.queue_filter import PER_PAGE
from triage.web.render import page, to
from triage.web.site import Site

router = APIRouter()
_CASE: Final = re.compile(r"(?:case\s*)?([0-9]{1,10})", re.IGNORECASE | re.ASCII)


@router.get("/search")
def search(request: Request) -> Response:
    """Show the form by which a case is found."""
    return page(request, "search.html", form=Form(), rows=None)


@router.post("/search")
def search_now(request: Request) -> Response:
    """Find cases by a child's or a referral's identifier, or by their number.

    The identifier comes in a form and never in an address, which is kept by browsers and logs.
    """
    site, caller, form = site_of(request), caller_of(request), Form.of(form_of(request))
    sought = form.text("sought", "Enter an identifier or the number of a case")
    if not form.is_right:
        return page(request, "search.html", 422, form=form, rows=None)
    found = store.cases_named(site.url, caller.asker, sought)
    named = _of_number(site, caller, sought)
    if named is not None and not found:
        return to(f"/cases/{named.id}")
    if named is not None and named.id not in {one.id for one in found}:
        found = [named, *found]
    return page(request, "search.html", form=form, rows=rows_of(found, caller))


def _of_number(site: Site, caller: Caller, typed: str) -> Case | None:
    found = _CASE.fullmatch(typed)
    if found is None or not 0 < int(found[1]) <= LARGEST:
        return None
    try:
        return store.listed_case(site.url, caller.asker, int(found[1]))
    except MissingError:
        return None


@router.get("/due")
def due(request: Request) -> Response:
    """Show what falls due by the next working day, as the last run saw it."""
    site, caller = site_of(request), caller_of(request)
    as_of, items = store.due_items(site.url, caller.asker)
    typed = request.query_params.get("page", "1")
    last = max(1, -(-len(items) // PER_PAGE))
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 8 else 1
    number = min(max(number, 1), last)
    here = items[(number - 1) * PER_PAGE : number * PER_PAGE]
    keys = [(one.child_id, one.referral_id) for one in here]
    numbers = store.case_numbers(site.url, caller.asker, keys)
    rows: list[dict[str, Any]] = [
        {"due": one, "case": numbers.get(key)} for one, key in zip(here, keys, strict=True)
    ]
    return page(
        request, "due.html", rows=rows, n=len(items), as_of=as_of, today=caller.asker.today,
        first=(number - 1) * PER_PAGE + 1, number=number, last=last,
    )  # fmt: skip
