"""What a file is, and whether it may be opened, before any reader sees it.

An extract comes from outside the house. A pipe would block for ever, a sparse file of 4 GB holds
nothing, and a workbook of 40 KB can unpack to more than the machine has. What can be told from the
outside is told here, in one pass that also takes the digest, with memory for a few megabytes.
"""

from __future__ import annotations

import codecs
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final, Literal

import numpy as np

from triage.errors import InputError

Kind = Literal["xml", "workbook", "sqlite", "parquet", "text"]
Encoding = Literal["utf-8", "utf-16-le", "utf-16-be"]

EXPECTED: Final = (
    "expected a referral table (CSV, Parquet or Excel with child_id and referral_date), a folder "
    "of tables, a CIN census or Ofsted's Annex A"
)
LONGEST_ROW: Final = 16 << 20
"""Bytes without a line end after which a text is no table: far more than any table's row."""

_START: Final = 4096
_CHUNK: Final = 1 << 20
_LARGEST_FOOTER: Final = 16 << 20
_BOMS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_PACKED: Final = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!": "RAR",
}
_OTHER: Final = {
    b"%PDF": "a PDF document, which is binary and no table",
    b"{\\rtf": "a letter or report in rich text, not a table",
    b"\x89PNG": "a picture, not a table",
    b"\xff\xd8\xff": "a picture, not a table",
    b"GIF8": "a picture, not a table",
    b"\x7fELF": "a program, not a table",
    b"MZ\x90": "a program, not a table",
    b"\x00\x01\x00\x00Standard ": "a Microsoft Access database; export its tables as CSV",
    b"\xff\xfe\x00\x00": "text in UTF-32, which is not read; save it as UTF-8",
    b"\x00\x00\xfe\xff": "text in UTF-32, which is not read; save it as UTF-8",
    b"PARE": "a Parquet file under lock and key; write it without encryption",
    b"PK\x05\x06": "a zip archive with nothing in it",
}
_NAMES: Final[dict[Kind, str]] = {
    "xml": "an XML file",
    "workbook": "a workbook",
    "sqlite": "a SQLite database",
    "parquet": "a Parquet file",
    "text": "delimited text",
}
_NOT_FILES: Final = {
    stat.S_IFIFO: "is a pipe, which can be read only once; write what comes out of it to a file",
    stat.S_IFSOCK: "is a socket, not a file; write what it sends to a file",
    stat.S_IFCHR: "is a device, not a file; give a file or folder of records",
    stat.S_IFBLK: "is a device, not a file; give a file or folder of records",
    stat.S_IFDIR: "is a folder where a table was expected; take it away, or give it by its name",
}


@dataclass(frozen=True)
class Admitted:
    """A file that a reader may open: what it is, and its SHA-256 where the pass took it.

    ``is_utf8`` says of a text that the whole of it can be read as UTF-8.
    """

    path: Path
    kind: Kind
    sha256: str
    _stamp: tuple[int, int, int]
    is_utf8: bool = False

    def check_unchanged(self) -> None:
        """Refuse a file that is no longer the one that was admitted.

        Raises:
            InputError: when an export is still writing it, or another took its place.
        """
        if _stamp(self.path.stat()) != self._stamp:
            raise InputError(
                f"{self.path}: was changed while it was being read; wait until the export has "
                "finished, and give it again."
            )


def admit(path: Path) -> Admitted:
    """Return what a file is, once nothing speaks against opening it.

    An XML or SQLite file is looked at only at its start: their readers look through them as they
    go, and take the digest.

    Raises:
        InputError: when it is no regular file, of no kind that is read, or made to do harm.
        OSError: when the system will not open it; ``refusal`` puts that into a sentence.
    """
    with opened(path) as file:
        status = os.fstat(file.fileno())
        # The system's own files in /proc have no size, and reading some never ends.
        start = file.read(_START) if status.st_size else b""
        kind = _kind(start, path)
        sha256, is_utf8 = "", False
        if kind in ("workbook", "parquet"):
            if kind == "parquet":
                _check_footer(file, status.st_size, path)
            else:
                _check_workbook(file, start, path)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        elif kind == "text":
            file.seek(0)
            sha256, is_utf8 = _look_through(file, encoding_of(start), path)
    return Admitted(path, kind, sha256, _stamp(status), is_utf8)


def _check_workbook(file: BufferedReader, start: bytes, path: Path) -> None:
    # What unpacks and tries a workbook is loaded where there is one.
    from triage.sources.guard_workbook import check_old_workbook, check_workbook

    check = check_workbook if start.startswith(b"PK") else check_old_workbook
    check(file, path)


def admit_text(path: Path) -> Admitted:
    """Return a file of which nothing but delimited text is expected, as ``admit`` does.

    Raises:
        InputError: for any other kind of file too.
    """
    admitted = admit(path)
    if admitted.kind != "text":
        raise InputError(
            f"{path}: is {_NAMES[admitted.kind]} where text was expected; save it as CSV."
        )
    return admitted


def check_name(name: str) -> None:
    """Refuse a name that the system does not know, or that could not be written down as text.

    Raises:
        InputError: with a sentence that says so.
    """
    if "\0" in name or any("\ud800" <= letter <= "\udfff" for letter in name):
        shown = "".join(letter if letter.isprintable() else "?" for letter in name)
        raise InputError(f"{shown}: its name holds bytes that are no text; rename it.")


def check_place(path: Path) -> None:
    """Refuse what is neither a regular file nor a link to one, without opening it.

    Raises:
        InputError: for a pipe, a socket, a device or a folder.
        OSError: when there is nothing there, or a link leads nowhere.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        what = _NOT_FILES.get(stat.S_IFMT(mode), "is no file; give a file or folder of records")
        raise InputError(f"{path}: {what}.")


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file; what becomes a pipe between two looks is refused and does not block.

    Raises:
        InputError: for what is no regular file.
        OSError: when the system will not open it.
    """
    check_place(path)
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise InputError(f"{path}: was a file and is none any more; look at what it is.")
        yield file


def refusal(name: str, error: OSError) -> InputError:
    """Return the sentence for what the system would not open: the file it names, else ``name``."""
    path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else name
    if error.errno in (errno.EACCES, errno.EPERM):
        why = "may not be read by this user; ask for the right to read it and the folders above it"
    elif error.errno == errno.ELOOP:
        why = "is a link that leads back to itself; give the file itself"
    elif error.errno in (errno.ENOENT, errno.ENOTDIR):
        why = "there is no such file or folder; check the path"
        if os.path.islink(path):
            why = f"is a link to {os.readlink(path)}, which is not there; give the file itself"
        elif path != name:
            why = "was there and is gone; give it again when its export has finished"
    else:
        why = f"cannot be opened ({error.strerror or error}); check it, or copy it elsewhere first"
    return InputError(f"{path}: {why}.")


def encoding_of(start: bytes) -> Encoding:
    """Return how a text is encoded: UTF-16 by its mark or its pattern of NUL bytes, else UTF-8.

    UTF-8 stands for Windows-1252 as well, which only the whole text can tell apart.
    """
    if start.startswith(b"\xff\xfe"):
        return "utf-16-le"
    if start.startswith(b"\xfe\xff"):
        return "utf-16-be"
    is_nul = [byte == 0 for byte in start[:4]]
    if is_nul[:2] == [False, True] and is_nul[2:] in ([False, True], []):
        return "utf-16-le"
    if is_nul[:2] == [True, False] and is_nul[2:] in ([True, False], []):
        return "utf-16-be"
    return "utf-8"


def _kind(start: bytes, path: Path) -> Kind:
    for mark, how in _PACKED.items():
        if start.startswith(mark):
            raise InputError(f"{path}: is packed with {how}; unpack it, and give what is inside.")
    for mark, what in _OTHER.items():
        if start.startswith(mark):
            raise InputError(f"{path}: looks like {what}; {EXPECTED}.")
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "workbook"
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"SQLite format 3\x00"):
        return "sqlite"
    text = start.decode(encoding_of(start), "replace").lstrip("\ufeff").lstrip()
    if text:
        return "xml" if text.startswith("<") else "text"
    if len(start) < _START:
        raise InputError(f"{path}: is empty; {EXPECTED}.")
    raise InputError(f"{path}: begins with {_START:,} blank characters, so no table; {EXPECTED}.")


def _check_footer(file: BufferedReader, size: int, path: Path) -> None:
    """Refuse a Parquet file that is cut short, or whose description is larger than any table's."""
    file.seek(max(0, size - 8))
    tail = file.read(8)
    length = int.from_bytes(tail[:4], "little")
    if size < 12 or tail[4:] != b"PAR1" or length > size - 12:
        raise InputError(f"{path}: is a damaged Parquet file (its end is missing); write it again.")
    if length > _LARGEST_FOOTER:
        raise InputError(
            f"{path}: is a Parquet file whose list of columns takes {length >> 20:,} MB, more than "
            "any table's; write only the columns that are needed."
        )


def _look_through(file: BufferedReader, encoding: Encoding, path: Path) -> tuple[str, bool]:
    """Return the SHA-256 of a text and whether it is UTF-8, unless it holds what no table holds.

    The digest, which takes longest, is taken of one chunk while the next is looked at.
    """
    digest, text = hashlib.sha256(), _Utf8(encoding)
    at, row_ends_at = 0, 0
    with ThreadPoolExecutor(1) as beside:
        taken: Future[None] | None = None
        while chunk := file.read(_CHUNK):
            if taken is not None:
                taken.result()
            taken = beside.submit(digest.update, chunk)
            nul = _first_nul(chunk, encoding)
            if nul >= 0:
                raise _holds_nul(path, at + nul)
            ends_at = chunk.rfind(b"\n")
            if ends_at < 0:
                ends_at = chunk.rfind(b"\r")
            if ends_at >= 0:
                row_ends_at = at + ends_at
            at += len(chunk)
            if at - row_ends_at > LONGEST_ROW:
                raise InputError(
                    f"{path}: a row goes on for more than {LONGEST_ROW >> 20} MB without a line "
                    "end, longer than any table's; export it again."
                )
            text.add(chunk)
    return digest.hexdigest(), text.is_whole()


class _Utf8:
    """Whether chunks are UTF-8 together; those of ASCII alone, nearly all, cost next to nothing."""

    def __init__(self, encoding: Encoding) -> None:
        self._is_so = encoding == "utf-8"
        self._reader = codecs.getincrementaldecoder("utf-8")()
        self._is_between = True

    def add(self, chunk: bytes) -> None:
        """Look at the next chunk."""
        if self._is_so and not (self._is_between and chunk.isascii()):
            try:
                self._reader.decode(chunk)
            except UnicodeDecodeError:
                self._is_so = False
            self._is_between = not self._reader.getstate()[0]

    def is_whole(self) -> bool:
        """Return whether all were UTF-8, and the last did not end within a letter."""
        return self._is_so and self._is_between


def _first_nul(chunk: bytes, encoding: Encoding) -> int:
    """Return where the first NUL character of a text stands in a chunk of it; -1 where none is."""
    if encoding == "utf-8":
        return chunk.find(b"\x00")
    units = np.frombuffer(chunk, np.uint16, len(chunk) // 2)
    found = np.flatnonzero(units == 0)
    return int(found[0]) * 2 if len(found) else -1


def _holds_nul(path: Path, at: int) -> InputError:
    line = 1
    with path.open("rb") as file:
        while before := file.read(min(_CHUNK, at - file.tell())):
            line += before.count(b"\n")
    if line == 1:
        return InputError(f"{path}: looks like a binary file, not text; {EXPECTED}.")
    return InputError(
        f"{path}: holds NUL bytes from line {line:,} on, which no table does; it was cut off while "
        "it was written, or is no text, so export it again."
    )


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns
