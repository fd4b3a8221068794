"""The first answers are hidden from whoever may be the second reviewer, until theirs are in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Triage
from second_helpers import (
    action,
    answers,
    asked,
    file_of,
    flagged,
    people,
    refused,
    reviewed,
    said,
    status_of,
    submitted,
    told,
)
from stores import ON_POSTGRESQL, ON_SQLITE, NewStore, OwnStore
from work_helpers import asker

from triage import store as kept
from triage.errors import CallError

SECOND, MANAGER = ("--as", "r.second"), ("--as", "m.manager")
ONE: dict[str, Any] = {"learning": "the heron flew"}
OTHER: dict[str, Any] = {
    "is_re_referral": "partly", "main_reason": "R09", "further_reasons": ["R13", "R15"],
    "closure_right": "yes", "threshold_right": "unclear", "risk_identified": "no",
    "oversight": "missing", "avoidable": "unclear", "grade": "inadequate",
    "flags_useful": {"DEC-01": "no"}, "learning": "the kestrel hung",
    "actions": [action("k.kestrel", "escalation"), action("k.kestrel", "learning")],
}  # fmt: skip
"""Two sets of answers that differ in every question."""
Words = tuple[str, ...]
READS: tuple[Words, ...] = (
    ("queue", "list", "--status", "awaiting second review"), ("queue", "list", "--limit", "0"),
    ("queue", "list", "--status", "closed"), ("queue", "list", "--status", "actions open"),
    ("queue", "list", "--assigned-to", "k.kestrel"), ("queue", "show", "1"),
    ("review", "show", "1"),
    ("action", "list"), ("action", "list", "--all"), ("action", "list", "--case", "1"),
    ("action", "list", "--owner", "k.kestrel", "--all"), ("second", "list"),
    ("second", "agreement"),
)  # fmt: skip
"""What a reviewer can ask for."""
ACTS: tuple[Words, ...] = (
    ("review", "form", "1"), ("queue", "claim", "1"), ("second", "differences", "1"),
    ("second", "form", "1"), ("second", "form", "1"), ("queue", "note", "1", "seen the file"),
    ("queue", "release", "1"),
)  # fmt: skip
"""What a reviewer can try; the answers to some of it are refusals."""
OF_ALL: tuple[Words, ...] = (
    ("second", "samples"), ("runs", "list"), ("due",), ("people", "list"),
    *(("audit", "log", "--kind", kind) for kind in (
        "review submitted", "review superseded", "action asked for", "case closed",
        "second review asked for",
    )),
)  # fmt: skip
"""What anybody can ask for besides, where nobody is registered."""
_ASKS_NOBODY = ("runs", "people")
_VARIES = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00)?|[0-9a-f]{64}|store_[0-9a-f]{32}"
)
Waits = Callable[[OwnStore], None]


def outputs(triage: Triage, who: Words, reads: tuple[Words, ...]) -> Iterator[str]:
    """Yield what somebody is told before they begin, when they try things, and afterwards."""
    in_json = [(*words, "--format", "json") for words in reads]
    for words in (*reads, *in_json, *ACTS, *in_json):
        code, out, err = triage(*words, *(() if words[0] in _ASKS_NOBODY else who))
        yield f"{words} {code}\n" + _VARIES.sub("", out + err)


def by_asking(own: OwnStore) -> None:
    kept.ask_for_second(own.url, asker("m.other"), 1, "the heron or the kestrel?")


def by_team(own: OwnStore) -> None:
    kept.draw_sample(own.url, asker("m.other"), kept.Plan("1", number=1, by="team"))


def by_grade(own: OwnStore) -> None:
    kept.draw_sample(own.url, asker("m.other"), kept.Plan("1", number=1, by="grade"))


def by_outcome(own: OwnStore) -> None:
    kept.draw_sample(own.url, asker("m.other"), kept.Plan("1", share="100%", by="outcome"))


def after_withdrawing(own: OwnStore) -> None:
    by_team(own)
    kept.withdraw_second(own.url, asker("m.other"), 1, "another shall")
    by_team(own)


def after_superseding(own: OwnStore) -> None:
    (first,) = kept.reviews_of(own.url, asker("r.first"), 1)
    kept.supersede_review(own.url, asker("r.first"), 1, first.answers, "heron or kestrel")
    by_team(own)


WAITS = [by_asking, by_team, by_grade, by_outcome, after_withdrawing, after_superseding]
REGISTERED = pytest.mark.parametrize(
    "is_registered", [True, False], ids=["registered", "nobody registered"]
)


@ON_SQLITE
@pytest.mark.parametrize("wait", WAITS)
@REGISTERED
def test_nothing_that_a_second_reviewer_can_ask_for_depends_on_the_first_answers(
    triage: Triage, new_store: NewStore, workplace: Path, monkeypatch: pytest.MonkeyPatch,
    wait: Waits, is_registered: bool,
) -> None:  # fmt: skip
    found = []
    for name, first in (("one", ONE), ("other", OTHER)):
        folder = workplace / name
        folder.mkdir()
        with new_store(folder) as own:
            monkeypatch.setenv("TRIAGE_DB", own.url)
            flagged(own, workplace)
            submitted(own, 1, **first)
            wait(own)
            if is_registered:
                people(triage)
            reads = READS if is_registered else READS + OF_ALL
            found.append(list(outputs(triage, SECOND, reads)))
    assert any('grade = ""' in one for one in found[0])
    for one, other in zip(*found, strict=True):
        assert one == other
        assert "the heron" not in one
        assert "the kestrel" not in one


@ON_POSTGRESQL
@REGISTERED
def test_nor_does_it_on_a_server(
    triage: Triage, new_store: NewStore, workplace: Path, monkeypatch: pytest.MonkeyPatch,
    is_registered: bool,
) -> None:  # fmt: skip
    test_nothing_that_a_second_reviewer_can_ask_for_depends_on_the_first_answers(
        triage, new_store, workplace, monkeypatch, after_superseding, is_registered
    )


def test_the_whole_trail_withholds_what_could_tell(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace, **OTHER)
    asked(store, 1)
    out = said(triage, "audit", "log", *SECOND) + said(
        triage, "audit", "log", "--format", "json", *SECOND
    )
    assert "withheld until the second review is in" in out
    for text in ("kestrel", "escalation", "action asked for", "case closed", "sha256"):
        assert text not in out
    people(triage)
    seen = said(triage, "audit", "log", "--format", "json", "--as", "a.auditor")
    assert "escalation" in seen
    assert "withheld" not in seen


def test_who_cannot_be_the_second_reviewer_sees_the_first_answers(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace, actions=[action("w.worker")])
    asked(store, 1)
    people(triage)
    for name, sees in (
        ("r.first", True), ("a.auditor", True), ("w.worker", True),
        ("r.second", False), ("r.third", False),
    ):  # fmt: skip
        assert bool(told(triage, "review", "show", "1", "--as", name)) is sees
        assert bool(told(triage, "action", "list", "--as", name)) is sees
        kinds = [one["kind"] for one in told(triage, "queue", "show", "1", "--as", name)["events"]]
        assert ("action asked for" in kinds) is sees
        (waits,) = told(triage, "second", "list", "--as", name)
        assert (waits["reason"] == "a complaint") is sees
        assert bool(waits["why_not"]) is sees
    assert "they have something to do" in refused(triage, "second", "form", "1", "--as", "w.worker")


def test_what_is_hidden_is_said_to_be(triage: Triage, store: OwnStore, workplace: Path) -> None:
    reviewed(store, workplace)
    asked(store, 1)
    code, out, err = triage("review", "show", "1", *SECOND)
    assert (code, "the first review is not shown" in err) == (0, True)
    assert "R02" not in out
    assert "1 case asks for is not listed" in triage("action", "list", *SECOND)[2]
    assert triage("review", "show", "1", "--as", "r.first")[2] == ""
    assert triage("action", "list", "--case", "2", *SECOND)[2] == ""


def test_who_gives_no_name_is_told_nothing(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace, **OTHER)
    asked(store, 1)
    for words in (("review", "show", "1"), ("action", "list"), ("audit", "log"), ("second", "list"),
                  ("queue", "show", "1"), ("second", "samples")):  # fmt: skip
        out = said(triage, *words, "--format", "json")
        assert "kestrel" not in out
        assert "escalation" not in out


def test_the_first_reviewer_cannot_be_the_second(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace)
    (first,) = kept.reviews_of(store.url, asker("r.first"), 1)
    kept.supersede_review(store.url, asker("m.manager"), 1, first.answers, "police record")
    kept.ask_for_second(store.url, asker("m.other"), 1, "a complaint")
    path = file_of(workplace)
    # Who wrote any version of it.
    for name in ("r.first", "m.manager"):
        for words in (("form", "1"), ("draft", "1", path), ("submit", "1", path)):
            why = refused(triage, "second", *words, "--as", name)
            assert "the first review is theirs" in why
    assert status_of(store) == "awaiting second review"


def test_who_has_read_the_first_answers_cannot_be_the_second_reviewer(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace)
    said(triage, "review", "show", "1", *SECOND)
    asked(store, 1)
    assert "they have read it" in refused(triage, "second", "form", "1", *SECOND)
    # Asking for what is hidden is not to have read it.
    said(triage, "review", "show", "1", "--as", "r.third")
    said(triage, "second", "submit", "1", file_of(workplace), "--as", "r.third")


def test_a_manager_who_has_to_see_the_first_answers_gives_up_the_second(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace, actions=[action()])
    people(triage)
    kept.draw_sample(store.url, asker("m.manager"), kept.Plan("1", number=1))
    assert told(triage, "action", "list", *MANAGER) == []
    assert "may not" in refused(triage, "review", "show", "1", "--unblind", *SECOND)
    said(triage, "second", "form", "1", *MANAGER)
    assert told(triage, "review", "show", "1", "--unblind", *MANAGER)[0]["answers"]
    assert len(told(triage, "action", "list", *MANAGER)) == 1
    why = refused(triage, "second", "submit", "1", file_of(workplace), *MANAGER)
    assert "they have read it" in why
    log = told(triage, "audit", "log", "--kind", "reviews read", "--as", "a.auditor")
    assert log[0]["actor"] == "m.manager"
    assert log[0]["detail"] == {"reviews": [1]}


def test_who_asks_for_a_second_review_or_draws_by_grade_cannot_do_it(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace, 3)
    asked(store, 1)
    assert "they asked for it" in refused(triage, "second", "form", "1", *MANAGER)
    by_grade = told(
        triage, "second", "draw", "--number", "1", "--by", "grade", "--seed", "1", *MANAGER
    )
    assert by_grade["strata"] == [{"stratum": "good", "size": 2, "drawn": 1}]
    case = str(by_grade["cases"][0])
    assert "they drew the sample by grade" in refused(triage, "second", "form", case, *MANAGER)
    others = told(triage, "second", "samples", "--as", "m.other")
    assert others[0]["strata"] is None
    assert "when their second reviews are in" in said(
        triage, "second", "samples", "--as", "m.other"
    )
    # Drawn by nothing that tells, it is anybody's.
    (last,) = told(triage, "second", "draw", "--number", "1", "--seed", "1", *MANAGER)["cases"]
    said(triage, "second", "form", str(last), *MANAGER)
    said(triage, "second", "submit", case, file_of(workplace), "--as", "m.other")
    shown = told(triage, "second", "samples", "--as", "m.other")
    assert shown[1]["strata"] == by_grade["strata"]


def test_once_the_second_answers_are_in_both_are_shown(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace, actions=[action("k.kestrel", "escalation")])
    asked(store, 1)
    out, _ = said(triage, "second", "list", *SECOND), people(triage)
    assert "complaint" not in out
    assert "is in" in refused(triage, "second", "differences", "1", *SECOND)
    said(triage, "second", "submit", "1", file_of(workplace, grade="outstanding"), *SECOND)
    assert len(told(triage, "review", "show", "1", *SECOND)) == 2
    assert told(triage, "action", "list", *SECOND)[0]["owner"] == "k.kestrel"
    assert "good" in said(triage, "second", "differences", "1", *SECOND)
    (waits,) = told(triage, "second", "list", *SECOND)
    assert (waits["why"], waits["reason"], waits["came_from"]) == (
        "asked", "a complaint", "actions open",
    )  # fmt: skip


def test_a_second_draft_is_its_authors_alone(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace)
    asked(store, 1)
    path = file_of(workplace, learning="the kestrel hung")
    said(triage, "second", "draft", "1", path, *SECOND)
    for name in ("r.first", "r.third", "m.manager"):
        assert "kestrel" not in said(triage, "review", "show", "1", "--as", name)
    assert "kestrel" in said(triage, "review", "show", "1", *SECOND)
    assert "kestrel" in said(triage, "second", "form", "1", *SECOND)
    said(triage, "second", "submit", "1", *SECOND)


def test_a_draft_of_a_first_review_is_not_taken_for_a_second_one(
    store: OwnStore, workplace: Path
) -> None:
    flagged(store, workplace)
    kept.save_draft(store.url, asker("r.second"), 1, answers(learning="an old thought"))
    kept.release(store.url, asker("r.second"), 1)
    submitted(store, 1)
    asked(store, 1)
    assert kept.begin_second(store.url, asker("r.second"), 1).answers == {}
    with pytest.raises(CallError, match="is not answered"):
        kept.submit_second(store.url, asker("r.second"), 1, None)
