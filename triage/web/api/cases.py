"""Reading cases: the queue in the order of work, one case whole, its record by night."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from triage import casefile, present_history, store
from triage.review import reason
from triage.web.api.answers import Cases, CaseWhole, HistoryTold
from triage.web.api.kinds import Day, FilterPaged, Number, cursor, place_in
from triage.web.api.route import ApiRoute
from triage.web.gate import API, caller_of, site_of

router = APIRouter(prefix=API, route_class=ApiRoute, tags=["cases"])


@router.get("/cases", response_model=Cases)
def api_cases(request: Request, asked: Annotated[FilterPaged, Query()]) -> dict[str, Any]:
    """Give the cases that you may see, in the order of work, each with the reason for its place.

    Whoever goes on from page to page misses none and meets none twice, whatever is claimed or
    closed in between.
    """
    url, asker, wanted = site_of(request).url, caller_of(request).asker, asked.wanted()
    start = place_in(asked.after, 2)
    after = None if start is None else (start[0], start[1])
    found = store.cases_after(url, asker, wanted, asked.limit, after)
    here = found.cases[: asked.limit]
    is_more = len(found.cases) > len(here)
    return {
        "as_of": found.as_of,
        "total": store.cases(url, asker, wanted, limit=1).n if asked.count else None,
        "items": [
            {**casefile.case_told(one), "reason": reason(one, found.as_of), "flags": one.rules}
            for one in here
        ],
        "next": cursor(here[-1].place, here[-1].id) if is_more else None,
    }


@router.get("/cases/{case_id}", response_model=CaseWhole)
def api_case(request: Request, case_id: Number) -> dict[str, Any]:
    """Give a case with its flags, notes, events and the child's referrals; the trail keeps it."""
    url, asker = site_of(request).url, caller_of(request).asker
    return casefile.case_file(url, asker, case_id).as_json()


@router.get("/cases/{case_id}/history", response_model=HistoryTold)
def api_history(
    request: Request, case_id: Number, on: Annotated[Day | None, Query()] = None
) -> dict[str, Any]:
    """Give how the record of a case stood on a night, and every value that it has had."""
    url, asker = site_of(request).url, caller_of(request).asker
    return present_history.history_json(store.history_of(url, asker, case_id, on))
