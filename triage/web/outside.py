"""What is so of every answer, whatever page it is: headers, limits, an identifier, a line of log.

The log says which route was asked for and how long it took. It names no person, no child and no
address that was typed.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from typing import Any, Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from triage.web.api.problems import is_of_programs, problem
from triage.web.logs import LOG, failure

MOST_BYTES: Final = 1 << 20
"""What a request may carry: a review with all its words is some tens of kilobytes."""
MOST_ADDRESS: Final = 8_000
"""Characters of an address: a filter with everything in it has some hundreds."""
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'none'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_STATIC: Final = "/static/"


class Outside:
    """The outermost layer of the application."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number, began, status = uuid.uuid4().hex, time.perf_counter(), 0
        is_static, is_head = scope["path"].startswith(_STATIC), scope["method"] == "HEAD"
        state = scope.setdefault("state", {})
        state["request_id"] = number
        state.setdefault("peer", scope["client"][0] if scope.get("client") else "")

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, number, is_static=is_static)
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        # Whatever can be read can be asked about: what comes back is then left out.
        inner = {**scope, "method": "GET"} if is_head else scope
        failed: dict[str, Any] = {}
        try:
            refused = _refused(scope, number)
            if refused is not None:
                await refused(scope, receive, told)
            else:
                await self.app(inner, _counted(receive), told)
        except Exception as error:  # noqa: BLE001
            # The page that says so is sent by now, unless the answer had begun.
            failed = failure(error)
            if not status:
                await PlainTextResponse("Something went wrong.", 500)(scope, receive, told)
        finally:
            if not is_static or failed:
                seconds = time.perf_counter() - began
                _log(inner, scope["method"], number, status, seconds, failed)
                route, method = _route(inner), _method(scope["method"])
                self.app.state.metrics.keep(route, method, status, seconds)


def _refused(scope: Scope, number: str) -> Response | None:
    """Return the answer to what is too much before any of it is taken in."""
    if _length(scope) > MOST_BYTES:
        return _too_much(scope["path"], number, 413, "That is too much at once.")
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MOST_ADDRESS:
        return _too_much(scope["path"], number, 414, "That address is too long.")
    return None


def _too_much(path: str, number: str, status: int, said: str) -> Response:
    if is_of_programs(path):
        return problem(status, number, said)
    return PlainTextResponse(said, status)


def _length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _counted(receive: Receive) -> Receive:
    """Return what takes in a request as long as it says no more than it may."""
    taken = 0

    async def some() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BYTES:
            raise HTTPException(413)
        return message

    return some


def _add_headers(message: Message, number: str, *, is_static: bool) -> None:
    known = {name.lower() for name, _ in message["headers"]}
    kept = "public, max-age=3600" if is_static else "no-store"
    wanted = {**_HEADERS, "cache-control": kept, "x-request-id": number}
    message["headers"] = [
        *message["headers"],
        *(
            (name.encode(), value.encode())
            for name, value in wanted.items()
            if name.encode() not in known
        ),
    ]


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "none"))


def _method(said: str) -> str:
    """Return a method; one that there is not may be any word."""
    return said if said in _METHODS else "other"


def _log(
    scope: Scope, method: str, number: str, status: int, seconds: float, failed: dict[str, Any]
) -> None:  # fmt: skip
    told = {
        "request": number,
        "method": _method(method),
        "route": _route(scope),
        "status": status,
        "ms": round(seconds * 1000, 1),
    }
    LOG.log(logging.ERROR if failed else logging.INFO, json.dumps(told | failed))
