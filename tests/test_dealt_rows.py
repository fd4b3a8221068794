"""Rows dealt out anew by their child: as they were, without free text, and gone afterwards."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from partition_tables import ALL, RULES, files, partitions_of, row, same

from triage.cluster import check_in_partitions
from triage.errors import InputError
from triage.sources import pieces
from triage.sources.dealt import numbers_of, one_after_another, read_dealt, write_dealt
from triage.sources.grid import row_numbers
from triage.tables import LOST, RawColumn, RawTable, encode


class TestRowsDealtOut:
    def table(self) -> RawTable:
        columns = {
            "child_id": encode(["A", "B", " A", None]),
            "rationale_hash": RawColumn(np.array([0, 1, 2, 1], np.int32), ["x", LOST, ""]),
            "nfa": encode(["1", "", "0", "1"]),
        }
        return RawTable("t", row_numbers(4), columns)

    def test_come_back_as_they_were(self, tmp_path: Path) -> None:
        write_dealt(self.table(), np.array([1, 2, 3]), str(tmp_path / "a=b.parquet"))
        table = read_dealt(str(tmp_path / "a=b.parquet"), "t", None)
        assert {name: column.cells() for name, column in table.columns.items()} == {
            "child_id": ["B", "A", ""],
            "rationale_hash": [LOST, "", LOST],
            "nfa": ["", "0", "1"],
        }
        assert table.rows.tolist() == [3, 4, 5]
        assert read_dealt(str(tmp_path / "a=b.parquet"), "t", {"nfa"}).columns.keys() == {"nfa"}

    def test_columns_one_after_another_keep_what_is_lost(self) -> None:
        column = self.table().columns["rationale_hash"]
        assert one_after_another([column, column]).cells() == column.cells() * 2
        assert one_after_another([encode([]), encode([])]).cells() == []

    def test_the_number_of_a_text_is_the_same_on_every_machine(self) -> None:
        numbers = numbers_of(pa.array(["", "A", "C0001", "é"]))
        digest = hashlib.sha256(numbers.astype("<u8").tobytes()).hexdigest()
        assert digest[:16] == "141b49e955768c7d"

    def test_hold_no_free_text_and_are_removed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
        (tmp_path / "temporary").mkdir()
        seen = []

        def look(pieces: Any, *rest: Any) -> Any:
            for piece in pieces:
                if piece.dealt:
                    seen.append(Path(piece.dealt).read_bytes())
                    assert Path(piece.dealt).is_relative_to(tmp_path / "temporary")
            return read(pieces, *rest)

        read = pieces.read_pieces
        monkeypatch.setattr("triage.survey.read_pieces", look)
        rows = [
            row(f"C{place % 7}", f"2023-05-{1 + place}", rationale=f"Secret {place}")
            for place in range(20)
        ]
        same(files(tmp_path / "cut", rows[:10], rows[10:]), rows=6)
        assert len(seen) > 2
        assert not any(b"Secret" in content for content in seen)
        assert any(b"rationale_hash" in content for content in seen)
        assert not list((tmp_path / "temporary").iterdir())

    def test_are_removed_when_judging_fails(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
        (tmp_path / "temporary").mkdir()

        def fail(order: Any) -> Any:
            assert list((tmp_path / "temporary").iterdir())
            raise InputError("it failed")

        monkeypatch.setattr("triage.partitioned.judge_partition", fail)
        folder = files(tmp_path / "cut", [row("A"), row("B")], [row("A", "2023-05-03"), row("B")])
        with partitions_of(2), pytest.raises(InputError, match="it failed"):
            check_in_partitions([str(folder)], RULES, replace(ALL, jobs=2), None)
        assert not list((tmp_path / "temporary").iterdir())
