"""Storing a night's flags: how long a run of so many takes to be stored, new and again.

    python tests/benchmarks/storing.py --referrals 94000 [--db postgresql://…] [--known]

94,000 invented referrals have some 200,000 flags. Judging is not part of the time; the rest is:
cases, flags, the trail, the referrals, what is known of each, and the problems of the records. With
``--known`` a night on which a single rule judges goes before, so that the records are known and
the flags alone are new.
"""

from __future__ import annotations

import argparse
import datetime as dt
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from triage import store
from triage.local_rules import assemble
from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options
from triage.settings import ReviewDays

AS_OF = dt.date(2026, 9, 30)
_ALONE = "CMP-01"


def main() -> None:
    """Make the records, judge them, and store the run twice."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--referrals", type=int, default=94_000)
    parser.add_argument("--db", default="")
    parser.add_argument("--known", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "council"
        make = ("-m", "triage", "sample", "make", str(folder), "--referrals", str(asked.referrals))
        subprocess.run([sys.executable, *make, "--as-of", str(AS_OF)], check=True)
        table = str(folder / "referral_table.csv")
        url = asked.db or f"sqlite:///{Path(place) / 'triage.db'}"
        every = load_rules(shipped("rules"))
        alone = assemble(shipped("rules"), None, {}, [n for n in every.by_id if n != _ALONE])
        for what in (*(["of one rule"] if asked.known else []), "new", "again"):
            rules = alone if what == "of one rule" else every
            run = check([table], rules, Options(AS_OF, None))
            n_flags = sum(one.n_flag for one in run.results)
            now = dt.datetime.now(dt.UTC)
            began = time.perf_counter()
            store.store_run(
                url, run, who="storing", started_at=now, finished_at=now, settings={},
                review_days=ReviewDays().model_dump(),
            )  # fmt: skip
            click.echo(f"{n_flags:,} flags, {what}: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
