"""One schema: what the validation of whole columns finds is what the model says of each row."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from triage import vocabulary as v
from triage.calendar import BIRTHS_FROM, to_date
from triage.schema import ORDER_CHECKS, REFERRAL_COLUMNS, ReferralRecord
from triage.schema_nights import STORE_COLUMNS
from triage.tables import LOST, Problem, RawColumn, RawTable, encode
from triage.validation import (
    ABSENT,
    BLANK,
    GIVEN,
    UNREADABLE,
    Column,
    ValidTable,
    read_distinct,
    validate,
)

Row = dict[str, str]
COLUMNS = {name: spec for name, spec in REFERRAL_COLUMNS.items() if name not in STORE_COLUMNS}
REQUIRED = ("child_id", "referral_date")

MOMENTS = ("2022-05-09", "2022-05-10T09:30", "10/05/2022", "11/05/2022 17:45",
           "2022-05-08 23:59:59", "1990-01-01", "2050-12-31")  # fmt: skip
BAD_MOMENTS = ("2022-02-31", "05/13/2022", "2022-1-5", "1989-12-31", "2051-01-01", "maybe")
BIRTHS = ("2014-07-01", "01/07/2014", "1900-01-01", "2050-12-31")
BAD_BIRTHS = ("1899-12-31", "2014-02-30", "July 2014")
FLAGS = ("yes", "NO", "t", "F", "1", "0", "True", "false")
TEXTS = ("007", "Duty, North", "NA", "2022-02-31", "é")
anything = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\u00a0"), max_size=50
)


def cells_of(column: str) -> st.SearchStrategy[str]:
    """Return cells of a column: valid, blank, padded, unreadable or any text."""
    reads = COLUMNS[column].reads
    codes = tuple(cased for code in reads.codes for cased in (code, code.lower(), code.upper()))
    usual: dict[str, tuple[str, ...]] = {
        "event": (*MOMENTS, *BAD_MOMENTS),
        "birth": (*BIRTHS, *BAD_BIRTHS),
        "flag": (*FLAGS, "maybe", "2"),
        "number": ("0", "29", "30.0", "-1", "3.5", "lots"),
        "code": (*codes, "none of these", "3.0"),
        "codes": (*codes, "2A;3b", "1A; 99Z"),
        "text": TEXTS,
    }
    likely = st.sampled_from(usual[reads.kind])
    padded = st.builds(lambda left, cell: f"{left}{cell} ", st.sampled_from(["\t", "  "]), likely)
    return st.one_of(likely, likely, padded, st.sampled_from(["", "  ", "\u00a0"]), anything)


rows_of_cells = st.lists(
    st.fixed_dictionaries({name: cells_of(name) for name in COLUMNS}), min_size=1, max_size=4
)


def table(*rows: Row, source: str = "records.csv") -> RawTable:
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: encode([row.get(name, "") for row in rows]) for name in names}
    return RawTable(source, np.arange(2, len(rows) + 2), columns)


def row(**cells: str) -> Row:
    return {"child_id": "C1", "referral_date": "2022-05-09"} | cells


def of_kind(found: ValidTable, kind: str) -> list[Problem]:
    return [problem for problem in found.problems if problem.kind == kind]


def by_model(cells: Row) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of the cells that the model reads, and what it says of the others."""
    try:
        return dict(ReferralRecord.model_validate(cells)), {}
    except ValidationError as error:
        said = {str(found["loc"][0]): found["msg"] for found in error.errors()}
    stand_in = {name: "2022-05-09" for name in REQUIRED if name in said}
    readable = {name: cell for name, cell in cells.items() if name not in said}
    values = dict(ReferralRecord.model_validate(readable | stand_in))
    return {name: None if name in said else value for name, value in values.items()}, said


def value_of(name: str, column: Column, place: int) -> Any:
    """Return a validated cell as the model would hold it."""
    if column.state[place] != GIVEN:
        return None
    value = int(column.value[place])
    match COLUMNS[name].kind:
        case "event":
            assert column.seconds is not None
            clock = dt.timedelta(seconds=int(column.seconds[place]))
            return dt.datetime.combine(to_date(value), dt.time()) + clock
        case "birth":
            return to_date(value)
        case "flag":
            return bool(value)
        case "number":
            return value
        case "codes":
            return tuple(code for code in column.names[value].split(";") if code)
    return column.names[value]


class TestOneSchema:
    @given(rows_of_cells)
    def test_every_value_is_the_one_the_model_reads(self, rows: list[Row]) -> None:
        found = validate(table(*rows))
        for place, cells in enumerate(rows):
            values, said = by_model(cells)
            for name in COLUMNS:
                column, value = found.columns[name], values[name]
                if COLUMNS[name].kind == "birth" and value is not None:
                    value = value.date()
                assert value_of(name, column, place) == value, name
                is_blank = not cells[name].strip()
                assert (column.state[place] == BLANK) == is_blank, name
                assert (column.state[place] == UNREADABLE) == (name in said and not is_blank), name

    @given(rows_of_cells)
    def test_every_problem_is_what_the_model_says(self, rows: list[Row]) -> None:
        found = validate(table(*rows))
        expected = {
            (number, name, message)
            for number, cells in enumerate(rows, start=2)
            for name, message in by_model(cells)[1].items()
            if cells[name].strip()
        }
        problems = of_kind(found, "problem")
        assert {(p.row, p.column, p.message) for p in problems} == expected
        assert len(problems) == len(expected)

    @given(rows_of_cells)
    def test_a_row_is_rejected_where_the_model_lacks_a_required_cell(self, rows: list[Row]) -> None:
        found = validate(table(*rows), rejects=True)
        expected = [
            number
            for number, cells in enumerate(rows, start=2)
            if not set(REQUIRED).isdisjoint(by_model(cells)[1])
        ]
        assert [problem.row for problem in of_kind(found, "rejected")] == expected

    @given(rows_of_cells)
    def test_the_queries_are_those_of_the_model(self, rows: list[Row]) -> None:
        found = validate(table(*rows))
        expected = sorted(
            (number, sentence)
            for number, cells in enumerate(rows, start=2)
            for sentence in ReferralRecord.model_construct(**by_model(cells)[0]).queries()
        )
        assert sorted((p.row, p.check) for p in of_kind(found, "query")) == expected


class TestRejections:
    def test_name_both_reasons_in_one_line(self) -> None:
        found = validate(table(row(), row(child_id=" ", referral_date="31/04/2022")), rejects=True)
        assert of_kind(found, "rejected") == [
            Problem(
                "rejected",
                "records.csv",
                3,
                "child_id",
                "child_id is blank; '31/04/2022' is not a date that exists; "
                "write YYYY-MM-DD, YYYY-MM-DDTHH:MM or DD/MM/YYYY",
            )
        ]

    @pytest.mark.parametrize("column", REQUIRED)
    def test_say_which_required_cell_is_blank(self, column: str) -> None:
        found = validate(table(row(**{column: ""})), rejects=True)
        assert [(p.column, p.message) for p in found.problems] == [(column, f"{column} is blank")]

    def test_say_that_a_row_was_cut_short(self) -> None:
        lost = RawColumn(np.zeros(1, np.int32), [LOST])
        raw = table(row())
        cut_short = RawTable("t", raw.rows, raw.columns | {"referral_date": lost})
        found = validate(cut_short, rejects=True)
        assert [p.message for p in found.problems] == ["the row is cut short"]

    def test_are_not_made_of_other_cells_that_cannot_be_read(self) -> None:
        found = validate(table(row(closed_on="2022-02-31", nfa="maybe", team="")), rejects=True)
        assert of_kind(found, "rejected") == []
        assert len(of_kind(found, "problem")) == 2

    def test_leave_the_other_cells_problems_listed(self) -> None:
        found = validate(table(row(child_id="", risk_rating="purple")), rejects=True)
        assert [p.column for p in of_kind(found, "problem")] == ["risk_rating"]


class TestProblems:
    def test_name_source_row_column_and_what_was_typed(self) -> None:
        found = validate(table(row(), row(nfa="maybe"), row(), source="extracts/records.csv"))
        assert found.problems == (
            Problem(
                "problem",
                "extracts/records.csv",
                3,
                "nfa",
                "'maybe' is neither true nor false; write true or false, yes or no, 1 or 0",
            ),
        )

    def test_are_listed_for_every_row_with_the_same_cell(self) -> None:
        found = validate(table(*[row(closed_on="2022-02-31")] * 3))
        assert [(p.row, p.column) for p in found.problems] == [(n, "closed_on") for n in (2, 3, 4)]

    def test_of_one_row_are_all_listed(self) -> None:
        bad = {"nfa": "maybe", "risk_rating": "purple", "icpc_on": "soon", "threshold_level": "5"}
        found = validate(table(row(**bad)))
        assert {problem.column for problem in found.problems} == set(bad)

    @pytest.mark.parametrize(
        "column", [name for name, spec in COLUMNS.items() if spec.kind != "text"]
    )
    def test_cut_what_was_typed_at_40_characters(self, column: str) -> None:
        typed = "x" * 20 + "y" * 30
        (problem,) = validate(table(row(**{column: typed}))).problems
        assert f"'{v.cut(typed)}'" in problem.message
        assert len(v.cut(typed)) == 40
        assert "y" * 20 not in problem.message

    def test_of_unreadable_event_dates_leave_them_neither_blank_nor_given(self) -> None:
        found = validate(table(row(closed_on="2022-02-31"), row(closed_on="")))
        assert found.columns["closed_on"].state.tolist() == [UNREADABLE, BLANK]

    def test_are_not_made_of_a_column_the_extract_does_not_carry(self) -> None:
        found = validate(table(row()))
        assert found.problems == ()
        assert found.column("closed_on").state.tolist() == [ABSENT]

    def test_are_not_made_of_columns_that_do_not_count_in_the_table(self) -> None:
        found = validate(table(row(nfa="maybe", team="x")), ("child_id", "team"))
        assert found.problems == ()
        assert set(found.columns) == {"child_id", "team"}


class TestQueries:
    @pytest.mark.parametrize("check", ORDER_CHECKS, ids=lambda check: check.after)
    def test_are_made_where_a_date_lies_before_the_one_it_follows(self, check: Any) -> None:
        dates = {check.before: "2022-05-09", check.after: "2022-05-08T23:59"}
        found = validate(table(row() | dates))
        assert (check.after, check.sentence) in {
            (problem.column, problem.check) for problem in of_kind(found, "query")
        }

    def test_say_what_was_typed_in_both_cells(self) -> None:
        dates = {"referral_date": "03/05/2021", "closed_on": "2020-01-01T09:30"}
        (found,) = of_kind(validate(table(row(), row() | dates)), "query")
        assert (found.row, found.column) == (3, "closed_on")
        assert found.message == (
            "closed_on '2020-01-01T09:30' is before referral_date '03/05/2021' (census rule 8630)"
        )
        assert found.check == "closed_on is before referral_date (census rule 8630)"

    def test_are_made_of_each_row_with_its_own_dates(self) -> None:
        rows = [row(referral_date="2022-05-03", closed_on=f"2022-05-0{day}") for day in (1, 5, 2)]
        assert [(p.row, p.message) for p in of_kind(validate(table(*rows)), "query")] == [
            (number, f"closed_on '{day}' is before referral_date '2022-05-03' (census rule 8630)")
            for number, day in ((2, "2022-05-01"), (4, "2022-05-02"))
        ]

    @pytest.mark.parametrize("check", ORDER_CHECKS, ids=lambda check: check.after)
    def test_are_not_made_on_the_same_day_whatever_the_time(self, check: Any) -> None:
        dates = {check.before: "2022-05-09T17:00", check.after: "2022-05-09"}
        assert of_kind(validate(table(row() | dates)), "query") == []


class TestReferralDatesOutOfTheCalendar:
    def test_are_judged_and_listed_where_the_source_is_read_tolerantly(self) -> None:
        raw = table(row(referral_date="1970-10-06"))
        found = validate(raw, rejects=True, earliest_referral=BIRTHS_FROM)
        assert found.columns["referral_date"].state.tolist() == [GIVEN]
        assert [(p.kind, p.column, p.message) for p in found.problems] == [
            (
                "problem",
                "referral_date",
                "'1970-10-06' lies before 1990; the referral is judged as typed",
            )
        ]

    def test_are_rejected_elsewhere(self) -> None:
        found = validate(table(row(referral_date="1970-10-06")), rejects=True)
        assert [p.message for p in of_kind(found, "rejected")] == [
            "'1970-10-06' lies outside 1990 to 2050"
        ]


NAMES = ["7", "8", "#N/A", "#n/a", "", "a formula without a value", "\u017f"]


@given(st.lists(st.sampled_from(NAMES), max_size=9))
def test_texts_held_by_arrow_are_read_as_those_held_by_python(cells: list[str]) -> None:
    """Those held by Python may stand twice, as after a change of what was typed."""
    held = encode(cells)
    twice = RawColumn(np.arange(len(cells), dtype=np.int32), cells)
    spec = COLUMNS["team"]
    for column in (held, twice):
        found = read_distinct(spec, column, None)
        for cell, code in zip(cells, column.codes.tolist(), strict=True):
            is_error = cell.upper() in v.SPREADSHEET_ERRORS
            state = UNREADABLE if is_error else GIVEN if cell else BLANK
            assert found.state[code] == state
            assert (code in found.messages) == is_error
            assert found.names[found.value[code]] == cell


def test_an_error_of_a_spreadsheet_is_known_in_any_case_that_capitals_make_of_it() -> None:
    found = read_distinct(COLUMNS["team"], encode(["#\u017fpill!", "#spill!", "\u017fpill"]), None)
    assert found.state.tolist() == [UNREADABLE, UNREADABLE, GIVEN]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(-(10**6), 10**6)), min_size=1, max_size=5),
    st.lists(st.integers(0, 99), max_size=12),
    st.lists(st.integers(0, 99), max_size=12),
    st.sampled_from([1, 100, 40_000]),
)
def test_a_column_of_distinct_cells_is_what_it_is_cell_by_cell(
    cells: list[tuple[int, int]], codes: list[int], rows: list[int], times: int
) -> None:
    """However many distinct cells there are, so in however few bytes their places are held."""
    state, value = (np.array(part) for part in zip(*cells * times, strict=True))
    column = Column(state.astype(np.uint8), value, ("a",), value.astype(np.int32))
    places = np.array(codes, np.int32) * 7_919 % len(state)
    taken = np.array(rows if codes else [], np.int64) % max(len(codes), 1)
    held = column.spread_over(places)
    for found, where in (
        (held, places),
        (held.take(taken), places[taken]),
        (held.take(taken).take(np.arange(len(taken))[::-1]), places[taken][::-1]),
        (replace(held, state=held.state), places),
    ):
        assert found.state.tolist() == state[where].tolist()
        assert found.value.tolist() == value[where].tolist()
        assert found.seconds is not None
        assert found.seconds.tolist() == value[where].tolist()
        assert (found.state.dtype, found.value.dtype) == (np.uint8, np.int64)
    assert held.take(taken).names == ("a",)
