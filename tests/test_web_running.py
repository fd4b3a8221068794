"""Running the pages: what is refused at the start, the log, a quiet end, connections kept."""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx2
import psycopg
import pytest
from conftest import Triage
from served import free_port, served
from stores import ON_POSTGRESQL, ON_SQLITE, OwnStore, in_a_file
from web_helpers import PASSWORD, add_people, told
from work_helpers import asker, night, rows

from triage import store as door
from triage.errors import StoreError
from triage.store.connection import acting, reading

TYPED = "CHILD-4711"


def refused(triage: Triage, *arguments: str) -> tuple[int, str]:
    code, out, err = triage("serve", *arguments)
    assert out == ""
    (line,) = err.splitlines()
    return code, line


def staffed(own: OwnStore, folder: Path) -> None:
    night(own, folder, rows(1))
    add_people(own)


def test_what_would_not_work_is_said_in_one_sentence_and_nothing_is_served(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    code, said = refused(triage, "--db", f"sqlite:///{workplace / 'none.db'}")
    assert (code, "there is no store yet" in said) == (4, True)
    night(store, workplace, rows(1))
    at = ("--db", store.url)
    code, said = refused(triage, *at)
    assert (code, "`triage users add NAME`" in said) == (2, True)
    add_people(store)
    code, said = refused(triage, *at, "--host", "0.0.0.0")
    assert (code, "passwords in the clear" in said) == (2, True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = refused(triage, *at, "--port", str(port))
    assert code == 2
    assert said.startswith(f"triage: --port {port}: cannot be had at 127.0.0.1 (address already")
    store.execute("UPDATE alembic_version SET version_num = '0001'")
    code, said = refused(triage, *at)
    assert (code, "`triage db upgrade`" in said) == (4, True)


@pytest.mark.parametrize(
    ("web", "host", "said"),
    [
        ('address = "https://x.example"', "256.0.0.1", "is no address of this machine"),
        ('address = "https://x.example"', "192.0.2.1", "cannot be had at 192.0.2.1"),
        ('[web.oidc]\nissuer = "https://login.example"', "127.0.0.1", "TRIAGE_OIDC_SECRET is miss"),
        ("local = false", "127.0.0.1", "nobody could sign in: local is false"),
    ],
)  # fmt: skip
@ON_SQLITE
def test_settings_that_would_not_work_are_named(
    triage: Triage, store: OwnStore, workplace: Path, web: str, host: str, said: str
) -> None:
    staffed(store, workplace)
    Path("triage.toml").write_text(f"[web]\n{web}\n", "utf-8")
    code, line = refused(triage, "--db", store.url, "--host", host, "--port", str(free_port()))
    assert (code, said in line) == (2, True), line


def test_without_its_packages_the_command_says_what_to_install(
    triage: Triage, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "triage.web.serving", raising=False)
    monkeypatch.delattr("triage.web.serving", raising=False)
    for arguments in (("serve",), ("demo", "--serve")):
        code, out, err = triage(*arguments)
        assert (code, out) == (2, "")
        assert "pip install 'rereferral-triage[web]'" in err
    assert not (workplace / "triage-demo").exists()


# In a process of its own.


def test_a_server_says_where_it_is_logs_each_request_and_stops_when_told_to(
    store: OwnStore, workplace: Path
) -> None:
    staffed(store, workplace)
    for by in (signal.SIGTERM, signal.SIGINT):
        with served(workplace, "serve", "--db", store.url) as server:
            answer = httpx2.get(f"{server.at}/sign-in?x={TYPED}")
            assert answer.status_code == 200
            assert "server" not in answer.headers
            assert server.stop(by) == 0
            err = server.err.read_text("utf-8")
            assert f"Serving the pages at {server.at}; Ctrl-C stops it." in err
            lines = server.log()
            assert all({"at", "level"} <= set(line) for line in lines)
            assert lines[0]["serving"] == server.at
            assert lines[-1]["stopped"] is True
            assert "/sign-in" in {line.get("route") for line in lines}
            assert answer.headers["x-request-id"] in {line.get("request") for line in lines}
            assert TYPED not in err
            assert "Traceback" not in err


@ON_SQLITE
def test_what_was_begun_is_ended_before_the_server_stops(store: OwnStore, workplace: Path) -> None:
    staffed(store, workplace)
    found: list[httpx2.Response] = []
    with served(workplace, "serve", "--db", store.url) as server:
        with httpx2.Client(base_url=server.at, timeout=60) as client:
            word = re.search(r'name="csrf" value="(\w+)"', client.get("/sign-in").text)
            assert word is not None
            form = {"csrf": word[1], "name": "r.reviewer", "password": PASSWORD}
            other = sqlite3.connect(store.url.removeprefix("sqlite:///"), isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            slow = threading.Thread(target=lambda: found.append(client.post("/sign-in", data=form)))
            slow.start()
            time.sleep(1)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(1)
            assert server.process.poll() is None
            with pytest.raises(httpx2.ConnectError):
                httpx2.get(server.at)
            other.execute("ROLLBACK")
            other.close()
            slow.join(60)
        assert server.process.wait(60) == 0
    assert found[0].status_code == 303


@ON_SQLITE
def test_several_processes_serve_one_store_and_add_up_their_figures(
    store: OwnStore, workplace: Path
) -> None:
    staffed(store, workplace)
    with served(workplace, "serve", "--db", store.url, "--workers", "2") as server:
        until = time.monotonic() + 60
        while "triage_requests_total" not in (text := httpx2.get(f"{server.at}/metrics").text):
            assert time.monotonic() < until
        for _ in range(20):
            assert httpx2.get(f"{server.at}/sign-in").status_code == 200
        text = httpx2.get(f"{server.at}/metrics").text
        assert 'triage_requests_total{method="GET",route="/sign-in",status="2xx"} 20.0' in text
        assert server.stop() == 0
        assert server.log()[0]["workers"] == 2


@ON_POSTGRESQL
def test_a_connection_that_broke_is_made_anew_without_anybody_noticing(
    store: OwnStore, workplace: Path
) -> None:
    staffed(store, workplace)
    ended = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database() "
        "AND application_name = 'kept'"
    )
    door.keep_connections(5)
    url = f"{store.url}&application_name=kept"
    try:
        for _ in range(3):
            assert len(door.people(url)) == 8
            door.begin_session(url, asker("r.reviewer"), f"token {time.monotonic()}", "local")
            with psycopg.connect(store.url, autocommit=True) as other:
                ((n,),) = other.execute(ended).fetchall()
            assert n == 2
    finally:
        door.keep_connections(0)
    with psycopg.connect(store.url, autocommit=True) as other:
        assert other.execute(ended).fetchall() == [(0,)]


def test_what_is_kept_open_is_as_what_is_opened_each_time(store: OwnStore, workplace: Path) -> None:
    staffed(store, workplace)
    door.keep_connections(2)
    try:
        for number in range(4):
            with suppress(RuntimeError), acting(store.url) as connection:
                connection.exec_driver_sql("DELETE FROM account")
                raise RuntimeError
            assert len(door.accounts(store.url, asker("a.admin"))) == 8
            door.register(store.url, asker("a.admin"), f"n.new{number}", "reviewer", [])
            assert len(door.people(store.url)) == 9 + number
        if store.kind == "sqlite":
            with suppress(StoreError), acting(store.url) as connection:
                connection.exec_driver_sql("DELETE FROM person")
        else:
            with suppress(StoreError), reading(store.url) as connection:
                connection.exec_driver_sql("DELETE FROM account")
        assert len(door.accounts(store.url, asker("a.admin"))) == 8
        assert len(door.people(store.url)) == 12
    finally:
        door.keep_connections(0)


@ON_SQLITE
def test_a_store_that_was_put_in_anothers_place_is_read_from_then_on(
    store: OwnStore, workplace: Path
) -> None:
    staffed(store, workplace)
    door.keep_connections(2)
    try:
        assert len(door.people(store.url)) == 8
        (workplace / "other").mkdir()
        with in_a_file(workplace / "other") as other:
            night(other, workplace / "other", rows(1))
            Path(other.url.removeprefix("sqlite:///")).replace(store.url.removeprefix("sqlite:///"))
        for ending in ("-wal", "-shm"):
            Path(store.url.removeprefix("sqlite:///") + ending).unlink(missing_ok=True)
        assert door.people(store.url) == []
    finally:
        door.keep_connections(0)


@ON_SQLITE
def test_the_demonstration_is_served_to_this_machine_with_an_account_of_each_role(
    store: OwnStore, workplace: Path
) -> None:
    with served(workplace, "demo", "--serve", "--quiet") as server:
        out = server.out.read_text("utf-8")
        word = re.search(r"with the password (\S+) \(invented for this demonstration", out)
        assert word is not None
        assert f"The pages are at {server.at} for this machine alone" in out
        for name, role in (("r.reviewer", "reviewer"), ("a.admin", "administrator")):
            assert re.search(rf"{name} +{role}", out)
            with httpx2.Client(base_url=server.at, follow_redirects=True) as client:
                shown = client.get("/sign-in")
                csrf = re.search(r'name="csrf" value="(\w+)"', shown.text)
                assert csrf is not None
                form = {"csrf": csrf[1], "name": name, "password": word[1]}
                for answer in (shown, client.post("/sign-in", data=form)):
                    assert "all of these records are invented" in told(answer)
                assert f"{name}, {role}" in told(answer)
        assert server.stop(signal.SIGINT) == 0
