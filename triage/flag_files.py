"""Flags as Parquet: equal flags make equal files, to the byte."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from triage.flags import Flags, compact

FLAG_COLUMNS: Final = (
    "rule",
    "severity",
    "child_id",
    "referral_id",
    "referral_date",
    "team",
    "message",
    "due_on",
    "overdue_working_days",
    "evidence",
    "subject",
)
"""What is told of a flag in files: all but what the store and the rights of readers ask for."""
_ROWS_OF_A_GROUP: Final = 524_288
_DICTIONARY_BYTES: Final = 1 << 30
"""No dictionary of a group is this long, so that each text is written once in it."""


def write_parquet(flags: Flags, path: Path) -> None:
    """Write flags as Parquet, each distinct text of a group of rows once.

    Raises:
        OSError: when the file cannot be written.
    """
    # One group of rows is put into words while the one before is written.
    with ThreadPoolExecutor(1) as beside:
        following = beside.submit(_group, flags, 0)
        first = following.result()
        looked_up = [one.name for one in first.schema if pa.types.is_dictionary(one.type)]
        with pq.ParquetWriter(
            path,
            first.schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=looked_up,
            dictionary_pagesize_limit=_DICTIONARY_BYTES,
            store_schema=False,
        ) as file:
            for start in range(0, max(len(flags), 1), _ROWS_OF_A_GROUP):
                group = following.result()
                following = beside.submit(_group, flags, start + _ROWS_OF_A_GROUP)
                file.write_table(group)


def _group(flags: Flags, start: int) -> pa.Table:
    """Return a group of flags in words, each of its texts once."""
    return compact(flags[start : start + _ROWS_OF_A_GROUP].table.select(FLAG_COLUMNS))
