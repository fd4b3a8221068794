"""The Standard Safeguarding Dataset in a database: read in one go, and never written to.

The tables lie in the schema that one connects to, or in the one other that has them
(``ssd_development`` as a rule). What is missing is named; what it would carry is unknown.
"""

from __future__ import annotations

import gc
import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from triage.errors import InputError
from triage.reading import Reading
from triage.sources.ssd_address import SECONDS, Address, address_of, address_of_file, engine_of
from triage.sources.ssd_allocations import build_allocations
from triage.sources.ssd_events import build_contacts, build_events
from triage.sources.ssd_referrals import Dataset, build_referrals
from triage.sources.ssd_tables import EPISODES, TABLES, Found, fetch
from triage.tables import Source
from triage.vocabulary import cut

KIND: Final = "SSD database"
EXPECTED: Final = (
    "expected the tables of the Standard Safeguarding Dataset, ssd_cin_episodes first of all"
)
_SYSTEM: Final = ("information_schema", "sys", "guest", "db_", "pg_")
_NAMES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mssql": "SQL Server"}
_NAMES_TOLD: Final = 6
_LOCKED: Final = ("locked", "lock timeout", "lock request time out", "canceling statement")
_REFUSED: Final = ("permission", "denied", "not authorized")


def read_ssd(url: str, reading: Reading) -> Source:
    """Return the dataset in the database that a URL names.

    Raises:
        InputError: when the database cannot be opened or read, or does not hold the dataset.
    """
    return _read(address_of(url), reading)


def read_sqlite_file(path: Path, reading: Reading) -> Source:
    """Return the dataset in a SQLite file.

    Raises:
        InputError: when it is damaged, or holds something else.
    """
    return _read(address_of_file(path), reading)


def _read(address: Address, reading: Reading) -> Source:
    digest = hashlib.sha256()
    with _telling(address), _connection(address) as connection, _without_collecting():
        found, notes = _tables(connection, address)
        tables = {}
        for one in found:
            with _telling(address, one.name):
                tables[one.table.name] = fetch(connection, one, digest)
    if not tables[EPISODES.name].n_rows:
        raise InputError(f"{address.label}: {EPISODES.name} holds no row; fill the dataset first.")
    return _source(address, Dataset(address.label, tables, reading), digest.hexdigest(), notes)


def _source(address: Address, dataset: Dataset, digest: str, notes: list[str]) -> Source:
    referrals = build_referrals(dataset)
    notes = [*notes, *referrals.notes]
    children = []
    events = list(build_events(dataset, referrals.table))
    allocations = build_allocations(dataset, referrals.table)
    for child, said in [*events, *([allocations] if allocations else [])]:
        children.append(child)
        notes += said
    contacts = build_contacts(dataset)
    notes += contacts.notes if contacts else ()
    return Source(
        address.label,
        KIND,
        digest,
        referrals.table,
        tuple(children),
        contacts.table if contacts else None,
        tuple(notes),
    )


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Hold the search for cycles of objects: rows of texts have none, and it doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _connection(address: Address) -> Iterator[sa.Connection]:
    """Open a database for one reading: one transaction that can write nothing."""
    engine = engine_of(address)
    try:
        connection = engine.connect()
        match engine.url.get_backend_name():
            case "sqlite":
                connection.exec_driver_sql("BEGIN")
            case "postgresql":
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
                connection.exec_driver_sql("SET LOCAL TIME ZONE 'Europe/London'")
                connection.exec_driver_sql("SET LOCAL DateStyle TO 'ISO'")
                connection.exec_driver_sql(f"SET LOCAL lock_timeout TO '{SECONDS}s'")
            case _:
                connection.exec_driver_sql(f"SET LOCK_TIMEOUT {SECONDS * 1000}")
        with connection:
            yield connection
            connection.rollback()
    finally:
        engine.dispose()


@contextmanager
def _telling(address: Address, table: str | None = None) -> Iterator[None]:
    """Turn what a database says into one sentence, without a password."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, UnicodeDecodeError) as error:
        said = address.without_secret(str(getattr(error, "orig", None) or error))
        words = said.casefold()
        what = f"table {table} cannot be read" if table else "the database cannot be opened"
        if any(word in words for word in _LOCKED):
            advice = "somebody else is writing to it; try again when they have ended"
        elif "not a database" in words or "malformed" in words:
            what = "cannot be read as a SQLite database"
            advice = "check that the file is one, and whole"
        elif "interrupted" in words or "too big" in words:
            advice = "it asks for more than a file of its size should; write its tables out anew"
        elif any(word in words for word in _REFUSED):
            advice = "ask for the right to read the tables of the dataset"
        else:
            advice = "check the address, the name and the password, and that the server runs"
        raise InputError(f"{address.label}: {what} ({said}); {advice}.") from None


def _tables(connection: sa.Connection, address: Address) -> tuple[list[Found], list[str]]:
    """Return the tables that are there, and a note of what is not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        inspector = sa.inspect(connection)
        schema, names = _schema(inspector, address)
        found = [
            Found(table, schema, names[table.name], _columns(inspector, schema, names, table.name))
            for table in TABLES
            if table.name in names
        ]
    episodes = found[0]
    if episodes.lacks:
        raise InputError(
            f"{address.label}: table {episodes.name} has no column "
            f"{' and '.join(episodes.lacks)}, without which there is no referral; {EXPECTED}."
        )
    usable = [one for one in found if not one.lacks]
    return usable, _missing(found)


def _schema(inspector: sa.Inspector, address: Address) -> tuple[str | None, dict[str, str]]:
    """Return the schema that holds the episodes, and its tables by their casefolded names."""
    usual = inspector.default_schema_name
    if address.schema is not None:
        names = _names(inspector, address.schema)
        if EPISODES.name not in names:
            raise _refusal(inspector, address, names, f"schema {address.schema}")
        return address.schema, names
    names = _names(inspector, None)
    if EPISODES.name in names:
        return None, names
    others = {
        schema: _names(inspector, schema)
        for schema in inspector.get_schema_names()
        if schema != usual and not schema.casefold().startswith(_SYSTEM)
    }
    holding = sorted(schema for schema, inside in others.items() if EPISODES.name in inside)
    if len(holding) > 1:
        raise InputError(
            f"{address.label}: {EPISODES.name} lies in several schemas ({', '.join(holding)}); "
            f"choose one by ?schema={holding[0]} at the end of the URL."
        )
    if not holding:
        raise _refusal(inspector, address, names, "it")
    return holding[0], others[holding[0]]


def _names(inspector: sa.Inspector, schema: str | None) -> dict[str, str]:
    """Return the tables and views of a schema by their casefolded names."""
    names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    if inspector.dialect.name == "postgresql":
        names += inspector.get_materialized_view_names(schema)
    return {name.casefold(): name for name in sorted(names, reverse=True)}


def _refusal(
    inspector: sa.Inspector, address: Address, names: dict[str, str], where: str
) -> InputError:
    held = ", ".join(cut(name) for name in sorted(names)[:_NAMES_TOLD]) or "no table"
    more = ", …" if len(names) > _NAMES_TOLD else ""
    kind = _NAMES[inspector.dialect.name]
    return InputError(
        f"{address.label}: looks like a {kind} database; {where} holds {held}{more}; {EXPECTED}."
    )


def _columns(
    inspector: sa.Inspector, schema: str | None, names: dict[str, str], table: str
) -> dict[str, str]:
    """Return the fields of a table that are there, in the order of the dataset."""
    there = {
        column["name"].casefold(): column["name"]
        for column in inspector.get_columns(names[table], schema)
    }
    fields = next(one.fields for one in TABLES if one.name == table)
    return {field: there[field] for field in fields if field in there}


def _missing(found: list[Found]) -> list[str]:
    """Return one note of the tables and columns that are not there, if any are not."""
    there = {one.table.name: one for one in found}
    tables = [table.name for table in TABLES if table.name not in there]
    columns = [f"{name}.{field}" for name, one in there.items() for field in one.missing]
    useless = [name for name, one in there.items() if one.lacks]
    parts = []
    if tables:
        parts.append(f"the database has no table {', '.join(tables)}")
    if columns:
        parts.append(f"no column {', '.join(columns)}")
    if useless:
        parts.append(f"{', '.join(useless)} cannot be used without them")
    return [f"{'; '.join(parts)}: what they carry is unknown"] if parts else []
