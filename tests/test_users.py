"""Accounts for the pages from the command line: who gets one, and which password is taken."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Triage
from stores import ON_SQLITE, OwnStore
from web_helpers import Browser, site_of
from work_helpers import asker, night, rows

from triage import store as door

GOOD, OTHER = "a quiet long afternoon", "another long morning"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Standard input where nobody is at the keyboard."""
    given = io.StringIO()
    monkeypatch.setattr("sys.stdin", given)
    return given


def given(typed: io.StringIO, text: str) -> None:
    typed.seek(0)
    typed.truncate()
    typed.write(text)
    typed.seek(0)


def test_the_first_of_all_adds_themselves_and_the_others_after_that(
    triage: Triage, store: OwnStore, workplace: Path, typed: io.StringIO
) -> None:
    night(store, workplace, rows(1))
    at = ("--db", store.url)
    given(typed, f"{GOOD}\n")
    assert triage("users", "add", "a.admin", *at) == (
        0, "a.admin is registered as administrator, for all teams, and can sign in.\n", "",
    )  # fmt: skip
    given(typed, f"{OTHER}\r\n")
    code, out, _ = triage(
        "users", "add", "r.reviewer", "--role", "reviewer", "--team", "North", "--as", "a.admin",
        *at,
    )  # fmt: skip
    assert (code, out) == (0, "r.reviewer is registered as reviewer, for North, and can sign in.\n")
    people = {one.name: (one.role, one.teams) for one in door.people(store.url)}
    assert people == {"a.admin": ("administrator", ()), "r.reviewer": ("reviewer", ("North",))}
    assert GOOD not in repr(store.query("SELECT * FROM account"))
    site = site_of(store)
    assert Browser(site).sign_in("a.admin", GOOD).headers["location"] == "/"
    browser = Browser(site)
    to_change = browser.follow(browser.sign_in("r.reviewer", OTHER))
    assert to_change.headers["location"] == "/account/password"


def test_a_new_password_of_somebody_registered_leaves_role_and_teams_as_they_are(
    triage: Triage, store: OwnStore, workplace: Path, typed: io.StringIO
) -> None:
    night(store, workplace, rows(1))
    at = ("--db", store.url)
    for command in (
        ("people", "add", "a.admin", "--role", "administrator", "--as", "a.admin"),
        ("people", "add", "m.manager", "--role", "team manager", "--team", "N", "--as", "a.admin"),
    ):
        assert triage(*command, *at)[0] == 0
    given(typed, GOOD)
    code, out, _ = triage("users", "add", "m.manager", "--as", "a.admin", *at)
    assert (code, out) == (0, "m.manager is registered as team manager, for N, and can sign in.\n")
    found = {one.name: one for one in door.people(store.url)}["m.manager"]
    assert (found.role, found.teams) == ("team manager", ("N",))
    given(typed, GOOD)
    assert triage("users", "add", "m.manager", "--role", "auditor", "--as", "a.admin", *at)[0] == 0
    found = {one.name: one for one in door.people(store.url)}["m.manager"]
    assert (found.role, found.teams) == ("auditor", ("N",))


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "a password is of 12 to 200 characters"),
        ("short", "a password is of 12 to 200 characters"),
        ("x" * 201, "a password is of 12 to 200 characters"),
        ("aaaaaaaaaaaaaaaaaaaa", "this password is easily guessed"),
        ("A.ADMIN is my name", "this password is easily guessed"),
    ],
)
@ON_SQLITE
def test_a_weak_password_is_refused_and_nobody_is_registered(
    triage: Triage, store: OwnStore, workplace: Path, typed: io.StringIO, password: str, said: str
) -> None:
    night(store, workplace, rows(1))
    given(typed, f"{password}\n")
    code, out, err = triage("users", "add", "a.admin", "--db", store.url)
    assert (code, out) == (2, "")
    assert said in err
    assert not password or password not in err
    assert door.people(store.url) == []


@ON_SQLITE
def test_who_may_not_add_anybody_is_told_so(
    triage: Triage, store: OwnStore, workplace: Path, typed: io.StringIO
) -> None:
    night(store, workplace, rows(1))
    for name, role in (("a.admin", "administrator"), ("r.reviewer", "reviewer")):
        door.register(store.url, asker("a.admin"), name, role, [])
    asked = (
        (("n.new", "--role", "reviewer", "--as", "r.reviewer"), "may not manage people"),
        (("n.new", "--role", "reviewer"), "nobody of that name is registered"),
        (("n.new", "--as", "a.admin"), "is not registered: say as what, with --role ROLE"),
        (("n.new", "--role", "boss", "--as", "a.admin"), "'boss' is no role"),
        (("system:x", "--role", "reviewer", "--as", "a.admin"), "is no name of a person"),
        (("r.reviewer", "--as", "r.reviewer", "--role", "auditor"), "may not manage people"),
    )
    for arguments, said in asked:
        given(typed, GOOD)
        code, out, err = triage("users", "add", *arguments, "--db", store.url)
        assert (code, out) == (2, ""), arguments
        assert said in err
    assert {one.name for one in door.people(store.url)} == {"a.admin", "r.reviewer"}
    code, _, err = triage("users", "add", "n.new", "--db", f"sqlite:///{workplace / 'none.db'}")
    assert code == 2, err


@ON_SQLITE
def test_without_a_store_nobody_is_added(
    triage: Triage, workplace: Path, store: OwnStore, typed: io.StringIO
) -> None:
    given(typed, GOOD)
    code, out, err = triage("users", "add", "a.admin", "--db", store.url)
    assert (code, out) == (4, "")
    assert "there is no store yet" in err


@ON_SQLITE
def test_at_the_keyboard_it_is_typed_twice_and_not_shown(store: OwnStore, workplace: Path) -> None:
    night(store, workplace, rows(1))

    def told(*lines: str) -> str:
        keyboard, screen = pty.openpty()
        command = [sys.executable, "-m", "triage", "users", "add", "a.admin", "--db", store.url]
        root = str(Path(__file__).parents[1])
        process = subprocess.Popen(
            command, stdin=screen, stdout=screen, stderr=screen, cwd=workplace,
            start_new_session=True, env=os.environ | {"PYTHONPATH": root, "TERM": "dumb"},
        )  # fmt: skip
        os.close(screen)
        shown = b""
        for line in lines:
            n_before = shown.count(b": ")
            while shown.count(b": ") <= n_before:
                shown += os.read(keyboard, 1024)
            time.sleep(0.2)
            os.write(keyboard, f"{line}\n".encode())
        while process.poll() is None:
            try:
                shown += os.read(keyboard, 1024)
            except OSError:
                break
        process.wait(30)
        os.close(keyboard)
        return shown.decode()

    shown = told(GOOD, "something else", OTHER, OTHER)
    assert "do not match" in shown
    assert "a.admin is registered as administrator" in shown
    assert not [one for one in (GOOD, "something else", OTHER) if one in shown]
    assert Browser(site_of(store)).sign_in("a.admin", OTHER).status_code == 303
