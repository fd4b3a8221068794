"""Delimited text is read alike by the fast reader and by the patient one, in whatever dress."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.errors import InputError
from triage.sources.text_table import as_utf8, below_title, read_text_grid
from triage.tables import LOST

CELLS = st.text(st.sampled_from('ab,;"é \n\r\t|='), max_size=6)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6),
    st.lists(ENDS, min_size=8, max_size=8),
    st.sampled_from(",;\t|"),
    st.booleans(),
)
def test_cells_come_back_as_they_were_typed(
    rows: list[tuple[str, str, str]], ends: list[str], delimiter: str, is_uneven: bool
) -> None:
    """``is_uneven`` cuts the last row short, so that the patient reader reads all of them."""
    out = io.StringIO()
    cut_row: list[tuple[str, ...]] = [("last", "cut")] if is_uneven else []
    for row, end in zip([("one", "two", "three"), *rows, *cut_row], ends, strict=False):
        csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerow(
            row
        )
    grid = read_text_grid(out.getvalue().encode(), "table.csv")
    typed = [tuple(cell.strip() for cell in row) for row in rows]
    if is_uneven:
        typed.append(("last", "cut", LOST))
    assert grid.headings == ("one", "two", "three")
    assert grid.n_rows == len(typed)
    assert list(zip(*(column.cells() for column in grid.columns), strict=True)) == typed
    assert grid.uneven == (((len(typed) - 1, 2),) if is_uneven else ())


@given(st.text(st.characters(exclude_characters="\0\ufeff", exclude_categories=["Cs"]), min_size=2))
def test_text_is_the_same_in_every_encoding(text: str) -> None:
    plain = f"ab{text}".encode()
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        assert as_utf8(f"ab{text}".encode(encoding), "table.csv") == plain


def test_bytes_that_are_no_utf_8_are_windows_1252_or_no_text() -> None:
    assert as_utf8(b"Caf\xe9 \x80", "table.csv") == "Café €".encode()
    with pytest.raises(InputError, match="binary file, not text"):
        as_utf8(b"Caf\xe9 \x81", "table.csv")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_title_is_passed_over_whatever_ends_its_line(end: str) -> None:
    text = f'Made by "A"{end}{end}one,two{end}1,2{end}'.encode()
    below = below_title(text, lambda row: list(row) == ["one", "two"])
    assert below.lstrip(b"\r\n") == f"one,two{end}1,2{end}".encode()
    assert below_title(text, lambda row: False) == text


def test_as_many_columns_as_a_spreadsheet_holds_are_read(tmp_path: Path) -> None:
    wide = ",".join(f"c{place}" for place in range(16_384))
    grid = read_text_grid(f"{wide}\n{wide}\n".encode(), "table.csv")
    assert len(grid.columns) == 16_384
    assert grid.columns[-1].cells() == ["c16383"]
    with pytest.raises(InputError, match="has 16,385 columns"):
        read_text_grid(f"{wide},more\n".encode(), "table.csv")


def test_rows_longer_than_the_fast_reader_takes_at_once_are_read() -> None:
    rows = "".join(f'{number},"{chr(97 + number) * 900_000}",x\n' for number in range(3))
    grid = read_text_grid(f"one,two,three\n{rows}".encode(), "table.csv")
    assert [len(cell or "") for cell in grid.columns[1].cells()] == [900_000] * 3
