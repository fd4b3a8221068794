"""The pages of samples: reviews drawn for a second one, by a seed that draws the same again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage import store
from triage.errors import CallError
from triage.sampling import Stratum, seed_of, share_of
from triage.web.forms import Form
from triage.web.gate import caller_of, form_of, sentence, site_of
from triage.web.render import page, to

router = APIRouter()
BY: Final[dict[Stratum, str]] = {
    "team": "Team",
    "severity": "Severity of the case",
    "grade": "Grade of the practice",
    "outcome": "Whether the re-referral was avoidable",
}
"""By what a sample may be drawn, in words."""
_MOST_DAYS: Final = 250
_MOST_DIGITS: Final = 6


@router.get("/samples")
def samples(request: Request) -> Response:
    """Show the samples that were drawn, the latest first, with what became of their cases."""
    site, caller = site_of(request), caller_of(request)
    return page(request, "samples.html", samples=store.samples(site.url, caller.asker), by=BY)


@router.get("/samples/new")
def new_sample(request: Request) -> Response:
    """Show the form by which a sample is drawn."""
    days = site_of(request).settings.second_rule.working_days
    return _form(request, Form({"working_days": str(days)}))


def _form(request: Request, form: Form, status: int = 200) -> Response:
    return page(request, "new_sample.html", status, form=form, by=list(BY.items()))


@router.post("/samples")
def draw_sample(request: Request) -> Response:
    """Draw a sample of submitted reviews, whose cases then wait for a second one."""
    site, caller, form = site_of(request), caller_of(request), Form.of(form_of(request))
    plan = _plan(form)
    if plan is None:
        return _form(request, form, 422)
    try:
        store.draw_sample(site.url, caller.asker, plan)
    except CallError as error:
        form.wrong("", sentence(error))
        return _form(request, form, 422)
    return to("/samples", "sample_drawn")


def _plan(form: Form) -> store.Plan | None:
    """Return how a sample is to be drawn; None where something is wrong with the form."""
    seed = form.text("seed", "Enter a seed, such as 2026-Q3")
    if seed and not _is_so(seed_of, seed):
        form.wrong("seed", "Enter a seed of 1 to 100 characters that can be printed")
    share, number = form.text("share"), form.text("number")
    if share and not share.endswith("%"):
        share = f"{share}%"
    if bool(share) == bool(number):
        form.wrong("share", "Enter either a share or a number of reviews")
    elif share and not _is_so(share_of, share):
        form.wrong("share", "Enter a share above 0 and up to 100, such as 10")
    n = _whole(form, "number", "Enter a whole number of reviews, such as 20") if number else None
    first, last = form.day("first_day"), form.day("last_day")
    if first and last and first > last:
        form.wrong("last_day", "The last day is before the first one")
    days = _whole(form, "working_days", "Enter a number of working days, such as 20")
    if days is not None and days > _MOST_DAYS:
        form.wrong("working_days", f"Enter {_MOST_DAYS} working days or fewer")
    wanted = form.text("by")
    by = next((one for one in BY if one == wanted), None)
    if days is None or not form.is_right:
        return None
    return store.Plan(seed, share or None, n, by, first, last, days)


def _is_so(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except CallError:
        return False
    return True


def _whole(form: Form, name: str, missing: str) -> int | None:
    """Return a whole number above nought that was typed."""
    typed = form.text(name)
    if typed.isascii() and typed.isdecimal() and len(typed) <= _MOST_DIGITS and int(typed):
        return int(typed)
    form.wrong(name, missing)
    return None
