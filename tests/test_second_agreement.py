"""What `triage second agreement` tells, and to whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Triage
from second_helpers import (
    answers,
    asked,
    flagged,
    people,
    refused,
    said,
    submitted,
    told,
)
from stores import ON_SQLITE, OwnStore
from work_helpers import asker, night, row, rows

from triage import store as kept

MANAGER = ("--as", "m.manager")
HARSH = {"grade": "inadequate", "learning": "much"}


def twice(own: OwnStore, case: int, second: str = "r.second", day: int = 0, **changes: Any) -> None:
    """Have a reviewed case reviewed a second time, some days after."""
    asked(own, case)
    kept.submit_second(own.url, asker(second, day * 24 * 60), case, answers(**changes))


def figure(found: dict[str, Any], question: str = "grade") -> dict[str, Any]:
    return next(one for one in found["questions"] if one["question"] == question)


def many(own: OwnStore, folder: Path) -> None:
    """Six cases done twice: four the same, two graded otherwise, by two pairs of reviewers."""
    flagged(own, folder, 6)
    for case in range(1, 7):
        submitted(own, case, "r.first" if case < 4 else "r.third", grade="good")
        changes: dict[str, Any] = {} if case % 3 else dict(HARSH)
        twice(own, case, day=case, **changes)


def test_agreement_by_question_with_n_and_kappa(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    many(store, workplace)
    found = told(triage, "second", "agreement", *MANAGER)
    assert (found["cases"], found["few_below"]) == (6, 30)
    assert found["asked_for"] == {"sample": 0, "grade": 0, "asked": 6}
    grade = figure(found)
    assert (grade["n"], grade["exact"], grade["within_one"], grade["is_few"]) == (6, 4, 4, True)
    assert grade["kappa"]["value"] == pytest.approx(0)
    same = figure(found, "oversight")
    assert (same["exact"], same["kappa"]["value"]) == (6, None)
    assert same["kappa"]["why"] == "cannot be computed: only one answer was used"
    assert figure(found, "main_reason")["kappa_linear"] is None
    shown = said(triage, "second", "agreement", *MANAGER)
    assert "cannot be computed" in shown
    assert "n below 30" in shown
    assert "With n below 30 a kappa says little" in shown
    assert "nan" not in shown


def test_pairs_of_reviewers_are_for_managers_and_auditors(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    many(store, workplace)
    people(triage)
    for name, sees in (("m.manager", True), ("a.auditor", True), ("r.second", False)):
        found = told(triage, "second", "agreement", "--as", name)
        shown = said(triage, "second", "agreement", "--as", name)
        assert figure(found)["n"] == 6
        assert (found["pairs"] is not None) is sees
        assert ("r.first" in shown) is sees
        assert ("shown to managers and auditors" in shown) is not sees
    pairs = told(triage, "second", "agreement", *MANAGER)["pairs"]
    assert [(one["reviewers"], one["cases"]) for one in pairs] == [
        (["r.first", "r.second"], 3), (["r.second", "r.third"], 3),
    ]  # fmt: skip
    assert [figure(one)["exact"] for one in pairs] == [2, 2]
    assert "may not see cases" in refused(triage, "second", "agreement", "--as", "a.administrator")


def test_agreement_of_some_days_or_of_a_sample(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    many(store, workplace)
    flagged_more = 'SELECT COUNT(*) FROM "case"'
    assert store.value(flagged_more) == 6
    some = told(
        triage, "second", "agreement", "--from", "2023-07-02", "--to", "2023-07-04", *MANAGER
    )
    assert (some["cases"], some["from"], some["to"]) == (3, "2023-07-02", "2023-07-04")
    none = told(triage, "second", "agreement", "--from", "2030-01-01", *MANAGER)
    assert (none["cases"], figure(none)["n"], none["pairs"]) == (0, 0, [])
    assert "0 cases" in said(triage, "second", "agreement", "--from", "2030-01-01", *MANAGER)
    assert told(triage, "second", "agreement", "--sample", "1", *MANAGER)["cases"] == 0


def test_a_sample_is_told_apart_from_what_was_chosen(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    flagged(store, workplace, 3)
    for case in (1, 2, 3):
        submitted(store, case)
    twice(store, 3)
    plan = kept.Plan("1", number=2)
    sample = kept.draw_sample(store.url, asker("m.manager"), plan)
    for case in sample.cases:
        kept.submit_second(store.url, asker("r.second"), case, answers())
    found = told(triage, "second", "agreement", "--sample", str(sample.id), *MANAGER)
    assert (found["cases"], found["asked_for"]["sample"], found["asked_for"]["asked"]) == (2, 2, 0)
    assert told(triage, "second", "agreement", *MANAGER)["cases"] == 3


def test_cases_that_one_may_not_see_are_not_in_the_figures(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, [*rows(2), row("S1", team="South")])
    for case in (1, 2, 3):
        submitted(store, case)
        twice(store, case)
    people(triage)
    said(triage, "people", "add", "m.manager", "--role", "team manager", "--team", "South",
         "--as", "a.administrator")  # fmt: skip
    assert told(triage, "second", "agreement", *MANAGER)["cases"] == 1
    assert told(triage, "second", "agreement", "--as", "a.auditor")["cases"] == 3


def test_a_moderation_changes_no_agreement(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    flagged(store, workplace)
    submitted(store, 1)
    twice(store, 1, **HARSH)
    before = told(triage, "second", "agreement", *MANAGER)
    kept.settle_second(store.url, asker("r.third"), 1, answers(), "talked")
    assert told(triage, "second", "agreement", *MANAGER) == before


@ON_SQLITE
def test_an_interval_is_given_where_there_is_enough(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    flagged(store, workplace, 40)
    grades = ("outstanding", "good", "requires improvement to be good", "inadequate")
    for case in range(1, 41):
        grade = grades[case % 4]
        submitted(store, case, grade=grade, learning="x")
        other = grades[(case + 1) % 4] if case % 5 == 0 else grade
        twice(store, case, grade=other, learning="x")
    found = told(triage, "second", "agreement", *MANAGER)
    grade = figure(found)
    assert (grade["n"], grade["exact"], grade["is_few"]) == (40, 32, False)
    for name in ("kappa", "kappa_linear", "kappa_quadratic"):
        assert -1 <= grade[name]["low"] < grade[name]["value"] < grade[name]["high"] <= 1
    assert grade["kappa"]["value"] == pytest.approx((0.8 - 0.25) / 0.75, abs=0.01)
    shown = said(triage, "second", "agreement", *MANAGER)
    assert f"{grade['kappa']['value']:.2f} ({grade['kappa']['low']:.2f} to" in shown
    assert told(triage, "second", "agreement", *MANAGER) == found
