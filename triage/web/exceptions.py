"""The pages of exceptions: which rules are quiet for whom, up to when, and who answers for it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage import store
from triage.errors import CallError, ConflictError, ForbiddenError
from triage.web.forms import Form, Number
from triage.web.gate import caller_of, form_of, sentence, site_of
from triage.web.render import page, to

router = APIRouter()


@router.get("/exceptions")
def exceptions(request: Request, all: str = "") -> Response:
    """List the exceptions that last, or all; of a child only to whoever sees its cases."""
    site, caller = site_of(request), caller_of(request)
    shows_all = all == "yes"
    as_of = store.last_as_of(site.url)
    found = []
    if as_of is not None:
        found = store.exceptions(site.url, caller.asker, lasting_only=not shows_all)
    return page(
        request, "exceptions.html", exceptions=found, shows_all=shows_all, as_of=as_of,
        titles={one.id: one.about.title for one in site.rules.rules},
    )  # fmt: skip


@router.get("/exceptions/new")
def new_exception(request: Request, rule: str = "") -> Response:
    """Show the form of an exception."""
    return _shown(request, Form({"rule": rule}), 200)


def _shown(request: Request, form: Form, status: int) -> Response:
    rules = [(one.id, f"{one.id} {one.about.title}") for one in site_of(request).rules.rules]
    return page(request, "exception_new.html", status, form=form, rules=rules)


@router.post("/exceptions")
def make_exception(request: Request) -> Response:
    """Make an exception, or show the form again with what is wrong."""
    site, caller, form = site_of(request), caller_of(request), Form.of(form_of(request))
    rule = form.text("rule", "Choose the rule")
    whom = form.text("whom", "Choose whether a child or a team is excepted")
    child = form.text("child", "Enter the child’s identifier") if whom == "child" else ""
    team = form.text("team", "Enter the team") if whom == "team" else ""
    until = form.day("until", "Enter the last day of the exception")
    why = form.text("why", "Enter the reason")
    if whom not in ("", "child", "team"):
        form.wrong("whom", "Choose whether a child or a team is excepted")
    if until is not None and until < store.latest_as_of(site.url):
        form.wrong("until", "Enter a day that is not past")
    if not form.is_right or until is None:
        return _shown(request, form, 422)
    try:
        store.add_exception(
            site.url, caller.asker, rule, child_id=child or None, team=team or None,
            owner=form.text("owner") or None, until=until, why=why,
        )  # fmt: skip
    except ForbiddenError:
        raise
    except CallError as error:
        form.wrong("rule" if "rule" in sentence(error) else whom, sentence(error))
        return _shown(request, form, 409 if isinstance(error, ConflictError) else 422)
    return to("/exceptions", "excepted")


@router.post("/exceptions/{number}/end")
def end_exception(request: Request, number: Number) -> Response:
    """End an exception before its day."""
    store.end_exception(site_of(request).url, caller_of(request).asker, number)
    return to("/exceptions", "exception-ended")
