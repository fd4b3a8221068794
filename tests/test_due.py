"""Early warning: what falls due today or on the next working day, before any rule flags it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Triage
from stores import OwnStore

from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options

RULES = load_rules(shipped("rules"))
COLUMNS = (
    "child_id,referral_date,nfa,closed_on,decision_at,decision_outcome,allocated_at,"
    "assessment_started_on,assessment_authorised_on,strategy_discussion_on,icpc_on,"
    "icpc_not_required,restricted"
)


def due(folder: Path, as_of: str, *rows: str) -> list[tuple[str, str, str]]:
    path = folder / "records.csv"
    path.write_text("\n".join([COLUMNS, *rows]) + "\n", "utf-8")
    run = check([str(path)], RULES, Options(dt.date.fromisoformat(as_of), 12))
    flagged = {(flag.rule, flag.child_id) for flag in run.flags}
    assert not flagged & {(one.rule, one.child_id) for one in run.due}
    return [(one.rule, one.child_id, str(one.due_on)) for one in run.due]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2022-05-03", None),
        ("2022-05-04", "2022-05-05"),
        ("2022-05-05", "2022-05-05"),
        ("2022-05-06", None),
    ],
)
def test_a_decision_is_due_from_the_day_before_until_it_is_late(
    tmp_path: Path, as_of: str, expected: str | None
) -> None:
    earlier = "Z,2022-01-10,yes,2022-01-10,2022-01-10,nfa,,,,,,,"
    found = due(tmp_path, as_of, earlier, "A,2022-05-04,no,,,,2022-05-04,,,,,,")
    assert found == ([("DEC-01", "A", expected)] if expected else [])


def test_weekends_and_bank_holidays_lie_between_and_the_day_is_named(tmp_path: Path) -> None:
    row = "A,2022-06-01,no,,,,2022-06-01,,,,,,"
    assert due(tmp_path, "2022-06-01", row) == [("DEC-01", "A", "2022-06-06")]
    assert due(tmp_path, "2022-06-05", row) == [("DEC-01", "A", "2022-06-06")]
    assert due(tmp_path, "2022-06-06", row) == [("DEC-01", "A", "2022-06-06")]
    assert due(tmp_path, "2022-06-07", row) == []


def test_allocation_assessment_and_conference_fall_due(tmp_path: Path) -> None:
    found = due(
        tmp_path,
        "2022-05-31",
        "A,2022-05-27,no,,2022-05-31,assessment,,,,,,,",
        "B,2022-03-25,no,,2022-03-25,assessment,2022-03-25,2022-03-28,,,,,",
        "C,2022-05-06,no,,2022-05-06,section47,2022-05-06,2022-05-09,,2022-05-11,,,",
        "D,2022-05-25,no,,2022-05-26,assessment,2022-05-26,,,,,,",
    )
    assert found == [
        ("PRO-01", "D", "2022-05-31"),
        ("ALL-02", "A", "2022-06-01"),
        ("PRO-02", "B", "2022-06-01"),
        ("PRO-08", "C", "2022-06-01"),
    ]


def test_what_is_done_or_closed_is_not_due(tmp_path: Path) -> None:
    assert due(
        tmp_path,
        "2022-05-05",
        "A,2022-05-04,no,,2022-05-05,assessment,2022-05-05,,,,,,",
        "B,2022-05-04,no,2022-05-05,2022-05-05,early_help,,,,,,,",
        "C,2022-05-04,yes,2022-05-04,2022-05-04,nfa,,,,,,,",
    ) == []  # fmt: skip


def test_a_changed_limit_moves_the_day(triage: Triage, workplace: Path) -> None:
    (workplace / "triage.toml").write_text("[parameters]\nDEC-01.limit = 3\n")
    path = workplace / "records.csv"
    path.write_text(f"{COLUMNS}\nA,2022-05-04,no,,,,2022-05-04,,,,,,\n", "utf-8")
    told = json.loads(triage("due", path, "--as-of", "2022-05-06", "--format", "json")[1])
    assert [(one["rule"], one["due_on"]) for one in told["due"]] == [("DEC-01", "2022-05-09")]


@pytest.fixture
def two_due(workplace: Path) -> Path:
    path = workplace / "records.csv"
    rows = ["A,2022-05-04,no,,,,2022-05-04,,,,,,", "B,2022-05-04,no,,,,2022-05-04,,,,,,true"]
    path.write_text("\n".join([COLUMNS, *rows]) + "\n", "utf-8")
    return path


def test_the_night_lists_it_and_due_shows_it_in_the_morning(
    triage: Triage, two_due: Path, store: OwnStore
) -> None:
    code, out, _ = triage("nightly", two_due, "--as-of", "2022-05-04")
    assert code == 0
    assert "Due by the next working day after 4 May 2022: 2" in out
    assert "The decision on the referral of 4 May 2022 is due, 1 working day after it." in out
    assert "Flags on referrals: 0 new" in out
    assert triage("queue", "list")[1] == "The queue is empty.\n", "what is due is no case"
    two_due.unlink()
    _, out, err = triage("due")
    assert "Thu 2022-05-05" in out
    assert "this is what the last run saw, as of 4 May 2022; today is" in err
    code, _, err = triage("due", "--as-of", "2022-05-03")
    assert (code, "--as-of goes with a SOURCE" in err) == (2, True)
    told = json.loads(triage("due", "--format", "json")[1])
    assert told["as_of"] == "2022-05-04"
    assert [one["child_id"] for one in told["due"]] == ["A"]


def test_restricted_records_are_due_only_for_a_named_reader(
    triage: Triage, two_due: Path, workplace: Path, store: OwnStore
) -> None:
    triage("nightly", two_due, "--as-of", "2022-05-04")
    assert "after 4 May 2022: 1," in triage("due")[1]
    (workplace / "triage.toml").write_text('[restricted]\nreaders = ["a.auditor"]\n')

    def children(*more: str) -> list[Any]:
        told = json.loads(triage("due", "--format", "json", *more)[1])
        return [one["child_id"] for one in told["due"]]

    assert children("--as", "somebody") == ["A"]
    assert children("--as", "a.auditor") == ["A", "B"]


def test_the_result_for_scripts_has_it_apart_from_the_flags(triage: Triage, two_due: Path) -> None:
    call = ("check", two_due, "--as-of", "2022-05-04", "--format", "json")
    told = json.loads(triage(*call)[1])
    assert [one["rule"] for one in told["due"]] == ["DEC-01", "DEC-01"]
    assert told["flags"] == []
    assert sum(rule["flag"] for rule in told["rules"]) == 0


def test_without_a_store_due_says_what_to_do(triage: Triage, store: OwnStore) -> None:
    code, _, err = triage("due")
    assert (code, "there is no store yet" in err) == (4, True)


def test_nothing_due_is_said(triage: Triage, workplace: Path) -> None:
    path = workplace / "records.csv"
    path.write_text(f"{COLUMNS}\nC,2022-05-04,yes,2022-05-04,2022-05-04,nfa,,,,,,,\n", "utf-8")
    out = triage("due", path, "--as-of", "2022-05-04")[1]
    assert out == "Nothing falls due by the next working day after 4 May 2022.\n"
