"""Whether a workbook may be opened: zip bombs, other kinds of files, and what breaks its reader.

The reader of workbooks is native code. A cell far away from the others, or one long text that a
million cells share, makes it ask for more memory than there is, and then it takes the whole program
down. So a workbook is first opened in a process of its own, with limits, that may well go down.
"""

from __future__ import annotations

import mmap
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NoReturn

from triage.errors import InputError
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
"""Memory that a workbook may take to read, beyond the size of its sheets as they are packed."""
_SECONDS: Final = 5.0
_SECONDS_A_MEGABYTE: Final = 0.7
_WALL: Final = 4
"""A busy machine may take so many times the seconds that the processor is given."""
_REHEARSAL: Final = Path(__file__).with_name("rehearsal.py")
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
_SAVE_AGAIN: Final = "open it, save the table as .xlsx or CSV, and give that"


def check_workbook(file: IO[bytes], path: Path) -> None:
    """Refuse a zip that is no workbook, unpacks to far more than it is, or cannot be read safely.

    Raises:
        InputError: with a sentence that says which.
    """
    size = _check_size(file, path, LARGEST_WORKBOOK)
    try:
        _check_directory(file, path)
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise _unreadable(path, f"its zip directory is damaged: {error}") from None
    _check_parts(parts, size, path)
    packed = sum(part.compress_size for part in parts if part.filename.casefold().endswith("xml"))
    _rehearse(path, packed, parts, file)


def check_old_workbook(file: IO[bytes], path: Path) -> None:
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
    _rehearse(path, size // 8)


def _has_stream(data: mmap.mmap, name: str) -> bool:
    """Return whether an OLE file names a stream so, where its directory entries may stand."""
    wanted = name.encode("utf-16-le") + b"\0\0"
    at = data.find(wanted)
    while at >= 0 and at % 128:
        at = data.find(wanted, at + 1)
    return at >= 0


def _check_size(file: IO[bytes], path: Path, largest: int) -> int:
    size = file.seek(0, 2)
    if size > largest:
        raise InputError(
            f"{path}: is a workbook of {size >> 20:,} MB, larger than any that can be read; export "
            "the table as CSV or Parquet."
        )
    return size


def _check_directory(file: IO[bytes], path: Path) -> None:
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


def _rehearse(
    path: Path,
    packed: int,
    parts: list[zipfile.ZipInfo] | None = None,
    file: IO[bytes] | None = None,
) -> None:
    """Open a workbook in a process of its own, with limits, and refuse one that goes beyond them.

    ``packed`` is the size by which its need of memory is judged. An error that the reader reports
    in order is left to the reading that follows.
    """
    import python_calamine

    memory = _MEMORY + _MEMORY_A_BYTE * packed
    seconds = _SECONDS + _SECONDS_A_MEGABYTE * (packed >> 20)
    library = Path(python_calamine.__file__).parents[1]
    command = [sys.executable, "-I", "-S", str(_REHEARSAL)]
    try:
        done = subprocess.run(
            [*command, str(library), str(memory), str(int(seconds) + 1), str(path.absolute())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds * _WALL,
            check=False,
        )
        if done.returncode == 0:
            return
        named = done.stdout
    except subprocess.TimeoutExpired as error:
        named = error.stdout or b""
    if parts is not None and file is not None:
        _refuse_bomb(path, parts, file)
        _refuse_scattered(path, named)
    _refuse_needy(path, memory, seconds)


def _refuse_needy(path: Path, memory: int, seconds: float) -> NoReturn:
    raise InputError(
        f"{path}: cannot be opened as an Excel workbook with {memory >> 20:,} MB of memory and "
        f"{seconds:.0f} seconds, plenty for a file of {_size(path.stat().st_size)}; it is damaged "
        "or made to do harm, so export the table again, as CSV if that can be."
    )


def _size(n_bytes: int) -> str:
    return f"{n_bytes >> 10:,} KB" if n_bytes < 10 << 20 else f"{n_bytes >> 20:,} MB"


def _refuse_scattered(path: Path, named: bytes) -> None:
    """Refuse a sheet whose cells lie far apart; ``named`` holds the sheets tried, the last last."""
    from triage.sources.workbook_xml import unvalued_cells

    sheets = named.decode("utf-8", "replace").splitlines()
    if sheets:
        unvalued_cells(path, sheets[-1])


def _refuse_bomb(path: Path, parts: list[zipfile.ZipInfo], file: IO[bytes]) -> None:
    """Refuse a zip whose parts unpack to more than its directory says, counted by unpacking."""
    packed, unpacked = sum(part.compress_size for part in parts), 0
    for part in parts:
        own = 0
        for length in _unpacked(part, file):
            own += length
            unpacked += length
            if _is_bomb(packed, unpacked):
                raise _bomb(path, unpacked, packed)
        if own > part.file_size:
            raise _unreadable(
                path,
                f"{cut(part.filename)} unpacks to {counted(own, 'byte')} where its directory says "
                f"{part.file_size:,}",
            )


def _unpacked(part: zipfile.ZipInfo, file: IO[bytes]) -> Iterator[int]:
    """Yield the lengths of the pieces to which a part really unpacks; nothing where it is torn."""
    file.seek(part.header_offset)
    header = file.read(30)
    if part.compress_type == zipfile.ZIP_STORED or header[:4] != b"PK\x03\x04":
        return
    file.seek(int.from_bytes(header[26:28], "little"), 1)
    file.seek(int.from_bytes(header[28:30], "little"), 1)
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    left = part.compress_size
    try:
        while left > 0 and not stream.eof:
            piece = file.read(min(_PIECE, left))
            if not piece:
                return
            left -= len(piece)
            while piece and not stream.eof:
                yield len(stream.decompress(piece, _PIECE))
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
