"""Small numbers: a solver of its own tries to recover from what is shown what is not."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import pytest
from attacker import counts_of, published, recovered, small
from hypothesis import given
from hypothesis import strategies as st

from triage.report.document import (
    HIDDEN,
    Bound,
    Cell,
    Column,
    Count,
    Document,
    Section,
    Share,
    Standing,
    Statistic,
    Sum,
    Table,
    Words,
)
from triage.report.linear import Linked
from triage.report.shown import rest
from triage.report.suppression import hidden

DAY = dt.date(2024, 3, 31)
STANDING = Standing(DAY, DAY, DAY, 1, (), "1", "0", 1, "", "all")
N_TABLES = 1_000
N_BATCHES = 20
Expression: TypeAlias = tuple[dict[str, int], int]
"""Counts that are not known, each times a factor, and a number beside them."""


def document(cells: Iterable[Cell], sums: Iterable[Sum] = (), *more: Section) -> Document:
    table = Table("t", "T", (Column("cell"),), tuple((cell,) for cell in cells))
    return Document("d", "D", "", STANDING, (Section("S", (table,)), *more), tuple(sums))


class Maker:
    """Makes documents at random: tables with totals, tables that share them, shares, parts."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.cells: list[Cell] = []
        self.sums: list[Sum] = []
        self.most = self.chance.choice((1, 5))

    def number(self, weights: Sequence[int]) -> int:
        kind = self.chance.choices((0, 1, 2), weights)[0]
        return (0, self.chance.randint(1, self.most), self.chance.randint(6, 200))[kind]

    def split(self, n: int, size: int) -> list[int]:
        """Split a number into so many, unevenly."""
        cuts = sorted(self.chance.randint(0, n) for _ in range(size - 1))
        return [b - a for a, b in zip([0, *cuts], [*cuts, n], strict=True)]

    def show(self, *counts: Count, often: float = 0.9) -> None:
        self.cells += [count for count in counts if self.chance.random() < often]

    def table(self, name: str, grid: list[list[int]], totals: list[Count] | None) -> list[Count]:
        """Make a table of two ways, with row totals of its own or those of another."""
        size = range(len(grid[0]))
        inner = [
            [Count(f"{name} {i} {j}", n) for j, n in enumerate(row)] for i, row in enumerate(grid)
        ]
        rows = totals or [Count(f"row {i}", sum(row)) for i, row in enumerate(grid)]
        columns = [Count(f"{name} column {j}", sum(row[j] for row in grid)) for j in size]
        whole = Count("all", sum(map(sum, grid)))
        for row, counts in zip(rows, inner, strict=True):
            self.show(*counts)
            self.sums.append(Sum(row, tuple(counts)))
        self.sums += [Sum(columns[j], tuple(row[j] for row in inner)) for j in size]
        self.sums += [Sum(whole, tuple(rows)), Sum(whole, tuple(columns))]
        self.show(*rows, *columns, whole, often=0.95)
        if self.chance.random() < 0.6:
            of_rows, often = self.chance.random() < 0.7, self.chance.random()
            for row, counts in zip(rows, inner, strict=True):
                self.shares(counts, row if of_rows else whole, often)
        if self.chance.random() < 0.4:
            for count in self.chance.choices(inner, k=1)[0]:
                self.nest(count)
        return rows

    def shares(self, parts: Iterable[Count], whole: Count, often: float) -> None:
        for part in parts:
            if self.chance.random() < often:
                self.cells += [Share(part, whole), Bound(part, whole, "low")]

    def nest(self, whole: Count) -> None:
        """Split a count into parts that make it, and count one thing beside that has a share."""
        sizes = self.split(whole.n, self.chance.randint(2, 3))
        parts = [Count(f"{whole.key} of which {k}", n) for k, n in enumerate(sizes)]
        self.sums.append(Sum(whole, tuple(parts)))
        self.show(*parts, often=0.6)
        self.shares(parts, whole, 0.4)
        most = max(0, whole.n - self.chance.randint(0, 6))
        beside = Count(f"{whole.key} in time", self.chance.choice((most, most // 2)))
        self.show(beside, often=0.7)
        self.shares([beside], whole, 0.9)

    def document(self) -> Document:
        rows, columns = self.chance.randint(1, 4), self.chance.randint(2, 4)
        weights = self.chance.choice([(1, 1, 8), (1, 3, 6), (3, 3, 4), (6, 3, 1)])
        grid = [[self.number(weights) for _ in range(columns)] for _ in range(rows)]
        totals = self.table("one", grid, None)
        if self.chance.random() < 0.5:
            width = self.chance.randint(2, 3)
            self.table("two", [self.split(total.n, width) for total in totals], totals)
        return document(self.cells, self.sums)


def simple(grid: Sequence[Sequence[int]], *, with_shares: bool = False) -> Document:
    """Make a table of two ways with totals, all of it shown."""
    maker = Maker(0)
    inner = [[Count(f"{i:03} {j:03}", n) for j, n in enumerate(row)] for i, row in enumerate(grid)]
    rows = [Count(f"row {i:03}", sum(row)) for i, row in enumerate(grid)]
    columns = [Count(f"column {j:03}", sum(ns)) for j, ns in enumerate(zip(*grid, strict=True))]
    whole = Count("all", sum(map(sum, grid)))
    for row, counts in zip(rows, inner, strict=True):
        maker.sums.append(Sum(row, tuple(counts)))
        maker.show(*counts, often=1.1)
        maker.shares(counts, row, 1.1 if with_shares else 0)
    maker.sums += [Sum(one, ns) for one, ns in zip(columns, zip(*inner, strict=True), strict=True)]
    maker.sums += [Sum(whole, tuple(rows)), Sum(whole, tuple(columns))]
    maker.show(*rows, *columns, whole, often=1.1)
    return document(maker.cells, maker.sums)


def drawn(seed: int, rows: int, columns: int, mean: float) -> list[list[int]]:
    chance = random.Random(seed)
    return [[int(chance.expovariate(1 / mean)) for _ in range(columns)] for _ in range(rows)]


@pytest.mark.parametrize("batch", range(N_BATCHES))
def test_nothing_hidden_can_be_recovered_from_a_thousand_random_tables(batch: int) -> None:
    for seed in range(batch, N_TABLES, N_BATCHES):
        made = Maker(seed).document()
        assert recovered(made) == {}, f"in the table of seed {seed}"


def test_small_counts_alone_left_out_could_be_recovered_from_most_of_them() -> None:
    """So the solver is one that finds what can be found."""
    found = []
    for seed in range(100):
        made = Maker(seed).document()
        truth = counts_of(made)
        if keys := small(made):
            values = recovered(made, keys)
            assert all(truth[key] == n for key, n in values.items()), f"of seed {seed}"
            found.append(bool(values))
    assert len(found) > 50
    assert sum(found) / len(found) > 0.7


@given(st.lists(st.lists(st.integers(0, 12), min_size=2, max_size=2), min_size=1, max_size=3))
def test_nothing_can_be_recovered_from_any_small_table_with_shares(grid: list[list[int]]) -> None:
    assert recovered(simple(grid, with_shares=True)) == {}


def test_without_small_counts_nothing_is_hidden() -> None:
    assert hidden(simple([[6, 20, 0], [31, 0, 9]], with_shares=True)) == frozenset()
    assert hidden(document(["a text", DAY, None, Statistic(3.0)])) == frozenset()


@pytest.mark.parametrize("n", [1, 5])
def test_counts_from_1_to_5_are_hidden(n: int) -> None:
    assert hidden(document([Count("a", n), Count("b", 6), Count("c", 0)])) == {"a"}


def test_zeros_are_shown() -> None:
    made = simple([[0, 3, 40], [0, 7, 50], [0, 0, 60]], with_shares=True)
    assert not hidden(made) & {key for key, n in counts_of(made).items() if not n}


def test_the_smallest_other_part_is_hidden_beside_a_small_one_and_not_the_whole() -> None:
    parts = tuple(Count(key, n) for key, n in (("a", 3), ("b", 90), ("c", 8), ("d", 0)))
    made = document([*parts, Count("all", 101)], [Sum(Count("all", 101), parts)])
    assert hidden(made) == {"a", "c"}


def test_equal_parts_are_chosen_by_their_keys() -> None:
    parts = tuple(Count(key, n) for key, n in (("d", 9), ("c", 9), ("b", 9), ("a", 3)))
    made = document([*parts, Count("all", 30)], [Sum(Count("all", 30), parts)])
    assert hidden(made) == {"a", "b"}


def test_two_hidden_counts_that_add_up_to_2_are_known_so_their_whole_is_hidden_too() -> None:
    parts = (Count("a", 1), Count("b", 1), Count("c", 30))
    whole = Count("all", 32)
    assert recovered(document([*parts, whole], [Sum(whole, parts)]), {"a", "b"}) == {"a": 1, "b": 1}
    assert hidden(document([*parts, whole], [Sum(whole, parts)])) == {"a", "b", "c"}


def test_two_hidden_counts_that_add_up_to_3_are_not_known() -> None:
    parts = (Count("a", 1), Count("b", 2), Count("c", 30))
    whole = Count("all", 33)
    assert hidden(document([*parts, whole], [Sum(whole, parts)])) == {"a", "b"}


def test_a_share_that_tells_a_small_rest_is_hidden_and_its_part_or_whole_with_it() -> None:
    part, whole = Count("in time", 47), Count("all", 50)
    made = document([part, whole, Share(part, whole), Bound(part, whole, "high")])
    assert hidden(made) == {"in time", rest(part, whole).key}
    values = [row[0] for table in published(made).document.tables() for row in table.rows]
    assert [published(made).value(cell) for cell in values] == [HIDDEN, 50, HIDDEN, HIDDEN]
    assert recovered(made, {rest(part, whole).key}) == {rest(part, whole).key: 3}


def test_a_part_that_is_shown_nowhere_is_protected_as_well() -> None:
    parts = (Count("shown", 40), Count("not shown", 2))
    made = document([parts[0], Count("all", 42)], [Sum(Count("all", 42), parts)])
    assert hidden(made) == {"shown", "not shown"}


def test_parts_that_are_shown_nowhere_protect_without_cost() -> None:
    parts = (Count("a", 2), Count("shown", 40), Count("not shown", 70))
    made = document([*parts[:2], Count("all", 112)], [Sum(Count("all", 112), parts)])
    assert published(made).hidden >= {"a"}
    assert not published(made).hidden & {"shown", "all"}


def test_counts_in_a_sentence_and_of_a_statistic_are_hidden_as_in_a_table() -> None:
    few, many = Count("few", 4), Count("many", 9)
    made = document(["x"], (), Section("T", (Words("{} and {}", (few, Statistic(2.0, (many,)))),)))
    assert hidden(made) == {"few"}
    beside = document([many], [Sum(Count("all", 13), (few, many))], *made.sections[1:])
    assert hidden(document([*beside.cells(), Count("all", 13)], beside.sums)) >= {"few", "many"}


def test_what_stands_in_an_annex_only_is_left_out() -> None:
    annex = Section("A", (Words("{}", (Count("a", 2),)),), is_annex=True)
    assert hidden(document([Count("b", 7)], (), annex)) == frozenset()


@pytest.mark.parametrize(
    ("cells", "sums", "words"),
    [
        ([Count("a", 7), Count("a", 8)], [], "a is both 7 and 8"),
        ([Share(Count("a", 7), Count("b", 9)), Count("b", 8)], [], "b is both 9 and 8"),
        ([Count("a", 7)], [Sum(Count("all", 9), (Count("a", 8),))], "a is both 7 and 8"),
        ([], [Sum(Count("all", 9), (Count("a", 8),))], "all is 9, but its parts make 8"),
        ([Count("a", -1)], [], "a is -1"),
        ([Share(Count("a", 9), Count("b", 8))], [], "b without a is -1"),
    ],
)
def test_counts_that_contradict_each_other_are_an_error_that_names_them(
    cells: list[Cell], sums: list[Sum], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        hidden(document(cells, sums))


def test_a_count_of_the_annex_that_contradicts_another_is_an_error_as_well() -> None:
    annex = Section("A", (Words("{}", (Count("a", 2),)),), is_annex=True)
    with pytest.raises(ValueError, match="a is both"):
        hidden(document([Count("a", 7)], (), annex))


@pytest.mark.parametrize("seed", range(20))
def test_what_is_hidden_does_not_hang_on_the_order_of_the_document(seed: int) -> None:
    made = Maker(seed).document()
    chance = random.Random(seed)
    cells, sums = (
        list(made.cells()),
        [Sum(one.whole, tuple(chance.sample(one.parts, len(one.parts)))) for one in made.sums],
    )
    chance.shuffle(cells)
    chance.shuffle(sums)
    assert hidden(document(cells, sums)) == hidden(made) == hidden(made)


@pytest.mark.parametrize("seed", range(5))
def test_of_an_ordinary_table_most_is_shown(seed: int) -> None:
    """Of 12 rows and 6 columns with 40 in a cell on average; about one in nine is small."""
    made = simple(drawn(seed, 12, 6, 40), with_shares=True)
    counts = {cell.key for cell in made.cells() if isinstance(cell, Count)}
    n_small = len(small(made) & counts)
    n_hidden = len(hidden(made) & counts)
    assert 0 < n_small < n_hidden < 0.3 * len(counts)
    assert n_hidden <= 4 * n_small, "three others make a rectangle with one"
    assert "all" not in hidden(made)


def test_nothing_is_hidden_beside_small_counts_that_protect_each_other() -> None:
    made = simple([[3, 2, 40], [4, 5, 50], [60, 70, 80]])
    assert hidden(made) == small(made)


def test_a_part_that_stands_three_times_in_its_whole_is_hidden_with_it() -> None:
    """So the smallest change of the whole is by 3, which is farther than most that are tried."""
    part, whole = Count("a", 3), Count("all", 9)
    assert hidden(document([part, whole], [Sum(whole, (part,) * 3)])) == {"a", "all"}


def test_a_change_is_found_however_many_sums_it_has_to_go_through() -> None:
    equal = [{place: 1, place + 1: -1} for place in range(40)]
    change = Linked(np.full(41, 3), equal).least_change(0, np.ones(41))
    assert abs(change).tolist() == [1] * 41


def test_a_large_document_takes_less_than_two_seconds_of_work() -> None:
    """Forty tables of 91 counts each, with 801 sums and 2,880 shares."""
    cells: list[Cell] = []
    sums: list[Sum] = []
    for number in range(40):
        made = simple(drawn(number, 12, 6, 40), with_shares=True)
        renamed = {key: Count(f"{number} {key}", n) for key, n in counts_of(made).items()}
        for cell in made.cells():
            if isinstance(cell, Count):
                cells.append(renamed[cell.key])
            elif isinstance(cell, Share):
                cells.append(Share(renamed[cell.part.key], renamed[cell.whole.key]))
        sums += [
            Sum(renamed[one.whole.key], tuple(renamed[part.key] for part in one.parts))
            for one in made.sums
        ]
    wholes = tuple(cell for cell in cells if isinstance(cell, Count) and "all" in cell.key)
    sums.append(Sum(Count("everybody", sum(count.n for count in wholes)), wholes))
    hidden(simple([[3, 9], [9, 9]]))
    begun = time.process_time()
    found = hidden(document(cells, sums))
    assert time.process_time() - begun < 2
    assert found
