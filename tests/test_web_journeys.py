"""Whole days at the pages, of each role, in a real browser: with script, without, by keyboard."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import opened_chromium as opened_chromium
from browser import problems, sideways
from pages_served import Person, pages_of
from stores import NewStore, OwnStore
from web_helpers import PASSWORD, add_people
from work_helpers import night, rows

from triage import store as door

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NEW_PASSWORD = "quite another afternoon"


@contextmanager
def staffed(new_store: NewStore, folder: Path) -> Iterator[OwnStore]:
    """A store of some cases, with people who can sign in."""
    with new_store(folder) as made:
        night(made, folder, rows(8))
        add_people(made)
        yield made


@pytest.fixture(scope="module")
def own(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnStore]:
    with staffed(new_store, tmp_path_factory.mktemp("staffed")) as made:
        yield made


@dataclass(frozen=True)
class Place:
    """Where the pages are, whether scripts run there, and the store behind them."""

    address: str
    with_script: bool
    own: OwnStore


@pytest.fixture(scope="module", params=[True, False], ids=["with script", "without"])
def place(
    request: pytest.FixtureRequest, new_store: NewStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("journeys")
    with staffed(new_store, folder) as made, pages_of(made, folder) as address:
        yield Place(address, request.param, made)


@pytest.fixture
def somebody(chromium: Browser, place: Place) -> Iterator[Person]:
    one = Person(chromium, place.address, with_script=place.with_script)
    yield one
    one.page.context.close()


def answer(somebody: Person, **other: str) -> None:
    """Fill in the form of a review as far as it is to be chosen."""
    page = somebody.page
    chosen = {
        "is_re_referral": "yes", "closure_right": "no", "threshold_right": "yes",
        "risk_identified": "partly", "oversight": "weak", "avoidable": "avoidable",
        "grade": "requires improvement to be good", **other,
    }  # fmt: skip
    for name, value in chosen.items():
        page.locator(f'input[name="{name}"][value="{value}"]').check()
    for one in page.locator('input[name^="flags_useful."][value="yes"]').all():
        one.check()
    page.locator("#main_reason").select_option("R02")
    page.locator("#learning").fill("Check with the school before the case is closed.")


def test_a_case_goes_its_whole_way_from_the_night_to_the_shelf(
    somebody: Person, place: Place
) -> None:
    page = somebody.page

    # The manager finds a case and gives it to a reviewer.
    somebody.sign_in("m.manager")
    somebody.follow("Queue")
    page.locator('input[name="severity"][value="critical"]').check()
    somebody.press("Apply")
    found = re.search(r"/cases/(\d+)", page.content())
    assert found is not None
    case = int(found[1])
    somebody.follow(f"Case {case}", exact=False)
    somebody.go(f"/cases/{case}/assign")
    somebody.press("Assign")
    assert "There is a problem" in somebody.words
    page.locator("#to").select_option("r.reviewer")
    somebody.press("Assign")
    assert "r.reviewer" in somebody.words
    somebody.sign_out()

    # The reviewer claims it, forgets something, mends it, and submits.
    somebody.sign_in("r.reviewer")
    somebody.press("Claim the next case")
    assert page.url.split("?")[0].endswith(f"/cases/{case}")
    page.locator("#text").fill("Rang the referrer.")
    somebody.press("Keep the note")
    assert "Rang the referrer." in somebody.words
    somebody.press("Review this case")
    somebody.press("Start the review")
    page.locator('input[name="is_re_referral"][value="yes"]').check()
    somebody.press("Keep as a draft")
    somebody.go(f"/cases/{case}/review")
    assert page.locator('input[name="is_re_referral"][value="yes"]').is_checked()
    somebody.press("Submit the review")
    summary = page.locator(".govuk-error-summary")
    assert "There is a problem" in summary.inner_text()
    page.locator(".govuk-error-summary a").first.click()
    is_there = page.evaluate("document.activeElement.matches('input, select, textarea')") if (
        somebody.with_script) else "#" in page.url  # fmt: skip
    assert is_there
    answer(somebody)
    somebody.press("Add an action")
    page.locator('[name="actions.0.kind"]').select_option("visit")
    page.locator('[name="actions.0.owner"]').fill("r.reviewer")
    page.locator('[name="actions.0.due_on"]').fill("yesterday")
    somebody.press("Submit the review")
    assert "Enter a day" in somebody.words
    assert page.locator("#learning").input_value().startswith("Check with the school")
    page.locator('[name="actions.0.due_on"]').fill("31/12/2049")
    somebody.press("Submit the review")
    assert "The review is submitted" in somebody.words
    somebody.go(f"/cases/{case}")
    assert "actions open" in somebody.words.casefold()
    somebody.sign_out()

    # Another manager wants it seen by a second pair of eyes.
    somebody.sign_in("m.manager")
    somebody.go(f"/cases/{case}/second")
    page.locator("#reason").fill("It is a hard one.")
    somebody.press("Ask for a second review")
    somebody.sign_out()

    # The second reviewer does not see the first one's answers, and disagrees.
    somebody.sign_in("s.second")
    somebody.follow("Second reviews")
    somebody.go(f"/cases/{case}/second-review")
    somebody.press("Start the second review")
    assert "Check with the school" not in page.content()
    answer(somebody, grade="good", oversight="effective")
    somebody.press("Submit the second review")
    somebody.sign_out()

    # Somebody else settles it.
    somebody.sign_in("m.reader")
    somebody.go(f"/cases/{case}/differences")
    assert "weak" in somebody.words.casefold()
    somebody.go(f"/cases/{case}/moderation")
    answer(somebody, grade="good")
    page.locator("#reason").fill("The oversight note was there, and said little.")
    somebody.press("Settle the two reviews")
    somebody.sign_out()

    # What was asked for is done, and the case is closed.
    somebody.sign_in("r.reviewer")
    somebody.follow("Actions")
    somebody.go("/actions?owner=r.reviewer")
    number = door.actions_of(place.own.url, _asker("r.reviewer"), case_id=case)[0].id
    somebody.go(f"/actions/{number}/done")
    somebody.press("It is done")
    assert "There is a problem" in somebody.words
    page.locator("#evidence").fill("Visit recorded.")
    somebody.press("It is done")
    somebody.go(f"/cases/{case}")
    assert "closed" in somebody.words
    somebody.go(f"/cases/{case}/reviews")
    assert "weak" in somebody.words.casefold()
    somebody.sign_out()


def _asker(name: str) -> door.Asker:
    return door.Asker(name, (), dt.datetime.now(dt.UTC))


def test_an_auditor_opens_a_report_and_checks_the_trail(somebody: Person) -> None:
    page = somebody.page
    somebody.sign_in("a.auditor")
    somebody.follow("Reports")
    page.locator('input[name="kind"][value="rules"]').check()
    page.locator('input[name="publish"][value="no"]').check()
    somebody.press("Make the report")
    link = page.get_by_role("link", name=re.compile("^Open the page")).first
    answered = page.request.get(somebody.base + str(link.get_attribute("href")))
    assert answered.status == 200
    assert "text/html" in answered.headers["content-type"]
    assert "sandbox" in answered.headers["content-security-policy"]
    somebody.follow("Trail")
    somebody.press("Check the whole trail")
    assert "whole" in somebody.words
    somebody.follow("Runs")
    somebody.go("/runs/1")
    somebody.follow("Rules")
    somebody.go("/rules/DEC-01")
    somebody.go("/samples")
    somebody.go("/second/agreement")
    somebody.go("/nowhere") if not somebody.with_script else None
    somebody.go("/account")
    somebody.sign_out()


def test_an_administrator_registers_somebody_who_comes_in(
    somebody: Person,
) -> None:
    page, name = somebody.page, "n.new"
    somebody.sign_in("a.admin")
    somebody.follow("People")
    somebody.go("/people/new")
    page.locator("#name").fill(name)
    page.locator('input[name="role"][value="reviewer"]').check()
    for field in page.locator('input[type="password"]').all():
        field.fill("given by somebody else")
    somebody.press("Register")
    assert name in somebody.words
    somebody.go("/tokens")
    somebody.sign_out()
    somebody.sign_in(name, "given by somebody else")
    assert page.url.endswith("/account/password")
    page.locator("#old").fill("given by somebody else")
    page.locator("#new").fill(NEW_PASSWORD)
    page.locator("#again").fill(NEW_PASSWORD)
    somebody.press("Change password")
    assert "Your new password is kept" in somebody.words
    somebody.sign_out()


def test_a_reviewer_needs_no_mouse(chromium: Browser, own: OwnStore, tmp_path: Path) -> None:
    with pages_of(own, tmp_path) as address:
        one = Person(chromium, address)
        page = one.page
        page.goto(f"{address}/sign-in")
        page.keyboard.press("Tab")
        assert page.locator(":focus").inner_text() == "Skip to main content"
        tab_to(one, "#name")
        page.keyboard.type("r.reviewer")
        tab_to(one, "#password")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/")
        enter(one, 'form[action="/queue/claim-next"] button', re.compile(r"/cases/\d+"))
        enter(one, 'a[href$="/review"]', re.compile(r"/review$"))
        tab_to(one, 'button:has-text("Start the review")')
        page.keyboard.press("Enter")
        page.wait_for_selector('input[name="is_re_referral"]')
        tab_to(one, 'input[name="is_re_referral"]')
        page.keyboard.press("Space")
        assert page.locator('input[name="is_re_referral"]').first.is_checked()
        tab_to(one, 'button[name="button"][value="submit"]')
        page.keyboard.press("Enter")
        page.wait_for_selector(".govuk-error-summary")
        assert page.evaluate("document.activeElement.classList.contains('govuk-error-summary')")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.matches('input, select, textarea')")
        fill_in_by_keys(one)
        enter(one, 'button[name="button"][value="submit"]', re.compile(r"/reviews"))
        assert "The review is submitted" in one.words
        enter(one, '.govuk-service-navigation a:has-text("Actions")', re.compile(r"/actions"))
        enter(one, 'a[href$="/done"]', re.compile(r"/done$"))
        tab_to(one, "#evidence")
        page.keyboard.type("The visit is recorded.")
        enter(one, 'button:has-text("It is done")', re.compile(r"/cases/\d+|/actions(?!/\d)"))
        assert own.value("SELECT count(*) FROM \"case\" WHERE status = 'closed'") == 1
        enter(one, 'button:has-text("Sign out")', re.compile(r"/sign-in"))
        page.context.close()


def enter(one: Person, selector: str, until: str | re.Pattern[str]) -> None:
    """Go to a link or button by Tab, press Enter, and wait for the page that it leads to."""
    tab_to(one, selector)
    one.page.keyboard.press("Enter")
    one.page.wait_for_url(until)


def fill_in_by_keys(one: Person) -> None:
    """Answer the rest of a review by keys alone, and ask for a visit; the focus goes downwards."""
    keys = one.page.keyboard
    tab_to(one, "#main_reason")
    keys.press("ArrowDown")
    for name in ("closure_right", "threshold_right", "risk_identified", "oversight", "avoidable",
                 "grade"):  # fmt: skip
        tab_to(one, f'input[name="{name}"]')
        keys.press("Space")
        keys.press("ArrowDown")
    tab_to(one, 'input[name^="flags_useful."]')
    keys.press("Space")
    tab_to(one, "#learning")
    keys.type("Ask the school.")
    tab_to(one, 'button:has-text("Add an action")')
    keys.press("Enter")
    one.page.wait_for_selector('[name="actions.0.kind"]')
    tab_to(one, '[name="actions.0.kind"]')
    keys.press("ArrowDown")
    tab_to(one, '[name="actions.0.owner"]')
    keys.type("r.reviewer")
    tab_to(one, '[name="actions.0.due_on"]')
    keys.type("31/12/2049")


_IS_SEEN = """() => {
  const one = document.activeElement, beside = one.nextElementSibling || one;
  const look = () => [getComputedStyle(one), getComputedStyle(beside, '::before')]
    .map(s => s.outline + s.boxShadow + s.backgroundColor).join();
  const focused = look();
  one.blur();
  const plain = look();
  one.focus();
  return focused !== plain;
}"""
"""Whether what has the focus looks otherwise than without; a round button is drawn beside it."""


def tab_to(one: Person, selector: str) -> None:
    """Press Tab until an element has the focus, as each can be reached, and be seen to have it."""
    for _ in range(200):
        if one.page.evaluate(
            "one => document.activeElement.matches(one)", selector.split(":has-text")[0]
        ):
            wanted = re.search(r':has-text\("(.*)"\)', selector)
            if wanted is None or wanted[1] in one.page.locator(":focus").inner_text():
                assert one.page.evaluate(_IS_SEEN), f"nothing shows that {selector} has the focus"
                return
        one.page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by keyboard on {one.page.url}")


def test_text_of_twice_the_size_stays_on_the_page_and_a_case_can_be_printed(
    chromium: Browser, own: OwnStore, tmp_path: Path
) -> None:
    with pages_of(own, tmp_path) as address:
        one = Person(chromium, address, bypasses_csp=True)
        one.sign_in("m.manager")
        for where in ("/", "/queue", "/cases/1", "/rules", "/runs/1"):
            one.page.goto(address + where)
            one.page.add_style_tag(content="html { font-size: 200% !important }")
            assert sideways(one.page) <= 0, where
        one.go("/cases/1")
        one.page.emulate_media(media="print")
        assert not one.page.locator(".govuk-button:visible").count()
        assert one.page.get_by_text("What to check").first.is_visible()
        assert not problems(one.page)
        one.page.context.close()


def test_the_checks_themselves_find_what_is_wrong(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content(
        "<html lang=en><title>x</title><main><h1>x</h1><img src='data:,'><input>"
        + "<p>a</p>" * 20
        + "<div style='width:3000px'>wide</div></main>"
    )
    assert {name for name, _ in problems(page)} >= {"image-alt", "label"}
    assert sideways(page) > 0
    page.close()
