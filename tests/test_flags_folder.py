"""The flags of records judged in partitions, written into a folder or a file."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import Triage
from partition_tables import ASKED, partitions_of, refused, write

from triage.errors import RuleError

pytestmark = pytest.mark.usefixtures("small_partitions")


class TestFolderOfFlags:
    def test_holds_a_file_a_partition_and_together_the_flags_of_one_file(
        self, triage: Triage, cut: Path
    ) -> None:
        assert triage("check", cut, *ASKED, "--output", "whole.parquet")[0] == 0
        code, out, _ = triage("check", cut, *ASKED, "--chunk", "--output", "flags")
        assert code == 0
        names = sorted(path.name for path in Path("flags").iterdir())
        assert names == [f"part-{number:05}.parquet" for number in range(len(names))]
        assert len(names) > 1
        key = ["rule", "referral_id"]
        whole = pd.read_parquet("whole.parquet").sort_values(key, ignore_index=True)
        parts = pd.concat([pd.read_parquet(path) for path in sorted(Path("flags").iterdir())])
        parts = parts.sort_values(key, ignore_index=True)
        pd.testing.assert_frame_equal(parts.astype(object), whole.astype(object))
        assert f"{len(whole)} flags written to flags." in " ".join(out.split())

    def test_changes_nothing_else_that_is_printed(self, triage: Triage, cut: Path) -> None:
        _, whole, _ = triage("check", cut, *ASKED)
        _, out, _ = triage("check", cut, *ASKED, "--chunk", "--output", "flags")
        rules = [line for line in whole.splitlines() if line[3:4] == "-"]
        assert len(rules) > 20
        assert rules == [line for line in out.splitlines() if line in set(rules)]

    def test_may_be_there_already_if_it_is_empty(self, triage: Triage, cut: Path) -> None:
        Path("flags").mkdir()
        assert triage("check", cut, *ASKED, "--chunk", "--output", "flags")[0] == 0

    def test_with_files_in_it_is_left_as_it_is(self, triage: Triage, cut: Path) -> None:
        Path("flags").mkdir()
        Path("flags/mine.txt").write_text("mine", "utf-8")
        said = refused(triage, cut, "--output", "flags", code=2)
        assert said == "triage: flags: holds files already; name a new folder for the flags.\n"
        assert [path.name for path in Path("flags").iterdir()] == ["mine.txt"]

    @pytest.mark.parametrize("form", ["json", "csv"])
    def test_is_refused_where_the_flags_are_to_be_printed_too(
        self, triage: Triage, cut: Path, form: str
    ) -> None:
        said = refused(triage, cut, "--output", "flags", "--format", form, code=2)
        assert "flags written into a folder are not printed too" in said
        assert not Path("flags").exists()

    def test_is_refused_where_records_are_not_judged_in_partitions(
        self, triage: Triage, cut: Path
    ) -> None:
        Path("flags").mkdir()
        code, _, said = triage("check", cut, *ASKED, "--output", "flags")
        assert code == 2
        assert said.startswith("triage: flags: ")

    def test_is_refused_where_its_own_folder_is_not_there(self, triage: Triage, cut: Path) -> None:
        assert "no such folder as nowhere" in refused(
            triage, cut, "--output", "nowhere/flags", code=2
        )

    def test_is_refused_within_the_records(self, triage: Triage, cut: Path) -> None:
        said = refused(triage, cut, "--output", cut / "flags", code=2)
        assert "must not overwrite" in said

    def test_meets_fail_on(self, triage: Triage, cut: Path) -> None:
        call = ("check", cut, *ASKED, "--chunk", "--fail-on", "critical", "--output")
        assert triage(*call, "flags")[0] == 1
        assert list(Path("flags").iterdir())

    def test_is_gone_when_the_run_fails(
        self, triage: Triage, cut: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written = []

        def judge(order: Any) -> Any:
            if written:
                raise RuleError("DEC-01: could not be evaluated")
            written.append(order.write_to)
            return judge_partition(order)

        from triage.partitioned import judge_partition

        monkeypatch.setattr("triage.partitioned.judge_partition", judge)
        said = refused(triage, cut, "--jobs", "1", "--output", "flags", code=2)
        assert said == "triage: DEC-01: could not be evaluated\n"
        assert len(written) == 1
        assert not Path("flags").exists()

    def test_holds_nothing_that_a_lost_worker_had_begun(
        self, triage: Triage, cut: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def judge(order: Any) -> Any:
            Path(order.write_to).with_name(".part-begun").write_text("PAR1", "utf-8")
            return judge_partition(order)

        from triage.partitioned import judge_partition

        monkeypatch.setattr("triage.partitioned.judge_partition", judge)
        assert triage("check", cut, *ASKED, "--chunk", "--output", "flags")[0] == 0
        assert {path.suffix for path in Path("flags").iterdir()} == {".parquet"}

    def test_has_a_file_without_flags_for_a_partition_of_which_no_row_is_left(
        self, triage: Triage, workplace: Path
    ) -> None:
        days = ("2023-05-02", "?", "2023-05-03")
        rows = [{"child_id": c, "referral_date": d} for c, d in zip("ABC", days, strict=True)]
        (workplace / "cut").mkdir()
        write(rows, workplace / "cut" / "a.parquet", row_group_size=1)
        with partitions_of(1):
            code, _, said = triage("check", "cut", *ASKED, "--chunk", "--output", "flags")
        assert (code, said) == (0, "")
        assert pd.read_parquet("flags/part-00001.parquet").empty

    def test_that_cannot_be_written_is_named(
        self, triage: Triage, cut: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: Any) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("triage.partitioned.write_parquet", full)
        said = refused(triage, cut, "--output", "flags", code=2)
        assert said.endswith(".parquet: cannot be written (No space left on device).\n")
        assert not Path("flags").exists()


class TestFileOfFlags:
    @pytest.mark.parametrize("name", ["flags.json", "flags.csv", "flags.parquet"])
    def test_is_the_same_to_the_byte(self, triage: Triage, cut: Path, name: str) -> None:
        assert triage("check", cut, *ASKED, "--output", f"whole.{name}")[0] == 0
        whole = triage("check", cut, *ASKED)
        assert triage("check", cut, *ASKED, "--chunk", "--output", name)[:2] == whole[:2]
        assert Path(name).read_bytes() == Path(f"whole.{name}").read_bytes()
