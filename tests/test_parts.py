"""Records judged on one machine in parts say what they say when judged in one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from partition_tables import ALL, AS_OF, RULES, told

from triage import parts as parts_of_one
from triage.pipeline import check
from triage.run import Run
from triage.sample import make_council, writers


class TestPartsOfOneMachine:
    @pytest.fixture(autouse=True)
    def small_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parts_of_one, "ONE_PART", 50)
        monkeypatch.setattr(parts_of_one, "ROWS_OF_A_PART", 40)

    def both(self, name: str, tmp_path: Path) -> None:
        calls: list[Callable[[], Run]] = [
            lambda jobs=jobs: check([name], RULES, replace(ALL, jobs=jobs))  # type: ignore[misc]
            for jobs in (1, 3)
        ]
        one, three = (told(call(), tmp_path) for call in calls)
        parts_of_one.ONE_PART = 10**6  # type: ignore[misc]
        assert one == three == told(calls[0](), tmp_path)

    def test_a_table_is_judged_the_same_by_one_and_by_three(self, tmp_path: Path) -> None:
        council = make_council(200, seed=11, as_of=AS_OF, months=24)
        writers.write_referral_table(council, tmp_path / "table.csv")
        self.both(str(tmp_path / "table.csv"), tmp_path)

    def test_what_happened_over_time_goes_with_its_referral_or_its_child(
        self, tmp_path: Path
    ) -> None:
        council = make_council(160, seed=12, as_of=AS_OF, months=24)
        writers.write_folder(council, tmp_path / "tables")
        assert (tmp_path / "tables" / "early_help.csv").exists()
        self.both(str(tmp_path / "tables"), tmp_path)
