"""The first page, by role, and what everybody may read: the accessibility statement."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage import store
from triage.casework import CLAIMABLE
from triage.errors import StoreError
from triage.store import Wanted
from triage.web.gate import Caller, caller_of, site_of
from triage.web.queue import MOST_COUNTED
from triage.web.render import number, page, query
from triage.web.site import Site

router = APIRouter()


@router.get("/")
def home(request: Request) -> Response:
    """Show what waits, by role; every figure leads to its list."""
    site, caller = site_of(request), caller_of(request)
    try:
        as_of = store.latest_as_of(site.url)
    except StoreError:
        return page(request, "home.html", as_of=None, figures=[], mine=[])
    mine: list[Any] = []
    with store.one_moment(site.url):
        figures = [*_of_cases(site, caller), *_of_people(site, caller)]
        if caller.may("claim"):
            held = Wanted(held_by=caller.name)
            mine = store.cases(site.url, caller.asker, held, limit=20).cases
    return page(request, "home.html", as_of=as_of, figures=figures, mine=mine)


def _of_cases(site: Site, caller: Caller) -> list[dict[str, Any]]:
    if not caller.may("queue"):
        return []

    def count(wanted: Wanted) -> str:
        found = store.cases(site.url, caller.asker, wanted, limit=1, most=MOST_COUNTED)
        return f"{number(found.n)}{'+' if found.is_more else ''}"

    actions = store.actions_of(site.url, caller.asker)
    today = caller.asker.today
    mine = [one for one in actions if one.owner == caller.name]
    waiting = "/queue?status=new&status=claimed&status=in+review"
    found = [
        ("waiting for review", count(Wanted(CLAIMABLE)), waiting),
        ("overdue reviews", count(Wanted(CLAIMABLE, is_overdue=True)), f"{waiting}&overdue=yes"),
        ("critical", count(Wanted(CLAIMABLE, severities=("critical",))),
         f"{waiting}&severity=critical"),
        ("waiting for a second review", count(Wanted(("awaiting second review",))),
         "/queue?status=awaiting+second+review"),
        ("overdue actions", number(sum(one.due_on < today for one in actions)),
         "/actions?overdue=yes"),
    ]  # fmt: skip
    if caller.may("claim"):
        assigned = Wanted(CLAIMABLE, assigned_to=caller.name)
        found += [
            ("assigned to you", count(assigned), f"/queue{query({'assigned_to': caller.name})}"),
            ("actions of yours", number(len(mine)), f"/actions{query({'owner': caller.name})}"),
        ]
    return [{"what": what, "told": told, "href": href} for what, told, href in found]


def _of_people(site: Site, caller: Caller) -> list[dict[str, Any]]:
    if not caller.may("people"):
        return []
    known = [one for one in store.people(site.url) if one.is_active]
    locked = [
        one for one in store.accounts(site.url, caller.asker).values()
        if one.is_locked(caller.asker.now)
    ]  # fmt: skip
    return [
        {"what": "people registered", "told": number(len(known)), "href": "/people"},
        {"what": "accounts locked", "told": number(len(locked)), "href": "/people?locked=yes"},
        {"what": "sessions open", "told": number(len(store.sessions(site.url, caller.asker))),
         "href": "/people"},
    ]  # fmt: skip


@router.get("/accessibility")
def accessibility(request: Request) -> Response:
    """Show the accessibility statement."""
    return page(request, "accessibility.html")
