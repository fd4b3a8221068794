"""Programs at the interface: a token for everybody, and a program that asks with one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient
from stores import OwnStore
from web_helpers import READER, ROLES, add_people, site_of
from work_helpers import night, row, rows

from triage import store as door
from triage.store import Asker
from triage.web.app import make_app
from triage.web.outside import Outside
from triage.web.site import Site

V1 = "/api/v1"
PROBLEM = "application/problem+json"


def token_of(name: str) -> str:
    return f"token of {name}".replace(" ", "-")


def add_tokens(own: OwnStore) -> None:
    """Give everybody a token, whose words follow from their name."""
    now = dt.datetime.now(dt.UTC)
    admin = Asker("a.admin", (), now)
    for name in (*ROLES, READER):
        until = admin.today + dt.timedelta(days=30)
        door.make_token(own.url, admin, name, "tests", until, token_of(name))


class Program:
    """A program that acts as somebody; without a name, one that has no token.

    ``beside`` is another one, at whose server it asks.
    """

    def __init__(self, site: Site, name: str = "", beside: Program | None = None) -> None:
        self.app = make_app(site) if beside is None else beside.app
        self.client = TestClient(
            Outside(self.app), base_url="http://127.0.0.1", follow_redirects=False,
            raise_server_exceptions=False, client=("127.0.0.1", 50000),
        )  # fmt: skip
        if name:
            self.client.headers["authorization"] = f"Bearer {token_of(name)}"

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Response:
        """Ask something under the interface's address."""
        sent = {} if body is None else {"json": body}
        return self.client.request(method, f"{V1}{path}", **sent, **more)

    def get(self, path: str, **asked: Any) -> Response:
        return self.ask("GET", path, params=asked)

    def post(self, path: str, body: Any = None, *, key: str = "") -> Response:
        return self.ask("POST", path, body, headers={"Idempotency-Key": key} if key else {})

    def told(self, path: str, **asked: Any) -> Any:
        """Return what is told, which has to be told."""
        answer = self.get(path, **asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def done(self, path: str, body: Any = None, *, key: str = "") -> Any:
        """Do something, which has to be done; return what is told of it."""
        answer = self.post(path, body, key=key)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()


def problem(answer: Response, status: int) -> dict[str, Any]:
    """Return what a program is told went wrong, which is whole and of this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    told: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= set(told)
    assert told["status"] == status
    assert told["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    return told


def fill(own: OwnStore, folder: Path) -> Site:
    """Bring in cases of two teams, one of them restricted; register people, with a token each."""
    night(own, folder, [
        *rows(3), row("S1", team="South"), row("S2", team="South", restricted="true"),
    ])  # fmt: skip
    add_people(own)
    add_tokens(own)
    return site_of(own)


def all_of(program: Program, path: str, **asked: Any) -> list[dict[str, Any]]:
    """Return a list whole, page after page."""
    found, after = [], None
    while True:
        page = program.told(path, **asked, **({} if after is None else {"after": after}))
        found += page["items"]
        after = page["next"]
        if after is None:
            return found
