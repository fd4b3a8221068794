"""Small readers of what the sample generator writes, shared by its tests."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from python_calamine import CalamineWorkbook

from triage.sample import Council
from triage.sample.text import column_text, read_days
from triage.sample.workdays import (
    BLANK,
    WorkingDays,
    day_number,
    minus_months_array,
    months_before,
)

_DATES = {
    "referral_date": "day",
    "closed_on": "closed",
    "decision_at": "decided",
    "feedback_at": "told",
    "allocated_at": "allocated",
    "assessment_started_on": "started",
    "assessment_reviewed_on": "reviewed",
    "assessment_authorised_on": "authorised",
    "strategy_discussion_on": "strategy",
    "section47_started_on": "enquiry",
    "icpc_on": "conference",
    "last_oversight_on": "oversight",
}
NEVER = 10**6
"""A day after every other: an event that has not happened, where the first of several counts."""


def days_of(cells: pd.Series) -> np.ndarray:
    days = pd.to_datetime(cells.str[:10]).to_numpy().astype("datetime64[D]")
    return days.astype("int64").astype(np.int32)


def typed_days(table: pd.DataFrame, name: str) -> np.ndarray:
    """The dates of a column as days, ``BLANK`` where it is blank or cannot be read."""
    return read_days(column_text(table, name))


def after(days: pd.Series | np.ndarray, count: int) -> np.ndarray:
    """The count-th working day after each day."""
    return WorkingDays().after(np.asarray(days, dtype=np.int32), count)


def working_days(start: pd.Series | np.ndarray, end: pd.Series | np.ndarray | int) -> np.ndarray:
    """The working days after each start, up to and including each end."""
    first = np.asarray(start, dtype=np.int32)
    last = np.broadcast_to(np.asarray(end, dtype=np.int32), first.shape)
    return WorkingDays().between(first, last)


def first_of(table: pd.DataFrame, *names: str) -> np.ndarray:
    """The first day on which any of the events happened, or ``NEVER``."""
    days = table[list(names)].to_numpy()
    return np.where(days == BLANK, NEVER, days).min(axis=1)


def by_child(council: Council) -> pd.DataFrame:
    """The referrals by child and day, once a day, with days as numbers, as a rule sees them.

    The columns of the child's previous referral stand beside, ``previous_`` before their name
    (``BLANK`` or blank without one); ``is_judged`` are those of the last three months and those
    still open.
    """
    table = council.referrals.copy()
    for name, short in _DATES.items():
        table[short] = typed_days(table, name)
    table = table[(table["child_id"] != "") & (table["day"] != BLANK)]
    table = table.sort_values(["child_id", "day"], kind="stable")
    table = table[~table.duplicated(["child_id", "day"])].reset_index(drop=True)
    new = table["child_id"] != table["child_id"].shift()
    table["begins"] = np.flatnonzero(new)[new.cumsum() - 1]
    last = table.drop(columns="begins").groupby("child_id").shift(1)
    for name in last.columns:
        is_day = name in _DATES.values()
        filled = last[name].fillna(BLANK if is_day else "")
        table[f"previous_{name}"] = filled.astype(np.int32) if is_day else filled
    day = table["day"].to_numpy(dtype=np.int32)
    table["year_ago"] = minus_months_array(day, 12)
    table["half_year_ago"] = minus_months_array(day, 6)
    table["is_nfa"] = table["nfa"] == "true"
    table["is_open"] = ~table["is_nfa"] & (table["closed"] == BLANK)
    table["is_again"] = (table["previous_day"] != BLANK) & (
        table["previous_day"] >= table["year_ago"]
    )
    recent = table["day"] >= day_number(months_before(council.as_of, 3))
    table["is_judged"] = recent | table["is_open"]
    return table


def earlier(table: pd.DataFrame, since: str) -> Iterator[tuple[int, slice]]:
    """Each referral's place, and those of the child from the day in ``since`` up to it."""
    days, limits = table["day"].to_numpy(), table[since].to_numpy()
    for row, begin in enumerate(table["begins"].to_numpy()):
        first = begin
        while days[first] < limits[row]:
            first += 1
        yield row, slice(first, row + 1)


def children_of(council: Council) -> Counter[str]:
    return Counter(council.referrals["child_id"])


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def census_rows(path: Path) -> list[dict[str, str]]:
    rows = []
    for child in ET.parse(path).getroot().iter("Child"):
        identifier = child.findtext("ChildIdentifiers/LAchildID") or ""
        for episode in child.iter("CINdetails"):
            rows.append({"id": identifier} | {e.tag: e.text or "" for e in episode.iter()})
    return rows


def sheet_rows(path: Path, sheet: str) -> list[list[object]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).to_python()
