"""Pages as HTML: the templates, and what each of them is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, PrefixLoader

from triage import __version__
from triage.web.gate import Caller, caller_of, site_of
from triage.web.notices import NOTICES
from triage.wording import spoken

PRODUCT: Final = "Re-referral triage"
_NAVIGATION: Final = (
    ("home", "/", "Home"),
    ("queue", "/queue", "Queue"),
    ("second_list", "/second", "Second reviews"),
    ("actions", "/actions", "Actions"),
    ("samples", "/samples", "Samples"),
    ("rules", "/rules", "Rules"),
    ("runs", "/runs", "Runs"),
    ("reports", "/reports", "Reports"),
    ("trail", "/trail", "Trail"),
    ("people", "/people", "People"),
)
"""The sections in their order: the route, its address and its name."""


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates, made ready once."""
    made = Environment(
        loader=PrefixLoader(
            {
                "web": PackageLoader("triage.web"),
                "govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja"),
            }
        ),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"day": day, "moment": moment, "number": number, "query": query}
    made.globals["product"] = PRODUCT
    made.globals["version"] = __version__
    return made


def make_ready() -> None:
    """Read all templates, which else whoever comes first to each page waits for."""
    made = environment()
    for name in made.list_templates(["html"]):
        made.get_template(name)


def day(when: dt.date | str | None) -> str:
    """Return a day in words; nothing for none."""
    if not when:
        return ""
    return spoken(when if isinstance(when, dt.date) else dt.date.fromisoformat(when[:10]))


def moment(when: str | None) -> str:
    """Return a moment of the store in words, where this server is."""
    if not when:
        return ""
    here = dt.datetime.fromisoformat(when).astimezone()
    return f"{spoken(here.date())} at {here:%H:%M}"


def number(count: int) -> str:
    """Return a whole number with commas."""
    return f"{count:,}"


def query(asked: Mapping[str, Any] | Sequence[tuple[str, Any]], **more: Any) -> str:
    """Return what is asked for as the end of an address; what is empty is left out."""
    pairs = list(asked.items() if isinstance(asked, Mapping) else asked)
    pairs = [(key, value) for key, value in pairs if key not in more]
    found = [(key, value) for key, value in (*pairs, *more.items()) if value not in ("", None)]
    return f"?{urlencode(found)}" if found else ""


def page(request: Request, template: str, status: int = 200, /, **told: Any) -> HTMLResponse:
    """Return a page; every one knows who asks, where they can go, and what was just done."""
    site, caller = site_of(request), caller_of(request)
    path = request.url.path
    text = environment().get_template(f"web/{template}").render(
        told,
        me=caller,
        navigation=navigation(caller, path),
        notice=NOTICES.get(request.query_params.get("done", ""), ""),
        is_demo=site.is_demo,
        contact=site.settings.web.contact,
        path=path,
    )  # fmt: skip
    return HTMLResponse(text, status)


def navigation(caller: Caller, path: str) -> list[dict[str, Any]]:
    """Return the sections that somebody may come to; the one they are in is marked."""
    if caller.viewer is None:
        return []
    return [
        {
            "text": name,
            "href": address,
            "active": path == address or (address != "/" and path.startswith(f"{address}/")),
        }
        for route, address, name in _NAVIGATION
        if caller.may(route)
    ]


def to(address: str, done: str = "") -> RedirectResponse:
    """Return that a browser is to go to a page of ours, which says what was done."""
    if done:
        assert done in NOTICES, done
        address = f"{address}{'&' if '?' in address else '?'}done={done}"
    return RedirectResponse(address, 303)
