"""The webhook against a real server: signed, tried again where that may help, never elsewhere."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st
from telling_servers import HERE, Hook, authority, free_port, silent_server, web_server

from triage.settings_telling import Webhook
from triage.webhook import Called, body_of, call, signature

SECRET = "a secret of the council's own"
NOON = dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC)
BODY = body_of({"run": 12, "as_of": "2026-09-30"})

Caller = Callable[..., tuple[Called, list[float]]]


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    """Call a server with a clock that waits set on and nobody waits for."""
    monkeypatch.setenv("NO_PROXY", "*")

    def made(
        url: str, *, chance: float = 0.5, body: bytes = BODY, **asked: int
    ) -> tuple[Called, list[float]]:
        waits: list[float] = []
        found = call(
            Webhook(url=url, **{"timeout": 1, **asked}), SECRET, body,
            now=lambda: NOON + dt.timedelta(seconds=sum(waits)), wait=waits.append,
            chance=lambda: chance,
        )  # fmt: skip
        return found, waits

    return made


def is_signed(head: str, body: bytes, now: int) -> bool:
    """Say whether a call is ours, reckoned apart from the product."""
    parts = dict(part.split("=", 1) for part in head.split(","))
    signed = parts["t"].encode() + b"." + body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts["v1"]) and abs(now - int(parts["t"])) <= 300


def test_the_readme_says_how_a_receiver_checks_a_call() -> None:
    page = (REPOSITORY / "README.md").read_text("utf-8")
    names: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], names)
    now = int(time.time())
    assert names["is_ours"](BODY, signature(SECRET, now, BODY), SECRET)
    assert not names["is_ours"](BODY, signature(SECRET, now - 400, BODY), SECRET)
    assert not names["is_ours"](BODY + b" ", signature(SECRET, now, BODY), SECRET)
    assert not names["is_ours"](BODY, signature(SECRET, now, BODY), "another secret of some length")


def test_a_call_is_signed_and_says_what_it_is(caller: Caller) -> None:
    with web_server() as hook:
        assert caller(hook.url) == (Called("", 1), [])
    (one,) = hook.calls
    assert one.path == "/hook?token=unsaid"
    assert json.loads(one.body) == {"run": 12, "as_of": "2026-09-30"}
    assert one.heads["Content-Type"] == "application/json"
    assert is_signed(one.heads["X-Triage-Signature"], one.body, int(NOON.timestamp()))
    assert not is_signed(one.heads["X-Triage-Signature"], one.body + b" ", int(NOON.timestamp()))
    assert not is_signed(one.heads["X-Triage-Signature"], one.body, int(NOON.timestamp()) + 301)


@given(st.binary(), st.integers(0, 2**33))
def test_the_signature_is_the_one_that_is_described(body: bytes, moment: int) -> None:
    assert is_signed(signature(SECRET, moment, body), body, moment)
    assert not is_signed(signature("another secret", moment, body), body, moment)


@pytest.mark.parametrize("first", [500, 502, 503, 429, "drop", "hang"])
def test_what_may_pass_is_tried_again(caller: Caller, first: object) -> None:
    with web_server(first, 200) as hook:
        assert caller(hook.url, chance=1.0) == (Called("", 2), [1.0])
    before, after = hook.calls
    assert before.body == after.body
    assert before.heads["Idempotency-Key"] == after.heads["Idempotency-Key"]
    assert before.heads["X-Triage-Signature"] != after.heads["X-Triage-Signature"]


def test_another_body_has_another_key(caller: Caller) -> None:
    with web_server() as hook:
        caller(hook.url)
        caller(hook.url, body=body_of({"run": 13}))
    assert len({one.heads["Idempotency-Key"] for one in hook.calls}) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
def test_what_is_refused_is_not_tried_again(caller: Caller, status: int) -> None:
    with web_server(status) as hook:
        assert caller(hook.url) == (Called(f"it answered {status}", 1), [])
    assert len(hook.calls) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_other_address_is_called(caller: Caller, status: int) -> None:
    with web_server() as other, web_server((status, {"Location": other.url})) as hook:
        found, _ = caller(hook.url)
    assert found.problem == f"it answered {status}, and no other address is called"
    assert other.calls == []


def test_waits_grow_up_to_a_minute_and_end(caller: Caller) -> None:
    with web_server(500) as hook:
        found, waits = caller(hook.url, retries=10, chance=1.0)
    assert found == Called("it answered 500", 11)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert len(hook.calls) == 11


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 10))
def test_chance_moves_each_wait_by_half_at_most(chance: float, retries: int) -> None:
    waits: list[float] = []
    nowhere = Webhook(url=f"http://{HERE}:1/", retries=retries, timeout=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "*")
        found = call(
            nowhere, SECRET, BODY, now=lambda: NOON, wait=waits.append, chance=lambda: chance
        )
    assert found == Called("it refuses connections", retries + 1)
    longest = [min(2.0**n, 60) for n in range(retries)]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, longest, strict=True))


@pytest.mark.parametrize(
    ("asked", "waited"), [("7", 7), ("0", 0.75), ("100000", 60), ("soon", 0.75)]
)
def test_a_server_that_asks_for_time_gets_it_up_to_a_minute(
    caller: Caller, asked: str, waited: float
) -> None:
    with web_server((503, {"Retry-After": asked}), 200) as hook:
        assert caller(hook.url) == (Called("", 2), [waited])


def test_a_server_that_refuses_or_says_nothing_is_given_up(caller: Caller) -> None:
    found, waits = caller(f"http://{HERE}:{free_port()}/", retries=2)
    assert (found, len(waits)) == (Called("it refuses connections", 3), 2)
    with silent_server() as port:
        found, _ = caller(f"http://{HERE}:{port}/", retries=0)
    assert found == Called("it gave no answer within 1 second", 1)


def test_only_a_trusted_certificate_is_talked_to(
    caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certified = authority(tmp_path)

    def url(hook: Hook) -> str:
        return f"https://localhost:{hook.port}/"

    with web_server(certified=certified) as hook:
        found, waits = caller(url(hook))
        assert found.problem.startswith("its certificate is not trusted (")
        assert (found.n_tries, waits, hook.calls) == (1, [], [])
        monkeypatch.setenv("SSL_CERT_FILE", str(certified.file))
        assert caller(url(hook)) == (Called("", 1), [])
        found, _ = caller(f"https://{HERE}:{hook.port}/")
        assert "certificate is not trusted" in found.problem
    assert len(hook.calls) == 1
