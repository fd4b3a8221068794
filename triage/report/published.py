"""Published figures beside the council's own: England's 2013 to 2025, and those of neighbours.

England: Department for Education, Children in need, data set C1, 2013 to 2025, and the Local
Authority Interactive Tool for assessments and conferences; years ending 31 March. A re-referral is
one within 12 months of a previous referral, as everywhere here.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from triage.errors import CallError

SOURCE: Final = (
    "England: Department for Education, Children in need, data set C1, 2013 to 2025; assessments "
    "and conferences from the Local Authority Interactive Tool. Years ending 31 March, counts "
    "rounded to 10."
)
COLUMNS: Final = ("council", "year", "referrals", "re_referrals")
"""What a file of published council figures has to hold."""
_LARGEST: Final = 10_000_000


@dataclass(frozen=True)
class National:
    """England's figures of a year; None where they were not published."""

    year: int
    referrals: int
    re_referrals: int
    re_referral_share: float
    nfa_share: float
    assessments_in_time: float | None
    conferences_in_time: float | None


@dataclass(frozen=True)
class Neighbour:
    """A council's published figures of a year."""

    council: str
    year: int
    referrals: int
    re_referrals: int


def england() -> tuple[National, ...]:
    """Return England's published figures, the earliest year first."""
    text = (files("triage.report") / "england.csv").read_text("utf-8")
    return tuple(
        National(
            int(row["year"]),
            int(row["referrals"]),
            int(row["re_referrals"]),
            float(row["re_referral_share"]),
            float(row["nfa_share"]),
            _number(row["assessments_in_45_share"]),
            _number(row["conferences_in_15_share"]),
        )
        for row in csv.DictReader(text.splitlines())
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


def neighbours(path: Path) -> tuple[Neighbour, ...]:
    """Return the published figures of other councils from a CSV file.

    Raises:
        CallError: when it cannot be read, lacks a column, or a cell is no number; all are named.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lacking = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if lacking:
                raise CallError(
                    f"{path}: has no column {' or '.join(lacking)}; it is to have "
                    f"{', '.join(COLUMNS)}."
                )
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CallError(f"{path}: cannot be read ({error}).") from None
    problems: list[str] = []
    found = [_neighbour(row, number, problems) for number, row in enumerate(rows, 2)]
    if problems:
        raise CallError("\n".join(f"{path}: {problem}" for problem in problems))
    return tuple(one for one in found if one is not None)


def _neighbour(row: Mapping[str, str], number: int, problems: list[str]) -> Neighbour | None:
    values: dict[str, int] = {}
    for name in COLUMNS[1:]:
        text = (row.get(name) or "").strip().replace(",", "")
        if not (text.isascii() and text.isdigit()) or int(text) > _LARGEST:
            problems.append(f"row {number}, {name}: '{text[:40]}' is not a whole number.")
        else:
            values[name] = int(text)
    if not (row.get("council") or "").strip():
        problems.append(f"row {number}, council: names no council.")
        return None
    if len(values) < len(COLUMNS) - 1:
        return None
    if values["re_referrals"] > values["referrals"]:
        problems.append(f"row {number}: has more re-referrals than referrals.")
    return Neighbour(row["council"].strip(), **values)
