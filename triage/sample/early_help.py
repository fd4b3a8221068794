"""Episodes of early help: most follow a step-down, a few stand alone."""

from __future__ import annotations

import numpy as np

from triage.sample import calibration as cal
from triage.sample import words
from triage.sample.chains import Chains
from triage.sample.chance import Rng, happens, pick_in_bins, whole
from triage.sample.referrals import Columns
from triage.sample.workdays import BLANK

_RC9 = words.REASONS.index("RC9")


def make_early_help(rng: Rng, rows: Columns, chains: Chains, as_of_day: int) -> Columns:
    """Draws early-help episodes, ordered by child and day; none starts after ``as_of_day``.

    Most closures with RC9 are followed by one within 30 days, some by one later, some by none;
    children who were referred again got it less often. An episode that lasts has no end.
    """
    size = len(chains)
    stepped_down = (rows["closed"] != BLANK) & (rows["reason"] == _RC9)
    share = np.where(
        chains.until == BLANK, cal.EARLY_HELP_SOON_SHARE, cal.EARLY_HELP_SOON_SHARE_OF_RETURNS
    )
    soon = happens(rng, size, share)
    later = happens(rng, size, cal.EARLY_HELP_LATER_SHARE)
    lag = np.where(soon, whole(rng, size, 0, 30), whole(rng, size, 31, 150))
    after = stepped_down & (soon | later)
    unrelated = ~after & happens(rng, size, cal.EARLY_HELP_UNRELATED_SHARE)
    start = np.where(after, rows["closed"] + lag, rows["day"] - whole(rng, size, 30, 400))
    row = np.flatnonzero((after | unrelated) & (start <= as_of_day))
    start = start[row]
    end = start + pick_in_bins(rng, len(row), cal.EARLY_HELP_DAYS)
    episodes = {
        "child": rows["child"][row],
        "start": start,
        "end": np.where(end > as_of_day, BLANK, end),
    }
    order = np.lexsort((start, episodes["child"]))
    return {name: column[order].astype(np.int32) for name, column in episodes.items()}
