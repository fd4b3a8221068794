"""What follows from reviews: remedial actions, and samples for a second review."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field

from triage import reviewing, seconding, store
from triage.errors import MissingError
from triage.sampling import Stratum
from triage.web.api.answers import (
    ActionSettled,
    ActionTold,
    SampleDrawn,
    SampleTold,
    SampleWhole,
)
from triage.web.api.kinds import MOST, Body, Day, Name, Number, Page, Paged, Words, paged, told
from triage.web.api.route import ApiRoute
from triage.web.gate import API, caller_of, site_of

router = APIRouter(prefix=API, route_class=ApiRoute, tags=["what follows"])


class ActionsAsked(Paged):
    """Which remedial actions are asked for."""

    owner: Name | None = None
    all: bool = Field(default=False, description="Those that are done or were handed over, too.")


class ActionDone(Body):
    """What shows that an action was done, and when: today, unless it says otherwise."""

    evidence: Words
    done_on: Day | None = None


class HandedOver(Body):
    """To whom outside, and why."""

    to: Name
    reason: Words


class SampleAsked(Body):
    """A share, as 10%, or a number, of which submitted reviews, and by what."""

    seed: Name = Field(max_length=100)
    share: str | None = Field(default=None, max_length=20, examples=["10%"])
    number: int | None = Field(default=None, ge=1, le=MOST)
    by: Stratum | None = None
    first_day: Day | None = None
    last_day: Day | None = None


def _call(request: Request) -> dict[str, Any]:
    return {"url": site_of(request).url, "asker": caller_of(request).asker}


def _actions(request: Request, asked: ActionsAsked, case_id: int | None = None) -> dict[str, Any]:
    found = store.actions_of(
        **_call(request), case_id=case_id, owner=asked.owner or "", open_only=not asked.all
    )
    items, after = paged(found, asked, lambda one: (one.due_on.toordinal(), one.id), 2)
    return told(([reviewing.action_json(one) for one in items], after))


@router.get("/actions", response_model=Page[ActionTold])
def api_actions(request: Request, asked: Annotated[ActionsAsked, Query()]) -> dict[str, Any]:
    """Give the remedial actions of the cases that you may see, the soonest due first."""
    return _actions(request, asked)


@router.get("/cases/{case_id}/actions", response_model=Page[ActionTold])
def api_case_actions(
    request: Request, case_id: Number, asked: Annotated[ActionsAsked, Query()]
) -> dict[str, Any]:
    """Give the remedial actions of a case, the soonest due first."""
    store.check_seen(**_call(request), case_id=case_id)
    return _actions(request, asked, case_id)


@router.post("/actions/{number}/done", response_model=ActionSettled)
def api_action_done(request: Request, number: Number, done: ActionDone) -> dict[str, int]:
    """Say that a remedial action was done, when, and by what that shows."""
    call = _call(request)
    on = done.done_on or call["asker"].today
    store.finish_action(**call, number=number, done_on=on, evidence=done.evidence)
    return {"action": number}


@router.post("/actions/{number}/hand-over", response_model=ActionSettled)
def api_hand_over(request: Request, number: Number, over: HandedOver) -> dict[str, int]:
    """Hand a remedial action over to somebody outside; it no longer keeps the case open."""
    store.hand_over_action(**_call(request), number=number, to=over.to, why=over.reason)
    return {"action": number}


@router.get("/samples", response_model=Page[SampleTold])
def api_samples(request: Request, asked: Annotated[Paged, Query()]) -> dict[str, Any]:
    """Give the samples that you drew, or see every case of, the latest first."""
    items, after = paged(store.samples(**_call(request)), asked, lambda one: (-one.id,), 1)
    return told(([seconding.sample_json(one) for one in items], after))


@router.get("/samples/{number}", response_model=SampleWhole)
def api_sample(request: Request, number: Number) -> dict[str, Any]:
    """Give a sample with its cases, and all that it was drawn of."""
    for one in store.samples(**_call(request)):
        if one.id == number:
            return seconding.sample_json(one)
    raise MissingError(f"there is no sample {number}.")


@router.post("/samples", response_model=SampleDrawn, status_code=201)
def api_draw_sample(request: Request, plan: SampleAsked) -> dict[str, Any]:
    """Draw a sample of submitted reviews, whose cases then wait for a second one."""
    days = site_of(request).settings.second_rule.working_days
    asked = store.Plan(**plan.model_dump(), working_days=days)
    drawn = store.draw_sample(**_call(request), plan=asked)
    return {"sample": drawn.id, "size": drawn.size, "cases": drawn.cases}
