"""Whether the server lives, and whether its store can be used: for whatever watches over it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from triage import store
from triage.errors import StoreError
from triage.web.gate import site_of

router = APIRouter()


@router.get("/health")
def health() -> JSONResponse:
    """Say that the server lives."""
    return JSONResponse({"status": "ok"})


@router.get("/ready")
def ready(request: Request) -> JSONResponse:
    """Say whether the store can be read, and holds a run."""
    try:
        as_of = store.latest_as_of(site_of(request).url)
    except StoreError:
        return JSONResponse({"status": "the store cannot be read"}, 503)
    return JSONResponse({"status": "ok", "as_of": as_of.isoformat()})
