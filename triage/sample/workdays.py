"""Working-day arithmetic for whole columns of invented dates, on the product's own calendar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from triage import calendar
from triage.calendar import minus_months as months_before
from triage.calendar import minus_months_array
from triage.calendar import to_day as day_number

__all__ = ["BLANK", "Days", "WorkingDays", "day_number", "minus_months_array", "months_before"]

Days = NDArray[np.int32]
BLANK = -1
"""The day, minute, number or code of a cell that is blank. No invented date lies before 1970."""


class WorkingDays:
    """Counts working days of England and Wales, strictly after a day, for whole columns."""

    def after(self, days: Days, count: Days | int) -> Days:
        """Return the ``count``-th working day strictly after each day; 0 is the day itself."""
        return calendar.add_working_days_array(days, np.asarray(count))

    def before(self, days: Days) -> Days:
        """Return the last working day strictly before each day."""
        found = (days - 1).astype(np.int32)
        while True:
            idle = self.between((found - 1).astype(np.int32), found) == 0
            if not idle.any():
                return found
            found = np.where(idle, found - 1, found).astype(np.int32)

    def between(self, start: Days, end: Days) -> Days:
        """Return the working days after ``start`` up to and including ``end``."""
        return calendar.working_days(start, end).astype(np.int32)
