"""A store that is asked in another thread while a night is reckoned."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import Triage
from stores import OwnStore

from triage.store import behind as behind_door
from triage.store import bulk
from triage.store.behind import behind
from triage.store.connection import writing
from triage.store.tables import note, rule_text


def rule_named(connection: sa.Connection, name: str) -> None:
    bulk.add(connection, rule_text, {"hash": [name], "rule_id": ["X-01"], "text": [name]})


def names(connection: sa.Connection) -> list[str]:
    query = sa.select(rule_text.c.hash).where(rule_text.c.rule_id == "X-01")
    return list(connection.scalars(query.order_by(rule_text.c.hash)))


class TroubleError(Exception):
    """What goes wrong in a test."""


def fail(_connection: sa.Connection, said: str = "first") -> None:
    raise TroubleError(said)


def test_what_is_asked_is_done_in_order_and_before_the_connection_is_lent(stored: OwnStore) -> None:
    n = 3 * behind_door._MOST
    with writing(stored.url) as connection, behind(connection, is_read_apart=True) as later:
        for number in range(n):
            later.write(rule_named, f"{number:03}")
        found = later.read(names)
        later.write(rule_named, "last")
        assert len(found.result()) == n
        assert names(later.connection) == [*(f"{number:03}" for number in range(n)), "last"]
    assert stored.value("SELECT count(*) FROM rule_text WHERE rule_id = 'X-01'") == n + 1


@pytest.mark.parametrize("is_read_apart", [False, True])
def test_a_server_is_asked_in_another_thread_and_sqlite_to_be_read_by_another_process(
    stored: OwnStore, is_read_apart: bool
) -> None:
    asked: list[int] = []
    with (
        writing(stored.url) as connection,
        behind(connection, is_read_apart=is_read_apart) as later,
    ):
        later.read(lambda _: asked.append(threading.get_ident())).result()
        later.write(lambda _: asked.append(threading.get_ident()))
        _ = later.connection
    is_server = stored.kind == "postgresql"
    is_elsewhere = [one != threading.get_ident() for one in asked]
    assert is_elsewhere == [is_server or is_read_apart, is_server]


def test_what_fails_is_raised_and_nothing_is_done_after_it(stored: OwnStore) -> None:
    done: list[str] = []

    def waits(_connection: sa.Connection) -> None:
        begun.wait()
        fail(_connection)

    begun = threading.Event()
    with (  # noqa: PT012
        pytest.raises(TroubleError, match="first"),
        writing(stored.url) as connection,
        behind(connection, is_read_apart=True) as later,
    ):
        later.write(rule_named, "before")
        found = later.read(waits)
        after = later.read(lambda _: done.append("after"))
        begun.set()
        for one in (after, found):
            with pytest.raises(TroubleError, match="first"):
                one.result()
    assert not done
    assert stored.value("SELECT count(*) FROM rule_text WHERE rule_id = 'X-01'") == 0


def test_what_nobody_waited_for_fails_the_whole(stored: OwnStore) -> None:
    with (  # noqa: PT012
        pytest.raises(TroubleError, match="last"),
        writing(stored.url) as connection,
        behind(connection, is_read_apart=True) as later,
    ):
        later.write(rule_named, "before")
        later.write(fail, "last")
    assert stored.value("SELECT count(*) FROM rule_text WHERE rule_id = 'X-01'") == 0


def test_who_asks_for_much_waits_and_is_told_what_failed(stored: OwnStore) -> None:
    n_done: list[int] = []
    with (  # noqa: PT012
        pytest.raises(TroubleError),
        writing(stored.url) as connection,
        behind(connection, is_read_apart=True) as later,
    ):
        for number in range(10 * behind_door._MOST):
            later.write(fail if number == 1 else lambda _: n_done.append(1))
    assert len(n_done) == 1


def test_what_goes_wrong_here_waits_for_what_has_begun_and_drops_the_rest(
    stored: OwnStore,
) -> None:
    begun, let_go = threading.Event(), threading.Event()
    done: list[str] = []

    def slow(_connection: sa.Connection) -> None:
        begun.set()
        let_go.wait()
        done.append("slow")

    with (
        suppress(TroubleError),
        writing(stored.url) as connection,
        behind(connection, is_read_apart=True) as later,
    ):
        later.read(slow)
        later.read(lambda _: done.append("dropped"))
        begun.wait()
        threading.Timer(0.05, let_go.set).start()
        raise TroubleError
    assert done == ["slow"]


def test_a_night_that_fails_while_it_is_written_leaves_nothing(
    triage: Triage, stored: OwnStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored.rows("run", "case", "flag", "event", "known", "referral")
    own = bulk.add

    def breaks(connection: sa.Connection, table: sa.Table, *rest: Any) -> None:
        own(connection, table, *rest)
        if table.name == "rejection":
            broken = {"case_id": [None], "at": [""], "by": [""], "text": [""]}
            own(connection, note, broken)

    monkeypatch.setattr(bulk, "add", breaks)
    code, out, err = triage("nightly", "records.csv", "--as-of", "2023-07-03", "--quiet")
    assert (code, out) == (4, "")
    assert "the store cannot be used" in err
    assert err.count("\n") == 1
    assert stored.rows("run", "case", "flag", "event", "known", "referral") == before
