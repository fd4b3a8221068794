"""How the records of what was judged stood on a night, to be held beside other nights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.flagged import told_apart
from triage.parts import judged
from triage.run import Run
from triage.schema import OWN_COLUMNS
from triage.sources.dealt import numbers_of
from triage.subject import Subject
from triage.tables import arrow_texts
from triage.validation import ABSENT, GIVEN, UNREAD, Column

_LEFT_OUT: Final = frozenset(
    {
        "child_id", "referral_id", "referral_date", "household_id", "date_of_birth",
        "expected_date_of_birth", "rationale_hash", "referrals_in_last_12_months",
    }
)  # fmt: skip
"""What names a referral, or tells nothing of how its work went."""
KEPT: Final = tuple(name for name in OWN_COLUMNS if name not in _LEFT_OUT)
"""The columns whose history is kept."""
UNREADABLE: Final = "?"
"""What is kept of a cell that could not be read."""
_PLAIN: Final = r"^[ !#-\[\]-~]*$"
"""What stands in JSON as it is: ASCII that can be printed, but for quotes and the backslash."""
_MIXED: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class KnownNow:
    """The judged referrals as their records stand: who they are, and the texts of each column.

    ``columns`` holds those that tonight's records carry; nothing is what is known to be blank.
    ``digest`` is a number for each referral, equal where all of them are.
    """

    child_names: pa.ChunkedArray
    names: pa.ChunkedArray
    columns: dict[str, pa.DictionaryArray]
    digest: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Return how many referrals were judged."""
        return len(self.names)

    def as_json(self, places: npt.NDArray[np.int64]) -> pa.ChunkedArray:
        """Return the records of some of them as JSON, what is blank left out."""
        rows = pa.array(places)
        # Arrow leaves out a row of which every cell is skipped; so each begins with a brace.
        cells = [pa.array(["{"] * len(places), pa.string())]
        for name, column in self.columns.items():
            said = pc.binary_join_element_wise(f',"{name}":', _in_json(column.dictionary), "")
            cells.append(said.take(column.indices.take(rows)))
        joined = pc.binary_join_element_wise(*cells, "}", "", null_handling="skip")
        return pc.replace_substring(joined, "{,", "{", max_replacements=1)

    def is_blank(self, column: str, places: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return of which of them a column is known to be blank; none where it is not carried."""
        if column not in self.columns:
            return np.zeros(len(places), bool)
        codes = self.columns[column].indices.take(pa.array(places))
        return np.asarray(pc.is_null(codes).to_numpy(zero_copy_only=False), bool)

    def told(self, places: npt.NDArray[np.int64]) -> list[dict[str, str | None]]:
        """Return the records of some of them, column by column."""
        rows = pa.array(places)
        cells = {name: column.take(rows).to_pylist() for name, column in self.columns.items()}
        return [
            {name: column[place] for name, column in cells.items()} for place in range(len(places))
        ]


def known_now(run: Run) -> KnownNow:
    """Return how the records of what a run judged stand, what has not happened yet left out."""
    table = run.referrals.table
    assert table is not None
    subject, entries = table.subject, table.subject.entries
    rows = np.flatnonzero(judged(table, run.options.as_of, run.options.window))
    columns = {
        name: _texts(subject, name, rows)
        for name in KEPT
        if name in entries.carried and not (subject.column(name).state == ABSENT).all()
    }
    digest = np.zeros(len(rows), np.uint64)
    for name, column in columns.items():
        numbers = np.r_[numbers_of(column.dictionary.cast(pa.string())), np.uint64(0)]
        codes = column.indices.fill_null(len(numbers) - 1).to_numpy(zero_copy_only=False)
        place = np.uint64(KEPT.index(name) + 1)
        digest = (digest ^ (numbers[codes] + place)) * _MIXED
        digest ^= digest >> np.uint64(29)
    return KnownNow(
        pa.chunked_array([entries.child_names.arrow.take(pa.array(entries.child[rows]))]),
        pa.chunked_array([entries.identifiers.arrow.take(pa.array(entries.identity[rows]))]),
        columns,
        digest.view(np.int64),
    )


def _texts(subject: Subject, name: str, rows: npt.NDArray[np.int64]) -> pa.DictionaryArray:
    """Return the cells of a column as texts, nothing where one is blank."""
    column = subject.column(name)
    state, value = column.state[rows].astype(np.int64), column.value[rows]
    seconds = column.seconds
    within = np.zeros(len(rows), np.int64) if seconds is None else seconds[rows].astype(np.int64)
    is_given = state == GIVEN
    cells = [np.where(is_given, value, 0), np.where(is_given, within, 0), state]
    codes, firsts = told_apart(cells)
    value, within, state = (cell[firsts] for cell in cells)
    is_unread, is_given = pa.array(np.isin(state, UNREAD)), pa.array(state == GIVEN)
    otherwise = pc.if_else(is_unread, UNREADABLE, pa.scalar(None, pa.string()))
    texts = pc.if_else(is_given, _told(name, column, value, within), otherwise).dictionary_encode()
    return pa.DictionaryArray.from_arrays(texts.indices.take(pa.array(codes)), texts.dictionary)


def _told(
    name: str,
    column: Column,
    value: npt.NDArray[np.int64],
    seconds: npt.NDArray[np.int64],
) -> pa.StringArray:
    """Return given cells of a column as texts; what stands for others is not to be asked for."""
    kind = OWN_COLUMNS[name].kind
    if kind in ("event", "birth"):
        times, which = np.unique(seconds, return_inverse=True)
        clock = [f"T{one // 3600:02}:{one // 60 % 60:02}" if one else "" for one in times.tolist()]
        days = pa.array(value.astype(np.int32)).view(pa.date32()).cast(pa.string())
        of_day = pa.array(clock, pa.string()).take(pa.array(which.ravel()))
        return pc.binary_join_element_wise(days, of_day, "")
    if kind == "flag":
        return pc.if_else(pa.array(value != 0), "true", "false")
    if len(column.names):
        return arrow_texts(column.names).take(pa.array(value))
    return pa.array(value).cast(pa.string())


def _in_json(texts: pa.StringArray) -> pa.StringArray:
    """Return texts as JSON has them; only those that need an escape are asked of Python."""
    quoted = pc.binary_join_element_wise('"', texts, '"', "")
    needs_escape = pc.invert(pc.match_substring_regex(texts, _PLAIN))
    escaped = [json.dumps(text) for text in texts.filter(needs_escape).to_pylist()]
    return pc.replace_with_mask(quoted, needs_escape, pa.array(escaped, pa.string()))
