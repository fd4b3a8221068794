"""Records judged partition by partition say what they say when all are judged at once."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from partition_tables import (
    ALL,
    AS_OF,
    RULES,
    WAYS,
    cut_up,
    dirty_rows,
    files,
    partitions_of,
    row,
    same,
    told,
    write,
)

from triage.cluster import check_in_partitions
from triage.errors import InputError
from triage.local_rules import assemble
from triage.pipeline import check
from triage.reading import Reading
from triage.resources import shipped
from triage.run import Options, Run
from triage.sources import pieces


def identifiers(run: Run) -> set[str]:
    return {flag.referral_id for flag in run.flags}


@pytest.mark.parametrize("way", WAYS)
def test_dirty_records_cut_in_any_way_say_the_same_to_the_byte(tmp_path: Path, way: str) -> None:
    run = same(cut_up(dirty_rows(7), way, tmp_path / "cut"), replace(ALL, jobs=2))
    assert run.rows["rejected"] > 2
    assert run.rows["collapsed"] > 2
    assert run.rows["after_as_of"]
    said = [problem.message for problem in run.problems if "used before" in problem.message]
    assert len(said) > 10
    flagged = {flag.rule for flag in run.flags}
    assert {"REF-12", "DEC-13"} <= flagged


@settings(max_examples=5)
@given(
    seed=st.integers(0, 10**6),
    way=st.sampled_from(WAYS),
    rows=st.sampled_from([15, 40, 90]),
    window=st.sampled_from([3, 12, None]),
    history_from=st.sampled_from([None, dt.date(2020, 1, 1), dt.date(2022, 6, 1)]),
    jobs=st.sampled_from([1, 2]),
)
def test_whatever_is_asked_of_records_however_cut_the_same_is_told(
    seed: int, way: str, rows: int, window: int | None, history_from: dt.date | None, jobs: int
) -> None:
    with TemporaryDirectory() as folder:
        cut = cut_up(dirty_rows(seed, 120), way, Path(folder) / "cut", n_files=3)
        same(cut, Options(AS_OF, window, history_from, jobs=jobs), rows)


@settings(max_examples=3)
@given(
    seed=st.integers(0, 10**6),
    left_out=st.lists(
        st.sets(
            st.sampled_from(
                ["referral_id", "household_id", "rationale", "decision_at", "nfa", "closed_on"]
            )
        ),
        min_size=2,
        max_size=2,
    ),
    is_by_child=st.booleans(),
)
def test_columns_that_some_files_lack_are_unknown_there_alone(
    seed: int, left_out: list[set[str]], is_by_child: bool
) -> None:
    rows = dirty_rows(seed, 90)
    if is_by_child:
        rows.sort(key=lambda one: one["child_id"].strip())
    with TemporaryDirectory() as place:
        folder = Path(place) / "cut"
        folder.mkdir()
        write(rows[:45], folder / "a.parquet", left_out[0])
        write(rows[45:], folder / "b.parquet", left_out[1])
        same(folder)


@pytest.mark.parametrize("way", ["by hash", "at random"])
def test_rules_switched_off_ask_for_nothing_outside_a_partition(tmp_path: Path, way: str) -> None:
    rules = assemble(shipped("rules"), off=["REF-12", "DEC-13"])
    run = same(cut_up(dirty_rows(3, 90), way, tmp_path / "cut"), rules=rules)
    assert not {"REF-12", "DEC-13"} & {flag.rule for flag in run.flags}


@pytest.mark.parametrize("way", ["by hash", "at random"])
def test_a_councils_own_words_mean_in_each_partition_what_they_mean(
    tmp_path: Path, way: str
) -> None:
    rows = dirty_rows(4, 90)
    for place, one in enumerate(rows):
        one["referral_source"] = ("Family  hub", "MASH", one["referral_source"])[place % 3]
        one["nfa"] = ("Closed at once", one["nfa"])[place % 2]
    words = {"referral_source": {"family hub": "5D"}, "nfa": {"closed AT once": "true"}}
    cut = cut_up(rows, way, tmp_path / "cut")
    run = same(cut, replace(ALL, reading=Reading(words=words)))
    assert not any("hub" in problem.message for problem in run.problems)


MAPPING = """
[columns."Person no"]
means = "child_id"
[columns."Date in"]
means = "referral_date"
dates = "day-first"
[columns.Ref]
means = "referral_id"
[columns.Household]
means = "household_id"
[columns.Why]
means = "rationale"
[columns.Where]
means = ""
"""


@pytest.mark.parametrize("way", ["by hash", "at random", "by child"])
@pytest.mark.parametrize("is_beside", [True, False])
def test_a_mapping_is_used_for_each_piece_of_a_file(
    tmp_path: Path, way: str, is_beside: bool
) -> None:
    names = {
        "child_id": "Person no",
        "referral_id": "Ref",
        "household_id": "Household",
        "rationale": "Why",
    }
    rows = [
        {
            **{said: one[name] for name, said in names.items()},
            "child_id": one["child_id"],
            "Date in": f"{1 + number % 28:02}/{1 + number % 12:02}/2022",
            "Where": "North",
            "Other": "1",
        }
        for number, one in enumerate(dirty_rows(5, 90))
    ]
    cut = cut_up(rows, way, tmp_path / "cut")
    for path in list(cut.iterdir()):
        table = pq.read_table(path)
        pq.write_table(table.drop_columns(["child_id"]), path, row_group_size=20)
        if is_beside:
            path.with_name(f"{path.stem}.mapping.toml").write_text(MAPPING, "utf-8")
    named = tmp_path / "council.toml"
    named.write_text(MAPPING, "utf-8")
    options = replace(ALL, reading=Reading(mapping=None if is_beside else str(named)))
    names_of_files = sorted(map(str, cut.glob("*.parquet")))
    at_once = told(check(names_of_files, RULES, options), tmp_path)
    with partitions_of(30):
        apart = told(check_in_partitions(names_of_files, RULES, options, None), tmp_path)
    assert apart == at_once
    assert "left out by the mapping: 'Where'" in at_once["json"]


class TestIdentifiers:
    def test_of_two_children_the_first_read_keeps_the_one_that_both_were_given(
        self, tmp_path: Path
    ) -> None:
        folder = files(
            tmp_path / "cut",
            [row("B", referral_id="R1"), row("C", referral_id="R2")],
            [row("A", referral_id="R1"), row("D", referral_id="R2"), row("E", referral_id="R1")],
            [row("F", referral_id="R3")],
        )
        run = same(folder, rows=2)
        assert identifiers(run) == {
            "R1", "R2", "R3", "A/2023-05-02/1", "D/2023-05-02/1", "E/2023-05-02/1",
        }  # fmt: skip

    def test_one_given_first_to_a_row_that_is_rejected_belongs_to_the_next(
        self, tmp_path: Path
    ) -> None:
        folder = files(
            tmp_path / "cut",
            [row("A", "", referral_id="R1"), row("B")],
            [row("C", referral_id="R1"), row("D", referral_id="R1")],
        )
        assert identifiers(same(folder, rows=2)) >= {"R1", "D/2023-05-02/1"}

    def test_one_given_first_to_a_row_that_is_collapsed_belongs_to_its_referral(
        self, tmp_path: Path
    ) -> None:
        folder = files(
            tmp_path / "cut",
            [row("A", referral_id="R0"), row("A", referral_id="R1"), row("B")],
            [row("C", referral_id="R1"), row("D", referral_id="R0")],
        )
        assert identifiers(same(folder, rows=3)) == {
            "R0", "B/2023-05-02/1", "C/2023-05-02/1", "D/2023-05-02/1",
        }  # fmt: skip

    def test_one_that_is_made_differs_from_any_typed_for_another_child_elsewhere(
        self, tmp_path: Path
    ) -> None:
        folder = files(
            tmp_path / "cut",
            [row("A"), row("B/x\ny", referral_id="")],
            [row("C", referral_id="A/2023-05-02/1"), row("D", referral_id="B/x\ny/2023-05-02/1")],
        )
        assert identifiers(same(folder, rows=2)) >= {"A/2023-05-02/2", "B/x\ny/2023-05-02/2"}

    def test_one_that_is_made_differs_from_any_typed_in_a_row_that_is_rejected(
        self, tmp_path: Path
    ) -> None:
        folder = files(
            tmp_path / "cut",
            [row("A"), row("B")],
            [row("C"), row("A", "31/31/2023", referral_id="A/2023-05-02/1")],
        )
        assert "A/2023-05-02/2" in identifiers(same(folder, rows=2))


class TestProblems:
    def test_stand_in_the_order_in_which_they_stand_when_all_is_read_at_once(
        self, tmp_path: Path
    ) -> None:
        odd = "x was used before for another"
        folder = files(
            tmp_path / "cut",
            [
                row("A", referral_id="R1", closed_on=odd, decision_at="soon"),
                row("B", "", nfa=odd),
                row("C", referral_id="#REF!", closed_on="2020-01-01"),
            ],
            [row("D", referral_id="R1", nfa="?"), row("A", referral_id="R9", risk_rating="?")],
        )
        run = same(folder, rows=2)
        assert len(run.problems) == 9

    def test_name_the_row_of_the_file_that_a_piece_was_cut_from(self, tmp_path: Path) -> None:
        rows = [row(f"C{number:03}", team="x") for number in range(60)]
        rows[47]["nfa"] = "?"
        rows[53]["team"] = "long" * 300_000
        folder = tmp_path / "cut"
        folder.mkdir()
        write(rows, folder / "a.parquet", row_group_size=10)
        for call in (
            lambda: check([str(folder)], RULES, ALL),
            lambda: check_in_partitions([str(folder)], RULES, ALL, None),
        ):
            with partitions_of(10), pytest.raises(InputError, match=r"row 55, column 'team'"):
                call()
        rows[53]["team"] = "x"
        write(rows, folder / "a.parquet", row_group_size=10)
        run = same(folder, rows=10)
        assert [problem.row for problem in run.problems] == [49]

    def test_what_is_said_of_columns_is_said_once_for_each_file_dealt_out_or_not(
        self, tmp_path: Path
    ) -> None:
        rows = [row(f"C{number % 7}", f"2023-05-{1 + number:02}", spare="1") for number in range(9)]
        run = same(files(tmp_path / "cut", rows[:5], rows[5:]), rows=3)
        assert [note for note in run.notes if "spare" in note] == [
            "0.parquet: unknown column 'spare' was ignored",
            "1.parquet: unknown column 'spare' was ignored",
        ]


class TestOddPartitions:
    def test_one_of_which_no_row_is_left_is_counted(self, tmp_path: Path) -> None:
        rows = [row("A"), row("B"), row("C", "?"), row("D", "?"), row("E"), row("F")]
        folder = tmp_path / "cut"
        folder.mkdir()
        write(rows, folder / "a.parquet", row_group_size=2)
        assert same(folder, rows=2).rows["rejected"] == 2

    def test_one_of_later_referrals_alone_is_counted(self, tmp_path: Path) -> None:
        folder = files(tmp_path / "cut", [row("A")], [row("B", "2023-07-05")])
        assert same(folder, rows=1).rows["after_as_of"] == 1

    def test_all_later_than_the_date_of_judgement_is_judged_as_nothing(
        self, tmp_path: Path
    ) -> None:
        folder = files(tmp_path / "cut", [row("A", "2023-07-04")], [row("B", "2023-07-05")])
        assert same(folder, rows=1).rows["judged"] == 0

    def test_a_child_typed_with_space_around_is_one_child(self, tmp_path: Path) -> None:
        folder = files(tmp_path / "cut", [row(" A"), row("B")], [row("A ", "2023-06-01")])
        assert same(folder, rows=2).rows["judged"] == 3

    @pytest.mark.parametrize("n_groups", [1, 0])
    def test_groups_without_rows_are_passed_over(self, tmp_path: Path, n_groups: int) -> None:
        folder = tmp_path / "cut"
        folder.mkdir()
        table = pa.table({"child_id": ["A", "B"], "referral_date": ["2023-05-02", "2023-05-03"]})
        with pq.ParquetWriter(folder / "a.parquet", table.schema) as file:
            for _ in range(n_groups):
                file.write_table(table.slice(0, 0))
            file.write_table(table, row_group_size=1)
        assert same(folder, rows=1).rows["judged"] == 2

    @pytest.mark.parametrize(
        "kind",
        [pa.int64(), pa.float64(), pa.dictionary(pa.int32(), pa.string()), pa.large_string()],
    )
    def test_children_may_be_numbered_or_looked_up(self, tmp_path: Path, kind: pa.DataType) -> None:
        folder = tmp_path / "cut"
        folder.mkdir()
        for number, children in enumerate(([1, 2, 10], [2, 3])):
            typed = children if pa.types.is_integer(kind) else map(str, children)
            typed = map(float, children) if pa.types.is_floating(kind) else typed
            days = [dt.date(2023, 5, 1 + child + number) for child in children]
            table = pa.table({"child_id": pa.array(list(typed), kind), "referral_date": days})
            pq.write_table(table, folder / f"{number}.parquet")
        assert same(folder, rows=2).rows["judged"] == 5

    def test_a_piece_in_the_middle_of_a_file_may_go_to_another_partition(
        self, tmp_path: Path
    ) -> None:
        """The rows of a file that stand apart in it are judged as one input."""
        folder = tmp_path / "cut"
        folder.mkdir()
        children = [*"aabbzzccdd"]
        rows = [
            row(child, f"2023-05-{1 + place:02}", rationale="#REF!" if place % 4 else "Seen.")
            for place, child in enumerate(children)
        ]
        write(rows, folder / "0.parquet", row_group_size=2)
        write([row("e")], folder / "1.parquet")
        with partitions_of(8):
            cut = pieces.partitions(pieces.admitted_files([str(folder)]))
        assert [len(one) for one in cut] == [2, 2]
        same(folder, rows=8)
