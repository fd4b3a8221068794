"""A delimited text as UTF-8 bytes: its encoding, where it lies, and where its headings stand.

A file in UTF-8, as nearly all are, is never held whole: it is read where it lies, piece by piece.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from triage.errors import InputError
from triage.sources.guard import EXPECTED, Admitted, encoding_of, opened

MOST_COLUMNS: Final = 16_384
"""As many as a spreadsheet can hold."""
LONGEST_HEADING: Final = 1_000_000
"""Characters of a heading row."""

_HEADING_WITHIN: Final = 10
_DELIMITERS: Final = ",;\t|"
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Text:
    """A text in UTF-8 from byte ``start`` on, in memory or in a file that was admitted."""

    held: bytes | Admitted
    start: int = 0

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the text at its start.

        Raises:
            InputError: at the end, when the file is no longer the one that was admitted; nothing
                that was read of it counts then, nor any error that was met.
        """
        if isinstance(self.held, bytes):
            with io.BytesIO(self.held) as memory:
                memory.seek(self.start)
                yield memory
            return
        with opened(self.held.path) as file:
            file.seek(self.start)
            try:
                yield file
            finally:
                self.held.check_unchanged()

    def head(self, most: int) -> bytes:
        """Return the first bytes, at most so many."""
        with self.opened() as file:
            return file.read(most)

    def below(self, n_bytes: int) -> Text:
        """Return the text that follows the first bytes."""
        return replace(self, start=self.start + n_bytes)


def read_text(admitted: Admitted) -> Text:
    """Return the text of an admitted file as UTF-8, whatever it is encoded in.

    Raises:
        InputError: when the bytes are not text, or no longer those that were admitted.
    """
    whole = Text(admitted)
    if admitted.is_utf8:
        mark = codecs.BOM_UTF8
        return whole.below(len(mark)) if whole.head(len(mark)) == mark else whole
    with whole.opened() as file:
        data = file.read()
    return Text(as_utf8(data, str(admitted.path)))


def as_utf8(data: bytes, source: str) -> bytes:
    """Return text in UTF-8 (with or without a mark), UTF-16 or Windows-1252 as plain UTF-8.

    Raises:
        InputError: when the bytes are not text.
    """
    encoding = encoding_of(data[:4])
    data = data.removeprefix(codecs.BOM_UTF8)
    for name in ("utf-8", "cp1252") if encoding == "utf-8" else (encoding,):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        return data if name == "utf-8" else text.removeprefix("\ufeff").encode("utf-8")
    raise InputError(f"{source}: looks like a binary file, not text; {EXPECTED}.")


def below_title(text: Text, is_heading: Callable[[Sequence[str]], bool]) -> Text:
    """Return the text from its heading row on: a title or Excel's ``sep=`` may stand above it.

    Where none of the first lines is a heading as wanted, the text is returned as it is.
    """
    below = text
    for _ in range(_HEADING_WITHIN):
        row = FirstRow(below)
        if len(row.cells) <= MOST_COLUMNS and is_heading(row.cells):
            return below
        end = _first_line_end(below)
        if end is None:
            break
        below = below.below(end)
    return text


def _first_line_end(text: Text) -> int | None:
    """Return where the second line starts, None where there is no line end."""
    most = LONGEST_HEADING
    while True:
        head = text.head(most)
        found = _LINE_END.search(head)
        is_all = len(head) < most
        if found is not None and (is_all or found.end() < len(head)):
            return found.end()
        if is_all:
            return None
        most *= 2


class FirstRow:
    """The first record of a text, as far as a heading may reach."""

    def __init__(self, text: Text) -> None:
        head = text.head(LONGEST_HEADING + 1)
        seen = head[:LONGEST_HEADING].decode("utf-8", "ignore").lstrip("\r\n")
        lines = io.StringIO(seen, newline="")
        first = next((line for line in lines if line.strip()), "")
        lines.seek(0)
        self.delimiter = max(_DELIMITERS, key=first.count)
        try:
            self.cells = next(csv.reader(lines, delimiter=self.delimiter), [])
        except csv.Error:
            self.cells = []
        self.is_whole = len(head) <= LONGEST_HEADING or lines.tell() < len(seen)
