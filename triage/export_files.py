"""A folder of tables that is there only once it is whole: never over another, never in half."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from triage.errors import CallError
from triage.flag_texts import defused

_PRIVATE: Final = 0o700
_PRIVATE_FILE: Final = 0o600


class NewFolder:
    """A folder that is being written; ``place`` gives it its name."""

    def __init__(self, path: Path, beside: Path) -> None:
        self._path, self._beside = path, beside

    def table(self, name: str, heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
        """Write a table as CSV, safe to open in a spreadsheet; return the SHA-256 of its bytes."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(heading)
        writer.writerows(map(defused, row) for row in rows)
        return self.text(name, out.getvalue())

    def text(self, name: str, text: str) -> str:
        """Write a text; return the SHA-256 of its bytes."""
        content = text.encode("utf-8", "backslashreplace")
        with open(self._beside / name, "xb", opener=_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return hashlib.sha256(content).hexdigest()

    def place(self) -> None:
        """Give the folder its name, in which there may be an empty one.

        Raises:
            OSError: when there is something of that name by now, or the disk says no.
        """
        self._beside.rename(self._path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _PRIVATE_FILE)


@contextmanager
def new_folder(path: Path) -> Iterator[NewFolder]:
    """Open a folder to be written, for its owner only, which gets its name when it is placed.

    Until then it is ``DIR.unfinished``.

    Raises:
        CallError: when there is something of that name, or it cannot be written.
    """
    try:
        is_taken = os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir()))
    except OSError as error:
        raise CallError(f"{path}: cannot be read ({error.strerror or error}).") from None
    if is_taken or path.is_symlink():
        raise CallError(f"{path}: is there already; name a new folder, or an empty one.")
    beside = path.absolute().with_name(f"{path.absolute().name}.unfinished")
    try:
        beside.mkdir(_PRIVATE)
    except FileExistsError:
        raise CallError(
            f"{beside}: is being written, or was left by a program that was killed; delete it."
        ) from None
    except OSError as error:
        raise CallError(f"{path}: cannot be written ({error.strerror or error}).") from None
    try:
        yield NewFolder(path.absolute(), beside)
    except OSError as error:
        raise CallError(f"{path}: cannot be written ({error.strerror or error}).") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
