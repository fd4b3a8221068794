"""The three-month review says what the records and the drawn reviews say, figure by figure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from itertools import combinations
from typing import Any

import pytest
from oracle_cells import months_before
from oracle_reports import (
    STANDS,
    Referral,
    action_state,
    case_of,
    closure_before,
    counted,
    days_since,
    final_answers,
    route,
    same_need,
    text,
    yes_or_no,
)
from quarter import LAST, Quarter
from report_reading import Told, coded, nonzero, reading, told

WINDOWS = ((LAST, 3), (dt.date(2026, 8, 31), 3), (dt.date(2026, 5, 31), 6), (LAST, 1), (LAST, 18))
"""The last reaches back to the beginning of the records, the one before it to where rates begin."""


class Expected:
    """The re-referrals of a window, and what was drawn of them."""

    def __init__(self, quarter: Quarter, to: dt.date, months: int) -> None:
        self.records = reading()
        self.drawn = quarter
        self.referrals = self.records.between(months_before(to, months), to)
        self.found = [one for one in self.referrals if self.records.came_back(one) is True]
        self.covered = [one for one in self.referrals if self.records.covered(one)]
        self.case = case_of(quarter)
        final = final_answers(quarter)
        self.answers = {
            one.referral_id: final[one.referral_id]
            for one in self.found
            if one.referral_id in final
        }
        self.cases = {self.case[one.referral_id] for one in self.found
                      if one.referral_id in self.case}  # fmt: skip

    def before(self, one: Referral) -> Referral:
        return self.records.previous[one.referral_id]


@pytest.fixture(params=WINDOWS, ids=str)
def window(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def expected(quarter: Quarter, window: tuple[dt.date, int]) -> Expected:
    return Expected(quarter, *window)


@pytest.fixture
def review(quarter: Quarter, window: tuple[dt.date, int]) -> Told:
    return told(quarter, "review", window[0], months=window[1])


def test_how_many_referrals_came_back_and_the_rate_of_those_whose_look_back_is_covered(
    review: Told, expected: Expected
) -> None:
    referrals, found, rate, low, high, part, whole = review.numbers("At a glance")
    assert (referrals, found) == (len(expected.referrals), len(expected.found))
    of_covered = sum(expected.records.came_back(one) is True for one in expected.covered)
    assert (part, whole) == (of_covered, len(expected.covered))
    if not whole:
        assert rate == low == high == "z"
        return
    assert rate == pytest.approx(100 * of_covered / len(expected.covered), abs=0.0501)
    assert low <= rate <= high
    untold = [one for one in expected.referrals if expected.records.came_back(one) is None]
    assert review.numbers("At a glance", 1) == [len(untold)]


def test_a_rate_is_no_higher_where_the_records_begin_late(quarter: Quarter) -> None:
    """Of those who came too early to be told only those who came back are known."""
    early = told(quarter, "review", dt.date(2026, 3, 31), months=12)
    referrals, found, rate, *_, whole = early.numbers("At a glance")
    assert found > 0
    assert referrals > 0
    assert (rate, whole) == ("z", 0)


def test_every_re_referral_is_counted_once_by_what_became_of_it(
    review: Told, expected: Expected
) -> None:
    cases = [expected.case.get(one.referral_id) for one in expected.found]
    routes = counted(route(expected.drawn, case) for case in cases)
    shown = nonzero(review.by_text("population", 1))
    no_case = sum(n for words, n in shown.items() if words.startswith("no case"))
    assert no_case == routes.pop("no case", 0)
    assert {words: n for words, n in shown.items() if not words.startswith("no case")} == routes
    assert review.by_text("population", 1)["All"] == len(expected.found)


def test_second_reviews_are_those_that_were_asked_for_and_what_came_of_them(
    review: Told, expected: Expected
) -> None:
    mine = [how for case, how in expected.drawn.second.items() if case in expected.cases]
    n = Counter(mine)
    assert [row[1] for row in review.rows("second-reviews")] == [
        len(mine), 0, 0, len(mine), len(mine) - n["waits"], n["agreed"], n["settled"],
        n["differs"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "question",
    ["is_re_referral", "avoidable", "grade", "closure_right", "threshold_right",
     "risk_identified", "oversight"],
)  # fmt: skip
def test_answers_are_those_that_are_final(review: Told, expected: Expected, question: str) -> None:
    name = f"result-{question.replace('_', '-')}"
    answers = [str(one[question]) for one in expected.answers.values()]
    assert nonzero(review.by_text(name, 1)) == counted(answers)
    assert review.by_text(name, 1)["All"] == len(answers)
    for row in review.rows(name):
        if answers:
            assert row[2] == pytest.approx(100 * row[1] / len(answers), abs=0.0501)


def named(answers: Any) -> set[str]:
    return {answers["main_reason"], *answers["further_reasons"]} - {"none"}


def test_reasons_are_counted_as_main_ones_and_as_named_at_all(
    review: Told, expected: Expected
) -> None:
    answers = list(expected.answers.values())
    main = counted(one["main_reason"] for one in answers if one["main_reason"] != "none")
    assert nonzero(review.by_code("reasons", 1)) == main
    any_of = counted(code for one in answers for code in named(one))
    assert nonzero(review.by_code("reasons", 3)) == any_of
    assert review.numbers("Reasons") == [sum(bool(named(one)) for one in answers)]


def test_pairs_of_reasons_are_those_named_together_the_most_frequent_first(
    review: Told, expected: Expected
) -> None:
    pairs = Counter(
        f"{a} with {b}"
        for one in expected.answers.values()
        for a, b in combinations(sorted(named(one)), 2)
    )
    if not pairs:
        assert "reasons-together" not in {one.name for one in review.document.tables()}
        return
    shown = review.by_text("reasons-together", 1)
    assert shown == {words: pairs[words] for words in shown}
    assert list(shown.values()) == sorted(pairs.values(), reverse=True)[: len(shown)]
    assert len(shown) == min(15, len(pairs))


def test_what_had_gone_before_is_told_of_the_previous_referral(
    review: Told, expected: Expected
) -> None:
    found = [(one, expected.before(one)) for one in expected.found]
    for name, kind in (
        ("previous-nfa", lambda one, before: yes_or_no(before.nfa)),
        ("previous-closure", lambda one, before: closure_before(before, one.day)),
        ("previous-closed", lambda one, before: days_since(before, one.day)),
        ("previous-need", same_need),
    ):
        by = review.by_code(name, 1) if name == "previous-closure" else review.by_text(name, 1)
        assert nonzero(by) == counted(kind(one, before) for one, before in found), name
    step_down = sum(closure_before(before, one.day) == "RC9" for one, before in found)
    share = round(100 * step_down / len(found), 1) if found else "z"
    assert review.numbers("What had gone before") == [len(found), step_down, share]


def test_decisions_and_allocations_stand_as_working_days_from_their_start_say(
    review: Told, expected: Expected
) -> None:
    records = expected.records
    for name, how in (("decisions", records.decision), ("allocations", records.allocation)):
        assert nonzero(review.by_text(name, 1)) == counted(map(how, expected.found))
        assert tuple(review.by_text(name))[:-1] == STANDS


def test_actions_are_counted_by_kind_and_by_what_became_of_them(
    review: Told, expected: Expected
) -> None:
    mine = [one for one in expected.drawn.actions if one["case"] in expected.cases]
    states = ("Done in time", "Done late", "Handed over", "Open, not due", "Open, overdue")
    n = Counter(action_state(one, LAST) for one in mine)
    n_open = n["Open, not due"] + n["Open, overdue"]
    assert review.numbers("Remedial actions") == [
        len(mine), n["Done in time"], n["Done late"], n["Handed over"], n_open, n["Open, overdue"]
    ]  # fmt: skip
    for kind in {one["kind"] for one in mine}:
        of_kind = Counter(action_state(one, LAST) for one in mine if one["kind"] == kind)
        row = review.by_text("actions")[kind]
        assert row == [of_kind.total(), *(of_kind[state] for state in states)]


def test_agreement_counts_the_pairs_of_reviews_and_the_answers_they_share(
    review: Told, expected: Expected
) -> None:
    pairs = [both for case, both in expected.drawn.pairs.items() if case in expected.cases]
    assert review.numbers("Agreement between reviewers") == [len(pairs)]
    if not pairs:
        return
    rows = review.rows("agreement")
    questions = ("is_re_referral", "main_reason", "closure_right", "threshold_right",
                 "risk_identified", "oversight", "avoidable", "grade")  # fmt: skip
    for row, question in zip(rows, questions, strict=False):
        same = sum(first[question] == other[question] for first, other in pairs)
        assert row[1:3] == [len(pairs), same], question
    useful = [
        (answer, other["flags_useful"].get(rule))
        for first, other in pairs
        for rule, answer in first["flags_useful"].items()
        if rule in other["flags_useful"]
    ]
    assert rows[-1][1:3] == [len(useful), sum(a == b for a, b in useful)]


@pytest.mark.parametrize(
    ("name", "column"),
    [("by-team", "team"), ("by-need", "primary_need"), ("by-source", "referral_source")],
)
def test_groups_have_their_referrals_re_referrals_reviews_and_rates(
    review: Told, expected: Expected, name: str, column: str
) -> None:
    shown = review.by_text(name) if column == "team" else review.by_code(name)
    found = [one for one in expected.covered if expected.records.came_back(one) is True]
    reviewed = [one for one in expected.found if one.referral_id in expected.answers]
    avoidable = [one for one in reviewed
                 if expected.answers[one.referral_id]["avoidable"] == "avoidable"]  # fmt: skip
    lists = (expected.referrals, expected.covered, found, expected.found, reviewed, avoidable)
    counts = [Counter(text(one, column) for one in referrals) for referrals in lists]
    assert set(shown) == {*counts[0], "All"}
    for group, row in shown.items():
        n = [by.total() if group == "All" else by[group] for by in counts]
        assert row[:6] == n, group
        rate = round(100 * n[2] / n[1], 1) if n[1] else "z"
        assert row[6] == rate
        assert row[7] == row[8] == "z" or row[7] <= row[6] <= row[8]


def test_learning_is_counted_by_main_reason(review: Told, expected: Expected) -> None:
    main = counted(one["main_reason"] for one in expected.answers.values() if one["learning"])
    if not main:
        return
    shown = nonzero(review.by_code("learning", 1))
    if "none" in main:
        main["no re-referral"] = main.pop("none")
    assert shown == main


def test_the_annex_has_a_row_for_every_re_referral_with_its_case_and_answers(
    review: Told, expected: Expected
) -> None:
    rows = []
    for one in expected.found:
        case = expected.case.get(one.referral_id)
        answers = expected.answers.get(one.referral_id, {})
        on = expected.drawn.reviewed_on[case] if case is not None and answers else ""
        said = [answers.get(name, "") for name in ("main_reason", "grade", "avoidable")]
        rows.append((str(case or "no case"), one.day, text(one, "team"), on, *said))
    shown = [(row[0], row[1], row[2], row[5], *row[6:]) for row in review.rows("cases")]
    assert sorted(shown, key=str) == sorted(rows, key=str)
    days = [row[1] for row in review.rows("cases")]
    assert days == sorted(days)
    for row in review.rows("cases"):
        assert row[0] == "no case" or "REF-01" in row[4]


def test_codes_of_texts_are_found() -> None:
    assert [coded(words) for words in ("N1 abuse", "1A family", "10 unknown", "RC7 ceased")] == [
        "N1", "1A", "10", "RC7",
    ]  # fmt: skip
    assert coded("Assessment Central") == "Assessment Central"
