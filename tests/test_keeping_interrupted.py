"""Backups beside people at work, and commands that are killed: whole, or not there at all."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY, Triage
from kept_stores import events, everything, fill
from killed import Killed
from stores import OwnStore, in_a_file
from test_keeping_damaged_backups import is_whole

SOME, LAST = 5, 4
WORKER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from work_helpers import asker
from triage import store
url, n_done = sys.argv[2], 0
print("begun", flush=True)
while not os.path.exists(sys.argv[3]):
    store.add_note(url, asker(), 3, f"note {n_done}")
    store.boost(url, asker("m.manager"), 4, f"because of {n_done}")
    n_done += 1
print(n_done)
"""


@pytest.fixture
def filled(store: OwnStore, workplace: Path) -> OwnStore:
    """A store with something of everything."""
    fill(store, workplace / "records")
    return store


def test_a_backup_beside_people_at_work_is_of_one_moment(
    triage: Triage, filled: OwnStore, workplace: Path
) -> None:
    n_before = filled.value("SELECT COUNT(*) FROM event WHERE kind = 'note added'")
    stop = workplace / "stop"
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, REPOSITORY / "tests", filled.url, stop],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert worker.stdout is not None
    assert worker.stdout.readline() == "begun\n"
    heads = []
    for number in range(4):
        name = f"{number}.backup"
        code, _, err = triage("db", "backup", name)
        assert (code, err) == (0, "")
        with zipfile.ZipFile(name) as held:
            manifest = json.loads(held.read("manifest.json"))
        heads.append(manifest["trail"]["event"])
        there = OwnStore("sqlite", f"sqlite:///there{number}.db")
        assert triage("db", "restore", name, "--db", there.url)[0] == 0
        assert triage("db", "check", "--db", there.url)[0] == 0
        counts = {
            name: there.value(f'SELECT COUNT(*) FROM "{name}"') for name in manifest["tables"]
        }
        counts["event"] -= 1
        assert counts == {name: told["rows"] for name, told in manifest["tables"].items()}
        added = there.value("SELECT COUNT(*) FROM event WHERE kind = 'note added'")
        forward = there.value("SELECT COUNT(*) FROM event WHERE kind = 'case boosted'")
        assert added - n_before in (forward - 1, forward)
    stop.touch()
    out, err = worker.communicate(timeout=60)
    assert (worker.returncode, err) == (0, "")
    assert heads == sorted(set(heads))
    n_done = int(out)
    assert n_done > 0
    n_after = filled.value("SELECT COUNT(*) FROM event WHERE kind = 'note added'")
    assert n_after - n_before == n_done
    assert triage("db", "check")[0] == 0


@pytest.fixture
def killing(workplace: Path) -> Iterator[Killed]:
    """A process that runs commands in the work folder, and kills them."""
    process = Killed(workplace)
    yield process
    process.close()


def moments(n_calls: int) -> list[int]:
    """Return calls at which a command is killed: some at random, and the last ones."""
    chosen = random.Random(20170714).sample(range(1, n_calls - LAST), SOME)
    return [*sorted(chosen), *range(n_calls - LAST + 1, n_calls + 1)]


def test_a_backup_that_is_killed_leaves_nothing(
    triage: Triage, filled: OwnStore, workplace: Path, killing: Killed
) -> None:
    n_calls = killing.calls("db", "backup", "first.backup")
    before = {one.name for one in workplace.iterdir()}
    log = {f"triage.db{end}" for end in ("-wal", "-shm")}
    n_left = 0
    for moment in moments(n_calls):
        assert killing.at(moment, "db", "backup", "a.backup")
        left = {one.name for one in workplace.iterdir()} - before - log
        assert left <= {"a.backup"}
        if left:
            assert is_whole(workplace / "a.backup")
            (workplace / "a.backup").unlink()
            n_left += 1
    # Named before its event is settled, so that no event tells of a file that never was.
    assert n_left < LAST
    n_told = events(filled).count("store backed up")
    assert n_told in (n_left, n_left + 1)
    assert triage("db", "check")[0] == 0


def emptied(own: OwnStore) -> None:
    """Make a place as it was before anything was stored there."""
    if own.kind == "sqlite":
        file = Path(own.url.removeprefix("sqlite:///"))
        for path in file.parent.glob(f"{file.name}*"):
            path.unlink()
        return
    tables = ", ".join(f'"{name}"' for name in own.tables())
    if tables:
        own.execute(f"DROP TABLE {tables} CASCADE", "DROP FUNCTION event_only_added CASCADE")


@pytest.mark.parametrize("act", ["restore", "move"])
def test_a_store_is_there_whole_or_not_at_all_whenever_the_command_is_killed(
    triage: Triage, store: OwnStore, workplace: Path, killing: Killed, act: str
) -> None:
    (workplace / "source").mkdir()
    with in_a_file(workplace / "source") as source:
        fill(source, workplace / "records")
        kept = everything(source)["flag"]
        assert triage("db", "backup", "a.backup", "--db", source.url)[0] == 0
        restore, move = ("restore", "a.backup"), ("move", source.url, store.url)
        arguments = ("db", *(restore if act == "restore" else move))
        chosen = moments(killing.calls(*arguments))
        last = chosen[SOME - 1]
        for moment in (*chosen[SOME:], *chosen[:SOME]):
            emptied(store)
            assert killing.at(moment, *arguments)
            if store.tables():
                assert events(store)[-1] in ("store restored", "store moved")
                assert everything(store)["flag"] == kept
            elif moment == last:
                # What is left there is no store, and nothing that is in the way of one.
                assert triage(*arguments)[0] == 0
        assert triage("db", "check")[0] == 0
        assert triage("db", "check", "--db", source.url)[0] == 0
