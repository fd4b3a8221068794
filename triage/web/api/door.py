"""The interface for programs as one: its routes, its description, and how it tells of errors."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.routing import Match

from triage import __version__
from triage.web.api import acts, cases, following, nights, people, reviews
from triage.web.api.problems import Problem, Wrong, problem_of
from triage.web.api.route import ApiRoute
from triage.web.gate import API

router = APIRouter(prefix=API, route_class=ApiRoute, tags=["this description"])
ROUTERS: Final = (
    people.router, cases.router, acts.router, reviews.router, following.router, nights.router,
    router,
)  # fmt: skip
_ABOUT: Final = (
    "What the pages do, for programs. A token acts as somebody registered, with the rights of "
    "their role and teams; what is of another team, or restricted, is not there for it. Errors are "
    "problem details (RFC 9457). A request that changes something may bear an Idempotency-Key: "
    "asked again with it, it does nothing twice and is answered as before, for a day."
)


@router.get("/openapi.json")
def api_openapi() -> dict[str, Any]:
    """Give this description."""
    return description()


def routes() -> list[APIRoute]:
    """Return every route for programs."""
    return [one for some in ROUTERS for one in some.routes if isinstance(one, APIRoute)]


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """Return the interface described, as OpenAPI 3.1."""
    found = get_openapi(
        title="Re-referral triage", version=__version__, openapi_version="3.1.0",
        description=_ABOUT, routes=routes(),
    )  # fmt: skip
    parts = found.setdefault("components", {})
    for kind in (Problem, Wrong):
        told = kind.model_json_schema(ref_template="#/components/schemas/{model}")
        told.pop("$defs", None)
        parts["schemas"][kind.__name__] = told
    parts["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"bearer": []}]
    return found


def told(request: Request, error: Exception, status: int) -> JSONResponse:
    """Return what a program is told when something went wrong."""
    number = request.scope.get("state", {}).get("request_id", "")
    answer = problem_of(error, status, number)
    if status == 401:
        sent = request.headers.get("authorization")
        answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if sent else "Bearer"
    elif status == 405:
        answer.headers["Allow"] = ", ".join(sorted(_methods(request)))
    return answer


def _methods(request: Request) -> set[str]:
    return {
        method
        for one in routes()
        if one.matches(request.scope)[0] != Match.NONE
        for method in one.methods or ()
    }
