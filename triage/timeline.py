"""Every referral as its record stands: what a reviewer reads first, and what reports count."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from triage.raising import named
from triage.run import Run
from triage.subject import Subject
from triage.validation import ABSENT, GIVEN, UNREAD

DATES: Final = (
    "closed_on", "decision_at", "allocated_at", "assessment_started_on",
    "assessment_authorised_on", "strategy_discussion_on", "icpc_on",
)  # fmt: skip
MARKS: Final = ("nfa", "icpc_not_required")
CODES: Final = ("team", "referral_source", "primary_need", "closure_reason")
TOLD: Final = (*CODES, *MARKS, *DATES)
"""What is told of a referral: codes, marks of yes and no, and the days of what happened."""

SCHEMA: Final = pa.schema(
    [
        pa.field("child_id", pa.string(), nullable=False),
        pa.field("referral_id", pa.string(), nullable=False),
        pa.field("referral_date", pa.date32(), nullable=False),
        *(pa.field(name, pa.string()) for name in CODES),
        *(pa.field(name, pa.bool_()) for name in MARKS),
        *(pa.field(name, pa.date32()) for name in DATES),
        pa.field("restricted", pa.bool_(), nullable=False),
        pa.field("unread", pa.string()),
        pa.field("digest", pa.int64(), nullable=False),
    ]
)
"""A referral. ``unread`` names the columns whose cell could not be read, with a blank between;
``digest`` is a number of all the rest, equal where that is."""
_MIXED: Final = np.uint64(0x9E3779B97F4A7C15)

Rows = npt.NDArray[np.int64]


def timeline(run: Run) -> pa.Table:
    """Return every referral (``SCHEMA``) up to the date of judgement, as it stood on it."""
    assert run.referrals.table is not None
    subject = run.referrals.table.subject
    referrals = subject.entries
    rows = np.arange(len(referrals))
    columns = {
        "referral_date": pa.array(referrals.day.astype(np.int32)).view(pa.date32()),
        "restricted": pa.array(subject.is_restricted),
        "unread": _unread(subject),
        **{name: named(subject.column(name), rows) for name in CODES},
        **{name: _marks(subject, name) for name in MARKS},
        **{name: _days(subject, name) for name in DATES},
    }
    digest = _digest(list(columns.values()))
    columns = {
        name: column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        for name, column in columns.items()
    }
    columns["digest"] = pa.array(digest)
    columns["child_id"] = referrals.child_names.arrow.take(pa.array(referrals.child))
    columns["referral_id"] = referrals.identifiers.arrow.take(pa.array(referrals.identity))
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _days(subject: Subject, name: str) -> pa.Array:
    column = subject.column(name)
    days = column.value.astype(np.int32)
    return pa.array(days, mask=column.state != GIVEN).view(pa.date32())


def _marks(subject: Subject, name: str) -> pa.Array:
    yes, no = subject.yes(name), subject.no(name)
    return pa.array(yes, mask=~(yes | no))


def _unread(subject: Subject) -> pa.DictionaryArray:
    """Return the names of the columns of which a cell could not be read, or is not told.

    A column that no input carries is named by the run, and not by each referral.
    """
    code = np.zeros(subject.n, np.int64)
    for place, name in enumerate(TOLD):
        state = subject.column(name).state
        is_absent = state == ABSENT
        is_unread = np.isin(state, UNREAD) | (is_absent & (not is_absent.all()))
        code |= is_unread.astype(np.int64) << place
    distinct, which = np.unique(code, return_inverse=True)
    texts = [
        " ".join(name for place, name in enumerate(TOLD) if one >> place & 1) or None
        for one in distinct.tolist()
    ]
    return pa.DictionaryArray.from_arrays(
        pa.array(which.astype(np.int32), mask=code == 0), pa.array([t or "" for t in texts])
    )


def _digest(columns: list[pa.Array]) -> npt.NDArray[np.int64]:
    """Return a number for each row, the same on every machine: equal rows have equal numbers."""
    digest = np.zeros(len(columns[0]), np.uint64)
    for place, column in enumerate(columns, 1):
        if pa.types.is_dictionary(column.type):
            texts = column.dictionary.to_numpy(zero_copy_only=False)
            hashed = np.asarray(pd.util.hash_array(texts, categorize=False), np.uint64)
            codes = pc.fill_null(column.indices, len(hashed)).to_numpy()
            numbers = np.r_[hashed, np.uint64(0)][codes]
        else:
            plain = column.cast(pa.int32() if pa.types.is_date32(column.type) else pa.int8())
            numbers = pc.fill_null(plain, -(10**8) if plain.type == pa.int32() else -1)
            numbers = numbers.to_numpy().astype(np.int64).view(np.uint64) + np.uint64(1)
        digest = (digest ^ (numbers + np.uint64(place))) * _MIXED
        digest ^= digest >> np.uint64(29)
    return digest.view(np.int64)
