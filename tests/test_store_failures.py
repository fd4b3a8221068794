"""Runs that are killed, doubled, or meet a store that cannot be used."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import AS_OF, REPOSITORY, Triage

from triage.store import run_lock
from triage.store.tables import HEAD_REVISION

SAMPLE = str(REPOSITORY / "sample_data")
SAMPLE_AS_OF = "2026-09-30"
ONE_SENTENCE_END = "Nothing was stored.\n"


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "triage", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def nightly(folder: Path) -> subprocess.Popen[str]:
    return start(folder, "nightly", SAMPLE, "--as-of", SAMPLE_AS_OF, "--quiet")


def queue(folder: Path) -> str:
    listed = start(folder, "queue", "list", "--format", "json")
    out, err = listed.communicate(timeout=60)
    assert listed.returncode == 0, err
    return out


def counts(folder: Path) -> dict[str, int]:
    with sqlite3.connect(folder / "triage.db") as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {
            name: store.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for name in ("run", "case", "flag", "event", "rejection", "referral")
        }


def finish(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=60)
    return process.returncode


def test_killed_at_twenty_random_moments_the_store_holds_whole_runs_only(tmp_path: Path) -> None:
    calm, struck = tmp_path / "calm", tmp_path / "struck"
    calm.mkdir()
    struck.mkdir()
    started = time.monotonic()
    assert finish(nightly(calm)) == 0
    took = time.monotonic() - started
    whole = counts(calm)

    chance = random.Random(20170714)
    killed = 0
    for _ in range(60):
        process = nightly(struck)
        time.sleep(chance.uniform(0.4, 1.0) * took)
        process.send_signal(signal.SIGKILL)
        if finish(process) == -signal.SIGKILL:
            killed += 1
        else:
            took *= 0.9  # It got away: the first run was a slow one.
        if has_tables(struck):
            found = counts(struck)
            assert found["rejection"] == found["run"] * whole["rejection"]
            expected = whole if found["run"] else dict.fromkeys(whole, 0)
            for name in ("case", "flag", "event", "referral"):
                assert found[name] == expected[name]
        if killed == 20:
            break
    assert killed == 20

    assert finish(nightly(struck)) == 0
    assert queue(struck) == queue(calm)


def has_tables(folder: Path) -> bool:
    if not (folder / "triage.db").exists():
        return False
    with sqlite3.connect(folder / "triage.db") as store:
        return bool(store.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def test_a_second_run_at_the_same_time_is_told_so_at_once(workplace: Path) -> None:
    with run_lock("sqlite:///triage.db"):
        started = time.monotonic()
        second = nightly(workplace)
        _, err = second.communicate(timeout=60)
        assert time.monotonic() - started < 10
    assert second.returncode == 4
    assert "another run is using this store" in err
    assert not (workplace / "triage.db").exists()


def test_a_store_that_somebody_else_is_writing_to_is_busy(
    triage: Triage, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage.store.connection.BUSY_SECONDS", 0.2)
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    other = sqlite3.connect("triage.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    code, _, err = triage("nightly", records, "--as-of", AS_OF)
    other.execute("ROLLBACK")
    other.close()
    assert code == 4
    assert "busy" in err
    assert err.endswith(ONE_SENTENCE_END)


def test_a_file_that_is_no_database_is_refused_and_left_alone(
    triage: Triage, records: Path, workplace: Path
) -> None:
    (workplace / "triage.db").write_bytes(b"these are not the records you look for" * 100)
    before = (workplace / "triage.db").read_bytes()
    for arguments in (("nightly", records, "--as-of", AS_OF), ("queue", "list")):
        code, _, err = triage(*arguments)
        assert code == 4
        assert "damaged" in err
    assert (workplace / "triage.db").read_bytes() == before


def test_a_damaged_store_is_refused(triage: Triage, records: Path, workplace: Path) -> None:
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    path = workplace / "triage.db"
    path.write_bytes(path.read_bytes()[:5000] + b"\x00" * 3000)
    code, _, err = triage("nightly", records, "--as-of", AS_OF)
    assert code == 4
    assert err.endswith(ONE_SENTENCE_END)


def test_a_database_of_something_else_is_refused(
    triage: Triage, records: Path, workplace: Path
) -> None:
    with sqlite3.connect("triage.db") as other:
        other.execute("CREATE TABLE recipe (name TEXT)")
    other.close()
    before = (workplace / "triage.db").read_bytes()
    for arguments in (("nightly", records, "--as-of", AS_OF), ("queue", "list")):
        code, _, err = triage(*arguments)
        assert code == 4
        assert "database of something else" in err
    assert (workplace / "triage.db").read_bytes() == before


def test_a_file_that_could_not_be_written_is_told_before_anything_is_stored(
    triage: Triage, records: Path, workplace: Path
) -> None:
    for name in ("flags.odt", "nowhere/flags.csv", "."):
        assert triage("nightly", records, "--as-of", AS_OF, "--output", name)[0] == 2
    assert not (workplace / "triage.db").exists()


def test_a_store_of_a_newer_version_is_refused(triage: Triage, records: Path) -> None:
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    with sqlite3.connect("triage.db") as store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")
    assert HEAD_REVISION != "9999"
    for arguments in (("nightly", records, "--as-of", AS_OF), ("queue", "list")):
        code, _, err = triage(*arguments)
        assert code == 4
        assert "9999" in err


def test_a_folder_that_is_not_there_is_out_of_reach(triage: Triage, records: Path) -> None:
    code, _, err = triage("nightly", records, "--db", "sqlite:///nowhere/at/all/triage.db")
    assert code == 4
    assert err.endswith(ONE_SENTENCE_END)


def test_there_is_no_store_before_the_first_night(triage: Triage, workplace: Path) -> None:
    for arguments in (("queue", "list"), ("queue", "show", "1"), ("runs",), ("rejects",)):
        code, out, err = triage(*arguments)
        assert (code, out) == (4, "")
        assert "triage nightly" in err
    assert not list(workplace.iterdir())


@pytest.mark.parametrize("url", ["postgresql://here/triage", "triage.db", "sqlite://"])
def test_another_kind_of_store_is_refused_as_a_wrong_call(
    triage: Triage, records: Path, url: str
) -> None:
    code, _, err = triage("nightly", records, "--db", url)
    assert code == 2
    assert "sqlite:///triage.db" in err


def test_a_rule_that_fails_stops_the_run_and_nothing_is_stored(
    triage: Triage, records: Path, monkeypatch: pytest.MonkeyPatch, workplace: Path
) -> None:
    monkeypatch.setattr("triage.engine.durable_rules_engine.assert_facts", lambda *_: (2, 1))
    code, out, err = triage("nightly", records, "--as-of", AS_OF)
    assert (code, out) == (2, "")
    assert "could not be evaluated" in err
    assert not (workplace / "triage.db").exists()
