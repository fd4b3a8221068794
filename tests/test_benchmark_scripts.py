"""The scripts that the product is measured against raise exactly its flags, so that they compare.

They stand for what a good analyst would write; a script that finished sooner with other flags would
be no measure.
"""

from __future__ import annotations

import datetime as dt
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import dirty_tables
import oracle
import pandas as pd
import pytest

from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options
from triage.sample import make_council, writers

BENCHMARKS = Path(__file__).parent / "benchmarks"
SCRIPTS = ("by_duckdb.py", "by_pandas.py")
RULES = load_rules(shipped("rules"))
GENERATED_AS_OF = dt.date(2026, 9, 30)
DIRTIER_AS_OF = dt.date(2023, 6, 30)

Pairs = list[tuple[str, str]]


def run_script(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(BENCHMARKS / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def of_script(name: str, table: Path, as_of: dt.date) -> Pairs:
    output = table.with_name(f"{name}.parquet")
    done = run_script(name, table, output, "--as-of", as_of)
    assert done.returncode == 0, done.stderr
    flags = pd.read_parquet(output)
    assert list(flags.columns) == ["rule", "referral_id"]
    return sorted(zip(flags["rule"], flags["referral_id"], strict=True))


def of_product(table: Path, as_of: dt.date) -> Pairs:
    flags = check([str(table)], RULES, Options(as_of, None)).flags
    return sorted((one.rule, one.referral_id) for one in flags if one.rule in oracle.RULES)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Pairs]:
    """A dirty council of 3,000 referrals, and the product's flags of the contract's rules."""
    table = tmp_path_factory.mktemp("generated") / "referral_table.csv"
    council = make_council(3000, seed=1, as_of=GENERATED_AS_OF, months=18, dirty=True)
    writers.write_referral_table(council, table)
    return table, of_product(table, GENERATED_AS_OF)


def test_the_generated_council_puts_the_scripts_to_the_test(generated: tuple[Path, Pairs]) -> None:
    table, flags = generated
    assert {rule for rule, _ in flags} == set(oracle.RULES)
    cells = pd.read_csv(table, dtype=str, keep_default_na=False)
    read = cells[(cells["child_id"] != "") & cells["referral_date"].str.contains("^[0-9/T: -]+$")]
    days = read["referral_date"].str[:10]
    assert read.assign(day=days).duplicated(["child_id", "day"]).any()
    assert days.str.contains("/").any()
    assert len(read) < len(cells)
    assert cells["referral_id"].duplicated().any()
    assert (cells["decision_at"].str[:10] > str(GENERATED_AS_OF)).any()


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_raises_the_flags_of_the_product_on_a_generated_council(
    script: str, generated: tuple[Path, Pairs]
) -> None:
    table, flags = generated
    assert of_script(script, table, GENERATED_AS_OF) == flags


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_script_raises_the_flags_of_the_product_on_a_table_dirtier_than_any_generated(
    tmp_path: Path, script: str, seed: int
) -> None:
    header, rows = dirty_tables.make_table(seed, 3000)
    # Blanks are all that the SQL trims; tabs are left to the product.
    rows = [[cell.replace("\t", " ") for cell in row] for row in rows]
    table = tmp_path / "table.csv"
    dirty_tables.write_csv(table, header, rows)
    flags = of_product(table, DIRTIER_AS_OF)
    assert {rule for rule, _ in flags} == set(oracle.RULES)
    assert any("/" in identifier for _, identifier in flags)
    assert of_script(script, table, DIRTIER_AS_OF) == flags


def test_flags_that_are_the_same_in_another_order_agree(
    tmp_path: Path, generated: tuple[Path, Pairs]
) -> None:
    _, flags = generated
    assert compared(tmp_path, flags, flags[::-1]) == (0, "")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda flags: flags[1:], "1 flags of the product alone, 0 of the script alone"),
        (lambda flags: [*flags, flags[0]], "0 flags of the product alone, 1 of the script alone"),
        (
            lambda flags: [(flags[0][0], "another"), *flags[1:]],
            "1 flags of the product alone, 1 of the script alone",
        ),
    ],
    ids=["one left out", "one raised twice", "one on another referral"],
)
def test_a_measurement_is_refused_when_a_script_raises_other_flags(
    tmp_path: Path, generated: tuple[Path, Pairs], change: Callable[[Pairs], Pairs], told: str
) -> None:
    _, flags = generated
    assert compared(tmp_path, flags, change(flags)) == (1, f"{flags[0][0]}: {told}\n")


def test_a_rule_that_nobody_raises_shows_nothing(
    tmp_path: Path, generated: tuple[Path, Pairs]
) -> None:
    flags = [one for one in generated[1] if one[0] != "PRO-08"]
    code, told = compared(tmp_path, flags, flags)
    assert (code, told) == (1, "PRO-08: raised by neither, so nothing was compared\n")


def compared(folder: Path, product: Pairs, script: Pairs) -> tuple[int, str]:
    """Compare two sets of flags as the benchmark does; give its exit code and words."""
    columns = ["rule", "referral_id"]
    beside = [("OVS-01", "R1", "referral"), ("REF-13", "K1", "contact")]
    whole = [*((*one, "referral") for one in product), *beside]
    paths = folder / "product.parquet", folder / "script.parquet"
    pd.DataFrame(whole, columns=[*columns, "subject"]).to_parquet(paths[0], index=False)
    pd.DataFrame(script, columns=columns).to_parquet(paths[1], index=False)
    done = run_script("agreeing.py", *paths)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The command that measures the whole path."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("whole")


def test_a_table_tells_medians_least_and_most_and_the_ratios_of_the_medians(
    whole: ModuleType,
) -> None:
    def costs(*walls: float) -> list[object]:
        return [whole.Cost(wall, 2 * wall, int(100e6 * wall)) for wall in walls]

    measured = {
        1000: {whole.CHECK: costs(3.0, 1.0, 2.0), whole.DUCKDB: costs(4.0)},
        10_000: {whole.CHECK: costs(21.0)},
    }
    rows = whole.cells(measured)
    assert rows[0] == ["referrals", "step", "wall, s", "CPU, s", "peak, MB"]
    told = ["2.00 (1.00–3.00)", "4.00 (2.00–6.00)", "200 (100–300)"]
    assert rows[1] == ["1,000", whole.CHECK, *told]
    assert whole.ratios(measured) == [
        "1,000 referrals, check beside the DuckDB script: "
        "0.50 times the wall clock, 0.50 the CPU, 0.50 the memory",
        f"{whole.CHECK}, 10 times the rows (1,000 to 10,000): "
        "10.50 times the wall clock, 10.50 the CPU, 10.50 the memory",
    ]
    markdown = whole.written(rows, markdown=True).splitlines()
    assert len(markdown) == 5
    assert {line.count("|") for line in markdown} == {6}
    assert {len(line) for line in markdown} == {len(markdown[0])}


def test_a_command_that_fails_ends_the_measurement_with_what_it_said(
    whole: ModuleType, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError, match="ended with 3: no such thing"):
        whole.run((sys.executable, "-c", "print('no such thing'); raise SystemExit(3)"), tmp_path)


TWO_SIZES = """
import pathlib, sys, whole
for size in (1, 150_000_000):
    command = (sys.executable, "-c", f"b'1' * {size}")
    print(whole.run(command, pathlib.Path.cwd()).peak)
"""


def test_a_command_is_charged_for_the_memory_of_its_own_process(tmp_path: Path) -> None:
    # Asked of a process of its own: what this one holds would count as the peak of what it starts.
    done = subprocess.run(
        [sys.executable, "-c", TWO_SIZES],
        env=os.environ | {"PYTHONPATH": str(BENCHMARKS)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    small, large = map(int, done.stdout.split())
    assert large - small > 140_000_000
