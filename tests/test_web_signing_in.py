"""Signing in and out: who comes in, what is refused, and what ends a session."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from stores import NewStore, OwnStore
from web_helpers import PASSWORD, Browser, peopled, told
from work_helpers import asker, night, rows

from triage import store as door
from triage.settings_web import Web
from triage.store.accounts import LOCKED_FOR, MOST_FAILED
from triage.store.sessions import IDLE, LONGEST
from triage.web.passwords import hashed
from triage.web.signing_in import local_address
from triage.web.site import Site


@pytest.fixture
def site(store: OwnStore, workplace: Path) -> Iterator[Site]:
    night(store, workplace, rows(3))
    with peopled(store, workplace) as served:
        yield served


@pytest.fixture(scope="module")
def lasting(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site for tests that leave its people as they are."""
    folder = tmp_path_factory.mktemp("lasting")
    with new_store(folder) as own:
        night(own, folder, rows(3))
        with peopled(own, folder) as served:
            yield served


def later(site: Site, by: dt.timedelta) -> Site:
    return replace(site, now=lambda: dt.datetime.now(dt.UTC) + by)


def kinds(site: Site) -> list[str]:
    found = door.audit_log(site.url, asker("a.auditor"))
    return [one.kind for one in found]


def test_whoever_signs_in_comes_to_the_page_they_asked_for(lasting: Site) -> None:
    browser = Browser(lasting)
    asked = browser.get("/account?x=1")
    assert asked.status_code == 303
    assert asked.headers["location"] == "/sign-in?next=/account%3Fx%3D1"
    answer = browser.post(
        "/sign-in", {"name": "r.reviewer", "password": PASSWORD, "next": "/account?x=1"},
        shown_at="/sign-in",
    )  # fmt: skip
    assert answer.headers["location"] == "/account?x=1"
    assert "r.reviewer, reviewer" in told(browser.follow(answer))


@pytest.mark.parametrize(
    "asked",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "evil",
     "/a\nb", "\\\\evil", "http:///evil", "/sign-in", "/sign-out"],
)  # fmt: skip
def test_nobody_is_led_to_another_site(asked: str) -> None:
    assert local_address(asked) == "/"


def test_a_wrong_name_and_a_wrong_password_are_told_alike(lasting: Site) -> None:
    said = set()
    for name, password in (("r.reviewer", "not the password"), ("n.nobody", PASSWORD)):
        answer = Browser(lasting).sign_in(name, password)
        assert answer.status_code == 422
        said.add(told(answer).replace(name, ""))
        assert password not in answer.text
    assert len(said) == 1
    assert "The name or the password is not right" in said.pop()


def test_an_account_is_locked_after_some_wrong_passwords_and_open_again_later(site: Site) -> None:
    for _ in range(MOST_FAILED):
        assert Browser(site).sign_in("r.reviewer", "wrong wrong wrong").status_code == 422
    assert Browser(site).sign_in("r.reviewer").status_code == 422
    assert kinds(site).count("account locked") == 1
    assert Browser(site).sign_in("m.manager").status_code == 303
    afterwards = later(site, LOCKED_FOR + dt.timedelta(seconds=1))
    assert Browser(afterwards).sign_in("r.reviewer").status_code == 303


def test_the_trail_tells_of_sign_ins_and_never_what_was_typed_as_an_unknown_name(
    site: Site, store: OwnStore
) -> None:
    Browser(site).sign_in("hunter2 is my password")
    browser = Browser(site, "r.reviewer")
    browser.post("/sign-out")
    assert kinds(site)[-3:] == ["sign-in failed", "signed in", "signed out"]
    assert "hunter2" not in repr(store.query("SELECT actor, detail FROM event"))


def test_another_word_is_given_at_sign_in_and_the_one_before_is_worth_nothing(site: Site) -> None:
    browser = Browser(site)
    browser.get("/sign-in")
    before = browser.client.cookies["triage"]
    browser.sign_in("r.reviewer")
    after = browser.client.cookies["triage"]
    assert before != after
    browser.client.cookies.set("triage", before, domain="127.0.0.1")
    other = Browser(site)
    other.client.cookies.set("triage", before)
    assert other.get("/").status_code == 303


def test_a_session_ends_at_sign_out_by_time_and_for_whoever_is_struck_off(site: Site) -> None:
    browser = Browser(site, "r.reviewer")
    kept = browser.client.cookies["triage"]
    assert browser.get("/").status_code == 200
    for by in (IDLE, LONGEST):
        late = Browser(later(site, by + dt.timedelta(minutes=6)))
        late.client.cookies.set("triage", kept)
        assert late.get("/").status_code == 303
    door.strike_off(site.url, asker("a.admin"), "r.reviewer")
    assert browser.get("/").status_code == 303
    other = Browser(site, "m.manager")
    other.post("/sign-out")
    assert other.get("/").status_code == 303


def test_a_password_that_an_administrator_gave_is_to_be_changed_first(site: Site) -> None:
    given = "given by somebody else"
    door.keep_password(site.url, asker("a.admin"), "r.reviewer", hashed(given, "r.reviewer"))
    browser = Browser(site)
    answer = browser.sign_in("r.reviewer", given)
    assert browser.follow(answer).headers["location"] == "/account/password"
    mistakes = (
        ({"old": "wrong", "new": "entirely another one", "again": "entirely another one"},
         "This is not your password now"),
        ({"old": given, "new": "entirely another one", "again": "another"},
         "The two are not the same"),
        ({"old": given, "new": "short", "again": "short"}, "of 12 to 200 characters"),
        ({"old": given, "new": "aaaaaaaaaaaaaaaa", "again": "aaaaaaaaaaaaaaaa"}, "easily guessed"),
        ({"old": given, "new": "r.reviewer is me", "again": "r.reviewer is me"}, "easily guessed"),
        ({"old": given, "new": given, "again": given}, "Choose another password"),
    )  # fmt: skip
    for fields, said in mistakes:
        answer = browser.post("/account/password", fields, shown_at="/account/password")
        assert answer.status_code == 422
        assert said in told(answer)
        assert 'value="aaaa' not in answer.text
    new = "entirely another one"
    fields = {"old": given, "new": new, "again": new}
    answer = browser.post("/account/password", fields, shown_at="/account/password")
    assert "Your new password is kept" in told(browser.follow(answer))
    assert Browser(site).sign_in("r.reviewer", new).status_code == 303


def test_other_sessions_are_ended_by_whoever_they_are_of(site: Site) -> None:
    here, there = Browser(site, "r.reviewer"), Browser(site, "r.reviewer")
    answer = here.post("/account/sessions")
    assert "Your other sessions have ended" in told(here.follow(answer))
    assert there.get("/").status_code == 303


@pytest.mark.parametrize("word", [None, "", "0" * 64, "é"])
def test_a_form_without_its_word_changes_nothing(lasting: Site, word: str | None) -> None:
    browser = Browser(lasting, "r.reviewer")
    fields = {} if word is None else {"csrf": word}
    answer = browser.client.post("/account/sessions", data=fields)
    assert answer.status_code == 403
    assert "Nothing was changed" in told(answer)


def test_a_form_that_another_site_sends_is_refused_even_with_its_word(lasting: Site) -> None:
    browser = Browser(lasting, "r.reviewer")
    found = re.search(r'name="csrf" value="(\w+)"', browser.get("/account").text)
    assert found is not None
    answer = browser.client.post(
        "/account/sessions", data={"csrf": found[1]}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403


def test_the_cookie_is_for_this_host_and_for_no_script(lasting: Site) -> None:
    set_cookie = Browser(lasting).get("/sign-in").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(set_cookie.split("; "))
    web = Web(address="https://triage.council.example")
    secure = replace(lasting, settings=lasting.settings.model_copy(update={"web": web}))
    set_cookie = Browser(secure).get("/sign-in").headers["set-cookie"]
    assert set_cookie.startswith("__Host-triage=")
    assert "Secure" in set_cookie


def test_too_many_attempts_from_one_address_are_refused_for_a_minute(site: Site) -> None:
    browser = Browser(site)
    codes = [browser.sign_in(f"n.nobody{n}", PASSWORD).status_code for n in range(22)]
    assert codes[:20] == [422] * 20
    assert codes[20:] == [429] * 2


def test_every_answer_says_what_a_browser_may_do_with_it(lasting: Site) -> None:
    for address in ("/sign-in", "/nowhere", "/health", "/static/triage.css"):
        headers = Browser(lasting).get(address).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"]
    assert Browser(lasting).get("/sign-in").headers["cache-control"] == "no-store"
