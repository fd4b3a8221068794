"""Whether a workbook may be opened: zip bombs, other kinds of files, and what breaks its reader.

The reader of workbooks is native code. A cell far away from the others, or one long text that a
million cells share, makes it ask for more memory than there is, and then it takes the whole program
down. So a workbook is first opened in a process of its own, with limits, that may well go down.
"""

from __future__ import annotations

import math
import mmap
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final

from triage.errors import InputError
from triage.sources.workbook_xml import unvalued_cells
from triage.vocabulary import counted, cut

MOST_UNPACKED: Final = 2 << 30
MOST_TIMES: Final = 100
"""A workbook unpacks to some 8 to 15 times its size; a hundred times is a bomb, once it matters."""
LARGEST_WORKBOOK: Final = 200 << 20
LARGEST_OLD_WORKBOOK: Final = 100 << 20
"""The reader takes a workbook into memory whole, before anything else."""

_MATTERS: Final = 64 << 20
_PIECE: Final = 1 << 20
_LARGEST_DIRECTORY: Final = 4 << 20
_LARGEST_INDEX: Final = 16 << 20
_MEMORY: Final = 160 << 20
_MEMORY_A_BYTE: Final = 40
"""Memory that a workbook may take to read: some at any size, and so much a byte as it is packed."""
_MOST_MEMORY: Final = 4 << 30
_SECONDS: Final = 5.0
_SECONDS_A_MEGABYTE: Final = 0.7
_WALL: Final = 4
"""A busy machine may take so many times the seconds that the processor is given."""
_REHEARSAL: Final = str(Path(__file__).with_name("rehearsal.py"))
_INDEXES: Final = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[content_types].xml")
_OTHER_ZIPS: Final = {
    "word/document.xml": "a Word document",
    "ppt/presentation.xml": "a PowerPoint presentation",
    "xl/workbook.bin": "a binary workbook (.xlsb)",
    "content.xml": "an OpenDocument file",
    "index/document.iwa": "an Apple Numbers or Pages file",
}
_WORKBOOK_STREAMS: Final = ("Workbook", "Book", "EncryptedPackage")
"""What a workbook is called inside an OLE file: in two ages of Excel, and under a password."""
_OTHER_OLE: Final = {
    "WordDocument": "a Word document",
    "PowerPoint Document": "a PowerPoint presentation",
    "__properties_version1.0": "an Outlook message",
}
_SAFE: Final = 0
_REFUSED: Final = 3
_SHEET_REFUSED: Final = 4
_SAVE_AGAIN: Final = "open it, save the table as .xlsx or CSV, and give that"


def check_workbook(file: BufferedReader, path: Path) -> None:
    """Refuse a zip that is no workbook, unpacks to far more than it is, or cannot be read safely.

    Raises:
        InputError: with a sentence that says which.
    """
    size = _check_size(file, path, LARGEST_WORKBOOK)
    try:
        _check_directory(file, path)
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError) as error:
        raise _unreadable(path, f"its zip directory is damaged: {error}") from None
    _check_parts(parts, size, path)
    packed = sum(part.compress_size for part in parts if part.filename.casefold().endswith("xml"))
    rehearsed = _rehearse(path, packed)
    if rehearsed.code == _SAFE:
        return
    _refuse_deceit(path, parts, size, file)
    if rehearsed.code not in (_REFUSED, _SHEET_REFUSED):
        # Cells that lie far apart are found in the text of the sheet, and told in words of it.
        unvalued_cells(path, rehearsed.sheet)
    _refuse_unread(path, rehearsed, packed)


def check_old_workbook(file: BufferedReader, path: Path) -> None:
    """Refuse an OLE file that is no ``.xls`` workbook, or that cannot be read safely.

    Raises:
        InputError: with a sentence that says which.
    """
    _check_size(file, path, LARGEST_OLD_WORKBOOK)
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if not any(_has_stream(data, name) for name in _WORKBOOK_STREAMS):
            what = next(
                (what for name, what in _OTHER_OLE.items() if _has_stream(data, name)),
                "a file of an old Office program",
            )
            raise InputError(f"{path}: looks like {what}, not a workbook; {_SAVE_AGAIN}.")
        size = len(data)
    packed = size // 8
    rehearsed = _rehearse(path, packed)
    if rehearsed.code != _SAFE:
        _refuse_unread(path, rehearsed, packed)


def _has_stream(data: mmap.mmap, name: str) -> bool:
    """Return whether an OLE file names a stream so, where its directory entries may stand."""
    wanted = name.encode("utf-16-le") + b"\0\0"
    at = data.find(wanted)
    while at >= 0 and at % 128:
        at = data.find(wanted, at + 1)
    return at >= 0


def _check_size(file: BufferedReader, path: Path, largest: int) -> int:
    size = file.seek(0, 2)
    if size > largest:
        raise InputError(
            f"{path}: is a workbook of {size >> 20:,} MB, larger than any that can be read; export "
            "the table as CSV or Parquet."
        )
    return size


def _check_directory(file: BufferedReader, path: Path) -> None:
    """Refuse a zip whose directory alone would fill the memory, before it is read."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 65_557))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        raise zipfile.BadZipFile("it was cut short")
    length = int.from_bytes(tail[end + 12 : end + 16], "little")
    if length == 0xFFFFFFFF:
        big = tail.rfind(b"PK\x06\x06", 0, end)
        length = int.from_bytes(tail[big + 40 : big + 48], "little") if big >= 0 else length
    if length > _LARGEST_DIRECTORY:
        raise InputError(
            f"{path}: is a zip archive of very many parts ({length >> 20:,} MB of names alone), no "
            f"workbook; {_SAVE_AGAIN}."
        )


def _check_parts(parts: list[zipfile.ZipInfo], size: int, path: Path) -> None:
    names = [part.filename.casefold() for part in parts]
    if not any(name.endswith("workbook.xml") for name in names):
        for mark, what in _OTHER_ZIPS.items():
            if mark in names:
                raise InputError(f"{path}: looks like {what}, not a workbook; {_SAVE_AGAIN}.")
        held = ", ".join(cut(part.filename) for part in parts[:6]) or "nothing"
        more = ", …" if len(parts) > 6 else ""
        raise InputError(
            f"{path}: looks like a zip archive that holds {held}{more}, not a workbook; unpack it, "
            "and give what is inside."
        )
    if len(set(names)) < len(names):
        raise _unreadable(path, "two of its parts bear one name")
    if any(part.flag_bits & 1 for part in parts):
        raise InputError(f"{path}: is locked by a password; save it again without one.")
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise _unreadable(path, "it is packed in a way that no spreadsheet uses")
    if sum(part.compress_size for part in parts) > size:
        raise _unreadable(path, "its parts lie over one another, as in a zip bomb")
    unpacked = sum(part.file_size for part in parts)
    if _is_bomb(size, unpacked):
        raise _bomb(path, unpacked, size)
    for part in parts:
        if part.filename.casefold() in _INDEXES and part.file_size > _LARGEST_INDEX:
            raise _unreadable(path, f"its {part.filename} alone is {part.file_size >> 20:,} MB")


def _is_bomb(packed: int, unpacked: int) -> bool:
    return unpacked > MOST_UNPACKED or unpacked > max(_MATTERS, MOST_TIMES * packed)


@dataclass(frozen=True)
class _Rehearsal:
    """How the opening of a workbook in a process of its own ended, and the sheet tried last."""

    code: int | None
    sheet: str


def _rehearse(path: Path, packed: int) -> _Rehearsal:
    """Open a workbook in a process of its own, with limits that ``packed`` bytes should keep to."""
    import python_calamine

    library = str(Path(python_calamine.__file__).parents[1])
    limits = str(_memory(packed)), str(math.ceil(_seconds(packed)))
    command = [sys.executable, "-I", "-S", _REHEARSAL, library, *limits, str(path.absolute())]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_seconds(packed) * _WALL,
            check=False,
        )
        code, named = done.returncode, done.stdout
    except subprocess.TimeoutExpired as error:
        code, named = None, error.stdout or b""
    return _Rehearsal(code, named.decode("utf-8", "replace").rstrip("\n").rpartition("\n")[2])


def _refuse_unread(path: Path, rehearsed: _Rehearsal, packed: int) -> None:
    """Refuse a workbook that could not be opened; what its reader refuses, it says best itself."""
    if rehearsed.code == _REFUSED:
        return
    if rehearsed.code == _SHEET_REFUSED:
        raise _unreadable(path, f"its sheet {cut(rehearsed.sheet)} is damaged")
    raise InputError(
        f"{path}: cannot be opened as an Excel workbook with {_memory(packed) >> 20:,} MB of "
        f"memory and {_seconds(packed):.0f} seconds, plenty for its {_size(path.stat().st_size)}; "
        "it is damaged or made to do harm, so export the table again, as CSV if that can be."
    )


def _memory(packed: int) -> int:
    return min(_MEMORY + _MEMORY_A_BYTE * packed, _MOST_MEMORY)


def _seconds(packed: int) -> float:
    return _SECONDS + _SECONDS_A_MEGABYTE * (packed >> 20)


def _size(n_bytes: int) -> str:
    return f"{n_bytes >> 10:,} KB" if n_bytes < 10 << 20 else f"{n_bytes >> 20:,} MB"


def _refuse_deceit(
    path: Path, parts: list[zipfile.ZipInfo], size: int, file: BufferedReader
) -> None:
    """Refuse a zip whose parts are torn, or unpack to more than its directory says of them."""
    unpacked = 0
    for part in parts:
        own, check = 0, 0
        for piece in _unpacked(part, file):
            own += len(piece)
            check = zlib.crc32(piece, check)
            if _is_bomb(size, unpacked + own):
                raise _bomb(path, unpacked + own, size)
        unpacked += own
        if own > part.file_size:
            raise _unreadable(
                path,
                f"its {cut(part.filename)} unpacks to {counted(own, 'byte')}, not to the "
                f"{part.file_size:,} that its directory says",
            )
        if own < part.file_size or check != part.CRC:
            raise _unreadable(path, f"its {cut(part.filename)} is damaged or cut short")


def _unpacked(part: zipfile.ZipInfo, file: BufferedReader) -> Iterator[bytes]:
    """Yield what a part really unpacks to, piece by piece, as far as it is whole."""
    start = max(0, part.header_offset)
    file.seek(start)
    header = file.read(30)
    lengths = header[26:28], header[28:30]
    file.seek(start + 30 + sum(int.from_bytes(one, "little") for one in lengths))
    is_packed = part.compress_type != zipfile.ZIP_STORED
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    left = part.compress_size
    while left > 0 and (piece := file.read(min(_PIECE, left))):
        left -= len(piece)
        if not is_packed:
            yield piece
            continue
        try:
            while piece and not stream.eof:
                yield stream.decompress(piece, _PIECE)
                piece = stream.unconsumed_tail
        except zlib.error:
            return


def _bomb(path: Path, unpacked: int, packed: int) -> InputError:
    return InputError(
        f"{path}: unpacks to more than {unpacked >> 20:,} MB from a file of {_size(packed)}: it "
        "looks like a zip bomb, not a workbook; export the table again, as CSV if that can be."
    )


def _unreadable(path: Path, why: str) -> InputError:
    return InputError(
        f"{path}: cannot be opened as an Excel workbook ({why}); save it again as .xlsx without a "
        "password."
    )
