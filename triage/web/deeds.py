"""What a manager does with a case, or with all cases of a filter: a form each, with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage import store
from triage.errors import CallError, ConflictError, ForbiddenError, MissingError
from triage.store import Wanted
from triage.web.case_number import CaseNumber
from triage.web.forms import Form
from triage.web.gate import Caller, caller_of, form_of, sentence, site_of
from triage.web.queue import rows_of
from triage.web.queue_filter import asked_of
from triage.web.render import page, to
from triage.web.site import Site

router = APIRouter()
Deed = Literal["assign", "snooze", "boost", "close", "reopen", "second"]
Bulk = Literal["assign", "snooze", "close"]
_FIRST: Final = 10
"""Cases of a filter that are named before something is done to all of them."""


@dataclass(frozen=True)
class Told:
    """What a deed is called on its page and on its button, what it means, and what it asks for."""

    title: str
    button: str
    means: str
    done: str
    reason: str = "Reason"
    hint: str = "It is kept as a note of the case."
    needs_reason: bool = True
    means_of_many: str = ""
    hint_of_many: str = "It is kept as a note of each case."


TOLD: Final[dict[Deed, Told]] = {
    "assign": Told(
        "Assign", "Assign", "It then waits for that person. Whoever holds it now holds it no more.",
        "assigned", "Reason (optional)", needs_reason=False,
        means_of_many="They then wait for that person. Whoever holds one now holds it no more.",
    ),
    "snooze": Told(
        "Put off", "Put off",
        "It is out of the queue until that day. What is due on it stays due.", "snoozed",
        means_of_many="They are out of the queue until that day. What is due on them stays due.",
    ),
    "boost": Told(
        "Bring forward", "Bring forward", "It then comes before other cases in the order of work.",
        "boosted", hint="It is shown in the queue with the case’s place, and kept as a note.",
    ),
    "close": Told(
        "Close without a review", "Close without a review",
        "Nobody then reviews it. A flag that is raised again opens it again.", "closed",
        means_of_many="Nobody then reviews them. A flag that is raised again opens its case again.",
    ),
    "reopen": Told(
        "Open again", "Open again", "It is then new, and comes before its turn.", "reopened",
    ),
    "second": Told(
        "Ask for a second review", "Ask for a second review",
        "Somebody else then reviews it without having seen the first review.", "second",
        hint="The second reviewer is not told.",
    ),
}  # fmt: skip
"""Each deed in words."""


@dataclass(frozen=True)
class _Typed:
    """What was asked for in a form of a deed."""

    deed: Deed
    form: Form
    reason: str
    to: str = ""
    until: Any = None


def _typed(deed: Deed, form: Form, offered: Sequence[str], *, needs_reason: bool) -> _Typed:
    """Return what a form asks for; what is missing is wrong with it."""
    person, until = "", None
    if deed == "assign":
        person = form.text("to", "Choose to whom")
        if person and person not in offered:
            form.wrong("to", "Choose somebody of the list")
    elif deed == "snooze":
        until = form.day("until", "Enter the day of the return to the queue")
    reason = form.text("reason", "Enter the reason" if needs_reason else "")
    return _Typed(deed, form, reason, person, until)


def _do(site: Site, caller: Caller, asked: _Typed, cases: Sequence[int]) -> int:
    """Do what was asked for; return 0, or the status of the page that says why it was not done."""
    call: dict[str, Any] = {"url": site.url, "asker": caller.asker}
    try:
        match asked.deed:
            case "assign":
                store.assign(**call, cases=cases, to=asked.to, why=asked.reason)
            case "snooze":
                store.snooze(**call, cases=cases, until=asked.until, why=asked.reason)
            case "close":
                store.close(**call, cases=cases, why=asked.reason)
            case "boost":
                store.boost(**call, case_id=cases[0], why=asked.reason)
            case "reopen":
                store.reopen(**call, case_id=cases[0], why=asked.reason)
            case "second":
                days = site.settings.second_rule.working_days
                store.ask_for_second(**call, case_id=cases[0], why=asked.reason, working_days=days)
    except (MissingError, ForbiddenError):
        raise
    except CallError as error:
        is_at_odds = isinstance(error, ConflictError)
        field = {"snooze": "until", "assign": "to"}.get(asked.deed, "reason")
        asked.form.wrong("" if is_at_odds else field, sentence(error))
        return 409 if is_at_odds else 422
    return 0


def deed(request: Request, case_id: CaseNumber) -> Response:
    """Show the form of something that a manager does with a case."""
    return _shown(request, case_id, Form(), 200)


def deed_now(request: Request, case_id: CaseNumber) -> Response:
    """Do something that a manager does with a case."""
    site, caller, form = site_of(request), caller_of(request), Form.of(form_of(request))
    what = _deed_of(request)
    offered = store.workers(site.url, caller.asker, case_id)
    asked = _typed(what, form, offered, needs_reason=TOLD[what].needs_reason)
    status = _do(site, caller, asked, [case_id]) if form.is_right else 422
    if status:
        return _shown(request, case_id, form, status)
    return to(f"/cases/{case_id}", TOLD[what].done)


for _name in TOLD:
    # Each by its own address: what else is done with a case has its pages beside these.
    router.add_api_route(f"/cases/{{case_id}}/{_name}", deed, methods=["GET"], name="deed")
    router.add_api_route(f"/cases/{{case_id}}/{_name}", deed_now, methods=["POST"], name="deed_now")


def _deed_of(request: Request) -> Deed:
    return cast(Deed, request.url.path.rpartition("/")[2])


def _shown(request: Request, case_id: int, form: Form, status: int) -> Response:
    site, caller, what = site_of(request), caller_of(request), _deed_of(request)
    found = store.listed_case(site.url, caller.asker, case_id)
    return page(
        request, "deed.html", status,
        what=what, told=TOLD[what], case=found, form=form,
        is_bulk=False,
        people_named=[(name, name) for name in store.workers(site.url, caller.asker, case_id)],
    )  # fmt: skip


@router.get("/queue/bulk/{deed}")
def bulk(request: Request, deed: Bulk) -> Response:
    """Show how many cases something would be done to, which first, and the form to do it."""
    asked = asked_of(request.query_params.multi_items()).pairs
    return _bulk_shown(request, deed, asked, Form(), 200)


@router.post("/queue/bulk/{deed}")
def bulk_now(request: Request, deed: Bulk) -> Response:
    """Do something to all cases of a filter, if there are as many as were shown."""
    site, caller, came = site_of(request), caller_of(request), form_of(request)
    asked, form = asked_of(came.multi_items()), Form.of(came)
    offered = store.workers(site.url, caller.asker)
    typed = _typed(deed, form, offered, needs_reason=True)
    found = store.matching(site.url, caller.asker, asked.wanted)
    if form.text("count") != str(len(found)):
        form.wrong("", f"There are {len(found):,} cases of this filter now. Look at them again")
        return _bulk_shown(request, deed, asked.pairs, form, 409)
    status = _do(site, caller, typed, found) if form.is_right else 422
    if status:
        return _bulk_shown(request, deed, asked.pairs, form, status)
    return to(asked.address(), f"all-{TOLD[deed].done}")


def _bulk_shown(
    request: Request, what: Bulk, pairs: Sequence[tuple[str, str]], form: Form, status: int
) -> Response:
    site, caller = site_of(request), caller_of(request)
    asked = asked_of(pairs)
    wanted: Wanted = asked.wanted
    listed = store.cases(site.url, caller.asker, wanted, limit=_FIRST)
    return page(
        request, "bulk.html", status,
        what=what, told=TOLD[what], asked=asked, form=form, n=listed.n,
        rows=rows_of(listed.cases, caller),
        is_bulk=True,
        people_named=[(name, name) for name in store.workers(site.url, caller.asker)],
    )  # fmt: skip
