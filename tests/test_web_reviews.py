"""Reviews on pages: begun, filled in, sent with mistakes, kept, submitted and superseded."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from review_pages import FILLED, mistakes, row, send, start, typed
from review_pages import seen_by_some as seen_by_some
from second_helpers import asked
from stores import NewStore, OwnStore
from web_helpers import PASSWORD, Browser, peopled, told
from work_helpers import AS_OF, asker, case_of, night, rows

from triage import store as door
from triage.errors import StoreError
from triage.review_form import REASONS
from triage.store.sessions import IDLE
from triage.web.review_fields import LABELS
from triage.web.site import Site

CASE = "/cases/1/review"


@pytest.fixture
def reviewer(site: Site) -> Browser:
    return Browser(site, "r.reviewer")


def test_looking_begins_nothing_and_the_button_does(site: Site, store: OwnStore) -> None:
    browser = Browser(site, "r.reviewer")
    page = browser.get(CASE)
    assert "You have not begun a review of this case" in told(page)
    assert case_of(store, 1)["status"] == "new"
    start(browser, CASE)
    assert case_of(store, 1)["status"] == "in review"
    page = browser.get(CASE)
    assert page.status_code == 200
    text = told(page)
    for label in LABELS.values():
        assert label in text or label == LABELS["flags_useful"]
    assert "Was flag DEC-01 useful?" in text
    assert "No management decision is recorded" in text
    for words in REASONS.values():
        assert words[1:] in text


def test_a_review_without_answers_is_told_of_each_question_with_a_link(reviewer: Browser) -> None:
    start(reviewer, CASE)
    answer = reviewer.post(CASE, {"button": "submit"})
    assert answer.status_code == 422
    assert mistakes(answer) == {
        "is_re_referral": "Say whether it was a re-referral in substance",
        "main_reason": "Choose the main reason",
        "closure_right": "Say whether the previous closure was right",
        "threshold_right": "Say whether the threshold was applied rightly",
        "risk_identified": "Say whether the risk was identified",
        "oversight": "Say how management oversight was",
        "avoidable": "Say whether the re-referral was avoidable",
        "grade": "Say how the practice was",
        "flags_useful.DEC-01": "Say whether flag DEC-01 was useful",
    }
    assert "<title>Error: Review of case 1" in answer.text


MISTAKES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "no words below good": ({"grade": "inadequate"}, {"learning": "Enter what is to be learned"}),
    "no words for another reason": ({"main_reason": "R99"}, {"learning": "Enter what is"}),
    "no main reason": ({"main_reason": "none"}, {"main_reason": "Choose a main reason for a"}),
    "a reason for none": ({"is_re_referral": "no"}, {"main_reason": "Choose a main reason for"}),
    "the main reason again": (
        {"further_reasons": ["R02", "R09"]}, {"further_reasons": "The main reason is no further"},
    ),
    "a reason twice": ({"further_reasons": ["R09", "R09"]}, {"further_reasons": "Choose each"}),
    "further without a main one": (
        {"is_re_referral": "no", "main_reason": "none", "further_reasons": ["R09"]},
        {"further_reasons": "Leave further reasons out"},
    ),
    "an unknown reason": ({"further_reasons": ["R77"]}, {"further_reasons": "Choose one of the"}),
    "an unknown answer": ({"grade": "so-so"}, {"grade": "Choose one of the answers"}),
    "too many words": ({"learning": "x" * 20_001}, {"learning": "This is too long"}),
    "an action without all": (
        row(kind="", owner="w.worker", due_on=""),
        {"actions.0.kind": "Choose what is to be done in action 1",
         "actions.0.due_on": "Enter by when action 1 is to be done"},
    ),
    "an action of nobody": (row(owner=""), {"actions.0.owner": "Enter who is to do action 1"}),
    "a name that cannot be printed": (
        row(owner="a\u202eb"), {"actions.0.owner": "Enter a name for action 1"},
    ),
    "a name too long": (row(owner="x" * 201), {"actions.0.owner": "This is too long"}),
    "a day that is none": (row(due_on="31/2/2050"), {"actions.0.due_on": "Enter a day, such as"}),
    "a number for a day": (row(due_on="1234567"), {"actions.0.due_on": "Enter a day, such as"}),
    "a day that has passed": (row(due_on="1/6/2023"), {"actions.0.due_on": "The day of action 1"}),
    "an unknown kind": (row(kind="prayer"), {"actions.0.kind": "Choose one of the answers"}),
    "two of them": (
        {"grade": None, **row(due_on="soon")},
        {"grade": "Say how the practice was", "actions.0.due_on": "Enter a day, such as"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def begun(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A reviewer at a review that they began, which is never submitted."""
    folder = tmp_path_factory.mktemp("begun")
    with new_store(folder) as own:
        night(own, folder, rows(1))
        with peopled(own, folder) as served:
            browser = Browser(served, "r.reviewer")
            start(browser, CASE)
            yield browser


@pytest.mark.parametrize(("changes", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_leads_to_its_field_and_all_that_was_typed_is_there(
    begun: Browser, changes: dict[str, Any], said: dict[str, str]
) -> None:
    answer = send(begun, CASE, **changes)
    assert answer.status_code == 422
    found = mistakes(answer)
    assert list(found) == list(said)
    for field, beginning in said.items():
        assert found[field].startswith(beginning)
        assert answer.text.count(f'id="{field}-error"') == 1
    wanted = {key: value for key, value in {**FILLED, **changes}.items() if value is not None}
    shown = typed(answer)
    for key, value in wanted.items():
        if value not in ("so-so", "prayer", ["R77"], ["R09", "R09"]):
            assert shown.get(key) == value


def test_a_corrected_review_is_submitted_and_shown_in_words(
    site: Site, store: OwnStore, reviewer: Browser
) -> None:
    start(reviewer, CASE)
    again = send(reviewer, CASE, grade="inadequate", further_reasons=["R09"], **row())
    assert mistakes(again).keys() == {"learning"}
    corrected = typed(again) | {
        "learning": "Ask the school.\r\n\r\n  Then <b>ring</b>.",
        "button": "submit",
    }
    answer = reviewer.post(CASE, corrected)
    page = reviewer.follow(answer)
    assert page.url.path == "/cases/1/reviews"
    text = told(page)
    for said in (
        "The review is submitted", "Review 1", "Final", "By r.reviewer, submitted",
        "Closed too early, or change not sustained (R02)", "DEC-01: yes", "Inadequate",
        "Visit the child: w.worker, by 4/1/2050", "Ask the school.", "Then <b>ring</b>.",
    ):  # fmt: skip
        assert said in text
    assert "<b>ring" not in page.text
    assert case_of(store, 1)["status"] == "actions open"
    (kept,) = door.reviews_of(site.url, asker("m.manager"), 1)
    assert kept.answers["learning"] == "Ask the school.\n\n  Then <b>ring</b>."
    assert kept.answers["actions"] == [
        {"kind": "visit", "owner": "w.worker", "due_on": "2050-01-04"}
    ]


def test_a_draft_is_kept_unfinished_and_come_back_to(site: Site, reviewer: Browser) -> None:
    start(reviewer, CASE)
    answer = send(
        reviewer,
        CASE,
        "draft",
        grade=None,
        learning="So far\r\nso good",
        **row(due_on="2050-01-04"),
    )
    page = reviewer.follow(answer)
    assert "Your draft is kept" in told(page)
    shown = typed(page)
    assert "grade" not in shown
    assert shown["learning"] == "So far\nso good"
    assert (shown["actions.0.due_on"], shown["main_reason"]) == ("4/1/2050", "R02")
    assert "So far" in told(reviewer.get("/cases/1/reviews"))
    assert "So far" not in told(Browser(site, "m.manager").get("/cases/1/reviews"))
    answer = send(reviewer, CASE, "draft", learning="x" * 20_001)
    assert mistakes(answer) == {"learning": "This is too long: shorten it"}


def test_rows_of_actions_are_added_and_removed_without_script(reviewer: Browser) -> None:
    start(reviewer, CASE)
    page = reviewer.follow(send(reviewer, CASE, "add", grade=None))
    assert typed(page)["actions.0.kind"] == ""
    page = reviewer.follow(send(reviewer, CASE, "add", **row(0), **row(1, owner="o.other")))
    shown = typed(page)
    assert [shown[f"actions.{n}.owner"] for n in range(3)] == ["w.worker", "o.other", ""]
    page = reviewer.follow(send(reviewer, CASE, "remove.0", **row(0), **row(1, owner="o.other")))
    shown = typed(page)
    assert shown["actions.0.owner"] == "o.other"
    assert "actions.1.owner" not in shown
    answer = send(reviewer, CASE, "add", **row(due_on="soon"))
    assert mistakes(answer) == {"actions.0.due_on": "Enter a day, such as 9/10/2026"}
    shown = typed(answer)
    assert (shown["actions.0.due_on"], shown["actions.1.due_on"]) == ("soon", "")
    answer = send(reviewer, CASE, **row(3), **row(7, kind="", owner="", due_on=""))
    assert answer.status_code == 303


def later(site: Site, minutes: int) -> Site:
    return replace(site, now=lambda: dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes))


def test_a_hold_that_ran_out_loses_nothing_and_is_taken_up_again(
    site: Site, store: OwnStore, reviewer: Browser
) -> None:
    start(reviewer, CASE)
    late = Browser(later(site, 90), "r.reviewer")
    assert late.follow(send(late, CASE, "draft", learning="late")).status_code == 200
    assert case_of(store, 1)["held_by"] == "r.reviewer"


def test_what_was_typed_is_shown_again_where_somebody_else_holds_the_case_by_now(
    site: Site, store: OwnStore, reviewer: Browser
) -> None:
    start(reviewer, CASE)
    reviewer.follow(send(reviewer, CASE, "draft", learning="kept"))
    assert start(Browser(later(site, 90), "m.manager"), CASE) is None
    for button in ("submit", "draft", "add"):
        answer = send(reviewer, CASE, button, learning="typed since", **row())
        assert answer.status_code == 409
        assert mistakes(answer)[""].startswith("Case 1 is held by m.manager until ")
        assert re.search(r"until \d+ \w+ \d{4} at \d\d:\d\d;", mistakes(answer)[""])
        shown = typed(answer)
        assert (shown["learning"], shown["actions.0.owner"]) == ("typed since", "w.worker")
    page = reviewer.get(CASE)
    assert "You cannot go on with it now: case 1 is held by m.manager" in told(page)
    assert typed(page)["learning"] == "kept"
    door.close(site.url, asker("m.manager"), [2], "not ours")
    assert "You cannot begin it now: case 2 is closed" in told(reviewer.get("/cases/2/review"))
    answer = send(reviewer, "/cases/2/review", learning="typed anyway")
    assert answer.status_code == 409
    assert typed(answer)["learning"] == "typed anyway"


def test_what_was_typed_is_shown_again_where_the_store_cannot_be_used(
    reviewer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(reviewer, CASE)

    def busy(*_: Any, **__: Any) -> None:
        raise StoreError("a run is being stored.")

    for name in (
        "triage.store.review_desk",
        "triage.store.submit_review",
        "triage.store.save_draft",
    ):
        monkeypatch.setattr(name, busy)
    monkeypatch.setattr("triage.web.sheets.case_file", busy)
    for button in ("submit", "draft"):
        answer = send(reviewer, CASE, button, learning="typed meanwhile")
        assert answer.status_code == 503
        assert mistakes(answer) == {"": "A run is being stored."}
        shown = typed(answer)
        assert shown["learning"] == "typed meanwhile"
        assert shown["flags_useful.DEC-01"] == "yes"


def test_after_a_session_ended_one_comes_back_to_the_form_with_the_draft(
    site: Site, reviewer: Browser
) -> None:
    start(reviewer, CASE)
    reviewer.follow(send(reviewer, CASE, "draft", learning="kept"))
    late = Browser(later(site, IDLE.seconds // 60 + 6))
    late.client.cookies.update(reviewer.client.cookies)
    answer = late.client.post(CASE, data={**FILLED, "button": "submit"})
    assert answer.headers["location"] == f"/sign-in?next={CASE}"
    answer = late.post("/sign-in", {"name": "r.reviewer", "password": PASSWORD,
                                    "next": CASE}, shown_at="/sign-in")  # fmt: skip
    assert typed(late.follow(answer))["learning"] == "kept"
    for address in ("/cases/1/unblind", "/account/sessions", "/nowhere"):
        other = Browser(site).client.post(address)
        assert other.status_code in (303, 404, 405)
        assert other.headers.get("location", "/sign-in?next=/") == "/sign-in?next=/"


def test_a_flag_that_a_night_raised_or_cleared_meanwhile_is_told_of(
    site: Site, store: OwnStore, workplace: Path, reviewer: Browser
) -> None:
    start(reviewer, CASE)
    moved = rows(3)
    moved[0] |= {"decision_at": "2023-06-20"}
    night(store, workplace, moved, AS_OF + dt.timedelta(days=1))
    answer = send(reviewer, CASE)
    assert answer.status_code == 422
    assert mistakes(answer) == {
        "": "Flag DEC-01 was cleared while you wrote: check your answers and send again",
        "flags_useful.DEC-04": "Say whether flag DEC-04 was useful",
    }
    again = {**typed(answer), "flags_useful.DEC-04": "no", "button": "submit"}
    assert "flags_useful.DEC-01" not in again
    assert reviewer.post(CASE, again).status_code == 303


def test_a_review_is_superseded_for_a_reason_from_the_answers_that_stand(
    site: Site, store: OwnStore, reviewer: Browser
) -> None:
    at = "/cases/1/supersede"
    assert reviewer.get(at).status_code == 409
    start(reviewer, CASE)
    send(reviewer, CASE, learning="as it was", **row())
    page = reviewer.get(at)
    shown = typed(page)
    assert (shown["learning"], shown["grade"], shown["actions.0.due_on"]) == (
        "as it was",
        "good",
        "4/1/2050",
    )
    assert "The review before asked for these" in told(page)
    added = reviewer.post(at, {**shown, "button": "add"})
    assert added.status_code == 200
    assert mistakes(added) == {}
    assert typed(added)["actions.1.owner"] == ""
    answer = reviewer.post(at, {**shown, "button": "submit"})
    assert mistakes(answer) == {"reason": "Enter why the review is superseded"}
    answer = reviewer.post(at, {**shown, "grade": "inadequate", "learning": "", "button": "submit"})
    assert list(mistakes(answer)) == ["learning", "reason"]
    answer = reviewer.post(
        at, {**shown, "grade": "outstanding", "reason": "police record", "button": "submit"}
    )
    text = told(reviewer.follow(answer))
    assert "It supersedes review 1: police record" in text
    assert "Review 2 by r.reviewer stands in its place: police record" in text
    assert store.value("SELECT COUNT(*) FROM remedial_action") == 1
    other = Browser(site, "s.second")
    assert other.get(at).status_code == 403
    assert "only they, or a manager, may supersede it" in told(other.get(at))
    assert "supersede" not in other.get("/cases/1/reviews").text.replace("supersedes", "")
    assert Browser(site, "m.manager").get(at).status_code == 200
    asked(store, 1)
    answer = reviewer.post(at, {**shown, "reason": "too late", "button": "submit"})
    assert answer.status_code == 409
    assert typed(answer)["reason"] == "too late"
