"""The pages of runs: what came in, what each run said of it, and one run beside another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from triage import store
from triage.outputs import rejections_csv
from triage.web.forms import MOST_NUMBER, Form, Number, number_typed
from triage.web.gate import caller_of, site_of
from triage.web.render import page, to

router = APIRouter()
_ON_A_PAGE: Final = 30
_TO_CHOOSE: Final = 400
_MOST_MOVES: Final = 200
_FATES: Final = (
    ("judged", "judged"),
    ("history_only", "outside the window: read as history"),
    ("after_as_of", "dated after the day of the run"),
    ("collapsed", "the same as another row"),
    ("rejected", "rejected: could not be read"),
)
_CHANGES: Final = ("new", "still_flagged", "changed", "cleared", "reopened")
_KINDS: Final = {
    "rejected": "rejected: the row could not be read",
    "problem": "unreadable: the cell could not be read",
    "query": "query: the row was judged as typed",
}


@router.get("/runs")
def runs(request: Request, number: Annotated[int, Query(alias="page")] = 1) -> Response:
    """List the runs, the latest first, with a form that puts one beside another."""
    return _listed(request, Form(), 200, number)


def _listed(request: Request, form: Form, status: int, number: int = 1) -> Response:
    site, caller = site_of(request), caller_of(request)
    number = min(max(number, 1), MOST_NUMBER // _ON_A_PAGE)
    found = store.listed_runs(site.url, caller.asker, _ON_A_PAGE, (number - 1) * _ON_A_PAGE)
    choices = found.runs
    if found.n > _ON_A_PAGE:
        choices = store.listed_runs(site.url, caller.asker, _TO_CHOOSE).runs
    return page(
        request, "runs.html", status, form=form, runs=[_row(one) for one in found.runs],
        n=found.n, number=number, n_pages=-(-found.n // _ON_A_PAGE), choices=choices,
    )  # fmt: skip


def _row(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run as its row of the list; flags are those on referrals, contacts and cases."""
    changes = {name: sum(part.get(name, 0) for _, part in _changes(run)) for name in _CHANGES}
    inputs = [
        {"name": PurePath(str(one["path"])).name, "sha256": one["sha256"]} for one in run["inputs"]
    ]
    return {**run, "changes": changes, "named": inputs}


def _changes(run: Mapping[str, Any]) -> list[tuple[str, Mapping[str, int]]]:
    """Return what a run changed in the queue, by what the flags are on."""
    found = [("referrals", run["queue"] or {})]
    for name, key in (("contacts", "contacts"), ("cases", "oversight")):
        if run[key]:
            found.append((name, run[key].get("queue", {})))
    return found


@router.get("/runs/beside")
def runs_beside(request: Request, first: str = "", second: str = "") -> Response:
    """Go to two runs beside each other, which a form names in either order."""
    form = Form({"first": first, "second": second})
    numbers = []
    for name in ("first", "second"):
        chosen = number_typed(form.text(name))
        if chosen is None:
            form.wrong(name, "Choose a run")
        else:
            numbers.append(chosen)
    if form.is_right and numbers[0] == numbers[1]:
        form.wrong("second", "Choose two different runs")
    if not form.is_right:
        return _listed(request, form, 422)
    return to(f"/runs/{min(numbers)}/beside/{max(numbers)}")


@router.get("/runs/{number}")
def run(request: Request, number: Number) -> Response:
    """Show one run whole."""
    site, caller = site_of(request), caller_of(request)
    whole = store.one_run(site.url, caller.asker, number)
    told = whole.run
    contacts = told["contacts"] or {}
    fates = [
        (words, told["rows"].get(name, 0), (contacts.get("rows") or {}).get(name, 0))
        for name, words in _FATES
    ]
    by_rule = store.counts_of(told)
    trial = {one["id"] for one in told["trial"] or ()}
    return page(
        request, "run.html", whole=whole, run=told, fates=fates,
        has_contacts=bool(contacts.get("rows")), read=told["rows"].get("read", 0),
        read_contacts=(contacts.get("rows") or {}).get("read", 0), changes=_changes(told),
        change_names=_CHANGES, rules=[by_rule[name] for name in sorted(by_rule)], trial=trial,
        titles={one.id: one.about.title for one in site.rules.rules}, kinds=_KINDS,
        settings=_settings(told["settings"]),
        may_read_rows=caller.may("run_rejects") and caller.viewer is not None
        and caller.viewer.teams is None,
    )  # fmt: skip


def _settings(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the settings of a run in their order; where the store is may hold a password."""
    return [
        (name.replace("_", " "), value if isinstance(value, str) else json.dumps(value))
        for name, value in sorted(settings.items())
        if name != "db" and value not in (None, [], {})
    ]


@router.get("/runs/{number}/rejects")
def run_rejects(request: Request, number: Number) -> Response:
    """Give what was wrong with the rows of a run as CSV; that it was taken is kept."""
    site, caller = site_of(request), caller_of(request)
    found = store.read_rejections(site.url, caller.asker, number)
    name = f"run-{number}-rows.csv"
    return Response(
        rejections_csv(found).encode("utf-8", "backslashreplace"), media_type="text/csv",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


@router.get("/runs/{first}/beside/{second}")
def run_beside(request: Request, first: Number, second: Number) -> Response:
    """Show what is otherwise at one run than at an earlier one, of what somebody sees."""
    site, caller = site_of(request), caller_of(request)
    found = store.runs_beside(site.url, caller.asker, first, second)
    moves = [
        (what, len(some), some[:_MOST_MOVES])
        for what, some in (
            ("appeared", found.appeared), ("cleared", found.cleared), ("changed", found.changed),
        )
    ]  # fmt: skip
    records = [(one, _moved(one)) for one in found.records[:_MOST_MOVES]]
    return page(
        request, "run_beside.html", beside=found, moves=moves, records=records,
        n_records=len(found.records),
        titles={one.id: one.about.title for one in site.rules.rules},
    )  # fmt: skip


def _moved(record: store.RecordMove) -> list[tuple[str, str, str]]:
    """Return each column that changed, with what it was and is."""
    return [
        (name, _value(record.was.get(name)), _value(value))
        for name, value in record.now.items()
        if name != "judged"
    ]


def _value(value: Any) -> str:
    return "blank" if value is None else str(value)
