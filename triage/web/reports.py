"""The pages of reports: those that were made, a form to make one, and their files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage import store
from triage.errors import CallError, ConflictError, ForbiddenError
from triage.reporting import NAMES, Asked
from triage.reports_kept import file_of, make_kept, opened_json, reports_for
from triage.web.forms import Form, number_typed
from triage.web.gate import caller_of, form_of, sentence, site_of
from triage.web.render import page, to

router = APIRouter()
KINDS: Final = {
    "review": "Review of the re-referrals of some months",
    "weekly": "Weekly pack, by team",
    "causes": "Why children come back",
    "rules": "Checking the checker: the rules and their use",
}
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".md": "text/markdown; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".zip": "application/zip",
}
_CSP: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""What a report may do in a browser: be looked at."""
_MOST_MONTHS: Final = 120


@router.get("/reports")
def reports(request: Request) -> Response:
    """List the reports that somebody may open, with a form to make one."""
    return _shown(request, Form({"months": "3", "publish": "no"}), 200)


def _place(request: Request) -> Path:
    return Path(site_of(request).settings.web.reports)


def _shown(request: Request, form: Form, status: int) -> Response:
    caller = caller_of(request)
    assert caller.viewer is not None
    return page(
        request, "reports.html", status, form=form, kinds=KINDS,
        reports=reports_for(_place(request), caller.viewer),
        as_of=store.last_as_of(site_of(request).url),
    )  # fmt: skip


@router.post("/reports")
def make_report(request: Request) -> Response:
    """Make a report, which takes some seconds; one is made at a time."""
    site, caller, form = site_of(request), caller_of(request), Form.of(form_of(request))
    assert caller.viewer is not None
    name = next((one for one in NAMES if one == form.text("kind")), None)
    if name is None:
        form.wrong("kind", "Choose the report")
    as_of, day = store.latest_as_of(site.url), form.day("to")
    if day is not None and day > as_of:
        form.wrong("to", "Enter a day that is not after the last run")
    months = _months(form) if name == "review" else 3
    if not form.is_right or name is None:
        return _shown(request, form, 422)
    is_of_a_day = name != "rules"
    asked = Asked(day if is_of_a_day else None, months, publish=form.text("publish") == "yes")
    until = (day or as_of) if is_of_a_day else as_of
    try:
        make_kept(site.url, caller.asker, caller.viewer, name, asked, until, _place(request))
    except ForbiddenError:
        raise
    except CallError as error:
        form.wrong("", sentence(error))
        return _shown(request, form, 409 if isinstance(error, ConflictError) else 422)
    return to("/reports", "report")


def _months(form: Form) -> int:
    typed = form.text("months", "Enter how many months the review is of")
    if not typed:
        return 0
    months = number_typed(typed)
    if months is None or months > _MOST_MONTHS:
        form.wrong("months", f"Enter a number of months from 1 to {_MOST_MONTHS}")
        return 0
    return months


@router.get("/reports/{folder}/{file}")
def report_file(request: Request, folder: str, file: str) -> Response:
    """Open a report's page in the browser, or give another of its files; the trail keeps it."""
    site, caller = site_of(request), caller_of(request)
    assert caller.viewer is not None
    kept, data = file_of(_place(request), caller.viewer, folder, file)
    store.keep_opened(site.url, caller.asker, opened_json(kept, file, data))
    kind = _TYPES.get(Path(file).suffix, "application/octet-stream")
    headers = {"content-security-policy": _CSP}
    if not file.endswith(".html"):
        headers["content-disposition"] = f'attachment; filename="{folder}-{Path(file).name}"'
    return Response(data, media_type=kind, headers=headers)
