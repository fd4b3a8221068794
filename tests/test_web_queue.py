"""The queue on its pages: filters, sorting, pages, the next case, many at once, search, export."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from stores import NewStore, OwnStore
from web_helpers import READER, Browser, peopled, shipped_rules, told
from work_helpers import AS_OF, EVERY, asker, case_of, last_event, night, row, rows

from triage import store as door
from triage.casework import OPEN
from triage.outputs import QUEUE_COLUMNS
from triage.present_cases import place_json
from triage.review import Queue
from triage.store import SORT_KEYS, Case, SortKey, Wanted
from triage.vocabulary import SEVERITIES
from triage.web.queue_filter import PER_PAGE, asked_of, pages
from triage.web.site import Site

N_NORTH, N_SOUTH = 57, 3
HIDDEN = "R90000"
"""The only referral of its team; it is restricted."""


def referrals() -> list[dict[str, str]]:
    south = [
        row(f"S{n:03}", team="South", referral_date=f"2023-06-{10 + n}", **decided)
        for n, decided in enumerate(({}, {}, {"decision_at": "2023-06-20"}))
    ]
    return [*rows(N_NORTH), *south, row(HIDDEN, team="Secret", restricted="true")]


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


def shown(browser: Browser, address: str) -> list[int]:
    """Return the numbers of the cases of a page of the queue, in their order."""
    answer = browser.get(address)
    assert answer.status_code == 200, told(answer)
    return [int(number) for number in re.findall(r'href="/cases/(\d+)"', answer.text)]


def numbers(site: Site, name: str, wanted: Wanted = EVERY) -> list[int]:
    return door.matching(site.url, asker(name, readers=[READER]), wanted)


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
        ("team=%00", "Team was left out"),
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


def test_all_of_a_filter_is_assigned_put_off_or_closed_for_one_reason(
    site: Site, store: OwnStore
) -> None:
    browser = Browser(site, "m.manager")
    page = browser.get("/queue/bulk/assign?team=North")
    assert "3 cases" in told(page)
    assert "Team: North" in told(page)
    assert "a.auditor" not in page.text
    assert '<option value="r.reviewer"' in page.text
    north = {"team": "North", "count": "3", "reason": "for the audit"}
    answer = browser.post("/queue/bulk/assign", {**north, "to": "r.reviewer"})
    assert "are assigned" in told(browser.follow(answer))
    cases = door.matching(site.url, asker("m.manager"), Wanted(teams=("North",)))
    assert {case_of(store, number)["assigned_to"] for number in cases} == {"r.reviewer"}
    assert store.value("SELECT COUNT(*) FROM note WHERE text = 'for the audit'") == 3
    later = AS_OF + dt.timedelta(days=30)
    answer = browser.post("/queue/bulk/snooze", {**north, "until": f"{later:%d/%m/%Y}"})
    assert "put off until" in told(browser.follow(answer))
    assert len(shown(browser, "/queue?snoozed=yes&team=North")) == 3
    south = {"team": "South", "count": "1", "reason": "a duplicate"}
    answer = browser.post("/queue/bulk/close", south)
    assert "closed without a review" in told(browser.follow(answer))
    assert len(shown(browser, "/queue?status=closed")) == 1
    hidden = store.query('SELECT status, assigned_to FROM "case" WHERE restricted')
    assert hidden == [("new", None)]


def test_nothing_is_done_to_a_filter_of_which_the_count_has_changed(
    site: Site, store: OwnStore
) -> None:
    browser, before = Browser(site, "m.manager"), last_event(store)
    for count in ("2", "4", "", "x"):
        fields = {"count": count, "reason": "because", "team": "North"}
        answer = browser.post("/queue/bulk/close", fields)
        assert answer.status_code == 409
        assert "There are 3 cases of this filter now" in told(answer)
        assert 'name="count" value="3"' in answer.text
        assert ">because</textarea>" in answer.text
    assert "case closed" not in _kinds(store, before)


@pytest.mark.parametrize(
    ("deed", "fields", "said"),
    [
        ("close", {"reason": ""}, "Enter the reason"),
        ("assign", {"reason": "x"}, "Choose to whom"),
        ("assign", {"reason": "", "to": "r.reviewer"}, "Enter the reason"),
        ("assign", {"reason": "x", "to": "a.auditor"}, "Choose somebody of the list"),
        ("assign", {"reason": "x", "to": "x.north"}, "may not be seen by x.north"),
        ("snooze", {"reason": "x", "until": "soon"}, "Enter a day, such as 9/10/2026"),
        ("snooze", {"reason": "x", "until": ""}, "Enter the day"),
        ("snooze", {"reason": "x", "until": "30/6/2023"}, "is not after the day of the last run"),
    ],
)
def test_a_mistake_in_what_is_to_be_done_to_many_does_nothing(
    lasting: Site, deed: str, fields: dict[str, str], said: str
) -> None:
    browser = Browser(lasting, "m.manager")
    n = len(numbers(lasting, "m.manager", Wanted()))
    answer = browser.post(f"/queue/bulk/{deed}", {**fields, "count": str(n)})
    assert answer.status_code == 422
    assert said in told(answer)
    assert "--" not in told(answer)
    assert "<title>Error: " in answer.text
    assert len(numbers(lasting, "m.manager", Wanted())) == n


def test_one_case_that_cannot_be_closed_stops_the_closing_of_all(
    site: Site, store: OwnStore
) -> None:
    number = numbers(site, "r.reviewer", Wanted(teams=("North",)))[0]
    door.begin_review(site.url, asker("r.reviewer"), number)
    browser = Browser(site, "m.manager")
    answer = browser.post("/queue/bulk/close", {"team": "North", "count": "3", "reason": "x"})
    assert answer.status_code == 409
    assert f"case {number} is in review" in told(answer).lower()
    assert shown(browser, "/queue?status=closed") == []


@pytest.mark.parametrize("address", ["/queue/bulk/review", "/queue/bulk/boost", "/queue/bulk/"])
def test_what_cannot_be_done_to_many_has_no_page(lasting: Site, address: str) -> None:
    assert Browser(lasting, "m.manager").get(address).status_code == 404


def test_a_case_is_found_by_its_child_its_referral_or_its_number(lasting: Site) -> None:
    browser = Browser(lasting, "r.reviewer")
    for sought in ("PS001", "S001", " S001 "):
        answer = browser.post("/search", {"sought": sought}, shown_at="/search")
        assert answer.status_code == 200
        assert "1 case" in told(answer)
        assert "South" in told(answer)
    answer = browser.post("/search", {"sought": "Case 2"}, shown_at="/search")
    assert answer.headers["location"] == "/cases/2"
    assert browser.post("/search", {"sought": ""}).status_code == 422


@pytest.mark.parametrize("name", ["r.reviewer", "n.north", "a.auditor"])
def test_what_somebody_may_not_see_is_found_as_little_as_what_never_was(
    lasting: Site, name: str
) -> None:
    browser = Browser(lasting, name)
    (number,) = set(numbers(lasting, READER)) - set(numbers(lasting, "r.reviewer"))
    assert number not in numbers(lasting, name)
    said = {
        told(browser.post("/search", {"sought": sought})).replace(sought, "")
        for sought in (HIDDEN, f"P{HIDDEN}", str(number), "99999", "nobody", "9" * 40, "a\0b", "%")
    }
    assert len(said) == 1
    assert "There is no case of that identifier for you to see" in said.pop()
    assert "1 case" in told(Browser(lasting, READER).post("/search", {"sought": HIDDEN}))


def test_an_identifier_that_reads_as_the_number_of_another_case_shows_both(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [row("2"), row("R9")])
    with peopled(store, workplace) as served:
        answer = Browser(served, "r.reviewer").post("/search", {"sought": "2"})
    assert "2 cases" in told(answer)


def test_an_identifier_never_stands_in_an_address(lasting: Site) -> None:
    browser = Browser(lasting, "r.reviewer")
    for answer in (browser.get("/queue"), browser.post("/search", {"sought": "PS001"})):
        for link in re.findall(r'(?:href|action)="([^"]*)"', answer.text):
            assert "PS00" not in link
            assert "PR000" not in link


def test_what_falls_due_next_is_listed_for_those_who_may_see_it(
    store: OwnStore, workplace: Path
) -> None:
    today = AS_OF.isoformat()
    night(
        store, workplace,
        [row("D1", referral_date=today), row("D2", referral_date=today, restricted="true"),
         row("D3", referral_date=today, team="South"), row("R1")],
        rules=shipped_rules(),
    )  # fmt: skip
    with peopled(store, workplace) as served:
        pages = {name: Browser(served, name).get("/due") for name in
                 ("r.reviewer", "n.north", READER)}  # fmt: skip
    expected = {"r.reviewer": {"PD1", "PD3"}, "n.north": {"PD1"}, READER: {"PD1", "PD2", "PD3"}}
    for name, page in pages.items():
        assert set(re.findall(r"PD\d", page.text)) == expected[name], name
        assert "DEC-01" in page.text
        assert "This is what the run of 30 June 2023 saw" in told(page)


def test_nothing_due_is_said_and_a_wrong_page_is_the_first(lasting: Site) -> None:
    browser = Browser(lasting, "a.auditor")
    for page in ("", "?page=x", "?page=99999999999", "?page=-1"):
        assert browser.get(f"/due{page}").status_code == 200


def test_the_queue_of_a_filter_is_exported_and_the_trail_says_so(
    site: Site, store: OwnStore
) -> None:
    store.execute("UPDATE \"case\" SET child_id = '=1+1' WHERE referral_id = 'R00001'")
    browser, before = Browser(site, "a.auditor"), last_event(store)
    answer = browser.post("/queue/export", {"team": "North"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="queue-2023-06-30.csv"' in answer.headers["content-disposition"]
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert [int(one["case"]) for one in found] == numbers(
        site, "a.auditor", Wanted(teams=("North",))
    )
    assert {one["child_id"] for one in found} >= {"'=1+1"}
    assert "H1" not in answer.text
    ((kind, detail),) = store.query(
        f"SELECT kind, detail FROM event WHERE id > {before} AND kind = 'queue exported'"
    )
    assert kind == "queue exported"
    assert '"cases":3' in detail
    assert "North" in detail


def test_an_export_of_nothing_has_its_headings_and_all_of_what_scripts_are_told(
    lasting: Site,
) -> None:
    answer = Browser(lasting, "a.auditor").post("/queue/export", {"team": "Nowhere"})
    assert answer.text == ",".join(QUEUE_COLUMNS) + "\n"
    listed = door.cases(lasting.url, asker("a.auditor"), Wanted(OPEN), limit=1)
    assert set(place_json(Queue(listed)[0])) == set(QUEUE_COLUMNS)


def test_an_empty_queue_is_said(site: Site) -> None:
    who = asker("m.manager", readers=["m.manager"])
    door.close(site.url, who, door.matching(site.url, who, Wanted()), "because")
    answer = Browser(site, "r.reviewer").get("/queue")
    assert "The queue is empty: no case is open" in told(answer)
    assert "0 cases" in told(answer)


def _kinds(own: OwnStore, since: int) -> set[str]:
    return {kind for (kind,) in own.query(f"SELECT kind FROM event WHERE id > {since}")}
