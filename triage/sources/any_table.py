"""The one table in a CSV, Parquet or Excel file: by our headings, by a mapping, or to be mapped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from triage.errors import InputError
from triage.reading import Reading
from triage.sources import annex_a
from triage.sources.grid import Grid
from triage.sources.guard import Admitted, admit, refusal
from triage.sources.headings import columns_meant, is_referral_heading, looks_like
from triage.sources.mapping import TableMapping, beside_of, mapping_for
from triage.sources.text import below_title, read_text
from triage.sources.text_table import read_text_grid

if TYPE_CHECKING:
    from triage.sources.workbook import Sheet

IsHeading = Callable[[Sequence[str]], bool]
_A_TABLE: Final = "a table headed "


def read_grid(admitted: Admitted, reading: Reading) -> Grid:
    """Return the one table in a file, its headings as we know them where a mapping says so.

    Raises:
        CallError: for a mapping that is wrong, or has a question left open.
        InputError: for a file that cannot be read, or is not the one its mapping was made for.
    """
    mapping = mapping_for(admitted.path, reading)
    if mapping is None:
        return _grid_of(admitted, is_referral_heading, columns_meant)
    grid = _grid_of(
        admitted,
        lambda row: is_referral_heading(row) or mapping.fits(row),
        lambda heading: mapping.is_for(heading) or bool(columns_meant(heading)),
        mapping,
    )
    return mapping.applied(grid, str(admitted.path))


def _grid_of(
    admitted: Admitted,
    is_heading: IsHeading,
    is_wanted: Callable[[str], object],
    mapping: TableMapping | None = None,
) -> Grid:
    path = admitted.path
    if admitted.kind == "parquet":
        from triage.sources.parquet import read_parquet_grid

        return read_parquet_grid(path, is_wanted)
    if admitted.kind == "workbook":
        from triage.sources.workbook import read_sheets

        sheets = read_sheets(path)
        if mapping is not None and (grid := grid_by_mapping(sheets, mapping)):
            return grid
        for sheet in sheets:
            heading_at = sheet.heading_at(_has_cells)
            if heading_at is not None:
                return sheet.grid(heading_at)
        raise InputError(f"{path}: no sheet of it holds a table.")
    if admitted.kind != "text":
        raise InputError(f"{path}: is no table; give a CSV, Parquet or Excel file in its place.")
    return read_text_grid(below_title(read_text(admitted), is_heading), str(path))


def _has_cells(row: Sequence[str]) -> bool:
    return sum(map(bool, row)) > 1


def grid_by_mapping(sheets: Sequence[Sheet], mapping: TableMapping) -> Grid | None:
    """Return the table of the first sheet that a mapping fits, as it is written there."""
    for sheet in sheets:
        heading_at = sheet.heading_at(mapping.fits)
        if heading_at is not None:
            return sheet.grid(heading_at)
    return None


def how_to_map(path: Path, headings: Sequence[str]) -> str:
    """Return what to do about a table whose headings are not understood, "" for another return."""
    if not looks_like(headings).startswith(_A_TABLE):
        return ""
    beside = beside_of(path)
    if beside.is_file():
        return f" Its mapping {beside} gives it no child_id with a date; mend it."
    return f" `triage sources map {path}` proposes what its columns mean."


def grid_to_map(path: Path) -> Grid:
    """Return the table that a mapping is to be proposed for, every column of it.

    Raises:
        InputError: for what is no single table, or is another return.
    """
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder; name one of the tables in it.")
        grid = _grid_to_map(admit(path))
    except OSError as error:
        raise refusal(str(path), error) from None
    found = looks_like(grid.headings)
    if not found.startswith(_A_TABLE):
        raise InputError(f"{path}: looks like {found}; there is nothing to map in it.")
    return grid


def _grid_to_map(admitted: Admitted) -> Grid:
    path = admitted.path
    if admitted.kind in ("xml", "sqlite"):
        raise InputError(
            f"{path}: is no table of rows and headings; a mapping is for CSV, Parquet and Excel."
        )
    # Likeness is asked only of what is to be mapped, never in a run.
    from triage.sources.heading_likeness import is_like_a_heading, n_alike

    if admitted.kind != "workbook":
        return _grid_of(admitted, is_like_a_heading, lambda heading: True)
    from triage.sources.workbook import read_sheets

    sheets = read_sheets(path)
    if 3 in annex_a.lists_of_sheets(path, sheets)[0]:
        raise InputError(f"{path}: is Ofsted's Annex A, which is read without a mapping.")
    tables = [sheet for sheet in sheets if any(map(_has_cells, sheet.rows))]
    found = [(sheet, _heading_to_map(sheet)) for sheet in tables]
    if not found:
        raise InputError(f"{path}: no sheet of it holds a table.")
    sheet, heading_at = max(found, key=lambda one: n_alike(one[0].rows[one[1]]))
    return sheet.grid(heading_at)


def _heading_to_map(sheet: Sheet) -> int:
    """Return the row that is most like headings, else the first that has several cells."""
    from triage.sources.heading_likeness import n_alike

    best = max(range(len(sheet.rows)), key=lambda place: n_alike(sheet.rows[place]))
    if n_alike(sheet.rows[best]) > 1:
        return best
    return next(place for place, row in enumerate(sheet.rows) if _has_cells(row))
