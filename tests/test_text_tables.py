"""Delimited text is read alike by the fast reader and by the patient one, in whatever dress."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.errors import InputError
from triage.sources import even_rows, guard
from triage.sources.text import Text, as_utf8, below_title, read_text
from triage.sources.text_table import read_text_grid
from triage.tables import LOST, RawColumn, Texts, encode

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
    grid = read_text_grid(Text(out.getvalue().encode()), "table.csv")
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
    below = below_title(Text(text), lambda row: list(row) == ["one", "two"])
    assert below.head(100).lstrip(b"\r\n") == f"one,two{end}1,2{end}".encode()
    assert below_title(Text(text), lambda row: False) == Text(text)


def test_as_many_columns_as_a_spreadsheet_holds_are_read(tmp_path: Path) -> None:
    wide = ",".join(f"c{place}" for place in range(16_384))
    grid = read_text_grid(Text(f"{wide}\n{wide}\n".encode()), "table.csv")
    assert len(grid.columns) == 16_384
    assert grid.columns[-1].cells() == ["c16383"]
    with pytest.raises(InputError, match="has 16,385 columns"):
        read_text_grid(Text(f"{wide},more\n".encode()), "table.csv")


def test_rows_longer_than_the_fast_reader_takes_at_once_are_read() -> None:
    rows = "".join(f'{number},"{chr(97 + number) * 900_000}",x\n' for number in range(3))
    grid = read_text_grid(Text(f"one,two,three\n{rows}".encode()), "table.csv")
    assert [len(cell or "") for cell in grid.columns[1].cells()] == [900_000] * 3


STRAY = st.text(st.sampled_from('ab,"\n\ré'), max_size=60)


def read_in_pieces_of(n_bytes: int, text: str) -> list[list[str | None]] | None:
    """The cells of two columns, None where they are left to the patient reader."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(even_rows, "_PIECE", n_bytes)
        found = even_rows.even_rows(Text(f"one,two\n{text}".encode()), ",", 2)
    return None if found is None else [column.cells() for column in found.columns]


@given(STRAY, st.integers(1, 40))
def test_where_pieces_are_cut_makes_no_difference(text: str, n_bytes: int) -> None:
    """However quotation marks and line ends stand, and were it after every byte."""
    assert read_in_pieces_of(n_bytes, text) == read_in_pieces_of(10_000, text)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=20), ENDS, st.integers(1, 40))
def test_rows_in_many_pieces_come_back_as_they_were_typed(
    rows: list[tuple[str, str]], end: str, n_bytes: int
) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    typed = [[row[place].strip() for row in rows] for place in (0, 1)]
    assert read_in_pieces_of(n_bytes, out.getvalue()) == typed


def test_texts_are_held_in_the_order_in_which_they_were_first_typed() -> None:
    """As identifiers, nearly all different, and as words that stand again and again."""
    words = ["c", "a", "c", "b", "a"] * 20
    text = "one,two\n" + "".join(f"{n % 70},{word}\n" for n, word in enumerate(words))
    for n_bytes in (5, 100, 10_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(even_rows, "_PIECE", n_bytes)
            found = even_rows.even_rows(Text(text.encode()), ",", 2)
        assert found is not None
        assert list(found.columns[0].texts) == [str(n) for n in range(70)]
        assert list(found.columns[1].texts) == ["c", "a", "b"]


def test_a_file_is_read_as_the_text_in_it(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("A title\none,two\né,2\n", "utf-8-sig")
    text = below_title(read_text(guard.admit(path)), lambda row: list(row) == ["one", "two"])
    assert text.head(100) == "one,two\né,2\n".encode()
    assert [column.cells() for column in read_text_grid(text, "t").columns] == [["é"], ["2"]]


def test_a_title_longer_than_a_heading_may_be_is_passed_over() -> None:
    title = "x" * 2_500_000
    text = Text(f"{title}\r\none,two\n".encode())
    assert below_title(text, lambda row: list(row) == ["one", "two"]).head(20) == b"one,two\n"


@given(st.binary(max_size=12).filter(lambda data: b"\0" not in data), st.integers(1, 4))
def test_a_text_is_known_for_utf_8_however_its_letters_are_cut(data: bytes, n_bytes: int) -> None:
    found = guard._Utf8("utf-8")
    for start in range(0, len(data), n_bytes):
        found.add(data[start : start + n_bytes])
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        assert not found.is_whole()
    else:
        assert found.is_whole()


SPACED = st.text(st.sampled_from("ab \t\u00a0\u2003é\u00c2\n"), max_size=4)


@given(st.lists(SPACED | st.none(), max_size=12))
def test_texts_that_need_no_trimming_are_told_from_those_that_do(cells: list[str | None]) -> None:
    """A padded cell beside them sends all the slower way."""
    apart = encode(cells)
    assert apart.cells() == encode([*cells, " padded "]).cells()[:-1]
    assert apart.cells() == [(cell or "").replace("\u00a0", " ").strip() for cell in cells]
    assert len(set(apart.texts)) == len(apart.texts)


@given(st.lists(CELLS, max_size=12))
def test_texts_are_the_same_held_by_arrow_and_by_python(cells: list[str]) -> None:
    held = encode(cells).texts
    eager = list(dict.fromkeys(cell.strip() for cell in cells))
    assert isinstance(held, Texts)
    assert list(held) == eager
    assert [held[place] for place in range(len(held))] == eager
    assert list(held[1:3]) == eager[1:3]
    assert [text in held for text in ("a", *eager)] == [text in eager for text in ("a", *eager)]
    assert list(reversed(held)) == eager[::-1]


def test_some_rows_of_a_column_are_told_without_the_others() -> None:
    for texts in (encode(["x", "y"]).texts, ["x", "y", LOST]):
        column = RawColumn(np.array([1, 0, 1], np.int32), texts)
        assert column.at(np.array([2, 1])) == ["y", "x"]
