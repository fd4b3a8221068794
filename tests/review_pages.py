"""Reviews on pages: what somebody types into the form, and cases to type of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from stores import OwnStore
from web_helpers import Browser, peopled
from work_helpers import night, rows
from work_helpers import row as of_work

from triage.web.site import Site

FILLED: dict[str, Any] = {
    "is_re_referral": "yes", "main_reason": "R02", "closure_right": "no",
    "threshold_right": "yes", "risk_identified": "partly", "oversight": "weak",
    "avoidable": "avoidable", "grade": "good", "flags_useful.DEC-01": "yes", "rules": "DEC-01",
}  # fmt: skip
"""A form that is filled in, and asks for nothing to be done."""
ROW = {"kind": "visit", "owner": "w.worker", "due_on": "4/1/2050"}


@pytest.fixture(name="site")
def seen_by_some(store: OwnStore, workplace: Path) -> Iterator[Site]:
    """Three cases that everybody sees, one of another team, and one that is restricted."""
    night(store, workplace, [
        *rows(3), of_work("S1", team="South"), of_work("X1", restricted="true"),
    ])  # fmt: skip
    with peopled(store, workplace) as served:
        yield served


def row(n: int = 0, **changes: str) -> dict[str, str]:
    """Return the fields of a row of remedial actions."""
    return {f"actions.{n}.{part}": value for part, value in {**ROW, **changes}.items()}


def start(browser: Browser, address: str) -> None:
    """Press the button that begins a review."""
    answer = browser.post(address, {"button": "start"})
    assert (answer.status_code, answer.headers["location"]) == (303, address)


def send(browser: Browser, address: str, button: str = "submit", **changes: Any) -> Response:
    """Fill in the form, changed here and there; what is None is left out. Press a button."""
    fields = {**FILLED, **changes, "button": button}
    return browser.post(address, {key: value for key, value in fields.items() if value is not None})


def mistakes(answer: Response) -> dict[str, str]:
    """Return what the summary of errors says, by the field that each leads to, which is there."""
    found = re.search(r'govuk-error-summary__list">(.*?)</ul>', answer.text, re.DOTALL)
    if found is None:
        return {}
    said = {}
    for item in re.findall(r"<li>(.*?)</li>", found[1], re.DOTALL):
        link = re.search(r'href="#([^"]+)"', item)
        field = link[1] if link else ""
        assert not field or f'id="{field}"' in answer.text
        said[field] = " ".join(unescape(re.sub(r"<[^>]+>", " ", item)).split())
    return said


def typed(answer: Response) -> dict[str, Any]:
    """Return what a browser would send of a form as it is shown, without its word and buttons."""
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", answer.text):
        at = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        name, value = at.get("name", ""), unescape(at.get("value", ""))
        if at.get("type") in ("radio", "checkbox") and not re.search(r"\schecked", tag):
            continue
        if at.get("type") == "checkbox":
            found.setdefault(name, []).append(value)
        elif name and name != "csrf":
            found[name] = value
    for name, inside in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', answer.text,
                                   re.DOTALL):  # fmt: skip
        chosen = re.search(r'<option value="([^"]*)" selected', inside)
        found[name] = chosen[1] if chosen else ""
    for name, inside in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>',
                                   answer.text, re.DOTALL):  # fmt: skip
        found[name] = unescape(inside)
    return found
