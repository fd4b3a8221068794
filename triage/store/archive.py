"""A backup: one file, of a form that any program can read, with a digest of all of it.

It is a zip file with ``manifest.json`` and a member ``TABLE.jsonl`` for each table, of lines as
``portable`` writes them. The manifest tells the revision, the trail's head, and of each table its
columns, how many rows it has, the SHA-256 of its member, and the last number that it gave a row.
The zip's own comment, which ends the file, is ``sha256:`` and the SHA-256 of all bytes before it,
in hexadecimal; so no byte of the file can change unnoticed.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from triage import __version__
from triage.errors import InputError
from triage.store.portable import Contents, Tally
from triage.store.trail import Head

FORM: Final = 1
"""The form of backups that this version writes, and the newest that it reads."""
_MANIFEST: Final = "manifest.json"
_MARK: Final = b"sha256:"
_DIGEST: Final = 64
_COMMENT: Final = len(_MARK) + _DIGEST
_AT_ONCE: Final = 1 << 20
_LEVEL: Final = 1
"""How hard to compress: harder takes half as long again for a fifth less."""


@contextmanager
def writing(file: BinaryIO) -> Iterator[Writing]:
    """Begin a backup in a file that is open for it."""
    held = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
    try:
        yield Writing(file, held)
    finally:
        # Where it failed, the file goes anyhow; whole, this was closed before.
        with suppress(OSError, ValueError):
            held.close()


class Writing:
    """A backup that is being written: member by member, then its manifest."""

    def __init__(self, file: BinaryIO, held: zipfile.ZipFile) -> None:
        self._file, self._zip = file, held

    @contextmanager
    def member(self, table: str) -> Iterator[Any]:
        """Open the member of a table, to be written line by line."""
        with self._zip.open(_member(table), "w", force_zip64=True) as member:
            yield member

    def finish(self, contents: Contents, tallies: Mapping[str, Tally], at: str) -> str:
        """Write the manifest and the digest of all; return that digest."""
        head = contents.head
        told = {
            "form": FORM,
            "made_at": at,
            "version": __version__,
            "revision": contents.revision,
            "trail": None if head is None else {"event": head.id, "hash": head.hash.hex()},
            "tables": {
                table: {
                    "columns": columns,
                    "rows": tallies[table].rows,
                    "sha256": tallies[table].sha256,
                    "last_number": contents.last.get(table),
                }
                for table, columns in contents.columns.items()
            },
        }
        self._zip.writestr(_MANIFEST, json.dumps(told, indent=1) + "\n")
        self._zip.comment = _MARK + b"0" * _DIGEST
        self._zip.close()
        size = self._file.seek(0, io.SEEK_END)
        digest = _digest(self._file, size - _DIGEST)
        self._file.seek(size - _DIGEST)
        self._file.write(digest.encode())
        self._file.flush()
        return digest


def _member(table: str) -> str:
    return f"{table}.jsonl"


def _digest(file: BinaryIO, size: int) -> str:
    """Return the SHA-256 of the first bytes of a file."""
    digest = hashlib.sha256()
    file.seek(0)
    while size > 0 and (some := file.read(min(size, _AT_ONCE))):
        digest.update(some)
        size -= len(some)
    return digest.hexdigest()


@dataclass(frozen=True)
class Backup:
    """A backup that was found as it was written."""

    path: Path
    digest: str
    made_at: str
    contents: Contents
    rows: Mapping[str, int]
    digests: Mapping[str, str]
    _zip: zipfile.ZipFile

    def lines(self, table: str) -> Generator[bytes, None, None]:
        """Yield the lines of a table.

        Raises:
            InputError: when they are not those that the manifest speaks of.
        """
        digest = hashlib.sha256()
        try:
            with self._zip.open(_member(table)) as member:
                for line in io.BufferedReader(member, _AT_ONCE):  # type: ignore[type-var]
                    digest.update(line)
                    yield line
        except (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError) as error:
            raise InputError(
                f"{self.path}: the backup is damaged: {table} cannot be read ({error}). Nothing "
                "was stored."
            ) from None
        if digest.hexdigest() != self.digests[table]:
            raise InputError(
                f"{self.path}: the backup is damaged: {table} is not what its manifest says. "
                "Nothing was stored."
            )


@contextmanager
def opened(path: Path) -> Iterator[Backup]:
    """Open a backup, once all of it was found as it was written.

    Raises:
        InputError: when it is not, or it is no backup, or one of a newer version.
    """
    if path.exists() and not path.is_file():
        raise InputError(_none(path))
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}). Nothing was stored."
        ) from None
    with file:
        digest = _checked(path, file)
        try:
            held = zipfile.ZipFile(file)
            told = json.loads(held.read(_MANIFEST))
        except (zipfile.BadZipFile, KeyError, OSError, ValueError, NotImplementedError):
            raise InputError(_none(path)) from None
        with held:
            yield _backup(path, digest, held, told)


def _checked(path: Path, file: BinaryIO) -> str:
    """Return the digest that a backup ends with, once it was found to be that of its bytes."""
    try:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(size - _COMMENT, 0))
        comment = file.read()
        if size < _COMMENT or not comment.startswith(_MARK):
            raise InputError(_none(path))
        digest = _digest(file, size - _DIGEST)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}). Nothing was stored."
        ) from None
    if comment != _MARK + digest.encode():
        raise InputError(
            f"{path}: the backup is damaged: its bytes are not those that were written. Nothing "
            "was stored."
        )
    return digest


def _none(path: Path) -> str:
    return (
        f"{path}: is no backup that `triage db backup` wrote, or its end was cut off. Nothing was "
        "stored."
    )


def _backup(path: Path, digest: str, held: zipfile.ZipFile, told: dict[str, Any]) -> Backup:
    try:
        if told["form"] > FORM:
            raise InputError(
                f"{path}: a newer version wrote this backup; update this program. Nothing was "
                "stored."
            )
        tables, trail = told["tables"], told["trail"]
        return Backup(
            path, digest, str(told["made_at"]),
            Contents(
                str(told["revision"]),
                None if trail is None else Head(trail["event"], bytes.fromhex(trail["hash"])),
                {name: tuple(one["columns"]) for name, one in tables.items()},
                {name: one["last_number"] for name, one in tables.items()
                 if one["last_number"] is not None},
            ),
            {name: one["rows"] for name, one in tables.items()},
            {name: one["sha256"] for name, one in tables.items()},
            held,
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, ValueError):
        raise InputError(_none(path)) from None
