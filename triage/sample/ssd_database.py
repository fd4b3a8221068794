"""Puts whole columns of typed cells into the tables of the Standard Safeguarding Dataset."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import sqlalchemy as sa

from triage.sample.ssd_fields import FIELDS, MOMENT, PART, WHOLE
from triage.sample.text import Text

NOT_WRITTEN: Final = "cells not written"
Table = dict[str, Text]


def written(url: str, filled: Mapping[str, Table]) -> dict[str, int]:
    """Makes the dataset's tables in an empty database and puts the cells of some fields in them.

    Returns the number of rows by table, and how many cells hold what their column cannot.

    Raises:
        ValueError: when the database cannot be opened or written, or holds the dataset already.
    """
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(parsed, poolclass=sa.NullPool)
        with engine.begin() as connection:
            return _write(connection, filled)
    except sa.exc.SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        raise ValueError(f"the database cannot be written: {said}") from None


def _write(connection: sa.Connection, filled: Mapping[str, Table]) -> dict[str, int]:
    metadata = sa.MetaData()
    tables = _tables(metadata)
    there = sorted({*sa.inspect(connection).get_table_names()} & tables.keys())
    if there:
        raise ValueError(f"the database holds {there[0]} already: name an empty one")
    metadata.create_all(connection)
    rows, n_lost = {}, 0
    for name, cells in filled.items():
        made, lost = _fitted(cells, dict(FIELDS[name]))
        n_lost += lost
        _insert(connection, name, made)
        rows[name] = len(next(iter(made.values())))
    return rows | {NOT_WRITTEN: n_lost}


def _tables(metadata: sa.MetaData) -> dict[str, sa.Table]:
    """The tables as the specification names and types them."""
    kinds: dict[int | str, Any] = {MOMENT: sa.DateTime(), WHOLE: sa.Integer(), PART: sa.Float()}
    return {
        name: sa.Table(
            name,
            metadata,
            *(
                sa.Column(
                    field,
                    kinds.get(kind) or (sa.NCHAR(1) if kind == 1 else sa.Unicode(int(kind))),
                    primary_key=not place,
                )
                for place, (field, kind) in enumerate(fields)
            ),
        )
        for name, fields in FIELDS.items()
    }


def _fitted(cells: Table, kinds: dict[str, int | str]) -> tuple[Table, int]:
    """The cells as their columns can hold them, null where one is blank, and how many cannot be."""
    made, n_lost = {}, 0
    for field, column in cells.items():
        kind = kinds[field]
        change = _moment if kind == MOMENT else _no_longer_than(int(kind))
        encoded = column.dictionary_encode()
        texts = [change(text) for text in encoded.dictionary.to_pylist()]
        made[field] = pa.array(texts, pa.string()).take(encoded.indices)
        n_lost += made[field].null_count - int((pc.equal(column, "")).sum().as_py() or 0)
    return made, n_lost


def _no_longer_than(width: int) -> Callable[[str], str | None]:
    return lambda text: text if 0 < len(text) <= width else None


def _moment(text: str) -> str | None:
    """A typed date, ISO or day-first, as databases write it; None where there is no such day."""
    turned = re.sub(r"^(\d{2})/(\d{2})/(\d{4})", r"\3-\2-\1", text)
    if not re.match(r"\d{4}-\d{2}-\d{2}([T ]|$)", turned):
        return None
    try:
        return datetime.fromisoformat(turned).isoformat(sep=" ")
    except ValueError:
        return None


def _insert(connection: sa.Connection, name: str, cells: Table) -> None:
    """Puts all rows of a table into it at once."""
    fields = ", ".join(cells)
    cursor = connection.connection.cursor()
    try:
        if connection.dialect.name == "postgresql":
            text = io.BytesIO()
            pa_csv.write_csv(pa.table(cells), text, pa_csv.WriteOptions(include_header=False))
            with cursor.copy(f"COPY {name} ({fields}) FROM STDIN (FORMAT csv)") as copy:
                copy.write(text.getvalue())
        else:
            marks = ", ".join("?" * len(cells))
            columns = [column.to_pylist() for column in cells.values()]
            rows = list(zip(*columns, strict=True))
            cursor.executemany(f"INSERT INTO {name} ({fields}) VALUES ({marks})", rows)
    finally:
        cursor.close()
