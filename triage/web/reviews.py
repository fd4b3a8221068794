"""The pages of a case's first review, of one that supersedes it, and of what was submitted."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage import store
from triage.errors import ConflictError, ForbiddenError, StoreError
from triage.store import Desk, Review
from triage.web.forms import Form
from triage.web.gate import caller_of, form_of, site_of
from triage.web.render import page, to
from triage.web.review_fields import LABELS, answer_lines, form_of_answers, form_typed
from triage.web.sheets import Answers, CaseNumber, Sheet, sent, shown, told_moments

router = APIRouter()


def _sheet(case_id: int, why_not: str = "") -> Sheet:
    return Sheet(
        case_id, f"/cases/{case_id}/review", "Review", "Submit the review", has_drafts=True,
        why_not=told_moments(why_not),
    )  # fmt: skip


@router.get("/cases/{case_id}/review")
def review(request: Request, case_id: CaseNumber, more: str = "") -> Response:
    """Show the form of a review that one has begun, or the button that begins it."""
    site, caller = site_of(request), caller_of(request)
    desk = store.review_desk(site.url, caller.asker, case_id)
    sheet = _sheet(case_id, desk.why_not)
    return desk_page(request, sheet, desk, more)


def desk_page(request: Request, sheet: Sheet, desk: Desk, more: str) -> Response:
    """Return the form with the draft so far; where none was begun, the page that begins one."""
    if desk.answers is None:
        is_waiting = desk.case.status == "awaiting second review"
        return page(
            request, "review_start.html", sheet=sheet, desk=desk, form=Form(),
            leads_to_second=is_waiting and not sheet.address.endswith("/second-review"),
        )  # fmt: skip
    return shown(request, sheet, form_of_answers(desk.answers, desk.rules, n_more=int(bool(more))))


@router.post("/cases/{case_id}/review")
def keep_review(request: Request, case_id: CaseNumber) -> Response:
    """Begin a review, keep its draft, or submit it: by the button that was pressed."""
    site, caller, form = site_of(request), caller_of(request), form_typed(form_of(request))
    call: dict[str, Any] = {"url": site.url, "asker": caller.asker, "case_id": case_id}
    if form.text("button") == "start":
        store.begin_review(**call)
        return to(f"/cases/{case_id}/review")

    def submit(answers: Answers, _: str) -> Response:
        store.submit_review(**call, answers=answers, second=site.settings.second_rule)
        return to(f"/cases/{case_id}/reviews", "review_submitted")

    def save(answers: Answers) -> None:
        store.save_draft(**call, answers=answers)

    try:
        rules = store.review_desk(**call).rules
    except StoreError:
        rules = None
    return sent(request, _sheet(case_id), form, rules, submit, save)


def _superseding(case_id: int, stays: tuple[str, ...]) -> Sheet:
    return Sheet(
        case_id, f"/cases/{case_id}/supersede", "Supersede the review", "Supersede the review",
        wants_reason="Enter why the review is superseded", stays=stays,
    )  # fmt: skip


@router.get("/cases/{case_id}/supersede")
def supersede(request: Request, case_id: CaseNumber) -> Response:
    """Show the form of a review that is to stand in the place of another, with its answers."""
    stands = _standing(request, case_id)
    today = caller_of(request).asker.today.isoformat()
    actions = [one for one in stands.answers["actions"] if one["due_on"] >= today]
    form = form_of_answers(stands.answers | {"actions": actions}, stands.answers["flags_useful"])
    return shown(request, _superseding(case_id, _stays(stands)), form)


def _standing(request: Request, case_id: int) -> Review:
    return store.standing_review(site_of(request).url, caller_of(request).asker, case_id)


def _stays(stands: Review) -> tuple[str, ...]:
    """Return what the review that stands asks for, which stays so whatever supersedes it."""
    actions = stands.answers["actions"]
    return tuple(answer_lines("actions", actions)) if actions else ()


@router.post("/cases/{case_id}/supersede")
def supersede_now(request: Request, case_id: CaseNumber) -> Response:
    """Put another review in the place of the one that stands, for a reason."""
    site, caller, form = site_of(request), caller_of(request), form_typed(form_of(request))

    def submit(answers: Answers, reason: str) -> Response:
        store.supersede_review(
            site.url, caller.asker, case_id, answers, reason, second=site.settings.second_rule
        )
        return to(f"/cases/{case_id}/reviews", "review_superseded")

    rules: tuple[str, ...] | None = None
    stays: tuple[str, ...] = ()
    # What was typed is shown again where the store refuses it below, with what it says.
    with suppress(StoreError, ConflictError, ForbiddenError):
        stands = _standing(request, case_id)
        rules, stays = tuple(stands.answers["flags_useful"]), _stays(stands)
    return sent(request, _superseding(case_id, stays), form, rules, submit)


@router.get("/cases/{case_id}/reviews")
def reviews(request: Request, case_id: CaseNumber) -> Response:
    """Show the reviews of a case that were submitted, and one's own draft."""
    return reviews_page(request, case_id, Form())


def reviews_page(request: Request, case_id: int, form: Form, status: int = 200) -> Response:
    """Return the page of a case's reviews, with what somebody may do about the second one.

    Raises:
        MissingError: when there is no such case for whoever asks.
    """
    site, caller = site_of(request), caller_of(request)
    found = store.reviews_of(site.url, caller.asker, case_id)
    is_hidden = case_id in store.hidden_cases(site.url, caller.asker)
    waiting = next(
        (one for one in store.second_list(site.url, caller.asker) if one.case.id == case_id), None
    )
    stands = next((one for one in found if one.is_final), None)
    may_supersede = (
        waiting is None and stands is not None and caller.may("supersede")
        and (stands.reviewer == caller.name or caller.may("unblind"))
    )  # fmt: skip
    is_settled = any(one.kind != "first" and one.state != "draft" for one in found)
    return page(
        request, "reviews.html", status, form=form, case_id=case_id, reviews=found,
        is_hidden=is_hidden, waiting=waiting, may_supersede=may_supersede, labels=LABELS,
        answer_lines=answer_lines, has_second=is_settled,
    )  # fmt: skip


@router.post("/cases/{case_id}/unblind")
def unblind(request: Request, case_id: CaseNumber) -> Response:
    """Let a manager see the first answers, who then cannot be the second reviewer."""
    site, caller = site_of(request), caller_of(request)
    store.see_first_answers(site.url, caller.asker, case_id)
    return to(f"/cases/{case_id}/reviews", "unblinded")
