"""A table of referrals, and what becomes of it when other tables carry some of its columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from triage.schema import REFERRAL_COLUMNS
from triage.sources.folder import passed_over
from triage.tables import ChildTable, RawTable, Source

KIND: Final = "referral table"


def table_source(path: Path, digest: str, table: RawTable) -> Source:
    """Return a table of one row a referral as an input."""
    referrals, notes = referral_columns(table)
    return Source(str(path), KIND, digest, referrals, notes=(*table.notes, *notes))


def referral_columns(table: RawTable) -> tuple[RawTable, list[str]]:
    """Return a table without the columns that only the tables beside it carry, each named."""
    columns = {name: cells for name, cells in table.columns.items() if name in REFERRAL_COLUMNS}
    return replace(table, columns=columns), passed_over(table, tuple(columns))


def without_carried(
    referrals: RawTable, child: ChildTable, name: str, other: str
) -> tuple[RawTable, list[str]]:
    """Return referrals without the columns that a table beside them carries, with a note of them.

    ``name`` and ``other`` are what the two are called in it.
    """
    twice = [column for column in child.carries if column in referrals.columns]
    if not twice:
        return referrals, []
    columns = {name: cells for name, cells in referrals.columns.items() if name not in twice}
    note = f"{name}: column {', '.join(twice)} was ignored: {other} carries it"
    return replace(referrals, columns=columns), [note]
