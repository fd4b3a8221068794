"""A real browser for tests of pages, and the checks of accessibility that run in it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
_HOW = "apt install chromium fonts-liberation; pip install playwright axe-playwright-python"
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@pytest.fixture(scope="module", name="chromium")
def opened_chromium() -> Iterator[Browser]:
    """Chromium, for the tests of one module: while it is open no other event loop can run."""
    playwright = pytest.importorskip("playwright.sync_api", reason=f"no Playwright: {_HOW}")
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium: {_HOW}")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(_FLAGS))
        yield browser
        browser.close()


def opened(browser: Browser, file: Path, width: int = 1280) -> tuple[Page, list[str]]:
    """Open a file; gives the page, and what was asked for while it was open."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    return page, asked


def problems(page: Page) -> list[tuple[str, str]]:
    """Return what axe-core finds wrong: the rule, and the first element that breaks it."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None, _HOW
    assert spec.origin is not None
    page.evaluate(Path(spec.origin).with_name("axe.min.js").read_text("utf-8"))
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", list(_TAGS)
    )
    assert len(found["passes"]) > 10, "axe looked at next to nothing"
    return [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]


def sideways(page: Page) -> int:
    """Return how many pixels of a page lie beyond the window's side."""
    found: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return found
