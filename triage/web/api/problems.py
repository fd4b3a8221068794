"""Errors as programs read them: problem details (RFC 9457), whatever went wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from triage.errors import CallError, TriageError
from triage.review_form import QUESTIONS
from triage.web.gate import API, sentence

PROBLEM: Final = "application/problem+json"
_WAIT: Final = "60"
"""Seconds after which a program may ask again."""
_NOT_THERE: Final = "There is nothing here, or nothing for you."
_DETAILS: Final[dict[int, str]] = {
    400: "The request could not be read.",
    401: "Give the token of somebody who is registered: Authorization: Bearer TOKEN.",
    404: _NOT_THERE,
    405: "This address is not asked so; see Allow.",
    413: "A request may carry a megabyte at most.",
    415: "Send what is to be done as application/json.",
    429: "Too many requests came from this address; wait a minute.",
    500: "Something went wrong here; nothing is known of what was asked.",
}
_ANSWER: Final = re.compile(rf"((?:{'|'.join(QUESTIONS)})(?:\.[^:\s]+)*): (.+)")
"""What the form of a review says of one answer: where it stands, and what is wrong."""


class Wrong(BaseModel):
    """One thing that is wrong: in the body where ``pointer`` says, or in a named parameter."""

    model_config = ConfigDict(extra="forbid")

    detail: str
    pointer: str | None = Field(default=None, description="JSON pointer into the body.")
    parameter: str | None = Field(default=None, description="Name of a parameter or header.")


class Problem(BaseModel):
    """Problem details, as of RFC 9457."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    status: int
    detail: str
    instance: str = Field(description="The number of this request, as it stands in the log.")
    errors: list[Wrong] = Field(default=[], description="All that is wrong with what was sent.")


class WrongError(CallError):
    """What was sent is wrong in one place: a parameter, or a part of the body by its pointer."""

    def __init__(self, detail: str, **where: str) -> None:
        super().__init__(detail)
        self.errors = [{"detail": detail, **where}]


def is_of_programs(path: str) -> bool:
    """Return whether an address is one of the interface for programs."""
    return path == API or path.startswith(f"{API}/")


def problem(
    status: int,
    request_id: str,
    detail: str = "",
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return what is answered when something went wrong."""
    told: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail or _DETAILS.get(status, HTTPStatus(status).phrase),
        "instance": f"urn:uuid:{request_id}" if request_id else "urn:uuid:unknown",
    }
    if errors:
        told["errors"] = list(errors)
    wait = {"Retry-After": _WAIT} if status in (429, 503) else {}
    return JSONResponse(told, status, {**wait, **(headers or {})}, PROBLEM)


def problem_of(error: Exception, status: int, request_id: str) -> JSONResponse:
    """Return what is answered to an error; what is not there, and not for them, is told alike."""
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if status == 404 or not isinstance(error, (TriageError, RequestValidationError)):
        return problem(status, request_id, headers=headers)
    if isinstance(error, RequestValidationError):
        said = "What was sent is not as it is to be."
        return problem(status, request_id, said, [_wrong(one) for one in error.errors()])
    if isinstance(error, WrongError):
        return problem(status, request_id, error.sentence, error.errors)
    answers = [_ANSWER.fullmatch(line) for line in str(error).splitlines()]
    if status == 422 and answers and all(answers):
        wrong = [
            {"detail": found[2], "pointer": _pointer("answers", *found[1].split("."))}
            for found in answers
            if found is not None
        ]
        return problem(status, request_id, "An answer is missing or wrong.", wrong)
    return problem(status, request_id, sentence(error).removeprefix("--"))


def _wrong(told: Mapping[str, Any]) -> dict[str, str]:
    """Return where something is wrong, and what; never what was sent, which may be of a child."""
    place, *parts = told["loc"]
    if place == "body":
        return {"detail": told["msg"], "pointer": _pointer(*parts)}
    return {"detail": told["msg"], "parameter": ".".join(map(str, parts))}


def _pointer(*parts: Any) -> str:
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return "".join(f"/{part}" for part in escaped)


_SAID: Final = {
    401: "No token, or none that counts",
    403: "Not for this role",
    404: "Not there, or not for whoever asks",
    409: "It cannot be done as things stand now",
    413: "More than a request may carry",
    415: "A body that is no JSON",
    422: "A parameter or the body is wrong",
    429: "Too many requests",
    503: "The store cannot be used now",
}
_OF_ALL: Final = (401, 403, 404, 413, 422, 429, 503)
_OF_WRITES: Final = (409, 415)


def responses(*, writes: bool) -> dict[int | str, dict[str, Any]]:
    """Return the errors that a route may answer, for its description."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        code: {"description": _SAID[code], "content": {PROBLEM: {"schema": schema}}}
        for code in sorted({*_OF_ALL, *(_OF_WRITES if writes else ())})
    }
