"""Every route by every role and by nobody: who comes in, and what a form without its word does.

The routes are those of the application itself, so that one which is added is walked too.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount
from stores import OwnStore, in_a_file
from test_rights import RIGHTS
from web_helpers import Browser, peopled, shipped_rules, told
from work_helpers import asker, night, rows

from triage import store as door
from triage.rights import ROLES
from triage.settings import Settings
from triage.web.access import NEEDS, may_come
from triage.web.app import make_app
from triage.web.deeds import TOLD
from triage.web.gate import API
from triage.web.site import Site

NAMES = {"reviewer": "r.reviewer", "team manager": "m.manager", "auditor": "a.auditor",
         "administrator": "a.admin"}  # fmt: skip
PLAUSIBLE = {
    "rule": "DEC-01", "rule_id": "DEC-01", "name": "s.second", "person": "s.second",
    "as_of": "2023-07-03", "day": "2023-07-03", "date": "2023-07-03", "night": "2023-07-03",
    "what": "assign", "deed": "assign", "kind": "rules", "file": "rules.html", "format": "csv",
    "form": "csv",
}  # fmt: skip
"""What stands in an address for a part of it; numbers are 1. Nobody walks as who is named here."""
_PART = re.compile(r"{(\w+)(?::\w+)?}")


@lru_cache(maxsize=1)
def every_route() -> list[tuple[str, str, str]]:
    """Return the name, method and address of each route of the application."""
    site = Site("sqlite:///none.db", Settings(), shipped_rules())
    found = []
    for route in iter_route_contexts(make_app(site).routes):
        if isinstance(route.original_route, Mount):
            assert route.path == "/static", "what is mounted passes no gate"
            continue
        assert isinstance(route.original_route, APIRoute), f"{route} passes no gate"
        methods = sorted(route.methods or ())
        found += [(str(route.name), method, str(route.path)) for method in methods]
    return found


def filled(path: str) -> str:
    return _PART.sub(lambda part: PLAUSIBLE.get(part[1], "1"), path)


ROUTES = every_route()
IDS = [f"{method} {path}" for _, method, path in ROUTES]
CHANGING = [one for one in ROUTES if one[1] not in ("GET", "HEAD")]
PROGRAMS = [one for one in ROUTES if one[2].startswith(f"{API}/")]


def is_for(need: str, role: str) -> bool:
    """Return whether a role has what is needed, by the table of the tests of rights."""
    return need in ("nothing", "to be signed in") or role in RIGHTS[need]


@dataclass
class Staff:
    """A store of some cases, with a browser and a token of each role."""

    own: OwnStore
    site: Site
    browsers: dict[str, Browser]
    tokens: dict[str, str]

    def n_events(self) -> int:
        return int(self.own.value("SELECT count(*) FROM event"))

    def ask(self, role: str | None, method: str, path: str, **more: Any) -> Any:
        """Ask for a route as somebody of a role does, with the word of their forms."""
        browser = self.browsers[role or ""]
        if path.startswith(f"{API}/"):
            headers = {"authorization": f"Bearer {self.tokens[role]}"} if role else {}
            given = {} if method == "GET" else {"json": {}}
            return browser.client.request(method, filled(path), headers=headers, **given, **more)
        if method != "GET" and "data" not in more:
            found = re.search(r'name="csrf" value="(\w+)"', browser.get(_with_a_form(role)).text)
            assert found is not None
            more["data"] = {"csrf": found[1]}
        return browser.client.request(method, filled(path), **more)


def _with_a_form(role: str | None) -> str:
    return "/account" if role else "/sign-in"


@pytest.fixture(scope="module")
def staff(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    folder = tmp_path_factory.mktemp("staffed")
    with in_a_file(folder) as own:
        night(own, folder, rows(3))
        with peopled(own, folder) as site:
            by = replace(asker("a.admin"), now=dt.datetime.now(dt.UTC))
            until = by.today + dt.timedelta(days=30)
            door.make_token(own.url, by, "s.second", "to be ended", until, "token number 1")
            tokens = {role: f"a token of the role {role}" for role in ROLES}
            for role, token in tokens.items():
                door.make_token(own.url, by, NAMES[role], "the walk", until, token)
            browsers = {role: Browser(site, NAMES[role]) for role in ROLES}
            yield Staff(own, site, {**browsers, "": Browser(site)}, tokens)


@pytest.fixture
def here(staff: Staff) -> Staff:
    """The staff, each of them signed in, whatever was asked before."""
    for role in ROLES:
        if staff.browsers[role].get("/account").status_code != 200:
            staff.browsers[role] = Browser(staff.site, NAMES[role])
    return staff


def test_every_route_has_a_row() -> None:
    assert sorted({name for name, _, _ in ROUTES} - set(NEEDS)) == []


def test_every_row_has_a_route() -> None:
    assert sorted(set(NEEDS) - {name for name, _, _ in ROUTES}) == []


def test_no_two_routes_share_a_row_but_what_managers_do_with_a_case() -> None:
    names = [name for name, method, _ in ROUTES if method != "HEAD"]
    shared = {name for name in set(names) if names.count(name) > 1}
    assert shared == {"deed", "deed_now"}
    paths = {path for name, _, path in ROUTES if name in shared}
    assert paths == {f"/cases/{{case_id}}/{word}" for word in TOLD}


def test_every_need_is_a_right_that_there_is() -> None:
    assert set(NEEDS.values()) <= {*RIGHTS, "nothing", "to be signed in"}


def test_what_is_changed_by_asking_for_a_page_is_nothing() -> None:
    assert {method for _, method, _ in ROUTES} <= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}


@pytest.mark.parametrize(("name", "method", "path"), ROUTES, ids=IDS)
def test_nobody_comes_in_who_is_not_signed_in(
    here: Staff, name: str, method: str, path: str
) -> None:
    before = here.n_events()
    answer = here.ask(None, method, path)
    assert answer.status_code < 500
    if may_come(NEEDS[name], None):
        return
    if path.startswith(f"{API}/"):
        assert answer.status_code == 401
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?next=")
    assert here.n_events() == before


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("name", "method", "path"), ROUTES, ids=IDS)
def test_each_role_comes_to_what_is_for_it_and_to_nothing_else(
    here: Staff, name: str, method: str, path: str, role: str
) -> None:
    need = NEEDS[name]
    is_for_them = is_for(need, role)
    before = here.n_events()
    answer = here.ask(role, method, path)
    assert answer.status_code not in (401, 500, 502)
    if not is_for_them:
        assert answer.status_code == 403
        assert here.n_events() == before
        if not path.startswith(f"{API}/"):
            assert "You may not do this" in told(answer)
    elif method == "GET" and need not in ("nothing", "to be signed in"):
        assert answer.status_code != 403 or "may not" not in told(answer)


@pytest.mark.parametrize(
    ("name", "method", "path"),
    [one for one in CHANGING if one not in PROGRAMS],
    ids=[f"{method} {path}" for _, method, path in CHANGING if not path.startswith(f"{API}/")],
)
def test_a_form_without_its_word_or_of_somebody_else_changes_nothing(
    here: Staff, name: str, method: str, path: str
) -> None:
    roles: list[str | None] = [role for role in ROLES if is_for(NEEDS[name], role)]
    roles += [None] if NEEDS[name] == "nothing" else []
    assert roles
    other = here.browsers["auditor" if roles[0] != "auditor" else "reviewer"].get("/account").text
    theirs = re.search(r'name="csrf" value="(\w+)"', other)
    assert theirs is not None
    before = here.n_events()
    for role in roles:
        words: list[dict[str, Any]] = [{}, {"csrf": ""}, {"csrf": "0" * 64}]
        words += [{"csrf": theirs[1]}] if role == roles[0] else []
        for fields in words:
            answer = here.ask(role, method, path, data=fields)
            assert answer.status_code == 403, (role, fields)
    assert here.n_events() == before


def test_the_walk_would_find_a_route_that_lets_everybody_in(
    here: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert here.ask(None, "GET", "/account").status_code == 303
    monkeypatch.setitem(NEEDS, "account", "manage people")
    assert here.ask("reviewer", "GET", "/account").status_code == 403
    assert here.ask("administrator", "GET", "/account").status_code == 200
    monkeypatch.delitem(NEEDS, "account")
    assert here.ask("administrator", "GET", "/account").status_code in (403, 500)
