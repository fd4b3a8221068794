"""Every page that there is, with something on it, held to what every page is held to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import opened_chromium as opened_chromium
from pages_served import Person, pages_of
from second_helpers import action, answers
from stores import NewStore, OwnStore
from test_web_rights import every_route
from web_helpers import add_people
from work_helpers import AS_OF, DECIDED, asker, night, row, rows

from triage import store as door
from triage.store.samples import Plan

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOR_PROGRAMS = {"health", "ready", "metrics", "oidc_start", "oidc_return", "report_file",
                "run_rejects"}  # fmt: skip
"""What answers a program, leads on to somewhere else, or gives a file of another document."""
NOT_THERE = ("/no-such-page", "/cases/999", "/rules/NO-01", "/runs/99", "/people/edit?name=nobody")
PAGES = {
    "": {"sign_in": "/sign-in", "accessibility": "/accessibility"},
    "r.reviewer": {
        "home": "/", "queue": "/queue?severity=critical&status=new", "case": "/cases/1",
        "case_night": "/cases/1/nights?on=2023-06-30", "review": "/cases/4/review",
        "reviews": "/cases/3/reviews", "action_done": "/actions/1/done",
        "hand_over": "/actions/1/hand-over", "account": "/account",
        "password": "/account/password", "supersede": "/cases/10/supersede",
        "search": "/search",
    },
    "s.second": {"second_list": "/second", "second": "/cases/2/second-review"},
    "m.manager": {
        "deed": "/cases/5/assign", "bulk": "/queue/bulk/assign?status=new", "due": "/due",
        "actions": "/actions", "samples": "/samples",
        "new_sample": "/samples/new", "exceptions": "/exceptions",
        "new_exception": "/exceptions/new", "agreement": "/second/agreement",
    },
    "m.reader": {"differences": "/cases/1/differences", "moderation": "/cases/1/moderation"},
    "a.auditor": {
        "rules": "/rules", "rule": "/rules/DEC-01", "runs": "/runs", "run": "/runs/2",
        "runs_beside": "/runs/beside?first=1&second=2", "run_beside": "/runs/1/beside/2",
        "trail": "/trail?who=r.reviewer",
        "reports": "/reports",
    },
    "a.admin": {"people": "/people", "new_person": "/people/new",
                "person": "/people/edit?name=s.second", "tokens": "/tokens"},
}  # fmt: skip
"""Who looks at which page, by the name of its route, where the store below has most to show."""
OTHERS = {
    "r.reviewer": ["/queue?severity=low", "/cases/6", "/cases/6/review"],
    "m.manager": [
        *(f"/cases/5/{deed}" for deed in ("snooze", "boost", "close", "second")),
        "/queue/bulk/snooze?status=new", "/queue?sort=-due", "/cases/3", "/cases/8",
        *NOT_THERE,
    ],
    "a.auditor": ["/trail?kind=night+run", "/trail?kind=no+such+kind"],
}  # fmt: skip
"""The same pages in another state, and those that say that there is no such page."""


def now(name: str) -> door.Asker:
    return door.Asker(name, (), dt.datetime.now(dt.UTC))


def filled(own: OwnStore, folder: Path) -> None:
    """Let two nights pass, and people do some of everything."""
    referrals = [*rows(7), row("R00007", restricted="true"), row("R00008", team="South")]
    night(own, folder, referrals)
    referrals[6].update(DECIDED)
    night(own, folder, [*referrals, row("R00009")], as_of=AS_OF + dt.timedelta(days=1))
    add_people(own)
    url, manager = own.url, asker("m.manager")
    for case in (1, 2, 3):
        asked = [action("r.reviewer"), action("nobody here", "escalation", "2023-07-10")]
        door.submit_review(url, asker("r.reviewer"), case, answers(actions=asked))
    for case in (1, 2):
        door.ask_for_second(url, manager, case, "a complaint")
    door.begin_second(url, asker("s.second"), 1)
    door.submit_second(
        url, asker("s.second"), 1, answers(grade="inadequate", learning="Another view.")
    )
    door.begin_second(url, now("s.second"), 2)
    door.begin_review(url, now("r.reviewer"), 4)
    door.save_draft(url, now("r.reviewer"), 4, {"is_re_referral": "yes"})
    door.add_note(url, asker("r.reviewer"), 1, "Rang the referrer, who was away.")
    door.draw_sample(url, manager, Plan("a seed", number=1))
    door.submit_review(url, asker("r.reviewer"), 10, answers())
    door.add_exception(
        url, manager, "DEC-01", child_id="PR00008", team=None, owner=None,
        until=dt.date(2049, 12, 31), why="The decision stands in another system.",
    )  # fmt: skip
    door.save_filter(url, asker("r.reviewer"), "What is new", "status=new")
    until = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)
    door.make_token(url, now("a.admin"), "s.second", "the warehouse", until, "a token of 1")


@pytest.fixture(scope="module")
def address(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("every-page")
    with new_store(folder) as own:
        filled(own, folder)
        with pages_of(own, folder) as found:
            yield found


def test_no_page_is_left_out() -> None:
    there = {name for name, method, path in every_route()
             if method == "GET" and not path.startswith("/api/")}  # fmt: skip
    listed = [name for pages in PAGES.values() for name in pages]
    assert sorted(listed) == sorted(there - FOR_PROGRAMS)


@pytest.mark.parametrize("who", PAGES)
def test_every_page_is_sound(chromium: Browser, address: str, who: str) -> None:
    one = Person(chromium, address)
    if who:
        one.sign_in(who)
    for name, page in PAGES[who].items():
        one.go(page)
        assert "there is a problem" not in one.words.casefold(), (name, one.words)
        answered = one.page.evaluate("performance.getEntries()[0].responseStatus")
        assert answered == 200, (name, one.words)
    for page in OTHERS.get(who, []):
        one.go(page)
    one.page.context.close()


def test_what_a_search_finds_is_sound_and_so_is_that_it_finds_nothing(
    chromium: Browser, address: str
) -> None:
    one = Person(chromium, address)
    one.sign_in("r.reviewer")
    for sought, found in (
        ("PR00004", "Case 5"),
        ("nobody", "There is no case"),
        ("", "There is a problem"),
    ):
        one.go("/search")
        one.page.locator("#sought").fill(sought)
        one.press("Search")
        assert found.casefold() in one.words.casefold(), one.words
    one.page.context.close()
