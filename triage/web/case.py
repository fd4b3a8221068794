"""One case: its flags and what they rest on, the child's timeline, notes, actions, history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage import store
from triage.casefile import CaseFile, case_file
from triage.errors import CallError, ConflictError, ForbiddenError, MissingError
from triage.store import History, Spell
from triage.web.case_number import CaseNumber
from triage.web.case_told import (
    deeds_offered,
    events_told,
    facts_told,
    link_outside,
    reads_told,
    steps_offered,
    value_told,
)
from triage.web.child_timeline import LETTERS, entries_of, picture
from triage.web.forms import Form
from triage.web.gate import caller_of, form_of, sentence, site_of
from triage.web.render import page, to

router = APIRouter()


@router.get("/cases/{case_id}")
def case(request: Request, case_id: CaseNumber) -> Response:
    """Show a case with all that belongs to it; that it was read is kept in the trail."""
    return _shown(request, case_id, Form(), 200)


def _shown(request: Request, case_id: int, form: Form, status: int) -> Response:
    site, caller = site_of(request), caller_of(request)
    file = case_file(site.url, caller.asker, case_id)
    found, whole = file.case, file.whole
    entries = entries_of(whole.timeline, whole.contacts, found)
    flags = [_flag_told(file, one) for one in whole.flags]
    return page(
        request, "case.html", status,
        form=form, case=found, holder=found.holder(caller.asker.at),
        standing=[one for one in flags if one["flag"].state == "open"],
        cleared=[one for one in flags if one["flag"].state != "open"],
        entries=entries, letters=LETTERS,
        picture=picture(entries, found, store.latest_as_of(site.url)),
        notes=whole.notes, events=events_told(whole.events), reads=reads_told(whole.events),
        actions=store.actions_of(site.url, caller.asker, case_id=case_id, open_only=False),
        steps=steps_offered(found, caller), step=_second_step(request, case_id, found.status),
        deeds=deeds_offered(found, whole.events) if caller.may("deed") else [],
        outside=link_outside(site.settings.web.case_link, found), today=caller.asker.today,
        as_of=store.latest_as_of(site.url),
    )  # fmt: skip


def _flag_told(file: CaseFile, flag: store.StoredFlag) -> dict[str, Any]:
    rule = file.rules[flag.rule]
    return {"flag": flag, "about": rule.about, "facts": facts_told(flag.evidence, rule)}


def _second_step(request: Request, case_id: int, status: str) -> store.Waiting | None:
    """Return which step of a second review a case waits for, and why not for whoever asks."""
    if status != "awaiting second review":
        return None
    site, caller = site_of(request), caller_of(request)
    waiting = store.second_list(site.url, caller.asker)
    return next((one for one in waiting if one.case.id == case_id), None)


@router.post("/cases/{case_id}/claim")
def claim(request: Request, case_id: CaseNumber) -> Response:
    """Claim a case, or hold it on."""
    site, caller = site_of(request), caller_of(request)
    return _done(request, case_id, "claimed", lambda: store.claim(site.url, caller.asker, case_id))


@router.post("/cases/{case_id}/release")
def release(request: Request, case_id: CaseNumber) -> Response:
    """Give a case back."""
    site, caller = site_of(request), caller_of(request)
    return _done(
        request, case_id, "released", lambda: store.release(site.url, caller.asker, case_id)
    )


def _done(request: Request, case_id: int, done: str, act: Callable[[], object]) -> Response:
    """Do something to a case; where it cannot be done now, its page says why."""
    try:
        act()
    except ConflictError as error:
        form = Form()
        form.wrong("", sentence(error))
        return _shown(request, case_id, form, 409)
    return to(f"/cases/{case_id}", done)


@router.post("/cases/{case_id}/notes")
def add_note(request: Request, case_id: CaseNumber) -> Response:
    """Add a note to a case."""
    site, caller, form = site_of(request), caller_of(request), Form.of(form_of(request))
    text = form.text("text", "Enter the note")
    if form.is_right:
        try:
            store.add_note(site.url, caller.asker, case_id, text)
        except (MissingError, ForbiddenError):
            raise
        except CallError as error:
            form.wrong("text", sentence(error))
    if not form.is_right:
        return _shown(request, case_id, form, 422)
    return to(f"/cases/{case_id}", "noted")


@router.get("/cases/{case_id}/nights")
def case_night(request: Request, case_id: CaseNumber, on: str = "") -> Response:
    """Show how the record of a case stood on an earlier night, and what it was before and since."""
    site, caller = site_of(request), caller_of(request)
    file = case_file(site.url, caller.asker, case_id)
    form = Form({"on": on.strip()})
    asked = form.day("on")
    history = None
    if form.is_right:
        try:
            history = store.history_of(site.url, caller.asker, case_id, asked)
        except MissingError as error:
            form.wrong("on", sentence(error))
    return page(
        request, "case_night.html", 200 if form.is_right else 422,
        case=file.case, holder=file.case.holder(caller.asker.at), form=form, history=history,
        told=_night_told(history), nights=store.nights_of(site.url), asked=asked,
    )  # fmt: skip


def _night_told(history: History | None) -> list[dict[str, str]]:
    """Return each column of a record: what it was that night, since when, and what else it was."""
    if history is None:
        return []
    found = []
    for column, value in history.record.values.items():
        spells = [one for one in history.spells if one.column == column]
        held = next((one for one in spells if _holds(one, history.record.run)), None)
        found.append(
            {
                "column": column.replace("_", " "),
                "then": _cell(value),
                "runs": _runs(held) if held is not None else "",
                "others": "; ".join(
                    f"{_cell(one.value)} ({_runs(one)})" for one in spells if one is not held
                ),
            }
        )
    return found


def _holds(spell: Spell, run: int) -> bool:
    return spell.first_run <= run and (spell.last_run is None or run <= spell.last_run)


def _runs(spell: Spell) -> str:
    if spell.last_run == spell.first_run:
        return f"run {spell.first_run}"
    return f"runs {spell.first_run} to {spell.last_run or 'now'}"


def _cell(value: str | None) -> str:
    return "blank" if value is None else value_told(value)
