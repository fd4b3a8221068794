"""Rows of one length, read by Arrow a piece at a time, on every core.

A piece is cut where a row ends, and turned at once into positions among its distinct cells, so
that of a text of 2 GB only a few pieces are ever held as such.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from triage.sources.text import Text
from triage.tables import RawColumn, encode
from triage.threads import in_turn

_PIECE: Final = 1 << 20
"""Bytes of a piece: few enough for the processor's cache, and far more than a row."""
_MOSTLY_DISTINCT: Final = 0.25
"""Share of different cells in the first piece from which a column is encoded once, as a whole."""
_TEXTS: Final = pa.string()
_POSITIONS: Final = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class EvenRows:
    """The columns under the heading, the number of rows, and that of quotation marks around."""

    columns: tuple[RawColumn, ...]
    n_rows: int
    n_quotes: int


class _UnsureCutError(Exception):
    """No piece ends surely with a row: one is very long, or a quotation mark stands astray."""


def even_rows(text: Text, delimiter: str, width: int) -> EvenRows | None:
    """Return the rows below the first, None where Arrow cannot read them all as ``width`` cells.

    Raises:
        InputError: when the text's file was changed meanwhile.
    """
    try:
        try:
            return _in_pieces(text, delimiter, width)
        except _UnsureCutError:
            return _as_a_whole(text, delimiter, width)
    except pa.ArrowInvalid:
        return None


def _in_pieces(text: Text, delimiter: str, width: int) -> EvenRows:
    with text.opened() as file, ThreadPoolExecutor(pa.cpu_count()) as workers:
        pieces = _pieces(file)
        first, n_quotes = _parsed(delimiter, [_TEXTS] * width, next(pieces, b""))
        growing = _Growing(first.slice(1))
        parse = partial(_parsed, delimiter, growing.kinds)
        ahead = 2 * pa.cpu_count()
        for table, n_more in in_turn(lambda one: workers.submit(parse, one).result, pieces, ahead):
            growing.add(table)
            n_quotes += n_more
        return EvenRows(growing.encoded(workers), growing.n_rows, n_quotes)


def _as_a_whole(text: Text, delimiter: str, width: int) -> EvenRows:
    with text.opened() as file, ThreadPoolExecutor(pa.cpu_count()) as workers:
        data = file.read()
        table = _table(data, delimiter, [_TEXTS] * width, is_piece=False)
        growing = _Growing(table.slice(1))
        return EvenRows(growing.encoded(workers), growing.n_rows, data.count(b'"'))


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """Return the text in pieces that begin and end with a row.

    Raises:
        _UnsureCutError: when a row is longer than a piece, or seems so.
    """
    while piece := file.read(_PIECE):
        end = len(piece) if len(piece) < _PIECE else _row_end(piece)
        if not end:
            raise _UnsureCutError
        file.seek(end - len(piece), io.SEEK_CUR)
        yield piece[:end]


def _row_end(piece: bytes) -> int:
    """Return where the last row ends that is whole, 0 where none does.

    A line end stands between two rows where the quotation marks before it are even in number.
    """
    mark = b"\n" if b"\n" in piece else b"\r"
    end = piece.rfind(mark) + 1
    n_quotes = piece.count(b'"', 0, end)
    while n_quotes % 2:
        before = piece.rfind(mark, 0, end - 1) + 1
        n_quotes -= piece.count(b'"', before, end)
        end = before
    return end


def _parsed(delimiter: str, kinds: list[pa.DataType], piece: bytes) -> tuple[pa.Table, int]:
    """Return the rows of a piece, and how many quotation marks it holds.

    Raises:
        _UnsureCutError: when a cell may go on behind the piece.
        pa.ArrowInvalid: when a row has another number of cells.
    """
    n_quotes = piece.count(b'"')
    if not n_quotes:
        return _table(piece, delimiter, kinds), 0
    try:
        table = _table(piece, delimiter, kinds)
    except pa.ArrowInvalid:
        raise _UnsureCutError from None
    # A cell that was open at the end took the line end with it.
    if len(table) and str(table.columns[-1][-1].as_py()).endswith(("\n", "\r")):
        raise _UnsureCutError
    return table, n_quotes


def _table(
    data: bytes, delimiter: str, kinds: list[pa.DataType], *, is_piece: bool = True
) -> pa.Table:
    names = [str(place) for place in range(len(kinds))]
    return pa_csv.read_csv(
        pa.BufferReader(data),
        read_options=pa_csv.ReadOptions(
            column_names=names,
            use_threads=not is_piece,
            block_size=len(data) + 1 if is_piece else None,
        ),
        parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict(zip(names, kinds, strict=True)), strings_can_be_null=False
        ),
    )


class _Growing:
    """Columns that are read in pieces: positions among distinct cells, or the cells themselves.

    Of identifiers nearly all differ, and to look for them once is enough.
    """

    def __init__(self, first: pa.Table) -> None:
        self.n_rows = 0
        self.kinds = [_kind(column) for column in first.columns]
        self._columns: list[list[pa.Array]] = [[] for _ in self.kinds]
        self.add(first)

    def add(self, table: pa.Table) -> None:
        """Add the rows of the next piece."""
        self.n_rows += len(table)
        for kept, kind, column in zip(self._columns, self.kinds, table.columns, strict=True):
            kept += (column if column.type == kind else column.dictionary_encode()).chunks

    def encoded(self, workers: ThreadPoolExecutor) -> tuple[RawColumn, ...]:
        """Return the columns, whose pieces are given up one column after another."""
        return tuple(workers.map(self._encoded, range(len(self.kinds))))

    def _encoded(self, number: int) -> RawColumn:
        pieces, self._columns[number] = self._columns[number], []
        return encode(pa.chunked_array(pieces, self.kinds[number]))


def _kind(column: pa.ChunkedArray) -> pa.DataType:
    n_distinct = pc.count_distinct(column).as_py()
    return _TEXTS if n_distinct > _MOSTLY_DISTINCT * len(column) else _POSITIONS
