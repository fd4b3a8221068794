"""The webhook: a signed call to the address that the council configured, tried again if need be.

The signature is an HMAC-SHA256 over the moment, a dot and the body, made anew for each try. What is
called again bears the same key, so that a receiver takes it once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from triage import __version__
from triage.reaching import why_unreached
from triage.settings_telling import Webhook

SIGNATURE: Final = "X-Triage-Signature"
KEY: Final = "Idempotency-Key"
_TOO_MANY: Final = 429
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 60.0
"""Seconds before a call is tried again: each time twice as many, up to the longest."""


@dataclass(frozen=True)
class Called:
    """What became of a call; ``problem`` is empty where it was taken."""

    problem: str
    n_tries: int


def body_of(told: Mapping[str, Any]) -> bytes:
    """Return what is told as the body of a call: the same bytes for the same."""
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode("ascii")


def signature(secret: str, moment: int, body: bytes) -> str:
    """Return the head that proves who calls and when; ``moment`` is in seconds since 1970."""
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


def call(
    webhook: Webhook,
    secret: str,
    body: bytes,
    *,
    now: Callable[[], dt.datetime],
    wait: Callable[[float], None],
    chance: Callable[[], float],
) -> Called:
    """Call the address; try again where the server is busy, broken or out of reach for the moment.

    ``wait`` is given seconds; ``chance`` gives a number from 0 up to 1, by which waits differ, so
    that many callers do not come back at the same moment.
    """
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=ssl.create_default_context()), _NoOtherAddress()
    )
    key = hashlib.sha256(body).hexdigest()
    for n_tries in range(1, webhook.retries + 2):
        tried = _try(opener, webhook, secret, body, key, now())
        if not tried.problem:
            return Called("", n_tries)
        if not tried.may_pass or n_tries > webhook.retries:
            break
        grown = min(_FIRST_WAIT * 2 ** (n_tries - 1), _LONGEST_WAIT)
        wait(max(grown * (1 + chance()) / 2, min(tried.asked_to_wait, _LONGEST_WAIT)))
    return Called(tried.problem, n_tries)


@dataclass(frozen=True)
class _Tried:
    """What became of one try: what was wrong, and whether it may pass; nothing where it went."""

    problem: str = ""
    may_pass: bool = False
    asked_to_wait: float = 0.0


class _NoOtherAddress(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: only the address that is configured is ever called."""

    def redirect_request(self, *_: Any) -> None:
        """Return no further request."""


def _try(
    opener: urllib.request.OpenerDirector,
    webhook: Webhook,
    secret: str,
    body: bytes,
    key: str,
    moment: dt.datetime,
) -> _Tried:
    heads = {
        "Content-Type": "application/json",
        "User-Agent": f"rereferral-triage/{__version__}",
        SIGNATURE: signature(secret, int(moment.timestamp()), body),
        KEY: key,
    }
    request = urllib.request.Request(webhook.url or "", body, heads, method="POST")
    try:
        with opener.open(request, timeout=webhook.timeout):
            return _Tried()
    except urllib.error.HTTPError as answer:
        with answer:
            return _answered(answer)
    except urllib.error.URLError as error:
        reason = error.reason if isinstance(error.reason, OSError) else error
        return _unreached(reason, webhook)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _unreached(error, webhook)


def _answered(answer: urllib.error.HTTPError) -> _Tried:
    if 300 <= answer.code < 400:
        return _Tried(f"it answered {answer.code}, and no other address is called")
    asked = answer.headers.get("Retry-After") or ""
    may_pass = answer.code >= 500 or answer.code == _TOO_MANY
    seconds = float(asked[:6]) if asked.isascii() and asked.isdigit() else 0.0
    return _Tried(f"it answered {answer.code}", may_pass, seconds)


def _unreached(error: BaseException, webhook: Webhook) -> _Tried:
    may_pass = not isinstance(error, ssl.SSLCertVerificationError)
    return _Tried(why_unreached(error, webhook.timeout), may_pass)
