"""From inputs to referrals: one fate a row, one referral a child and day, identifiers, order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.entries import _sorting
from triage.errors import InputError
from triage.pipeline import check_sources
from triage.records import Loaded, load
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options, Run
from triage.sources.grid import row_numbers
from triage.tables import RawTable, Source, encode
from triage.validation import GIVEN

AS_OF = dt.date(2023, 6, 30)
RULES = load_rules(shipped("rules"))
Row = dict[str, str]


def source(*rows: Row, name: str = "records.csv") -> Source:
    """Return a referral table as its reader gives it; every row bears the same columns."""
    columns = {column: encode([row[column] for row in rows]) for column in rows[0]}
    table = RawTable(name, row_numbers(len(rows)), columns)
    return Source(name, "referral table", "", table)


def row(child_id: str, referral_date: str, referral_id: str = "", team: str = "") -> Row:
    return {
        "child_id": child_id,
        "referral_date": referral_date,
        "referral_id": referral_id,
        "team": team,
    }


def loaded(*rows: Row) -> Loaded:
    return load([source(*rows)], AS_OF)


def check(sources: Sequence[Source], window: int | None = 3, as_of: dt.date = AS_OF) -> Run:
    return check_sources(sources, RULES, Options(as_of, window))


def text(result: Loaded, column: str) -> list[str | None]:
    found = result.referrals.column(column)
    return [
        found.names[value] if state == GIVEN else None
        for state, value in zip(found.state.tolist(), found.value.tolist(), strict=True)
    ]


def reused(result: Loaded) -> list[tuple[str, int, str]]:
    return [(p.source, p.row, p.message) for p in result.problems if p.column == "referral_id"]


class TestFates:
    def test_every_row_ends_in_one_and_the_counts_add_up(self) -> None:
        closed = {"nfa": "yes", "closed_on": ""}
        rows = [
            row("", "2023-06-01") | closed,  # rejected
            row("A", "soon") | closed,  # rejected
            row("B", "2023-06-01") | closed,  # judged
            row("B", "2023-06-01") | closed,  # collapsed
            row("C", "2023-07-01") | closed,  # after the date of judgement
            row("D", "2022-01-10") | closed,  # history only
            row("E", "2022-01-10") | {"nfa": "no", "closed_on": ""},  # older, and still open
            row("F", "2022-01-10") | {"nfa": "", "closed_on": ""},  # older, and may be open
        ]
        run = check([source(*rows)])
        assert run.rows == {
            "read": 8,
            "judged": 3,
            "history_only": 1,
            "after_as_of": 1,
            "collapsed": 1,
            "rejected": 2,
        }

    def test_rejection_comes_before_collapsing_and_collapsing_before_the_date(self) -> None:
        later = row("A", "2023-07-01")
        run = check([source(later, later, row("", "2023-07-01"), row("B", "2023-06-01"))])
        counts = run.rows
        assert (counts["rejected"], counts["collapsed"], counts["after_as_of"]) == (1, 1, 1)

    @pytest.mark.parametrize(
        ("referred", "fate"),
        [
            ("2023-06-30T23:59", "judged"),
            ("2023-03-30", "judged"),
            ("2023-03-29", "history_only"),
            ("2023-07-01", "after_as_of"),
        ],
    )
    def test_both_ends_of_the_window_are_judged(self, referred: str, fate: str) -> None:
        anchor = row("Z", "2023-05-01") | {"nfa": "yes"}
        run = check([source(anchor, row("A", referred) | {"nfa": "yes"})])
        expected = {"judged": 1} | {fate: 2 if fate == "judged" else 1}
        assert {name: n for name, n in run.rows.items() if n and name != "read"} == expected

    def test_a_window_of_all_leaves_no_history(self) -> None:
        run = check([source(row("A", "1995-01-01") | {"nfa": "yes"})], window=None)
        assert run.rows["judged"] == 1

    @given(
        st.lists(
            st.builds(
                row,
                st.sampled_from(["A", "B", ""]),
                st.sampled_from(
                    ["2023-06-01", "2023-06-01T09:00", "2020-01-06", "2024-01-01", "x"]
                ),
                st.sampled_from(["R1", "R2", ""]),
                st.sampled_from(["North", ""]),
            ),
            max_size=12,
        )
    )
    def test_the_counts_of_any_table_add_up_to_the_rows_read(self, rows: list[Row]) -> None:
        run = check([source(row("Z", "2023-05-01"), *rows)])
        assert run.rows["read"] == len(rows) + 1
        assert sum(run.rows.values()) == 2 * run.rows["read"]
        for result in run.results:
            assert result.n_flag + result.n_clear + result.n_cannot_tell == run.rows["judged"]

    def test_rejections_number_as_many_as_the_rejected_rows(self) -> None:
        run = check([source(row("", "x"), row("A", "x"), row("B", "2023-06-01"))])
        rejections: list[Any] = run.as_json()["rejections"]
        assert [found["row"] for found in rejections] == [2, 3]
        assert run.rows["rejected"] == 2


class TestSameChildAndDate:
    def test_the_earliest_time_stays(self) -> None:
        result = loaded(
            row("A", "2023-06-01T10:00", "R1", "ten"),
            row("A", "2023-06-01T09:59:59", "R2", "before ten"),
            row("A", "2023-06-01T10:30", "R3", "later"),
        )
        assert result.referrals.ids.tolist() == ["R2"]
        assert text(result, "team") == ["before ten"]
        assert len(result.collapsed_days) == 2

    def test_a_date_alone_is_midnight(self) -> None:
        result = loaded(row("A", "2023-06-01T00:01", "R1"), row("A", "01/06/2023", "R2"))
        assert result.referrals.ids.tolist() == ["R2"]

    def test_of_equal_times_the_first_in_the_input_stays(self) -> None:
        result = loaded(row("A", "2023-06-01", "R2"), row("A", "2023-06-01T00:00", "R1"))
        assert result.referrals.ids.tolist() == ["R2"]

    def test_of_equal_times_the_first_of_the_sources_as_given_stays(self) -> None:
        one = source(row("A", "2023-06-01", "R1"), name="one.csv")
        two = source(row("A", "2023-06-01", "R2"), name="two.csv")
        for sources, kept in (([one, two], "R1"), ([two, one], "R2")):
            assert load(sources, AS_OF).referrals.ids.tolist() == [kept]

    def test_cells_are_not_merged(self) -> None:
        result = loaded(row("A", "2023-06-01", "", ""), row("A", "2023-06-01T09:00", "R1", "North"))
        assert text(result, "team") == [None]

    @pytest.mark.parametrize("other", ["a", "0A", "A B", "A."])
    def test_children_whose_identifiers_differ_at_all_are_not_the_same(self, other: str) -> None:
        result = loaded(row("A", "2023-06-01"), row(other, "2023-06-01"))
        assert len(result.referrals) == 2

    def test_padding_around_an_identifier_does_not_count(self) -> None:
        result = loaded(row("A", "2023-06-01"), row(" A\u00a0", "2023-06-01"))
        assert len(result.referrals) == 1


TYPED_IDS = ["", "R1", "R2", "A/2023-06-01/1", "A/2023-06-01/2"]


class TestIdentifiers:
    def test_are_made_of_child_date_and_number_where_none_was_typed(self) -> None:
        result = loaded(row("007", "01/06/2023 09:30"), row("B", "2023-06-02", " R1 "))
        assert result.referrals.ids.tolist() == ["007/2023-06-01/1", "R1"]
        assert reused(result) == []

    def test_are_made_where_the_extract_carries_none(self) -> None:
        rows = [{"child_id": "A", "referral_date": day} for day in ("2023-06-01", "2023-06-02")]
        result = load([source(*rows)], AS_OF)
        assert result.referrals.ids.tolist() == ["A/2023-06-01/1", "A/2023-06-02/1"]

    def test_take_the_first_number_that_no_typed_one_has(self) -> None:
        result = loaded(
            row("A", "2023-06-01"),
            row("B", "2023-06-01", "A/2023-06-01/1"),
            row("C", "2023-06-01", "A/2023-06-01/2"),
        )
        assert result.referrals.ids.tolist()[0] == "A/2023-06-01/3"

    def test_used_before_for_another_referral_are_replaced_and_listed(self) -> None:
        result = loaded(
            row("A", "2023-06-01", "R1"),
            row("A", "2023-06-20", "R1"),
            row("B", "2023-06-01", "R1"),
        )
        ids = ["R1", "A/2023-06-20/1", "B/2023-06-01/1"]
        assert result.referrals.ids.tolist() == ids
        said = "'R1' was used before for another referral; this one is "
        assert reused(result) == [
            ("records.csv", 3, said + ids[1]),
            ("records.csv", 4, said + ids[2]),
        ]

    def test_belong_to_the_referral_that_used_them_first_in_the_input_not_in_time(self) -> None:
        result = loaded(row("B", "2023-06-20", "R1"), row("A", "2023-06-01", "R1"))
        assert sorted(result.referrals.ids) == ["A/2023-06-01/1", "R1"]
        assert [place for _, place, _ in reused(result)] == [3]

    def test_used_again_in_another_source_name_that_source(self) -> None:
        one = source(row("A", "2023-06-01", "R1"), name="one.csv")
        two = source(row("B", "2023-06-01", "R1"), name="two.csv")
        assert [(name, n) for name, n, _ in reused(load([one, two], AS_OF))] == [("two.csv", 2)]

    def test_of_a_collapsed_duplicate_are_not_used_again(self) -> None:
        result = loaded(row("A", "2023-06-01", "R1"), row("A", "2023-06-01", "R1"))
        assert result.referrals.ids.tolist() == ["R1"]
        assert reused(result) == []

    def test_that_are_long_are_cut_in_the_list(self) -> None:
        long = "R" * 60
        result = loaded(row("A", "2023-06-01", long), row("B", "2023-06-01", long))
        assert reused(result)[0][2].startswith(f"'{'R' * 39}…' was used before")
        assert result.referrals.ids.tolist()[0] == long

    @given(
        st.lists(
            st.tuples(st.sampled_from("ABC"), st.integers(1, 4), st.sampled_from(TYPED_IDS)),
            min_size=1,
            max_size=10,
        )
    )
    def test_are_unique_whatever_was_typed(self, typed: list[tuple[str, int, str]]) -> None:
        result = loaded(*[row(child, f"2023-06-0{day}", given) for child, day, given in typed])
        ids = result.referrals.ids.tolist()
        assert len(set(ids)) == len(ids) == len({(child, day) for child, day, _ in typed})


class TestSourcesThatCannotBeUsed:
    def test_are_those_whose_every_row_is_rejected(self) -> None:
        with pytest.raises(InputError) as caught:
            loaded(row("", "2023-06-01"), row("A", "31/04/2023"))
        assert caught.value.exit_code == 3
        assert "records.csv: every one of its 2 rows had to be rejected" in str(caught.value)
        assert "row 2, child_id: child_id is blank" in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_stop_the_run_beside_sources_that_can(self) -> None:
        good = source(row("A", "2023-06-01"), name="good.csv")
        bad = source(row("", "2023-06-01"), name="bad.csv")
        for sources in ([good, bad], [bad, good]):
            with pytest.raises(InputError, match=r"bad\.csv: every one of its 1 row had"):
                check(sources)

    def test_are_refused_in_one_line_though_the_cell_had_two(self) -> None:
        with pytest.raises(InputError) as caught:
            loaded(row("A", "not\nknown"))
        assert "\n" not in str(caught.value)


def test_a_problem_is_told_in_one_line_though_the_cell_had_two() -> None:
    result = loaded(row("A", "2023-06-01"), row("B", "not\nknown"))
    assert result.problems
    assert not [problem for problem in result.problems if "\n" in problem.message]


DAYS = ("2022-06-01", "2022-06-02", "2023-03-30", "2023-05-26", "2023-06-01", "2023-06-28")
CLOCKS = ("", "T00:00:01", "T09:30", " 23:59")
CELLS = {
    "nfa": ("yes", "no", "", "maybe"),
    "primary_need": ("N1", "N5", "N0", ""),
    "closed_on": ("", "2022-12-01", "2023-05-20", "2023-02-31"),
    "decision_at": ("", "2023-06-05", "2023-05-26T11:00", "2023-06-29"),
    "rationale_length": ("", "12", "300"),
    "risk_rating": ("red", "green", ""),
    "allocated_at": ("", "2023-06-09", "2023-05-30"),
    "icpc_not_required": ("yes", ""),
}


@st.composite
def tables_in_two_orders(draw: st.DrawFn) -> tuple[list[Row], list[Row], int]:
    """Return rows with identifiers of their own, the same in another order, and where to split."""
    moments = st.tuples(
        st.sampled_from(["A", "B", "C"]), st.sampled_from(DAYS), st.sampled_from(CLOCKS)
    )
    rows = [
        {"child_id": child, "referral_date": day + clock, "referral_id": f"R{number}"}
        | {name: draw(st.sampled_from(cells)) for name, cells in CELLS.items()}
        for number, (child, day, clock) in enumerate(
            draw(st.lists(moments, unique=True, min_size=2, max_size=9))
        )
    ]
    return rows, draw(st.permutations(rows)), draw(st.integers(1, len(rows) - 1))


def findings(sources: Sequence[Source]) -> tuple[Any, ...]:
    run = check(sources)
    counts = [
        (r.rule.id, r.n_flag, r.n_clear, r.n_cannot_tell)
        for r in run.results
        if r.rule.id not in OF_ONE_FILE
    ]
    flags = [flag.as_json() for flag in run.flags if flag.rule not in OF_ONE_FILE]
    return run.rows, counts, flags


OF_ONE_FILE = {"DQ-03"}
"""Two census years hold the same episode once each: only a file's own duplicates are a finding."""


class TestOrder:
    @given(tables_in_two_orders())
    def test_of_rows_does_not_matter(self, case: tuple[list[Row], list[Row], int]) -> None:
        rows, shuffled, _ = case
        assert findings([source(*rows)]) == findings([source(*shuffled)])

    @given(tables_in_two_orders())
    def test_of_files_does_not_matter(self, case: tuple[list[Row], list[Row], int]) -> None:
        rows, shuffled, place = case
        one = source(*shuffled[:place], name="one.csv")
        two = source(*shuffled[place:], name="two.csv")
        whole = findings([source(*rows)])
        assert findings([one, two]) == whole
        assert findings([two, one]) == whole


@given(st.lists(st.integers(0, 3), max_size=12), st.sampled_from([1, 10**6, 10**15]))
def test_entries_are_sorted_alike_by_one_number_and_by_several_keys(
    numbers: list[int], times: int
) -> None:
    """Children so many that the keys do not fit into one number are sorted by each in turn."""
    child, day = np.array(numbers, np.int64) * times, np.array(numbers[::-1], np.int32) - 2
    seconds = np.array(numbers, np.int64) % 2 * 86_399
    found = _sorting(child, day, seconds)
    assert found.tolist() == np.lexsort((np.arange(len(child)), seconds, day, child)).tolist()


def test_identifiers_are_the_same_as_places_and_as_strings() -> None:
    found = load(
        [source(row("A", "2023-01-02"), row("B", "2023-01-03", "R1"), row("A", "2023-01-01"))],
        AS_OF,
    ).referrals
    assert found.child_ids.tolist() == ["A", "A", "B"]
    assert found.ids.tolist() == ["A/2023-01-01/1", "A/2023-01-02/1", "R1"]
    assert [found.identifiers[place] for place in found.identity] == found.ids.tolist()
    assert [found.child_names[place] for place in found.child] == found.child_ids.tolist()


def test_a_made_identifier_goes_past_every_one_that_was_typed() -> None:
    taken = [row("B", f"2022-12-{n + 10}", f"A/2023-01-01/{n}") for n in range(1, 13)]
    found = load([source(row("A", "2023-01-01"), *taken)], AS_OF).referrals
    assert found.ids[0] == "A/2023-01-01/13"
