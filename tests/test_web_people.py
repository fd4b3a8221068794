"""The pages of people and tokens: who is registered, how they get in, and who may not change it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import NewStore, OwnStore
from web_helpers import PASSWORD, ROLES, Browser, peopled, told
from work_helpers import night, row

from triage import store as door
from triage.store.accounts import MOST_FAILED
from triage.web.site import Site

GIVEN = "given by somebody else"
NEW = {"name": "n.new", "role": "reviewer", "teams": ["North"], "other_teams": "", "password": ""}
TOMORROW = (dt.datetime.now(dt.UTC) + dt.timedelta(days=2)).date().isoformat()
FOR_R = {"name": "r.reviewer", "label": "weekly figures", "until": TOMORROW}
PAGES = ("/people", "/people?locked=yes", "/people/new", "/people/edit?name=r.reviewer", "/tokens")
ACTS: dict[str, dict[str, object]] = {
    "/people": dict(NEW), "/people/edit": {**NEW, "name": "r.reviewer"},
    "/people/strike-off": {"name": "r.reviewer", "sure": "yes"},
    "/people/password": {"name": "r.reviewer", "password": GIVEN},
    "/people/sessions": {"name": "r.reviewer"}, "/tokens": dict(FOR_R), "/tokens/1/end": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def lasting(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("people")
    with new_store(folder) as own:
        night(own, folder, [row("R1"), row("R2", team="South")])
        with peopled(own, folder) as served:
            yield served


@pytest.fixture
def site(store: OwnStore, workplace: Path) -> Iterator[Site]:
    night(store, workplace, [row("R1"), row("R2", team="South")])
    with peopled(store, workplace) as served:
        yield served


def known(site: Site, name: str) -> tuple[str, tuple[str, ...], bool]:
    (found,) = (one for one in door.people(site.url) if one.name == name)
    return found.role, found.teams, found.is_active


@pytest.mark.parametrize("name", ROLES)
def test_people_and_tokens_are_for_administrators(lasting: Site, name: str) -> None:
    browser = Browser(lasting, name)
    may = ROLES[name][0] == "administrator"
    for address in PAGES:
        answer = browser.get(address)
        assert answer.status_code == (200 if may else 403)
    if not may:
        before = door.people(lasting.url)
        for address, fields in ACTS.items():
            assert browser.post(address, fields).status_code == 403
        assert door.people(lasting.url) == before
        assert door.tokens(lasting.url, lasting.asker("a.admin")) == []


def test_an_administrator_sees_nothing_of_a_case_anywhere(lasting: Site) -> None:
    browser = Browser(lasting, "a.admin")
    for address in ("/", *PAGES):
        text = browser.get(address).text
        assert not re.search(r"\bPR\d|\bR[12]\b|DEC-0|/cases", text), address
    for address in ("/rules", "/runs", "/runs/1", "/trail", "/reports", "/exceptions"):
        assert browser.get(address).status_code == 403


def test_everybody_is_listed_with_the_state_of_their_account(site: Site) -> None:
    for _ in range(MOST_FAILED):
        Browser(site).sign_in("r.reviewer", "wrong wrong wrong")
    door.strike_off(site.url, site.asker("a.admin"), "s.second")
    door.register(site.url, site.asker("a.admin"), "w.without", "reviewer", [])
    Browser(site, "m.manager")
    browser = Browser(site, "a.admin")
    text = browser.get("/people").text
    rows = dict(re.findall(r'name=([\w.]+)">(.*?)</tr>', text, re.DOTALL))
    assert rows.keys() == {*ROLES, "m.reader", "w.without"}
    assert "locked</strong> until" in rows["r.reviewer"]
    assert "struck off" in rows["s.second"]
    assert "no password" in rows["w.without"]
    assert '--numeric">1</td>' in rows["m.manager"]
    assert "(you)" in rows["a.admin"]
    locked = browser.get("/people?locked=yes").text
    assert re.findall(r'name=([\w.]+)">', locked) == ["r.reviewer"]


def test_somebody_is_registered_and_chooses_a_password_of_their_own(site: Site) -> None:
    browser = Browser(site, "a.admin")
    fields = {**NEW, "teams": ["North"], "other_teams": "East\r\n\r\n North \nWest",
              "password": GIVEN}  # fmt: skip
    answer = browser.post("/people", fields, shown_at="/people/new")
    assert answer.headers["location"] == "/people/edit?name=n.new&done=registered"
    text = told(browser.follow(answer))
    assert "They are registered" in text
    assert GIVEN not in text
    assert known(site, "n.new") == ("reviewer", ("North", "East", "West"), True)
    theirs = Browser(site)
    assert theirs.follow(theirs.sign_in("n.new", GIVEN)).headers["location"] == "/account/password"


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"name": ""}, "Enter the name"), ({"role": ""}, "Choose the role"),
     ({"role": "boss"}, "is no role"), ({"name": "r.reviewer"}, "registered already"),
     ({"name": "system:x"}, "is no name of a person"), ({"name": "x" * 201}, "1 to 200 characters"),
     ({"password": "short"}, "12 to 200 characters"), ({"password": "a" * 20}, "easily guessed")],
)  # fmt: skip
def test_what_is_wrong_with_somebody_new_is_said_and_no_password_shown_again(
    lasting: Site, changed: dict[str, str], said: str
) -> None:
    before = door.people(lasting.url)
    fields = {**NEW, "other_teams": "Harbour", **changed}
    answer = Browser(lasting, "a.admin").post("/people", fields, shown_at="/people/new")
    assert answer.status_code == 422
    assert said in told(answer)
    assert "Harbour" in answer.text
    assert 'value="short"' not in answer.text
    assert "a" * 20 not in answer.text
    assert "--" not in told(answer)
    assert door.people(lasting.url) == before


def test_role_and_teams_are_changed_at_once_for_whoever_is_signed_in(site: Site) -> None:
    theirs, browser = Browser(site, "m.manager"), Browser(site, "a.admin")
    assert theirs.get("/exceptions/new").status_code == 200
    fields = {"name": "m.manager", "role": "reviewer", "teams": ["South"], "other_teams": ""}
    answer = browser.post("/people/edit", fields)
    assert "Role and teams are kept" in told(browser.follow(answer))
    assert known(site, "m.manager") == ("reviewer", ("South",), True)
    assert theirs.get("/exceptions/new").status_code == 403
    page = browser.get("/people/edit?name=m.manager").text
    assert re.search(r'value="South" checked', page)
    assert re.search(r'value="reviewer" checked', page)
    answer = browser.post("/people/edit", {**fields, "role": ""})
    assert answer.status_code == 422
    assert "Choose the role" in told(answer)


def test_whoever_is_struck_off_is_out_at_once_and_comes_in_anew_when_registered_again(
    site: Site,
) -> None:
    theirs, browser = Browser(site, "r.reviewer"), Browser(site, "a.admin")
    token = "trt_of_theirs"
    until = site.asker("a.admin").today
    door.make_token(site.url, site.asker("a.admin"), "r.reviewer", "x", until, token)
    answer = browser.post("/people/strike-off", {"name": "r.reviewer"})
    assert answer.status_code == 422
    assert "Confirm that r.reviewer is to be struck off" in told(answer)
    answer = browser.post("/people/strike-off", {"name": "r.reviewer", "sure": "yes"})
    assert "They are struck off" in told(browser.follow(answer))
    assert theirs.get("/").status_code == 303
    assert Browser(site).sign_in("r.reviewer").status_code == 422
    answer = browser.post("/people/password", {"name": "r.reviewer", "password": GIVEN})
    assert answer.status_code == 422
    again = {"name": "r.reviewer", "role": "reviewer", "other_teams": ""}
    assert browser.post("/people/edit", again).status_code == 303
    assert theirs.get("/").status_code == 303
    assert door.token_of(site.url, token, site.asker(None)) is None
    assert Browser(site).sign_in("r.reviewer").status_code == 303


@pytest.mark.parametrize(
    ("address", "fields"),
    [("/people/strike-off", {"sure": "yes"}),
     ("/people/edit", {"role": "reviewer", "other_teams": ""})],
)  # fmt: skip
def test_the_last_administrator_stays(lasting: Site, address: str, fields: dict[str, str]) -> None:
    browser = Browser(lasting, "a.admin")
    answer = browser.post(address, {"name": "a.admin", **fields})
    assert answer.status_code == 409
    assert "Somebody has to administer the store" in told(answer)
    assert "triage people" not in told(answer)
    assert known(lasting, "a.admin") == ("administrator", (), True)


def test_an_administrator_who_strikes_off_themselves_is_signed_out(site: Site) -> None:
    door.register(site.url, site.asker("a.admin"), "b.admin", "administrator", [])
    browser = Browser(site, "a.admin")
    answer = browser.post("/people/strike-off", {"name": "a.admin", "sure": "yes"})
    assert answer.headers["location"] == "/sign-in"
    assert browser.get("/people").status_code == 303


def test_a_password_that_is_given_unlocks_and_ends_sessions(site: Site) -> None:
    theirs = Browser(site, "r.reviewer")
    for _ in range(MOST_FAILED):
        Browser(site).sign_in("r.reviewer", "wrong wrong wrong")
    browser = Browser(site, "a.admin")
    for password, said in (("", "Enter a first password"), ("short", "12 to 200 characters")):
        answer = browser.post("/people/password", {"name": "r.reviewer", "password": password})
        assert answer.status_code == 422
        assert said in told(answer)
    answer = browser.post("/people/password", {"name": "r.reviewer", "password": GIVEN})
    assert "The password is given" in told(browser.follow(answer))
    assert theirs.get("/").status_code == 303
    theirs = Browser(site)
    assert theirs.follow(theirs.sign_in("r.reviewer", GIVEN)).headers["location"] == (
        "/account/password"
    )
    answer = browser.post("/people/password", {"name": "a.admin", "password": GIVEN})
    assert answer.status_code == 422
    assert "Change your own password under your account" in told(answer)
    assert Browser(site).sign_in("a.admin", PASSWORD).status_code == 303


def test_sessions_are_ended_of_others_all_and_of_oneself_all_but_this_one(site: Site) -> None:
    theirs, other, browser = (
        Browser(site, "r.reviewer"), Browser(site, "a.admin"), Browser(site, "a.admin"),
    )  # fmt: skip
    answer = browser.post("/people/sessions", {"name": "r.reviewer"})
    assert "Their sessions have ended" in told(browser.follow(answer))
    assert theirs.get("/").status_code == 303
    browser.post("/people/sessions", {"name": "a.admin"})
    assert other.get("/").status_code == 303
    assert browser.get("/people").status_code == 200


def test_nobody_of_a_name_is_not_found(lasting: Site) -> None:
    browser = Browser(lasting, "a.admin")
    assert browser.get("/people/edit?name=n.nobody").status_code == 404
    assert browser.get("/people/edit").status_code == 404
    for address in ("/people/edit", "/people/strike-off", "/people/password", "/people/sessions"):
        assert browser.post(address, {"name": "n.nobody", "role": "x"}).status_code == 404


def test_a_token_is_shown_once_and_lets_a_program_in_until_it_is_ended(site: Site) -> None:
    browser = Browser(site, "a.admin")
    answer = browser.post("/tokens", FOR_R)
    assert answer.status_code == 200
    (token,) = re.findall(r"<code>(trt_[\w-]{43})</code>", answer.text)
    assert answer.headers["cache-control"] == "no-store"
    text = browser.get("/tokens").text
    assert token not in text
    assert "weekly figures" in text
    viewer = door.token_of(site.url, token, site.asker(None))
    assert viewer is not None
    assert (viewer.name, viewer.role) == ("r.reviewer", "reviewer")
    assert token not in repr(door.audit_log(site.url, site.asker("a.auditor")))
    answer = browser.post("/tokens/1/end", shown_at="/tokens")
    assert "The token is ended" in told(browser.follow(answer))
    assert door.token_of(site.url, token, site.asker(None)) is None
    for number in ("1", "99", "0", str(2**70)):
        assert browser.post(f"/tokens/{number}/end", shown_at="/tokens").status_code == 404


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"name": ""}, "Choose whom"), ({"label": " "}, "Enter what the token is for"),
     ({"label": "x" * 101}, "100 characters or fewer"), ({"until": ""}, "Enter the last day"),
     ({"until": "2020-01-01"}, "from today on, within a year"),
     ({"until": "2099-01-01"}, "from today on, within a year"),
     ({"name": "n.nobody"}, "Nobody of the name n.nobody")],
)  # fmt: skip
def test_what_is_wrong_with_a_token_is_said(
    lasting: Site, changed: dict[str, str], said: str
) -> None:
    answer = Browser(lasting, "a.admin").post("/tokens", {**FOR_R, **changed})
    assert answer.status_code == 422
    assert said in told(answer)
    assert "trt_" not in answer.text
    assert door.tokens(lasting.url, lasting.asker("a.admin")) == []
