"""The application: every route behind the gate, every error as a page that says what to do."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.staticfiles import StaticFiles
from starlette.types import Lifespan

from triage.errors import (
    CallError,
    ConflictError,
    ForbiddenError,
    MissingError,
    StoreError,
    TriageError,
)
from triage.web import (
    actions,
    case,
    deeds,
    exceptions,
    finding,
    health,
    home,
    metrics,
    oidc,
    people,
    queue,
    reports,
    reviews,
    rules,
    runs,
    samples,
    second,
    signing_in,
    tokens,
    trail,
)
from triage.web.api import door
from triage.web.api.problems import is_of_programs
from triage.web.gate import (
    API,
    ForgedError,
    PasswordError,
    SignInError,
    caller_of,
    gate,
    sentence,
)
from triage.web.limits import limiter
from triage.web.render import page, to
from triage.web.site import Site

ROUTERS: Final = (
    home.router,
    signing_in.router,
    oidc.router,
    health.router,
    metrics.router,
    queue.router,
    finding.router,
    deeds.router,
    case.router,
    reviews.router,
    second.router,
    actions.router,
    samples.router,
    rules.router,
    exceptions.router,
    runs.router,
    trail.router,
    reports.router,
    people.router,
    tokens.router,
    *door.ROUTERS,
)
_STATUS: Final[dict[type[TriageError], int]] = {
    MissingError: 404,
    ForbiddenError: 403,
    ConflictError: 409,
    StoreError: 503,
    CallError: 422,
}
_TITLES: Final = {
    400: "The request could not be read",
    403: "You may not do this",
    404: "Page not found",
    405: "The request could not be read",
    409: "This cannot be done now",
    413: "That is too much at once",
    422: "This cannot be done",
    429: "Too many requests",
    500: "Something went wrong",
    503: "The store cannot be used now",
}


def make_app(site: Site, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Return the application that serves a store; ``lifespan`` is what a server does around it."""
    app = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, dependencies=[Depends(gate)],
        redirect_slashes=False, lifespan=lifespan,
    )  # fmt: skip
    app.state.site = site
    app.state.limiter = limiter()
    app.state.metrics = metrics.Metrics()
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=str(files("triage.web") / "static")), name="static")
    for kind in (SignInError, PasswordError, ForgedError, TriageError, HTTPException,
                 RequestValidationError, ClientDisconnect, Exception):  # fmt: skip
        app.add_exception_handler(kind, answer)
    return app


def status_of(error: Exception) -> int:
    """Return the status by which an error is told."""
    if isinstance(error, HTTPException):
        return error.status_code
    if isinstance(error, TriageError):
        return next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    if isinstance(error, SignInError):
        return 401
    if isinstance(error, ForgedError):
        return 403
    if isinstance(error, ClientDisconnect):
        return 400
    return 422 if isinstance(error, RequestValidationError) else 500


def answer(request: Request, error: Exception) -> Response:
    """Return what is answered when something went wrong."""
    if is_of_programs(request.url.path):
        return door.told(request, error, status_of(error))
    if isinstance(error, SignInError):
        named, asked = caller_of(request).named, _came_from(request)
        return signing_in.named_in(request, named, asked) if named else _to_sign_in(asked)
    if isinstance(error, PasswordError):
        return to("/account/password")
    status = status_of(error)
    # A number or a word that is none in an address is an address that is not there.
    status = 404 if isinstance(error, RequestValidationError) else status
    told: dict[str, Any] = {
        "title": _TITLES.get(status, _TITLES[500]),
        "status": status,
        "request_id": request.scope.get("state", {}).get("request_id", ""),
    }
    if isinstance(error, ForgedError):
        told["said"] = (
            "This form was shown to somebody else, or before you signed in. "
            "Go back, load the page again and send it once more. Nothing was changed."
        )
    elif isinstance(error, TriageError) and status != 404:
        told["said"] = sentence(error)
    headers = {"Retry-After": "60"} if status in (429, 503) else {}
    if isinstance(error, HTTPException):
        headers |= error.headers or {}
    found = page(request, "error.html", status, **told)
    found.headers.update(headers)
    return found


def _to_sign_in(asked: str) -> Response:
    return to(f"/sign-in?next={quote(asked)}")


def _came_from(request: Request) -> str:
    """Return the page that was asked for, to come back to; what was sent is not sent again."""
    if request.url.path.startswith(API):
        return "/"
    if request.method not in ("GET", "HEAD"):
        return request.url.path if _is_page(request) else "/"
    asked = request.url.query
    return f"{request.url.path}?{asked}" if asked else request.url.path


def _is_page(request: Request) -> bool:
    """Return whether the form that was sent is shown at the address that it was sent to."""
    scope = {**request.scope, "method": "GET"}
    return any(route.matches(scope)[0] == Match.FULL for route in request.app.routes)
