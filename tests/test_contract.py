"""The product against an independent reading of the contract, on invented dirty tables."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import dirty_tables
import dirty_words
import oracle
import pytest

from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options

AS_OF = dt.date(2023, 6, 30)
RULES = load_rules(shipped("rules"))
CONTRACT_RULES = frozenset(oracle.RULES)
INPUT_COLUMNS = dirty_words.COLUMNS


def written(folder: Path, name: str, header: list[str], rows: list[list[str]]) -> Path:
    path = folder / name
    dirty_tables.write_csv(path, header, rows)
    return path


def assert_same(
    paths: list[Path], as_of: dt.date, window: int | None, history: dt.date | None = None
) -> None:
    tables = [oracle.load(path, str(path)) for path in paths]
    expected = oracle.judge(tables, as_of, window, history)
    found = check([str(path) for path in paths], RULES, Options(as_of, window, history)).as_json()

    assert found["rows"] == dict(expected.rows)
    assert found["history_from"] == str(expected.history_from)
    key = ("rule", "child_id", "referral_id", "referral_date")
    raised = [flag for flag in found["flags"] if flag["rule"] in CONTRACT_RULES]
    flags = {tuple(flag[name] for name in key) for flag in raised}
    assert flags == expected.flags
    assert len(flags) == len(raised)
    counted = [rule for rule in found["rules"] if rule["id"] in CONTRACT_RULES]
    assert {rule["id"] for rule in counted} == CONTRACT_RULES
    for rule in counted:
        told = expected.rules[rule["id"]]
        for outcome in ("flag", "clear", "cannot_tell"):
            assert rule[outcome] == told[outcome], (rule["id"], outcome)
        assert rule["not_evaluable"] == told["not_evaluable"], rule["id"]
        assert set(rule["missing_columns"]) == told["missing_columns"], rule["id"]
    deadlines = {(f["rule"], f["referral_id"]): f for f in found["flags"]}
    for key, deadline in expected.due.items():
        flag = deadlines[key]
        assert (flag["due_on"], flag["overdue_working_days"]) == tuple(deadline), key
    for kind in ("rejections", "problems"):
        listed = {(p["source"], p["row"], p["column"]) for p in found[kind]}
        assert listed == set(getattr(expected, kind)), kind


def test_every_rule_of_the_contract_is_shipped_and_stable() -> None:
    stable = {rule.id for rule in RULES.rules if rule.about.status == "stable"}
    assert stable >= CONTRACT_RULES


@pytest.mark.parametrize("window", [None, 3])
@pytest.mark.parametrize("seed", [1, 2])
def test_all_columns(tmp_path: Path, seed: int, window: int | None) -> None:
    header, rows = dirty_tables.make_table(seed, 4000)
    assert_same([written(tmp_path, "table.csv", header, rows)], AS_OF, window)


@pytest.mark.parametrize("seed", range(100, 112))
def test_columns_that_are_absent_windows_dates_and_history_of_every_kind(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    share = chance.random() * 0.6
    kept = [
        name
        for name in INPUT_COLUMNS
        if name in ("child_id", "referral_date") or chance.random() > share
    ]
    as_of = AS_OF - dt.timedelta(days=chance.choice([0, 1, 2, 30, 90, 400, 700]))
    history = chance.choice(
        [None, None, dt.date(2021, 6, 1), dt.date(2022, 2, 28), dt.date(2019, 1, 1), AS_OF]
    )
    header, rows = dirty_tables.make_table(seed, 800, kept, as_of)
    path = written(tmp_path, "table.csv", header, rows)
    assert_same([path], as_of, chance.choice([None, 0, 1, 3, 12]), history)


@pytest.mark.parametrize("seed", range(200, 204))
def test_sources_with_different_columns_given_together(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    paths = []
    for number in range(2):
        kept = [
            name
            for name in INPUT_COLUMNS
            if name in ("child_id", "referral_date") or chance.random() > 0.3
        ]
        header, rows = dirty_tables.make_table(seed, 1200, kept, AS_OF)
        half = len(rows) // 2
        part = rows[:half] if number == 0 else rows[half:]
        paths.append(written(tmp_path, f"part{number}.csv", header, part))
    assert_same(paths, AS_OF, None)
