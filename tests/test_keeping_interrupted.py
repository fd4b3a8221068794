"""Backups beside people at work, and commands that are killed: whole, or not there at all."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from conftest import REPOSITORY, Triage
from kept_stores import everything, fill, started
from stores import OwnStore, in_a_file
from test_keeping_damaged_backups import is_whole

SAMPLE = REPOSITORY / "sample_data"
KILLS = 6
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


@pytest.fixture
def large(store: OwnStore, triage: Triage) -> OwnStore:
    """A store of some thousand rows, which take a while."""
    stored(triage, store.url)
    return store


def stored(triage: Triage, url: str) -> None:
    """Store a night of the invented council."""
    asked = ("--as-of", "2026-09-30", "--quiet", "--format", "json", "--db", url)
    assert triage("nightly", SAMPLE, *asked)[0] == 0


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


def killed(folder: Path, chance: random.Random, seconds: float, *arguments: str) -> bool:
    """Kill a command at some moment of its life; return whether it was in time."""
    process = started(*arguments, folder=folder)
    time.sleep(chance.uniform(0.3, 1.0) * seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    return process.returncode == -signal.SIGKILL


def took(folder: Path, *arguments: str) -> float:
    """Return how long a command takes."""
    began = time.monotonic()
    process = started(*arguments, folder=folder)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return time.monotonic() - began


def test_a_backup_that_is_killed_leaves_nothing(
    triage: Triage, large: OwnStore, workplace: Path
) -> None:
    seconds = took(workplace, "db", "backup", "first.backup")
    before = {one.name for one in workplace.iterdir()}
    chance = random.Random(20170714)
    n_killed = 0
    for number in range(8 * KILLS):
        if n_killed == KILLS:
            break
        name = f"{number}.backup"
        n_killed += killed(workplace, chance, seconds, "db", "backup", name)
        left = {one.name for one in workplace.iterdir()} - before
        assert left <= {name, *(f"triage.db{end}" for end in ("-wal", "-shm"))}
        if name in left:
            assert is_whole(workplace / name)
            (workplace / name).unlink()
    assert n_killed == KILLS
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
    triage: Triage, store: OwnStore, workplace: Path, act: str
) -> None:
    (workplace / "source").mkdir()
    with in_a_file(workplace / "source") as source:
        stored(triage, source.url)
        assert triage("db", "backup", "a.backup", "--db", source.url)[0] == 0
        kept = everything(source)["flag"]
        restore, move = ("restore", "a.backup"), ("move", source.url, store.url)
        arguments = ("db", *(restore if act == "restore" else move))
        seconds = took(workplace, *arguments)
        chance = random.Random(20170714)
        n_killed = 0
        for _ in range(8 * KILLS):
            if n_killed == KILLS:
                break
            emptied(store)
            n_killed += killed(workplace, chance, seconds, *arguments)
            if triage("db", "check")[0] == 0:
                assert everything(store)["flag"] == kept
            else:
                assert store.kind == "sqlite" or store.tables() == set()
        assert n_killed == KILLS
        # What a killed command left behind is no store, and nothing that is in the way of one.
        if triage("db", "check")[0] != 0:
            assert triage(*arguments)[0] == 0
        assert triage("db", "check")[0] == 0
        assert triage("db", "check", "--db", source.url)[0] == 0
