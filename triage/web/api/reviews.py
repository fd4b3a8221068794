"""Reviews: started, kept as drafts, submitted, superseded, and done a second time."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import Field, StringConstraints

from triage import present_second, reviewing, seconding, store
from triage.review_form import (
    ActionKind,
    Answer,
    Avoidable,
    Grade,
    MainReason,
    Oversight,
    Right,
)
from triage.review_form import Reason as Cause
from triage.store import SecondSubmitted
from triage.web.api.acts import Reason
from triage.web.api.answers import (
    AgreementTold,
    Differences,
    Done,
    Reviews,
    SecondIn,
    Started,
    Submitted,
    WaitingTold,
)
from triage.web.api.kinds import MOST, Body, Day, Name, Number, Page, Paged, Words, paged, told
from triage.web.api.route import ApiRoute
from triage.web.gate import API, caller_of, site_of

router = APIRouter(prefix=API, route_class=ApiRoute, tags=["reviews"])
_MOST: Final = 100
Learning = Annotated[str, StringConstraints(max_length=20_000)]


class ActionAsked(Body):
    """A remedial action that a review asks for."""

    kind: ActionKind
    owner: Name
    due_on: Day


class Draft(Body):
    """The answers of a review so far; null is not answered yet."""

    is_re_referral: Answer | None = None
    main_reason: MainReason | None = None
    further_reasons: list[Cause] | None = Field(default=None, max_length=_MOST)
    closure_right: Right | None = None
    threshold_right: Right | None = None
    risk_identified: Answer | None = None
    oversight: Oversight | None = None
    avoidable: Avoidable | None = None
    grade: Grade | None = None
    flags_useful: dict[str, Answer] | None = Field(default=None, max_length=_MOST)
    learning: Learning | None = None
    actions: list[ActionAsked] | None = Field(default=None, max_length=_MOST)


class Whole(Body):
    """The answers of a review, each given; ``flags_useful`` has each open flag's rule."""

    is_re_referral: Answer
    main_reason: MainReason
    further_reasons: list[Cause] = Field(max_length=_MOST)
    closure_right: Right
    threshold_right: Right
    risk_identified: Answer
    oversight: Oversight
    avoidable: Avoidable
    grade: Grade
    flags_useful: dict[str, Answer] = Field(max_length=_MOST)
    learning: Learning = ""
    actions: list[ActionAsked] = Field(default=[], max_length=_MOST)


class DraftKept(Body):
    """A draft to be kept."""

    answers: Draft


class Submission(Body):
    """The answers to be submitted; without them, your draft is."""

    answers: Whole | None = None


class Settlement(Body):
    """Answers in place of others, and why."""

    answers: Whole
    reason: Words


class Between(Body):
    """Which second reviews are compared, by the days on which they came in, or by sample."""

    first_day: Day | None = None
    last_day: Day | None = None
    sample: int | None = Field(default=None, ge=1, le=MOST)


def _call(request: Request, case_id: int | None = None) -> dict[str, Any]:
    call = {"url": site_of(request).url, "asker": caller_of(request).asker}
    return call if case_id is None else {**call, "case_id": case_id}


def _draft(answers: Draft) -> dict[str, Any]:
    return answers.model_dump(mode="json", exclude_none=True)


def _whole(answers: Whole | None) -> dict[str, Any] | None:
    return None if answers is None else answers.model_dump(mode="json")


@router.get("/cases/{case_id}/reviews", response_model=Reviews)
def api_reviews(request: Request, case_id: Number) -> dict[str, Any]:
    """Give the reviews of a case that were submitted, and your own draft; the trail keeps it."""
    call = _call(request)
    found = store.reviews_of(**call, case_id=case_id)
    is_hidden = case_id in store.hidden_cases(**call)
    return {"is_first_hidden": is_hidden, "items": [reviewing.review_json(one) for one in found]}


@router.post("/cases/{case_id}/review/start", response_model=Started)
def api_start_review(request: Request, case_id: Number) -> dict[str, Any]:
    """Start the review of a case, or go on with it; the case is yours from then on."""
    begun = store.begin_review(**_call(request, case_id))
    return {"case": case_id, "step": "review", "rules": begun.rules, "differs": []}


@router.put("/cases/{case_id}/review", response_model=Done)
def api_keep_review(request: Request, case_id: Number, draft: DraftKept) -> dict[str, int]:
    """Keep the answers so far as your draft, in place of the one before."""
    store.save_draft(**_call(request, case_id), answers=_draft(draft.answers))
    return {"case": case_id}


@router.post("/cases/{case_id}/review", response_model=Submitted, status_code=201)
def api_submit_review(request: Request, case_id: Number, sent: Submission) -> dict[str, int]:
    """Submit a review, which cannot be changed afterwards."""
    rule = site_of(request).settings.second_rule
    answers = _whole(sent.answers)
    number = store.submit_review(**_call(request, case_id), answers=answers, second=rule)
    return {"case": case_id, "review": number}


@router.post("/cases/{case_id}/review/supersede", response_model=Submitted, status_code=201)
def api_supersede(request: Request, case_id: Number, sent: Settlement) -> dict[str, int]:
    """Put another review in the place of the one that stands; both are kept."""
    number = store.supersede_review(
        **_call(request, case_id), answers=_whole(sent.answers) or {}, why=sent.reason,
        second=site_of(request).settings.second_rule,
    )  # fmt: skip
    return {"case": case_id, "review": number}


@router.post("/cases/{case_id}/reviews/unblind", response_model=Done)
def api_unblind(request: Request, case_id: Number) -> dict[str, int]:
    """Give up being the second reviewer of a case, to see the first answers before the second."""
    store.see_first_answers(**_call(request, case_id))
    return {"case": case_id}


@router.get("/second-reviews", response_model=Page[WaitingTold])
def api_second_list(request: Request, asked: Annotated[Paged, Query()]) -> dict[str, Any]:
    """Give the cases that wait for a second review or for moderation, and whether for you."""
    found = store.second_list(**_call(request))
    items, after = paged(found, asked, lambda one: (one.case.place, one.case.id), 2)
    return told(([present_second.waiting_json(one) for one in items], after))


@router.post("/cases/{case_id}/second-review/ask", response_model=Done)
def api_ask_for_second(request: Request, case_id: Number, why: Reason) -> dict[str, int]:
    """Ask for a second review of a case; its second reviewer is not told the reason."""
    days = site_of(request).settings.second_rule.working_days
    store.ask_for_second(**_call(request, case_id), why=why.reason, working_days=days)
    return {"case": case_id}


@router.post("/cases/{case_id}/second-review/withdraw", response_model=Done)
def api_withdraw_second(request: Request, case_id: Number, why: Reason) -> dict[str, int]:
    """Let a case go on without the second review that nobody submitted yet."""
    store.withdraw_second(**_call(request, case_id), why=why.reason)
    return {"case": case_id}


@router.post("/cases/{case_id}/second-review/start", response_model=Started)
def api_start_second(request: Request, case_id: Number) -> dict[str, Any]:
    """Start the second review of a case, or its moderation where two reviews differ."""
    begun = store.begin_second(**_call(request, case_id))
    differs = list(begun.differs)
    return {"case": case_id, "step": begun.step, "rules": begun.rules, "differs": differs}


@router.put("/cases/{case_id}/second-review", response_model=Done)
def api_keep_second(request: Request, case_id: Number, draft: DraftKept) -> dict[str, int]:
    """Keep the second answers so far as your draft, in place of the one before."""
    store.save_second_draft(**_call(request, case_id), answers=_draft(draft.answers))
    return {"case": case_id}


@router.post("/cases/{case_id}/second-review", response_model=SecondIn, status_code=201)
def api_submit_second(request: Request, case_id: Number, sent: Submission) -> dict[str, Any]:
    """Submit a second review; where it differs from the first, the case waits for moderation."""
    done = store.submit_second(**_call(request, case_id), answers=_whole(sent.answers))
    return _in(case_id, done)


@router.get("/cases/{case_id}/differences", response_model=Differences)
def api_differences(request: Request, case_id: Number) -> dict[str, Any]:
    """Give two reviews of a case side by side, and what settled them; the trail keeps it."""
    return present_second.side_by_side_json(store.second_differences(**_call(request, case_id)))


@router.post("/cases/{case_id}/moderation", response_model=SecondIn, status_code=201)
def api_moderate(request: Request, case_id: Number, sent: Settlement) -> dict[str, Any]:
    """Settle two reviews that differ, by answers which are final; both are kept."""
    answers = _whole(sent.answers) or {}
    done = store.settle_second(**_call(request, case_id), answers=answers, why=sent.reason)
    return _in(case_id, done)


def _in(case_id: int, done: SecondSubmitted) -> dict[str, Any]:
    return {
        "case": case_id, "review": done.review, "differs": done.differs, "status": done.status,
    }  # fmt: skip


@router.get("/agreement", response_model=AgreementTold)
def api_agreement(request: Request, asked: Annotated[Between, Query()]) -> dict[str, Any]:
    """Give how well two reviewers agree, by question and by pair."""
    pairs = store.second_pairs(**_call(request), **asked.model_dump())
    return seconding.agreement_json(seconding.agreement_of(pairs))
