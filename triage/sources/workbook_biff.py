"""Cells of an ``.xls`` that hold an error such as #REF!, found in its own records.

The reader of workbooks gives them as blank, and a blank date would mean that nothing happened. An
``.xls`` is a small file system (OLE) with a stream of records (BIFF) in it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from triage.sources.workbook_xml import Unvalued

_SIGNATURE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END_OF_CHAIN: Final = 0xFFFFFFFA
"""Sector numbers from here on stand for no sector."""
_STREAMS: Final = tuple(name.encode("utf-16-le") for name in ("Workbook\0", "Book\0"))
_BOF, _EOF, _FORMULA, _SHEET, _ERROR = 0x0809, 0x000A, 0x0006, 0x0085, 0x0205
_MAY_BE: Final = re.compile(rb"\x05\x02\x08\x00.{7}\x01|\x06\x00.{8}\x02.{5}\xff\xff", re.DOTALL)
"""What a record of an error holds; found in other records too, but seldom."""
_WORDS: Final = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?",
    0x24: "#NUM!", 0x2A: "#N/A",
}  # fmt: skip


def error_cells(path: Path) -> dict[str, Unvalued]:
    """Return the cells that hold an error, by the name of their sheet; none if it is no ``.xls``.

    A file that is damaged has none either: the reader of workbooks says what is wrong with it.
    """
    with path.open("rb") as file:
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            return {}
    data = path.read_bytes()
    try:
        records = _stream(data)
        if not _MAY_BE.search(records):
            return {}
        return {name: dict(_errors(records, at)) for name, at in _sheets(records)}
    except (struct.error, IndexError):
        return {}


def _stream(data: bytes) -> bytes:
    """Return the stream of records in an OLE file; nothing where there is none."""
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    table = _allocation_table(data, size)
    (first_of_directory,) = struct.unpack_from("<I", data, 48)
    directory = b"".join(_chain(data, table, first_of_directory, size))
    for at in range(0, len(directory) - 127, 128):
        if directory[at : at + 64].startswith(_STREAMS):
            start, length = struct.unpack_from("<II", directory, at + 116)
            return b"".join(_chain(data, table, start, size))[:length]
    return b""


def _allocation_table(data: bytes, size: int) -> list[int]:
    """Return, for each sector, the one that follows it."""
    (next_list,) = struct.unpack_from("<I", data, 68)
    places = list(struct.unpack_from("<109I", data, 76))
    for _ in range(len(data) // size):
        if next_list >= _END_OF_CHAIN:
            break
        more = struct.unpack_from(f"<{size // 4}I", data, (next_list + 1) * size)
        places += more[:-1]
        next_list = more[-1]
    table: list[int] = []
    for place in places:
        if place < _END_OF_CHAIN:
            table += struct.unpack_from(f"<{size // 4}I", data, (place + 1) * size)
    return table


def _chain(data: bytes, table: list[int], sector: int, size: int) -> Iterator[bytes]:
    for _ in range(len(table)):
        if sector >= _END_OF_CHAIN:
            return
        yield data[(sector + 1) * size : (sector + 2) * size]
        sector = table[sector]


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Return the records of one part of a stream, up to its end."""
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + length]
        if kind == _EOF:
            return
        at += 4 + length


def _sheets(stream: bytes) -> Iterator[tuple[str, int]]:
    """Return each sheet's name with the place where its records start."""
    is_wide = True
    for kind, record in _records(stream, 0):
        if kind == _BOF:
            is_wide = struct.unpack_from("<H", record)[0] >= 0x0600
        elif kind == _SHEET:
            (at,) = struct.unpack_from("<I", record)
            if not is_wide:
                name = record[7:].decode("cp1252", "replace")
            elif record[7] & 1:
                name = record[8:].decode("utf-16-le", "replace")
            else:
                name = record[8:].decode("latin-1")
            yield name, at


def _errors(stream: bytes, at: int) -> Iterator[tuple[tuple[int, int], str]]:
    for kind, record in _records(stream, at):
        if kind == _ERROR and record[7] == 1:
            code = record[6]
        elif kind == _FORMULA and record[12:14] == b"\xff\xff" and record[6] == 2:
            code = record[8]
        else:
            continue
        row, column = struct.unpack_from("<HH", record)
        yield (row, column), _WORDS.get(code, "#REF!")
