"""The pages of remedial actions: what reviews asked for, and what became of it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from triage import store
from triage.errors import CallError, ConflictError, MissingError, TriageError
from triage.web.forms import Form
from triage.web.gate import caller_of, form_of, site_of
from triage.web.render import page, query, to
from triage.web.review_fields import words_of
from triage.web.sheets import CaseNumber, in_words, status_of

router = APIRouter()
ON_A_PAGE: Final = 50


@router.get("/actions")
def actions(
    request: Request,
    owner: str = "",
    team: str = "",
    overdue: str = "",
    every: Annotated[str, Query(alias="all")] = "",
    at: Annotated[str, Query(alias="page")] = "1",
) -> Response:
    """Show remedial actions, the soonest due first."""
    site, caller = site_of(request), caller_of(request)
    owner, team = owner.strip(), team.strip()
    found = store.actions_of(
        site.url, caller.asker, owner=owner, team=team, open_only=every != "yes"
    )
    today = caller.asker.today
    if overdue == "yes":
        found = [one for one in found if one.is_open and one.due_on < today]
    asked = {"owner": owner, "team": team, "overdue": overdue == "yes" and "yes",
             "all": every == "yes" and "yes"}  # fmt: skip
    asked = {key: value or "" for key, value in asked.items()}
    n_pages = max(1, -(-len(found) // ON_A_PAGE))
    number = int(at) if at.isascii() and at.isdecimal() and len(at) < 7 else 1
    number = min(max(number, 1), n_pages)
    form = Form({**asked, "overdue": [asked["overdue"]], "all": [asked["all"]]})
    return page(
        request, "actions.html", found=found[(number - 1) * ON_A_PAGE : number * ON_A_PAGE],
        n=len(found), today=today, form=form, words_of=words_of, tags=_tags(asked),
        n_hidden=len(store.hidden_cases(site.url, caller.asker)),
        pages=_pages(asked, number, n_pages),
    )  # fmt: skip


def _tags(asked: dict[str, Any]) -> list[dict[str, str]]:
    """Return what the list is filtered by, each with the address at which it no longer is."""
    names = {"owner": f"To be done by {asked['owner']}", "team": f"Of {asked['team']}",
             "overdue": "Overdue", "all": "Done ones too"}  # fmt: skip
    return [
        {"text": names[key], "href": f"/actions{query(asked, **{key: ''})}"}
        for key in names
        if asked[key]
    ]


def _pages(asked: dict[str, Any], number: int, n_pages: int) -> dict[str, Any]:
    """Return the links between the pages of the list; nothing where there is one."""
    if n_pages == 1:
        return {}
    links: dict[str, Any] = {"items": [
        {"number": n, "current": n == number, "href": f"/actions{query(asked, page=n)}"}
        for n in range(1, n_pages + 1)
        if n in (1, n_pages) or abs(n - number) < 3
    ]}  # fmt: skip
    if number > 1:
        links["previous"] = {"href": f"/actions{query(asked, page=number - 1)}"}
    if number < n_pages:
        links["next"] = {"href": f"/actions{query(asked, page=number + 1)}"}
    return links


@router.get("/actions/{number}/done")
def action_done(request: Request, number: CaseNumber) -> Response:
    """Show the form by which a remedial action is said to be done."""
    today = caller_of(request).asker.today
    return _form(request, number, "action_done.html", Form({"on": _typed(today)}))


@router.post("/actions/{number}/done")
def action_done_now(request: Request, number: CaseNumber) -> Response:
    """Keep that a remedial action was done, when, and by what that shows."""
    site, caller, form = site_of(request), caller_of(request), Form.of(form_of(request))
    on = form.day("on", "Enter the day on which it was done")
    if on is not None and on > caller.asker.today:
        form.wrong("on", "The day on which it was done has not come yet")
    evidence = form.text("evidence", "Enter what shows that it was done")
    if on is None or not form.is_right:
        return _form(request, number, "action_done.html", form, 422)
    store.one_action(site.url, caller.asker, number)
    try:
        store.finish_action(site.url, caller.asker, number, on, evidence)
    except CallError as error:
        return _refused(request, number, "action_done.html", form, error)
    return to("/actions", "action_done")


@router.get("/actions/{number}/hand-over")
def hand_over(request: Request, number: CaseNumber) -> Response:
    """Show the form by which a remedial action is handed over to somebody outside."""
    return _form(request, number, "hand_over.html", Form())


@router.post("/actions/{number}/hand-over")
def hand_over_now(request: Request, number: CaseNumber) -> Response:
    """Hand a remedial action over; it no longer keeps its case open."""
    site, caller, form = site_of(request), caller_of(request), Form.of(form_of(request))
    whom = form.text("to", "Enter to whom it is handed over")
    reason = form.text("reason", "Enter why it is handed over")
    if not form.is_right:
        return _form(request, number, "hand_over.html", form, 422)
    store.one_action(site.url, caller.asker, number)
    try:
        store.hand_over_action(site.url, caller.asker, number, whom, reason)
    except CallError as error:
        return _refused(request, number, "hand_over.html", form, error)
    return to("/actions", "handed_over")


def _refused(
    request: Request, number: int, template: str, form: Form, error: TriageError
) -> Response:
    """Return a form that the store refused, with what it says and all that was typed."""
    if isinstance(error, MissingError):
        raise error
    field = "" if isinstance(error, ConflictError) or template == "action_done.html" else "to"
    form.wrong(field, in_words(error))
    return _form(request, number, template, form, status_of(error))


def _form(request: Request, number: int, template: str, form: Form, status: int = 200) -> Response:
    site, caller = site_of(request), caller_of(request)
    one = store.one_action(site.url, caller.asker, number)
    return page(request, template, status, form=form, one=one, words_of=words_of)


def _typed(day: dt.date) -> str:
    return f"{day.day}/{day.month}/{day.year}"
