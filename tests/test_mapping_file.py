"""A mapping file: what is wrong in it is told with its key, and what is written reads back."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.errors import CallError
from triage.sources.code_words import code_of
from triage.sources.field_words import WAYS
from triage.sources.mapping import TableMapping
from triage.sources.mapping_file import ColumnMapping, load_columns
from triage.sources.mapping_text import mapping_text, quoted


@pytest.fixture
def report(workplace: Path) -> Path:
    """A table of a council's own."""
    path = workplace / "report.csv"
    path.write_text("A,B\n1,2022-05-03\n", "utf-8")
    return path


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("[columns.A]\nmeans = 'child_idd'", "columns.A.means: there is no column 'child_idd'; did "
         "you mean child_id?"),
        ("[columns.A]\nmean = 'child_id'", "unknown key columns.A.mean; did you mean means?"),
        ("[colums.A]\nmeans = ''", "unknown key colums; did you mean columns?"),
        ("title = 'x'\n[columns.A]\nmeans = ''", "unknown key title"),
        ("", 'holds no [columns."heading"]; make one with `triage sources map FILE`'),
        ("[columns]", 'holds no [columns."heading"]'),
        ("[columns.'Ref Start']\nmeans = 'referral_date'\ndates = 'dayfirst'",
         "columns.\"Ref Start\".dates: 'dayfirst' is no form of dates; known are iso, day-first"),
        ("[columns.A]\nmeans = 'nfa'\ndates = 'iso'", "columns.A.dates: nfa holds no dates"),
        ("[columns.A]\nconfidence = 2", "columns.A.confidence"),
        ("[columns.A]\nmeans = 'nfa'\n[columns.B]\nmeans = 'nfa'", "'A' and 'B' both mean nfa"),
        ("[columns.A]\nmeans = 'nfa'\ncodes = { Closed = 'perhaps' }",
         "columns.A.codes.Closed: 'perhaps' is neither true nor false"),
        ("[columns.A]\nmeans = 'nfa'\ncodes = { X = true, x = false }",
         "columns.A.codes: 'x' stands for two codes"),
        ("[columns.A]\nmeans = ['nfa', 'team']",
         "columns.A.means: one heading may mean several columns only as"),
        ("[columns.A]\nmeans = 'nfa'\nmeans = 'team'", "is not valid TOML"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_refused_with_file_and_key(
    triage, report: Path, wrong: str, said: str
) -> None:
    mapping = report.with_name("report.mapping.toml")
    mapping.write_text(wrong, "utf-8")
    code, _, told = triage("check", report)
    assert code == 2
    assert f"{mapping}: {said}" in told


def test_every_mistake_of_a_mapping_is_told_at_once(report: Path) -> None:
    mapping = report.with_name("report.mapping.toml")
    mapping.write_text("[columns.A]\nmeans = 'x'\n[columns.B]\nmeans = 'y'\n", "utf-8")
    with pytest.raises(CallError) as refused:
        load_columns(mapping)
    assert str(refused.value).count("there is no column") == 2


HEADINGS = st.text(min_size=1, max_size=30).filter(lambda text: text.strip() == text)


@given(
    st.dictionaries(
        HEADINGS.filter(lambda text: max(text) < "\ud800" or min(text) > "\udfff"),
        st.builds(
            ColumnMapping,
            confidence=st.none() | st.integers(0, 100).map(lambda n: n / 100),
            because=st.text(max_size=30),
            shapes=st.lists(st.text('aA9 ./…*"\\', max_size=5), max_size=3).map(tuple),
            codes=st.dictionaries(HEADINGS, st.sampled_from(["", "?", "6"]), max_size=3),
        ),
        min_size=1,
        max_size=5,
    ),
    st.text(max_size=20),
)
def test_a_mapping_that_is_written_reads_as_it_was(
    columns: dict[str, ColumnMapping], name: str
) -> None:
    found = tomllib.loads(mapping_text(name, columns))["columns"]
    assert {heading: ColumnMapping.model_validate(one) for heading, one in found.items()} == columns


@given(st.text(max_size=40))
def test_any_text_is_quoted_so_that_it_reads_back(text: str) -> None:
    assert tomllib.loads(f"{quoted(text)} = {quoted(text)}") == {text: text}


def test_each_way_of_writing_a_code_is_read_as_that_code() -> None:
    assert WAYS["risk_rating"]["g"] == "green"
    for name, ways in WAYS.items():
        for way, code in ways.items():
            found = code_of(name, way)
            assert found in (code, way), (name, way)


def test_headings_match_exactly_first_and_then_in_plain_words(workplace: Path) -> None:
    columns = {
        "Ref No.": ColumnMapping(means="referral_id"),
        "Ref No": ColumnMapping(means=()),
        "Person-ID": ColumnMapping(means="child_id"),
    }
    mapping = TableMapping(workplace / "a.toml", columns)
    assert mapping.of("Ref No.") == ("Ref No.", columns["Ref No."])
    assert mapping.of("Ref No") == ("Ref No", columns["Ref No"])
    assert mapping.of("ref_no") is None
    assert mapping.of(" PERSON id ") == ("Person-ID", columns["Person-ID"])
