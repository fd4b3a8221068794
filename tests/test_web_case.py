"""One case on its pages: what it tells to whom, who may come to it, its earlier nights."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import NewStore, OwnStore
from web_helpers import READER, Browser, peopled, shipped_rules, site_of, told
from web_one_case import NIGHT_BEFORE, NORTH, SECRET, SOUTH, number_of, referrals
from work_helpers import (
    AS_OF,
    REVIEW_DAYS,
    asker,
    kinds,
    last_event,
    night,
    row,
)

from triage import store as door
from triage.pipeline import check
from triage.run import Options
from triage.settings_web import Web
from triage.web.child_timeline import _labels, entries_of, picture
from triage.web.deeds import TOLD
from triage.web.site import Site

CONTACTS = """\
contact_id,child_id,contact_date,contact_source,contact_outcome,restricted,team
K1,PN1,2023-03-01,6,nfa,,North
K2,PN1,2023-04-03,2A,nfa,,North
K3,PN1,2023-06-05,6,nfa,,South
K4,PX,2023-03-01,6,nfa,,North
"""


REFERRALS = """\
child_id,referral_date,referral_id,nfa,closed_on,closure_reason,team,restricted,primary_need,\
referral_source,decision_at,allocated_at,assessment_started_on,assessment_authorised_on,\
strategy_discussion_on,icpc_on
PN1,2021-02-01,N0,no,2021-06-01,RC8,North,,N1,6,2021-02-02,2021-02-03,2021-02-04,2021-03-05,\
2021-02-10,2021-03-08
PQ,2022-02-01,HID,no,,,North,true,N1,6,2022-02-02,,,,,
PQ,2023-06-20,Q1,no,,,North,,N3,1A,,,,,,
PN1,2023-06-20,N1,no,,,North,,N3,1A,,,,,,
"""


def folder_night(own: OwnStore, folder: Path) -> None:
    """Store a night of one child with contacts, and referrals of which one is restricted."""
    made = folder / "tables"
    made.mkdir()
    (made / "referrals.csv").write_text(REFERRALS, "utf-8")
    (made / "contacts.csv").write_text(CONTACTS, "utf-8")
    run = check([str(made)], shipped_rules(), Options(AS_OF, 12, history_from=dt.date(2020, 1, 1)))
    at = dt.datetime.combine(AS_OF, dt.time(2), dt.UTC)
    door.store_run(own.url, run, who="tests", started_at=at, finished_at=at, settings={},
                   review_days=REVIEW_DAYS)  # fmt: skip


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


@pytest.fixture(scope="module")
def family(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A store of one child with contacts and a past."""
    folder = tmp_path_factory.mktemp("family")
    with new_store(folder) as own:
        folder_night(own, folder)
        with peopled(own, folder) as served:
            yield served


def test_a_case_tells_whose_it_is_what_was_flagged_and_why(lasting: Site) -> None:
    answer = Browser(lasting, "r.reviewer").get(f"/cases/{number_of(lasting, NORTH)}")
    assert answer.status_code == 200
    said = told(answer)
    rule = shipped_rules().by_id["DEC-01"]
    for words in ("Child PN1", "Referral N1", "Referred 20 June 2023", "Team North", "critical",
                  "Status new", "Held by nobody", rule.about.title, "What to check",
                  "It may be harmless", "flagged since 29 June 2023"):  # fmt: skip
        assert words in said, words
    for words in (*rule.about.reviewer_checks, *rule.about.benign_explanations,
                  *rule.about.references, rule.about.parameters["limit"].why):  # fmt: skip
        assert words in said, words
    assert 'href="/rules/DEC-01"' in answer.text
    assert "working days" in said
    assert "style=" not in answer.text


def test_that_a_case_was_read_is_kept_and_told(site: Site, store: OwnStore) -> None:
    number, before = number_of(site, NORTH), last_event(store)
    Browser(site, "a.auditor").get(f"/cases/{number}")
    assert "case read" in kinds(store, before)
    said = told(Browser(site, "r.reviewer").get(f"/cases/{number}"))
    assert "Read once before, by a.auditor on" in said


GETS = ("", "/nights", "/nights?on=2023-06-29", *(f"/{name}" for name in TOLD))


POSTS: dict[str, dict[str, str]] = {
    "/claim": {}, "/release": {}, "/notes": {"text": "x"},
    "/assign": {"to": "r.reviewer", "reason": "x"},
    "/snooze": {"until": "1/9/2030", "reason": "x"}, "/boost": {"reason": "x"},
    "/close": {"reason": "x"}, "/reopen": {"reason": "x"}, "/second": {"reason": "x"},
}  # fmt: skip


def answers(browser: Browser, number: int | str, *, writes: bool) -> list[tuple[int, str]]:
    """Return what every route of a case answers, without what is of the request alone."""
    found = [browser.get(f"/cases/{number}{end}") for end in GETS]
    if writes:
        found += [browser.post(f"/cases/{number}{end}", of) for end, of in POSTS.items()]
    return [(one.status_code, one.text) for one in found]


@pytest.mark.parametrize("name", ["r.reviewer", "m.manager", "x.north", "n.north", "a.auditor"])
def test_a_case_that_somebody_may_not_see_answers_as_one_that_never_was(
    lasting: Site, name: str
) -> None:
    browser = Browser(lasting, name)
    hidden = [number_of(lasting, SECRET)]
    if "north" in name:
        hidden.append(number_of(lasting, SOUTH))
    missing = answers(browser, 9999, writes=True)
    assert {status for status, _ in missing} <= {403, 404}
    for number in hidden:
        assert answers(browser, number, writes=True) == missing
    is_manager = name in ("m.manager", "x.north")
    assert [status for status, _ in missing].count(404) == (
        len(GETS) + len(POSTS) if is_manager else 3 if name == "a.auditor" else 6
    )
    for number in hidden:
        assert "r.reviewer" not in str(case_holder(lasting, number))


def case_holder(site: Site, number: int) -> Any:
    who = asker(READER, readers=[READER])
    return door.listed_case(site.url, who, number).held_by


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999", "9" * 30, "1.5"])
def test_what_is_no_number_of_a_case_is_an_address_that_is_not_there(
    lasting: Site, number: str
) -> None:
    browser = Browser(lasting, "m.manager")
    assert {status for status, _ in answers(browser, number, writes=True)} == {404}


def test_reviewers_do_no_deeds_auditors_write_nothing_administrators_see_no_case(
    lasting: Site,
) -> None:
    number = number_of(lasting, NORTH)
    deeds = {f"/{name}" for name in TOLD}
    for name, refused in (
        ("r.reviewer", deeds),
        ("a.auditor", {*deeds, "/claim", "/release", "/notes"}),
        ("a.admin", {*POSTS}),
    ):
        browser = Browser(lasting, name)
        for end in GETS:
            expected = 403 if name == "a.admin" or end in deeds else 200
            assert browser.get(f"/cases/{number}{end}").status_code == expected, (name, end)
        for end in refused:
            assert browser.post(f"/cases/{number}{end}", POSTS[end]).status_code == 403
        page = browser.get(f"/cases/{number}").text
        for end in refused:
            assert f'"/cases/{number}{end}"' not in page
    page = Browser(lasting, READER).get(f"/cases/{number_of(lasting, SECRET)}")
    assert page.status_code == 200
    assert "restricted" in told(page)


def test_the_timeline_tells_each_day_of_what_happened_and_the_picture_says_where(
    family: Site,
) -> None:
    answer = Browser(family, "r.reviewer").get(f"/cases/{number_of(family, 'N1')}")
    said = told(answer)
    for words in (
        "1 February 2021 Referral: 6, police; N1, abuse, neglect and exploitation referral N0",
        "2 February 2021 Decision", "3 February 2021 Allocated to a worker",
        "4 February 2021 Assessment started", "10 February 2021 Strategy discussion",
        "5 March 2021 Assessment authorised",
        "8 March 2021 Initial child protection conference",
        "1 June 2021 Closed: RC8, closed after assessment, no further action",
        "5 June 2023 Contact contact K3",
        "20 June 2023 Referral: 1A, family member, relative or carer; N3, parental disability",
    ):  # fmt: skip
        assert words in said, words
    assert f'href="/cases/{number_of(family, "K3")}"' in answer.text
    (svg,) = re.findall(r'<svg role="img".*?</svg>', answer.text, re.DOTALL)
    assert "<title" in svg
    assert "<desc" in svg
    assert "style" not in svg
    n_days = sum(said.count(f" {of} ") for of in ("referral N0", "referral N1", "contact K3"))
    assert svg.count("<circle") == n_days == 10


def test_a_restricted_referral_stands_in_the_timeline_of_those_who_see_it(family: Site) -> None:
    address = f"/cases/{number_of(family, 'Q1')}"
    assert "1 February 2022 Referral" in told(Browser(family, READER).get(address))
    answer = Browser(family, "r.reviewer").get(address)
    assert answer.status_code == 200
    assert "HID" not in answer.text
    assert "1 February 2022 Referral" not in told(answer)


def test_another_teams_contact_of_the_child_is_not_there(family: Site) -> None:
    address = f"/cases/{number_of(family, 'N1')}"
    assert "contact K3" in told(Browser(family, "r.reviewer").get(address))
    answer = Browser(family, "n.north").get(address)
    assert answer.status_code == 200
    assert "K3" not in answer.text


def test_labels_that_would_overlap_are_put_together() -> None:
    assert _labels([(10, "R"), (15, "D"), (40, "L"), (90, "X")]) == [
        (10, "RD"), (40, "L"), (90, "X"),
    ]  # fmt: skip
    # Two letters are twice as wide, so that the third comes to them sooner.
    assert _labels([(10, "R"), (15, "D"), (30, "L")]) == [(10, "RDL")]


def test_without_anything_known_there_is_no_picture(lasting: Site) -> None:
    who = asker("r.reviewer")
    case = door.listed_case(lasting.url, who, number_of(lasting, NORTH))
    assert picture(entries_of([], [], case), case, AS_OF) is None


def test_earlier_nights_tell_how_the_record_stood_and_what_it_is_now(lasting: Site) -> None:
    number, browser = number_of(lasting, NORTH), Browser(lasting, "r.reviewer")
    page = browser.get(f"/cases/{number}/nights")
    said = told(page)
    assert "30 June 2023, run 2" in said
    assert f'href="/cases/{number}/nights?on=2023-06-29"' in page.text
    assert "team North run 2" in said or "team North runs 2 to now Early (run 1)" in said
    then = told(browser.get(f"/cases/{number}/nights?on=29/6/2023"))
    assert "29 June 2023, run 1" in then
    assert "team Early run 1 North (runs 2 to now)" in then


@pytest.mark.parametrize(
    ("on", "said"),
    [("2020-01-01", "There is no run up to 2020-01-01."), ("soon", "Enter a day"),
     ("0000-00-00", "Enter a day")],
)  # fmt: skip
def test_a_night_that_there_is_not_is_told_beside_those_there_are(
    lasting: Site, on: str, said: str
) -> None:
    number = number_of(lasting, NORTH)
    answer = Browser(lasting, "a.auditor").get(f"/cases/{number}/nights?on={on}")
    assert answer.status_code == 422
    assert said in told(answer)
    assert "Nights to choose from" in told(answer)


def test_of_a_contact_it_is_said_that_no_nights_are_kept(family: Site) -> None:
    answer = Browser(family, "r.reviewer").get(f"/cases/{number_of(family, 'K3')}/nights")
    assert answer.status_code == 200
    assert "Of contacts it is not kept" in told(answer)


def test_a_link_leads_into_the_councils_own_system_with_identifiers_made_safe(
    store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [row("A/1", child_id='P&?"x')])
    with peopled(store, workplace):
        pass
    plain = Browser(site_of(store), "r.reviewer").get("/cases/1").text
    assert "case system" not in plain
    web = Web(case_link="https://cases.council.example/{child_id}?r={referral_id}")
    linked = Browser(site_of(store, web=web), "r.reviewer").get("/cases/1").text
    assert 'href="https://cases.council.example/P%26%3F%22x?r=A%2F1" rel="noreferrer"' in linked


def test_what_is_read_on_paper_has_no_buttons_and_hides_nothing_that_matters(
    lasting: Site,
) -> None:
    page = Browser(lasting, "m.manager").get(f"/cases/{number_of(lasting, NORTH)}").text
    main = page[page.index("<main") : page.index("</main>")]
    assert "<details" not in main
    kept = re.sub(r"<(div|form|nav)[^>]*triage-no-print.*?</\1>", "", main, flags=re.DOTALL)
    assert "<h2" in kept
    for words in ("What to check", "History", "Notes", "The same by date", "Held by"):
        assert words in kept
