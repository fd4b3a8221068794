"""What the reader of workbooks does not tell of an ``.xlsx``, found in the sheet's own text.

Errors such as #REF! and formulas that were never worked out come as blank, and a blank date would
mean that nothing happened. And two cells at opposite ends of a sheet cost the memory of all that
lie between. A sheet without any of this costs no more than a search for a few bytes.
"""

from __future__ import annotations

import html
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from triage.errors import InputError
from triage.vocabulary import NO_VALUE

_BLOCK: Final = 1 << 20
_MARK: Final = re.compile(rb"</(?:\w+:)?f>|\bt=[\"']e[\"']")
"""What only a formula or an error holds."""
_FAR: Final = re.compile(rb"r=[\"'](?:([A-Z]{2,3})([0-9]+)|[A-Z]?([0-9]{6,7})[\"'])")
"""A cell beyond column Z, or any beyond row 99,999."""
_ANY_CELL: Final = re.compile(rb"r=[\"']([A-Z]{1,3})([0-9]{1,7})[\"']")
_MOST_CELLS: Final = 5_000_000
_MOST_GAPS: Final = 20
"""A sheet with room for more cells than the one, and more than the other times those that it has,
is refused."""
_PREFIX: Final = re.compile(rb"<(\w+:)?row\b")
_PLACE: Final = re.compile(rb"\br=[\"']([A-Z]{1,3})([0-9]{1,7})[\"']")
# Neither goes back over what it has seen: a cell of a megabyte of space costs one look at it.
_ERROR: Final = rb"<%bc\b([^>]*\bt=[\"']e[\"'][^>]*)>(?:(?!</?%bc\b).)*?<%bv\b[^>]*>([^<]*)</%bv>"
_UNCOUNTED: Final = (
    rb"<%bc\b((?:(?!\bt=[\"']str[\"'])[^>])*)(?<!/)>\s*+<%bf\b(?:[^>]*/>|[^>]*(?<!/)>[^<]*</%bf>)"
    rb"\s*+(?:<%bv\b[^>]*/>|<%bv\b[^>]*></%bv>)?+\s*+</%bc>"
)

Unvalued = dict[tuple[int, int], str]
"""The word that stands for each cell without a value, by row and column counted from 0."""


@dataclass
class _Survey:
    """What a first look at a sheet's text has shown; ``width`` and ``depth`` are at most so far."""

    is_marked: bool = False
    width: int = 26
    depth: int = 99_999

    def add(self, seen: bytes, start: bytes) -> None:
        """Take note of a further piece of the text, given how it starts."""
        prefix = b":" if b":sheetData" in start else b"<"
        # A plain search for a few bytes is many times faster than the expression.
        formula = b":f>" if prefix == b":" else b"</f"
        quotes = (b't="e', b"t='e") if b"='" in start else (b't="e',)
        if formula in seen or any(error in seen for error in quotes):
            self.is_marked = self.is_marked or bool(_MARK.search(seen))
        if far := _FAR.findall(seen):
            columns, rows, others = map(set, zip(*far, strict=True))
            self.width = max(self.width, *map(_column, columns))
            self.depth = max(self.depth, *(int(row or 0) for row in rows | others))

    @property
    def is_wide_or_deep(self) -> bool:
        """Return whether there may be room for more cells than a sheet usually has."""
        return self.width * self.depth > _MOST_CELLS


def unvalued_cells(path: Path, sheet: str) -> Unvalued:
    """Return the cells of a sheet that hold an error or a formula without a value.

    A formula that was worked out to an empty text is blank and not among them.

    Raises:
        InputError: when such a cell does not say where it stands, or cells lie so far apart that
            reading the sheet would take the memory of a million times as many.
    """
    if not zipfile.is_zipfile(path):
        return {}
    try:
        return _unvalued_cells(path, sheet)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise InputError(
            f"{path} [{sheet}]: is damaged ({error}); open the workbook in Excel and save it again."
        ) from None


def _unvalued_cells(path: Path, sheet: str) -> Unvalued:
    with zipfile.ZipFile(path) as archive:
        part = _sheet_parts(archive).get(sheet)
        if part is None:
            return {}
        survey = _survey(archive, part)
        if survey.is_wide_or_deep:
            _refuse_scattered(archive, part, f"{path} [{sheet}]")
        if not survey.is_marked:
            return {}
        with archive.open(part) as file:
            return {
                _place(attributes, path, sheet): word
                for rows in _whole_rows(file)
                for attributes, word in _found(rows)
            }


def _survey(archive: zipfile.ZipFile, part: str) -> _Survey:
    found = _Survey()
    with archive.open(part) as file:
        before = start = b""
        while block := file.read(_BLOCK):
            start = start or block
            found.add(before + block, start)
            before = block[-32:]
    return found


def _refuse_scattered(archive: zipfile.ZipFile, part: str, source: str) -> None:
    """Refuse a sheet with next to nothing between the cells that lie farthest out."""
    width = depth = 1
    n_cells = 0
    with archive.open(part) as file:
        before = b""
        while block := file.read(_BLOCK):
            cells = _ANY_CELL.findall(before + block)
            n_cells += len(cells)
            width = max(width, *map(_column, {letters for letters, _ in cells}), 1)
            depth = max(depth, *(int(number) for _, number in cells), 1)
            before = block[-32:]
    if width * depth > max(_MOST_CELLS, _MOST_GAPS * n_cells):
        raise InputError(
            f"{source}: single cells lie as far out as row {depth:,} and column {width:,}, with "
            "next to nothing between; delete them, and save it again."
        )


def _whole_rows(file: IO[bytes]) -> Iterator[bytes]:
    """Return a sheet's text in pieces that end where a row does."""
    rest = b""
    while block := file.read(_BLOCK):
        rest += block
        end = rest.rfind(b"row>") + 1
        if end:
            yield rest[: end + 3]
            rest = rest[end + 3 :]
    yield rest


def _found(rows: bytes) -> Iterator[tuple[bytes, str]]:
    prefix = _PREFIX.search(rows)
    if prefix is None:
        return
    name = prefix.group(1) or b""
    for attributes, value in re.findall(_ERROR % ((name,) * 4), rows, re.DOTALL):
        yield attributes, value.decode("utf-8", "replace")
    for attributes in re.findall(_UNCOUNTED % ((name,) * 7), rows):
        yield attributes, NO_VALUE


def _place(attributes: bytes, path: Path, sheet: str) -> tuple[int, int]:
    match = _PLACE.search(attributes)
    if match is None:
        raise InputError(
            f"{path} [{sheet}]: a cell holds an error or a formula without a value and does not "
            "say where it stands; open the workbook in Excel and save it again."
        )
    return int(match.group(2)) - 1, _column(match.group(1)) - 1


def _column(letters: bytes) -> int:
    """Return the number of a column, counted from 1, by its letters."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the file inside a workbook that holds each sheet, by the sheet's name."""
    names = set(archive.namelist())
    try:
        book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
        links = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    except KeyError:
        return {}
    targets = {}
    for tag in re.findall(r"<(?:\w+:)?Relationship\b[^>]*>", links):
        targets[_attribute(tag, "Id")] = _attribute(tag, "Target").lstrip("/").removeprefix("xl/")
    found = {}
    for tag in re.findall(r"<(?:\w+:)?sheet\b[^>]*>", book):
        part = f"xl/{targets.get(_attribute(tag, 'r:id'), '')}"
        if part in names:
            found[html.unescape(_attribute(tag, "name"))] = part
    return found


def _attribute(tag: str, name: str) -> str:
    match = re.search(rf"\b{name}=[\"']([^\"']*)[\"']", tag)
    return match.group(1) if match else ""
