"""Who comes in by OpenID Connect, and as what: registered, newcomers by their groups, nobodies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from oidc_pages import NORTH, by, came_back, events, went
from oidc_pages import _secret as _secret
from oidc_pages import address as address
from oidc_pages import bent as bent
from oidc_pages import lasting as lasting
from oidc_pages import site as site
from oidc_servers import BentProvider
from web_helpers import Browser, told
from work_helpers import asker

from triage import store as door
from triage.web.site import Site


def test_somebody_who_is_not_registered_is_told_whom_to_ask(site: Site, address: str) -> None:
    served = by(site, address)
    browser = Browser(served)
    answer = went(browser, "2")
    assert answer.status_code == 403
    assert "not registered here. Ask an administrator" in told(answer)
    assert events(site)[-1] == ("sign-in failed", "account:web")
    web = served.settings.web.model_copy(update={"contact": "the data team, ext. 4321"})
    asked = replace(served, settings=served.settings.model_copy(update={"web": web}))
    assert "Ask the data team, ext. 4321." in told(went(Browser(asked), "2"))
    door.strike_off(site.url, asker("a.admin"), "r.reviewer")
    assert went(browser, "1").status_code == 403
    assert browser.get("/").status_code == 303


def test_whoever_is_in_a_group_is_registered_as_it_says_and_kept_in_step(
    site: Site, address: str
) -> None:
    browser = Browser(by(site, address, groups={"north": NORTH}))
    for _ in range(2):
        assert went(browser, "3").status_code == 303
    found = {one.name: one for one in door.people(site.url)}["n.newcomer"]
    assert (found.role, found.teams) == ("reviewer", ("North",))
    assert events(site).count(("person registered", "system:oidc")) == 1
    other = Browser(by(site, address, groups={"north": {"role": "auditor"}}))
    assert "n.newcomer, auditor" in told(other.follow(went(other, "3")))
    assert events(site).count(("person registered", "system:oidc")) == 2
    door.strike_off(site.url, asker("a.admin"), "n.newcomer")
    answer = went(Browser(by(site, address, groups={"north": NORTH})), "3")
    assert answer.status_code == 403
    assert "administrator took away the rights" in told(answer)
    assert not {one.name: one for one in door.people(site.url)}["n.newcomer"].is_active


def test_whoever_left_the_group_that_they_came_in_by_comes_in_no_more(
    site: Site, bent: BentProvider
) -> None:
    served = by(site, bent.address, groups={"north": NORTH})
    bent.claims = {"preferred_username": "n.newcomer", "groups": ["north", 7]}
    assert came_back(Browser(served), bent).status_code == 303
    for left in ([], ["south"], None, 7):
        bent.claims["groups"] = left
        answer = came_back(Browser(served), bent)
        assert answer.status_code == 403
        assert "in no group that comes in" in told(answer)
    bent.claims = {}
    assert came_back(Browser(served), bent).status_code == 303, "an administrator registered them"


def test_groups_that_disagree_are_not_guessed_among(site: Site, bent: BentProvider) -> None:
    groups = {"north": NORTH, "again": NORTH, "boss": {"role": "administrator"},
              "south": {"role": "reviewer", "teams": ["South"]}}  # fmt: skip
    served = by(site, bent.address, groups=groups)
    for of in (["north", "boss"], ["north", "south"]):
        bent.claims = {"preferred_username": "n.newcomer", "groups": of}
        answer = came_back(Browser(served), bent)
        assert answer.status_code == 403
        assert "several groups" in told(answer)
    assert "n.newcomer" not in {one.name for one in door.people(site.url)}
    bent.claims["groups"] = ["north", "again", "unknown"]
    assert came_back(Browser(served), bent).status_code == 303


def test_a_group_does_not_take_the_last_administrator_away(site: Site, bent: BentProvider) -> None:
    bent.claims = {"preferred_username": "a.admin", "groups": "north"}
    answer = came_back(Browser(by(site, bent.address, groups={"north": NORTH})), bent)
    assert answer.status_code == 409
    assert "somebody has to administer the store" in told(answer).casefold()


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"preferred_username": None}, "its claim preferred_username is missing"),
        ({"preferred_username": " "}, "is missing"),
        ({"preferred_username": 7}, "is missing"),
        ({"preferred_username": "system:nightly"}, "is no name of a person"),
        ({"preferred_username": "a\u202eb"}, "characters that can be printed"),
        ({"preferred_username": "R.REVIEWER", "groups": None}, "not registered"),
    ],
)
def test_a_name_that_is_nobodys_does_not_come_in(
    lasting: Site, bent: BentProvider, claims: dict[str, Any], said: str
) -> None:
    bent.claims = {"groups": ["north"], **claims}
    answer = came_back(Browser(by(lasting, bent.address, groups={"north": NORTH})), bent)
    assert answer.status_code in (403, 409)
    assert said in told(answer)


def test_an_address_that_the_provider_has_not_verified_is_no_name(
    lasting: Site, bent: BentProvider
) -> None:
    bent.claims = {"email": "r.reviewer", "email_verified": False}
    served = by(lasting, bent.address, name_claim="email")
    answer = came_back(Browser(served), bent)
    assert answer.status_code == 403
    assert "not verified your e-mail" in told(answer)
    bent.claims["email_verified"] = True
    assert came_back(Browser(served), bent).status_code == 303


def test_what_the_id_token_leaves_out_is_asked_for_of_the_same_person(
    lasting: Site, bent: BentProvider
) -> None:
    bent.claims = {"preferred_username": None}
    bent.told_when_asked = {"sub": "17", "preferred_username": "r.reviewer"}
    assert came_back(Browser(by(lasting, bent.address)), bent).status_code == 303
    bent.told_when_asked = {"sub": "18", "preferred_username": "r.reviewer"}
    answer = came_back(Browser(by(lasting, bent.address)), bent)
    assert "spoke of somebody else" in told(answer)
