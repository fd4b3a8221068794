"""Sites at which a provider vouches for people: the real one, and ones that are not right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from oidc_servers import SECRET, BentProvider, real_provider, signed_in_there
from stores import OwnStore, in_a_file
from web_helpers import Browser, peopled, told
from work_helpers import asker, night, rows

from triage import store as door
from triage.settings_web import OIDC_SECRET
from triage.web.site import Site

NORTH = {"role": "reviewer", "teams": ["North"]}
PEOPLE: dict[str, dict[str, Any]] = {
    "1": {"preferred_username": "r.reviewer"},
    "2": {"preferred_username": "n.nobody"},
    "3": {"preferred_username": "n.newcomer", "groups": ["north"]},
    "4": {"preferred_username": "system:nightly", "groups": ["north"]},
}


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OIDC_SECRET, SECRET)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with real_provider(PEOPLE) as found:
        yield found


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site without a provider; tests name one."""
    folder = tmp_path_factory.mktemp("lasting")
    with in_a_file(folder) as own:
        night(own, folder, rows(3))
        with peopled(own, folder) as served:
            yield served


@pytest.fixture
def site(store: OwnStore, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv(OIDC_SECRET, SECRET)
    night(store, workplace, rows(3))
    with peopled(store, workplace) as served:
        yield served


@pytest.fixture
def bent() -> Iterator[BentProvider]:
    with BentProvider().running() as provider:
        yield provider


def by(site: Site, issuer: str, **oidc: Any) -> Site:
    """Return a site at which a provider vouches for people."""
    web = site.settings.web.model_validate({"oidc": {"issuer": issuer, **oidc}})
    return replace(site, settings=site.settings.model_copy(update={"web": web}))


def went(browser: Browser, sub: str, asked: str = "/oidc") -> Any:
    """Go to the real provider, sign in there, and come back."""
    away = browser.get(asked)
    assert away.status_code == 303, told(away)
    return browser.get(signed_in_there(away.headers["location"], sub))


def came_back(browser: Browser, provider: BentProvider) -> Any:
    away = browser.get("/oidc")
    assert away.status_code == 303, told(away)
    return browser.get(provider.sent_back(away.headers["location"]))


def events(site: Site) -> list[tuple[str, str]]:
    return [(one.kind, one.actor) for one in door.audit_log(site.url, asker("a.auditor"))]
