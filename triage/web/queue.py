"""The queue: the cases in the order of work by filter, filters kept, the next case, the export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from triage import outputs, store
from triage.casework import STATUSES
from triage.errors import CallError
from triage.present_cases import place_json
from triage.review import Queue
from triage.store import Case
from triage.vocabulary import SEVERITIES
from triage.web.case_number import LARGEST
from triage.web.forms import Form
from triage.web.gate import Caller, caller_of, form_of, sentence, site_of
from triage.web.queue_filter import PER_PAGE, Asked, asked_of, pages
from triage.web.render import page, query, to
from triage.web.site import Site

MOST_COUNTED: Final = 5_000
"""Of more cases than these a page says only that there are more."""
router = APIRouter()


@router.get("/queue")
def queue(request: Request) -> Response:
    """Show the cases of a filter, a page at a time."""
    return _shown(request, asked_of(request.query_params.multi_items()), Form())


def _shown(request: Request, asked: Asked, form: Form, status: int = 200) -> Response:
    site, caller = site_of(request), caller_of(request)
    with store.one_moment(site.url):
        listed = _listed(site, caller, asked)
        last = max(1, -(-listed.n // PER_PAGE))
        if asked.page > last:
            asked = replace(asked, page=last)
            listed = _listed(site, caller, asked)
        offered = _offered(site, caller, asked)
        saved = store.saved_filters(site.url, caller.asker)
    places = Queue(listed)
    rows = [
        _row(one.case, caller.asker.at, one.reason, one.position if asked.sort is None else None)
        for one in places
    ]
    form.values |= asked.values
    return page(
        request, "queue.html", status,
        asked=asked, form=form, rows=rows, n=places.n, is_more=listed.is_more,
        first=listed.offset + 1, as_of=listed.as_of, pages=pages(asked, places.n),
        offered=offered, saved=saved,
        is_nothing="nothing" in request.query_params,
    )  # fmt: skip


def _listed(site: Site, caller: Caller, asked: Asked) -> store.Listed:
    offset = (asked.page - 1) * PER_PAGE
    return store.cases(
        site.url, caller.asker, asked.wanted, None, PER_PAGE, offset, asked.sort,
        is_falling=asked.is_falling, most=MOST_COUNTED,
    )  # fmt: skip


def _row(case: Case, at: str, why: str, position: int | None) -> dict[str, Any]:
    """Return a case as a list shows it: who holds it now stands apart from who held it once."""
    return {"case": case, "why": why, "position": position, "holder": case.holder(at)}


def rows_of(cases: Sequence[Case], caller: Caller) -> list[dict[str, Any]]:
    """Return cases as lists show them that do not say why each stands where it does."""
    return [_row(one, caller.asker.at, "", None) for one in cases]


def _offered(site: Site, caller: Caller, asked: Asked) -> Mapping[str, list[tuple[str, str]]]:
    """Return what the filter offers to choose from; what is asked for already is among it."""
    people = {one.name for one in store.people(site.url) if one.is_active and one.role in (
        "reviewer", "team manager")}  # fmt: skip
    people.update(asked.all_of("assigned_to"), asked.all_of("held_by"))
    rules = {one.id: f"{one.id} {one.about.title}" for one in site.rules.rules if not one.is_off}
    rules |= {name: rules.get(name, name) for name in asked.all_of("rule")}
    teams = {*store.teams_seen(site.url, caller.asker), *asked.all_of("team")}
    names = [(name, name) for name in sorted(people)]
    return {
        "status": [(one, one) for one in STATUSES],
        "severity": [(one, one) for one in SEVERITIES],
        "team": [(one, one) for one in sorted(teams)],
        "rule": sorted(rules.items()),
        "subject": [("referral", "referral"), ("contact", "contact")],
        "assigned_to": names,
        "held_by": names,
    }


@router.post("/queue/filters")
def save_filter(request: Request) -> Response:
    """Keep the filter that the queue is shown by, under a name."""
    site, caller, came = site_of(request), caller_of(request), form_of(request)
    asked, form = asked_of(came.multi_items()), Form.of(came)
    title = form.text("title", "Enter a name for the filter")
    if form.is_right:
        try:
            store.save_filter(site.url, caller.asker, title, asked.filter_query)
        except CallError as error:
            form.wrong("title", sentence(error))
    if not form.is_right:
        return _shown(request, asked, form, 422)
    return to(asked.address(), "filter-kept")


@router.post("/queue/filters/{number}/delete")
def drop_filter(request: Request, number: int) -> Response:
    """Delete one of one's own filters."""
    site, caller = site_of(request), caller_of(request)
    if 0 < number <= LARGEST:
        store.drop_filter(site.url, caller.asker, number)
    return to("/queue", "filter-dropped")


@router.post("/queue/claim-next")
def claim_next(request: Request) -> Response:
    """Claim the next case that nobody holds, of the filter that came along."""
    site, caller = site_of(request), caller_of(request)
    asked = asked_of(form_of(request).multi_items())
    found = store.claim_next(site.url, caller.asker, asked.wanted)
    if found is None:
        return to(f"/queue{query([*asked.pairs, ('nothing', 'yes')])}")
    return to(f"/cases/{found.id}", "claimed")


@router.post("/queue/export")
def export_queue(request: Request) -> Response:
    """Give the whole of a filter as CSV; that it was taken is kept in the trail."""
    site, caller = site_of(request), caller_of(request)
    asked = asked_of(form_of(request).multi_items())
    listed = store.export_queue(site.url, caller.asker, asked.wanted)
    name = f"queue-{listed.as_of.isoformat()}.csv"
    return StreamingResponse(
        outputs.queue_csv(place_json(place) for place in Queue(listed)),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
