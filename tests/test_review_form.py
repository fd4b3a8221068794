"""The form of a review: out as a file, filled in, and read again; every wrong answer is named."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from work_helpers import ANSWERS, to_do

from triage.errors import CallError
from triage.review_form import (
    ACTIONS,
    QUESTIONS,
    REASONS,
    Answers,
    complete,
    draft,
    form,
    read_answers,
)

TODAY = dt.date(2023, 6, 30)
RULES = ("DEC-01", "REF-08")
WHOLE = ANSWERS | {"flags_useful": {"DEC-01": "yes", "REF-08": "no"}}
MAY_BE_LEFT_OUT = ("learning", "actions")
LISTED = ("further_reasons", "flags_useful", "learning", "actions")
"""The questions that are not answered by one word of a list."""

odd_words = st.text(
    st.characters(codec="utf-8") | st.sampled_from("\"'\\#[]=\n\r\t\0\x07\x1b\x7f\x85\u2028\ufeff")
)
names = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp", "Zs")), min_size=1
)


@st.composite
def reviews(draw: st.DrawFn) -> dict[str, Any]:
    """Answers that may be submitted on a day."""
    found = {
        name: draw(st.sampled_from(allowed))
        for name, (_, allowed) in QUESTIONS.items()
        if name not in LISTED
    }
    if found["is_re_referral"] == "no":
        found["main_reason"] = "none"
    elif found["main_reason"] == "none":
        found["main_reason"] = "R01"
    others = [reason for reason in REASONS if reason != found["main_reason"]]
    is_none = found["main_reason"] == "none"
    found["further_reasons"] = (
        [] if is_none else draw(st.lists(st.sampled_from(others), unique=True))
    )
    found["flags_useful"] = {rule: draw(st.sampled_from(("yes", "partly", "no"))) for rule in RULES}
    found["learning"] = draw(odd_words.filter(str.strip))
    action = st.fixed_dictionaries(
        {
            "kind": st.sampled_from(list(ACTIONS)),
            "owner": names,
            "due_on": st.dates(TODAY, dt.date(9999, 12, 31)),
        }
    )
    found["actions"] = draw(st.lists(action, max_size=3))
    return found


def filled(given: dict[str, Any], rules: tuple[str, ...] = RULES) -> dict[str, Any]:
    """Put answers into the form and read it again, as a file."""
    text = form(given, rules, "Review of case 1 by r.reviewer, DEC-01, REF-08")
    return read_answers(text.encode().decode(), "12.toml")


@given(given=reviews())
def test_answers_come_back_from_the_form_as_they_were_put_in(given: dict[str, Any]) -> None:
    assert complete(filled(given), RULES, TODAY) == complete(given, RULES, TODAY)


@given(given=reviews())
def test_a_submitted_review_comes_back_from_the_form_of_its_json(given: dict[str, Any]) -> None:
    submitted = complete(given, RULES, TODAY)
    kept = json.loads(json.dumps(submitted.model_dump(mode="json"), ensure_ascii=False))
    assert complete(filled(kept), RULES, TODAY) == submitted
    assert complete(read_answers(json.dumps(kept), "12.json"), RULES, TODAY) == submitted


@given(given=reviews(), left=st.sets(st.sampled_from(list(QUESTIONS))), rule=st.sampled_from(RULES))
def test_a_draft_comes_back_with_what_was_answered_and_without_the_rest(
    given: dict[str, Any], left: set[str], rule: str
) -> None:
    part = {name: said for name, said in given.items() if name not in left}
    if "flags_useful" in part:
        part["flags_useful"] = {rule: part["flags_useful"][rule]}
    blank = {"further_reasons": [], "flags_useful": {}}
    read = draft(filled(draft(part)))
    assert read == {name: said for name, said in blank.items() if name in left} | {
        name: said for name, said in part.items() if said or name in blank
    }


@given(
    given=reviews(),
    left=st.sets(
        st.sampled_from([name for name in QUESTIONS if name not in MAY_BE_LEFT_OUT]), min_size=1
    ),
)
def test_each_question_that_is_not_answered_is_named_and_no_other(
    given: dict[str, Any], left: set[str]
) -> None:
    part = {name: said for name, said in given.items() if name not in left}
    assert draft(part) == part
    with pytest.raises(CallError) as refused:
        complete(part, RULES, TODAY)
    told = str(refused.value).split("\n")
    assert [line.split(":")[0] for line in told] == [name for name in QUESTIONS if name in left]
    assert all("is not answered" in line for line in told)


@given(given=reviews(), left=st.sets(st.sampled_from(MAY_BE_LEFT_OUT)))
def test_where_nothing_is_to_be_learned_or_put_right_nothing_need_be_said(
    given: dict[str, Any], left: set[str]
) -> None:
    given |= {"grade": "good", "main_reason": "R01", "is_re_referral": "yes", "further_reasons": []}
    part = {name: said for name, said in given.items() if name not in left}
    blank = {"learning": "", "actions": []}
    nothing = {name: blank[name] for name in left}
    assert complete(filled(part), RULES, TODAY) == complete(part | nothing, RULES, TODAY)


def test_an_empty_form_has_every_question_and_every_word_and_is_an_empty_draft() -> None:
    text = form({}, RULES, "Review of case 1")
    for name, (asked, allowed) in QUESTIONS.items():
        assert asked in text
        assert name in text
        assert all(word in text for word in allowed)
    assert draft(read_answers(text, "12.toml")) == {"further_reasons": [], "flags_useful": {}}


def test_the_form_of_a_case_without_open_flags_asks_about_none() -> None:
    given = ANSWERS | {"flags_useful": {}}
    assert complete(filled(given, ()), (), TODAY) == complete(given, (), TODAY)


def test_a_form_that_an_editor_began_with_a_mark_and_ended_its_lines_otherwise_is_read() -> None:
    text = form(WHOLE, RULES, "Review of case 1")
    for other in (f"\ufeff{text}", text.replace("\n", "\r\n"), f"\ufeff{json.dumps(WHOLE)}"):
        assert complete(read_answers(other, "12.toml"), RULES, TODAY)


@pytest.mark.parametrize("text", ["grade = good", "{", "[1", "grade = 'good'\ngrade = 'good'",
                                  '{"learning": ' + "[" * 100_000, "\0"])  # fmt: skip
def test_a_file_that_is_neither_toml_nor_json_is_refused_by_name(text: str) -> None:
    with pytest.raises(CallError, match=r"^12\.toml: is neither TOML nor JSON"):
        read_answers(text, "12.toml")


WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a word that there is not": ({"grade": "excellent"}, ["grade: 'excellent' is none of outst"]),
    "a number": ({"oversight": 3}, ["oversight: '3' is none of effective, weak, missing."]),
    "nothing": ({"avoidable": None}, ["avoidable: 'None' is none of avoidable,"]),
    "no reason of the list": ({"main_reason": "R77"}, ["main_reason: 'R77' is none of R01,"]),
    "a reason in a list": ({"main_reason": ["R01"]}, ["main_reason: '['R01']' is none of R01,"]),
    "a reason that is no list": (
        {"further_reasons": "R01"}, ["further_reasons: is to be a list in square brackets."]),
    "a further reason that there is not": (
        {"further_reasons": ["R01", "none"]}, ["further_reasons.1: 'none' is none of R01,"]),
    "a reason twice": (
        {"further_reasons": ["R09", "R09"]}, ["further_reasons: names one of them twice."]),
    "the main reason again": (
        {"further_reasons": ["R02"]}, ["further_reasons: R02 is the main reason already."]),
    "a reason for what was no re-referral": (
        {"is_re_referral": "no"}, ["main_reason: has to be one of R01 to R99 for a re-referral"]),
    "no reason for a re-referral": (
        {"main_reason": "none"}, ["main_reason: has to be one of R01 to R99 for a re-referral"]),
    "further reasons without a main one": (
        {"is_re_referral": "no", "main_reason": "none", "further_reasons": ["R09"]},
        ["further_reasons: there are none where main_reason is none."]),
    "no words below good": (
        {"grade": "inadequate"}, ["learning: say in words what is to be"]),
    "no words for another reason": (
        {"main_reason": "R99"}, ["learning: say in words what is to be"]),
    "blanks for words": (
        {"grade": "inadequate", "learning": " \n "}, ["learning: say in words what is to be"]),
    "words that are none": ({"learning": 5}, ["learning: is to be a text."]),
    "too many words": ({"learning": "x" * 20_001}, ["learning: is longer than 20,000 characters."]),
    "half a letter": ({"learning": "\ud800"}, ["learning: is to be a text."]),
    "a flag left out": (
        {"flags_useful": {"DEC-01": "yes"}}, ["flags_useful.REF-08: is not answered; say yes"]),
    "a flag of another case": (
        {"flags_useful": WHOLE["flags_useful"] | {"DQ-01": "no"}},
        ["flags_useful.DQ-01: is no open flag of this case; leave it out."]),
    "a flag that may be useful": (
        {"flags_useful": {"DEC-01": "maybe", "REF-08": "no"}},
        ["flags_useful.DEC-01: 'maybe' is none of yes, partly, no."]),
    "flags that are no table": (
        {"flags_useful": "yes"}, ["flags_useful: is to be a table of rules,"]),
    "a question of one's own": ({"mood": "good"}, ["mood: is no question of the form; known are "]),
    "actions that are no list": ({"actions": to_do()}, ["actions: is to be a list in"]),
    "an action that is no table": (
        {"actions": ["visit"]}, ["actions.0: is to be a table of kind, owner and due_on."]),
    "an empty action": ({"actions": [{}]}, [
        "actions.0.kind: is not answered", "actions.0.owner: is not answered",
        "actions.0.due_on: is not answered"]),
    "an action in wrong words": (
        {"actions": [to_do(), to_do("dance", " ", "9 October") | {"why": "so"}]},
        ["actions.1.kind: 'dance' is none of reopen,", "actions.1.owner: name who is to do it",
         "actions.1.due_on: '9 October' is not a date; write YYYY-MM-DD.",
         "actions.1.why: is no part of an action; it has kind, owner and due_on."]),
    "an owner whose name cannot be printed": (
        {"actions": [to_do(owner="w.\x1bworker")]}, ["actions.0.owner: name who is to do it, in "]),
    "an owner with a very long name": (
        {"actions": [to_do(owner="w" * 201)]}, ["actions.0.owner: is longer than 200 characters."]),
    "an action due yesterday": (
        {"actions": [to_do(due_on="2023-06-29")]},
        ["actions.0.due_on: 2023-06-29 is before the day of the review; give a later day."]),
    "an action due at a time": (
        {"actions": [to_do() | {"due_on": dt.datetime(2023, 7, 7, 9)}]},
        ["actions.0.due_on: '2023-07-07 09:00:00' is not a date; write YYYY-MM-DD."]),
    "several things at once": (
        {"grade": "fine", "oversight": "none", "learning": []},
        ["oversight: 'none' is none of", "grade: 'fine' is none of", "learning: is to be a text."]),
}  # fmt: skip


WRONG_BETWEEN = {
    "a reason twice", "the main reason again", "a reason for what was no re-referral",
    "no reason for a re-referral", "further reasons without a main one", "no words below good",
    "no words for another reason", "blanks for words", "a flag left out", "a flag of another case",
    "an action due yesterday",
}  # fmt: skip
"""What is wrong only beside another answer, or on a day."""


@pytest.mark.parametrize(("given", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer_is_named_with_what_it_is_to_be(
    given: dict[str, Any], told: list[str]
) -> None:
    with pytest.raises(CallError) as refused:
        complete(WHOLE | given, RULES, TODAY)
    lines = str(refused.value).split("\n")
    assert len(lines) == len(told)
    for line, beginning in zip(lines, told, strict=True):
        assert line.startswith(beginning)


@pytest.mark.parametrize("name", WRONG)
def test_a_draft_is_kept_if_each_answer_in_it_is_one_of_those_there_are(name: str) -> None:
    answers = WHOLE | WRONG[name][0]
    if name in WRONG_BETWEEN or name == "an empty action":
        assert draft(answers) == answers
        return
    with pytest.raises(CallError):
        draft(answers)


def test_a_wrong_answer_is_not_repeated_at_length() -> None:
    with pytest.raises(CallError) as refused:
        complete(WHOLE | {"grade": "good\x1b[2J" * 1_000}, RULES, TODAY)
    assert len(str(refused.value)) < 200
    assert "\x1b" not in str(refused.value)


def test_every_question_has_a_field_and_every_field_a_question() -> None:
    assert list(QUESTIONS) == list(Answers.model_fields)
    with pytest.raises(CallError):
        complete({}, (), TODAY)
