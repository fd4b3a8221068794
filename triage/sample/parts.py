"""A whole country invented: the referrals of many councils, a Parquet file each.

Each council is made and written before the next, so that a country takes the memory of one. It has
children, households and workers of its own: its identifiers begin with its own name, and no
rationale of one council is word for word that of another.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from triage.sample import words
from triage.sample.generator import make_referral_cells
from triage.sample.text import Text

FOLDER: Final = "referrals_by_council"
MOST_PARTS: Final = 1_000
MOST_REFERRALS: Final = 6_400_000
"""Referrals of one council at most: they are held in memory together."""
ROWS_OF_A_GROUP: Final = 100_000
SORTED_BY: Final = ("child_id", "referral_date")
"""How large platforms keep referrals: a child's rows lie together."""

_IDENTIFIERS: Final = ("child_id", "household_id", "referral_id")
_PEOPLE: Final = ("decision_maker_id", "allocated_worker_id")
_NOBODY: Final = (words.DUTY, *words.TEAMS)
"""What stands for the worker where a case is held by no person: no identifier of anybody."""


def sizes(n_referrals: int, n_parts: int) -> list[int]:
    """How many referrals each council has: the same, but for one that some have more.

    Raises:
        ValueError: when a council would have none, or more than can be made at once.
    """
    if not 1 <= n_parts <= min(n_referrals, MOST_PARTS):
        raise ValueError(f"{n_referrals:,} referrals cannot be put into {n_parts:,} parts")
    if n_referrals > n_parts * MOST_REFERRALS:
        raise ValueError(f"a part holds at most {MOST_REFERRALS:,} referrals")
    each, more = divmod(n_referrals, n_parts)
    return [each + (part < more) for part in range(n_parts)]


def seed_of_part(seed: int, part: int) -> int:
    """The seed of one council of a country, told from the country's seed and its number.

    Neighbouring seeds give streams that have nothing in common. They differ in their lowest 32
    bits, which go into the hashes of rationales, so that none is met in two councils.
    """
    first = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
    return (first + part) % 2**64


def prefix_of_part(part: int) -> str:
    """What the identifiers of one council begin with, such as ``A007-``."""
    return f"A{part:03d}-"


def make_part(
    part: int, n_referrals: int, *, seed: int, as_of: date, months: int, dirty: bool = True
) -> pa.Table:
    """Invents one council of a country: its referral table, by child and then by date as typed.

    Rows of equal child and date stay in the order of ``make_council``. Every column is text, and
    a blank cell is null, as platforms keep it; those without a child come first. ``seed`` is the
    country's.

    Raises:
        ValueError: as ``make_council`` does.
    """
    own = seed_of_part(seed, part)
    cells = make_referral_cells(n_referrals, seed=own, as_of=as_of, months=months, dirty=dirty)
    prefix = prefix_of_part(part)
    for name in _IDENTIFIERS:
        cells[name] = _prefixed(cells[name], prefix, pc.not_equal(cells[name], ""))
    for name in _PEOPLE:
        is_person = pc.invert(pc.is_in(cells[name], pa.array(["", *_NOBODY])))
        cells[name] = _prefixed(cells[name], prefix, is_person)
    keys = pa.table({name: cells[name] for name in SORTED_BY})
    order = pc.sort_indices(keys, [(name, "ascending") for name in SORTED_BY])
    # Column by column, so that not all stand twice.
    return pa.table({name: _nulled(cells.pop(name).take(order)) for name in list(cells)})


def write_parts(
    folder: Path,
    n_referrals: int,
    n_parts: int,
    *,
    seed: int,
    as_of: date,
    months: int,
    dirty: bool = True,
) -> Iterator[int]:
    """Writes the councils of a country, ``part-00000.parquet`` and so on, into an empty folder.

    Yields the number of referrals of each as soon as it is written.

    Raises:
        ValueError: when a number is out of range.
        OSError: when a file cannot be written.
    """
    for part, size in enumerate(sizes(n_referrals, n_parts)):
        table = make_part(part, size, seed=seed, as_of=as_of, months=months, dirty=dirty)
        pq.write_table(
            table,
            folder / f"part-{part:05d}.parquet",
            compression="zstd",
            row_group_size=ROWS_OF_A_GROUP,
            sorting_columns=[
                pq.SortingColumn(words.COLUMNS.index(name), nulls_first=True) for name in SORTED_BY
            ],
        )
        del table
        yield size


def _prefixed(cells: Text, prefix: str, is_one: Any) -> Text:
    named = pc.binary_join_element_wise(pa.scalar(prefix), cells, "")
    return pc.if_else(is_one, named, cells)


def _nulled(cells: Text) -> Text:
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)
