"""Reviews on pages: begun, filled in, sent with mistakes, kept, submitted and superseded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from review_pages import FILLED, mistakes, row, send, start, typed
from stores import NewStore, OwnStore
from web_helpers import Browser, peopled, told
from work_helpers import case_of, night, rows
from work_helpers import row as referral

from triage.review_form import REASONS
from triage.web.review_fields import LABELS
from triage.web.site import Site

CASE = "/cases/1/review"


@pytest.fixture
def site(store: OwnStore, workplace: Path) -> Iterator[Site]:
    night(store, workplace, [
        *rows(3), referral("S1", team="South"), referral("X1", restricted="true"),
    ])  # fmt: skip
    with peopled(store, workplace) as served:
        yield served


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
    assert "No decision is recorded" in text
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
