"""Reading any input: what a file or folder is, is told from its content.

``read_source`` is the one way in. Each format has a module of its own; this one only recognises.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from triage.errors import InputError
from triage.reading import USUAL, Reading
from triage.schema import REFERRAL_COLUMNS
from triage.sources import annex_a, extracts, folder
from triage.sources.cin import read_cin
from triage.sources.grid import Grid
from triage.sources.headings import is_referral_heading, looks_like
from triage.sources.text_table import below_title, decode, read_text_grid
from triage.tables import Extract, Input, RawTable, Source

if TYPE_CHECKING:
    from triage.sources.workbook import Sheet

REFERRAL_TABLE: Final = "referral table"
EXPECTED: Final = (
    "expected a referral table (CSV, Parquet or Excel with child_id and referral_date), a folder "
    "of tables, a CIN census or Ofsted's Annex A"
)


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
    for name in names:
        progress(f"reading {name}")
        found.append(read_source(name, reading))
    if any(isinstance(one, Source) for one in found):
        return found
    return [_as_referrals(one) for one in found if isinstance(one, Extract)]


def _as_referrals(extract: Extract) -> Source:
    if extract.as_referrals is None:
        raise InputError(
            f"{extract.path}: is a {extract.kind} and holds no referral; give the referrals with "
            f"it, as in: triage check referrals.csv {Path(extract.path).name}"
        )
    return _table_source(Path(extract.path), extract.sha256, extract.as_referrals)


def read_source(name: str, reading: Reading = USUAL) -> Input:
    """Return what one input holds, cells as typed: referrals, or an extract to join to some.

    Raises:
        InputError: when there is nothing there, it is of no known kind, or cannot be read; the
            sentence says what it looks like and what was expected.
    """
    if "://" in name:
        from triage.sources.ssd import read_ssd

        return read_ssd(name, reading)
    path = Path(name)
    try:
        source = _read_folder(path, reading) if path.is_dir() else _read_file(path, reading)
    except FileNotFoundError:
        raise InputError(f"{name}: there is no such file or folder; check the path.") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be opened ({error.strerror or error}).") from None
    if isinstance(source, Source) and not len(source.referrals):
        raise InputError(
            f"{source.referrals.source}: holds headings but no referral; export it again."
        )
    return source


def _read_file(path: Path, reading: Reading) -> Input:
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.strip():
        raise InputError(f"{path}: is empty; {EXPECTED}.")
    digest = _digest(path)
    if _is_xml(start):
        return read_cin(path, digest)
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _read_workbook(path, digest, reading)
    if start.startswith(b"SQLite format 3"):
        from triage.sources.ssd import read_sqlite_file

        return read_sqlite_file(path, reading)
    grid = _read_grid(path)
    if found := extracts.extract_of(path, digest, grid, str(path)):
        return found
    _refuse_unless_referrals(grid, str(path))
    return _table_source(path, digest, grid.table(str(path)))


def _is_xml(start: bytes) -> bool:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if start.startswith(mark):
            text = start.decode(encoding, "ignore").lstrip("\ufeff")
            return text.lstrip().startswith("<")
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def _read_workbook(path: Path, digest: str, reading: Reading) -> Input:
    from triage.sources.workbook import read_sheets

    sheets = read_sheets(path)
    return _source_of_sheets(path, digest, sheets, reading)


def _source_of_sheets(path: Path, digest: str, sheets: list[Sheet], reading: Reading) -> Input:
    lists: dict[int, tuple[str, Grid]] = {}
    for sheet in sheets:
        number = annex_a.list_number(sheet.name)
        heading_at = sheet.heading_at(_is_list_heading)
        if number and heading_at is not None:
            lists.setdefault(number, (f"{path} [{sheet.name}]", sheet.grid(heading_at)))
    if 3 in lists and annex_a.is_list_3(lists[3][1].headings):
        return annex_a.annex_a_source(path, digest, lists, reading)
    for sheet in sheets:
        heading_at = sheet.heading_at(is_referral_heading)
        if heading_at is not None:
            label = str(path) if len(sheets) == 1 else f"{path} [{sheet.name}]"
            others = [
                other.name
                for other in sheets
                if other is not sheet and other.heading_at(is_referral_heading) is not None
            ]
            if others:
                names = ", ".join([sheet.name, *others])
                raise InputError(
                    f"{path}: referrals stand on several sheets ({names}); put them on one, or "
                    "save each as a file and give them together."
                )
            grid = sheet.grid(heading_at)
            if found := extracts.extract_of(path, digest, grid, str(path)):
                return found
            return _table_source(path, digest, grid.table(label))
    for sheet in sheets:
        heading_at = sheet.heading_at(extracts.is_extract_heading)
        if heading_at is not None and (
            found := extracts.extract_of(
                path, digest, sheet.grid(heading_at), f"{path} [{sheet.name}]"
            )
        ):
            return found
    first = next((row for sheet in sheets for row in sheet.rows if sum(map(bool, row)) > 2), [])
    raise InputError(f"{path}: looks like {looks_like(first)}; {EXPECTED}.")


def _read_grid(path: Path) -> Grid:
    """Return the one table in a CSV, Parquet or Excel file."""
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PAR1"):
        from triage.sources.parquet import read_parquet_grid

        return read_parquet_grid(path)
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        from triage.sources.workbook import read_sheets

        for sheet in read_sheets(path):
            heading_at = sheet.heading_at(lambda row: sum(map(bool, row)) > 1)
            if heading_at is not None:
                return sheet.grid(heading_at)
        raise InputError(f"{path}: no sheet of it holds a table.")
    text = below_title(decode(path.read_bytes(), str(path)), is_referral_heading)
    return read_text_grid(text, str(path))


def _refuse_unless_referrals(grid: Grid, label: str) -> None:
    if not is_referral_heading(grid.headings):
        raise InputError(f"{label}: looks like {looks_like(grid.headings)}; {EXPECTED}.")


def _table_source(path: Path, digest: str, table: RawTable) -> Source:
    referrals, notes = _referral_columns(table)
    return Source(str(path), REFERRAL_TABLE, digest, referrals, notes=(*table.notes, *notes))


def _referral_columns(table: RawTable) -> tuple[RawTable, list[str]]:
    """Return a table without the columns that only the tables beside it carry, each named."""
    columns = {name: cells for name, cells in table.columns.items() if name in REFERRAL_COLUMNS}
    return replace(table, columns=columns), folder.passed_over(table, tuple(columns))


def _read_folder(path: Path, reading: Reading) -> Source:
    tables = folder.table_files(path)
    if "referrals" in tables:
        return _folder_of_tables(path, tables)
    lists: dict[int, tuple[str, Grid]] = {}
    files = []
    for file in sorted(path.glob("*.csv")):
        number = annex_a.list_number(file.stem) or _list_by_words(file.stem)
        if number:
            lists[number] = (str(file), _below_title(file))
            files.append(file)
    if 3 in lists and annex_a.is_list_3(lists[3][1].headings):
        return annex_a.annex_a_source(path, _digest(*files), lists, reading)
    held = ", ".join(sorted(file.name for file in path.iterdir())[:6]) or "nothing"
    raise InputError(
        f"{path}: looks like a folder that holds {held}; expected referrals.csv (or .parquet, "
        ".xlsx) with the tables beside it, or the lists of Annex A."
    )


def _list_by_words(stem: str) -> int | None:
    """Return the list that a file such as ``Annex A List 3 Referrals`` holds."""
    place = stem.casefold().find("list")
    return annex_a.list_number(stem[place:]) if place > 0 else None


def _below_title(file: Path) -> Grid:
    """Return the table of one of the lists, whether or not a title row stands above it."""
    text = below_title(decode(file.read_bytes(), str(file)), _is_list_heading)
    return read_text_grid(text, str(file))


def _is_list_heading(row: Sequence[str]) -> bool:
    return "child unique id" in {cell.strip().casefold() for cell in row}


def _folder_of_tables(path: Path, tables: dict[str, Path]) -> Source:
    grid = _read_grid(tables["referrals"])
    _refuse_unless_referrals(grid, str(tables["referrals"]))
    referrals, ignored = _referral_columns(grid.table(str(tables["referrals"])))
    notes = [f"{tables['referrals'].name}: {note}" for note in referrals.notes] + ignored
    notes += folder.strangers(path)
    children = []
    contacts = None
    for name, file in tables.items():
        if name == "referrals":
            continue
        table = _read_grid(file).table(str(file))
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
        twice = [column for column in child.carries if column in referrals.columns]
        if twice:
            notes.append(
                f"{tables['referrals'].name}: column {', '.join(twice)} was ignored: "
                f"{file.name} carries it"
            )
            referrals = replace(
                referrals,
                columns={k: v for k, v in referrals.columns.items() if k not in twice},
            )
        children.append(child)
    return Source(
        str(path),
        folder.KIND,
        _digest(*tables.values()),
        referrals,
        tuple(children),
        contacts,
        tuple(notes),
    )


def _digest(*paths: Path) -> str:
    """Return the SHA-256 of a file, or of several files' names and digests together."""
    if len(paths) == 1:
        with paths[0].open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    whole = hashlib.sha256()
    for path in paths:
        whole.update(f"{path.name} {_digest(path)}\n".encode())
    return whole.hexdigest()
