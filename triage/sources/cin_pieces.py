"""A block of plain XML as arrays: one entry a tag, with the text that follows it.

The bytes are split at every "<". Most pieces occur many times (an end tag and its line end, a code,
a date), so each distinct piece is understood once: its tag in Python, its text not at all. What is
not certainly plain and sound is left to expat by raising ``NotPlain``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.sources.cin_shape import NUMBER

MOST_NAMES: Final = 10_000
LONGEST_TAG: Final = 50_000
_MOST_REMEMBERED: Final = 20_000
_USUAL_TAG: Final = 200
_CONTROL: Final = bytes(set(range(32)) - set(b"\t\n\r"))
_ENTITIES: Final = (b"&amp;", b"&lt;", b"&gt;", b"&quot;", b"&apos;")
_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
_ATTRIBUTE = re.compile(rf"\s+({_NAME}(?::{_NAME})?)\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_TAG = re.compile(rf"(/?)((?:{_NAME}:)?{_NAME})((?:{_ATTRIBUTE.pattern})*)\s*(/?)", re.ASCII)
_ATTRIBUTE_ANEW = re.compile(r"\s+(xmlns:[^\s=]+)=\"\"")
_TAG_ANEW = re.compile(rf"(/?)([^\s/=]+)((?:{_ATTRIBUTE_ANEW.pattern})*)(/?)")

Steps = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.int16]
Codes = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


class NotPlain(Exception):  # noqa: N818 - no error: expat is to read the file and say
    """The bytes hold more than plain elements and text, or are damaged."""


class BeyondACensus(Exception):  # noqa: N818 - turned into a sentence where the file is known
    """The file goes beyond the depth, the names or the tags of any census; the text says how."""


@dataclass(frozen=True)
class Pieces:
    """Tags in order: each opens (``step`` 1), closes (-1) or is an empty element (0).

    ``tag`` is the number of the name as written, ``name`` that of the name without its prefix.
    ``code`` is the place of the piece among the distinct ones; ``texts`` holds the text after each
    distinct piece, ``begins`` the byte at which each piece begins.
    """

    step: Steps
    tag: Numbers
    name: Numbers
    code: Codes
    texts: pa.StringArray
    distinct_step: Steps
    distinct_name: Numbers
    begins: Codes


class Lexicon:
    """What the tags of one file mean, each understood once."""

    def __init__(self, is_anew: bool) -> None:
        self._tag = _TAG_ANEW if is_anew else _TAG
        self._attribute = _ATTRIBUTE_ANEW if is_anew else _ATTRIBUTE
        self._known: dict[str, tuple[int, int, int]] = {}
        self._tags: dict[str, int] = {}
        self._names: dict[str, int] = dict(NUMBER)
        self.names: list[str] = ["", *NUMBER]
        self.name_of_tag: list[int] = []
        self.tags: list[str] = []
        self._prefixes: set[str] = set()
        self._declared = {"xml"}

    @property
    def undeclared(self) -> list[str]:
        """Return the prefixes that were used and never declared."""
        return sorted(self._prefixes - self._declared)

    def meaning(self, head: str) -> tuple[int, int, int]:
        """Return a tag's step, its number as written and that of its name."""
        found = self._known.get(head)
        if found is None:
            found = self._understood(head)
            if len(self._known) > _MOST_REMEMBERED:
                self._known.clear()
            if len(head) <= _USUAL_TAG:
                self._known[head] = found
        return found

    def _understood(self, head: str) -> tuple[int, int, int]:
        if len(head) > LONGEST_TAG:
            raise BeyondACensus(f"has a tag of more than {LONGEST_TAG:,} characters")
        match = self._tag.fullmatch(head)
        if match is None:
            raise NotPlain
        closes, tag, attributes, empty = match.group(1, 2, 3, 5)
        if closes and (attributes or empty):
            raise NotPlain
        if attributes:
            self._declare(attributes)
        if tag not in self._tags:
            self._add(tag)
        number = self._tags[tag]
        return -1 if closes else 0 if empty else 1, number, self.name_of_tag[number]

    def _declare(self, attributes: str) -> None:
        names = [found.group(1) for found in self._attribute.finditer(attributes)]
        if len(names) != len(set(names)):
            raise NotPlain
        self._declared.update(name[6:] for name in names if name.startswith("xmlns:"))

    def _add(self, tag: str) -> None:
        if len(self._tags) >= MOST_NAMES:
            raise BeyondACensus(f"has more than {MOST_NAMES:,} different element names")
        prefix, _, name = tag.rpartition(":")
        if prefix:
            self._prefixes.add(prefix)
        if name not in self._names:
            self._names[name] = len(self.names)
            self.names.append(name)
        self._tags[tag] = len(self.tags)
        self.tags.append(tag)
        self.name_of_tag.append(self._names[name])

    def pieces(self, block: bytes) -> Pieces:
        """Return the pieces of a block that begins with a tag and ends before one.

        Raises:
            NotPlain: when it holds more than plain elements and text, or is damaged.
        """
        if not block.startswith(b"<"):
            raise NotPlain
        split = pc.split_pattern(arrow_texts([block]), "<").values
        begins = np.frombuffer(split.buffers()[1], np.int32, len(split) + 1)[1:]
        encoded = split.slice(1).dictionary_encode()
        _check_letters(encoded.dictionary)
        heads, texts = _halves(encoded.dictionary)
        tags = heads.dictionary_encode()
        meanings = np.array([self.meaning(head) for head in tags.dictionary.to_pylist()], np.int16)
        step, tag, name = np.ascontiguousarray(meanings[whole_numbers(tags.indices)].T)
        code = whole_numbers(encoded.indices)
        step = step.astype(np.int8)
        return Pieces(
            step.take(code), tag.take(code), name.take(code), code, texts, step, name, begins
        )


def _check_letters(distinct: pa.StringArray) -> None:
    """Leave to expat what is not UTF-8, or holds control characters or entities but XML's five."""
    letters = distinct.buffers()[2].to_pybytes()
    try:
        distinct.validate(full=True)
    except pa.ArrowInvalid:
        raise NotPlain from None
    if (
        len(letters.translate(None, _CONTROL)) != len(letters)
        or b"]]>" in letters
        or b"\xef\xbf\xbe" in letters
        or b"\xef\xbf\xbf" in letters
        or (
            b"&" in letters
            and letters.count(b"&") != sum(letters.count(entity) for entity in _ENTITIES)
        )
    ):
        raise NotPlain


def _halves(distinct: pa.StringArray) -> tuple[pa.StringArray, pa.StringArray]:
    """Return the tag of each distinct piece, and the text after it."""
    parts = pc.split_pattern(distinct, ">", max_splits=1).values
    if len(parts) != 2 * len(distinct):
        raise NotPlain
    places = np.arange(0, len(parts), 2, dtype=np.int32)
    return parts.take(arrow(places)), parts.take(arrow(places + 1))


@contextmanager
def system_memory() -> Iterator[None]:
    """Let Arrow take its memory from the system meanwhile: its own pool keeps what it once had."""
    usual = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(usual)


def arrow(numbers: Codes) -> pa.Array:
    """Return whole numbers as Arrow holds them, without a copy and without loading pandas."""
    return pa.Array.from_buffers(pa.int32(), len(numbers), [None, pa.py_buffer(numbers)])


def whole_numbers(array: pa.Array) -> Codes:
    """Return whole numbers without nulls from Arrow, without a copy and without loading pandas."""
    return np.frombuffer(array.buffers()[1], np.int32, len(array), 4 * array.offset)


def arrow_texts(texts: Sequence[bytes]) -> pa.StringArray:
    """Return texts in UTF-8 as Arrow holds them, a lone one without a copy."""
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    joined = texts[0] if len(texts) == 1 else b"".join(texts)
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(joined))
