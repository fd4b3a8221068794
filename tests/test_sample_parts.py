"""A whole country invented in parts: councils that share nobody, sorted as platforms keep them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from conftest import Triage
from hypothesis import given
from hypothesis import strategies as st
from sample_helpers import contents

from triage.sample import make_council
from triage.sample.parts import (
    FOLDER,
    MOST_PARTS,
    MOST_REFERRALS,
    ROWS_OF_A_GROUP,
    make_part,
    prefix_of_part,
    seed_of_part,
    sizes,
    write_parts,
)
from triage.sample.words import COLUMNS, DUTY, TEAMS

AS_OF = date(2026, 9, 30)
OWN = (
    "child_id", "household_id", "referral_id", "decision_maker_id", "allocated_worker_id",
    "rationale_hash",
)  # fmt: skip
MAKE = ("sample", "make", "made", "--as-of", AS_OF.isoformat())


def written(folder: Path, n_referrals: int, n_parts: int, seed: int = 1) -> list[pd.DataFrame]:
    """The parts of a country as tables of text, "" where a cell is null."""
    folder.mkdir(exist_ok=True)
    made = write_parts(folder, n_referrals, n_parts, seed=seed, as_of=AS_OF, months=18)
    assert sum(made) == n_referrals
    return [pq.read_table(path).to_pandas().fillna("") for path in sorted(folder.iterdir())]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[pd.DataFrame]:
    return written(tmp_path_factory.mktemp("country"), 12_001, 4)


def shuffled(table: pa.Table) -> pa.Table:
    return table.take(pa.array(np.random.default_rng(1).permutation(len(table))))


class TestParts:
    def test_each_part_has_its_share_of_the_rows_and_every_column(
        self, parts: list[pd.DataFrame]
    ) -> None:
        assert [len(part) for part in parts] == [3_001, 3_000, 3_000, 3_000]
        assert all(list(part.columns) == list(COLUMNS) for part in parts)

    @pytest.mark.parametrize("name", OWN)
    def test_no_identifier_of_one_part_occurs_in_another(
        self, parts: list[pd.DataFrame], name: str
    ) -> None:
        known = [set(part[name]) - {"", DUTY, *TEAMS} for part in parts]
        assert all(len(one) > 50 for one in known)
        assert len(set().union(*known)) == sum(map(len, known))

    def test_an_identifier_begins_with_the_name_of_its_part(
        self, parts: list[pd.DataFrame]
    ) -> None:
        for number, part in enumerate(parts):
            filled = part["child_id"] != ""
            assert part.loc[filled, "child_id"].str.fullmatch(rf"A{number:03d}-C\d{{7}}").all()
            assert part["referral_id"].str.fullmatch(rf"A{number:03d}-R\d{{7}}").all()
            workers = part["allocated_worker_id"]
            people = rf"(A{number:03d}-W\d{{4}}|{DUTY}|{'|'.join(TEAMS)})?"
            assert workers.str.fullmatch(people).all()

    def test_nobody_by_name_stays_nobody(self, parts: list[pd.DataFrame]) -> None:
        workers = pd.concat([part["allocated_worker_id"] for part in parts])
        assert (workers == DUTY).any()
        assert workers.isin(TEAMS).any()

    def test_rows_stand_by_child_and_then_by_date_as_typed(self, parts: list[pd.DataFrame]) -> None:
        for part in parts:
            keys = list(zip(part["child_id"], part["referral_date"], strict=True))
            assert keys == sorted(keys)
        assert any((part["child_id"] == "").any() for part in parts)

    def test_a_part_is_the_council_of_its_seed_but_for_names_and_order(self) -> None:
        part = make_part(3, 4_000, seed=8, as_of=AS_OF, months=24).to_pandas().fillna("")
        council = make_council(4_000, seed=seed_of_part(8, 3), as_of=AS_OF, months=24).referrals
        for name in OWN[:-1]:
            part[name] = part[name].str.removeprefix(prefix_of_part(3))
        expected = council.sort_values(["child_id", "referral_date"], kind="stable")
        assert part.astype(object).values.tolist() == expected.astype(object).values.tolist()

    def test_a_clean_country_has_no_row_without_a_child(self) -> None:
        table = make_part(0, 2_000, seed=1, as_of=AS_OF, months=18, dirty=False)
        assert table["child_id"].null_count == 0

    def test_files_say_how_they_are_sorted_and_lie_in_groups(self, tmp_path: Path) -> None:
        n_rows = ROWS_OF_A_GROUP + 1
        assert list(write_parts(tmp_path, n_rows, 1, seed=1, as_of=AS_OF, months=18)) == [n_rows]
        about = pq.read_metadata(tmp_path / "part-00000.parquet")
        groups = [about.row_group(number) for number in range(about.num_row_groups)]
        assert [group.num_rows for group in groups] == [ROWS_OF_A_GROUP, 1]
        for group in groups:
            assert [one.column_index for one in group.sorting_columns] == [0, 1]
            assert {group.column(place).compression for place in range(2)} == {"ZSTD"}
        first, second = (group.column(0).statistics for group in groups)
        assert first.min.startswith("A000-C")
        assert first.max <= second.min


class TestReproducible:
    def test_the_same_seed_gives_the_same_bytes(self, tmp_path: Path) -> None:
        for name, seed in (("one", 5), ("again", 5), ("other", 6)):
            written(tmp_path / name, 900, 3, seed)
        assert contents(tmp_path / "one") == contents(tmp_path / "again")
        first, other = contents(tmp_path / "one"), contents(tmp_path / "other")
        assert first.keys() == other.keys()
        assert all(first[name] != other[name] for name in first)

    def test_a_part_does_not_hang_on_how_many_follow(self, tmp_path: Path) -> None:
        few, many = (written(tmp_path / str(n_parts), 300 * n_parts, n_parts) for n_parts in (2, 5))
        for one, same in zip(few, many, strict=False):
            pd.testing.assert_frame_equal(one, same)

    @given(seed=st.integers(0, 2**70), first=st.integers(0, MOST_PARTS - 1),
           second=st.integers(0, MOST_PARTS - 1))  # fmt: skip
    def test_no_two_parts_share_a_stream_or_a_name(
        self, seed: int, first: int, second: int
    ) -> None:
        is_same = first == second
        low = 2**32
        assert (seed_of_part(seed, first) % low == seed_of_part(seed, second) % low) == is_same
        assert (prefix_of_part(first) == prefix_of_part(second)) == is_same

    @given(n_referrals=st.integers(1, MOST_REFERRALS * 10), n_parts=st.integers(1, MOST_PARTS))
    def test_parts_differ_by_one_row_at_most(self, n_referrals: int, n_parts: int) -> None:
        if n_parts > n_referrals or n_referrals > n_parts * MOST_REFERRALS:
            with pytest.raises(ValueError, match="part"):
                sizes(n_referrals, n_parts)
            return
        found = sizes(n_referrals, n_parts)
        assert (len(found), sum(found)) == (n_parts, n_referrals)
        assert 1 <= max(found) - min(found) + 1 <= 2
        assert found == sorted(found, reverse=True)


class TestCommand:
    def test_a_folder_of_parts_is_written_and_said_to_be_invented(
        self, triage: Triage, workplace: Path
    ) -> None:
        code, out, err = triage(*MAKE, "--referrals", "700", "--parts", "3")
        assert (code, err) == (0, "")
        assert out == f"Wrote made/{FOLDER}. It is invented: it describes no real child.\n"
        assert [path.name for path in Path("made").iterdir()] == [FOLDER]
        files = sorted((workplace / "made" / FOLDER).iterdir())
        assert [path.name for path in files] == [f"part-{n:05d}.parquet" for n in range(3)]
        assert [pq.read_metadata(path).num_rows for path in files] == [234, 233, 233]

    def test_the_outcome_does_not_hang_on_the_order_of_the_rows(
        self, triage: Triage, workplace: Path
    ) -> None:
        # Without dirt: which of two referrals keeps an identifier that both bear is told by order.
        assert triage(*MAKE, "--referrals", "3000", "--parts", "1", "--clean")[0] == 0
        table = pq.read_table(workplace / "made" / FOLDER / "part-00000.parquet")
        found = []
        for name, rows in (("sorted", table), ("shuffled", shuffled(table))):
            pq.write_table(rows, f"{name}.parquet")
            call = ("check", f"{name}.parquet", "--as-of", AS_OF, "--window", "all", "--quiet")
            code, out, _ = triage(*map(str, call), "--format", "json")
            assert code == 0
            found.append(json.loads(out) | {"inputs": []})
        assert found[0]["rows"]["judged"] == 3000
        assert len(found[0]["flags"]) > 1000
        assert found[0] == found[1]

    def test_a_blank_cell_is_null_and_read_as_one_left_empty(
        self, triage: Triage, workplace: Path
    ) -> None:
        assert triage(*MAKE, "--referrals", "2000", "--parts", "1")[0] == 0
        table = pq.read_table(workplace / "made" / FOLDER / "part-00000.parquet")
        emptied = {name: pc.fill_null(table[name], "") for name in table.column_names}
        pq.write_table(table, "nulls.parquet")
        pq.write_table(pa.table(emptied), "empty.parquet")
        found = []
        for name in ("nulls", "empty"):
            call = ("check", f"{name}.parquet", "--as-of", AS_OF.isoformat(), "--window", "all")
            code, out, _ = triage(*call, "--quiet", "--format", "json")
            assert code == 0
            found.append(json.loads(out.replace(f"{name}.parquet", "t.parquet")) | {"inputs": []})
        assert found[0]["rows"]["rejected"] > 0
        assert found[0] == found[1]

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            (("--referrals", "6400001"), "give --parts 2 or more"),
            (("--referrals", "64000000"), "give --parts 10 or more"),
            (("--referrals", "64000000", "--parts", "9"), "at most 6,400,000 referrals"),
            (("--referrals", "64000001", "--parts", "100"), "not in the range"),
            (("--referrals", "3", "--parts", "4"), "3 referrals cannot be put into 4 parts"),
            (("--referrals", "9", "--parts", "0"), "not in the range"),
            (("--parts", "2", "--form", "cin"), "--form cin is not written in parts"),
            (("--parts", "2", "--form", "table", "--form", "ssd"), "--form ssd is not written"),
            (("--parts", "2", "--months", "240", "--as-of", "2000-01-01"), "1990 to 2050"),
        ],
    )
    def test_what_cannot_be_made_is_refused_and_nothing_written(
        self, triage: Triage, asked: tuple[str, ...], said: str
    ) -> None:
        code, out, err = triage(*MAKE, *asked)
        assert (code, out) == (2, "")
        assert said in err
        assert not Path("made").exists() or not list(Path("made").iterdir())

    def test_parts_that_are_there_already_are_left_as_they_are(
        self, triage: Triage, workplace: Path
    ) -> None:
        call = (*MAKE, "--referrals", "50", "--parts", "2")
        assert triage(*call)[0] == 0
        before = contents(workplace)
        code, _, err = triage(*call, "--seed", "2")
        assert code == 2
        assert "is there already" in err
        assert contents(workplace) == before

    def test_parts_that_cannot_all_be_written_leave_none(
        self, triage: Triage, workplace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = pq.write_table

        def full(table: pa.Table, path: Path, **asked: object) -> None:
            if path.name == "part-00002.parquet":
                raise OSError(28, "No space left on device")
            write(table, path, **asked)

        monkeypatch.setattr(pq, "write_table", full)
        code, out, err = triage(*MAKE, "--referrals", "50", "--parts", "4")
        assert (code, out) == (2, "")
        assert "No space left on device" in err
        assert list((workplace / "made").iterdir()) == []
