"""A council's extract night after night: records that come late, are mended, and are backdated.

Made from the generator's records: what has not happened by a night is not in that night's extract.
Some events are kept back for some nights though they bear their early date (backdated); some
happen later than they did, and say so (late); some cells are put right on a later night (mended).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from triage.sample import make_council, writers
from triage.schema import BELONGS_TO

EVENTS = {
    "decision": "decision_at",
    "allocation": "allocated_at",
    "assessment": "assessment_started_on",
    "authorisation": "assessment_authorised_on",
}
FATES = ("as it was", "backdated", "late", "mended")


@dataclass
class Nights:
    """The nights to come, and the referrals of which an event is backdated in them, by event."""

    table: pd.DataFrame
    first: dt.date
    n_nights: int
    shown_from: dict[str, pd.Series]
    mended: dict[int, tuple[int, str, str]]
    backdated: dict[str, set[str]] = field(default_factory=dict)

    def each(self, folder: Path) -> Iterator[tuple[dt.date, Path]]:
        """Yield each night's date and its extract."""
        for night in range(self.n_nights):
            as_of = self.first + dt.timedelta(night)
            yield as_of, self._extract(as_of, night, folder)

    def _extract(self, as_of: dt.date, night: int, folder: Path) -> Path:
        table = self.table.copy()
        for row, (until, column, typed) in self.mended.items():
            if night < until:
                table.loc[row, column] = typed
        table = table[_days(table["referral_date"]) <= pd.Timestamp(as_of)]
        for name, column in EVENTS.items():
            hidden = self.shown_from[name].loc[table.index] > pd.Timestamp(as_of)
            table.loc[hidden, [column, *(c for c in BELONGS_TO.get(column, ()) if c in table)]] = ""
        path = folder / "referrals.csv"
        table.to_csv(path, index=False)
        return path


def nights_of_a_council(
    folder: Path,
    n_referrals: int,
    n_nights: int,
    seed: int,
    last: dt.date = dt.date(2026, 9, 30),
    share: float = 0.05,
) -> Nights:
    """Return the nights up to a day of a council with so many referrals in eighteen months.

    ``share`` of the events of those nights are backdated, and as many each late and mended.
    """
    council = make_council(n_referrals, seed=seed, as_of=last, months=18)
    path = folder / "whole.csv"
    writers.write_referral_table(council, path)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    first = last - dt.timedelta(n_nights - 1)
    random = np.random.default_rng(seed)
    shown_from = {name: _days(table[column]) for name, column in EVENTS.items()}
    nights = Nights(table, first, n_nights, shown_from, {})
    once = ~table.duplicated("referral_id", keep=False)
    referred = _days(table["referral_date"])
    once &= ~pd.DataFrame({"child": table["child_id"], "day": referred}).duplicated(keep=False)
    # A row without a child is rejected on every night, whatever it tells.
    is_named = (table["referral_id"] != "") & (table["child_id"].str.strip() != "")
    recent = once & (referred >= pd.Timestamp(first)) & is_named
    for name, column in EVENTS.items():
        nights.backdated[name] = set()
        day = _days(table[column])
        fits = recent & (day >= referred) & (day <= pd.Timestamp(last) - pd.Timedelta(days=5))
        rows = np.flatnonzero(fits.to_numpy())
        fates = random.choice(len(FATES), len(rows), p=(1 - 3 * share, share, share, share))
        for row, fate in zip(rows.tolist(), fates.tolist(), strict=True):
            by = pd.Timedelta(days=int(random.integers(2, 5)))
            if FATES[fate] == "backdated":
                shown_from[name][row] = day[row] + by
                nights.backdated[name].add(table.loc[row, "referral_id"])
            elif FATES[fate] == "late":
                shown_from[name][row] = day[row] + by
                table.loc[row, column] = (day[row] + by).date().isoformat()
            elif FATES[fate] == "mended":
                nights.mended[row] = (int(random.integers(1, n_nights)), "team", "Mistyped team")
    return nights


def _days(cells: pd.Series) -> pd.Series:
    """Return the days of cells that are dates; of the others a day long past."""
    iso = cells.str.slice(0, 10)
    uk = pd.to_datetime(cells.str.slice(0, 10), format="%d/%m/%Y", errors="coerce")
    found = pd.to_datetime(iso, format="%Y-%m-%d", errors="coerce").fillna(uk)
    return found.fillna(pd.Timestamp(1990, 1, 1))
