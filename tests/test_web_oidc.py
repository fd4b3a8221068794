"""Signing in by OpenID Connect: against a real provider, and against ones that are not right."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace
from typing import Any

import pytest
from oidc_pages import _secret as _secret
from oidc_pages import address as address
from oidc_pages import bent as bent
from oidc_pages import by, came_back, events, went
from oidc_pages import lasting as lasting
from oidc_pages import site as site
from oidc_servers import SECRET, BentProvider, key_of, shared_key, signed_in_there
from web_helpers import Browser, told
from work_helpers import asker

from triage import store as door
from triage.settings_web import OIDC_SECRET
from triage.web.site import Site


def test_whoever_the_provider_vouches_for_comes_to_the_page_they_asked_for(
    lasting: Site, address: str
) -> None:
    browser = Browser(by(lasting, address))
    shown = browser.get("/sign-in?next=/account%3Fx%3D1")
    assert "/oidc?next=%2Faccount%3Fx%3D1" in shown.text
    answer = went(browser, "1", "/oidc?next=/account%3Fx%3D1")
    assert answer.headers["location"] == "/account?x=1"
    assert "r.reviewer, reviewer" in told(browser.follow(answer))
    assert events(lasting)[-1] == ("signed in", "r.reviewer")


def test_what_the_provider_is_asked_carries_a_proof_and_no_secret(
    lasting: Site, bent: BentProvider
) -> None:
    browser = Browser(by(lasting, bent.address))
    answer = came_back(browser, bent)
    assert answer.status_code == 303, told(answer)
    there, exchanged = bent.asked
    assert there["code_challenge_method"] == "S256"
    assert there["response_type"] == "code"
    assert there["redirect_uri"] == "http://127.0.0.1/oidc/return"
    assert {"openid", "profile"} <= set(there["scope"].split())
    assert exchanged["code_verifier"] not in there.values()
    assert exchanged["redirect_uri"] == there["redirect_uri"]
    assert SECRET not in {*there.values(), *exchanged.values()}


def test_a_session_by_the_provider_is_asked_for_no_password_and_stays_so(
    site: Site, address: str
) -> None:
    door.keep_password(site.url, asker("a.admin"), "r.reviewer", "given by somebody else")
    browser = Browser(by(site, address))
    assert browser.follow(went(browser, "1")).status_code == 200
    assert [one.way for one in door.sessions(site.url, asker("r.reviewer"))] == ["oidc"]


def test_the_cookie_of_the_way_there_is_for_this_host_and_taken_back(
    lasting: Site, address: str
) -> None:
    browser = Browser(by(lasting, address))
    away = browser.get("/oidc")
    cookie = away.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=600"} <= set(cookie.split("; "))
    browser.get(signed_in_there(away.headers["location"], "1"))
    assert set(browser.client.cookies) == {"triage"}
    web = by(lasting, address).settings.web.model_copy(
        update={"address": "https://triage.council.example"}
    )
    encrypted = replace(lasting, settings=lasting.settings.model_copy(update={"web": web}))
    away = Browser(encrypted).get("/oidc")
    assert away.headers["set-cookie"].startswith("__Host-triage-oidc=")
    assert "Secure" in away.headers["set-cookie"]
    assert (
        "redirect_uri=https%3A%2F%2Ftriage.council.example%2Foidc%2Freturn"
        in (away.headers["location"])
    )


@pytest.mark.parametrize(
    "asked", ["https://evil.example", "//evil.example", "/\\evil.example", "/" + "x" * 2000]
)
def test_nobody_is_led_to_another_site_by_way_of_the_provider(
    lasting: Site, bent: BentProvider, asked: str
) -> None:
    browser = Browser(by(lasting, bent.address))
    away = browser.get("/oidc", params={"next": asked})
    assert browser.get(bent.sent_back(away.headers["location"])).headers["location"] == "/"


def test_a_sign_in_that_was_begun_elsewhere_is_refused(lasting: Site, bent: BentProvider) -> None:
    served = by(lasting, bent.address)
    mine, theirs = Browser(served), Browser(served)
    away = mine.get("/oidc").headers["location"]
    for browser, back in (
        (theirs, bent.sent_back(away)),
        (mine, bent.sent_back(away, state="another")),
        (Browser(served), "/oidc/return?code=c0de"),
        (Browser(served), "/oidc/return"),
    ):
        answer = browser.get(back)
        assert answer.status_code == 400
        assert "Sign in once more" in told(answer)
        assert "c0de" not in answer.text
        assert browser.get("/").status_code == 303


def test_a_changed_cookie_is_refused(lasting: Site, bent: BentProvider) -> None:
    browser = Browser(by(lasting, bent.address))
    back = bent.sent_back(browser.get("/oidc").headers["location"])
    kept = browser.client.cookies["triage-oidc"]
    for bad in ("", "x", kept[:-2], "e30." + kept.split(".")[1]):
        browser.client.cookies.clear()
        browser.client.cookies.set("triage-oidc", bad)
        assert browser.get(back).status_code == 400


def test_a_way_back_is_good_once(lasting: Site, bent: BentProvider) -> None:
    browser = Browser(by(lasting, bent.address))
    back = bent.sent_back(browser.get("/oidc").headers["location"])
    kept = browser.client.cookies["triage-oidc"]
    assert browser.get(back).status_code == 303
    browser.client.cookies.clear()
    browser.client.cookies.set("triage-oidc", kept)
    assert browser.get(back).status_code == 400


def test_a_code_that_was_used_already_is_refused_by_the_provider(
    lasting: Site, address: str
) -> None:
    served = by(lasting, address)
    browser = Browser(served)
    back = signed_in_there(browser.get("/oidc").headers["location"], "1")
    kept = browser.client.cookies["triage-oidc"]
    assert browser.get(back).status_code == 303
    restarted = Browser(served)
    restarted.client.cookies.set("triage-oidc", kept)
    answer = restarted.get(back)
    assert answer.status_code == 400
    assert "used already" in told(answer)


def test_a_sign_in_that_waited_too_long_is_refused(lasting: Site, bent: BentProvider) -> None:
    served = by(lasting, bent.address)
    browser = Browser(served)
    back = bent.sent_back(browser.get("/oidc").headers["location"])
    late = Browser(
        replace(served, now=lambda: dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10, seconds=2))
    )
    late.client.cookies = browser.client.cookies
    assert late.get(back).status_code == 400


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"}, {"nonce": None},
        {"aud": "another"}, {"aud": None}, {"aud": ["another", "more"]},
        {"aud": ["triage", "another"]}, {"azp": "another"},
        {"iss": "https://evil.example"}, {"iss": None},
        {"exp": 1}, {"exp": None}, {"nbf": 32503680000}, {"iat": 32503680000}, {"sub": None},
    ],
    ids=str,
)  # fmt: skip
def test_an_id_token_that_is_not_for_this_sign_in_is_not_believed(
    lasting: Site, bent: BentProvider, claims: dict[str, Any]
) -> None:
    bent.claims = claims
    browser = Browser(by(lasting, bent.address))
    answer = came_back(browser, bent)
    assert answer.status_code == 502
    assert "could not be verified" in told(answer)
    assert browser.get("/").status_code == 303


@pytest.mark.parametrize("bending", ["another key", "shared secret", "none", "no token", "words"])
def test_an_id_token_that_the_provider_did_not_sign_is_not_believed(
    lasting: Site, bent: BentProvider, bending: str
) -> None:
    if bending == "another key":
        bent.signs_with = key_of(2)
    elif bending == "shared secret":
        bent.alg, bent.signs_with = "HS256", shared_key()
        bent.published = [bent.key, shared_key()]
    elif bending == "none":
        bent.alg = "none"
    else:
        bent.token = "" if bending == "no token" else "a.b.c"
    browser = Browser(by(lasting, bent.address))
    answer = came_back(browser, bent)
    assert answer.status_code == 502
    assert "could not be verified" in told(answer)
    assert browser.get("/").status_code == 303


def test_a_provider_may_change_its_keys(lasting: Site, bent: BentProvider) -> None:
    browser = Browser(by(lasting, bent.address))
    assert came_back(browser, bent).status_code == 303
    browser.client.cookies.clear()
    bent.signs_with = key_of(3, "two")
    bent.published = [bent.signs_with]
    assert came_back(browser, bent).status_code == 303


def test_a_provider_that_calls_itself_otherwise_is_not_used(
    lasting: Site, bent: BentProvider
) -> None:
    bent.issuer = "https://evil.example"
    answer = Browser(by(lasting, bent.address)).get("/oidc")
    assert answer.status_code == 502
    assert "calls itself otherwise" in told(answer)
    assert "evil" not in answer.text


def test_secrets_do_not_go_to_a_provider_in_the_clear(lasting: Site, bent: BentProvider) -> None:
    bent.described = {"token_endpoint": "http://10.0.0.1/token"}
    answer = came_back(Browser(by(lasting, bent.address)), bent)
    assert answer.status_code == 502
    assert "names no token_endpoint that is encrypted" in told(answer)


@pytest.mark.parametrize("status", [404, 500, 302])
def test_a_provider_that_answers_wrongly_is_told_so(
    lasting: Site, bent: BentProvider, status: int
) -> None:
    bent.status = status
    answer = Browser(by(lasting, bent.address)).get("/oidc")
    assert answer.status_code == 503
    assert "does not answer" in told(answer)


def test_a_provider_that_is_down_or_slow_keeps_nobody_waiting(
    lasting: Site, bent: BentProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Browser(by(lasting, "http://127.0.0.1:9")).get("/oidc")
    assert answer.status_code == 503
    assert "Try again in a minute" in told(answer)
    monkeypatch.setattr("triage.web.provider._SECONDS", 0.2)
    bent.delay = 1.0
    answer = Browser(by(lasting, bent.address)).get("/oidc")
    assert answer.status_code == 503


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("access_denied", "did not let you in"),
        ("temporarily_unavailable", "Try again in a minute"),
        ("<script>alert(1)</script>", "could not sign you in"),
    ],
)
def test_what_the_provider_refuses_is_said_in_words_of_ours(
    lasting: Site, bent: BentProvider, error: str, said: str
) -> None:
    browser = Browser(by(lasting, bent.address))
    away = browser.get("/oidc").headers["location"]
    answer = browser.get(bent.sent_back(away, error=error, error_description="<b>s3cret</b>"))
    assert answer.status_code == 403
    assert said in told(answer)
    assert not {word for word in ("<script>alert", "s3cret") if word in answer.text}


def test_without_its_settings_nobody_signs_in_so(
    lasting: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in ("/oidc", "/oidc/return"):
        assert Browser(lasting).get(at).status_code == 404
    assert "/oidc" not in Browser(lasting).get("/sign-in").text
    served = by(lasting, "http://127.0.0.1:9")
    strange = Browser(served).get("/oidc", headers={"host": "evil.example"})
    assert strange.status_code == 503
    assert "evil" not in strange.text
    monkeypatch.delenv(OIDC_SECRET)
    answer = Browser(served).get("/oidc")
    assert answer.status_code == 503
    assert f"{OIDC_SECRET} is missing" in told(answer)


def test_no_line_of_the_log_holds_what_came_back(
    lasting: Site, bent: BentProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bent.token = "a.b.c"
    came_back(Browser(by(lasting, bent.address)), bent)
    lines = [one.getMessage() for one in caplog.records if one.name.startswith("triage")]
    assert lines
    assert not [word for word in ("c0de", "a.b.c", "state", SECRET, "acce55")
                if word in "\n".join(lines)]  # fmt: skip
