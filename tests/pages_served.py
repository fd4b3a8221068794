"""The pages served by a process of their own, and somebody at them with a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from browser import problems, sideways
from served import served
from stores import OwnStore
from web_helpers import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NARROW = 320
"""The width of a window in CSS pixels at which nothing may scroll sideways (WCAG 1.4.10)."""


@contextmanager
def pages_of(own: OwnStore, folder: Path) -> Iterator[str]:
    """Serve a store by the command; it ends quietly when it is told to."""
    with served(folder, "serve", "--db", own.url) as server:
        yield server.at
        assert server.stop() == 0, server.err.read_text("utf-8")


def _is_ours(said: str) -> bool:
    """Return whether the console tells of a mistake of ours; that a form was refused is none."""
    return not re.match(r"Failed to load resource: .* status of (403|404|409|422) ", said)


class Person:
    """Somebody at the pages, with or without script; each page that they come to is looked at."""

    def __init__(
        self, browser: Browser, base: str, *, with_script: bool = True, bypasses_csp: bool = False
    ) -> None:
        self.base = base
        self.with_script = with_script
        context = browser.new_context(
            viewport={"width": 1280, "height": 900},
            java_script_enabled=with_script,
            bypass_csp=bypasses_csp,
        )
        context.set_default_timeout(15_000)
        self.page: Page = context.new_page()
        self.said: list[str] = []
        self.page.on("console", lambda one: _is_ours(one.text) and self.said.append(one.text))
        self.page.on("pageerror", lambda one: self.said.append(str(one)))
        self.seen: set[str] = set()

    def go(self, address: str) -> None:
        self.page.goto(self.base + address)
        self.look()

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        self.go("/sign-in")
        self.page.get_by_label("Name", exact=True).fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.press("Sign in")

    def sign_out(self) -> None:
        self.press("Sign out")
        assert self.page.get_by_role("heading", name="Sign in").is_visible()

    def press(self, name: str) -> None:
        """Press a button by its words, and look at the page that comes."""
        self.page.get_by_role("button", name=name, exact=True).first.click()
        self.page.wait_for_load_state()
        self.look()

    def follow(self, name: str, *, exact: bool = True) -> None:
        """Follow a link by its words, and look at the page that comes."""
        self.page.get_by_role("link", name=name, exact=exact).first.click()
        self.page.wait_for_load_state()
        self.look()

    @property
    def words(self) -> str:
        """Return the words of the page's main part."""
        return " ".join(self.page.locator("main").inner_text().split())

    def look(self) -> None:
        """Hold the page to what every page is held to: sound, styled, and narrow enough.

        Without script there is nothing that could look at it beyond its own measures.
        """
        page = self.page
        assert page.locator("h1").count() == 1, page.url
        assert page.title().endswith(" – Re-referral triage"), page.title()
        assert not self.said, (page.url, self.said)
        if not self.with_script:
            return
        header = page.locator(".govuk-generic-header").evaluate(
            "one => getComputedStyle(one).backgroundColor"
        )
        assert header == "rgb(11, 12, 12)", f"{page.url} is not styled: {header}"
        found = problems(page)
        assert not found, (page.url, found)
        page.set_viewport_size({"width": NARROW, "height": 800})
        assert sideways(page) <= 0, f"{page.url} scrolls sideways at {NARROW} px"
        page.set_viewport_size({"width": 1280, "height": 900})
        self.seen.add(page.url.removeprefix(self.base).split("?")[0])
