"""Every referral of the children who have a flag: what a reviewer reads first."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.raising import named
from triage.run import Run
from triage.subject import Subject
from triage.validation import GIVEN

SCHEMA: Final = pa.schema(
    [
        pa.field("child_id", pa.string(), nullable=False),
        pa.field("referral_id", pa.string(), nullable=False),
        pa.field("referral_date", pa.date32(), nullable=False),
        pa.field("team", pa.string()),
        pa.field("referral_source", pa.string()),
        pa.field("primary_need", pa.string()),
        pa.field("nfa", pa.bool_()),
        pa.field("closed_on", pa.date32()),
        pa.field("closure_reason", pa.string()),
        pa.field("restricted", pa.bool_(), nullable=False),
    ]
)
"""A referral of a child who has a flag, flagged itself or not."""

Rows = npt.NDArray[np.int64]


def timeline(run: Run, flagged: pa.Array) -> pa.Table:
    """Return every referral (``SCHEMA``), up to the date of judgement, of some children.

    ``flagged`` holds the identifiers of the children.
    """
    assert run.referrals.table is not None
    subject = run.referrals.table.subject
    referrals = subject.entries
    children = referrals.child_names.arrow
    is_flagged = pc.is_in(children, value_set=flagged).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(is_flagged[referrals.child])
    yes, no = subject.yes("nfa")[rows], subject.no("nfa")[rows]
    columns = {
        "child_id": children.take(pa.array(referrals.child[rows])),
        "referral_id": referrals.identifiers.arrow.take(pa.array(referrals.identity[rows])),
        "referral_date": pa.array(referrals.day[rows].astype(np.int32)).view(pa.date32()),
        "nfa": pa.array(yes, mask=~(yes | no)),
        "closed_on": _days(subject, "closed_on", rows),
        "restricted": pa.array(subject.is_restricted[rows]),
        **{
            name: named(subject.column(name), rows).cast(pa.string())
            for name in ("team", "referral_source", "primary_need", "closure_reason")
        },
    }
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _days(subject: Subject, name: str, rows: Rows) -> pa.Array:
    column = subject.column(name).take(rows)
    days = column.value.astype(np.int32)
    return pa.array(days, mask=column.state != GIVEN).view(pa.date32())
