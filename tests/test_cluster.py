"""Partitions judged by the workers of a Dask cluster, of which some are lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import Triage
from partition_tables import ALL, AS_OF, RULES, cut_up, dirty_rows, partitions_of, told

from triage import cluster as clusters
from triage.cluster import LOCAL, check_in_partitions, cluster
from triage.errors import CallError, InputError, RuleError
from triage.pipeline import check

DAY = AS_OF.isoformat()
ASKED = ("--as-of", DAY, "--window", "all")


@dataclass
class Dask:
    """A scheduler and workers in processes of their own, started in another folder."""

    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.folder / "scheduler.json"

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        tests = str(Path(__file__).parent)
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments, "--host", "127.0.0.1", "--no-dashboard"],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": tests},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def start_scheduler(self) -> str:
        self.start("scheduler", "--port", "0", "--scheduler-file", str(self.file))
        while not self.file.exists() or not self.file.read_text("utf-8").endswith("}"):
            assert self.processes[0].poll() is None
            time.sleep(0.05)
        address: str = json.loads(self.file.read_text("utf-8"))["address"]
        return address

    def start_worker(self) -> None:
        self.start(
            "worker", "--scheduler-file", str(self.file), "--no-nanny", "--nthreads", "1",
            "--local-directory", str(self.folder),
        )  # fmt: skip

    def lose(self, *numbers: int) -> None:
        """Kill some of the processes: 0 is the scheduler, the workers follow."""
        for number in numbers:
            self.processes[number].send_signal(signal.SIGKILL)

    def stop(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()


@pytest.fixture
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    found = Dask(tmp_path_factory.mktemp("dask"))
    yield found
    found.stop()


@pytest.fixture
def two_workers(dask: Dask) -> tuple[Dask, str]:
    """A cluster of two workers, and its address."""
    from distributed import Client

    address = dask.start_scheduler()
    for _ in range(2):
        dask.start_worker()
    with Client(address) as client:
        client.wait_for_workers(2, timeout=60)
    return dask, address


@pytest.fixture(autouse=True)
def _small_partitions() -> Iterator[None]:
    with partitions_of(25):
        yield


def when_the_first_is_judged(do: Callable[[], None]) -> Any:
    """Return what is told of progress and does something once, when a partition is judged."""
    done = []

    def progress(stage: str, n_done: int = 0, total: int | None = None, /) -> None:
        if stage.startswith("judging") and n_done and not done:
            done.append(stage)
            do()

    return progress


def twice(number: int) -> int:
    return 2 * number


def fail(number: int) -> int:
    raise RuleError(["DEC-01: could not be evaluated", f"nor could {number}"])


def die(number: int) -> int:
    os._exit(number)


@pytest.mark.parametrize("way", ["by hash", "at random"])
def test_workers_of_this_machine_give_the_same_to_the_byte(
    triage: Triage, workplace: Path, way: str
) -> None:
    cut_up(dirty_rows(21, 150), way, workplace / "cut")
    call = ("check", "cut", *ASKED, "--format", "json", "--output")
    whole = triage(*call, "whole.parquet")
    apart = triage(*call, "apart.parquet", "--cluster", "local", "--jobs", "2")
    assert whole[:2] == apart[:2]
    assert apart[2] == "Wrote apart.parquet.\n"
    assert Path("whole.parquet").read_bytes() == Path("apart.parquet").read_bytes()


def test_a_run_on_this_machine_says_nothing_beside_its_result(workplace: Path) -> None:
    """Not even where the port that Dask likes best is taken."""
    cut_up(dirty_rows(22, 40), "by hash", workplace / "cut")
    call = [sys.executable, "-W", "default", "-m", "triage", "check", "cut", *ASKED]
    before = set(workplace.iterdir())
    with socket.socket() as taken:
        with suppress(OSError):
            taken.bind(("127.0.0.1", 8787))
            taken.listen()
        done = subprocess.run(
            [*call, "--cluster", "local", "--jobs", "1"], capture_output=True, text=True
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == subprocess.run(call, capture_output=True, text=True).stdout
    assert set(workplace.iterdir()) == before


def test_workers_of_this_machine_listen_to_nobody_else() -> None:
    with cluster(LOCAL, 2) as workers:
        assert list(workers(twice, [1, 2, 3])) == [2, 4, 6]
        this = psutil.Process()
        listening = [
            (process.pid, connection.laddr.ip)
            for process in (this, *this.children(recursive=True))
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
    assert len({pid for pid, _ in listening}) == 3
    assert {ip for _, ip in listening} == {"127.0.0.1"}


def test_what_a_worker_raises_is_raised_as_it_was() -> None:
    with (
        pytest.raises(RuleError) as raised,
        cluster(LOCAL, 1) as workers,
    ):
        list(workers(fail, [7]))
    assert raised.value.problems == ("DEC-01: could not be evaluated", "nor could 7")


def test_a_task_that_kills_every_worker_ends_in_one_sentence() -> None:
    with (
        pytest.raises(InputError, match="lost its workers over one part of the records again"),
        cluster(LOCAL, 1) as workers,
    ):
        list(workers(die, [1]))


def test_files_are_found_by_workers_that_were_started_elsewhere(
    triage: Triage, workplace: Path, two_workers: tuple[Dask, str]
) -> None:
    cut_up(dirty_rows(23, 120), "at random", workplace / "cut")
    (workplace / "mappings").mkdir()
    (workplace / "mappings" / "ours.toml").write_text(
        '[columns."child_id"]\nmeans = "child_id"\n'
        '[columns."referral_date"]\nmeans = "referral_date"\n',
        "utf-8",
    )
    _, address = two_workers
    asked = (*ASKED, "--mapping", "ours")
    whole = triage("check", workplace / "cut", *asked, "--output", "whole.parquet")
    assert whole[0] == 0
    code, out, said = triage("check", "cut", *asked, "--cluster", address, "--output", "flags")
    assert (code, said) == (0, "")
    assert "written to flags." in out
    assert len(list(Path("flags").glob("part-*.parquet"))) > 2
    assert triage("check", "cut", *asked, "--cluster", address, "--output", "apart.parquet")[0] == 0
    assert Path("apart.parquet").read_bytes() == Path("whole.parquet").read_bytes()


@pytest.mark.parametrize("way", ["by hash", "at random"])
def test_a_worker_killed_in_the_middle_changes_nothing(
    tmp_path: Path, two_workers: tuple[Dask, str], way: str
) -> None:
    dask, address = two_workers
    cut = cut_up(dirty_rows(24, 300), way, tmp_path / "cut")
    whole = told(check([str(cut)], RULES, ALL), tmp_path)
    progress = when_the_first_is_judged(lambda: dask.lose(2))
    apart = told(check_in_partitions([str(cut)], RULES, ALL, address, progress=progress), tmp_path)
    assert dask.processes[2].wait(10) == -signal.SIGKILL
    assert apart == whole


@pytest.mark.parametrize(
    ("lost", "said"), [((1, 2), "has no worker left"), ((0,), "scheduler was lost")]
)
def test_the_loss_of_all_workers_or_of_the_scheduler_ends_in_one_sentence(
    tmp_path: Path,
    two_workers: tuple[Dask, str],
    monkeypatch: pytest.MonkeyPatch,
    lost: tuple[int, ...],
    said: str,
) -> None:
    monkeypatch.setattr(clusters, "_PATIENCE", 2.0)
    dask, address = two_workers
    cut = cut_up(dirty_rows(25, 300), "by hash", tmp_path / "cut")
    progress = when_the_first_is_judged(lambda: dask.lose(*lost))
    flags = tmp_path / "flags"
    with pytest.raises(InputError, match=said):
        check_in_partitions([str(cut)], RULES, ALL, address, flags, progress)
    assert not flags.exists()


def test_a_cluster_without_any_worker_ends_in_one_sentence(
    dask: Dask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "_PATIENCE", 1.0)
    address = dask.start_scheduler()
    with (
        pytest.raises(InputError, match="has no worker left"),
        cluster(address, 1) as workers,
    ):
        list(workers(twice, [1]))


@pytest.mark.parametrize(
    ("name", "other", "found"), [("__version__", "0.0.9", ""), ("_PACKAGE", "not-there", "none")]
)
def test_workers_without_this_version_of_the_program_are_refused(
    dask: Dask, monkeypatch: pytest.MonkeyPatch, name: str, other: str, found: str
) -> None:
    monkeypatch.setattr(clusters, name, other)
    address = dask.start_scheduler()
    with (
        pytest.raises(CallError, match=f"do not all have .*{other}.*found: {found}"),
        cluster(address, 1),
    ):
        pass
