"""What a request to the pages may be: limits, odd ones, the log, proxies, figures, readiness."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from stores import OwnStore, in_a_file
from web_helpers import PASSWORD, Browser, peopled, site_of, told
from work_helpers import night, rows

from triage.web.outside import MOST_ADDRESS, MOST_BYTES, Outside
from triage.web.proxies import Peers
from triage.web.site import Site

TYPED = "CHILD-4711"


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("lasting")
    with in_a_file(folder) as own:
        night(own, folder, rows(3))
        with peopled(own, folder) as site:
            yield site


@pytest.fixture(scope="module")
def browser(lasting: Site) -> Browser:
    return Browser(lasting, "a.admin")


def through(site: Site, peer: str, **web: Any) -> Browser:
    """Return a browser whose connection comes from an address, past the layer for proxies."""
    kept = site.settings.web.model_validate(web)
    browser = Browser(
        type(site)(site.url, site.settings.model_copy(update={"web": kept}), site.rules)
    )
    browser.client = TestClient(
        Peers(Outside(browser.app), kept.proxies), base_url="http://127.0.0.1",
        follow_redirects=False, raise_server_exceptions=False, client=(peer, 50000),
    )  # fmt: skip
    return browser


# What a request may be.


@pytest.mark.parametrize("length", [True, False], ids=["told", "chunked"])
@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_body_that_is_too_much_is_refused(browser: Browser, length: bool, kind: str) -> None:
    body = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n" if "multi" in kind else b"a="
    body += b"b" * MOST_BYTES

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    answer = browser.client.post(
        "/account/sessions", content=body if length else pieces(), headers={"content-type": kind}
    )
    assert answer.status_code == 413
    assert "too much at once" in told(answer)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MADE-UP"])
@pytest.mark.parametrize("address", ["/", "/sign-in", "/account/sessions", "/health"])
def test_what_is_not_done_to_a_page_is_refused(browser: Browser, method: str, address: str) -> None:
    answer = browser.client.request(method, address)
    assert answer.status_code == 405
    assert answer.headers["allow"]
    assert "could not be read" in told(answer)


def test_what_can_be_read_can_be_asked_about(browser: Browser) -> None:
    for address, status in (("/", 200), ("/health", 200), ("/nowhere", 404)):
        answer = browser.client.head(address)
        assert (answer.status_code, answer.content) == (status, b"")
        assert answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/" + "x" * MOST_ADDRESS, 414), ("/sign-in?next=" + "x" * MOST_ADDRESS, 414),
        ("/sign-in?next=%00", 400), ("/%00", 404), ("/sign-in?a=%ff%fe", 200), ("/%ff", 404),
        ("/../../etc/passwd", 404), ("/static/../app.py", 404), ("/static/%2e%2e/app.py", 404),
        ("/sign-in/", 404), ("/sign-in?next=%ed%a0%80", 200),
        ("/static", 404), ("/static/", 404), ("/?done=<script>", 200), ("/?done=%00", 400),
    ],
)  # fmt: skip
def test_an_odd_address_is_answered(browser: Browser, address: str, status: int) -> None:
    asked = browser if "sign-in" not in address else Browser(browser.app.state.site)
    answer = asked.client.get(address)
    assert answer.status_code == status
    assert "<script>" not in answer.text.replace('<script src="', "")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"csrf=%00", "application/x-www-form-urlencoded"),
        (b"csrf=\x00\xff\xfe%ff%ed%a0%80", "application/x-www-form-urlencoded"),
        (b"&" * 3000 + b"a=b" * 3, "application/x-www-form-urlencoded"),
        (b"&".join(b"a=b" for _ in range(3000)), "application/x-www-form-urlencoded"),
        (b'{"csrf": 1}', "application/json"),
        (b"\xff\xfe", "text/plain"),
        (b"", "multipart/form-data"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
        (b"\x00" * 100, "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="csrf"; filename="a.txt"\r\n\r\nx\r\n--x--',
         "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n\xff\x00\r\n--x--',
         "multipart/form-data; boundary=x"),
        (b"a=b", ""),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_read_changes_nothing(
    browser: Browser, body: bytes, kind: str
) -> None:
    answer = browser.client.post(
        "/account/sessions", content=body, headers={"content-type": kind} if kind else {}
    )
    assert answer.status_code in (400, 403)
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("cookie", ["", "x", "é", "a" * 5000, "\x01", '"', "triage=triage"])
def test_an_odd_cookie_is_nobodys(lasting: Site, cookie: str) -> None:
    answer = Browser(lasting).get("/", headers={"cookie": f"triage={cookie}".encode()})
    assert answer.status_code == 303


def test_a_mistake_of_ours_is_told_with_a_number_and_nothing_of_what_was_typed(
    lasting: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError(TYPED)

    monkeypatch.setattr("triage.web.health.store.latest_as_of", broken)
    answer = Browser(lasting).get(f"/ready?child={TYPED}")
    number = answer.headers["x-request-id"]
    assert answer.status_code == 500
    assert number in told(answer)
    assert TYPED not in answer.text + caplog.text
    (line,) = [json.loads(one.getMessage()) for one in caplog.records if one.levelname == "ERROR"]
    assert (line["request"], line["failure"], line["status"]) == (number, "RuntimeError", 500)
    assert "broken" in line["where"][-1]


# The log.


def test_a_line_of_the_log_says_which_route_and_nothing_that_was_typed(
    lasting: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    browser = Browser(lasting, "r.reviewer")
    answer = browser.get(f"/account?child={TYPED}")
    browser.get(f"/{TYPED}")
    Browser(lasting).sign_in(TYPED, TYPED)
    browser.post("/sign-in", {"name": TYPED, "next": f"/{TYPED}"}, shown_at="/")
    browser.client.request(TYPED, "/")
    lines = [json.loads(one.getMessage()) for one in caplog.records if one.name == "triage.web"]
    for line in lines:
        assert set(line) == {"request", "method", "route", "status", "ms"}
    assert {"/account", "/sign-in", "none"} <= {line["route"] for line in lines}
    assert answer.headers["x-request-id"] in {line["request"] for line in lines}
    assert {line["method"] for line in lines} == {"GET", "POST", "other"}
    written = "\n".join(map(json.dumps, lines))
    assert not [word for word in (TYPED, "r.reviewer", PASSWORD, "?") if word in written]


# Where requests come from.


def test_an_address_before_a_proxy_is_believed_of_that_proxy_alone(lasting: Site) -> None:
    def attempts(peer: str, **web: Any) -> list[int]:
        browser, codes = through(lasting, peer, **web), []
        for number in range(22):
            browser.client.headers["x-forwarded-for"] = f"10.9.9.{number}"
            codes.append(browser.sign_in("n.nobody", "").status_code)
        return codes

    assert set(attempts("10.1.2.3", proxies=["10.1.2.0/24"])) == {422}
    assert attempts("10.7.7.7", proxies=["10.1.2.0/24"])[-1] == 429
    assert attempts("10.1.2.3")[-1] == 429


def test_a_cookie_is_for_https_where_the_proxy_says_it_came_so(lasting: Site) -> None:
    https = {"x-forwarded-proto": "https"}
    believed = through(lasting, "10.1.2.3", proxies=["10.1.2.3"]).get("/sign-in", headers=https)
    assert believed.headers["set-cookie"].startswith("__Host-triage=")
    assert "Secure" in believed.headers["set-cookie"]
    for odd in ({"x-forwarded-proto": "gopher"}, {"x-forwarded-for": b"\x01, \xc3\xa9"}):
        answer = through(lasting, "10.1.2.3", proxies=["10.1.2.3"]).get("/sign-in", headers=odd)
        assert answer.headers["set-cookie"].startswith("triage=")
    other = through(lasting, "10.7.7.7", proxies=["10.1.2.3"]).get("/sign-in", headers=https)
    assert other.headers["set-cookie"].startswith("triage=")


# Figures.


def test_figures_tell_how_much_is_asked_for_and_how_often_signing_in_failed(lasting: Site) -> None:
    browser = through(lasting, "127.0.0.1")
    browser.get(f"/{TYPED}")
    browser.client.request(TYPED, "/")
    browser.sign_in(TYPED, TYPED)
    text = browser.get("/metrics").text
    assert 'triage_requests_total{method="GET",route="/sign-in",status="2xx"} 1.0' in text
    assert 'triage_requests_total{method="POST",route="/sign-in",status="4xx"} 1.0' in text
    assert 'triage_requests_total{method="GET",route="none",status="4xx"} 1.0' in text
    assert 'triage_request_seconds_count{route="/sign-in"} 2.0' in text
    assert 'triage_sign_ins_failed_total{way="local"} 1.0' in text
    assert TYPED not in text


def test_figures_are_given_straight_and_to_addresses_that_the_settings_name(lasting: Site) -> None:
    at = "/metrics"
    assert through(lasting, "127.0.0.1").get(at).status_code == 200
    assert through(lasting, "::1").get(at).status_code == 200
    assert through(lasting, "::ffff:127.0.0.1").get(at).status_code == 200
    assert through(lasting, "10.1.2.3").get(at).status_code == 404
    assert through(lasting, "unknown").get(at).status_code == 404
    named = through(lasting, "10.1.2.3", metrics_from=["10.1.2.0/24"])
    assert named.get(at).status_code == 200
    assert through(lasting, "127.0.0.1", metrics_from=["10.1.2.3"]).get(at).status_code == 404
    proxied = through(lasting, "127.0.0.1", proxies=["127.0.0.1"])
    for name, value in (("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1"),
                        ("via", "1.1 proxy"), ("x-forwarded-proto", "https")):  # fmt: skip
        assert proxied.get(at, headers={name: value}).status_code == 404


def test_whether_the_server_lives_and_is_ready_is_told_without_signing_in(
    lasting: Site, tmp_path: Path
) -> None:
    browser = Browser(lasting)
    assert browser.get("/health").json() == {"status": "ok"}
    assert browser.get("/ready").json()["status"] == "ok"
    nowhere = Browser(site_of(OwnStore("sqlite", f"sqlite:///{tmp_path / 'none.db'}")))
    assert nowhere.get("/health").status_code == 200
    answer = nowhere.get("/ready")
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
