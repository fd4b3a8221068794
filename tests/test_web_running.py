"""Running the pages: what is refused at the start, limits, the log, figures, and a quiet end."""

from __future__ import annotations

import json
import logging
import re
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from conftest import Triage
from served import free_port, served
from starlette.testclient import TestClient
from stores import ON_POSTGRESQL, ON_SQLITE, OwnStore, in_a_file
from web_helpers import PASSWORD, Browser, add_people, peopled, site_of, told
from work_helpers import asker, night, rows

from triage import store as door
from triage.errors import StoreError
from triage.store.connection import acting, reading
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


# What is refused at the start.


def refused(triage: Triage, *arguments: str) -> tuple[int, str]:
    code, out, err = triage("serve", *arguments)
    assert out == ""
    (line,) = err.splitlines()
    return code, line


def staffed(own: OwnStore, folder: Path) -> None:
    night(own, folder, rows(1))
    add_people(own)


def test_what_would_not_work_is_said_in_one_sentence_and_nothing_is_served(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    code, said = refused(triage, "--db", f"sqlite:///{workplace / 'none.db'}")
    assert (code, "there is no store yet" in said) == (4, True)
    night(store, workplace, rows(1))
    at = ("--db", store.url)
    code, said = refused(triage, *at)
    assert (code, "`triage users add NAME`" in said) == (2, True)
    add_people(store)
    code, said = refused(triage, *at, "--host", "0.0.0.0")
    assert (code, "passwords in the clear" in said) == (2, True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = refused(triage, *at, "--port", str(port))
    assert code == 2
    assert said.startswith(f"triage: --port {port}: cannot be had at 127.0.0.1 (address already")
    store.execute("UPDATE alembic_version SET version_num = '0001'")
    code, said = refused(triage, *at)
    assert (code, "`triage db upgrade`" in said) == (4, True)


@pytest.mark.parametrize(
    ("web", "host", "said"),
    [
        ('address = "https://x.example"', "256.0.0.1", "is no address of this machine"),
        ('address = "https://x.example"', "192.0.2.1", "cannot be had at 192.0.2.1"),
        ('[web.oidc]\nissuer = "https://login.example"', "127.0.0.1", "TRIAGE_OIDC_SECRET is miss"),
        ("local = false", "127.0.0.1", "nobody could sign in: local is false"),
    ],
)  # fmt: skip
@ON_SQLITE
def test_settings_that_would_not_work_are_named(
    triage: Triage, store: OwnStore, workplace: Path, web: str, host: str, said: str
) -> None:
    staffed(store, workplace)
    Path("triage.toml").write_text(f"[web]\n{web}\n", "utf-8")
    code, line = refused(triage, "--db", store.url, "--host", host, "--port", str(free_port()))
    assert (code, said in line) == (2, True), line


def test_without_its_packages_the_command_says_what_to_install(
    triage: Triage, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "triage.web.serving", raising=False)
    monkeypatch.delattr("triage.web.serving", raising=False)
    for arguments in (("serve",), ("demo", "--serve")):
        code, out, err = triage(*arguments)
        assert (code, out) == (2, "")
        assert "pip install 'rereferral-triage[web]'" in err
    assert not (workplace / "triage-demo").exists()


# In a process of its own.


def test_a_server_says_where_it_is_logs_each_request_and_stops_when_told_to(
    store: OwnStore, workplace: Path
) -> None:
    staffed(store, workplace)
    for by in (signal.SIGTERM, signal.SIGINT):
        with served(workplace, "serve", "--db", store.url) as server:
            answer = httpx2.get(f"{server.at}/sign-in?x={TYPED}")
            assert answer.status_code == 200
            assert "server" not in answer.headers
            assert server.stop(by) == 0
            err = server.err.read_text("utf-8")
            assert f"Serving the pages at {server.at}; Ctrl-C stops it." in err
            lines = server.log()
            assert all({"at", "level"} <= set(line) for line in lines)
            assert lines[0]["serving"] == server.at
            assert lines[-1]["stopped"] is True
            assert "/sign-in" in {line.get("route") for line in lines}
            assert answer.headers["x-request-id"] in {line.get("request") for line in lines}
            assert TYPED not in err
            assert "Traceback" not in err


@ON_SQLITE
def test_what_was_begun_is_ended_before_the_server_stops(store: OwnStore, workplace: Path) -> None:
    staffed(store, workplace)
    found: list[httpx2.Response] = []
    with served(workplace, "serve", "--db", store.url) as server:
        with httpx2.Client(base_url=server.at, timeout=60) as client:
            word = re.search(r'name="csrf" value="(\w+)"', client.get("/sign-in").text)
            assert word is not None
            form = {"csrf": word[1], "name": "r.reviewer", "password": PASSWORD}
            other = sqlite3.connect(store.url.removeprefix("sqlite:///"), isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            slow = threading.Thread(target=lambda: found.append(client.post("/sign-in", data=form)))
            slow.start()
            time.sleep(1)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(1)
            assert server.process.poll() is None
            with pytest.raises(httpx2.ConnectError):
                httpx2.get(server.at)
            other.execute("ROLLBACK")
            other.close()
            slow.join(60)
        assert server.process.wait(60) == 0
    assert found[0].status_code == 303


@ON_SQLITE
def test_several_processes_serve_one_store_and_add_up_their_figures(
    store: OwnStore, workplace: Path
) -> None:
    staffed(store, workplace)
    with served(workplace, "serve", "--db", store.url, "--workers", "2") as server:
        until = time.monotonic() + 60
        while "triage_requests_total" not in (text := httpx2.get(f"{server.at}/metrics").text):
            assert time.monotonic() < until
        for _ in range(20):
            assert httpx2.get(f"{server.at}/sign-in").status_code == 200
        text = httpx2.get(f"{server.at}/metrics").text
        assert 'triage_requests_total{method="GET",route="/sign-in",status="2xx"} 20.0' in text
        assert server.stop() == 0
        assert server.log()[0]["workers"] == 2


@ON_POSTGRESQL
def test_a_connection_that_broke_is_made_anew_without_anybody_noticing(
    store: OwnStore, workplace: Path
) -> None:
    staffed(store, workplace)
    ended = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database() "
        "AND application_name = 'kept'"
    )
    door.keep_connections(5)
    url = f"{store.url}&application_name=kept"
    try:
        for _ in range(3):
            assert len(door.people(url)) == 8
            door.begin_session(url, asker("r.reviewer"), f"token {time.monotonic()}", "local")
            with psycopg.connect(store.url, autocommit=True) as other:
                ((n,),) = other.execute(ended).fetchall()
            assert n == 2
    finally:
        door.keep_connections(0)
    with psycopg.connect(store.url, autocommit=True) as other:
        assert other.execute(ended).fetchall() == [(0,)]


def test_what_is_kept_open_is_as_what_is_opened_each_time(store: OwnStore, workplace: Path) -> None:
    staffed(store, workplace)
    door.keep_connections(2)
    try:
        for number in range(4):
            with suppress(RuntimeError), acting(store.url) as connection:
                connection.exec_driver_sql("DELETE FROM account")
                raise RuntimeError
            assert len(door.accounts(store.url, asker("a.admin"))) == 8
            door.register(store.url, asker("a.admin"), f"n.new{number}", "reviewer", [])
            assert len(door.people(store.url)) == 9 + number
        if store.kind == "sqlite":
            with suppress(StoreError), acting(store.url) as connection:
                connection.exec_driver_sql("DELETE FROM person")
        else:
            with suppress(StoreError), reading(store.url) as connection:
                connection.exec_driver_sql("DELETE FROM account")
        assert len(door.accounts(store.url, asker("a.admin"))) == 8
        assert len(door.people(store.url)) == 12
    finally:
        door.keep_connections(0)


@ON_SQLITE
def test_a_store_that_was_put_in_anothers_place_is_read_from_then_on(
    store: OwnStore, workplace: Path
) -> None:
    staffed(store, workplace)
    door.keep_connections(2)
    try:
        assert len(door.people(store.url)) == 8
        (workplace / "other").mkdir()
        with in_a_file(workplace / "other") as other:
            night(other, workplace / "other", rows(1))
            Path(other.url.removeprefix("sqlite:///")).replace(store.url.removeprefix("sqlite:///"))
        for ending in ("-wal", "-shm"):
            Path(store.url.removeprefix("sqlite:///") + ending).unlink(missing_ok=True)
        assert door.people(store.url) == []
    finally:
        door.keep_connections(0)


@ON_SQLITE
def test_the_demonstration_is_served_to_this_machine_with_an_account_of_each_role(
    store: OwnStore, workplace: Path
) -> None:
    with served(workplace, "demo", "--serve", "--quiet") as server:
        out = server.out.read_text("utf-8")
        word = re.search(r"with the password (\S+) \(invented for this demonstration", out)
        assert word is not None
        assert f"The pages are at {server.at} for this machine alone" in out
        for name, role in (("r.reviewer", "reviewer"), ("a.admin", "administrator")):
            assert re.search(rf"{name} +{role}", out)
            with httpx2.Client(base_url=server.at, follow_redirects=True) as client:
                shown = client.get("/sign-in")
                csrf = re.search(r'name="csrf" value="(\w+)"', shown.text)
                assert csrf is not None
                form = {"csrf": csrf[1], "name": name, "password": word[1]}
                for answer in (shown, client.post("/sign-in", data=form)):
                    assert "all of these records are invented" in told(answer)
                assert f"{name}, {role}" in told(answer)
        assert server.stop(signal.SIGINT) == 0
