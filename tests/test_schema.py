"""One schema: cells one by one, whole columns at once, and rows as records say the same."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from triage.calendar import BIRTHS_FROM, EVENTS_FROM, to_date
from triage.cells import read_moment
from triage.schema import REFERRAL_COLUMNS, ReferralRecord, cell_reader
from triage.schema_nights import STORE_COLUMNS
from triage.screening import screen_moments
from triage.sources.grid import row_numbers
from triage.tables import RawTable, encode
from triage.validation import BLANK, GIVEN, UNREADABLE, validate

COLUMNS = [name for name in REFERRAL_COLUMNS if name not in STORE_COLUMNS]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("06/10/2022", "2022-10-06T00:00:00"),
        ("13/01/2022", "2022-01-13T00:00:00"),
        ("2022-10-06", "2022-10-06T00:00:00"),
        ("2022-10-06T23:59", "2022-10-06T23:59:00"),
        ("2022-10-06 23:59:58", "2022-10-06T23:59:58"),
        ("06/10/2022 09:30", "2022-10-06T09:30:00"),
        ("  2022-10-06 ", "2022-10-06T00:00:00"),
        ("1990-01-01", "1990-01-01T00:00:00"),
        ("2050-12-31", "2050-12-31T00:00:00"),
    ],
)
def test_dates_that_can_be_read(text: str, expected: str) -> None:
    assert cell_reader("closed_on")(text).isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        "2022-02-31", "31/04/2022", "06/31/2022", "2022-1-5", "6/10/2022", "2022-10-06T24:00",
        "2022-10-06T23:60", "06/10/2022 09:30:10", "1889-04-03", "1989-12-31", "2051-01-01",
        "20221006", "2022-10-06Z", "6 October 2022", "2022/10/06", "tomorrow", "0000-00-00",
    ],
)  # fmt: skip
def test_dates_that_cannot_be_read_are_told_as_typed(text: str) -> None:
    with pytest.raises(ValueError, match=f"^'{text}' "):
        cell_reader("closed_on")(text)


def test_birth_dates_reach_back_to_1900() -> None:
    assert cell_reader("date_of_birth")("1900-01-01").year == 1900
    with pytest.raises(ValueError, match="outside 1900 to 2050"):
        cell_reader("date_of_birth")("1899-12-31")


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("nfa", "TRUE", True), ("nfa", "n", False), ("nfa", "1", True), ("nfa", "Yes", True),
        ("referral_source", "3a", "3A"), ("referral_source", "10", "10"),
        ("closure_reason", "rc9", "RC9"), ("risk_rating", "Amber", "amber"),
        ("threshold_level", "4", "4"), ("rationale_length", "007", 7),
        ("rationale_length", "30.0", 30), ("decision_outcome", "NFA", "nfa"),
        ("assessment_factors", " 1a ;; 18C", ("1A", "18C")), ("child_id", " 007 ", "007"),
    ],
)  # fmt: skip
def test_cells_that_can_be_read(column: str, text: str, expected: Any) -> None:
    assert cell_reader(column)(text) == expected


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("nfa", "maybe"), ("nfa", "2"), ("referral_source", "11"), ("primary_need", "N10"),
        ("threshold_level", "5"), ("threshold_level", "1.5"), ("rationale_length", "-1"),
        ("rationale_length", "1,200"), ("rationale_length", "9" * 17), ("risk_rating", "purple"),
        ("assessment_factors", "1A;8A"),
    ],
)  # fmt: skip
def test_cells_that_cannot_be_read(column: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"^'"):
        cell_reader(column)(text)


def test_typed_text_is_cut_at_forty_characters() -> None:
    with pytest.raises(ValueError, match=r"^'x{39}…' is not a date") as told:
        cell_reader("closed_on")("x" * 500)
    assert len(str(told.value)) < 150


date_like = st.one_of(
    st.dates(dt.date(1880, 1, 1), dt.date(2060, 1, 1)).map(str),
    st.datetimes(dt.datetime(1980, 1, 1), dt.datetime(2055, 1, 1)).map(
        lambda moment: moment.strftime("%d/%m/%Y %H:%M")
    ),
    st.datetimes().map(lambda moment: moment.isoformat()[:19]),
    st.text("0123456789-/T: ", min_size=8, max_size=19),
    st.tuples(*[st.integers(0, 99)] * 3).map(lambda n: f"{n[0]:02}/{n[1]:02}/20{n[2]:02}"),
)


@given(st.lists(date_like, max_size=20), st.sampled_from([EVENTS_FROM, BIRTHS_FROM]))
@example(["２０２２-10-06", "2022-10-0é", "2022-02-29", "2024-02-29"], EVENTS_FROM)
def test_screening_accepts_exactly_what_the_schema_accepts(
    texts: list[str], earliest: dt.date
) -> None:
    accepted, days, seconds = screen_moments(texts, earliest)
    for text, is_date, day, second in zip(texts, accepted, days, seconds, strict=True):
        try:
            moment = read_moment(text, earliest)
        except PydanticCustomError:
            assert not is_date
            continue
        assert is_date
        midnight = dt.datetime.combine(to_date(int(day)), dt.time())
        assert midnight + dt.timedelta(seconds=int(second)) == moment


cells = st.sampled_from(
    ["", " ", "2023-05-01", "01/06/2023", "2023-02-31", "true", "no", "maybe", "N1", "n0", "RC7",
     "red", "3", "45", "7A", "1A;2B", "assessment", "A"]
)  # fmt: skip
rows = st.fixed_dictionaries(dict.fromkeys(COLUMNS, cells))


@given(st.lists(rows, min_size=1, max_size=4))
def test_columns_at_once_and_rows_as_records_find_the_same(table: list[dict[str, str]]) -> None:
    columns = {name: encode([row[name] for row in table]) for name in COLUMNS}
    valid = validate(RawTable("t", row_numbers(len(table)), columns), rejects=True)
    for place, row in enumerate(table):
        wrong = set()
        try:
            record = ReferralRecord.model_validate(row)
        except ValidationError as error:
            wrong = {str(found["loc"][0]) for found in error.errors()}
            readable = {k: v for k, v in row.items() if k not in wrong}
            record = ReferralRecord.model_construct(**dict.fromkeys(COLUMNS)).model_copy(
                update={k: cell_reader(k)(v) for k, v in readable.items()}
            )
        mine = {p for p in valid.problems if p.row == place + 2}
        blank_required = {n for n in ("child_id", "referral_date") if not row[n].strip()}
        assert {p.column for p in mine if p.kind == "problem"} == wrong - blank_required
        rejected = bool(wrong & {"child_id", "referral_date"})
        assert bool([p for p in mine if p.kind == "rejected"]) == rejected
        assert {p.check for p in mine if p.kind == "query"} == set(record.queries())
        for name in COLUMNS:
            state = valid.columns[name].state[place]
            expected = UNREADABLE if name in wrong else GIVEN if row[name].strip() else BLANK
            assert state == (BLANK if name in blank_required else expected)


def test_a_row_that_is_rejected_for_two_reasons_says_both_in_one_line() -> None:
    table = {"child_id": encode([""]), "referral_date": encode(["2023-02-31"])}
    valid = validate(RawTable("t.csv", row_numbers(1), table), rejects=True)
    rejected = [p for p in valid.problems if p.kind == "rejected"]
    assert len(rejected) == 1
    assert (rejected[0].source, rejected[0].row, rejected[0].column) == ("t.csv", 2, "child_id")
    assert "child_id is blank; '2023-02-31' is not a date that exists" in rejected[0].message
