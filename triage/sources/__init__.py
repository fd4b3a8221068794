"""Reading any input: what a file or folder is, is told from its content.

``read_source`` is the one way in. Each format has a module of its own; this one only recognises.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from triage.errors import InputError
from triage.reading import USUAL, Reading
from triage.sources import annex_a, extracts, folder
from triage.sources.any_table import grid_by_mapping, how_to_map, read_grid
from triage.sources.grid import Grid
from triage.sources.guard import EXPECTED, Admitted, admit, check_name, refusal
from triage.sources.headings import is_referral_heading, looks_like
from triage.sources.mapping import mapping_for, named_mapping
from triage.sources.pieces import parquet_files
from triage.sources.referral_table import referral_columns, table_source, without_carried
from triage.sources.sheets import input_of_sheets
from triage.sources.words import input_with_words
from triage.tables import Extract, Input, RawTable, Source


def read_inputs(
    names: Sequence[str], reading: Reading, progress: Callable[[str], None]
) -> list[Input]:
    """Return what several inputs hold; at least one of them has to hold referrals.

    A table that could be an extract or referrals, ``decisions.csv`` with the dates of referrals,
    is referrals where nothing else given holds any.

    Raises:
        InputError: when one of them cannot be used, or none holds referrals.
    """
    found: list[Input] = []
    for name in _each_file(names):
        # A URL may hold a password, which no screen is to show.
        progress("reading a database" if "://" in name else f"reading {name}")
        found.append(read_source(name, reading))
    if any(isinstance(one, Source) for one in found):
        return found
    return [_as_referrals(one) for one in found if isinstance(one, Extract)]


def _each_file(names: Sequence[str]) -> list[str]:
    """Return the inputs with each Parquet file of a folder that holds one table as its own."""
    found: list[str] = []
    for name in names:
        folder = Path(name)
        try:
            files = parquet_files(folder) if "://" not in name and folder.is_dir() else []
        except (OSError, ValueError):
            files = []
        found += [str(file) for file in files] or [name]
    return found


def _as_referrals(extract: Extract) -> Source:
    if extract.as_referrals is None:
        raise InputError(
            f"{extract.path}: is a {extract.kind} and holds no referral; give the referrals with "
            f"it, as in: triage check referrals.csv {Path(extract.path).name}"
        )
    return table_source(Path(extract.path), extract.sha256, extract.as_referrals)


def read_source(name: str, reading: Reading = USUAL) -> Input:
    """Return what one input holds, cells as typed: referrals, or an extract to join to some.

    Raises:
        InputError: when there is nothing there, it is of no known kind, or cannot be read; the
            sentence says what it looks like and what was expected.
    """
    named_mapping(reading)  # One that is wrong is told even where no table would ask for it.
    if "://" in name:
        from triage.sources.ssd import read_ssd

        return input_with_words(read_ssd(name, reading), reading.words)
    path = Path(name)
    check_name(name)
    try:
        source = _read_folder(path, reading) if path.is_dir() else _read_file(path, reading)
    except OSError as error:
        raise refusal(name, error) from None
    if isinstance(source, Source) and not len(source.referrals):
        raise InputError(
            f"{source.referrals.source}: holds headings but no referral; export it again."
        )
    if isinstance(source, Source):
        _refuse_blank(source.referrals)
    # Annex A has words of its own, which are to see a cell after the council's.
    return source if source.kind == annex_a.KIND else input_with_words(source, reading.words)


def _refuse_blank(referrals: RawTable) -> None:
    """Refuse a table whose every row would be rejected, before each is listed as such."""
    for name in ("child_id", "referral_date"):
        column = referrals.columns.get(name)
        if column is not None and not any(column.texts):
            raise InputError(
                f"{referrals.source}: {name} is blank in every one of its {len(referrals):,} rows, "
                "so none can be used; check the file and export it again."
            )


def _read_file(path: Path, reading: Reading) -> Input:
    admitted = admit(path)
    if admitted.kind == "sqlite":
        from triage.sources.ssd import read_sqlite_file

        return read_sqlite_file(path, reading)
    if admitted.kind == "xml":
        # Loads what parses XML, a hundredth of a second that no other kind needs.
        from triage.sources.cin import read_cin

        found: Input = read_cin(path)
    elif admitted.kind == "workbook":
        found = _read_workbook(admitted, reading)
    else:
        found = _input_of(path, admitted.sha256, read_grid(admitted, reading))
    admitted.check_unchanged()
    return found


def _input_of(path: Path, digest: str, grid: Grid) -> Input:
    """Return the one table of a file as an extract, or as referrals."""
    if found := extracts.extract_of(path, digest, grid, str(path), path.stem):
        return found
    _refuse_unless_referrals(grid, path)
    return table_source(path, digest, grid.table(str(path)))


def _read_workbook(admitted: Admitted, reading: Reading) -> Input:
    from triage.sources.workbook import read_sheets

    path, digest = admitted.path, admitted.sha256
    sheets = read_sheets(path)
    mapping = mapping_for(path, reading)
    if mapping is None:
        return input_of_sheets(path, digest, sheets, reading)
    if mapping.is_beside or grid_by_mapping(sheets, mapping):
        return _input_of(path, digest, read_grid(admitted, reading))
    found = input_of_sheets(path, digest, sheets, reading)
    return replace(found, notes=(*found.notes, mapping.not_used))


def _refuse_unless_referrals(grid: Grid, path: Path) -> None:
    if not is_referral_heading(grid.headings):
        raise InputError(
            f"{path}: looks like {looks_like(grid.headings)}; {EXPECTED}."
            f"{how_to_map(path, grid.headings)}"
        )


def _read_folder(path: Path, reading: Reading) -> Source:
    tables = folder.table_files(path)
    if "referrals" in tables:
        return _folder_of_tables(path, tables, reading)
    files = annex_a.list_files(path)
    lists, said = annex_a.lists_of_files(files)
    if 3 in lists:
        digest = _digest(*map(admit, files.values()))
        return annex_a.annex_a_source(path, digest, lists, said, reading)
    annex_a.refuse_without_list_3(path, files)
    held = ", ".join(sorted(file.name for file in path.iterdir())[:6]) or "nothing"
    raise InputError(
        f"{path}: looks like a folder that holds {held}; expected referrals.csv (or .parquet, "
        ".xlsx) with the tables beside it, or the lists of Annex A."
    )


def _folder_of_tables(path: Path, tables: dict[str, Path], reading: Reading) -> Source:
    admitted = {name: admit(file) for name, file in tables.items()}
    grid = read_grid(admitted["referrals"], reading)
    _refuse_unless_referrals(grid, tables["referrals"])
    referrals, ignored = referral_columns(grid.table(str(tables["referrals"])))
    notes = [f"{tables['referrals'].name}: {note}" for note in referrals.notes] + ignored
    notes += folder.strangers(path)
    children = []
    contacts = None
    for name, file in tables.items():
        if name == "referrals":
            continue
        table = read_grid(admitted[name], reading).table(str(file))
        notes += [f"{file.name}: {note}" for note in table.notes]
        if why := folder.lacks(name, table):
            notes.append(why)
            continue
        if name == folder.CONTACTS:
            contacts = folder.contact_table(table)
            notes += folder.passed_over(table, folder.CONTACT_COLUMNS)
            continue
        child = folder.child_table(name, table, referrals)
        keys = ("referral_id", "child_id", "referral_date")
        notes += folder.passed_over(table, (*child.carries, *child.keeps, *keys))
        referrals, said = without_carried(referrals, child, tables["referrals"].name, file.name)
        notes += said
        children.append(child)
    return Source(
        str(path),
        folder.KIND,
        _digest(*admitted.values()),
        referrals,
        tuple(children),
        contacts,
        tuple(notes),
    )


def _digest(*files: Admitted) -> str:
    """Return the SHA-256 of several files' names and digests together, if they are still so."""
    whole = hashlib.sha256()
    for file in files:
        file.check_unchanged()
        whole.update(f"{file.path.name} {file.sha256}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()
