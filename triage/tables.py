"""A table as it was read: cells as typed, each distinct text held once.

A column is an array of positions into its distinct texts, so 640,000 rows cost no Python object a
row, and whatever must be asked of a text is asked once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.vocabulary import SPREADSHEET_ERRORS

Codes = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]

LOST: Final = None
"""Stands for a cell whose content is gone (a row cut short): neither blank nor readable."""


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
        return [self.texts[code] for code in self.codes.tolist()]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a row, to send back to whoever owns the record.

    ``kind`` is "rejected" (the row could not be used), "problem" (a cell could not be read; the
    row is judged) or "query" (cells that contradict each other; the row is judged). ``check`` is
    the check that a query fails, without what was typed.
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


Input = Source | Extract


def encode(cells: pa.Array | pa.ChunkedArray | Iterable[str | None]) -> RawColumn:
    """Return a column of texts, trimmed, each distinct one held once; null is blank."""
    array = cells if isinstance(cells, pa.Array | pa.ChunkedArray) else pa.array(cells, pa.string())
    encoded = array.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = (
                pa.concat_arrays(encoded.chunks)
                if encoded.num_chunks
                else pa.array([], pa.dictionary(pa.int32(), pa.string()))
            )
    texts = encoded.dictionary.cast(pa.string())
    tidy = pc.utf8_trim_whitespace(pc.replace_substring(texts, "\u00a0", " "))
    codes = encoded.indices
    if encoded.null_count:
        codes = codes.fill_null(len(tidy))
        tidy = pa.concat_arrays([tidy, pa.array([""], pa.string())])
    again = tidy.dictionary_encode()
    inner = again.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    outer = codes.to_numpy(zero_copy_only=False).astype(np.int32)
    return RawColumn(inner[outer] if len(inner) else outer, again.dictionary.to_pylist())


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
