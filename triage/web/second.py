"""The pages of second reviews: what waits, blind answers, both sides, moderation, agreement."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage import store
from triage.agreement import FEW
from triage.errors import ConflictError, StoreError
from triage.second import COMPARED
from triage.seconding import agreement_of
from triage.store import SecondBegun
from triage.web.forms import Form
from triage.web.gate import caller_of, form_of, site_of
from triage.web.render import page, to
from triage.web.review_fields import (
    LABELS,
    SHORT,
    answer_lines,
    form_of_answers,
    form_typed,
)
from triage.web.reviews import desk_page, reviews_page
from triage.web.sheets import Answers, CaseNumber, Sheet, sent, shown, told_moments

router = APIRouter()


@router.get("/second")
def second_list(request: Request) -> Response:
    """Show the cases that wait for a second review or for moderation, and for whom."""
    site, caller = site_of(request), caller_of(request)
    found = store.second_list(site.url, caller.asker)
    return page(request, "second_list.html", found=found, short=SHORT, today=caller.asker.today)


def _blind(case_id: int, why_not: str = "") -> Sheet:
    return Sheet(
        case_id, f"/cases/{case_id}/second-review", "Second review", "Submit the second review",
        has_drafts=True, why_not=told_moments(why_not),
    )  # fmt: skip


@router.get("/cases/{case_id}/second-review")
def second(request: Request, case_id: CaseNumber, more: str = "") -> Response:
    """Show the form of a second review that one has begun, or the button that begins it."""
    site, caller = site_of(request), caller_of(request)
    desk = store.second_desk(site.url, caller.asker, case_id)
    return desk_page(request, _blind(case_id, desk.why_not), desk, more)


@router.post("/cases/{case_id}/second-review")
def keep_second(request: Request, case_id: CaseNumber) -> Response:
    """Begin a second review, keep its draft, or submit it: by the button that was pressed."""
    site, caller, form = site_of(request), caller_of(request), form_typed(form_of(request))
    call: dict[str, Any] = {"url": site.url, "asker": caller.asker, "case_id": case_id}
    rules = None
    try:
        rules = store.second_desk(**call).rules
    except (StoreError, ConflictError):
        # What was typed is shown again with what the store says of it below.
        if form.text("button") == "start":
            raise
    if form.text("button") == "start":
        store.begin_second(**call)
        return to(f"/cases/{case_id}/second-review")

    def submit(answers: Answers, _: str) -> Response:
        done = store.submit_second(**call, answers=answers)
        if done.differs:
            return to(f"/cases/{case_id}/differences", "second_differs")
        return to(f"/cases/{case_id}/differences", "second_agreed")

    def save(answers: Answers) -> None:
        store.save_second_draft(**call, answers=answers)

    return sent(request, _blind(case_id), form, rules, submit, save)


@router.get("/cases/{case_id}/differences")
def differences(request: Request, case_id: CaseNumber) -> Response:
    """Show two reviews of a case side by side, and what settled them."""
    site, caller = site_of(request), caller_of(request)
    both = store.second_differences(site.url, caller.asker, case_id)
    may_settle = (
        bool(both.differs) and both.moderation is None and caller.may("moderation")
        and caller.name not in both.reviewers
    )  # fmt: skip
    return page(
        request, "differences.html", both=both, labels=LABELS, answer_lines=answer_lines,
        may_settle=may_settle, compared=COMPARED,
    )  # fmt: skip


def _moderating(case_id: int, begun: SecondBegun | None) -> Sheet:
    return Sheet(
        case_id, f"/cases/{case_id}/moderation", "Moderation", "Settle the two reviews",
        wants_reason="Enter why you settle it so", apart={} if begun is None else begun.differs,
    )  # fmt: skip


@router.get("/cases/{case_id}/moderation")
def moderation(request: Request, case_id: CaseNumber) -> Response:
    """Show the form by which two reviews that differ are settled, with what both have in common."""
    begun = store.begin_moderation(site_of(request).url, caller_of(request).asker, case_id)
    return shown(request, _moderating(case_id, begun), form_of_answers(begun.answers, begun.rules))


@router.post("/cases/{case_id}/moderation")
def keep_moderation(request: Request, case_id: CaseNumber) -> Response:
    """Settle two reviews by answers that are final, for a reason."""
    site, caller, form = site_of(request), caller_of(request), form_typed(form_of(request))

    def submit(answers: Answers, reason: str) -> Response:
        store.settle_second(site.url, caller.asker, case_id, answers, reason)
        return to(f"/cases/{case_id}/differences", "second_settled")

    begun = None
    # What was typed is shown again where the store refuses it below, with what it says.
    with suppress(StoreError, ConflictError):
        begun = store.begin_moderation(site.url, caller.asker, case_id)
    rules = None if begun is None else begun.rules
    return sent(request, _moderating(case_id, begun), form, rules, submit)


@router.post("/cases/{case_id}/withdraw-second")
def withdraw_second(request: Request, case_id: CaseNumber) -> Response:
    """Let a case go on without the second review that nobody submitted yet."""
    site, caller, form = site_of(request), caller_of(request), Form.of(form_of(request))
    reason = form.text("reason", "Enter why the second review is withdrawn")
    if not form.is_right:
        return reviews_page(request, case_id, form, 422)
    store.withdraw_second(site.url, caller.asker, case_id, reason)
    return to(f"/cases/{case_id}/reviews", "second_withdrawn")


@router.get("/second/agreement")
def agreement(request: Request) -> Response:
    """Show how well two reviewers agree: by question, and by pair of reviewers."""
    site, caller = site_of(request), caller_of(request)
    form = Form({key: value.strip() for key, value in request.query_params.items()})
    first, last = form.day("from"), form.day("to")
    typed = form.text("sample")
    sample = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None
    if typed and not sample:
        form.wrong("sample", "Enter the number of a sample, such as 3")
    if first and last and first > last:
        form.wrong("to", "The last day is before the first one")
    found = None
    if form.is_right:
        pairs = store.second_pairs(site.url, caller.asker, first, last, sample)
        found = agreement_of(pairs)
    return page(
        request, "agreement.html", 200 if form.is_right else 422, form=form, found=found,
        short=SHORT, few=FEW,
    )  # fmt: skip
