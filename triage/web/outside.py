"""What is so of every answer, whatever page it is: headers, limits, an identifier, a line of log.

The log says which route was asked for and how long it took. It names no person, no child and no
address that was typed.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from typing import Final

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triage.web.api.problems import is_of_programs, problem

LOG: Final = logging.getLogger("triage.web")
MOST_BYTES: Final = 1 << 20
"""What a request may carry: a review with all its words is some tens of kilobytes."""
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

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number, began, status = uuid.uuid4().hex, time.perf_counter(), 500
        is_static = scope["path"].startswith(_STATIC)
        scope.setdefault("state", {})["request_id"] = number

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, number, is_static=is_static)
            await send(message)

        try:
            if _length(scope) > MOST_BYTES:
                await _too_much(scope["path"], number)(scope, receive, told)
            else:
                await self.app(scope, _counted(receive), told)
        finally:
            if not is_static:
                _log(scope, number, status, time.perf_counter() - began)


def _too_much(path: str, number: str) -> Response:
    if is_of_programs(path):
        return problem(413, number)
    return PlainTextResponse("That is too much at once.", 413)


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
            return {"type": "http.disconnect"}
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


def _log(scope: Scope, number: str, status: int, seconds: float) -> None:
    route = scope.get("route")
    told = {
        "request": number,
        "method": scope["method"],
        "route": getattr(route, "path", "none"),
        "status": status,
        "ms": round(seconds * 1000, 1),
    }
    LOG.info(json.dumps(told))
