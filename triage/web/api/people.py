"""Who asks, who is registered, and the trail of what was done."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from triage import auditing, present_cases, store
from triage.errors import ConflictError, MissingError
from triage.rights import Act, Person, Role
from triage.store import Head
from triage.web.api.kinds import MOST, Body, Limit, Name, Page, told
from triage.web.api.more_answers import Me, PersonKept, PersonTold, Trail, VerdictTold
from triage.web.api.problems import WrongError
from triage.web.api.route import ApiRoute
from triage.web.gate import API, caller_of, site_of

router = APIRouter(prefix=API, route_class=ApiRoute, tags=["people and the trail"])
PersonName = Annotated[Name, Path()]


class PeopleAsked(Body):
    """Which page of the people registered is asked for, by name."""

    limit: Limit = 50
    after: Name | None = None


class RoleAndTeams(Body):
    """As what somebody is registered; no teams means all."""

    role: Role
    teams: list[Name] = Field(default=[], max_length=1_000)


class NewPerson(RoleAndTeams):
    """Somebody to be registered."""

    name: Name


class EventsAsked(Body):
    """Which events are asked for: from after a number on, in their order."""

    after: int = Field(default=0, ge=0, le=MOST, description="The number to go on after.")
    limit: Limit = 50
    actor: Name | None = None
    kind: Name | None = None
    case: int | None = Field(default=None, ge=1, le=MOST)
    since: str | None = Field(default=None, max_length=40, description="A day or moment of UTC.")
    until: str | None = Field(default=None, max_length=40, description="A day or moment of UTC.")


class HeadKept(Body):
    """The trail's head as it was kept outside: the trail has to reach it."""

    event: int | None = Field(default=None, ge=0, le=MOST)
    hash: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")


def _call(request: Request) -> dict[str, Any]:
    return {"url": site_of(request).url, "asker": caller_of(request).asker}


@router.get("/me", response_model=Me)
def api_me(request: Request) -> dict[str, Any]:
    """Give who the token acts as, and what they may do."""
    who = caller_of(request).viewer
    assert who is not None
    return {
        "name": who.name,
        "role": who.role,
        "teams": None if who.teams is None else sorted(who.teams),
        "sees_restricted": who.sees_restricted,
        "may": [act for act in get_args(Act) if who.may(act)],
    }


@router.get("/people", response_model=Page[PersonTold])
def api_people(request: Request, asked: Annotated[PeopleAsked, Query()]) -> dict[str, Any]:
    """Give who is registered, by name; those who were struck off, too."""
    found = store.people(site_of(request).url)
    rest = [one for one in sorted(found, key=_name) if one.name > (asked.after or "")]
    page = rest[: asked.limit]
    after = page[-1].name if len(rest) > len(page) else None
    return told(([present_cases.person_json(one) for one in page], after))


def _name(one: Person) -> str:
    return one.name


def _is_registered(request: Request, name: str) -> bool:
    return any(one.name == name and one.is_active for one in store.people(site_of(request).url))


@router.post("/people", response_model=PersonKept, status_code=201)
def api_add_person(request: Request, person: NewPerson) -> dict[str, str]:
    """Register somebody; a password they are given by an administrator on the pages."""
    if _is_registered(request, person.name):
        raise ConflictError(f"{person.name} is registered already; change them with PUT.")
    store.register(**_call(request), **person.model_dump())
    return {"name": person.name}


@router.put("/people/{name:path}", response_model=PersonKept)
def api_keep_person(request: Request, name: PersonName, person: RoleAndTeams) -> dict[str, str]:
    """Change somebody's role and teams."""
    if not _is_registered(request, name):
        raise MissingError(f"nobody of the name {name} is registered.")
    store.register(**_call(request), name=name, **person.model_dump())
    return {"name": name}


@router.delete("/people/{name:path}", response_model=PersonKept)
def api_strike_off(request: Request, name: PersonName) -> dict[str, str]:
    """Take somebody's rights away; what they did stays theirs."""
    store.strike_off(**_call(request), name=name)
    return {"name": name}


@router.get("/trail", response_model=Trail)
def api_trail(request: Request, asked: Annotated[EventsAsked, Query()]) -> dict[str, Any]:
    """Give what the trail says, the earliest first; that it was asked for is added to it."""
    found = store.audit_log(
        **_call(request), actor=asked.actor or "", kind=asked.kind or "", case_id=asked.case,
        since=asked.since or "", until=asked.until or "", limit=asked.limit, after=asked.after,
    )  # fmt: skip
    is_more = len(found) == asked.limit
    items = [auditing.event_json(one) for one in found]
    return {"items": items, "next": found[-1].id if is_more else None}


@router.get("/trail/verification", response_model=VerdictTold)
def api_verify_trail(request: Request, kept: Annotated[HeadKept, Query()]) -> dict[str, Any]:
    """Look the trail over, and say whether it is whole and reaches the head that was kept."""
    if (kept.event is None) != (kept.hash is None):
        raise WrongError("Give both the event and its hash.", parameter="hash")
    head = None
    if kept.event is not None and kept.hash is not None:
        head = Head(kept.event, bytes.fromhex(kept.hash))
    return auditing.verdict_json(store.verify_trail(site_of(request).url, head))
