"""The same children, written in every form that is read, are judged the same."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options, Run
from triage.sample import Council, make_council, writers

RULES = load_rules(shipped("rules"))
AS_OF = dt.date(2026, 9, 30)
REFERRAL_RULES = frozenset(
    rule.id for rule in RULES.of("referral").rules if rule.id.startswith("REF")
)
OVER_TIME = frozenset(
    {"ALL-03", "ALL-04", "ALL-05", "ALL-06", "CMP-04", "DEC-12", "PRO-05", "REF-10"}
)
"""Rules that ask what happened over time: a table of one row a referral knows the first only."""
ONE_ROW_RULES = frozenset(rule.id for rule in RULES.rules) - OVER_TIME
Found = set[tuple[str, str, dt.date]]


@pytest.fixture(scope="module")
def council() -> Council:
    return make_council(900, seed=11, as_of=AS_OF, months=24, dirty=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, council: Council) -> Path:
    made = tmp_path_factory.mktemp("forms")
    for ending in ("csv", "parquet", "xlsx"):
        writers.write_referral_table(council, made / f"table.{ending}")
    writers.write_folder(council, made / "tables")
    writers.write_cin(council, made / "cin.xml")
    writers.write_annex_a(council, made / "annex_a.xlsx", months=None)
    return made


def judged(path: Path) -> Run:
    return check([str(path)], RULES, Options(AS_OF, None, dt.date(2024, 9, 30)))


def flags(run: Run, only: frozenset[str] | None = None) -> Found:
    return {
        (flag.rule, flag.child_id, flag.referral_date)
        for flag in run.flags
        if only is None or flag.rule in only
    }


@pytest.fixture(scope="module")
def from_table(folder: Path) -> Run:
    return judged(folder / "table.csv")


@pytest.mark.parametrize("form", ["table.parquet", "table.xlsx", "tables"])
def test_tables_in_other_forms_give_every_flag_of_the_csv(
    folder: Path, from_table: Run, form: str
) -> None:
    run = judged(folder / form)
    alike = ONE_ROW_RULES if form == "tables" else None
    assert flags(run, alike) == flags(from_table, alike)
    assert run.rows == from_table.rows
    counts, expected = (
        [r.as_json() for r in one.results if alike is None or r.rule.id in alike]
        for one in (run, from_table)
    )
    assert counts == expected


def test_what_happened_over_time_is_told_by_the_tables_alone(folder: Path, from_table: Run) -> None:
    run = judged(folder / "tables")
    alone = {"ALL-03", "ALL-06", "DEC-12"}
    assert {flag.rule for flag in run.flags} >= alone
    assert not {flag.rule for flag in from_table.flags} & alone
    assert {r.rule.id for r in from_table.results if not r.can_flag} == alone


def _evaluable(run: Run) -> frozenset[str]:
    return frozenset(r.rule.id for r in run.results if r.can_flag) & REFERRAL_RULES


def test_cin_census_gives_the_same_referral_flags(folder: Path, from_table: Run) -> None:
    run = judged(folder / "cin.xml")
    alike = _evaluable(run)
    assert alike == REFERRAL_RULES - {"REF-12"}
    assert flags(run, alike) == flags(from_table, alike) != set()


def test_annex_a_gives_the_same_referral_flags_or_says_that_it_cannot_tell(
    folder: Path, from_table: Run
) -> None:
    run = judged(folder / "annex_a.xlsx")
    found, expected = flags(run, REFERRAL_RULES), flags(from_table, REFERRAL_RULES)
    assert found <= expected
    by_dates = frozenset({"REF-01", "REF-02", "REF-04", "REF-07", "REF-14"})
    assert {f for f in found if f[0] in by_dates} == {f for f in expected if f[0] in by_dates}
    for rule_id in REFERRAL_RULES - by_dates:
        short = sum(f[0] == rule_id for f in expected) - sum(f[0] == rule_id for f in found)
        told = next(result for result in run.results if result.rule.id == rule_id)
        assert short <= told.n_cannot_tell


@pytest.mark.parametrize("form", ["cin.xml", "annex_a.xlsx"])
def test_rules_whose_columns_a_format_lacks_are_not_evaluable_and_flag_nobody(
    folder: Path, form: str
) -> None:
    run = judged(folder / form)
    lacking = {r.rule.id for r in run.results if not r.can_flag}
    assert lacking >= {rule.id for rule in RULES.rules if rule.id.startswith("DEC")} | {"ALL-01"}
    assert not {flag.rule for flag in run.flags} & lacking
    for result in run.results:
        assert bool(result.missing_columns) or result.can_flag


def test_sources_of_different_forms_may_be_given_together(folder: Path, from_table: Run) -> None:
    names = [str(folder / "table.csv"), str(folder / "cin.xml")]
    run = check(names, RULES, Options(AS_OF, None, dt.date(2024, 9, 30)))
    alike = REFERRAL_RULES - {"REF-12", "REF-15"}
    assert flags(run, alike) == flags(from_table, alike)
    assert run.rows["collapsed"] == run.rows["read"] - from_table.rows["judged"]
