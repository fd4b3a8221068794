"""What people do with cases: claim, note, assign, put off, bring forward, close, reopen."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from triage import store
from triage.errors import ConflictError
from triage.store import Case
from triage.vocabulary import counted
from triage.web.api.answers import Claimed, Done, DoneToMany, Held
from triage.web.api.kinds import MOST, Body, Day, Filter, Name, Number, Words
from triage.web.api.route import ApiRoute
from triage.web.gate import API, caller_of, site_of

router = APIRouter(prefix=API, route_class=ApiRoute, tags=["work on cases"])


class Note(Body):
    """A note."""

    text: Words


class Reason(Body):
    """Why something is done."""

    reason: Words


class To(Body):
    """For whom a case is to wait."""

    to: Name


class Until(Body):
    """On which day a case is in the queue again, and why not before."""

    until: Day
    reason: Words


class AssignAll(To):
    """Assign each of them."""

    do: Literal["assign"]


class SnoozeAll(Until):
    """Put each of them off."""

    do: Literal["snooze"]


class CloseAll(Reason):
    """Close each of them without a review."""

    do: Literal["close"]


class Bulk(Body):
    """One deed for all cases of a filter, as many as are expected there."""

    filter: Filter
    deed: Annotated[AssignAll | SnoozeAll | CloseAll, Field(discriminator="do")]
    expected: int = Field(ge=1, le=MOST)


def _call(request: Request) -> dict[str, Any]:
    return {"url": site_of(request).url, "asker": caller_of(request).asker}


def _held(found: Case) -> dict[str, Any]:
    names = ("status", "severity", "due_on", "held_by", "held_until")
    return {"case": found.id, **{name: getattr(found, name) for name in names}}


@router.post("/cases/claim-next", response_model=Claimed)
def api_claim_next(request: Request, filter: Filter | None = None) -> dict[str, Any]:
    """Claim the next case that nobody holds, of a filter; nobody else is given it."""
    found = store.claim_next(**_call(request), wanted=(filter or Filter()).wanted())
    return {"claimed": None if found is None else _held(found)}


@router.post("/cases/bulk", response_model=DoneToMany)
def api_bulk(request: Request, bulk: Bulk) -> dict[str, int]:
    """Do one thing to all cases of a filter: to as many as are expected, or to none."""
    call, deed = _call(request), bulk.deed
    cases = store.matching(**call, wanted=bulk.filter.wanted())
    if len(cases) != bulk.expected:
        raise ConflictError(
            f"{counted(len(cases), 'case')} are of this kind, and not {bulk.expected}; nothing "
            "was changed."
        )
    call["cases"] = cases
    if isinstance(deed, AssignAll):
        return {"cases": store.assign(**call, to=deed.to)}
    if isinstance(deed, SnoozeAll):
        return {"cases": store.snooze(**call, until=deed.until, why=deed.reason)}
    return {"cases": store.close(**call, why=deed.reason)}


@router.post("/cases/{case_id}/claim", response_model=Held)
def api_claim(request: Request, case_id: Number) -> dict[str, Any]:
    """Claim a case; the hold of whoever claims it again is renewed."""
    return _held(store.claim(**_call(request), case_id=case_id))


@router.post("/cases/{case_id}/release", response_model=Done)
def api_release(request: Request, case_id: Number) -> dict[str, int]:
    """Give a case back that you hold; a manager may give back anybody's."""
    store.release(**_call(request), case_id=case_id)
    return {"case": case_id}


@router.post("/cases/{case_id}/notes", response_model=Done, status_code=201)
def api_add_note(request: Request, case_id: Number, note: Note) -> dict[str, int]:
    """Add a note to a case."""
    store.add_note(**_call(request), case_id=case_id, text=note.text)
    return {"case": case_id}


@router.post("/cases/{case_id}/assign", response_model=Done)
def api_assign(request: Request, case_id: Number, to: To) -> dict[str, int]:
    """Assign a case to somebody, for whom it then waits."""
    store.assign(**_call(request), cases=[case_id], to=to.to)
    return {"case": case_id}


@router.post("/cases/{case_id}/snooze", response_model=Done)
def api_snooze(request: Request, case_id: Number, until: Until) -> dict[str, int]:
    """Put a case off until a day, on which it is in the queue again."""
    store.snooze(**_call(request), cases=[case_id], until=until.until, why=until.reason)
    return {"case": case_id}


@router.post("/cases/{case_id}/boost", response_model=Done)
def api_boost(request: Request, case_id: Number, why: Reason) -> dict[str, int]:
    """Bring a case before its turn; the reason is shown with its place."""
    store.boost(**_call(request), case_id=case_id, why=why.reason)
    return {"case": case_id}


@router.post("/cases/{case_id}/close", response_model=Done)
def api_close(request: Request, case_id: Number, why: Reason) -> dict[str, int]:
    """Close a case without a review."""
    store.close(**_call(request), cases=[case_id], why=why.reason)
    return {"case": case_id}


@router.post("/cases/{case_id}/reopen", response_model=Done)
def api_reopen(request: Request, case_id: Number, why: Reason) -> dict[str, int]:
    """Open a closed case again; it comes before its turn."""
    store.reopen(**_call(request), case_id=case_id, why=why.reason)
    return {"case": case_id}
