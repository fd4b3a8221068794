"""A table as it was read: cells as typed, each distinct text held once.

A column is an array of positions into its distinct texts, so 640,000 rows cost no Python object a
row, and whatever must be asked of a text is asked once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, Literal, TypeVar, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.vocabulary import SPREADSHEET_ERRORS

Codes = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]

LOST: Final = None
"""Stands for a cell whose content is gone (a row cut short): neither blank nor readable."""

_AT_ONCE: Final = 65_536
_TextT = TypeVar("_TextT", bound=str | None, covariant=True)


class Texts(Sequence[_TextT], Generic[_TextT]):
    """Texts, each different from the others, as Arrow holds them.

    One becomes a Python string only when it is asked for: a million identifiers are compared,
    counted and taken without ever being one. ``arrow`` is asked where all of them are meant.
    """

    def __init__(self, arrow: pa.StringArray) -> None:
        self.arrow = arrow

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.arrow)

    @overload
    def __getitem__(self, place: int) -> _TextT: ...
    @overload
    def __getitem__(self, place: slice) -> Texts[_TextT]: ...
    def __getitem__(self, place: int | slice) -> _TextT | Texts[_TextT]:
        """Return one text, or some of them."""
        if isinstance(place, slice):
            return Texts(self.arrow[place])
        text: _TextT = self.arrow[int(place)].as_py()
        return text

    def __iter__(self) -> Iterator[_TextT]:
        """Return the texts one after another, of which few are Python strings at a time."""
        for start in range(0, len(self.arrow), _AT_ONCE):
            yield from self.arrow.slice(start, _AT_ONCE).to_pylist()

    def __contains__(self, text: object) -> bool:
        """Return whether a text is one of them."""
        return isinstance(text, str) and pc.index(self.arrow, text).as_py() >= 0


def arrow_texts(texts: Sequence[str | None]) -> pa.StringArray:
    """Return texts as an Arrow array; LOST is null in it."""
    return texts.arrow if isinstance(texts, Texts) else pa.array(texts, pa.string())


def spread(values: npt.NDArray[Any], codes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return ``values[codes]`` of whole numbers.

    Arrow takes narrow positions as they are, which NumPy would widen first: four times as fast.
    """
    return np.asarray(pc.take(pa.array(values), pa.array(codes), boundscheck=False).to_numpy())


@dataclass(frozen=True)
class RawColumn:
    """A column: ``texts[codes[i]]`` is the trimmed cell of row i, "" when blank."""

    codes: Codes
    texts: Sequence[str | None]

    def mapped(self, change: Callable[[str], str | None]) -> RawColumn:
        """Return the column with every distinct text changed, each asked once."""
        return replace(self, texts=[text if text is LOST else change(text) for text in self.texts])

    def cells(self) -> list[str | None]:
        """Return the text of every row; for small tables."""
        return self.at(np.arange(len(self.codes)))

    def at(self, rows: Rows) -> list[str | None]:
        """Return the texts of some rows."""
        codes = self.codes[rows]
        if isinstance(self.texts, Texts):
            found: list[str | None] = self.texts.arrow.take(pa.array(codes)).to_pylist()
            return found
        return [self.texts[code] for code in codes.tolist()]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a row, to send back to whoever owns the record.

    ``kind`` is "rejected" (the row could not be used), "problem" (a cell could not be read; the
    row is judged) or "query" (cells that contradict each other; the row is judged). ``check`` is
    the check that fails, where there is one, without what was typed.
    """

    kind: Literal["rejected", "problem", "query"]
    source: str
    row: int
    column: str
    message: str
    check: str = ""


@dataclass(frozen=True)
class RawTable:
    """A table of typed cells by canonical column name.

    ``rows`` holds each row's number as the user counts it. ``problems`` are those of whole rows,
    found while reading. ``found_by`` names the column by which a row is found again where its
    number says little: the rows of a database have no number of their own.
    """

    source: str
    rows: Rows
    columns: dict[str, RawColumn]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    found_by: str = ""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def without_cells(self) -> RawTable:
        """Return a table of as many rows of which nothing is held."""
        return rows_alone(self.source, len(self))


def rows_alone(source: str, n_rows: int) -> RawTable:
    """Return a table of so many rows of which nothing is held."""
    return RawTable(source, np.broadcast_to(np.int64(0), n_rows), {})


MatchBy = Literal["referral_id", "child_and_referral_date", "child_and_event", "child", "extract"]


@dataclass(frozen=True)
class ChildTable:
    """A table of events that belong to referrals, and how to tell to which.

    ``event`` is the date column by which the first (or the last) of several rows is chosen.
    ``is_complete`` says that a referral without a row here had no such event; otherwise what the
    table carries is unknown for it. ``keeps`` names the columns that are kept of every row, under
    ``name``, where what happened over time is asked for.
    """

    table: RawTable
    carries: tuple[str, ...]
    event: str
    match_by: MatchBy
    chooses: Literal["first", "last"] = "first"
    is_complete: bool = True
    name: str = ""
    keeps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One input: the referrals, the tables that lie beside them, and what to say of it.

    ``contacts`` are no part of a referral: they are judged as a subject of their own.
    ``census_day`` is the day that a census looks back from, None where it names none.
    """

    path: str
    kind: str
    sha256: str
    referrals: RawTable
    children: tuple[ChildTable, ...] = ()
    contacts: RawTable | None = None
    notes: tuple[str, ...] = ()
    earliest_referral: dt.date | None = None
    census_day: dt.date | None = None

    @property
    def n_rows(self) -> int:
        """Return the number of rows of referrals."""
        return len(self.referrals)

    def without_cells(self) -> Source:
        """Return what is to be said of the input, without anything that was typed in it."""
        return replace(self, referrals=self.referrals.without_cells(), children=(), contacts=None)


@dataclass(frozen=True)
class Extract:
    """An input without referrals of its own, joined to those of the other inputs.

    A council's table of decisions or allocations given beside a census is one: ``children`` holds
    it once for each kind of event that it carries, ``contacts`` what is no part of a referral.
    ``as_referrals`` is the whole table where it holds the dates of referrals, so that it can be
    read as one of referrals when nothing else holds any.
    """

    path: str
    kind: str
    sha256: str
    n_rows: int
    children: tuple[ChildTable, ...] = ()
    contacts: RawTable | None = None
    notes: tuple[str, ...] = ()
    as_referrals: RawTable | None = None

    def without_cells(self) -> Extract:
        """Return what is to be said of the input, without anything that was typed in it."""
        return replace(self, children=(), contacts=None, as_referrals=None)


Input = Source | Extract


def encode(cells: pa.Array | pa.ChunkedArray | Iterable[str | None]) -> RawColumn:
    """Return a column of texts, trimmed, each distinct one held once; null is blank."""
    array = cells if isinstance(cells, pa.Array | pa.ChunkedArray) else pa.array(cells, pa.string())
    encoded = _in_one(array.dictionary_encode())
    texts, codes = encoded.dictionary.cast(pa.string()), encoded.indices
    # Nobody vouches for a dictionary that was read from a file: a text may stand in it twice.
    is_sure = not pa.types.is_dictionary(array.type)
    if codes.null_count or texts.null_count:
        is_sure = False
        codes = codes.fill_null(len(texts))
        texts = pa.concat_arrays([texts.fill_null(""), pa.array([""], pa.string())])
    if not (is_sure and _is_tidy(texts)):
        tidy = pc.utf8_trim_whitespace(pc.replace_substring(texts, "\u00a0", " "))
        again = tidy.dictionary_encode()
        codes, texts = again.indices.take(codes), again.dictionary
    places = codes.to_numpy(zero_copy_only=False)
    return RawColumn(places.astype(np.int32, copy=False), Texts(texts))


def _in_one(encoded: pa.DictionaryArray | pa.ChunkedArray) -> pa.DictionaryArray:
    """Return an encoded column in one piece, in which no text stands twice."""
    if isinstance(encoded, pa.Array):
        return encoded
    if not encoded.num_chunks:
        return pa.array([], pa.dictionary(pa.int32(), pa.string()))
    return pa.concat_arrays(encoded.chunks)


def _is_tidy(texts: pa.StringArray) -> bool:
    """Return whether surely no text has space around it, or a fixed space within it."""
    if not len(texts) or texts.buffers()[2] is None:
        return True
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1]
    letters = np.frombuffer(texts.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
    start, end = offsets[:-1] - offsets[0], offsets[1:] - offsets[0]
    is_something = end > start
    at_edge = letters[np.concatenate([start[is_something], end[is_something] - 1])]
    is_plain = (at_edge > ord(" ")) & (at_edge < 0x80)
    return bool(is_plain.all() and not (letters == 0xC2).any())


def drop_free_text(columns: dict[str, RawColumn]) -> dict[str, RawColumn]:
    """Return the columns with a written rationale turned into its length and a hash.

    No free text goes further than the reader: only its number of characters, and a hash by which
    equal texts can be told. A length that was supplied stands; a blank one is filled. Of the reason
    for replacing a decision only that there is one is kept.
    """
    if "superseding_reason" in columns:
        reason = columns["superseding_reason"].mapped(
            lambda text: text if not text or text.upper() in SPREADSHEET_ERRORS else "written"
        )
        columns = {**columns, "superseding_reason": reason}
    if "rationale" not in columns:
        return columns
    rationale = columns["rationale"].mapped(
        lambda text: LOST if text.upper() in SPREADSHEET_ERRORS else text
    )
    rest = {name: column for name, column in columns.items() if name != "rationale"}
    lengths = rationale.mapped(lambda text: str(len(text)) if text else "")
    supplied = rest.get("rationale_length")
    rest["rationale_length"] = lengths if supplied is None else fill_blanks(supplied, lengths)
    rest["rationale_hash"] = rationale.mapped(
        lambda text: (
            hashlib.sha256(" ".join(text.casefold().split()).encode()).hexdigest()[:16]
            if text
            else ""
        )
    )
    return rest


def fill_blanks(column: RawColumn, other: RawColumn) -> RawColumn:
    """Return ``column`` with its blank cells taken from ``other``."""
    texts = [*column.texts, *other.texts]
    is_blank = np.array([text == "" for text in column.texts], bool)[column.codes]
    codes = np.where(is_blank, other.codes + np.int32(len(column.texts)), column.codes)
    return RawColumn(codes.astype(np.int32), texts)
