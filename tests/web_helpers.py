"""The pages and who comes to them: a store with people, a browser without a screen."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient
from stores import OwnStore
from work_helpers import asker

from triage import store as door
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.ruleset import Ruleset
from triage.settings import Settings
from triage.web.app import make_app
from triage.web.gate import CSRF
from triage.web.outside import Outside
from triage.web.passwords import hashed
from triage.web.site import Site

PASSWORD = "a quiet long afternoon"
ROLES = {
    "a.admin": ("administrator", []),
    "r.reviewer": ("reviewer", []),
    "s.second": ("reviewer", []),
    "m.manager": ("team manager", []),
    "a.auditor": ("auditor", []),
    "n.north": ("reviewer", ["North"]),
    "x.north": ("team manager", ["North"]),
}
"""Somebody's role and teams; without teams they are of all."""
READER = "m.reader"
"""A manager of all teams who reads restricted records."""
_FIELD = re.compile(rf'name="{CSRF}" value="([0-9a-f]+)"')


@lru_cache(maxsize=1)
def password_kept() -> str:
    """Return the hash of the password that everybody has; hashing takes its time."""
    return hashed(PASSWORD, "nobody")


@lru_cache(maxsize=1)
def shipped_rules() -> Ruleset:
    return load_rules(shipped("rules"))


def add_people(own: OwnStore) -> None:
    """Register one of each role, all with the same password of their own."""
    for name, (role, teams) in {**ROLES, READER: ("team manager", [])}.items():
        door.register(own.url, asker("a.admin"), name, role, teams)
        door.keep_password(own.url, asker(name), name, password_kept())


def site_of(own: OwnStore, **settings: Any) -> Site:
    """Return what is served of a store; the clock is the real one."""
    kept = Settings.model_validate({"db": own.url, "restricted": {"readers": [READER]}, **settings})
    return Site(own.url, kept, shipped_rules(), now=lambda: dt.datetime.now(dt.UTC))


class Browser:
    """Somebody at the pages, without a screen and without script."""

    def __init__(self, site: Site, name: str = "") -> None:
        self.app = make_app(site)
        self.client = TestClient(
            Outside(self.app), base_url="http://127.0.0.1", follow_redirects=False,
            raise_server_exceptions=False, client=("127.0.0.1", 50000),
        )  # fmt: skip
        if name:
            self.sign_in(name)

    def get(self, address: str, **more: Any) -> Response:
        return self.client.get(address, **more)

    def sign_in(self, name: str, password: str = PASSWORD) -> Response:
        """Fill in the form; return the answer, which is a redirect where it was right."""
        return self.post("/sign-in", {"name": name, "password": password}, shown_at="/sign-in")

    def post(
        self, address: str, fields: dict[str, Any] | None = None, *, shown_at: str = "/account"
    ) -> Response:
        """Send a form with its word, as it stands on the page at which it is shown."""
        page = self.client.get(shown_at)
        found = _FIELD.search(page.text)
        assert found is not None, f"{shown_at} ({page.status_code}) has no form"
        return self.client.post(address, data={CSRF: found[1], **(fields or {})})

    def follow(self, answer: Response) -> Response:
        """Return the page to which an answer leads."""
        assert answer.status_code == 303, (answer.status_code, told(answer)[:2000])
        return self.client.get(answer.headers["location"])


def told(answer: Response) -> str:
    """Return the words of a page, without its marks."""
    text = re.sub(r"<(script|style|svg).*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


@contextmanager
def peopled(own: OwnStore, folder: Path, **settings: Any) -> Iterator[Site]:
    """Give a store people who can sign in, and serve it."""
    add_people(own)
    yield site_of(own, **settings)
