"""Stores on a server that is out of reach, goes away, or does not let everybody do everything."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from conftest import AS_OF, Triage
from stores import ON_POSTGRESQL, OwnStore

from triage.store import bulk, verify_trail
from triage.store.connection import reading

pytestmark = ON_POSTGRESQL
ONE_SENTENCE_END = "Nothing was stored.\n"
ASKED = (("queue", "list"), ("runs",), ("queue", "claim-next", "--as", "w.worker"))


def in_one_sentence(told: tuple[int, str, str], said: str) -> None:
    """Expect exit 4, nothing on stdout, and one sentence without a password on stderr."""
    code, out, err = told
    assert (code, out) == (4, ""), err
    assert said in err
    (line,) = err.splitlines()
    assert line.startswith("triage: ")
    assert line.endswith(".")
    assert "hush" not in err


def test_a_server_that_is_not_there_is_out_of_reach(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    url = "postgresql://me:hush@127.0.0.1:1/triage"
    for arguments in (("nightly", records, "--as-of", AS_OF), *ASKED):
        in_one_sentence(triage(*arguments, "--db", url), "the store cannot be reached")
    assert triage("nightly", records, "--db", url)[2].endswith(ONE_SENTENCE_END)


def test_a_server_that_never_answers_is_given_up(
    triage: Triage, records: Path, store: OwnStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage.store.engines.BUSY_SECONDS", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://me:hush@127.0.0.1:{silent.getsockname()[1]}/triage"
        for arguments in (("nightly", records, "--as-of", AS_OF), ("queue", "list")):
            start = time.monotonic()
            in_one_sentence(triage(*arguments, "--db", url), "the store cannot be reached")
            assert time.monotonic() - start < 20


def test_a_database_or_a_user_that_is_not_there_is_named(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    whole = sa.make_url(store.url)
    for url, said in (
        (whole.set(database="nowhere"), 'database "nowhere" does not exist'),
        (whole.set(username="nobody", password="hush"), 'role "nobody" does not exist'),
    ):
        name = url.render_as_string(hide_password=False)
        for arguments in (("nightly", records, "--as-of", AS_OF), *ASKED):
            in_one_sentence(triage(*arguments, "--db", name), said)


@pytest.fixture
def guest(store: OwnStore) -> Iterator[tuple[str, str]]:
    """Somebody who may connect to the server and no more: their name, and their URL."""
    name = f"guest_{uuid.uuid4().hex}"
    schema = store.value("SELECT current_schema()")
    store.execute(f"CREATE ROLE {name} LOGIN", f"GRANT USAGE ON SCHEMA {schema} TO {name}")
    url = sa.make_url(store.url).set(username=name, password="hush")
    yield name, url.render_as_string(hide_password=False)
    store.execute(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_who_may_not_make_tables_is_told_so_and_nothing_is_made(
    triage: Triage, records: Path, store: OwnStore, guest: tuple[str, str]
) -> None:
    told = triage("nightly", records, "--as-of", AS_OF, "--db", guest[1])
    in_one_sentence(told, "permission denied for schema")
    assert told[2].endswith(ONE_SENTENCE_END)
    assert not store.tables()


def test_who_may_only_read_lists_the_queue_and_changes_nothing(
    triage: Triage, records: Path, store: OwnStore, guest: tuple[str, str]
) -> None:
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    name, url = guest
    in_one_sentence(triage("queue", "list", "--db", url), "permission denied for table")
    schema = store.value("SELECT current_schema()")
    store.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {name}")
    for arguments in (("queue", "list"), ("runs",), ("audit", "verify")):
        assert triage(*arguments, "--db", url)[0] == 0
    before = store.rows("case", "event", "run")
    for arguments in (
        ("queue", "show", "1"),
        ("queue", "claim-next", "--as", "w.worker"),
        ("nightly", records, "--as-of", AS_OF),
    ):
        told = triage(*arguments, "--db", url)
        in_one_sentence(told, "permission denied for table")
        assert told[2].endswith(ONE_SENTENCE_END)
    assert store.rows("case", "event", "run") == before


@pytest.mark.parametrize("into", ["flag", "event", "rule_text"])
def test_a_server_that_goes_away_in_the_middle_leaves_nothing(
    triage: Triage,
    records: Path,
    store: OwnStore,
    monkeypatch: pytest.MonkeyPatch,
    into: str,
) -> None:
    copy = bulk._copy

    def cut_off(connection: sa.Connection, table: sa.Table, *more: object) -> None:
        if table.name == into:
            number = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            store.query(f"SELECT pg_terminate_backend({number}, 5000)")
        copy(connection, table, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(bulk, "_copy", cut_off)
    told = triage("nightly", records, "--as-of", AS_OF)
    in_one_sentence(told, "the store cannot be reached")
    assert told[2].endswith(ONE_SENTENCE_END)
    assert not store.tables()
    monkeypatch.undo()
    with psycopg.connect(store.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_what_the_server_refuses_to_keep_is_told_and_leaves_nothing(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    before = store.rows("run", "event")
    store.execute("ALTER TABLE event ADD CONSTRAINT few CHECK (id < 3) NOT VALID")
    told = triage("nightly", records, "--as-of", AS_OF)
    in_one_sentence(told, "violates check constraint")
    assert "row" not in told[2].replace("new row for relation", ""), "it would tell of a child"
    assert told[2].endswith(ONE_SENTENCE_END)
    assert store.rows("run", "event") == before


def test_who_reads_can_write_nothing(triage: Triage, records: Path, store: OwnStore) -> None:
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    with (
        pytest.raises(Exception, match="read-only transaction"),
        reading(store.url) as connection,
    ):
        connection.exec_driver_sql("DELETE FROM flag")


def test_the_store_lies_in_the_schema_that_the_url_names(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    elsewhere = store.query(
        "SELECT schemaname FROM pg_tables WHERE tablename = 'rule_text' "
        "AND schemaname NOT LIKE 'store_%'"
    )
    assert elsewhere == []
    assert verify_trail(store.url).n_events > 0
