"""A whole store out of one place and into another, and the proof that it is the same there."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from triage.errors import CallError, DamagedError, InputError
from triage.progress import Progress, Told
from triage.store import trail
from triage.store.address import Address
from triage.store.portable import (
    Contents,
    Tally,
    columns_of,
    fill,
    go_on_from,
    is_server,
    last_numbers,
    lines,
    tables_of,
    tally,
)
from triage.store.tables import HEAD_REVISION
from triage.store.trail import Head
from triage.store.upgrading import bring_to, own_revision
from triage.vocabulary import counted

Lines = Callable[[str], Generator[bytes, None, None]]
"""The lines of a table, by its name."""
_NOTHING: Final = " Nothing was stored."


@dataclass(frozen=True)
class Snapshot:
    """A store as it is at one moment, while its transaction lasts."""

    connection: sa.Connection
    contents: Contents
    tables: Mapping[str, sa.Table]
    rows: Mapping[str, int]

    def counted_lines(self, table: str) -> Generator[tuple[bytes, int], None, None]:
        """Yield the lines of a table, each with the number of its rows."""
        yield from lines(self.connection, self.tables[table], self.contents.columns[table])

    def lines(self, table: str) -> Generator[bytes, None, None]:
        """Yield the lines of a table."""
        for line, _ in self.counted_lines(table):
            yield line


def snapshot(connection: sa.Connection, name: str) -> Snapshot:
    """Return a store as it is now, once its trail was found to be whole.

    Raises:
        DamagedError: when the trail is damaged: no copy of it would be accepted anywhere.
    """
    tables = tables_of(connection)
    head = None
    if is_chained(tables):
        verdict = trail.verify(connection)
        if verdict.damage:
            raise DamagedError(
                f"{name}: the trail is damaged: {verdict.damage}. `triage db check` names all that "
                "is wrong; restore the last backup that is whole. Nothing was copied."
            )
        head = Head(verdict.last, verdict.hash)
    count = sa.select(sa.func.count())
    return Snapshot(
        connection,
        Contents(
            own_revision(connection, name) or "",
            head,
            {name: columns_of(table) for name, table in tables.items()},
            last_numbers(connection, tables),
        ),
        tables,
        {one: int(connection.scalar(count.select_from(tables[one])) or 0) for one in tables},
    )


def is_chained(tables: Mapping[str, sa.Table]) -> bool:
    """Return whether events bear hashes, as they do from revision 0004 on."""
    return "hash" in tables["event"].columns


def fill_store(
    connection: sa.Connection,
    address: Address,
    contents: Contents,
    lines_of: Lines,
    n_rows: int,
    progress: Progress,
) -> dict[str, Tally]:
    """Make a store of some contents in an empty place; return the rows and digests of its tables.

    What stands there afterwards is read again and held beside what was brought: every row, the
    references between them, and the trail up to its head.

    Raises:
        CallError: when the place holds something already.
        InputError: when what is brought is not whole, or cannot be kept there.
    """
    refuse_unless_empty(connection, address.name)
    _make(connection, contents)
    tables = tables_of(connection)
    _refuse_other_tables(contents, tables)
    told, found = Told(progress, "storing", n_rows), {}
    for name, table in tables.items():
        columns = contents.columns[name]
        with closing(lines_of(name)) as written:
            found[name] = fill(connection, address, table, columns, written)
        told.add(found[name].rows)
    go_on_from(connection, tables, contents.last)
    _compare(connection, contents, tables, found, progress)
    return found


def refuse_unless_empty(connection: sa.Connection, name: str) -> None:
    """Refuse a place that holds anything.

    Raises:
        CallError: when it does.
        StoreError: when it is a database of something else.
    """
    if own_revision(connection, name) is None:
        return
    for table in tables_of(connection).values():
        n_rows = connection.scalar(sa.select(sa.func.count()).select_from(table))
        if n_rows:
            raise CallError(
                f"{name}: is a store that holds something already ({counted(n_rows, 'row')} of "
                f"{table.name}); name an empty place with --db. It was left as it is."
            )


def _make(connection: sa.Connection, contents: Contents) -> None:
    if contents.revision > HEAD_REVISION:
        raise InputError(
            f"it is of revision {contents.revision}, which a newer version made; update this "
            f"program.{_NOTHING}"
        )
    if not bring_to(connection, contents.revision):
        raise InputError(f"there is no revision '{contents.revision}' of a store.{_NOTHING}")


def _refuse_other_tables(contents: Contents, tables: Mapping[str, sa.Table]) -> None:
    for name in {**contents.columns, **tables}:
        theirs = set(contents.columns.get(name, ()))
        ours = set(columns_of(tables[name])) if name in tables else set()
        if theirs != ours:
            which = ", ".join(sorted(theirs ^ ours))
            raise InputError(
                f"its table {name} is not that of revision {contents.revision} ({which}); another "
                f"program made or changed it.{_NOTHING}"
            )


def _compare(
    connection: sa.Connection,
    contents: Contents,
    tables: Mapping[str, sa.Table],
    brought: Mapping[str, Tally],
    progress: Progress,
) -> None:
    told = Told(progress, "comparing", sum(one.rows for one in brought.values()))
    for name, table in tables.items():
        held = tally(connection, table, contents.columns[name])
        if (held.rows, held.sha256) != (brought[name].rows, brought[name].sha256):
            raise InputError(
                f"{name}: cannot be kept here exactly as it was; the rows that were read again "
                f"differ.{_NOTHING}"
            )
        told.add(held.rows)
    if not is_server(connection):
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if lost is not None:
            raise InputError(f"{lost[0]}: a row refers to a {lost[2]} that is not there.{_NOTHING}")
    check_trail(connection, tables, contents.head)


def check_trail(
    connection: sa.Connection, tables: Mapping[str, sa.Table], head: Head | None
) -> None:
    """Refuse a trail that is not whole up to a head.

    Raises:
        InputError: when it is not.
    """
    if is_chained(tables):
        verdict = trail.verify(connection, head)
        if verdict.damage:
            raise InputError(f"the trail is damaged: {verdict.damage}.{_NOTHING}")
        if head is not None and verdict.last != head.id:
            raise InputError(
                f"the trail goes on to event {verdict.last}, past event {head.id} at which it was "
                f"said to end.{_NOTHING}"
            )
