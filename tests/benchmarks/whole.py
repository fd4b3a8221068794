"""Measure the whole path from a file to its flags, beside two scripts that raise the same flags.

Every run is a process of its own, imports included. The runs of one round follow each other, so
that whatever else the machine does falls on all of them. This process itself imports nothing large:
the memory of a process that starts another counts as that other's peak.

Example: python tests/benchmarks/whole.py --referrals 64000 --referrals 640000 --markdown
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

AS_OF = "2026-09-30"
HERE = Path(__file__).resolve().parent
TRIAGE = (sys.executable, "-m", "triage")
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024

CHECK = "triage check --window all"
DUCKDB = "DuckDB script"
PANDAS = "pandas script"
FIRST_NIGHT = "triage nightly --window 3, first"
NEXT_NIGHT = "triage nightly --window 3, again"
MAKE = "triage sample make"


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a command used: seconds of wall clock and of processor, bytes resident at most.

    The seconds of processor are those of every process it started and waited for; the bytes are
    those of the largest process alone.
    """

    wall: float
    cpu: float
    peak: int


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median of several figures, with the least and the most."""

    median: float
    least: float
    most: float

    def told(self, form: str) -> str:
        """Return the three in words, each in a number's form such as ``.1f``."""
        return f"{self.median:{form}} ({self.least:{form}}–{self.most:{form}})"


Costs = dict[str, list[Cost]]
"""What each step cost, a figure a round."""


def run(command: Sequence[str], folder: Path) -> Cost:
    """Run a command in a folder and return what it cost.

    Raises:
        RuntimeError: when it did not end with 0; the message holds what it said.
    """
    settings = {k: v for k, v in os.environ.items() if not k.startswith("TRIAGE_")}
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=settings, stdout=said, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            words = said.read().decode("utf-8", "replace")
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {words}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * PEAK_UNIT)


def make_data(folder: Path, referrals: int) -> tuple[Path, list[Cost]]:
    """Return an invented council's table, and what it cost to make where it was not there."""
    place = folder / f"council_of_{referrals}"
    table = place / "referral_table.csv"
    if table.exists():
        return table, []
    place.mkdir(parents=True, exist_ok=True)
    making = place / "making"
    asked = ("--referrals", str(referrals), "--as-of", AS_OF)
    cost = run((*TRIAGE, "sample", "make", str(making), *asked), place)
    (making / table.name).rename(table)
    making.rmdir()
    return table, [cost]


def steps(table: Path, *, with_pandas: bool) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each step of a round with its command, in the order in which they are run."""
    as_of = ("--as-of", AS_OF)
    asked = (*as_of, "--window", "all", "--output", "flags_of_check.parquet")
    yield CHECK, (*TRIAGE, "check", str(table), *asked)
    script = (sys.executable, str(HERE / "by_duckdb.py"), str(table))
    yield DUCKDB, (*script, "flags_of_duckdb.parquet", *as_of)
    if with_pandas:
        script = (sys.executable, str(HERE / "by_pandas.py"), str(table))
        yield PANDAS, (*script, "flags_of_pandas.parquet", *as_of)
    asked = (*as_of, "--window", "3", "--db", "sqlite:///queue.db")
    yield FIRST_NIGHT, (*TRIAGE, "nightly", str(table), *asked)
    yield NEXT_NIGHT, (*TRIAGE, "nightly", str(table), *asked)


def one_round(table: Path, *, with_pandas: bool, costs: Costs) -> None:
    """Run every step once on fresh outputs and an empty store, and add what each cost.

    Raises:
        RuntimeError: when a step failed, or a script's flags are not those of the product.
    """
    with tempfile.TemporaryDirectory(dir=table.parent) as name:
        folder = Path(name)
        for step, command in steps(table, with_pandas=with_pandas):
            cost = run(command, folder)
            costs.setdefault(step, []).append(cost)
            sys.stderr.write(f"{step}: {cost.wall:.2f} s, {cost.cpu:.2f} s of CPU\n")
            if step in (DUCKDB, PANDAS):
                flags = ("flags_of_check.parquet", command[3])
                run((sys.executable, str(HERE / "agreeing.py"), *flags), folder)


def spread(costs: Sequence[Cost], figure: Callable[[Cost], float]) -> Spread:
    """Return the median, the least and the most of one figure."""
    figures = [figure(cost) for cost in costs]
    return Spread(statistics.median(figures), min(figures), max(figures))


FIGURES: dict[str, tuple[Callable[[Cost], float], str]] = {
    "wall, s": (lambda cost: cost.wall, ".2f"),
    "CPU, s": (lambda cost: cost.cpu, ".2f"),
    "peak, MB": (lambda cost: cost.peak / 1_000_000, ",.0f"),
}


def cells(measured: dict[int, Costs]) -> list[list[str]]:
    """Return the rows of the table of figures, its heading first."""
    rows = [["referrals", "step", *FIGURES]]
    for referrals, costs in measured.items():
        for step, taken in costs.items():
            told = [spread(taken, figure).told(form) for figure, form in FIGURES.values()]
            rows.append([f"{referrals:,}", step, *told])
    return rows


def ratios(measured: dict[int, Costs]) -> list[str]:
    """Return, as sentences, the product beside each script, and each size beside the one before."""

    def beside(of: Sequence[Cost], to: Sequence[Cost]) -> str:
        wall, cpu, peak = (
            spread(of, figure).median / spread(to, figure).median for figure, _ in FIGURES.values()
        )
        return f"{wall:.2f} times the wall clock, {cpu:.2f} the CPU, {peak:.2f} the memory"

    found = []
    for referrals, costs in measured.items():
        for script in (DUCKDB, PANDAS):
            if script in costs:
                told = beside(costs[CHECK], costs[script])
                found.append(f"{referrals:,} referrals, check beside the {script}: {told}")
    sizes = list(measured)
    for smaller, larger in itertools.pairwise(sizes):
        for step in measured[larger]:
            if step in measured[smaller]:
                told = beside(measured[larger][step], measured[smaller][step])
                rows = f"{larger / smaller:.4g} times the rows ({smaller:,} to {larger:,})"
                found.append(f"{step}, {rows}: {told}")
    return found


def written(rows: Sequence[Sequence[str]], *, markdown: bool) -> str:
    """Return a table as text, its first two columns to the left and its figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = ["<"] * 2 + [">"] * (len(widths) - 2)
    lines = [
        [f"{cell:{side}{w}}" for cell, side, w in zip(row, aligned, widths, strict=True)]
        for row in rows
    ]
    if not markdown:
        return "\n".join("  ".join(line).rstrip() for line in lines)
    rule = [
        ("-" * w)[:-1] + (":" if s == ">" else "-") for s, w in zip(aligned, widths, strict=True)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def main() -> int:
    """Print a table of medians with minimum and maximum, and the ratios that follow from it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--referrals", type=int, action="append", help="may be repeated [640000]")
    parser.add_argument("--repeats", type=int, default=5, help="rounds, of which medians are told")
    parser.add_argument("--folder", type=Path, help="where the data is, or is made and kept")
    parser.add_argument("--without-pandas", action="store_true", help="leave the pandas script out")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    options = parser.parse_args()
    measured: dict[int, Costs] = {}
    with tempfile.TemporaryDirectory() as passing:
        folder = (options.folder or Path(passing)).resolve()
        for referrals in sorted(options.referrals or [640_000]):
            table, made = make_data(folder, referrals)
            costs: Costs = {MAKE: made} if made else {}
            for _ in range(options.repeats):
                one_round(table, with_pandas=not options.without_pandas, costs=costs)
            measured[referrals] = costs
    tools = ", ".join(f"{name} {version(name)}" for name in ("pandas", "pyarrow", "duckdb"))
    sys.stdout.write(
        f"Medians of {options.repeats} (least–most); {os.cpu_count()} processors, "
        f"Python {platform.python_version()}, {tools}.\n\n"
        f"{written(cells(measured), markdown=options.markdown)}\n\n"
    )
    mark = "- " if options.markdown else ""
    sys.stdout.writelines(f"{mark}{sentence}\n" for sentence in ratios(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
