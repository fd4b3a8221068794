"""What earlier nights saw of referrals, beside what tonight's records say of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from triage.entries import Entries
from triage.names import places
from triage.schema_nights import NIGHT_COLUMNS
from triage.validation import BLANK, GIVEN, Column

SCHEMA: Final = pa.schema(
    {"child_id": pa.string(), "referral_id": pa.string(),
     **{name: pa.date32() for name in NIGHT_COLUMNS}}
)  # fmt: skip
"""Of referrals that earlier nights judged: first and last night without an event."""
NONE: Final = SCHEMA.empty_table()


def with_nights(entries: Entries, nights: pa.Table) -> Entries:
    """Return referrals with what earlier nights saw of them (``SCHEMA``)."""
    mine = [
        pa.chunked_array([entries.child_names.arrow.take(pa.array(entries.child))]),
        pa.chunked_array([entries.identifiers.arrow.take(pa.array(entries.identity))]),
    ]
    at = places(mine, [nights["child_id"], nights["referral_id"]])
    rows = pa.array(at, mask=at < 0)
    columns = {}
    for name in NIGHT_COLUMNS:
        days = nights[name].cast(pa.int32()).take(rows)
        is_there = np.asarray(pc.is_valid(days).to_numpy(), bool)
        state = np.where(is_there, GIVEN, BLANK).astype(np.uint8)
        columns[name] = Column(state, pc.fill_null(days, 0).to_numpy().astype(np.int64))
    return replace(entries, columns={**entries.columns, **columns})
