"""What is done from the queue's pages to many cases, searching, what is due, the export."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import NewStore, OwnStore
from web_helpers import READER, Browser, peopled, shipped_rules, told
from web_queues import HIDDEN, numbers, referrals, shown
from work_helpers import AS_OF, asker, case_of, last_event, night, row, rows

from triage import store as door
from triage.casework import OPEN
from triage.outputs import QUEUE_COLUMNS
from triage.present_cases import place_json
from triage.review import Queue
from triage.store import Wanted
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
        for sought in (HIDDEN, f"P{HIDDEN}", str(number), "99999", "nobody", "9" * 40, "a b", "%")
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


def _kinds(own: OwnStore, since: int) -> set[str]:
    return {kind for (kind,) in own.query(f"SELECT kind FROM event WHERE id > {since}")}
