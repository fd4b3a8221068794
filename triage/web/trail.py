"""The pages of the trail: what happened, whether the trail is whole, and its copy in a file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterator
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from triage import auditing, store
from triage.errors import CallError
from triage.flag_texts import defused
from triage.store import Head, TrailAsked, TrailEvent
from triage.trail_words import KINDS, details, in_words
from triage.web.forms import AskedNumber, Form, number_typed
from triage.web.gate import caller_of, form_of, sentence, site_of
from triage.web.render import page

router = APIRouter()
_ON_A_PAGE: Final = 50
_HASH_BYTES: Final = 32
_FIELDS: Final = ("who", "kind", "case", "since", "until")
_COLUMNS: Final = ("event", "at", "actor", "kind", "run", "case", "rule", "detail")
_FORMS: Final = {"csv": "text/csv", "jsonl": "application/jsonl"}


@router.get("/trail")
def trail(
    request: Request, who: str = "", kind: str = "", case: str = "", since: str = "",
    until: str = "", before: AskedNumber = None, after: AskedNumber = None,
) -> Response:  # fmt: skip
    """Show a page of the trail by filter, the latest first."""
    typed = {"who": who, "kind": kind, "case": case, "since": since, "until": until}
    return _shown(request, Form(typed), 200, before=before, after=after)


def _shown(
    request: Request, form: Form, status: int, *, before: int | None = None,
    after: int | None = None, verdict: Any = None,
) -> Response:  # fmt: skip
    site, caller = site_of(request), caller_of(request)
    asked = _asked(form)
    found, head = None, store.trail_head(site.url)
    if form.is_right or asked is not None:
        found = store.trail_page(
            site.url, caller.asker, asked or TrailAsked(), _ON_A_PAGE,
            before=before, after=after,
        )  # fmt: skip
    status = status if form.is_right else 422
    given = {name: form.text(name) for name in _FIELDS}
    kinds = sorted({*KINDS, *filter(None, [form.text("kind")])}, key=lambda one: in_words(one))
    return page(
        request, "trail.html", status, form=form, given=given, head=head, verdict=verdict,
        events=[_event(one) for one in found.events] if found else [], found=found,
        kinds=[(one, in_words(one)) for one in kinds],
        people=[one.name for one in store.people(site.url)],
    )  # fmt: skip


def _asked(form: Form) -> TrailAsked | None:
    """Return what a form asks for; None where it cannot be read, which the form then says."""
    number = number_typed(form.text("case"))
    if form.text("case") and number is None:
        form.wrong("case", "Enter the number of a case")
    since, until = form.day("since"), form.day("until")
    if since is not None and until is not None and since > until:
        form.wrong("until", "Enter a day that is not before the first one")
    if form.error("case") or form.error("since") or form.error("until"):
        return None
    return TrailAsked(
        form.text("who"), form.text("kind"), number,
        _moment(since, dt.time.min), _moment(until, dt.time.max),
    )  # fmt: skip


def _moment(day: dt.date | None, of_day: dt.time) -> str:
    """Return the first or the last moment of a day where this server is."""
    return "" if day is None else dt.datetime.combine(day, of_day).astimezone().isoformat()


def _event(one: TrailEvent) -> dict[str, Any]:
    return {
        "id": one.id, "at": one.at, "actor": one.actor, "did": in_words(one.kind),
        "case": one.case, "rule": one.rule, "run": one.run, "details": details(one.detail),
    }  # fmt: skip


@router.post("/trail/verify")
def verify_trail(request: Request) -> Response:
    """Look the whole trail over; with a head that was kept, whether it reaches that."""
    site, form = site_of(request), Form.of(form_of(request))
    kept = _kept(form)
    verdict = None
    if form.is_right:
        found = store.verify_trail(site.url, kept)
        verdict = {"is_whole": not found.damage, "said": auditing.verdict_told(found)}
    return _shown(request, form, 200, verdict=verdict)


def _kept(form: Form) -> Head | None:
    """Return the head that was typed; None where nothing was, or it is none."""
    number, digest = form.text("event"), form.text("hash").lower()
    if not number and not digest:
        return None
    try:
        held = bytes.fromhex(digest)
    except ValueError:
        held = b""
    event = number_typed(number)
    if event is None:
        form.wrong("event", "Enter the number of the event, as the head was kept")
    if len(held) != _HASH_BYTES:
        form.wrong("hash", "Enter the hash as it was kept: 64 letters and digits")
    return None if event is None or not form.is_right else Head(event, held)


@router.post("/trail/export")
def export_trail(request: Request) -> Response:
    """Give the events of a filter as a file; that they were exported is an event itself."""
    site, caller, form = site_of(request), caller_of(request), Form.of(form_of(request))
    kind = form.text("form", "Choose the form of the file")
    if kind and kind not in _FORMS:
        form.wrong("form", "Choose the form of the file")
    asked = _asked(form)
    if asked is None or not form.is_right:
        return _shown(request, form, 422)
    try:
        last = store.begin_trail_export(site.url, caller.asker, asked, kind)
    except CallError as error:
        form.wrong("", sentence(error))
        return _shown(request, form, 422)
    found = store.exported_events(site.url, caller.asker, asked, last)
    texts = _csv(found) if kind == "csv" else _lines(found)
    name = f"trail-to-event-{last}.{kind}"
    return StreamingResponse(
        texts, media_type=_FORMS[kind],
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def _csv(found: Iterator[list[TrailEvent]]) -> Iterator[str]:
    """Yield events as CSV that is safe to open in a spreadsheet."""
    yield ",".join(_COLUMNS) + "\n"
    for some in found:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for one in some:
            detail = json.dumps(one.detail, sort_keys=True)
            cells = (one.id, one.at, one.actor, one.kind, one.run, one.case, one.rule, detail)
            writer.writerow(map(defused, cells))
        yield out.getvalue()


def _lines(found: Iterator[list[TrailEvent]]) -> Iterator[str]:
    """Yield events as JSON, one a line."""
    for some in found:
        yield "".join(f"{json.dumps(auditing.event_json(one))}\n" for one in some)
