"""Whether what was let go of is gone, all of it, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from triage.store.husks import BELONGINGS, IS_HUSK, NEUTRAL, erased_cases
from triage.store.tables import case
from triage.vocabulary import counted


def husk_damages(connection: sa.Connection) -> Iterator[str]:
    """Yield where a case was let go of by half, or behind the trail's back."""
    erased = erased_cases(connection)
    husks = {}
    for row in connection.execute(sa.select(case).where(IS_HUSK).order_by(case.c.id)):
        husks[row.id] = row
        yield from _of_husk(row, is_told=row.id in erased)
    for number in sorted(erased - husks.keys()):
        yield f"Case {number} was erased by what the trail says, but tells of a child still."
    for table in BELONGINGS:
        query = (
            sa.select(table.c.case_id, sa.func.count())
            .join(case, case.c.id == table.c.case_id)
            .where(IS_HUSK)
            .group_by(table.c.case_id)
            .order_by(table.c.case_id)
        )
        for number, n_rows in connection.execute(query):
            yield f"Case {number} was erased, but {_of_table(n_rows, table)} still there."


def _of_table(n_rows: int, table: sa.Table) -> str:
    return f"{counted(n_rows, 'row')} of {table.name} {'is' if n_rows == 1 else 'are'}"


def _of_husk(row: Any, *, is_told: bool) -> Iterator[str]:
    if not is_told:
        yield f"Case {row.id} tells of no child, but by the trail it was never erased."
    expected = {**NEUTRAL, "referral_id": str(row.id)}
    told = [name for name, value in expected.items() if getattr(row, name) != value]
    if told:
        yield f"Case {row.id} was erased, but its {' and '.join(told)} tell of it still."
