"""Runs that are killed, doubled, or meet a store that cannot be used."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import AS_OF, REPOSITORY, Triage, mend
from contained import Contained
from stores import OwnStore
from work_helpers import asker

from triage.store import Wanted, cases, claim_next, one_moment, run_lock, verify_trail
from triage.store.connection import acting, reading, writing
from triage.store.tables import HEAD_REVISION

ONE_SENTENCE_END = "Nothing was stored.\n"
QUEUE_TABLES = ("case", "flag", "referral", "rule_text", "ruleset_rule", "rejection")
KILLED = -9
ASKED = (
    ("queue", "list"), ("queue", "show", "1"), ("runs",), ("rejects",), ("due",),
    ("queue", "claim-next", "--as", "w.worker"), ("audit", "verify"), ("audit", "log"),
)  # fmt: skip


@pytest.fixture
def few_rules(workplace: Path) -> Path:
    """A folder of two rules, which are read in no time."""
    (workplace / "rules").mkdir()
    for rule in ("DEC-01", "DEC-02"):
        shutil.copy(next((REPOSITORY / "rules").glob(f"{rule}-*.yaml")), workplace / "rules")
    return workplace / "rules"


def killed_runs(
    contained: Contained, store: OwnStore, call: Sequence[str | Path], stride: int
) -> Iterator[dict[str, list[Any]]]:
    """Run again and again, killed a little later each time; yield what each run left.

    The last of them ran to its end.
    """
    step, code = 1, KILLED
    while code == KILLED:
        outcome = contained.run(*call, "--db", store.url, folder=Path.cwd(), killed_at=step)
        code = outcome.code
        assert code in (0, KILLED), outcome.err
        store.settle()
        store.check()
        tables = store.tables()
        yield store.rows(*QUEUE_TABLES, "run", "event") if tables else {}
        step += stride


def test_a_first_run_that_is_killed_leaves_nothing_or_all_of_itself(
    contained: Contained, store: OwnStore, records: Path, few_rules: Path
) -> None:
    call = ("nightly", records, "--as-of", AS_OF, "--quiet", "--rules", few_rules)
    found = []
    for left in killed_runs(contained, store, call, 9):
        found.append(left)
        if left:
            break
    *killed, whole = found
    assert len(killed) > 8
    assert killed == [{}] * len(killed)
    assert len(whole["run"]) == 1
    assert verify_trail(store.url).damage == ""


def test_a_later_run_that_is_killed_leaves_the_night_before_or_all_of_itself(
    contained: Contained, store: OwnStore, records: Path, few_rules: Path, triage: Triage
) -> None:
    call = ("nightly", records, "--as-of", AS_OF, "--quiet", "--rules", few_rules)
    assert triage(*call)[0] == 0
    before = store.rows(*QUEUE_TABLES, "run", "event")
    mend(records, "A,2023-05-10,R2,false,,,2023-05-15", "A,2023-05-10,R2,false,,,2023-05-11")
    mend(records, "C,2023-06-20,R4,false,,,2023-06-26", "C,2023-06-20,R5,false,,,2023-06-26")
    n_before = 0
    for left in killed_runs(contained, store, call, 3):
        if left == before:
            n_before += 1
            continue
        stored = [row["run_id"] for row in left["event"] if row["kind"] == "run stored"]
        assert sorted(stored) == sorted(row["id"] for row in left["run"])
        assert len(stored) == 2
        assert [row for row in left["flag"] if row["cleared_run_id"] == max(stored)]
        break
    assert n_before > 5
    assert verify_trail(store.url).damage == ""


def test_a_second_run_at_the_same_time_is_told_so_at_once(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    with run_lock(store.url):
        code, out, err = triage("nightly", records, "--as-of", AS_OF)
    assert (code, out) == (4, "")
    assert "another run is using this store" in err
    assert err.endswith(ONE_SENTENCE_END)
    assert not store.tables()
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0


def test_runs_that_are_started_together_are_stored_whole_or_refused(
    records: Path, store: OwnStore
) -> None:
    call = [sys.executable, "-m", "triage", "nightly", str(records), "--as-of", AS_OF, "--quiet"]
    runs = [subprocess.Popen(call, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    told = [run.communicate(timeout=60)[1] for run in runs]
    codes = [run.returncode for run in runs]
    assert set(codes) <= {0, 4}, told
    assert codes.count(0) == store.value("SELECT count(*) FROM run") > 0
    assert all("another run is using this store" in err for err in told if err)
    assert store.value("SELECT count(*) FROM event WHERE kind = 'case opened'") == store.value(
        'SELECT count(*) FROM "case"'
    )
    assert verify_trail(store.url).damage == ""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a store that is busy."""
    monkeypatch.setattr("triage.store.engines.BUSY_SECONDS", 0.2)
    monkeypatch.setattr("triage.store.connection.ACT_SECONDS", 0.2)


@pytest.mark.usefixtures("impatient")
def test_a_store_that_somebody_else_is_writing_to_is_busy_and_can_be_read(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    with writing(store.url):
        for arguments in (
            ("nightly", records, "--as-of", AS_OF),
            ("queue", "claim-next", "--as", "w.worker"),
            ("queue", "show", "1"),
        ):
            code, out, err = triage(*arguments)
            assert (code, out) == (4, "")
            assert "busy" in err
            assert err.endswith(ONE_SENTENCE_END)
        assert triage("queue", "list")[0] == 0
        assert triage("audit", "verify")[0] == 0
    assert triage("queue", "claim-next", "--as", "w.worker")[0] == 0


def test_what_a_person_does_waits_until_the_run_is_stored(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    began, done = threading.Event(), []

    def act() -> None:
        began.set()
        with acting(store.url):
            done.append("act")

    waits = threading.Thread(target=act)
    with writing(store.url):
        waits.start()
        began.wait()
        done.append("run")
    waits.join()
    assert done == ["run", "act"]


def test_who_reads_sees_one_moment_though_somebody_writes(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    night = ("nightly", records, "--as-of", AS_OF, "--quiet")
    assert triage(*night)[0] == 0
    count = "SELECT count(*) FROM event"
    with reading(store.url) as connection:
        before = connection.exec_driver_sql(count).scalar()
        assert triage(*night)[0] == 0
        assert connection.exec_driver_sql(count).scalar() == before
    assert store.value(count) == before + 1


def test_all_that_is_read_together_is_of_one_moment(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    assert triage("nightly", records, "--as-of", AS_OF, "--quiet")[0] == 0
    who = asker("w.worker")
    with one_moment(store.url):
        n_before = cases(store.url, who, Wanted()).n
        claimed = claim_next(store.url, who, Wanted())
        assert claimed is not None
        assert n_before == len(cases(store.url, who, Wanted()).cases)
        assert not cases(store.url, who, Wanted(held_by="w.worker")).cases
    assert [one.id for one in cases(store.url, who, Wanted(held_by="w.worker")).cases] == [
        claimed.id
    ]


def test_a_database_of_something_else_is_refused_and_left_alone(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    store.execute("CREATE TABLE recipe (name TEXT)", "INSERT INTO recipe VALUES ('soup')")
    for arguments in (("nightly", records, "--as-of", AS_OF), *ASKED):
        code, out, err = triage(*arguments)
        assert (code, out) == (4, "")
        assert "database of something else" in err
    assert store.tables() == {"recipe"}
    assert store.query("SELECT * FROM recipe") == [("soup",)]


@pytest.mark.parametrize(("revision", "told"), [("9999", "newer version"), ("0000", "upgrade")])
def test_a_store_of_another_version_is_refused(
    triage: Triage, records: Path, store: OwnStore, revision: str, told: str
) -> None:
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    store.execute(f"UPDATE alembic_version SET version_num = '{revision}'")
    assert revision != HEAD_REVISION
    for arguments in ASKED:
        code, out, err = triage(*arguments)
        assert (code, out) == (4, "")
        assert revision in err
        assert told in err
    code, _, err = triage("nightly", records, "--as-of", AS_OF)
    assert (code, revision in err) == (4, True)
    assert err.endswith(ONE_SENTENCE_END)


def test_there_is_no_store_before_the_first_night(
    triage: Triage, workplace: Path, store: OwnStore
) -> None:
    for arguments in ASKED:
        code, out, err = triage(*arguments)
        assert (code, out) == (4, "")
        assert "triage nightly" in err
    assert not store.tables()
    assert [path for path in workplace.iterdir() if path.stat().st_size] == []


@pytest.mark.parametrize(
    "url",
    ["mysql://here/triage", "triage.db", "sqlite://", "sqlite:///a.db?mode=ro", "postgresql://h"],
)
def test_another_kind_of_store_is_refused_as_a_wrong_call(
    triage: Triage, records: Path, url: str
) -> None:
    for arguments in (("nightly", records), ("queue", "list")):
        code, out, err = triage(*arguments, "--db", url)
        assert (code, out) == (2, "")
        assert "sqlite:///triage.db" in err or "postgresql://SERVER/DATABASE" in err


def test_a_rule_that_fails_stops_the_run_and_nothing_is_stored(
    triage: Triage, records: Path, monkeypatch: pytest.MonkeyPatch, store: OwnStore
) -> None:
    monkeypatch.setattr("triage.engine.durable_rules_engine.assert_facts", lambda *_: (2, 1))
    code, out, err = triage("nightly", records, "--as-of", AS_OF)
    assert (code, out) == (2, "")
    assert "could not be evaluated" in err
    assert not store.tables()


def test_a_file_that_could_not_be_written_is_told_before_anything_is_stored(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    for name in ("flags.odt", "nowhere/flags.csv", "."):
        assert triage("nightly", records, "--as-of", AS_OF, "--output", name)[0] == 2
    assert not store.tables()


def test_a_whole_sample_gives_the_same_queue_however_often_its_run_was_killed(
    contained: Contained, store: OwnStore, workplace: Path, triage: Triage
) -> None:
    sample = REPOSITORY / "sample_data"
    call = ("nightly", sample, "--as-of", "2026-09-30", "--quiet", "--db", store.url)
    for step in (60, 90, 105):
        assert contained.run(*call, folder=workplace, killed_at=step).code == KILLED
        store.settle()
    assert triage(*call)[0] == 0
    n_cases, n_flags = (store.value(f'SELECT count(*) FROM "{t}"') for t in ("case", "flag"))
    assert n_cases > 50
    opened = store.query("SELECT detail FROM event WHERE kind = 'case opened'")
    assert sum(len(json.loads(detail)["flags"]) for (detail,) in opened) == n_flags
    assert store.value("SELECT count(*) FROM event") == n_cases + 1
    assert store.value("SELECT count(*) FROM run") == 1
