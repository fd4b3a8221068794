"""One case on its pages: what it tells to whom, what can be done with it, its earlier nights."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import NewStore, OwnStore
from web_helpers import READER, Browser, peopled, shipped_rules, site_of, told
from work_helpers import (
    ANSWERS,
    AS_OF,
    DECIDED,
    REVIEW_DAYS,
    asker,
    case_of,
    kinds,
    last_event,
    night,
    row,
    to_do,
)

from triage import store as door
from triage.casework import STATUSES
from triage.pipeline import check
from triage.run import Options
from triage.settings_web import Web
from triage.web.child_timeline import _labels, entries_of, picture
from triage.web.deeds import TOLD
from triage.web.site import Site

NIGHT_BEFORE = AS_OF - dt.timedelta(days=1)
NORTH, SOUTH, SECRET = "N1", "S1", "H1"
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


def referrals(**cells: str) -> list[dict[str, str]]:
    return [row(NORTH, **cells), row(SOUTH, team="South"), row(SECRET, restricted="true")]


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


def number_of(site: Site, referral: str) -> int:
    """Return the number of the case of a referral or contact."""
    who = asker(READER, readers=[READER])
    (found,) = [one for one in door.cases_named(site.url, who, referral)
                if one.referral_id == referral]  # fmt: skip
    return found.id


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
    assert answer.status_code == 422
    assert "cannot be kept" in told(answer)


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
        ("boost", {"reason": "a\0b"}, 422, "cannot be kept"),
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
        assert name == "to" or "\0" in typed or typed.strip() in answer.text
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
     ("%00", "Enter a day"), ("0000-00-00", "Enter a day")],
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
