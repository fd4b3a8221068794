"""Parquet files read piece by piece: which rows can be judged apart, and reading them.

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

from triage.errors import InputError
from triage.reading import Reading
from triage.sources.any_table import how_to_map
from triage.sources.dealt import numbers_of, one_after_another, read_dealt, write_dealt
from triage.sources.extracts import extract_of
from triage.sources.folder import KNOWN
from triage.sources.grid import FIRST_ROW, Grid
from triage.sources.guard import EXPECTED, Admitted, admit, check_name, refusal
from triage.sources.headings import columns_meant, is_referral_heading, looks_like
from triage.sources.mapping import mapping_for
from triage.sources.parquet import read_description, read_parquet_grid
from triage.sources.referral_table import table_source
from triage.sources.words import input_with_words
from triage.tables import Source, arrow_texts

ROWS_OF_A_PARTITION: Final = 250_000
"""Rows that are judged together: few enough for a small machine's memory."""
_ONLY: Final = (
    "in partitions only tables of referrals in Parquet are read, so leave --chunk and --cluster out"
)


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

    There are none where it holds anything else, or tables that are known by their names.
    """
    files = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_")))
    is_so = all(
        path.suffix.casefold() == ".parquet" and path.stem.casefold() not in KNOWN for path in files
    )
    return files if is_so else []


def admitted_files(names: Sequence[str]) -> list[Admitted]:
    """Return the Parquet files that inputs name: files, or folders of them.

    Raises:
        InputError: for anything else, a file that cannot be used, or one that is named twice.
    """
    found: dict[Path, Admitted] = {}
    for name in names:
        check_name(name)
        path = Path(name)
        try:
            files = parquet_files(path) if path.is_dir() else [path]
            admitted = [admit(file) for file in files]
        except OSError as error:
            raise refusal(name, error) from None
        if not files or any(one.kind != "parquet" for one in admitted):
            raise InputError(f"{name}: is no folder of Parquet files, nor one such file; {_ONLY}.")
        if twice := found.keys() & files:
            raise InputError(f"{min(twice)}: is named twice; name it once.")
        found |= dict(zip(files, admitted, strict=True))
    return list(found.values())


def without_rows(files: Sequence[Admitted], reading: Reading) -> list[Source]:
    """Return the files as inputs of which no row was read: what is to be said of their columns.

    Raises:
        CallError: for a mapping that is wrong, or has a question left open.
        InputError: for a file that holds no referrals, or tells of something beside them.
    """
    found, beside = [], []
    for file in files:
        grid = _read_grid(file.path, (), reading)
        extract = extract_of(file.path, file.sha256, grid, str(file.path), file.path.stem)
        if extract is not None:
            beside.append(extract)
            if extract.as_referrals is None:
                continue
        source = _source(file.path, grid, reading)
        if not read_description(file.path).num_rows:
            raise InputError(f"{file.path}: holds headings but no referral; export it again.")
        found.append(replace(source, sha256=file.sha256))
    # Where nothing else holds referrals, a table that could hold either is taken to hold them.
    if beside and min(len(beside), len(found)) < len(files):
        raise InputError(f"{beside[0].path}: is a {beside[0].kind}; {_ONLY}.")
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
    n_rows = 0
    for run in runs:
        n_run = sum(piece.n_rows for piece in run)
        if not found or n_rows + n_run > ROWS_OF_A_PARTITION:
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
        return Source(piece.source, "", "", read_dealt(piece.dealt, piece.source, only))
    path = Path(piece.source)
    try:
        grid = _read_grid(path, piece.row_groups, reading, only)
    except OSError as error:
        raise refusal(piece.source, error) from None
    whole = _source(path, replace(grid, first_row=FIRST_ROW + piece.first_row), reading)
    if only is None:
        return whole
    table = whole.referrals
    columns = {name: column for name, column in table.columns.items() if name in only}
    return replace(whole, referrals=replace(table, columns=columns))


def _read_grid(
    path: Path,
    row_groups: Sequence[int] | None,
    reading: Reading,
    only: Collection[str] | None = None,
) -> Grid:
    """Return some rows of a file, its headings as we know them where a mapping says so."""
    mapping = mapping_for(path, reading)
    if mapping is not None:
        grid = read_parquet_grid(
            path, lambda one: mapping.is_for(one) or bool(columns_meant(one)), row_groups
        )
        return mapping.applied(grid, str(path))
    wanted = columns_meant if only is None else functools.partial(_means_one_of, only)
    return read_parquet_grid(path, wanted, row_groups)


def _source(path: Path, grid: Grid, reading: Reading) -> Source:
    """Return rows of a file as an input, refused unless they are of referrals."""
    if not is_referral_heading(grid.headings):
        raise InputError(
            f"{path}: looks like {looks_like(grid.headings)}; {EXPECTED}."
            f"{how_to_map(path, grid.headings)}"
        )
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
    columns = {
        name: one_after_another([table.columns[name] for table in tables])
        for name in tables[0].columns
    }
    rows = np.concatenate([table.rows for table in tables])
    return replace(sources[0], referrals=replace(tables[0], rows=rows, columns=columns))


def deal_out(pieces: Partition, reading: Reading, n_hands: int, folder: str) -> list[Piece]:
    """Write the rows of a partition into files, one a hand, dealt out by a number of the child.

    Raises:
        InputError: when a file cannot be read.
        OSError: when one cannot be written.
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
                write_dealt(table, rows, name)
                dealt.append(replace(piece, n_rows=len(rows), row_groups=None, dealt=name))
    return dealt


def hands(dealt: Sequence[Piece]) -> list[Partition]:
    """Return the rows dealt out as partitions, one a hand, each in the order of the inputs."""
    found: dict[str, list[Piece]] = {}
    for piece in dealt:
        found.setdefault(Path(piece.dealt).name.partition("-")[0], []).append(piece)
    return [
        tuple(sorted(found[hand], key=lambda one: (one.number, one.first_row)))
        for hand in sorted(found)
    ]
