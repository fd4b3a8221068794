"""Pages of a large queue: how long the first and a deep one take, under every kind of filter.

    triage nightly referral_table.csv --as-of 2026-09-30 --window all --db URL
    python tests/benchmarks/queue_pages.py URL

Filters by team, status and severity are drawn at random, alone and together; a deep page begins
after a case drawn from the last tenth of what the filter finds. Times are of one page of 50 cases
with the rules of their flags, over a connection that is open, in milliseconds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import click
import numpy as np
import sqlalchemy as sa

from triage.casework import STATUSES
from triage.rights import Viewer
from triage.store.caselist import Wanted, numbers, page
from triage.store.connection import reading
from triage.store.tables import case, flag
from triage.store.work import as_of_store
from triage.vocabulary import SEVERITIES

PAGE = 50


def main() -> None:
    """Time the pages of a store, and print the percentiles."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--pages", type=int, default=300)
    asked = parser.parse_args()
    rng = random.Random(1)
    with reading(asked.url) as connection:
        as_of = as_of_store(connection)
        n_flags = connection.scalar(sa.select(sa.func.count()).select_from(flag))
        teams = [t for t in connection.scalars(sa.select(case.c.team).distinct()) if t]
        click.echo(f"{n_flags:,} flags, {len(teams)} teams")
        who = Viewer("reader", sees_restricted=True)
        for name, draw in kinds(rng, teams).items():
            wanted = [draw() for _ in range(asked.pages)]
            first = [timed(lambda w=w: page(connection, who, w, as_of, PAGE)) for w in wanted]
            deep = deep_ones(connection, who, wanted, as_of, rng)
            told(f"{name}, first page", first)
            told(f"{name}, deep page", deep)


def kinds(rng: random.Random, teams: list[str]) -> dict[str, Callable[[], Wanted]]:
    """Return ways to draw a filter, by name."""

    def status() -> tuple[str, ...]:
        return (rng.choice(STATUSES[:2]),)

    def team() -> tuple[str, ...]:
        return (rng.choice(teams),)

    def severity() -> tuple[str, ...]:
        return (rng.choice(SEVERITIES),)

    return {
        "no filter": Wanted,
        "team": lambda: Wanted(teams=team()),
        "severity": lambda: Wanted(severities=severity()),
        "team, status, severity": lambda: Wanted(
            statuses=status(), teams=team(), severities=severity()
        ),
        "three teams": lambda: Wanted(teams=tuple(rng.sample(teams, 3))),
    }


def deep_ones(
    connection: Any, who: Viewer, wanted: list[Wanted], as_of: dt.date, rng: random.Random
) -> list[float]:
    """Return how long pages far down take."""
    known: dict[Wanted, list[int]] = {}
    found = []
    for one in wanted:
        if one not in known:
            known[one] = numbers(connection, who, one, as_of)
        cases = known[one]
        if cases:
            number = cases[rng.randrange(len(cases) * 9 // 10, len(cases))]
            where = sa.select(case.c.place).where(case.c.id == number)
            after = (connection.scalar(where), number)
            found.append(
                timed(lambda o=one, a=after: page(connection, who, o, as_of, PAGE, after=a))
            )
    return found


def timed(call: Callable[[], Any]) -> float:
    """Return the milliseconds of a call."""
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


def told(name: str, times: list[float]) -> None:
    """Print the percentiles of some times."""
    if times:
        p50, p99 = np.percentile(times, [50, 99])
        click.echo(f"{name:32} n {len(times):4}  median {p50:6.2f}  p99 {p99:6.2f}")


if __name__ == "__main__":
    sys.exit(main())
