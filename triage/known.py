"""How the records of what was judged stood on a night, to be held beside other nights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.calendar import to_date
from triage.flagged import told_apart
from triage.parts import judged
from triage.run import Run
from triage.schema import OWN_COLUMNS
from triage.sources.dealt import numbers_of
from triage.subject import Subject
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
        cells = []
        for name, column in self.columns.items():
            said = [f'"{name}":{json.dumps(one)}' for one in column.dictionary.to_pylist()]
            taken = column.indices.take(rows)
            cells.append(pa.array(said, pa.string()).take(taken))
        # Arrow leaves out a row of which every cell is skipped; so each begins with an empty one.
        first = pa.array([""] * len(places), pa.string())
        joined = pc.binary_join_element_wise(first, *cells, ",", null_handling="skip")
        return pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(joined, 1), "}", "")

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
    texts = [_text(name, column, *(int(cell[row]) for cell in cells)) for row in firsts.tolist()]
    known = list(dict.fromkeys(text for text in texts if text is not None))
    at = {text: number for number, text in enumerate(known)}
    place = np.array([-1 if text is None else at[text] for text in texts] or [0])
    found = place[codes]
    return pa.DictionaryArray.from_arrays(
        pa.array(found.astype(np.int32), mask=found < 0), pa.array(known, pa.string())
    )


def _text(name: str, column: Column, value: int, seconds: int, state: int) -> str | None:
    if state in UNREAD:
        return UNREADABLE
    if state != GIVEN:
        return None
    kind = OWN_COLUMNS[name].kind
    if kind in ("event", "birth"):
        hours, minutes = divmod(seconds // 60, 60)
        return str(to_date(value)) + (f"T{hours:02}:{minutes:02}" if seconds else "")
    if kind == "flag":
        return "true" if value else "false"
    return str(column.names[value]) if len(column.names) else str(value)
