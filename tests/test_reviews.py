"""Reviews: drafts of one's own, submitted for good, superseded with a reason; and what follows."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from stores import OwnStore
from work_helpers import (
    ANSWERS,
    AS_OF,
    DECIDED,
    asker,
    case_of,
    kinds,
    last_event,
    night,
    row,
    rows,
    to_do,
)

from triage import store as door
from triage.errors import CallError
from triage.store import Asker
from triage.store.reviews import seal

NAMED = "name"
ASKS = ANSWERS | {"actions": [to_do(), to_do("feedback", "w.other", "2023-07-14")]}
ONE, TWO, MANAGER = asker("r.one"), asker("r.two"), asker("m.manager")


@pytest.fixture
def cases(store: OwnStore, workplace: Path) -> OwnStore:
    """A store of three cases."""
    night(store, workplace, rows(3))
    return store


def reviews(own: OwnStore, number: int = 1, who: Asker = MANAGER) -> list[dict[str, Any]]:
    return [
        {"state": one.state, "reviewer": one.reviewer, "answers": one.answers,
         "supersedes": one.supersedes, "reason": one.reason}
        for one in door.reviews_of(own.url, who, number)
    ]  # fmt: skip


def actions(own: OwnStore, **asked: Any) -> list[tuple[str, str, dt.date]]:
    found = door.actions_of(own.url, MANAGER, **asked)
    return [(one.kind, one.owner, one.due_on) for one in found]


def refused(told: str, act: Any, own: OwnStore, *asked: Any) -> None:
    """Hold that something is refused in these words and leaves everything as it was."""
    tables = ("case", "review", "remedial_action", "note", "event")
    before = own.rows(*tables)
    with pytest.raises(CallError, match=told):
        act(own.url, *asked)
    assert own.rows(*tables) == before


def test_a_draft_is_kept_and_gone_on_with_and_nobody_else_sees_it(cases: OwnStore) -> None:
    door.save_draft(cases.url, ONE, 1, {"grade": "good"})
    door.save_draft(cases.url, ONE, 1, {"grade": "good", "learning": "ring earlier"})
    assert door.begin_review(cases.url, ONE, 1).answers == {
        "grade": "good", "learning": "ring earlier",
    }  # fmt: skip
    assert [one["state"] for one in reviews(cases, who=ONE)] == ["draft"]
    assert reviews(cases) == reviews(cases, who=TWO) == reviews(cases, who=asker(None)) == []
    assert "ring earlier" not in repr(door.one_case(cases.url, MANAGER, 1))
    assert kinds(cases).count("review started") == 1
    assert kinds(cases).count("review draft saved") == 2
    assert cases.value("SELECT COUNT(*) FROM review") == 1


def test_each_keeps_a_draft_of_their_own_when_a_case_goes_from_one_to_the_other(
    cases: OwnStore,
) -> None:
    door.save_draft(cases.url, ONE, 1, {"grade": "good"})
    door.release(cases.url, ONE, 1)
    assert door.begin_review(cases.url, TWO, 1).answers == {}
    door.save_draft(cases.url, TWO, 1, {"grade": "inadequate"})
    refused("is held by r.two", door.save_draft, cases, ONE, 1, {"grade": "good"})
    door.release(cases.url, TWO, 1)
    before = last_event(cases)
    assert door.begin_review(cases.url, ONE, 1).answers == {"grade": "good"}
    assert door.begin_review(cases.url, ONE, 1).answers == {"grade": "good"}
    assert kinds(cases, before) == ["review gone on with"]


def test_a_draft_is_submitted_as_it_was_kept(cases: OwnStore) -> None:
    door.save_draft(cases.url, ONE, 1, ANSWERS)
    number = door.submit_review(cases.url, ONE, 1, None)
    assert [one["answers"] for one in reviews(cases)] == [ANSWERS]
    assert cases.query("SELECT id, state FROM review") == [(number, "submitted")]


@pytest.mark.parametrize("left", [name for name in ANSWERS if name not in ("learning", "actions")])
def test_a_review_with_a_question_left_out_is_not_submitted(cases: OwnStore, left: str) -> None:
    part = {name: said for name, said in ANSWERS.items() if name != left}
    door.save_draft(cases.url, ONE, 1, part)
    refused(f"{left}.*: is not answered", door.submit_review, cases, ONE, 1, None)
    refused(f"{left}.*: is not answered", door.submit_review, cases, ONE, 1, part)
    assert case_of(cases, 1)["status"] == "in review"


def test_nothing_was_answered_where_nothing_was_kept(cases: OwnStore) -> None:
    refused("grade: is not answered", door.submit_review, cases, ONE, 1, None)
    refused("grade: 'fine' is none of", door.save_draft, cases, ONE, 1, {"grade": "fine"})
    assert cases.value("SELECT COUNT(*) FROM review") == 0


def test_the_flags_to_be_called_useful_are_those_that_are_open_now(
    store: OwnStore, workplace: Path
) -> None:
    late = {"decision_at": "2023-06-26", "risk_rating": "", "threshold_level": ""}
    night(store, workplace, [row("R0", **late)])
    assert door.begin_review(store.url, ONE, 1).rules == ("DEC-02", "DEC-04")
    night(store, workplace, [row("R0", **late | {"risk_rating": "red", "threshold_level": "3"})])
    both = ANSWERS | {"flags_useful": {"DEC-02": "yes", "DEC-04": "no"}}
    refused("flags_useful.DEC-04: is no open flag", door.submit_review, store, ONE, 1, both)
    door.submit_review(store.url, ONE, 1, ANSWERS | {"flags_useful": {"DEC-02": "yes"}})


def test_a_review_without_actions_closes_its_case_and_one_with_some_leaves_it_to_them(
    cases: OwnStore,
) -> None:
    before = last_event(cases)
    door.submit_review(cases.url, ONE, 1, ANSWERS)
    assert kinds(cases, before) == ["review started", "review submitted", "case closed"]
    before = last_event(cases)
    door.submit_review(cases.url, ONE, 2, ASKS)
    assert kinds(cases, before) == [
        "review started", "review submitted", "action asked for", "action asked for",
    ]  # fmt: skip
    assert [case_of(cases, number)["status"] for number in (1, 2)] == ["closed", "actions open"]
    for number in (1, 2):
        told = case_of(cases, number)
        assert told["held_by"] is told["held_until"] is told["assigned_to"] is told["boost"] is None


def test_a_case_closes_with_the_last_of_its_actions_done_or_handed_over(cases: OwnStore) -> None:
    door.submit_review(cases.url, ONE, 1, ASKS)
    door.boost(cases.url, MANAGER, 1, "complaint received")
    before = last_event(cases)
    door.finish_action(cases.url, asker("w.worker"), 1, AS_OF, "visit recorded")
    assert kinds(cases, before) == ["action done"]
    told = case_of(cases, 1)
    assert (told["status"], told["boost"]) == ("actions open", "complaint received")
    before = last_event(cases)
    door.hand_over_action(cases.url, MANAGER, 2, "Early Help", "family moved")
    assert kinds(cases, before) == ["action handed over", "case closed"]
    told = case_of(cases, 1)
    assert (told["status"], told["boost"]) == ("closed", None)
    assert actions(cases) == []
    done, handed = door.actions_of(cases.url, MANAGER, open_only=False)
    assert (done.done_on, done.evidence) == (AS_OF, "visit recorded")
    assert (handed.handed_to, handed.handed_why) == ("Early Help", "family moved")


def test_what_is_asked_of_an_action_is_held_to(cases: OwnStore) -> None:
    door.submit_review(cases.url, ONE, 1, ASKS)
    tomorrow = AS_OF + dt.timedelta(days=1)
    worker = asker("w.worker")
    for told, act, *asked in (
        ("say what shows that it was done", door.finish_action, 1, AS_OF, " "),
        ("2023-07-01: has not come yet", door.finish_action, 1, tomorrow, "seen"),
        ("there is no remedial action 9", door.finish_action, 9, AS_OF, "seen"),
        ("say to whom it is handed over, and why", door.hand_over_action, 1, "", "moved"),
        ("say to whom it is handed over, and why", door.hand_over_action, 1, "Early Help", " "),
        ("a name is to be", door.hand_over_action, 1, "Early\x1bHelp", "moved"),
        ("a character that cannot be kept", door.finish_action, 1, AS_OF, "seen\udcff"),
        ("a character that cannot be kept", door.finish_action, 1, AS_OF, "see\0n"),
    ):
        refused(told, act, cases, worker, *asked)
    door.finish_action(cases.url, worker, 1, AS_OF, "seen")
    for act, *asked in (
        (door.finish_action, AS_OF, "seen again"), (door.hand_over_action, "Early Help", "moved"),
    ):  # fmt: skip
        refused("action 1 is done, or was handed over, already", act, cases, worker, 1, *asked)


def test_actions_are_listed_by_case_and_owner_the_soonest_due_first(cases: OwnStore) -> None:
    late = ANSWERS | {"actions": [to_do(due_on="2023-07-20"), to_do(due_on="2023-07-03")]}
    door.submit_review(cases.url, ONE, 2, late)
    door.submit_review(cases.url, ONE, 1, ASKS)
    assert [day.day for _, _, day in actions(cases)] == [3, 7, 14, 20]
    assert [kind for kind, _, _ in actions(cases, owner="w.other")] == ["feedback"]
    assert len(actions(cases, case_id=1)) == len(actions(cases, case_id=2)) == 2
    door.finish_action(cases.url, MANAGER, 1, AS_OF, "seen")
    assert len(actions(cases)) == 3
    assert len(actions(cases, open_only=False)) == 4


def test_a_superseded_review_stays_beside_the_one_that_stands_with_the_reason(
    cases: OwnStore,
) -> None:
    door.submit_review(cases.url, ONE, 1, ASKS)
    other = ASKS | {"grade": "inadequate", "learning": "read the history", "actions": [
        to_do(), to_do("supervision", "m.manager", "2023-07-21")]}  # fmt: skip
    before = last_event(cases)
    door.supersede_review(cases.url, ONE, 1, other, " police record came in ")
    assert kinds(cases, before) == ["review superseded", "action asked for"]
    first, second = reviews(cases)
    assert (first["state"], first["answers"]) == ("superseded", ASKS)
    assert second["state"] == "submitted"
    assert second["answers"] == other
    assert (second["supersedes"], second["reason"]) == (1, "police record came in")
    assert [kind for kind, _, _ in actions(cases)] == ["visit", "feedback", "supervision"]
    door.supersede_review(cases.url, ONE, 1, ASKS, "it was another child's")
    assert [one["state"] for one in reviews(cases)] == ["superseded", "superseded", "submitted"]
    assert reviews(cases)[2]["supersedes"] == 2


def test_superseding_opens_a_closed_case_again_only_if_more_is_to_be_done(cases: OwnStore) -> None:
    door.submit_review(cases.url, ONE, 1, ANSWERS)
    door.supersede_review(cases.url, ONE, 1, ANSWERS | {"grade": "outstanding"}, "misread")
    assert case_of(cases, 1)["status"] == "closed"
    door.supersede_review(cases.url, ONE, 1, ASKS, "police record came in")
    assert case_of(cases, 1)["status"] == "actions open"


def test_only_the_reviewer_or_a_manager_supersedes_and_only_what_was_submitted(
    cases: OwnStore,
) -> None:
    door.submit_review(cases.url, ONE, 1, ANSWERS)
    door.close(cases.url, MANAGER, [3], "duplicate")
    people = {"a.admin": "administrator", "r.one": "reviewer", "r.two": "reviewer",
              "m.manager": "team manager"}  # fmt: skip
    for name, role in people.items():
        door.register(cases.url, asker("a.admin"), name, role, [])
    supersede = door.supersede_review
    refused("is r.one's: only they, or a manager", supersede, cases, TWO, 1, ANSWERS, "misread")
    refused("give a reason to supersede", supersede, cases, ONE, 1, ANSWERS, "  ")
    refused("case 2 is new: to supersede", supersede, cases, ONE, 2, ANSWERS, "misread")
    refused("case 3 has no submitted review", supersede, cases, ONE, 3, ANSWERS, "misread")
    refused("grade: 'fine'", supersede, cases, ONE, 1, ANSWERS | {"grade": "fine"}, "misread")
    door.supersede_review(cases.url, MANAGER, 1, ANSWERS, "misread")


def test_reviewed_again_after_it_came_back_the_last_review_is_the_one_superseded(
    cases: OwnStore,
) -> None:
    door.submit_review(cases.url, ONE, 1, ANSWERS)
    door.reopen(cases.url, MANAGER, 1, "new information")
    second = door.submit_review(cases.url, TWO, 1, ANSWERS | {"grade": "outstanding"})
    third = door.supersede_review(cases.url, TWO, 1, ANSWERS, "misread")
    assert cases.query("SELECT id, state, supersedes FROM review ORDER BY id") == [
        (1, "submitted", None), (second, "superseded", None), (third, "submitted", second),
    ]  # fmt: skip


def test_what_was_done_once_is_asked_for_again_in_a_new_review_but_not_in_one_put_in_its_place(
    cases: OwnStore,
) -> None:
    twice = ANSWERS | {"actions": [to_do(), to_do()]}
    door.submit_review(cases.url, ONE, 1, twice)
    assert len(actions(cases)) == 1
    door.finish_action(cases.url, MANAGER, 1, AS_OF, "seen")
    door.supersede_review(cases.url, ONE, 1, twice, "misread")
    assert (case_of(cases, 1)["status"], actions(cases)) == ("closed", [])
    door.reopen(cases.url, MANAGER, 1, "new information")
    door.submit_review(cases.url, TWO, 1, twice)
    assert (case_of(cases, 1)["status"], len(actions(cases))) == ("actions open", 1)


def test_a_submitted_review_never_changes(cases: OwnStore, workplace: Path) -> None:
    number = door.submit_review(cases.url, ONE, 1, ASKS)
    asked = "SELECT answers, salt, submitted_at, reviewer, started_at FROM review WHERE id = 1"
    (kept,) = cases.query(asked)
    (told,) = cases.query("SELECT detail FROM event WHERE kind = 'review submitted'")
    assert json.loads(told[0]) == {"review": number, "sha256": seal(kept[1], kept[0])}
    refused("case 1 is actions open: to start a review", door.save_draft, cases, ONE, 1, {})
    refused("case 1 is actions open: to start a rev", door.submit_review, cases, ONE, 1, ANSWERS)
    door.supersede_review(cases.url, ONE, 1, ANSWERS, "misread")
    for action in (1, 2):
        door.finish_action(cases.url, MANAGER, action, AS_OF, "seen")
    door.reopen(cases.url, MANAGER, 1, "new information")
    night(cases, workplace, [row("R00000", **DECIDED), *rows(3)[1:]])
    assert cases.query(asked) == [kept]


def test_what_was_said_is_not_in_the_trail(cases: OwnStore) -> None:
    answers = ASKS | {"learning": "his grandmother had written twice"}
    door.save_draft(cases.url, ONE, 1, answers)
    door.submit_review(cases.url, ONE, 1, None)
    door.supersede_review(cases.url, ONE, 1, answers | {"avoidable": "unclear"}, "Tom was seen")
    door.finish_action(cases.url, MANAGER, 1, AS_OF, "a letter to Ann")
    door.hand_over_action(cases.url, MANAGER, 2, "Early Help", "Ann has moved")
    told = repr(cases.query("SELECT detail FROM event"))
    assert not any(word in told for word in ("grandmother", "avoidable", "Tom", "Ann", "letter"))


def test_reading_reviews_is_in_the_trail(cases: OwnStore) -> None:
    door.submit_review(cases.url, ONE, 1, ANSWERS)
    door.reviews_of(cases.url, TWO, 1)
    assert cases.query("SELECT actor, kind, case_id FROM event ORDER BY id DESC LIMIT 1") == [
        ("r.two", "reviews read", 1)
    ]
