"""How one typed cell is read: dates, true and false, codes, whole numbers and factors."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from triage import vocabulary as v
from triage.calendar import BIRTHS_FROM, EVENTS_FROM, to_day
from triage.cells import LARGEST_NUMBER, read_moment
from triage.schema import COLUMNS, cell_reader
from triage.screening import screen_moments


def read(column: str, cell: str) -> Any:
    return cell_reader(column)(cell)


def refusal(column: str, cell: str) -> str:
    """Return the sentence with which a cell is refused."""
    with pytest.raises(ValueError) as caught:
        read(column, cell)
    return str(caught.value)


def any_case(word: str) -> tuple[str, ...]:
    return word.lower(), word.upper(), word.title()


class TestDates:
    @pytest.mark.parametrize(
        ("cell", "moment"),
        [
            ("2022-10-06", dt.datetime(2022, 10, 6)),
            ("06/10/2022", dt.datetime(2022, 10, 6)),  # 6 October, never 10 June
            ("13/01/2022", dt.datetime(2022, 1, 13)),
            ("2022-10-06T09:05", dt.datetime(2022, 10, 6, 9, 5)),
            ("2022-10-06 09:05", dt.datetime(2022, 10, 6, 9, 5)),
            ("2022-10-06T09:05:59", dt.datetime(2022, 10, 6, 9, 5, 59)),
            ("2022-10-06 23:59:59", dt.datetime(2022, 10, 6, 23, 59, 59)),
            ("06/10/2022 09:05", dt.datetime(2022, 10, 6, 9, 5)),
            ("2022-10-06T00:00", dt.datetime(2022, 10, 6)),
            ("  2022-10-06\t", dt.datetime(2022, 10, 6)),
            ("2024-02-29", dt.datetime(2024, 2, 29)),
            ("29/02/2024", dt.datetime(2024, 2, 29)),
            ("1990-01-01", dt.datetime(1990, 1, 1)),
            ("31/12/2050 23:59", dt.datetime(2050, 12, 31, 23, 59)),
        ],
    )
    def test_are_read_in_every_form_of_the_contract(self, cell: str, moment: dt.datetime) -> None:
        assert read("referral_date", cell) == moment

    @pytest.mark.parametrize(
        "cell",
        [
            "10/13/2022",  # month first
            "2022-13-10",
            "2022-02-31",
            "2023-02-29",
            "31/04/2022",
            "00/10/2022",
            "2022-00-10",
            "2022-10-00",
            "0000-01-01",
            "2022-10-06T24:00",
            "2022-10-06T23:60",
            "2022-10-06T23:59:60",
            "06/10/2022 24:00",
        ],
    )
    def test_that_do_not_exist_are_refused(self, cell: str) -> None:
        assert refusal("referral_date", cell).startswith(f"'{cell}' is not a date that exists")

    @pytest.mark.parametrize(
        "cell",
        [
            "2022-1-5",
            "5/1/2022",
            "06/10/22",
            "06-10-2022",
            "06.10.2022",
            "2022/10/06",
            "20221006",
            "44840",
            "6 October 2022",
            "2022-10",
            "06/10/2022 09:05:30",  # seconds with day first
            "06/10/2022T09:05",
            "2022-10-06t09:05",
            "2022-10-06  09:05",
            "2022-10-06T9:05",
            "2022-10-06T09",
            "2022-10-06T09:05Z",
            "2022-10-06T09:05+01:00",
            "2022-10-06T09:05:30.000",
            "٢٠٢٢-١٠-٠٦",
            "maybe",
            "N/A",
        ],
    )
    def test_in_any_other_form_are_refused_and_not_guessed(self, cell: str) -> None:
        said = refusal("referral_date", cell)
        assert said.startswith(f"'{cell}' is not a date in a form that is read; write YYYY-MM-DD")

    @pytest.mark.parametrize("cell", ["1889-05-01", "31/12/1989", "2051-01-01", "01/01/2051"])
    def test_outside_1990_to_2050_are_refused(self, cell: str) -> None:
        assert refusal("closed_on", cell) == f"'{cell}' lies outside 1990 to 2050"

    @pytest.mark.parametrize("column", ["date_of_birth", "expected_date_of_birth"])
    def test_of_birth_are_read_from_1900(self, column: str) -> None:
        assert read(column, "1900-01-01") == dt.datetime(1900, 1, 1)
        assert read(column, "31/12/1989") == dt.datetime(1989, 12, 31)
        assert refusal(column, "1899-12-31") == "'1899-12-31' lies outside 1900 to 2050"
        assert refusal(column, "2051-01-01") == "'2051-01-01' lies outside 1900 to 2050"

    @pytest.mark.parametrize("column", [name for name, s in COLUMNS.items() if s.kind == "event"])
    def test_of_every_event_are_read_alike(self, column: str) -> None:
        assert read(column, "06/10/2022 09:05") == dt.datetime(2022, 10, 6, 9, 5)
        assert "lies outside 1990 to 2050" in refusal(column, "1989-12-31")


class TestTrueAndFalse:
    @pytest.mark.parametrize("word", ["true", "1", "yes", "y", "t"])
    def test_words_for_true_are_read_in_any_case(self, word: str) -> None:
        assert [read("nfa", cell) for cell in any_case(word)] == [True] * 3

    @pytest.mark.parametrize("word", ["false", "0", "no", "n", "f"])
    def test_words_for_false_are_read_in_any_case(self, word: str) -> None:
        assert [read("nfa", cell) for cell in any_case(word)] == [False] * 3

    @pytest.mark.parametrize("cell", ["maybe", "2", "-1", "01", "yep", "on", "off", "N/A", "null"])
    def test_other_words_are_refused(self, cell: str) -> None:
        assert refusal("nfa", cell).startswith(f"'{cell}' is neither true nor false")


class TestCodes:
    @pytest.mark.parametrize(
        ("column", "codes"),
        [
            ("referral_source", tuple(v.REFERRAL_SOURCES)),
            ("primary_need", tuple(v.PRIMARY_NEEDS)),
            ("closure_reason", tuple(v.CLOSURE_REASONS)),
            ("decision_outcome", v.DECISION_OUTCOMES),
            ("risk_rating", v.RISK_RATINGS),
            ("threshold_level", ("1", "2", "3", "4")),
        ],
    )
    def test_are_read_in_any_case(self, column: str, codes: tuple[str, ...]) -> None:
        for code in codes:
            assert {read(column, f" {cell} ") for cell in any_case(code)} == {code}

    @pytest.mark.parametrize(
        ("column", "cell"),
        [
            ("referral_source", "2C"),
            ("referral_source", "11"),
            ("primary_need", "N10"),
            ("primary_need", "1"),
            ("closure_reason", "RC0"),
            ("closure_reason", "RC10"),
            ("decision_outcome", "early help"),
            ("risk_rating", "purple"),
            ("risk_rating", "r"),
            ("threshold_level", "0"),
            ("threshold_level", "5"),
            ("threshold_level", "1.5"),
        ],
    )
    def test_outside_the_list_are_refused_and_the_list_is_told(
        self, column: str, cell: str
    ) -> None:
        listed = ", ".join(COLUMNS[column].reads.codes)
        assert refusal(column, cell) == f"'{cell}' is not in the list {listed}"

    def test_that_a_spreadsheet_made_a_number_are_read(self) -> None:
        assert read("threshold_level", "3.0") == "3"
        assert read("referral_source", "10.0") == "10"


class TestFactors:
    @pytest.mark.parametrize(
        ("cell", "factors"),
        [
            ("2A", ("2A",)),
            ("2a;3B", ("2A", "3B")),
            (" 2A ; 18c;; 24A;", ("2A", "18C", "24A")),
        ],
    )
    def test_are_census_codes_split_by_semicolons(self, cell: str, factors: Any) -> None:
        assert read("assessment_factors", cell) == factors

    @pytest.mark.parametrize(("cell", "bad"), [("8A", "8A"), ("1A;99Z", "99Z"), ("1A,2B", "1A,2B")])
    def test_outside_the_list_are_refused_by_name(self, cell: str, bad: str) -> None:
        assert refusal("assessment_factors", cell).startswith(f"'{bad}' is not in the list")


class TestWholeNumbers:
    @pytest.mark.parametrize(
        ("cell", "number"),
        [("0", 0), ("007", 7), ("240", 240), ("31.0", 31), (str(LARGEST_NUMBER), LARGEST_NUMBER)],
    )
    def test_are_read(self, cell: str, number: int) -> None:
        assert read("rationale_length", cell) == number

    @pytest.mark.parametrize(
        "cell", ["-1", "+1", "3.5", "1e3", "1,200", "lots", "٣", "1" * 400, str(LARGEST_NUMBER + 1)]
    )
    def test_anything_else_is_refused(self, cell: str) -> None:
        said = refusal("rationale_length", cell)
        assert said == f"'{v.cut(cell)}' is not a whole number of 0 or more"


class TestTexts:
    @pytest.mark.parametrize("cell", ["007", "1e5", "NA", "null", "TRUE", "2022-02-31", "1.0"])
    def test_are_kept_as_typed(self, cell: str) -> None:
        assert read("child_id", f"  {cell} ") == cell


class TestWhatIsTyped:
    def test_is_repeated_whole_up_to_40_characters(self) -> None:
        assert f"'{'x' * 40}'" in refusal("nfa", "x" * 40)

    @pytest.mark.parametrize("column", ["nfa", "closed_on", "primary_need", "rationale_length"])
    def test_is_cut_at_40_characters(self, column: str) -> None:
        said = refusal(column, "x" * 41)
        assert f"'{'x' * 39}…'" in said
        assert "x" * 40 not in said

    def test_may_hold_braces(self) -> None:
        assert refusal("nfa", "{sentence}").startswith("'{sentence}' is neither")


def typed_moments() -> st.SearchStrategy[str]:
    """Return valid dates in every form, and their near misses with one character changed."""
    forms = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S",
             "%Y-%m-%d %H:%M:%S", "%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S",
             "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y"]  # fmt: skip
    moments = st.datetimes(dt.datetime(1880, 1, 1), dt.datetime(2060, 1, 1))
    return st.builds(lambda moment, form: moment.strftime(form), moments, st.sampled_from(forms))


def spoilt_moments() -> st.SearchStrategy[str]:
    def spoil(text: str, place: int, mark: str) -> str:
        place %= len(text)
        return text[:place] + mark + text[place + 1 :]

    marks = st.sampled_from("0123456789-/T: ét٣\n")
    return st.builds(spoil, typed_moments(), st.integers(0, 18), marks)


digits_and_marks = st.text("0123456789-/T: ", max_size=20)
day_like = st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}/[0-9]{2}/[0-9]{4}", fullmatch=True)


def as_screened(cell: str, earliest: dt.date) -> tuple[bool, int, int]:
    """Return what the screen has to say of a cell, told by the schema's own reader."""
    try:
        moment = read_moment(cell, earliest)
    except PydanticCustomError:
        return False, 0, 0
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return True, to_day(moment.date()), seconds


@given(
    st.lists(st.one_of(typed_moments(), spoilt_moments(), digits_and_marks, day_like), max_size=12),
    st.sampled_from([EVENTS_FROM, BIRTHS_FROM]),
)
def test_the_screen_accepts_what_the_schema_accepts_and_gives_the_same_moment(
    cells: list[str], earliest: dt.date
) -> None:
    accepted, days, seconds = screen_moments(cells, earliest)
    found = zip(accepted.tolist(), days.tolist(), seconds.tolist(), strict=True)
    for cell, screened in zip(cells, found, strict=True):
        expected = as_screened(cell, earliest)
        assert screened[0] == expected[0], cell
        if expected[0]:
            assert screened == expected, cell


def test_the_screen_passes_over_cells_that_are_lost_or_blank() -> None:
    accepted, _, _ = screen_moments([None, "", "2022-10-06"], EVENTS_FROM)
    assert accepted.tolist() == [False, False, True]
