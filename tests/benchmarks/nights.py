"""Ninety nights of a council: seconds of each, the store's size, and what was found backdated.

    python tests/benchmarks/nights.py --referrals 6663 --nights 90

6,663 referrals in eighteen months are 4,442 a year. With --db the store is that one, else a file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click
from nights_of_a_council import Nights, nights_of_a_council

from triage import store
from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options
from triage.settings import ReviewDays
from triage.store import Asker, Wanted

RULE = "OVS-04"


def main() -> None:
    """Run the nights, and print a line of each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--referrals", type=int, default=6663)
    parser.add_argument("--nights", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--db", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        url = asked.db or f"sqlite:///{folder / 'triage.db'}"
        nights = nights_of_a_council(folder, asked.referrals, asked.nights, asked.seed)
        for number, (as_of, path) in enumerate(nights.each(folder), 1):
            seconds = night(url, as_of, path)
            file = folder / "triage.db"
            size = f"{file.stat().st_size:,} bytes" if file.exists() else ""
            click.echo(f"night {number:3} {as_of} {seconds:6.2f} s {size}")
        told(nights, found(url))


def night(url: str, as_of: dt.date, path: Path) -> float:
    """Judge and store one night's extract; return the seconds."""
    began = time.perf_counter()
    now = dt.datetime.combine(as_of, dt.time(2), dt.UTC)
    run = check(
        [str(path)], load_rules(shipped("rules")), Options(as_of, 3),
        nights=store.nights_so_far(url),
    )  # fmt: skip
    days = ReviewDays().model_dump()
    store.store_run(
        url, run, who="nights", started_at=now, finished_at=now, settings={}, review_days=days
    )
    return time.perf_counter() - began


def found(url: str) -> set[str]:
    """Return the referrals that were ever flagged as recorded afterwards."""
    asker = Asker("nights", ("nights",), dt.datetime.now(dt.UTC))
    rows = store.cases(url, asker, Wanted(rule=RULE)).cases
    return {one.referral_id for one in rows}


def told(nights: Nights, flagged: set[str]) -> None:
    """Print whether what is flagged is what was backdated."""
    backdated = set().union(*nights.backdated.values())
    counts = ", ".join(f"{len(some)} {name}s" for name, some in nights.backdated.items())
    click.echo(f"backdated: {len(backdated)} referrals ({counts})")
    click.echo(f"flagged by {RULE}: {len(flagged)}, of them backdated {len(flagged & backdated)}")
    if flagged != backdated:
        click.echo(
            f"not found: {sorted(backdated - flagged)}\nnot backdated: {flagged - backdated}"
        )
        raise SystemExit(1)


if __name__ == "__main__":
    main()
