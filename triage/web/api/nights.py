"""Rules, exceptions to them, runs, and what falls due."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import Field, model_validator

from triage import present_rules, reviewing, store
from triage.errors import MissingError
from triage.rules import Rule
from triage.web.api.kinds import (
    MOST,
    Body,
    Day,
    Name,
    Number,
    Page,
    Paged,
    Words,
    cursor,
    paged,
    place_in,
    told,
)
from triage.web.api.more_answers import (
    Beside,
    Dues,
    ExceptionMade,
    ExceptionTold,
    RejectTold,
    Rules,
    RuleTold,
    RunTold,
    RunWhole,
)
from triage.web.api.route import ApiRoute
from triage.web.gate import API, caller_of, site_of

router = APIRouter(prefix=API, route_class=ApiRoute, tags=["rules and runs"])
_MOVES: Final = ("appeared", "cleared", "changed", "records")


class ExceptionsAsked(Paged):
    """Which exceptions are asked for."""

    all: bool = Field(default=False, description="Those that are over, too.")


class ExceptionAsked(Body):
    """A child or a team that is excepted from a rule, up to a day, for a reason."""

    rule: Name
    child_id: Name | None = None
    team: Name | None = None
    owner: Name | None = Field(
        default=None, description="Who answers for it: who makes it, if left out."
    )
    until: Day
    reason: Words

    @model_validator(mode="after")
    def _one_of_the_two(self) -> ExceptionAsked:
        if (self.child_id is None) == (self.team is None):
            raise ValueError("name the child or the team that is excepted, and not both")
        return self


def _call(request: Request) -> dict[str, Any]:
    return {"url": site_of(request).url, "asker": caller_of(request).asker}


def _rule(request: Request, rule: Rule) -> dict[str, Any]:
    found = present_rules.rule_json(rule, site_of(request).rules)
    parameters = {
        name: {**one, "value": rule.parameters[name]} for name, one in found["parameters"].items()
    }
    return found | {"parameters": parameters, "is_off": rule.is_off}


@router.get("/rules", response_model=Rules)
def api_rules(request: Request) -> dict[str, Any]:
    """Give every rule that judges here, with the limits that hold."""
    return {"items": [_rule(request, one) for one in site_of(request).rules.rules]}


@router.get("/rules/{rule_id}", response_model=RuleTold)
def api_rule(request: Request, rule_id: str) -> dict[str, Any]:
    """Give a rule with the limits that hold."""
    found = site_of(request).rules.by_id.get(rule_id)
    if found is None:
        raise MissingError(f"there is no rule {rule_id}.")
    return _rule(request, found)


@router.get("/exceptions", response_model=Page[ExceptionTold])
def api_exceptions(request: Request, asked: Annotated[ExceptionsAsked, Query()]) -> dict[str, Any]:
    """Give the exceptions of which you may see the cases, the first to end first."""
    found = store.exceptions(**_call(request), lasting_only=not asked.all)
    items, after = paged(found, asked, lambda one: (one.until.toordinal(), one.id), 2)
    return told(([reviewing.exception_json(one) for one in items], after))


@router.post("/exceptions", response_model=ExceptionMade, status_code=201)
def api_make_exception(request: Request, asked: ExceptionAsked) -> dict[str, int]:
    """Make an exception; from the next run on the rule raises nothing there."""
    number = store.add_exception(
        **_call(request), rule=asked.rule, child_id=asked.child_id, team=asked.team,
        owner=asked.owner, until=asked.until, why=asked.reason,
    )  # fmt: skip
    return {"exception": number}


@router.delete("/exceptions/{number}", response_model=ExceptionMade)
def api_end_exception(request: Request, number: Number) -> dict[str, int]:
    """End an exception before its day; the next run raises again what the rule says."""
    store.end_exception(**_call(request), number=number)
    return {"exception": number}


@router.get("/runs", response_model=Page[RunTold])
def api_runs(request: Request, asked: Annotated[Paged, Query()]) -> dict[str, Any]:
    """Give the runs that were stored, the latest first."""
    start = place_in(asked.after, 1)
    before = None if start is None else min(start[0], MOST)
    found = store.runs_before(site_of(request).url, asked.limit + 1, before)
    items = found[: asked.limit]
    return told((items, cursor(items[-1]["id"]) if len(found) > len(items) else None))


@router.get("/runs/{number}", response_model=RunWhole)
def api_run(request: Request, number: Number) -> dict[str, Any]:
    """Give a run with its inputs, and what each rule said."""
    return store.run_row(site_of(request).url, number)


@router.get("/runs/{number}/rejects", response_model=Page[RejectTold])
def api_rejects(
    request: Request, number: Number, asked: Annotated[Paged, Query()]
) -> dict[str, Any]:
    """Give what was wrong with the rows of a run, each cell once."""
    found = list(enumerate(store.rejections(site_of(request).url, number)))
    items, after = paged(found, asked, lambda one: (one[0],), 1)
    return told(([one for _, one in items], after))


@router.get("/runs/{first}/diff/{second}", response_model=Beside)
def api_run_beside(
    request: Request, first: Number, second: Number, asked: Annotated[Paged, Query()]
) -> dict[str, Any]:
    """Give which flags appeared, cleared and changed between two runs, and which records.

    Each list is given a page at a time, all four at once.
    """
    found = store.runs_beside(**_call(request), first=first, second=second)
    lists = {name: getattr(found, name) for name in _MOVES}
    start = place_in(asked.after, 1) or (0,)
    end = max(start[0], 0) + asked.limit
    here = {name: some[max(start[0], 0) : end] for name, some in lists.items()}
    return {
        "first": first,
        "second": second,
        "counts": {name: len(some) for name, some in lists.items()},
        **{name: [dataclasses.asdict(one) for one in some] for name, some in here.items()},
        "next": cursor(end) if any(len(some) > end for some in lists.values()) else None,
    }


@router.get("/due", response_model=Dues)
def api_due(request: Request, asked: Annotated[Paged, Query()]) -> dict[str, Any]:
    """Give what falls due by the next working day, as the last run saw it."""
    as_of, found = store.due_items(**_call(request))
    items, after = paged(list(enumerate(found)), asked, lambda one: (one[0],), 1)
    return {"as_of": as_of, **told(([one.as_json() for _, one in items], after))}
