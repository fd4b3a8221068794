"""What one input holds: each column of each of its tables, counted.

Nothing in it tells of one child: identifiers and free texts are counted and never named, and of
birth dates only the years are kept.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from triage.calendar import to_date
from triage.schema import COLUMNS, ColumnSpec
from triage.schema_nights import STORE_COLUMNS
from triage.sources.folder import BESIDE, CONTACT_COLUMNS
from triage.tables import ChildTable, Extract, Input, RawColumn, RawTable
from triage.validation import BLANK, GIVEN, UNREAD, Distinct, read_distinct

MOST_CODES: Final = 12
"""Codes of one column up to which each is told with its count."""
_KEYS: Final = ("referral_id", "child_id", "referral_date")
_TRUTHS: Final = ("false", "true")


@dataclass(frozen=True)
class ColumnHeld:
    """What one column of one table holds.

    ``first`` and ``last`` span the dates that can be read (of birth dates: the years);
    ``n_distinct`` counts different texts, codes and numbers; ``codes`` has the rows of each code
    where there are few.
    """

    table: str
    column: str
    n_rows: int
    n_blank: int
    n_unreadable: int
    first: str | None = None
    last: str | None = None
    n_distinct: int | None = None
    codes: Mapping[str, int] | None = None

    def share(self, number: int) -> float:
        """Return a number of cells as a share of the rows; 0 in an empty table."""
        return number / self.n_rows if self.n_rows else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the column for a script."""
        return {
            "table": self.table,
            "column": self.column,
            "rows": self.n_rows,
            "blank": self.n_blank,
            "blank_share": round(self.share(self.n_blank), 4),
            "unreadable": self.n_unreadable,
            "unreadable_share": round(self.share(self.n_unreadable), 4),
            "first": self.first,
            "last": self.last,
            "distinct": self.n_distinct,
            "codes": None if self.codes is None else dict(self.codes),
        }


@dataclass(frozen=True)
class InputHeld:
    """What one input holds, and which columns of the schema it does not carry."""

    path: str
    kind: str
    n_rows: int
    columns: tuple[ColumnHeld, ...]
    absent: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the input for a script."""
        return {
            "path": self.path,
            "kind": self.kind,
            "rows": self.n_rows,
            "columns": [column.as_json() for column in self.columns],
            "absent": list(self.absent),
        }


def describe_input(source: Input) -> InputHeld:
    """Return what one input holds, column by column, and which columns it lacks."""
    columns = [
        held
        for name, table, wanted, earliest in _tables(source)
        for held in _columns_held(name, table, wanted, earliest)
    ]
    carried = {one.column for one in columns}
    could = _of_extract(source) if isinstance(source, Extract) else tuple(COLUMNS)
    absent = tuple(n for n in could if n not in carried and n not in STORE_COLUMNS)
    return InputHeld(source.path, source.kind, source.n_rows, tuple(columns), absent)


_Table = tuple[str, RawTable, Iterable[str], dt.date | None]


def _tables(source: Input) -> list[_Table]:
    """Return the tables of an input: name, cells, columns that count, first date it may hold."""
    tables: list[_Table] = []
    if not isinstance(source, Extract):
        main = source.referrals
        tables.append(("referrals", main, main.columns, source.earliest_referral))
    for child in source.children:
        wanted = {*_KEYS, child.event, *child.carries, *child.keeps}
        tables.append((_table_name(child), child.table, wanted, None))
    if source.contacts is not None:
        tables.append(("contacts", source.contacts, source.contacts.columns, None))
    return tables


def _table_name(child: ChildTable) -> str:
    """Return what a table beside the referrals is called: its name, else its sheet or file."""
    sheet = re.search(r"\[([^\]]+)\]$", child.table.source)
    return child.name or (sheet.group(1) if sheet else Path(child.table.source).stem)


def _of_extract(extract: Extract) -> tuple[str, ...]:
    """Return the columns that tables of the kinds in an extract may carry."""
    beside = [BESIDE[child.name] for child in extract.children if child.name in BESIDE]
    could = {name for one in beside for name in (*one.carries, *one.keeps)}
    could.update(CONTACT_COLUMNS if extract.contacts is not None else ())
    return tuple(name for name in COLUMNS if name in could)


def _columns_held(
    name: str, table: RawTable, wanted: Iterable[str], earliest: dt.date | None
) -> list[ColumnHeld]:
    counts = set(wanted)
    return [
        _column_held(name, spec, table.columns[column], earliest)
        for column, spec in COLUMNS.items()
        if column in counts and column in table.columns
    ]


def _column_held(
    table: str, spec: ColumnSpec, raw: RawColumn, earliest: dt.date | None
) -> ColumnHeld:
    distinct = read_distinct(spec, raw, earliest if spec.name == "referral_date" else None)
    rows = np.bincount(raw.codes, minlength=len(raw.texts))
    held = ColumnHeld(
        table,
        spec.name,
        len(raw.codes),
        int(rows[distinct.state == BLANK].sum()),
        int(rows[np.isin(distinct.state, UNREAD)].sum()),
    )
    is_given = (distinct.state == GIVEN) & (rows > 0)
    match spec.kind:
        case "event" | "birth":
            first, last = _span(distinct.value[is_given], only_years=spec.kind == "birth")
            return replace(held, first=first, last=last)
        case "text" | "number":
            return replace(held, n_distinct=len(np.unique(distinct.value[is_given])))
        case _:
            codes = _rows_by_code(spec, distinct, rows, is_given)
            few = codes if len(codes) <= MOST_CODES else None
            return replace(held, n_distinct=len(codes), codes=few)


def _span(days: Any, *, only_years: bool) -> tuple[str | None, str | None]:
    if not len(days):
        return None, None
    first, last = to_date(int(days.min())), to_date(int(days.max()))
    if only_years:
        return str(first.year), str(last.year)
    return first.isoformat(), last.isoformat()


def _rows_by_code(spec: ColumnSpec, distinct: Distinct, rows: Any, is_given: Any) -> dict[str, int]:
    """Return the rows that bear each code, in the order of the code list; of several, each one."""
    names = _TRUTHS if spec.kind == "flag" else distinct.names
    found: Counter[str] = Counter()
    for place in np.flatnonzero(is_given).tolist():
        for code in names[int(distinct.value[place])].split(";"):
            found[code] += int(rows[place])
    listed = [*spec.reads.codes, *_TRUTHS]
    return {code: found[code] for code in sorted(found, key=listed.index)}
