"""Remedial actions and samples on pages: listed, done, handed over; drawn by a seed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from review_pages import mistakes, typed
from stores import OwnStore
from web_helpers import Browser, peopled, told
from work_helpers import ANSWERS, asker, last_event, night, rows, to_do
from work_helpers import row as referral

from triage import store as door
from triage.sampling import Stratum
from triage.web.actions import ON_A_PAGE
from triage.web.samples import BY
from triage.web.site import Site

READER = asker("m.reader", readers=["m.reader"])


def reviewed(site: Site, number: int, *actions: dict[str, str], **changes: Any) -> None:
    answers = {**ANSWERS, "actions": list(actions), **changes}
    door.submit_review(site.url, READER, number, answers)


@pytest.fixture
def site(store: OwnStore, workplace: Path) -> Iterator[Site]:
    """Three cases with actions: of North, of South, and a restricted one of North."""
    night(store, workplace, [
        referral("A1"), referral("A2", team="South"), referral("A3", restricted="true"), *rows(3),
    ])  # fmt: skip
    with peopled(store, workplace) as served:
        reviewed(served, 1, to_do(due_on="2050-01-04"), to_do("feedback", "o.other"))
        reviewed(served, 2, to_do(owner="s.south"))
        reviewed(served, 3, to_do(owner="w.worker", kind="supervision"))
        yield served


def numbers(browser: Browser, query: str = "") -> list[int]:
    """Return the actions that a page lists, in its order."""
    page = browser.get(f"/actions{query}")
    return [int(number) for number in re.findall(r", of action (\d+)</span>", page.text)]


def test_actions_are_listed_the_soonest_due_first_and_by_what_is_chosen(site: Site) -> None:
    browser = Browser(site, "r.reviewer")
    assert numbers(browser) == [2, 3, 1]
    assert numbers(browser, "?owner=w.worker") == [1]
    assert numbers(browser, "?overdue=yes") == [2, 3]
    assert numbers(browser, "?team=South") == [3]
    assert numbers(browser, "?team=South&owner=w.worker") == []
    assert numbers(Browser(site, "m.reader")) == [2, 3, 4, 1]
    assert numbers(Browser(site, "n.north")) == [2, 1]
    page = browser.get("/actions?owner=w.worker&overdue=yes")
    assert 'href="/actions?overdue=yes"' in page.text
    assert "There is nothing to be done of what you chose" in told(page)
    assert typed(browser.get("/actions?owner=o.other&overdue=yes&all=yes")) == {
        "owner": "o.other", "team": "", "overdue": ["yes"], "all": ["yes"],
    }  # fmt: skip
    assert browser.get("/actions").text.count(">Overdue</strong>") == 2


def test_an_action_is_done_with_a_day_and_evidence_and_the_last_one_closes_the_case(
    site: Site, store: OwnStore
) -> None:
    browser, at = Browser(site, "r.reviewer"), "/actions/3/done"
    page = browser.get(at)
    assert "Visit the child" in told(page)
    today = dt.datetime.now(dt.UTC).astimezone().date()
    assert typed(page)["on"] == f"{today.day}/{today.month}/{today.year}"
    tomorrow = today + dt.timedelta(days=1)
    for fields, said in (
        ({"on": "", "evidence": ""}, {
            "on": "Enter the day on which it was done",
            "evidence": "Enter what shows that it was done",
        }),
        ({"on": "32/1/2026", "evidence": "e"}, {"on": "Enter a day, such as 9/10/2026"}),
        ({"on": tomorrow.isoformat(), "evidence": "e"},
         {"on": "The day on which it was done has not come yet"}),
    ):  # fmt: skip
        answer = browser.post(at, fields)
        assert (answer.status_code, mistakes(answer)) == (422, said)
        assert typed(answer)["on"] == fields["on"]
    answer = browser.post(at, {"on": "2023-07-05", "evidence": "visit <recorded>"})
    assert "The remedial action is done" in told(browser.follow(answer))
    assert store.value('SELECT status FROM "case" WHERE id = 2') == "closed"
    assert "Done 5 July 2023: visit <recorded>" in told(browser.get("/actions?all=yes"))
    assert numbers(browser) == [2, 1]
    assert numbers(browser, "?overdue=yes&all=yes") == [2]
    answer = browser.post(at, {"on": "2023-07-05", "evidence": "twice"})
    assert answer.status_code == 409
    assert typed(answer)["evidence"] == "twice"
    assert "Done 5 July 2023" in told(browser.get(at))


def test_an_action_is_handed_over_to_somebody_for_a_reason(site: Site, store: OwnStore) -> None:
    browser, at = Browser(site, "m.manager"), "/actions/3/hand-over"
    assert "no longer keeps the case open" in told(browser.get(at))
    answer = browser.post(at, {"to": "", "reason": ""})
    assert mistakes(answer) == {
        "to": "Enter to whom it is handed over", "reason": "Enter why it is handed over",
    }  # fmt: skip
    answer = browser.post(at, {"to": "x" * 201, "reason": "moved away"})
    assert answer.status_code == 422
    assert list(mistakes(answer)) == ["to"]
    assert typed(answer)["reason"] == "moved away"
    answer = browser.post(at, {"to": "Early Help", "reason": "moved away"})
    assert "no longer keeps the case open" in told(browser.follow(answer))
    assert store.value('SELECT status FROM "case" WHERE id = 2') == "closed"
    text = told(browser.get("/actions?all=yes"))
    assert "Handed over to Early Help: moved away" in text
    assert browser.post(at, {"to": "a", "reason": "b"}).status_code == 409


def test_an_action_of_a_case_that_somebody_may_not_see_is_not_there(
    site: Site, store: OwnStore
) -> None:
    north, before = Browser(site, "n.north"), store.rows("remedial_action")
    for number in (3, 4, 99):
        for way, fields in (
            ("done", {"on": "1/1/2024", "evidence": "e"}), ("done", {}),
            ("hand-over", {"to": "a", "reason": "b"}), ("hand-over", {}),
        ):  # fmt: skip
            assert north.get(f"/actions/{number}/{way}").status_code == 404
            assert north.post(f"/actions/{number}/{way}", fields).status_code == 404
    for name in ("a.auditor", "a.admin"):
        browser = Browser(site, name)
        assert browser.get("/actions/1/done").status_code == 403
        assert (
            browser.post("/actions/1/done", {"on": "1/1/2024", "evidence": "e"}).status_code == 403
        )
    auditor = Browser(site, "a.auditor").get("/actions")
    assert "To be done" in told(auditor)
    assert "/actions/1/done" not in auditor.text
    assert Browser(site, "a.admin").get("/actions").status_code == 403
    assert store.rows("remedial_action") == before


def test_a_long_list_is_shown_a_page_at_a_time(site: Site) -> None:
    many = [to_do(owner=f"w.{n}", due_on="2049-01-04") for n in range(ON_A_PAGE + 5)]
    reviewed(site, 4, *many)
    browser = Browser(site, "r.reviewer")
    assert len(numbers(browser)) == ON_A_PAGE
    rest = numbers(browser, "?page=2")
    assert len(rest) == 8
    assert not set(rest) & set(numbers(browser))
    for odd in ("0", "99", "-1", "x", "²", "9" * 30):
        assert browser.get("/actions", params={"page": odd}).status_code == 200
    assert 'href="/actions?team=North&amp;page=2"' in browser.get("/actions?team=North").text


FIELDS = {"seed": "2026-Q3", "share": "50", "number": "", "by": "team", "first_day": "",
          "last_day": "", "working_days": "20"}  # fmt: skip


def test_a_sample_is_drawn_shown_with_its_frame_and_drawn_the_same_again(
    site: Site, store: OwnStore
) -> None:
    for number in (4, 5, 6):
        reviewed(site, number)
    manager = Browser(site, "m.manager")
    assert "No sample was drawn yet" in told(manager.get("/samples"))
    assert typed(manager.get("/samples/new"))["working_days"] == "20"
    answer = manager.post("/samples", FIELDS)
    text = told(manager.follow(answer))
    for said in (
        "The sample is drawn", "Sample 1: 3 of 5 reviews", "By m.manager", "2026-Q3",
        "50%, by team", "5 reviews that could be drawn", "3 waits of sample 1", "North 4 2",
        "South 1 1",
    ):  # fmt: skip
        assert said in text
    assert "/second/agreement?sample=1" in manager.get("/samples").text
    assert store.value("SELECT COUNT(*) FROM second_review") == 3
    (kept,) = door.samples(site.url, asker("m.manager"))
    assert 3 not in kept.frame
    listed_cases = Browser(site, "s.second").get("/second").text
    assert {n for n in range(1, 7) if f'"/cases/{n}"' in listed_cases} == set(kept.cases)
    assert "Sample 1" not in told(Browser(site, "x.north").get("/samples"))
    assert Browser(site, "a.auditor").get("/samples").status_code == 200


WRONG: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "no seed": ({"seed": " "}, {"seed": "Enter a seed, such as 2026-Q3"}),
    "a long seed": ({"seed": "x" * 101}, {"seed": "Enter a seed of 1 to 100 characters that"}),
    "both": ({"number": "3"}, {"share": "Enter either a share or a number of reviews"}),
    "neither": ({"share": ""}, {"share": "Enter either a share or a number of reviews"}),
    "a share of nothing": ({"share": "0"}, {"share": "Enter a share above 0 and up to 100"}),
    "too large a share": ({"share": "101%"}, {"share": "Enter a share above 0 and up to 100"}),
    "no share": ({"share": "half"}, {"share": "Enter a share above 0 and up to 100"}),
    "no number": ({"share": "", "number": "-2"}, {"number": "Enter a whole number of reviews"}),
    "another digit": ({"share": "", "number": "²"}, {"number": "Enter a whole number of reviews"}),
    "no day": ({"first_day": "soon"}, {"first_day": "Enter a day, such as"}),
    "days turned": (
        {"first_day": "2/1/2026", "last_day": "1/1/2026"}, {"last_day": "The last day is before"},
    ),
    "no working days": ({"working_days": ""}, {"working_days": "Enter a number of working days"}),
    "too many": ({"working_days": "251"}, {"working_days": "Enter 250 working days or fewer"}),
    "nothing to draw": ({"first_day": "1/1/2050"}, {"": "There is no submitted review of this"}),
}  # fmt: skip


def test_what_is_wrong_with_a_sample_leads_to_its_field_and_nothing_is_drawn(
    site: Site, store: OwnStore
) -> None:
    manager, before = Browser(site, "m.manager"), last_event(store)
    for changes, said in WRONG.values():
        answer = manager.post("/samples", {**FIELDS, **changes})
        assert answer.status_code == 422
        found = mistakes(answer)
        assert list(found) == list(said)
        for field, beginning in said.items():
            assert found[field].startswith(beginning)
        shown = typed(answer)
        assert all(shown[key] == value.strip() for key, value in changes.items())
    assert last_event(store) == before
    for name in ("a.auditor", "r.reviewer", "a.admin"):
        browser = Browser(site, name)
        assert browser.get("/samples/new").status_code == 403
        assert browser.post("/samples", FIELDS).status_code == 403
    assert Browser(site, "r.reviewer").get("/samples").status_code == 403


def test_a_sample_by_grade_does_not_tell_a_manager_the_grade_before_the_second_review(
    site: Site,
) -> None:
    Browser(site, "m.reader").post("/samples", {**FIELDS, "by": "grade", "share": "100"})
    other = Browser(site, "m.manager").get("/samples")
    assert "inadequate" not in other.text.lower()


def test_everything_by_which_a_sample_may_be_drawn_can_be_chosen() -> None:
    assert set(BY) == set(get_args(Stratum))
