"""Coming in by a header that a proxy sets: believed of that proxy alone, and of one name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from stores import OwnStore, in_a_file
from web_helpers import Browser, peopled, told
from work_helpers import asker, night, rows

from triage import store as door
from triage.settings_web import ProxyHeader, Web
from triage.web.outside import Outside
from triage.web.proxies import Peers, is_among, named_by_proxy
from triage.web.site import Site

PROXY, OTHER = "10.1.2.3", "10.7.7.7"
HEADER = {"name": "X-Remote-User", "senders": ["10.1.2.0/24"]}


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("lasting")
    with in_a_file(folder) as own:
        night(own, folder, rows(3))
        with peopled(own, folder) as site:
            yield site


@pytest.fixture
def site(store: OwnStore, workplace: Path) -> Iterator[Site]:
    night(store, workplace, rows(3))
    with peopled(store, workplace) as served:
        yield served


def behind(site: Site, peer: str = PROXY, name: Any = "r.reviewer", **web: Any) -> Browser:
    """Return a browser behind a proxy that names somebody."""
    kept = site.settings.web.model_validate({"header": HEADER, **web})
    browser = Browser(replace(site, settings=site.settings.model_copy(update={"web": kept})))
    browser.client = TestClient(
        Peers(Outside(browser.app), kept.proxies), base_url="http://127.0.0.1",
        follow_redirects=False, raise_server_exceptions=False, client=(peer, 50000),
        headers={} if name is None else {"X-Remote-User": name},
    )  # fmt: skip
    return browser


def events(site: Site) -> list[tuple[str, str]]:
    return [(one.kind, one.actor) for one in door.audit_log(site.url, asker("a.auditor"))]


def test_whoever_the_proxy_names_comes_to_the_page_they_asked_for(site: Site) -> None:
    browser = behind(site)
    answer = browser.get("/account?x=1")
    assert answer.headers["location"] == "/account?x=1"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "r.reviewer, reviewer" in told(browser.follow(answer))
    assert events(site)[-1] == ("signed in", "r.reviewer")
    (session,) = door.sessions(site.url, asker("r.reviewer"))
    assert session.way == "proxy"
    assert browser.post("/account/sessions").status_code == 303, "and their forms are taken"
    assert [one.way for one in door.sessions(site.url, asker("r.reviewer"))] == ["proxy"]


def test_a_session_ends_when_the_proxy_names_somebody_else_or_nobody(site: Site) -> None:
    browser = behind(site)
    assert browser.follow(browser.get("/")).status_code == 200
    browser.client.headers["X-Remote-User"] = "m.manager"
    answer = browser.get("/account")
    assert answer.headers["location"] == "/account"
    assert "m.manager, team manager" in told(browser.follow(answer))
    assert door.sessions(site.url, asker("r.reviewer")) == []
    assert ("signed out", "r.reviewer") in events(site)
    del browser.client.headers["X-Remote-User"]
    assert browser.get("/account").headers["location"].startswith("/sign-in?next=")
    assert door.sessions(site.url, asker("m.manager")) == []
    browser.client.headers["X-Remote-User"] = "m.manager"
    kept = browser.get("/").headers["set-cookie"].partition(";")[0]
    elsewhere = behind(site, OTHER, "m.manager")
    assert elsewhere.get("/account", headers={"cookie": kept}).headers["location"].startswith(
        "/sign-in"
    ), "the same word does not do past the proxy"  # fmt: skip


def test_a_form_of_whoever_was_there_before_changes_nothing(site: Site) -> None:
    browser = behind(site)
    page = browser.follow(browser.get("/account"))
    word = page.text.partition('name="csrf" value="')[2][:64]
    browser.client.headers["X-Remote-User"] = "m.manager"
    answer = browser.client.post("/account/sessions", data={"csrf": word})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "sessions ended" not in {kind for kind, _ in events(site)}
    assert browser.client.post("/account/sessions", data={"csrf": word}).status_code == 403


@pytest.mark.parametrize("peer", [OTHER, "127.0.0.1", "::1", "10.1.3.1", "testclient", ""])
def test_the_header_is_believed_of_the_proxy_alone(
    lasting: Site, peer: str, caplog: pytest.LogCaptureFixture
) -> None:
    browser = behind(lasting, peer)
    browser.client.headers["x-forwarded-for"] = PROXY
    answer = browser.get("/account")
    assert answer.headers["location"] == "/sign-in?next=/account"
    (line,) = [json.loads(one.getMessage()) for one in caplog.records if one.levelno == 30]
    assert "an address that is not believed" in line["warning"]
    assert line["peer"] == peer
    assert "r.reviewer" not in json.dumps(line)


def test_an_address_that_was_only_forwarded_sends_no_header(lasting: Site) -> None:
    browser = behind(lasting, OTHER, proxies=[OTHER])
    browser.client.headers["x-forwarded-for"] = PROXY
    assert browser.get("/account").headers["location"].startswith("/sign-in")
    browser = behind(lasting, PROXY, proxies=[PROXY])
    browser.client.headers["x-forwarded-for"] = OTHER
    assert browser.get("/account").headers["location"] == "/account"


def test_without_the_setting_the_header_is_nothing(
    lasting: Site, caplog: pytest.LogCaptureFixture
) -> None:
    browser = behind(lasting, header={})
    assert browser.get("/account").headers["location"].startswith("/sign-in")
    assert not caplog.records or all(one.levelno < 30 for one in caplog.records)


@pytest.mark.parametrize(
    "name",
    [b"", b" ", b"\t", b"r.reviewer\x00", b"r.reviewer\x01", b"\x1b[2J", b"x" * 201,
     "r\u202ereviewer".encode(), b"\xc2\xa0r.reviewer\xe2\x80\xa8"],
)  # fmt: skip
def test_a_name_that_is_none_signs_nobody_in(
    lasting: Site, name: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = behind(lasting, name=name).get("/account")
    assert answer.headers["location"].startswith("/sign-in")
    assert "r.reviewer" not in caplog.text


@pytest.mark.parametrize(
    "name", ["n.nobody", "R.REVIEWER", "system:nightly", "account:web", "r.reviewer, m.manager"]
)
def test_a_name_that_is_not_registered_is_told_whom_to_ask(site: Site, name: str) -> None:
    browser = behind(site, name=name)
    answer = browser.get("/account")
    assert answer.status_code == 403
    assert "not registered here. Ask an administrator" in told(answer)
    assert events(site)[-1] == ("sign-in failed", "account:web")
    assert browser.get("/account").status_code == 403


def test_whoever_was_struck_off_does_not_come_in(site: Site) -> None:
    browser = behind(site)
    assert browser.follow(browser.get("/")).status_code == 200
    door.strike_off(site.url, asker("a.admin"), "r.reviewer")
    assert browser.get("/").status_code == 403


def test_two_names_are_none(lasting: Site) -> None:
    browser = behind(lasting, name=None)
    answer = browser.get(
        "/account", headers=[("X-Remote-User", "r.reviewer"), ("x-remote-user", "m.manager")]
    )
    assert answer.headers["location"].startswith("/sign-in")


def test_blanks_around_a_name_and_letters_of_any_alphabet_are_taken(site: Site) -> None:
    door.register(site.url, asker("a.admin"), "zoë", "reviewer", [])
    for name in (b" r.reviewer ", "zoë".encode()):
        assert behind(site, name=name).get("/account").headers["location"] == "/account"


def test_whoever_signed_in_by_a_password_stays_who_they_are(lasting: Site) -> None:
    browser = behind(lasting, name=None)
    browser.sign_in("a.auditor")
    browser.client.headers["X-Remote-User"] = "r.reviewer"
    assert "a.auditor, auditor" in told(browser.get("/account"))


def test_the_page_to_sign_in_offers_who_the_proxy_names(lasting: Site) -> None:
    browser = behind(lasting, local=False)
    page = browser.get("/sign-in?next=/account")
    assert "Continue as r.reviewer" in told(page)
    assert 'href="/account"' in page.text
    assert 'name="password"' not in page.text


def test_bytes_that_are_no_utf_8_name_nobody() -> None:
    web = Web(header=ProxyHeader(name="X-Remote-User", senders=(PROXY,)))
    for given, name in ((b"\xff\xfe", ""), (b"zo\xeb", ""), (b"zo\xc3\xab", "zoë")):
        headers = [(b"x-remote-user", given)]
        scope = {"type": "http", "headers": headers, "state": {"peer": PROXY}}
        assert named_by_proxy(Request(scope), web) == name


def test_a_program_is_not_signed_in_by_the_header(lasting: Site) -> None:
    assert behind(lasting).get("/api/v1/cases").status_code in (401, 404)


def test_who_keeps_no_cookies_is_not_signed_in_for_ever(site: Site) -> None:
    browser = behind(site)
    codes = []
    for _ in range(21):
        browser.client.cookies.clear()
        codes.append(browser.get("/account").status_code)
    assert codes == [303] * 20 + [429]


@pytest.mark.parametrize(
    ("address", "networks", "found"),
    [
        ("10.1.2.3", ["10.1.2.3"], True), ("10.1.2.3", ["10.1.2.0/24"], True),
        ("10.1.3.3", ["10.1.2.0/24"], False), ("::ffff:10.1.2.3", ["10.1.2.0/24"], True),
        ("fd00::1", ["fd00::/8"], True), ("fd00::1", ["10.0.0.0/8"], False),
        ("unix:", ["10.0.0.0/8"], False), ("", ["0.0.0.0/0"], False), ("10.1.2.3", [], False),
    ],
)  # fmt: skip
def test_an_address_is_in_a_network_or_it_is_not(
    address: str, networks: list[str], found: bool
) -> None:
    assert is_among(address, networks) is found
