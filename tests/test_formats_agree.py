"""The same children, in other files of one form and in several forms together, are judged the same.

One form is held against another in ``test_forms.py``.
"""

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
Found = set[tuple[str, str, dt.date]]


@pytest.fixture(scope="module")
def council() -> Council:
    return make_council(900, seed=11, as_of=AS_OF, months=24, dirty=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, council: Council) -> Path:
    made = tmp_path_factory.mktemp("forms")
    for ending in ("csv", "parquet", "xlsx"):
        writers.write_referral_table(council, made / f"table.{ending}")
    writers.write_cin(council, made / "cin.xml")
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


@pytest.mark.parametrize("form", ["table.parquet", "table.xlsx"])
def test_a_table_in_another_file_gives_every_flag_of_the_csv(
    folder: Path, from_table: Run, form: str
) -> None:
    run = judged(folder / form)
    assert flags(run) == flags(from_table) != set()
    assert run.rows == from_table.rows
    assert [r.as_json() for r in run.results] == [r.as_json() for r in from_table.results]


def test_sources_of_different_forms_may_be_given_together(folder: Path, from_table: Run) -> None:
    names = [str(folder / "table.csv"), str(folder / "cin.xml")]
    run = check(names, RULES, Options(AS_OF, None, dt.date(2024, 9, 30)))
    alike = REFERRAL_RULES - {"REF-12", "REF-15"}
    assert flags(run, alike) == flags(from_table, alike)
    assert run.rows["collapsed"] == run.rows["read"] - from_table.rows["judged"]
