"""What is done with one case on its pages: held, noted, put off, closed, and by whom."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import NewStore, OwnStore
from web_helpers import READER, Browser, peopled, told
from web_one_case import NIGHT_BEFORE, NORTH, SECRET, SOUTH, number_of, referrals
from work_helpers import (
    ANSWERS,
    AS_OF,
    DECIDED,
    asker,
    case_of,
    night,
    to_do,
)

from triage import store as door
from triage.casework import STATUSES
from triage.web.deeds import TOLD
from triage.web.site import Site


@pytest.fixture
def site(store: OwnStore, workplace: Path) -> Iterator[Site]:
    night(store, workplace, referrals())
    with peopled(store, workplace) as served:
        yield served


@pytest.fixture(scope="module")
def lasting(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A store for tests that change nothing but the trail, of two nights."""
    folder = tmp_path_factory.mktemp("lasting")
    with new_store(folder) as own:
        night(own, folder, referrals(team="Early"), as_of=NIGHT_BEFORE)
        night(own, folder, referrals())
        with peopled(own, folder) as served:
            yield served


def test_a_case_is_claimed_renewed_and_given_back(site: Site, store: OwnStore) -> None:
    number, browser = number_of(site, NORTH), Browser(site, "r.reviewer")
    page = browser.follow(browser.post(f"/cases/{number}/claim"))
    assert "You hold the case for the next hour" in told(page)
    assert "Held by r.reviewer, until" in told(page)
    assert f'action="/cases/{number}/claim"' not in page.text
    assert f'href="/cases/{number}/review"' in page.text
    other = Browser(site, "s.second")
    page = other.get(f"/cases/{number}")
    for end in ("claim", "release", "review"):
        assert f'"/cases/{number}/{end}"' not in page.text
    answer = other.post(f"/cases/{number}/claim")
    assert answer.status_code == 409
    assert "is held by r.reviewer" in told(answer)
    assert other.post(f"/cases/{number}/release").status_code == 409
    page = browser.follow(browser.post(f"/cases/{number}/release"))
    assert "The case is given back" in told(page)
    assert case_of(store, number)["status"] == "new"


def test_what_waits_for_somebody_is_offered_to_them_and_to_managers(site: Site) -> None:
    number = number_of(site, NORTH)
    door.assign(site.url, asker("m.manager"), [number], "s.second")
    offered = {
        name: f'action="/cases/{number}/claim"' in Browser(site, name).get(f"/cases/{number}").text
        for name in ("r.reviewer", "s.second", "m.manager", "a.auditor")
    }
    assert offered == {"r.reviewer": False, "s.second": True, "m.manager": True, "a.auditor": False}
    answer = Browser(site, "r.reviewer").post(f"/cases/{number}/claim")
    assert answer.status_code == 409
    assert "waits for s.second" in told(answer)


def test_a_note_is_kept_as_it_was_typed_and_runs_nothing(site: Site) -> None:
    number, browser = number_of(site, NORTH), Browser(site, "r.reviewer")
    text = "Rang <script>alert(1)</script>\nthe school & the GP"
    page = browser.follow(browser.post(f"/cases/{number}/notes", {"text": text}))
    assert "The note is kept" in told(page)
    assert "Rang &lt;script&gt;alert(1)&lt;/script&gt;\nthe school &amp; the GP" in page.text
    for empty in ("", "  \n "):
        answer = browser.post(f"/cases/{number}/notes", {"text": empty})
        assert answer.status_code == 422
        assert "Enter the note" in told(answer)
        assert 'href="#text"' in answer.text
    answer = browser.post(f"/cases/{number}/notes", {"text": "a\0b"})
    assert answer.status_code == 400
    assert "could not be read" in told(answer)


def test_each_deed_is_done_for_its_reason_and_told(site: Site, store: OwnStore) -> None:
    number, browser = number_of(site, NORTH), Browser(site, "m.manager")

    def do(name: str, **fields: str) -> str:
        assert browser.get(f"/cases/{number}/{name}").status_code == 200
        return told(browser.follow(browser.post(f"/cases/{number}/{name}", fields)))

    assert "is assigned" in do("assign", to="r.reviewer", reason="")
    assert "put off until that day" in do("snooze", until="9 October 2030", reason="court")
    said = do("boost", reason="a complaint came")
    assert "comes before its turn: a complaint came" in said
    assert "put off until 9 October 2030" in said
    assert "closed without a review" in do("close", reason="a duplicate")
    said = do("reopen", reason="it was none")
    assert "is open again" in said
    for words in ("court", "a complaint came", "a duplicate", "it was none", "Case reopened",
                  "Case closed", "Case boosted", "Case snoozed until 9 October 2030",
                  "Case assigned"):  # fmt: skip
        assert words.split(" until")[0] in said, words
    assert case_of(store, number)["status"] == "new"


def test_only_deeds_of_its_status_are_offered_of_a_case(site: Site, store: OwnStore) -> None:
    number, browser = number_of(site, NORTH), Browser(site, "m.manager")
    offered = {}
    for status in STATUSES:
        store.execute(f"UPDATE \"case\" SET status = '{status}' WHERE id = {number}")
        page = browser.get(f"/cases/{number}").text
        offered[status] = {name for name in TOLD if f'href="/cases/{number}/{name}"' in page}
    assert offered == {
        "new": {"assign", "snooze", "boost", "close"},
        "claimed": {"assign", "snooze", "boost", "close"},
        "in review": {"assign", "snooze", "boost"},
        "awaiting second review": {"assign", "snooze", "boost"},
        "actions open": {"snooze", "boost"},
        "closed": {"reopen"},
    }


@pytest.mark.parametrize(
    ("deed", "fields", "status", "said"),
    [
        ("assign", {"reason": "x"}, 422, "Choose to whom"),
        ("assign", {"to": "n.nobody"}, 422, "Choose somebody of the list"),
        ("assign", {"to": "a.auditor"}, 422, "Choose somebody of the list"),
        ("snooze", {"reason": "x", "until": "31/2/2030"}, 422, "Enter a day"),
        ("snooze", {"reason": "x", "until": "1/1/2020"}, 422, "is not after the day"),
        ("snooze", {"reason": "", "until": "1/1/2030"}, 422, "Enter the reason"),
        ("boost", {"reason": " "}, 422, "Enter the reason"),
        ("close", {}, 422, "Enter the reason"),
        ("reopen", {"reason": "x"}, 409, "is new: to reopen it has to be closed"),
        ("second", {"reason": "x"}, 409, "is new: to ask for a second review"),
    ],
)
def test_a_mistake_in_a_deed_is_told_beside_its_field_and_changes_nothing(
    lasting: Site, deed: str, fields: dict[str, str], status: int, said: str
) -> None:
    number = number_of(lasting, NORTH)
    answer = Browser(lasting, "m.manager").post(f"/cases/{number}/{deed}", fields)
    assert answer.status_code == status
    assert said in told(answer)
    assert "--" not in told(answer)
    assert "<title>Error: " in answer.text
    if status == 422:
        field = re.search(r'href="#(\w+)"', answer.text[answer.text.index("error-summary") :])
        assert field is not None
        assert f'id="{field[1]}"' in answer.text
    for name, typed in fields.items():
        assert name == "to" or typed.strip() in answer.text
    who = asker("m.manager")
    assert door.listed_case(lasting.url, who, number).status == "new"


def test_a_case_is_given_only_to_those_who_see_it(lasting: Site) -> None:
    browser = Browser(lasting, READER)

    def offered(referral: str) -> set[str]:
        page = browser.get(f"/cases/{number_of(lasting, referral)}/assign").text
        return set(re.findall(r'<option value="([^"]+)"', page))

    everybody = {"r.reviewer", "s.second", "m.manager", READER}
    assert offered(NORTH) == everybody | {"n.north", "x.north"}
    assert offered(SOUTH) == everybody
    assert offered(SECRET) == {READER}


def test_a_second_review_is_asked_for_and_offered_to_whoever_may_do_it(
    site: Site, store: OwnStore
) -> None:
    number = number_of(site, NORTH)
    door.submit_review(site.url, asker("r.reviewer"), number,
                       ANSWERS | {"actions": [to_do("visit", "w.worker")]})  # fmt: skip
    manager = Browser(site, "m.manager")
    page = manager.get(f"/cases/{number}")
    assert f'href="/cases/{number}/second"' in page.text
    action = store.value("SELECT id FROM remedial_action")
    assert f'href="/actions/{action}/done"' in page.text
    answer = manager.post(f"/cases/{number}/second", {"reason": "a hard one"})
    assert "waits for a second review" in told(manager.follow(answer))
    address = f'href="/cases/{number}/second-review"'
    pages = {name: Browser(site, name).get(f"/cases/{number}") for name in
             ("r.reviewer", "s.second", "m.manager", "a.auditor")}  # fmt: skip
    assert {name for name, one in pages.items() if address in one.text} == {"s.second"}
    assert "which you cannot do: the first review is theirs" in told(pages["r.reviewer"])
    # Whoever may do the second review is told nothing of what the first led to.
    assert "/actions/" not in pages["s.second"].text
    assert "w.worker" not in pages["s.second"].text
    assert "a hard one" not in pages["s.second"].text
    assert "Review submitted" not in told(pages["s.second"])
    assert f"/actions/{action}/done" in pages["r.reviewer"].text
    assert "to be done" in told(pages["a.auditor"])


def test_a_case_of_which_no_flag_holds_says_so_and_keeps_what_it_was_opened_for(
    site: Site, store: OwnStore, workplace: Path
) -> None:
    number = number_of(site, NORTH)
    door.add_note(site.url, asker("r.reviewer"), number, "seen")
    door.claim(site.url, asker("r.reviewer"), number)
    night(store, workplace, referrals(**DECIDED), as_of=AS_OF + dt.timedelta(days=1))
    said = told(Browser(site, "r.reviewer").get(f"/cases/{number}"))
    assert "No flag of this case holds any more" in said
    assert "Flags that hold no more" in said
    assert "DEC-01" in said.partition("Flags that hold no more")[2]
