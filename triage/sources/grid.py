"""Heading row and columns of one table, before their names are understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from triage.errors import InputError
from triage.sources.headings import read_headings
from triage.tables import Problem, RawColumn, RawTable, Rows, arrow_texts, drop_free_text
from triage.vocabulary import NO_VALUE, counted, cut

LONGEST_CELL = 1_000_000
"""Characters of one cell; nobody types more."""
FIRST_ROW = 2
"""Records are counted from 2: the first one under the heading."""


@dataclass(frozen=True)
class Grid:
    """A table as it lies in a file: headings, a column for each, and rows of uneven length.

    ``first_row`` is the number of its first row; a later one where only some rows were read.
    """

    headings: tuple[str, ...]
    columns: tuple[RawColumn, ...]
    n_rows: int
    uneven: tuple[tuple[int, int], ...] = ()
    notes: tuple[str, ...] = ()
    first_row: int = FIRST_ROW

    def table(self, source: str) -> RawTable:
        """Return the table with canonical columns, its notes, and problems of uneven rows."""
        headings = read_headings(self.headings, source)
        return self.part(source, headings.position, headings.notes())

    def part(self, source: str, position: Mapping[str, int], notes: Sequence[str] = ()) -> RawTable:
        """Return the table of some columns, by the place at which each one stands."""
        for place in dict.fromkeys(position.values()):
            self._check_lengths(source, place)
        columns = {name: self.columns[place] for name, place in position.items()}
        said = {cells: self._unevenness(cells) for cells in {cells for _, cells in self.uneven}}
        problems = tuple(
            Problem("problem", source, place + self.first_row, *said[cells])
            for place, cells in self.uneven
        )
        unvalued = (
            _formula_note(self.headings[place], self.columns[place])
            for place in dict.fromkeys(position.values())
        )
        return RawTable(
            source,
            row_numbers(self.n_rows, self.first_row),
            drop_free_text(columns),
            problems,
            (*self.notes, *notes, *filter(None, unvalued)),
        )

    def _check_lengths(self, source: str, place: int) -> None:
        """Refuse a cell that nobody typed: a document, or many rows that a lost mark made one."""
        column = self.columns[place]
        lengths = pc.utf8_length(arrow_texts(column.texts)).fill_null(0)
        if (pc.max(lengths).as_py() or 0) <= LONGEST_CELL:
            return
        code = pc.index(pc.greater(lengths, LONGEST_CELL), True).as_py()
        row = int((column.codes == code).argmax()) + self.first_row
        raise InputError(
            f"{source}: row {row:,}, column '{cut(self.headings[place])}' holds more than "
            f"{LONGEST_CELL:,} characters in one cell; mend the cell or leave the column out, and "
            "export it again."
        )

    def _unevenness(self, cells: int) -> tuple[str, str]:
        """Return the column at which a row of so many cells goes wrong, and what is wrong."""
        width = len(self.headings)
        if cells < width:
            column = cut(self.headings[cells])
            rest = "the missing cells are unknown"
        else:
            column = ""
            rest = "the cells beyond the last heading were not read"
        return column, f"the row has {cells} cells under {width} headings; {rest}"


def _formula_note(heading: str, column: RawColumn) -> str:
    """Return what to do about formulas of a column that were never worked out, if there are any."""
    code = pc.index(arrow_texts(column.texts), NO_VALUE).as_py()
    if code < 0:
        return ""
    n = int((column.codes == code).sum())
    return (
        f"column '{cut(heading)}': {NO_VALUE} stands in {counted(n, 'cell')}; open the workbook in "
        "Excel, save it, and give it again"
    )


def row_numbers(n_rows: int, first_row: int = FIRST_ROW) -> Rows:
    """Return the numbers of rows counted from the first under the heading."""
    return np.arange(first_row, n_rows + first_row, dtype=np.int64)
