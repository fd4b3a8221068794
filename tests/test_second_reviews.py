"""Second reviews as people do them, by the commands, on both stores."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from conftest import Triage
from second_helpers import (
    action,
    answers,
    asked,
    file_of,
    final_of,
    flagged,
    people,
    refused,
    reviewed,
    reviews_kept,
    said,
    status_of,
    submitted,
    told,
)
from stores import OwnStore
from work_helpers import AS_OF, DECIDED, asker, kinds, last_event, night, row

from triage import store as kept
from triage.errors import CallError

MANAGER, SECOND, THIRD = ("--as", "m.manager"), ("--as", "r.second"), ("--as", "r.third")


def draw(triage: Triage, *more: str) -> Any:
    return told(triage, "second", "draw", "--seed", "2026-Q3", *MANAGER, *more)


def test_a_drawn_case_goes_on_by_itself_when_the_second_reviewer_agrees(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace)
    first = reviews_kept(store)
    people(triage)
    sample = draw(triage, "--share", "10%")
    assert (sample["cases"], sample["size"], sample["states"]) == ([1], 1, {"waits": 1})
    assert status_of(store) == "awaiting second review"
    assert "second review due" in said(triage, "queue", "list", *SECOND)

    form = said(triage, "second", "form", "1", *SECOND)
    assert "DEC-01 = " in form
    assert said(triage, "second", "draft", "1", file_of(workplace), *SECOND)
    assert said(triage, "second", "submit", "1", *SECOND).splitlines() == [
        "Second review 2 of case 1 is submitted.",
        "The two agree: case 1 is closed.",
    ]
    assert status_of(store) == "closed"
    assert reviews_kept(store)[:1] == first
    shown = told(triage, "review", "show", "1", *MANAGER)
    assert [(one["kind"], one["is_final"]) for one in shown] == [("first", False), ("second", True)]
    assert told(triage, "second", "list", *MANAGER) == []
    assert told(triage, "second", "samples", *MANAGER)[0]["states"] == {"agreed": 1}
    assert "whole" in said(triage, "audit", "verify")


def test_where_they_differ_a_third_person_settles_it(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace, actions=[action()])
    people(triage)
    said(triage, "second", "ask", "1", "--reason", "complaint", *MANAGER)
    path = file_of(workplace, grade="inadequate", learning="ask the school", oversight="missing",
                   actions=[action(), action(kind="supervision")])  # fmt: skip
    out = said(triage, "second", "submit", "1", path, *SECOND)
    assert "differ on oversight, grade" in out
    assert status_of(store) == "awaiting second review"
    before = reviews_kept(store)
    # What the second reviewer asks for need not wait for the moderation.
    assert [one["kind"] for one in told(triage, "action", "list", *MANAGER)] == [
        "visit", "supervision",
    ]  # fmt: skip

    both = told(triage, "second", "differences", "1", *THIRD)
    assert (both["first_by"], both["second_by"], both["differs"]) == (
        "r.first", "r.second", ["oversight", "grade"],
    )  # fmt: skip
    assert both["answers"]["grade"] == {
        "first": "good", "second": "inadequate", "settled": None,
    }  # fmt: skip
    assert "differs" in said(triage, "second", "differences", "1", *THIRD)

    for name in ("r.first", "r.second"):
        why = refused(triage, "second", "settle", "1", path, "--reason", "so", "--as", name)
        assert "one of the reviews is theirs" in why
        assert "no: one of the reviews" in said(triage, "second", "list", "--as", name)
    form = said(triage, "second", "form", "1", *THIRD)
    assert "differ on oversight: weak or missing; grade: good or inadequate" in form
    assert 'grade = ""' in form
    assert 'main_reason = "R02"' in form
    path = file_of(
        workplace, grade="requires improvement to be good", learning="both", oversight="weak"
    )
    out = said(triage, "second", "settle", "1", path, "--reason", "talked to both", *THIRD)
    assert out == "Review 3 settles it: case 1 is actions open.\n"
    assert reviews_kept(store)[:2] == before
    final = final_of(store)
    assert (final.kind, final.reviewer, final.reason) == (
        "moderation", "r.third", "talked to both",
    )  # fmt: skip
    shown = said(triage, "second", "differences", "1", *MANAGER)
    assert "Settled, r.third" in shown
    assert told(triage, "second", "differences", "1", *MANAGER)["settled_why"] == "talked to both"
    for number in (1, 2):
        said(triage, "action", "done", str(number), "--evidence", "seen", "--as", "w.worker")
    assert status_of(store) == "closed"


def test_a_manager_who_is_neither_may_settle_and_one_who_reviewed_may_not(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    flagged(store, workplace)
    submitted(store, 1, "m.manager")
    people(triage)
    said(triage, "people", "add", "m.other", "--role", "team manager", "--as", "a.administrator")
    said(triage, "second", "ask", "1", "--reason", "dip sample", "--as", "m.other")
    path = file_of(workplace, grade="outstanding")
    said(triage, "second", "submit", "1", path, *SECOND)
    assert "cannot moderate" in refused(
        triage, "second", "settle", "1", path, "--reason", "mine stands", *MANAGER
    )
    said(triage, "second", "settle", "1", path, "--reason", "seen both", "--as", "m.other")
    assert status_of(store) == "closed"


def test_actions_are_done_while_the_case_waits(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace, actions=[action()])
    draw(triage, "--number", "1")
    kept.begin_second(store.url, asker("r.second"), 1)
    said(triage, "action", "done", "1", "--evidence", "visited", "--as", "w.worker")
    assert status_of(store) == "awaiting second review"
    held = store.query('SELECT held_by FROM "case" WHERE id = 1')
    assert held == [("r.second",)]
    assert "case 1 is closed" in said(triage, "second", "submit", "1", file_of(workplace), *SECOND)


def test_a_case_with_actions_goes_on_to_them(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace, actions=[action()])
    draw(triage, "--number", "1")
    out = said(triage, "second", "submit", "1", file_of(workplace), *SECOND)
    assert "case 1 is actions open" in out
    reviewed_again = told(triage, "second", "samples", *MANAGER)[0]
    assert reviewed_again["states"] == {"agreed": 1}


def test_every_review_of_a_grade_waits_where_the_settings_say_so(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    (workplace / "triage.toml").write_text('[second_review]\ngrades = ["inadequate"]\n')
    flagged(store, workplace, 2)
    good = file_of(workplace)
    said(triage, "review", "submit", "1", good, "--as", "r.first")
    assert status_of(store, 1) == "closed"
    poor = file_of(workplace, grade="inadequate", learning="much", actions=[action()])
    said(triage, "review", "submit", "2", poor, "--as", "r.first")
    assert status_of(store, 2) == "awaiting second review"
    # Found to be so only later, by a review that supersedes.
    poor = file_of(workplace, grade="inadequate", learning="much")
    said(triage, "review", "supersede", "1", poor, "--reason", "police record", "--as", "r.first")
    assert status_of(store, 1) == "awaiting second review"
    waits = told(triage, "second", "list", "--as", "r.first")
    assert {(one["case"], one["why"]) for one in waits} == {(1, "grade"), (2, "grade")}
    assert "case 1 is closed" in said(triage, "second", "submit", "1", poor, *SECOND)
    assert "case 2 is actions open" in said(triage, "second", "submit", "2", poor, *SECOND)


def test_a_grade_that_there_is_not_is_refused(triage: Triage, workplace: Path) -> None:
    (workplace / "triage.toml").write_text('[second_review]\ngrades = ["poor"]\n')
    assert "second_review.grades.0" in refused(triage, "second", "list")
    (workplace / "triage.toml").write_text('[second_review]\ngrade = ["good"]\n')
    assert "did you mean grades?" in refused(triage, "second", "list")


def test_a_second_review_has_a_due_date_of_its_own_and_gives_the_first_one_back(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    (workplace / "triage.toml").write_text("[second_review]\nworking_days = 0\n")
    reviewed(store, workplace)
    due = 'SELECT due_on FROM "case" WHERE id = 1'
    before = store.value(due)
    draw(triage, "--number", "1")
    assert store.value(due) == dt.date.today().isoformat()
    said(triage, "second", "withdraw", "1", "--reason", "nobody is left", *MANAGER)
    assert (store.value(due), status_of(store)) == (before, "closed")


def test_a_flag_that_is_raised_while_a_case_waits_opens_it_again(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    decided_late = {"decision_at": "2023-06-28", "risk_rating": "red", "threshold_level": "3"}
    night(store, workplace, [row("R1", **decided_late), row("R2", **DECIDED)])
    submitted(store, 1, flags_useful={"DEC-02": "yes"})
    draw(triage, "--number", "1")
    more = [row("R1", **{**decided_late, "risk_rating": ""}), row("R2", **DECIDED)]
    night(store, workplace, more, AS_OF + dt.timedelta(days=1))
    assert status_of(store) == "awaiting second review"
    path = file_of(workplace, flags_useful={"DEC-02": "yes"})
    assert "case 1 is open again" in said(triage, "second", "submit", "1", path, *SECOND)
    assert store.query('SELECT status, boost FROM "case" WHERE id = 1') == [("new", "came back")]
    assert "came back" in said(triage, "queue", "list", *SECOND)


def test_one_second_reviewer_at_a_time(triage: Triage, store: OwnStore, workplace: Path) -> None:
    reviewed(store, workplace)
    asked(store, 1)
    kept.begin_second(store.url, asker("r.second"), 1)
    with pytest.raises(CallError, match="is held by"):
        kept.begin_second(store.url, asker("r.third", 59), 1)
    (waits,) = kept.second_list(store.url, asker("r.third", 59))
    assert (waits.begun_by, waits.why_not) == ("r.second", "r.second is at it")
    kept.begin_second(store.url, asker("r.third", 61), 1)
    done = kept.submit_second(store.url, asker("r.third", 62), 1, answers())
    assert (done.differs, done.status) == ((), "closed")
    with pytest.raises(CallError, match="it has to be awaiting"):
        kept.submit_second(store.url, asker("r.second", 63), 1, answers())


def test_a_second_reviewer_can_give_the_case_back_or_be_given_one(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace)
    people(triage)
    asked(store, 1)
    said(triage, "second", "form", "1", *SECOND)
    said(triage, "queue", "release", "1", *SECOND)
    said(triage, "queue", "assign", "1", "--to", "r.third", *MANAGER)
    assert "waits for r.third" in refused(triage, "second", "form", "1", *SECOND)
    assert status_of(store) == "awaiting second review"
    said(triage, "second", "submit", "1", file_of(workplace), *THIRD)


def test_the_same_form_is_asked_and_enforced(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace)
    asked(store, 1)
    # The flag of the first review is still asked about, though it holds no longer.
    night(store, workplace, [row("R00000", **DECIDED)], AS_OF + dt.timedelta(days=1))
    assert "DEC-01 = " in said(triage, "second", "form", "1", *SECOND)
    poor = file_of(workplace, grade="inadequate", flags_useful={})
    why = refused(triage, "second", "submit", "1", poor, *SECOND)
    assert "learning: say in words" in why
    assert "flags_useful.DEC-01: is not answered" in why
    assert "is none of" in refused(
        triage, "second", "draft", "1", file_of(workplace, grade="poor"), *SECOND
    )
    assert status_of(store) == "awaiting second review"


def test_every_act_is_in_the_trail_and_tells_nothing_of_the_answers(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    secret = "the heron flew at dusk"
    reviewed(store, workplace, 3, learning=secret)
    since = last_event(store)
    path = file_of(workplace, grade="inadequate", learning=secret)
    draw(triage, "--number", "1")
    case = str(told(triage, "second", "list", *SECOND)[0]["case"])
    others = [number for number in ("1", "2", "3") if number != case]
    said(triage, "second", "ask", others[0], "--reason", secret, *MANAGER)
    said(triage, "second", "withdraw", others[0], "--reason", secret, *MANAGER)
    said(triage, "second", "form", case, *SECOND)
    said(triage, "second", "draft", case, path, *SECOND)
    said(triage, "second", "submit", case, *SECOND)
    said(triage, "second", "differences", case, *THIRD)
    said(triage, "second", "settle", case, path, "--reason", secret, *THIRD)
    said(triage, "second", "agreement", *MANAGER)
    assert kinds(store, since) == [
        "sample drawn", "second review asked for", "second review asked for",
        "second review withdrawn", "case closed", "second review started",
        "second review draft saved", "second review submitted", "reviews read",
        "second review settled", "case closed", "agreement read",
    ]  # fmt: skip
    details = " ".join(detail for (detail,) in store.query("SELECT detail FROM event"))
    for text in (secret, "inadequate", "R02", "weak", "PR0000"):
        assert text not in details
    assert "whole" in said(triage, "audit", "verify")


def test_a_case_reviewed_anew_can_be_reviewed_a_second_time_anew(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace)
    asked(store, 1)
    kept.submit_second(
        store.url, asker("r.second", 1), 1, answers(grade="inadequate", learning="x")
    )
    kept.settle_second(store.url, asker("r.third", 2), 1, answers(grade="outstanding"), "talked")
    said(triage, "queue", "reopen", "1", "--reason", "new information", *MANAGER)
    kept.submit_review(store.url, asker("r.third", 3), 1, answers())
    assert (final_of(store).kind, final_of(store).reviewer) == ("first", "r.third")
    assert draw(triage, "--number", "1")["cases"] == [1]
    # Of the round before they were both, which bars them from nothing in this one.
    done = kept.submit_second(store.url, asker("r.first", 10**7), 1, answers())
    assert (done.differs, final_of(store).reviewer) == ((), "r.first")
