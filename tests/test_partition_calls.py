"""``--chunk``, ``--cluster`` and a folder for the flags: what is given back, refused and told."""

from __future__ import annotations

import builtins
import errno
import os
import pickle
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Triage
from hypothesis import given
from hypothesis import strategies as st
from partition_tables import (
    ALL,
    AS_OF,
    ASKED,
    RULES,
    cut_up,
    partitions_of,
    refused,
    write,
)

from triage import engine, errors
from triage.cluster import check_in_partitions
from triage.due import in_order as due_in_order
from triage.errors import (
    AnswersError,
    CallError,
    ConflictError,
    DamagedError,
    ForbiddenError,
    InputError,
    MissingError,
    Problem,
    RuleError,
    StoreError,
    TriageError,
)
from triage.partitioned import threads
from triage.pipeline import check
from triage.threads import in_turn

DAY = AS_OF.isoformat()
LEAVE_OUT = "only tables of referrals in Parquet are read, so leave --chunk and --cluster out"


pytestmark = pytest.mark.usefixtures("small_partitions")


def refused_alike(triage: Triage, *arguments: str | Path, code: int = 3) -> str:
    """Return the sentence with which inputs are refused in partitions, which is the usual one."""
    said = refused(triage, *arguments, code=code)
    assert triage("check", *arguments, *ASKED) == (code, "", said)
    return said


def test_a_folder_without_room_for_rows_dealt_out_is_named(
    triage: Triage, cut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("triage.sources.pieces.write_dealt", full)
    said = refused(triage, cut, code=2)
    assert "rows cannot be dealt out by child there (No space left on device); name a" in said
    assert "TMPDIR" in said


class TestInputs:
    def test_a_file_alone_may_be_given(self, triage: Triage, cut: Path) -> None:
        name = sorted(cut.iterdir())[0]
        asked = ("check", name, *ASKED, "--format", "json")
        assert triage(*asked, "--chunk") == triage(*asked)

    def test_several_may_be_given(self, triage: Triage, cut: Path) -> None:
        names = sorted(cut.iterdir(), reverse=True)
        asked = ("check", *names, *ASKED, "--format", "json")
        assert triage(*asked, "--chunk") == triage(*asked)

    def test_csv_is_refused(self, triage: Triage, records: Path) -> None:
        assert LEAVE_OUT in refused(triage, records, code=3)

    def test_a_folder_with_csv_in_it_is_refused(
        self, triage: Triage, cut: Path, records: Path
    ) -> None:
        records.rename(cut / "more.csv")
        assert LEAVE_OUT in refused(triage, cut, code=3)

    def test_csv_that_is_called_parquet_is_refused(
        self, triage: Triage, cut: Path, records: Path
    ) -> None:
        records.rename(cut / "a.parquet")
        assert LEAVE_OUT in refused(triage, cut, code=3)

    def test_an_empty_folder_is_refused(self, triage: Triage, workplace: Path) -> None:
        (workplace / "empty").mkdir()
        assert LEAVE_OUT in refused(triage, workplace / "empty", code=3)

    def test_a_folder_of_tables_is_refused(self, triage: Triage, cut: Path) -> None:
        write([{"child_id": "A", "referral_date": "2023-05-02"}], cut / "referrals.parquet")
        assert LEAVE_OUT in refused(triage, cut, code=3)

    def test_what_is_not_there_is_refused(self, triage: Triage, workplace: Path) -> None:
        assert "there is no such file or folder" in refused_alike(triage, "nowhere")

    def test_a_file_named_twice_is_refused(self, triage: Triage, cut: Path) -> None:
        name = sorted(cut.iterdir())[0]
        assert refused(triage, cut, name, code=3).endswith("is named twice; name it once.\n")

    @pytest.mark.parametrize("at", [-9, 2000])
    def test_a_damaged_file_among_good_ones_is_refused(
        self, triage: Triage, cut: Path, at: int
    ) -> None:
        path = sorted(cut.iterdir())[1]
        content = bytearray(path.read_bytes())
        content[at] ^= 0xFF
        path.write_bytes(content[:at] if at < 0 else content)
        said = refused(triage, cut, code=3)
        assert said.startswith(f"triage: {path}: is a damaged Parquet file (")

    def test_a_file_without_children_is_refused(self, triage: Triage, cut: Path) -> None:
        write([{"referral_date": "2023-05-02", "x": "1"}], cut / "rows-1b.parquet")
        assert "looks like a table headed referral_date, x" in refused_alike(triage, cut)

    @pytest.mark.parametrize("n_groups", [0, 1])
    def test_a_file_without_rows_is_refused(self, triage: Triage, cut: Path, n_groups: int) -> None:
        table = pa.table({"child_id": pa.array([], pa.string()), "referral_date": []})
        with pq.ParquetWriter(cut / "rows-1b.parquet", table.schema) as file:
            for _ in range(n_groups):
                file.write_table(table)
        assert "holds headings but no referral" in refused_alike(triage, cut)

    @pytest.mark.parametrize("blank", ["child_id", "referral_date", ""])
    def test_a_file_whose_every_row_is_rejected_is_refused(
        self, triage: Triage, cut: Path, blank: str
    ) -> None:
        rows = [
            {"child_id": "", "referral_date": "2023-05-02", "nfa": "1"},
            {"child_id": "B", "referral_date": "2023-05-32", "nfa": "1"},
        ]
        for row in rows:
            if blank:
                row[blank] = ""
        write(rows, cut / "rows-1b.parquet")
        said = refused_alike(triage, cut)
        assert ("is blank in every one of its 2 rows" if blank else "had to be rejected") in said

    @pytest.mark.parametrize("name", ["decisions", "rows-9"])
    def test_a_table_of_what_lies_beside_referrals_is_refused(
        self, triage: Triage, cut: Path, name: str
    ) -> None:
        """It would be joined to the others when all is read at once."""
        row = {"child_id": "A", "decision_at": "2023-05-02"}
        if name == "decisions":
            name, row = "decisions of 2023", {**row, "referral_date": "2023-05-01"}
        write([row], cut / f"{name}.parquet")
        assert f"{name}.parquet: is a table of decisions; " in refused(triage, cut, code=3)

    def test_tables_that_could_lie_beside_others_hold_referrals_where_none_do(
        self, triage: Triage, workplace: Path
    ) -> None:
        folder = workplace / "cut"
        folder.mkdir()
        for number, child in enumerate("ABC"):
            row = {"child_id": child, "referral_date": DAY, "decision_at": DAY}
            write([row], folder / f"decisions {number}.parquet")
        asked = ("check", folder, *ASKED, "--format", "json")
        assert triage(*asked, "--chunk") == triage(*asked)

    def test_a_mapping_that_is_not_there_is_told(self, triage: Triage, cut: Path) -> None:
        said = refused_alike(triage, cut, "--mapping", "nowhere", code=2)
        assert "there is no mapping mappings/nowhere.toml" in said

    def test_a_file_that_was_changed_meanwhile_is_refused(
        self, triage: Triage, cut: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def judge(order: Any) -> Any:
            path = sorted(cut.iterdir())[2]
            path.write_bytes(path.read_bytes())
            return judge_partition(order)

        from triage.partitioned import judge_partition

        monkeypatch.setattr("triage.partitioned.judge_partition", judge)
        assert "was changed while it was being read" in refused(triage, cut, code=3)


class TestClusterAsked:
    def test_with_chunk_is_refused(self, triage: Triage, cut: Path) -> None:
        assert "give one of them" in refused(triage, cut, "--cluster", "local", code=2)

    def test_without_a_name_is_refused(self, triage: Triage, cut: Path) -> None:
        code, _, said = triage("check", cut, *ASKED, "--cluster", "")
        assert code == 2
        assert "--cluster names no cluster" in said

    def test_without_dask_says_how_to_get_it(
        self, triage: Triage, cut: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def without(name: str, *rest: Any, **named: Any) -> Any:
            if name.partition(".")[0] in ("dask", "distributed"):
                raise ModuleNotFoundError(f"No module named '{name}'")
            return load(name, *rest, **named)

        load = builtins.__import__
        monkeypatch.setattr(builtins, "__import__", without)
        code, out, said = triage("check", cut, *ASKED, "--cluster", "local")
        assert (code, out) == (2, "")
        assert said.startswith("triage: --cluster needs Dask, which is not installed; ")

    @pytest.mark.parametrize("address", ["tcp://127.0.0.1:{port}", "127.0.0.1:{port}", "tcp://x:y"])
    def test_where_nobody_answers_is_refused(
        self, triage: Triage, cut: Path, monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        monkeypatch.setattr("triage.cluster._ANSWERS_WITHIN", "1s")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            address = address.format(port=taken.getsockname()[1])
        code, out, said = triage("check", cut, *ASKED, "--cluster", address)
        assert (code, out) == (2, "")
        assert said.startswith(f"triage: --cluster {address}: nobody answers there (")
        assert said.count("\n") == 1


class TestInTurn:
    @given(st.lists(st.integers(), max_size=12), st.integers(1, 5))
    def test_results_come_in_order_and_few_tasks_are_in_hand(
        self, tasks: list[int], in_hand: int
    ) -> None:
        submitted: list[int] = []
        given_back = 0

        def submit(task: int) -> Callable[[], int]:
            submitted.append(task)
            assert len(submitted) - given_back <= in_hand
            return lambda: task + 1

        for result in in_turn(submit, tasks, in_hand):
            assert result == tasks[given_back] + 1
            given_back += 1
        assert given_back == len(tasks) == len(submitted)

    @pytest.mark.parametrize("jobs", [1, 3])
    def test_threads_do_no_more_at_a_time_than_they_are_asked_to(self, jobs: int) -> None:
        running, most, lock = [0], [0], threading.Lock()

        def work(task: int) -> int:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            threading.Event().wait(0.005)
            with lock:
                running[0] -= 1
            return task * 2

        assert list(threads(jobs)(work, range(20))) == [task * 2 for task in range(20)]
        assert most[0] <= jobs

    def test_an_error_of_one_task_is_raised_and_no_further_one_begun(self) -> None:
        begun = []

        def work(task: int) -> int:
            begun.append(task)
            if task == 2:
                raise InputError("two")
            return task

        results = threads(2)(work, range(50))
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(InputError, match="two"):
            next(results)
        assert len(begun) <= 5


@pytest.mark.parametrize(
    "error",
    [
        TriageError("one"),
        CallError("one"),
        InputError("one"),
        StoreError("one"),
        RuleError("one"),
        RuleError(["one", "two"]),
        AnswersError([Problem("grade", "missing", "no grade"), Problem("day", "past", "past")]),
        MissingError("No case 4", ", as queue list shows."),
        ForbiddenError("one"),
        ConflictError("one"),
    ],
)
def test_every_error_comes_back_from_a_worker_as_it_was(error: TriageError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)
    assert back.exit_code == error.exit_code


def test_there_is_no_other_error_that_a_worker_could_raise() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    found = {kind for kind in kinds if issubclass(kind, TriageError)}
    assert found == {
        TriageError, CallError, InputError, StoreError, RuleError, DamagedError,
        AnswersError, MissingError, ForbiddenError, ConflictError,
    }  # fmt: skip


def test_the_engine_answers_several_threads_one_after_another() -> None:
    """Asked by two at once it mixed up their facts."""
    rule = RULES.by_id["DEC-02"]
    places = range(len(engine.fields(rule)[0]))
    patterns = [
        {field: rank for place in places for field in (engine.low(place), engine.high(place))}
        for rank in range(4)
    ]
    expected = engine.decide(rule, patterns)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: engine.decide(rule, patterns), range(60)))
    assert answers == [expected] * 60


def test_what_falls_due_is_in_one_order_however_it_was_found(workplace: Path) -> None:
    rows = [
        {"child_id": f"C{number}", "referral_date": DAY, "nfa": "false", "decision_at": ""}
        for number in range(12)
    ]
    folder = cut_up(rows, "by hash", workplace / "cut")
    due = check([str(folder)], RULES, ALL).due
    assert len(due) > 5
    with partitions_of(3):
        assert check_in_partitions([str(folder)], RULES, ALL, None).due == due
    assert due_in_order(reversed(due)) == due
