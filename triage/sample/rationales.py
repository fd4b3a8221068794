"""Written rationales, of which only a hash is kept, and when the referrer was told the outcome."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from triage.sample import calibration as cal
from triage.sample import words
from triage.sample.chance import Ints, Rng, happens, pick, pick_in_bins
from triage.sample.decisions import minute_after
from triage.sample.referrals import Columns
from triage.sample.text import Text
from triage.sample.workdays import BLANK, Days, WorkingDays

_WHO_TELLS = {
    **dict.fromkeys(("1A", "1B", "1C", "1D"), "individual"),
    **dict.fromkeys(("9", "10"), "unknown"),
}
_TOLD = np.array([cal.TOLD_SHARE[_WHO_TELLS.get(code, "professional")] for code in words.SOURCES])


def share_rationales(rng: Rng, rows: Columns) -> None:
    """Numbers the rationales by their text, in place: equal numbers stand for equal words.

    Siblings referred on one day share one text, and a few texts are used again and again. What
    shares a text shares its length, so ``rationale`` changes with it; a blank one stays blank.
    """
    size = len(rows["day"])
    written = np.flatnonzero(rows["rationale"] != BLANK)
    together = rows["household"][written].astype(np.int64) * 100_000 + rows["day"][written]
    _, first, group = np.unique(together, return_index=True, return_inverse=True)
    text = written[first][group]
    length = rows["rationale"][text]
    which = pick(rng, size, [share for _, share in cal.BOILERPLATE])[text]
    again = happens(rng, size, cal.BOILERPLATE_SHARE)[text]
    boilerplate = np.array([characters for characters, _ in cal.BOILERPLATE])
    rows["rationale"] = rows["rationale"].copy()
    rows["rationale"][written] = np.where(again, boilerplate[which], length)
    rows["text"] = np.full(size, BLANK, dtype=np.int32)
    rows["text"][written] = np.where(again, which, text + len(boilerplate))


def tell_referrers(
    rng: Rng, source: Ints, decided: Days, minute: Ints, wd: WorkingDays
) -> tuple[Days, Ints]:
    """Day and minute at which each referrer was told the outcome; ``BLANK`` where nobody was.

    Professionals are mostly told within a working day of the decision, the child's own people
    less often, and who is not known cannot be told.
    """
    size = len(decided)
    told = (decided != BLANK) & happens(rng, size, _TOLD[source])
    day = wd.after(decided, pick_in_bins(rng, size, cal.FEEDBACK_LAG_WORKING_DAYS))
    at = minute_after(rng, minute, same_day=day == decided)
    return np.where(told, day, BLANK).astype(np.int32), np.where(told, at, BLANK).astype(np.int32)


def hashes_text(texts: Ints, seed: int) -> Text:
    """Sixteen hex characters for each text, equal for equal texts; a blank cell for ``BLANK``.

    No text is ever written, so its number is mixed instead (splitmix64, with the seed in it).
    """
    mixed = texts.astype(np.uint64)
    mixed += np.array([seed % 2**32], dtype=np.uint64) << np.uint64(32)
    mixed = (mixed + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    digits = pa.py_buffer(mixed.astype(">u8").tobytes().hex().encode())
    ends = pa.py_buffer(np.arange(0, 16 * len(texts) + 1, 16, dtype=np.int32))
    named = pa.StringArray.from_buffers(len(texts), ends, digits)
    return pc.if_else(pa.array(texts == BLANK), pa.scalar(""), named)
