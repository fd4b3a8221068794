"""A file that is there only once it is whole: of one mode, never over another, never in half."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from triage.errors import CallError

PRIVATE: Final = 0o600
"""What tells of children is for its owner only."""
_OPEN: Final = Path("/proc/self/fd")


class NewFile:
    """A file that is being written; ``place`` gives it its name."""

    def __init__(self, path: Path, file: BinaryIO, beside: Path | None) -> None:
        self.file = file
        self._path, self._beside = path, beside

    def place(self) -> None:
        """Give the file its name, written to the disk; a file of that name is left as it is.

        Raises:
            OSError: when there is a file of that name by now, or the disk says no.
        """
        self.file.flush()
        os.fsync(self.file.fileno())
        folder = os.open(self._path.absolute().parent, os.O_RDONLY)
        try:
            if self._beside is None:
                # Only so does Linux name a file that has no name yet.
                held = _OPEN / str(self.file.fileno())
                os.link(held, self._path.name, dst_dir_fd=folder, follow_symlinks=True)
            else:
                os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
                self._beside.replace(self._path)
            os.fsync(folder)
        finally:
            os.close(folder)

    def take_back(self) -> None:
        """Remove the file that was placed."""
        self._path.unlink(missing_ok=True)


@contextmanager
def new_file(path: Path) -> Iterator[NewFile]:
    """Open a file to be written and read, which gets its name only when it is placed.

    On Linux it has none until then, so that a program which is killed leaves nothing behind;
    elsewhere, and on a disk that cannot do so, it is ``FILE.unfinished``.

    Raises:
        CallError: when there is such a file, or it cannot be written.
    """
    if os.path.lexists(path):
        raise CallError(f"{path}: is there already; it was left as it is.")
    beside = None
    try:
        number = _nameless(path)
        if number is None:
            beside = path.with_name(f"{path.name}.unfinished")
            number = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE)
    except FileExistsError:
        raise CallError(
            f"{beside}: is being written, or was left by a program that was killed; delete it."
        ) from None
    except OSError as error:
        raise CallError(f"{path}: cannot be written ({error.strerror or error}).") from None
    try:
        with os.fdopen(number, "w+b") as file:
            yield NewFile(path, file, beside)
    except OSError as error:
        raise CallError(f"{path}: cannot be written ({error.strerror or error}).") from None
    finally:
        if beside is not None:
            with suppress(OSError):
                beside.unlink(missing_ok=True)


def _nameless(path: Path) -> int | None:
    """Return a file without a name on the disk where it is to be; None where there is no such."""
    kind = getattr(os, "O_TMPFILE", None)
    if kind is None or not _OPEN.is_dir():
        return None
    try:
        return os.open(path.absolute().parent, kind | os.O_RDWR, PRIVATE)
    except FileNotFoundError:
        raise
    except OSError:
        return None
