"""A folder of Parquet files read piece by piece: which rows can be judged apart, and reading them.

Large platforms keep referrals as many Parquet files, or as one sorted by child. Rows can be judged
apart where no child has rows in two places; where some child has, the rows are first dealt out
anew, by child, into files of their own.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from triage.errors import InputError
from triage.reading import Reading
from triage.sources.folder import KNOWN
from triage.sources.guard import EXPECTED, Admitted, admit, refusal
from triage.sources.headings import columns_meant, is_referral_heading, looks_like
from triage.sources.mapping import mapping_for
from triage.sources.parquet import read_description, read_parquet_grid
from triage.sources.referral_table import table_source
from triage.sources.words import input_with_words
from triage.tables import RawColumn, RawTable, Source, arrow_texts, encode

ROWS_OF_A_PARTITION: Final = 500_000
"""Rows that are judged together: few enough for a small machine's memory."""
_ROW: Final = "row"

Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Piece:
    """Some rows of one file: its row groups (None: all), the first of which is ``first_row``.

    ``source`` is the file as the user named it and ``number`` its place among the inputs. Rows that
    were dealt out anew lie in ``dealt``, with the numbers that they had.
    """

    source: str
    number: int
    n_rows: int
    row_groups: tuple[int, ...] | None = None
    first_row: int = 0
    dealt: str = ""


Partition = tuple[Piece, ...]
"""Rows that are judged together, in the order in which they would be read."""


def parquet_files(folder: Path) -> list[Path]:
    """Return the files of a folder that holds one table in Parquet files, and nothing else.

    None where it holds anything else, or tables that are known by their names.
    """
    files = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_")))
    is_so = all(
        path.suffix.casefold() == ".parquet" and path.stem.casefold() not in KNOWN for path in files
    )
    return files if is_so else []


def admitted_files(names: Sequence[str]) -> list[Admitted]:
    """Return the Parquet files that inputs name: files, or folders of them.

    Raises:
        InputError: for anything else, or a file that cannot be used.
    """
    found: list[Admitted] = []
    for name in names:
        path = Path(name)
        try:
            files = parquet_files(path) if path.is_dir() else [path]
            found += [admit(file) for file in files]
        except OSError as error:
            raise refusal(name, error) from None
        if not files or found[-1].kind != "parquet":
            raise InputError(
                f"{name}: is no folder of Parquet files, nor one such file; in partitions only "
                "referral tables in Parquet are read, so leave --chunk and --cluster out."
            )
    return found


def partitions(files: Sequence[Admitted]) -> list[Partition]:
    """Return the rows of files in partitions that hold whole children, as far as files say.

    By the least and greatest child of each group of rows, where the files give them: what does not
    overlap is apart. Where all overlaps, as in files dealt out by a hash of the child, each file is
    a partition; whether it holds whole children is seen when the children are looked at.
    """
    pieces = [piece for number, file in enumerate(files) for piece in _row_groups(file, number)]
    runs = _apart(pieces)
    if len(runs) == 1 and len(files) > 1:
        runs = [[one for one, *_ in pieces if one.number == n] for n in range(len(files))]
    return [_in_order(run) for run in _filled_up(runs)]


def to_deal_out(files: Sequence[Admitted]) -> list[Partition]:
    """Return the rows of files in runs that can be read at once, whichever children they hold."""
    pieces = [one for number, file in enumerate(files) for one, *_ in _row_groups(file, number)]
    return [_in_order(run) for run in _filled_up([[piece] for piece in pieces])]


def _row_groups(file: Admitted, number: int) -> list[tuple[Piece, Any, Any]]:
    """Return each group of rows of a file with its least and greatest child, None if not told."""
    about = read_description(file.path)
    names = [about.schema.column(place).path for place in range(about.num_columns)]
    child = next((n for n, name in enumerate(names) if "child_id" in columns_meant(name)), None)
    found: list[tuple[Piece, Any, Any]] = []
    first = 0
    for group in range(about.num_row_groups):
        rows = about.row_group(group)
        piece = Piece(str(file.path), number, rows.num_rows, (group,), first)
        told = None if child is None else rows.column(child).statistics
        if told is None or not told.has_min_max:
            found.append((piece, None, None))
        else:
            found.append((piece, told.min, told.max))
        first += rows.num_rows
    return found


def _apart(pieces: Sequence[tuple[Piece, Any, Any]]) -> list[list[Piece]]:
    """Return the pieces in runs whose children lie apart."""
    if len({type(least) for _, least, _ in pieces}) > 1 or pieces[0][1] is None:
        return [[one for one, *_ in pieces]]
    runs: list[list[Piece]] = []
    greatest: Any = None
    for piece, least, most in sorted(pieces, key=lambda one: one[1]):
        if greatest is None or least > greatest:
            runs.append([])
        runs[-1].append(piece)
        greatest = most if greatest is None else max(greatest, most)
    return runs


def _filled_up(runs: list[list[Piece]]) -> list[list[Piece]]:
    """Return runs joined until each has about as many rows as a partition is to have."""
    found: list[list[Piece]] = []
    n_rows = ROWS_OF_A_PARTITION
    for run in runs:
        n_run = sum(piece.n_rows for piece in run)
        if n_rows + n_run > ROWS_OF_A_PARTITION:
            found.append([])
            n_rows = 0
        found[-1] += run
        n_rows += n_run
    return found


def _in_order(pieces: Sequence[Piece]) -> Partition:
    """Return pieces in the order in which they are read, those of one file as one."""
    found: dict[int, list[Piece]] = {}
    for piece in sorted(pieces, key=lambda one: (one.number, one.first_row)):
        found.setdefault(piece.number, []).append(piece)
    return tuple(piece for of_file in found.values() for piece in _touching(of_file))


def _touching(pieces: Sequence[Piece]) -> list[Piece]:
    """Return pieces of a file with those that follow one another as one."""
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if last is not None and last.first_row + last.n_rows == piece.first_row:
            groups = (*(last.row_groups or ()), *(piece.row_groups or ()))
            found[-1] = replace(last, n_rows=last.n_rows + piece.n_rows, row_groups=groups)
        else:
            found.append(piece)
    return found


def read_pieces(
    pieces: Partition, reading: Reading, only: Collection[str] | None = None
) -> list[Source]:
    """Return the rows of a partition as inputs, one for each file; ``only`` some of its columns.

    Raises:
        InputError: when a file cannot be read, or is no referral table.
    """
    found: dict[int, list[Source]] = {}
    for piece in pieces:
        found.setdefault(piece.number, []).append(_read(piece, reading, only))
    return [_as_one(of_file) for of_file in found.values()]


def _read(piece: Piece, reading: Reading, only: Collection[str] | None) -> Source:
    if piece.dealt:
        table = _read_dealt(piece, only)
        return Source(piece.source, "", "", table)
    path = Path(piece.source)
    try:
        whole = _read_file(path, piece.row_groups, reading, only)
    except OSError as error:
        raise refusal(piece.source, error) from None
    table = replace(whole.referrals, rows=whole.referrals.rows + piece.first_row)
    if only is not None:
        columns = {name: column for name, column in table.columns.items() if name in only}
        table = replace(table, columns=columns)
    return replace(whole, referrals=table)


def _read_file(
    path: Path,
    row_groups: Sequence[int] | None,
    reading: Reading,
    only: Collection[str] | None,
) -> Source:
    mapping = mapping_for(path, reading)
    if mapping is not None:
        grid = read_parquet_grid(
            path, lambda one: mapping.is_for(one) or bool(columns_meant(one)), row_groups
        )
        grid = mapping.applied(grid, str(path))
    else:
        wanted = columns_meant if only is None else functools.partial(_means_one_of, only)
        grid = read_parquet_grid(path, wanted, row_groups)
    if not is_referral_heading(grid.headings):
        raise InputError(f"{path}: looks like {looks_like(grid.headings)}; {EXPECTED}.")
    source = table_source(path, "", grid.table(str(path)))
    found = input_with_words(source, reading.words)
    assert isinstance(found, Source)
    return found


def _means_one_of(only: Collection[str], heading: str) -> bool:
    meant = {"rationale_hash" if name == "rationale" else name for name in columns_meant(heading)}
    return not meant.isdisjoint(only)


def _as_one(sources: Sequence[Source]) -> Source:
    """Return several runs of one file's rows as one input."""
    if len(sources) == 1:
        return sources[0]
    tables = [source.referrals for source in sources]
    names = dict.fromkeys(name for table in tables for name in table.columns)
    columns = {name: _one_column([table.columns[name] for table in tables]) for name in names}
    rows = np.concatenate([table.rows for table in tables])
    return replace(sources[0], referrals=replace(tables[0], rows=rows, columns=columns))


def _one_column(columns: Sequence[RawColumn]) -> RawColumn:
    return encode(
        pa.chunked_array(
            [
                pa.DictionaryArray.from_arrays(
                    pa.array(column.codes, pa.int32()), arrow_texts(column.texts)
                )
                for column in columns
            ]
        )
    )


def numbers_of(texts: pa.StringArray | pa.ChunkedArray) -> Numbers:
    """Return a number for each text: equal texts have equal numbers, others almost surely not.

    Two different texts have the same with a chance of 1 in 2 to the 64: where that would change an
    outcome, the texts themselves are compared.
    """
    cells = np.asarray(texts.to_numpy(zero_copy_only=False), object)
    return np.asarray(pd.util.hash_array(cells, categorize=False), np.uint64)


def deal_out(pieces: Partition, reading: Reading, n_hands: int, folder: str) -> list[Piece]:
    """Write the rows of a partition into files, one a hand, dealt out by a number of the child.

    What is written has the columns as we know them, no free text, and the numbers of the rows.
    """
    dealt = []
    for piece in pieces:
        [source] = read_pieces((piece,), reading)
        table = source.referrals
        child = table.columns["child_id"]
        of_child = numbers_of(arrow_texts(child.texts)) % np.uint64(n_hands)
        hand = of_child[child.codes]
        for number in range(n_hands):
            rows = np.flatnonzero(hand == number)
            if len(rows):
                name = f"{folder}/{number:05}-{piece.number:05}-{piece.first_row:012}.parquet"
                _write_dealt(table, rows, name)
                dealt.append(replace(piece, n_rows=len(rows), row_groups=None, dealt=name))
    return dealt


def _write_dealt(table: RawTable, rows: npt.NDArray[np.int64], name: str) -> None:
    columns = {
        column: arrow_texts(cells.texts).take(pa.array(cells.codes[rows]))
        for column, cells in table.columns.items()
    }
    pq.write_table(pa.table({**columns, _ROW: pa.array(table.rows[rows])}), name)


def hands(dealt: Sequence[Piece]) -> list[Partition]:
    """Return the rows dealt out as partitions, one a hand, each in the order of the inputs."""
    found: dict[str, list[Piece]] = {}
    for piece in dealt:
        found.setdefault(Path(piece.dealt).name.partition("-")[0], []).append(piece)
    return [
        tuple(sorted(found[hand], key=lambda one: (one.number, one.first_row)))
        for hand in sorted(found)
    ]


def _read_dealt(piece: Piece, only: Collection[str] | None) -> RawTable:
    names = [name for name in pq.read_schema(piece.dealt).names if name != _ROW]
    wanted = [name for name in names if only is None or name in only]
    table = pq.read_table(piece.dealt, columns=[*wanted, _ROW], read_dictionary=wanted)
    columns = {name: encode(table[name]) for name in wanted}
    return RawTable(piece.source, table[_ROW].to_numpy(), columns)
