"""The queue on its pages: filters, sorting, pages, filters kept, the next case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from stores import NewStore, OwnStore
from web_helpers import READER, Browser, peopled, told
from web_queues import HIDDEN, numbers, referrals, shown
from work_helpers import asker, case_of, night, row, rows

from triage import store as door
from triage.store import SORT_KEYS, Case, SortKey, Wanted
from triage.vocabulary import SEVERITIES
from triage.web.queue_filter import PER_PAGE, asked_of, pages
from triage.web.site import Site


@pytest.fixture(scope="module")
def lasting(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A queue of more than a page, for tests that change nothing but the trail."""
    folder = tmp_path_factory.mktemp("lasting")
    with new_store(folder) as own:
        night(own, folder, referrals())
        with peopled(own, folder) as served:
            yield served


@pytest.fixture
def site(store: OwnStore, workplace: Path) -> Iterator[Site]:
    night(store, workplace, [*rows(3), row("S1", team="South"),
                             row("H1", team="North", restricted="true")])  # fmt: skip
    with peopled(store, workplace) as served:
        yield served


def test_the_queue_is_shown_in_the_order_of_work_with_the_reason_and_counted_in_words(
    lasting: Site,
) -> None:
    browser = Browser(lasting, "r.reviewer")
    expected = numbers(lasting, "r.reviewer", Wanted())
    assert shown(browser, "/queue") == expected[:PER_PAGE]
    assert shown(browser, "/queue?page=2") == expected[PER_PAGE:]
    said = told(browser.get("/queue"))
    assert f"{len(expected)} cases, 1 to 50" in said
    assert re.search(r"1\. critical, review (over)?due", said)
    last = browser.get("/queue?page=2")
    assert "51 to 60" in told(last)
    assert 'aria-current="page"' in last.text


@pytest.mark.parametrize("page", ["0", "-1", "x", "999999", "9" * 30, "²", ""])
def test_a_page_that_there_is_not_is_never_an_error(lasting: Site, page: str) -> None:
    browser = Browser(lasting, "r.reviewer")
    assert shown(browser, f"/queue?page={page}")


def test_only_pages_beside_this_one_the_first_and_the_last_are_linked() -> None:
    found = pages(asked_of([("page", "7"), ("team", "North")]), 20 * PER_PAGE)
    assert found is not None
    told_of = [item.get("number", "…") for item in found["items"]]
    assert told_of == [1, "…", 6, 7, 8, "…", 20]
    assert found["next"]["href"] == "/queue?team=North&page=8"
    assert pages(asked_of([]), PER_PAGE) is None


def test_each_part_of_a_filter_holds_and_can_be_taken_away_by_its_link(lasting: Site) -> None:
    browser = Browser(lasting, "r.reviewer")
    address = "/queue?team=South&severity=critical&status=new&rule=DEC-01&subject=referral"
    assert len(shown(browser, address)) == 2
    answer = browser.get(address)
    removed = re.findall(r'moj-filter__tag" href="([^"]+)"', answer.text)
    assert len(removed) == 5
    left = [parse_qs(urlsplit(one.replace("&amp;", "&")).query) for one in removed]
    assert all(len(one) == 4 for one in left)
    for one in ("South", "critical", "new", "DEC-01", "referral"):
        assert sum([one] not in found.values() for found in left) == 1
    assert 'value="South" checked' in answer.text
    assert len(shown(browser, "/queue?team=South&team=North")) == PER_PAGE
    assert shown(browser, "/queue?status=closed") == []
    assert shown(browser, "/queue?snoozed=yes") == []
    assert shown(browser, "/queue?held_by=r.reviewer") == []
    assert shown(browser, "/queue?assigned_to=nobody.there") == []
    assert shown(browser, "/queue?subject=contact") == []


def test_overdue_is_as_of_the_last_run(lasting: Site) -> None:
    found = shown(Browser(lasting, "r.reviewer"), "/queue?overdue=yes")
    assert found == numbers(lasting, "r.reviewer", Wanted(is_overdue=True))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("status=done", "Status ‘done’ was left out: known are new"),
        ("severity=awful", "Severity ‘awful’ was left out"),
        ("sort=risk", "cannot be sorted by ‘risk’"),
        ("sort=--due", "cannot be sorted by"),
        ("sort=-work", "cannot be sorted by"),
        ("rule=" + "x" * 999, "Rule was left out"),
        ("rule=DEC-01&rule=DEC-02", "Rule ‘DEC-02’ was left out: there is another"),
        ("subject=child", "was left out"),
        ("overdue=no", "was left out"),
        ("assigned_to=%ED%A0%80", "Any"),
        ("team=<script>alert(1)</script>", "No case is of this filter"),
        ("unknown=1&csrf=2", "60 cases"),
    ],
)
def test_what_an_address_says_wrongly_is_left_out_and_told(
    lasting: Site, query: str, said: str
) -> None:
    answer = Browser(lasting, "r.reviewer").get(f"/queue?{query}")
    assert answer.status_code == 200
    assert said in told(answer)
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("key", SORT_KEYS)
def test_the_queue_is_sorted_by_the_store_over_all_of_its_pages(
    lasting: Site, key: SortKey
) -> None:
    browser = Browser(lasting, "r.reviewer")
    cases = {one.id: one for one in door.cases(lasting.url, asker(), Wanted()).cases}
    for sign in ("", "-"):
        found = [
            number
            for page in (1, 2)
            for number in shown(browser, f"/queue?sort={sign}{key}&page={page}")
        ]
        assert sorted(found) == sorted(cases)
        values = [_sorted_by(cases[number], key) for number in found]
        assert values == sorted(values, reverse=bool(sign))
        text = browser.get(f"/queue?sort={sign}{key}").text
        assert text.count(f'aria-sort="{"descending" if sign else "ascending"}"') == 1


def _sorted_by(case: Case, key: SortKey) -> Any:
    return {
        "case": case.id, "referred": case.referral_date, "due": case.due_on,
        "severity": SEVERITIES.index(case.severity), "team": case.team,
    }[key]  # fmt: skip


def test_a_team_of_which_all_is_restricted_is_offered_only_to_those_who_see_it(
    lasting: Site,
) -> None:
    assert "Secret" not in Browser(lasting, "r.reviewer").get("/queue").text
    assert "South" not in Browser(lasting, "n.north").get("/queue").text
    seen = Browser(lasting, READER).get("/queue?team=Secret")
    assert "Secret" in seen.text
    assert "restricted" in told(seen)
    hidden = Browser(lasting, "r.reviewer").get("/queue?team=Secret")
    assert HIDDEN not in hidden.text
    assert "0 cases" in told(hidden)


@pytest.mark.parametrize(
    ("name", "n"), [("r.reviewer", 60), ("n.north", 57), ("a.auditor", 60), (READER, 61)]
)
def test_each_sees_the_cases_that_are_theirs_to_see(lasting: Site, name: str, n: int) -> None:
    assert f"{n} cases" in told(Browser(lasting, name).get("/queue"))


GETS = ("/queue", "/search", "/due", "/queue/bulk/assign")


POSTS = ("/queue/filters", "/queue/filters/1/delete", "/queue/claim-next", "/queue/bulk/close",
         "/search", "/queue/export")  # fmt: skip


REFUSED: dict[str, tuple[str, ...]] = {
    "r.reviewer": ("/queue/bulk/assign", "/queue/bulk/close", "/queue/export"),
    "m.manager": ("/queue/export",),
    "a.auditor": ("/queue/bulk/assign", "/queue/claim-next", "/queue/bulk/close"),
    "a.admin": (*GETS, *POSTS),
}

"""What each role may not come to."""


@pytest.mark.parametrize("name", REFUSED)
def test_each_role_comes_only_to_what_is_for_it(lasting: Site, name: str) -> None:
    browser = Browser(lasting, name)
    for address in GETS:
        expected = 403 if address in REFUSED[name] else 200
        assert browser.get(address).status_code == expected, address
    for address in POSTS:
        if address in REFUSED[name]:
            assert browser.post(address).status_code == 403, address


def test_a_page_without_its_rights_offers_no_button_to_it(lasting: Site) -> None:
    auditor, reviewer = (Browser(lasting, name).get("/queue").text
                         for name in ("a.auditor", "r.reviewer"))  # fmt: skip
    for action in ("/queue/claim-next", "/queue/bulk/"):
        assert action not in auditor
    assert "/queue/export" in auditor
    assert "/queue/export" not in reviewer
    assert "/queue/bulk/" not in reviewer
    assert "/queue/claim-next" in reviewer


def test_a_filter_is_kept_used_and_deleted_by_whom_it_is_of(site: Site) -> None:
    browser = Browser(site, "r.reviewer")
    fields = {"title": "My south", "team": "South", "status": "new"}
    answer = browser.post("/queue/filters", fields)
    assert answer.headers["location"] == "/queue?status=new&team=South&done=filter-kept"
    page = browser.follow(answer)
    assert "The filter is kept" in told(page)
    assert 'href="/queue?status=new&amp;team=South">My south<' in page.text
    (kept,) = door.saved_filters(site.url, asker("r.reviewer"))
    other = Browser(site, "s.second")
    assert "My south" not in other.get("/queue").text
    other.post(f"/queue/filters/{kept.id}/delete")
    assert "My south" in browser.get("/queue").text
    browser.post(f"/queue/filters/{kept.id}/delete")
    assert "My south" not in browser.get("/queue").text
    assert browser.post("/queue/filters/99999999999999999999/delete").status_code == 303


def test_a_filter_without_a_name_is_shown_again_with_what_is_wrong(lasting: Site) -> None:
    answer = Browser(lasting, "r.reviewer").post("/queue/filters", {"title": " ", "team": "South"})
    assert answer.status_code == 422
    assert "Enter a name for the filter" in told(answer)
    assert 'href="#title"' in answer.text
    assert 'value="South" checked' in answer.text
    assert "<title>Error: " in answer.text


def test_the_next_case_is_claimed_of_the_filter_that_came_along(
    site: Site, store: OwnStore
) -> None:
    browser = Browser(site, "r.reviewer")
    answer = browser.post("/queue/claim-next", {"team": "South"})
    number = int(re.fullmatch(r"/cases/(\d+)\?done=claimed", answer.headers["location"])[1])  # type: ignore[index]
    assert case_of(store, number)["team"] == "South"
    assert case_of(store, number)["held_by"] == "r.reviewer"
    again = browser.post("/queue/claim-next", {"team": "South"})
    assert again.headers["location"] == "/queue?team=South&nothing=yes"
    page = browser.follow(again)
    assert "There is no case to claim by this filter" in told(page)
    assert "held by r.reviewer until" in told(page)


def test_a_hold_that_ran_out_is_not_shown_as_one(site: Site, store: OwnStore) -> None:
    Browser(site, "r.reviewer").post("/queue/claim-next")
    store.execute("UPDATE \"case\" SET held_until = '2023-06-30T00:00:00+00:00' "
                  "WHERE held_by IS NOT NULL")  # fmt: skip
    said = told(Browser(site, "s.second").get("/queue"))
    assert "was held by r.reviewer until" in said
    assert "; held by" not in said


def test_an_empty_queue_is_said(site: Site) -> None:
    who = asker("m.manager", readers=["m.manager"])
    door.close(site.url, who, door.matching(site.url, who, Wanted()), "because")
    answer = Browser(site, "r.reviewer").get("/queue")
    assert "The queue is empty: no case is open" in told(answer)
    assert "0 cases" in told(answer)


def test_a_filter_that_says_the_same_twice_shows_each_case_once(lasting: Site) -> None:
    browser = Browser(lasting, "m.manager")
    once = re.findall(r'href="/cases/(\d+)"', browser.get("/queue?status=new").text)
    twice = browser.get("/queue?status=new&status=new&severity=critical&severity=critical")
    found = re.findall(r'href="/cases/(\d+)"', twice.text)
    assert len(found) == len(set(found))
    assert set(found) <= set(once)
