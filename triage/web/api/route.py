"""What every request of a program passes, in one place: its limits, its body, and its key.

A request that changes something may bear a key. The same request with the same key does nothing
twice: it is answered as it was before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any, Final

from fastapi import Depends, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from triage import store
from triage.errors import ConflictError, StoreError
from triage.web.api.problems import PROBLEM, WrongError, responses
from triage.web.gate import SAFE, caller_of, gate, site_of
from triage.web.limits import is_too_often

KEY: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
_MOST_LETTERS: Final = 200
_Handler = Callable[[Request], Awaitable[Response]]
_FAILED: Final = 500


def _key_told(
    idempotency_key: Annotated[
        str | None,
        Header(
            alias=KEY, min_length=1, max_length=_MOST_LETTERS,
            pattern="^[!-~]([ -~]*[!-~])?$",
            description="Asked again with the same key, the request does nothing twice.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Describe the key that a request may bear; ``ApiRoute`` reads it before anything is done."""


class ApiRoute(APIRoute):
    """A route for programs: who asks is known before what they send is read."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **told: Any) -> None:
        writes = not set(told.get("methods") or ["GET"]) <= set(SAFE)
        if writes:
            told["dependencies"] = [*(told.get("dependencies") or ()), Depends(_key_told)]
        told["responses"] = {**responses(writes=writes), **(told.get("responses") or {})}
        told["operation_id"] = endpoint.__name__
        told["summary"] = (endpoint.__doc__ or "").partition("\n")[0].partition(";")[0].rstrip(".")
        super().__init__(path, endpoint, **told)

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Return what answers a request of this route."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            if is_too_often(request, "program"):
                raise HTTPException(429)
            await gate(request)
            body = await _body(request)
            if request.method in SAFE:
                return await handle(request)
            if body:
                _check_json(request, body)
            key = request.headers.get(KEY)
            if key is None:
                return await handle(request)
            return await _once(request, _checked(key), body, handle)

        return handled


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect:
        # What is more than a request may carry is not taken in to its end.
        raise HTTPException(413) from None


def _check_json(request: Request, body: bytes) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415)
    try:
        json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise WrongError("The body is no JSON.", pointer="") from None


def _refuse(word: str) -> None:
    raise ValueError(word)


def _checked(key: str) -> str:
    if not (0 < len(key) <= _MOST_LETTERS and key.isascii() and key.isprintable()):
        said = f"A key is of 1 to {_MOST_LETTERS} letters, digits and signs that can be printed."
        raise WrongError(said, parameter=KEY)
    return key


async def _once(request: Request, key: str, body: bytes, handle: _Handler) -> Response:
    """Answer a request with a key: as it was before, or by doing what it asks.

    Raises:
        ConflictError: while the first request with the key is being answered.
        WrongError: when the key came with another request.
    """
    url, name = site_of(request).url, caller_of(request).name
    whose = hashlib.sha256(f"{name}\0{key}".encode()).hexdigest()
    address = f"{request.method} {request.url.path}?{request.url.query}\0"
    asked = hashlib.sha256(address.encode() + body).hexdigest()
    now = site_of(request).now()
    known = await run_in_threadpool(store.claim_key, url, whose, asked, now)
    if known is not None:
        return _as_before(known, asked)
    try:
        answer = await _answered(request, handle)
    except BaseException:
        await _keep(url, whose, None, b"")
        raise
    is_done = answer.status_code < _FAILED
    await _keep(url, whose, answer.status_code if is_done else None, bytes(answer.body))
    return answer


def _as_before(known: store.Answered, asked: str) -> Response:
    if known.asked != asked:
        raise WrongError("This key came with another request; choose another.", parameter=KEY)
    if known.status is None:
        raise ConflictError("The first request with this key is still being answered.")
    kind = JSONResponse.media_type if known.status < 400 else PROBLEM
    return Response(known.body, known.status, {REPLAYED: "true"}, kind)


async def _answered(request: Request, handle: _Handler) -> Response:
    """Return what is answered, also where something is wrong; what fails here goes on failing."""
    try:
        return await handle(request)
    except Exception as error:
        told = request.app.exception_handlers[Exception](request, error)
        assert isinstance(told, Response)
        if told.status_code == _FAILED:
            raise
        return told


async def _keep(url: str, key: str, status: int | None, body: bytes) -> None:
    # Where the answer cannot be kept, the same key is refused later: nothing is done twice.
    with suppress(StoreError):
        await run_in_threadpool(store.keep_answer, url, key, status, body.decode())
