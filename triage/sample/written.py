"""What the writers of the census and of Annex A share: what is kept, and what is counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from triage.sample.text import column_text, read_days
from triage.sample.workdays import BLANK, Days


@dataclass(frozen=True)
class Written:
    """How many referrals a file holds, and why others are not in it.

    ``left_out`` lie outside the year or window of the file; ``skipped`` could not be placed in
    time, because neither the referral date nor a later date of the row can be read.
    """

    written: int
    left_out: int
    skipped: int


def placed_days(table: pd.DataFrame) -> Days:
    """The day of each referral, or of its decision or allocation where that cannot be read.

    It says only to which year or window a row belongs; the referral date is written as typed.
    ``BLANK`` where no date can be read.
    """
    days = read_days(column_text(table, "referral_date"))
    for name in ("decision_at", "allocated_at"):
        days = np.where(days == BLANK, read_days(column_text(table, name)), days)
    return days.astype(np.int32)


def cells_equal(table: pd.DataFrame, name: str, word: str) -> NDArray[np.bool_]:
    """Which cells of a column are exactly ``word``."""
    return np.asarray(table[name] == word, dtype=np.bool_)
