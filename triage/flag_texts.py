"""Flags as JSON and CSV text, some thousands at a time: a year of England's is near a gigabyte.

Each distinct text is put into JSON or CSV once; a flag is then put together from such pieces.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from triage.flag_files import FLAG_COLUMNS
from triage.flags import Flags

Write = Callable[[Any], str]
"""Writes one value of a column."""

_IN_WORDS_AT_ONCE: Final = 131_072
_IN_TEXT_AT_ONCE: Final = 8_192
_RUN: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_OBEYED: Final = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ONE_VALUE: Final = json.JSONEncoder(ensure_ascii=False, default=str).encode


def in_json(value: Any) -> str:
    """Return a value as JSON for a script.

    What a terminal would obey, or no file can hold, is written as an escape: the same to a script.
    """
    return _escaped(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def json_texts(value: Any, margin: str = "") -> Iterator[str]:
    """Yield a value as ``in_json`` writes it, piece by piece, where it holds flags to any number.

    Flags may stand at any depth of objects; they are written as ``Flag.as_json`` gives them.
    ``margin`` is what the lines after the first begin with.
    """
    if isinstance(value, Flags):
        yield from _flags_in_json(value, margin)
    elif isinstance(value, dict) and value:
        before = "{\n"
        for name, one in value.items():
            yield f"{before}{margin}  {in_json(name)}: "
            yield from json_texts(one, margin + "  ")
            before = ",\n"
        yield f"\n{margin}}}"
    else:
        yield in_json(value).replace("\n", "\n" + margin)


def csv_texts(flags: Flags) -> Iterator[str]:
    """Yield flags as CSV, one a row, with the evidence as JSON in one column."""
    yield ",".join(FLAG_COLUMNS) + "\n"
    for cells in _cells(flags, _csv_writer):
        yield "\n".join(map(",".join, zip(*cells.values(), strict=True))) + "\n"


def defused(cell: Any) -> Any:
    """Return a cell that no spreadsheet runs: a text that begins as a formula gets an apostrophe.

    A text that is a plain number stays as it is.
    """
    if isinstance(cell, str) and cell.startswith(_RUN) and not _NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def _flags_in_json(flags: Flags, margin: str) -> Iterator[str]:
    inside = f"\n{margin}    "

    def writer(name: str) -> Write:
        start = f"{inside}{in_json(name)}: "
        if name == "evidence":
            return lambda value: start + _object_in_json(value, inside)
        if name == "subject":
            # Only a contact's flag says what it is of.
            return lambda value: "" if value == "referral" else f",{start}{_value_in_json(value)}"
        return lambda value: start + _value_in_json(value)

    one = f"\n{margin}  {{%s%s\n{margin}  }}"
    before = "["
    for cells in _cells(flags, writer):
        subjects = cells.pop("subject")
        lines = map(",".join, zip(*cells.values(), strict=True))
        yield before + ",".join([one % told for told in zip(lines, subjects, strict=True)])
        before = ","
    yield "[]" if before == "[" else f"\n{margin}]"


def _cells(flags: Flags, writer: Callable[[str], Write]) -> Iterator[dict[str, list[str]]]:
    """Yield some thousands of flags at a time as columns of texts, each distinct one written once.

    ``writer`` gives for a column's name what writes its values.
    """
    writers = {name: writer(name) for name in FLAG_COLUMNS}
    for start in range(0, len(flags), _IN_WORDS_AT_ONCE):
        told = flags[start : start + _IN_WORDS_AT_ONCE].table
        looked_up = {name: _looked_up(told[name], write) for name, write in writers.items()}
        for first in range(0, len(told), _IN_TEXT_AT_ONCE):
            yield {
                name: [texts[place] for place in places[first : first + _IN_TEXT_AT_ONCE].tolist()]
                for name, (texts, places) in looked_up.items()
            }


def _looked_up(column: pa.ChunkedArray, write: Write) -> tuple[list[str], Any]:
    """Return the distinct values of a column as written, and for each row which of them it has."""
    found = column.combine_chunks()
    if not pa.types.is_dictionary(found.type):
        found = found.dictionary_encode()
    places = pc.fill_null(found.indices.cast(pa.int32()), len(found.dictionary)).to_numpy()
    return [write(value) for value in [*found.dictionary.to_pylist(), None]], places


def _value_in_json(value: Any) -> str:
    return _escaped(_ONE_VALUE(value))


def _object_in_json(text: str | None, inside: str) -> str:
    """Return a JSON object as ``in_json`` writes it, each line in its place."""
    found = json.loads(text or "{}")
    if not found or any(isinstance(value, dict | list) for value in found.values()):
        return in_json(found).replace("\n", inside)
    lines = [f"{inside}  {_name(name)}: {_ONE_VALUE(value)}" for name, value in found.items()]
    return _escaped(f"{{{','.join(lines)}{inside}}}")


@functools.cache
def _name(name: str) -> str:
    return _ONE_VALUE(name)


def _csv_writer(_: str) -> Write:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")

    def write(value: Any) -> str:
        # The cell is not alone in its row, where a blank one would be quoted.
        writer.writerow((defused(value), ""))
        text = out.getvalue()
        out.seek(0)
        out.truncate()
        return text[:-2]

    return write


def _escaped(text: str) -> str:
    if text.isascii() and "\x7f" not in text:
        return text
    return _OBEYED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
