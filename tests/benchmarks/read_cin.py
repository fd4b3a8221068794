"""Measure the reading of a census: children a second of processor, and memory above the tables.

Example: python tests/benchmarks/read_cin.py --children 100000
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from pathlib import Path

import numpy as np
from measuring import MEGABYTE, measure

from triage.sample import make_council, writers
from triage.sources import read_source
from triage.tables import Source

REFERRALS_A_CHILD = 1.45
"""Rows of an invented council of 72 months for each of its children, a little over what it has."""


def write_census(path: Path, children: int, *, dirty: bool) -> None:
    """Write an invented council of at least so many children as one census file."""
    council = make_council(
        round(children * REFERRALS_A_CHILD),
        seed=5,
        as_of=dt.date(2026, 9, 30),
        months=72,
        dirty=dirty,
    )
    writers.write_cin(council, path)


def n_children(source: Source) -> int:
    """Return the children that have an episode in a census."""
    return len(np.unique(source.referrals.rows))


def main() -> int:
    """Print one line for each file: what was read, how fast, and in how much memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--children", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=3, help="the best of so many is told")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for dirty in (True, False):
            path = Path(folder) / "cin.xml"
            write_census(path, options.children, dirty=dirty)
            taken = [
                measure(read_source, str(path), summary=n_children) for _ in range(options.times)
            ]
            best = min(taken, key=lambda one: one.cpu)
            sys.stdout.write(
                f"{'dirty' if dirty else 'clean'}: {best.summary:,} children, "
                f"{path.stat().st_size / MEGABYTE:.0f} MB, {best.cpu:.2f} s of CPU, "
                f"{best.summary / best.cpu:,.0f} children a CPU second, "
                f"{max(one.above for one in taken) / MEGABYTE:.0f} MB above the "
                f"{best.size / MEGABYTE:.0f} MB of tables\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
