"""Cells mistyped on purpose, so that a reader of the sample meets what real extracts hold."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from triage.sample import calibration as cal
from triage.sample.chance import Ints, Rng, Truths, happens, pick, whole
from triage.sample.text import Text, days_text
from triage.sample.workdays import BLANK

_UNREADABLE = ("31/02/2026", "2025-13-04", "not known", "TBC", "")
_IMPOSSIBLE = ("2025-02-31", "31/06/2025", "00/00/0000", "1899-12-30", "tbc")
_UNCLEAR = ("maybe", "unknown", "see notes")
_OUT_OF_LIST = {
    "referral_source": ("11", "2C", "Police"),
    "primary_need": ("N10", "A1", "Neglect"),
    "closure_reason": ("RC10", "RC0", "Closed"),
    "threshold_level": ("5", "L3"),
    "risk_rating": ("purple", "high"),
    "decision_outcome": ("pending", "to panel"),
}
_BLANKED = ("referral_source", "primary_need", "closure_reason", "team")
_EVENT_DATES = (
    "closed_on",
    "decision_at",
    "decision_recorded_at",
    "allocated_at",
    "assessment_started_on",
    "assessment_authorised_on",
    "strategy_discussion_on",
    "icpc_on",
    "last_oversight_on",
)
_OUT_OF_ORDER = (
    ("assessment_started_on", "referral_date"),
    ("section47_started_on", "referral_date"),
    ("assessment_authorised_on", "assessment_started_on"),
    ("closed_on", "referral_date"),
)
_DAYS_OF = {"referral_date": "day", "assessment_started_on": "started"}
_FUTURE_DATES = (
    "closed_on",
    "decision_at",
    "allocated_at",
    "assessment_started_on",
    "assessment_authorised_on",
    "icpc_on",
    "last_oversight_on",
)
_ISO_DATE = r"^\d{4}-(0[1-9]|1[0-2])-([01]\d|2[0-8])"


def same_day_duplicates(rng: Rng, rows: dict[str, Ints], count: int) -> dict[str, Ints]:
    """Adds ``count`` rows that repeat a child's referral of the same day at another time."""
    if not count:
        return rows
    size = len(rows["day"])
    chosen = rng.choice(size, size=count, replace=False)
    order = np.concatenate((np.arange(size), chosen))
    doubled = {name: column[order] for name, column in rows.items()}
    first = rows["minute"][chosen]
    other = np.where(first == BLANK, 0, first) + whole(rng, count, 1, 300)
    doubled["minute"][size:] = np.minimum(other, 23 * 60 + 59)
    doubled["source"][size:] = pick(rng, count, list(cal.SOURCE_MIX.values()))
    return doubled


def mistype(rng: Rng, columns: dict[str, Text]) -> dict[str, Text]:
    """Mistypes a small share of the cells of a referral table.

    Impossible dates, codes out of their list, words for true or false, day-first dates among ISO
    ones, blank codes and birth dates, child ids left out, referral dates that cannot be read and
    referral ids used twice. ``columns`` is left as it was; the shares are in ``calibration``.
    """
    typed = dict(columns)
    size = len(typed["child_id"])
    for name in (*_EVENT_DATES, "referral_date"):
        mask = _filled(typed[name]) & happens(rng, size, cal.DAY_FIRST_SHARE)
        typed[name] = _retyped(typed[name], mask, _day_first(typed[name].filter(pa.array(mask))))
    for name in (*_EVENT_DATES, "date_of_birth"):
        mask = _filled(typed[name]) & happens(rng, size, cal.IMPOSSIBLE_DATE_SHARE)
        typed[name] = _replaced(rng, typed[name], mask, _IMPOSSIBLE)
    for name, codes in _OUT_OF_LIST.items():
        mask = _filled(typed[name]) & happens(rng, size, cal.CODE_OUT_OF_LIST_SHARE)
        typed[name] = _replaced(rng, typed[name], mask, codes)
    for name in ("nfa", "history_considered", "icpc_not_required", "worker_is_agency"):
        mask = _filled(typed[name]) & happens(rng, size, cal.UNCLEAR_TRUTH_SHARE)
        typed[name] = _replaced(rng, typed[name], mask, _UNCLEAR)
    for name in _BLANKED:
        mask = happens(rng, size, cal.BLANK_CODE_SHARE)
        typed[name] = _replaced(rng, typed[name], mask, ("",))
    mask = happens(rng, size, cal.BLANK_BIRTH_DATE_SHARE)
    typed["date_of_birth"] = _replaced(rng, typed["date_of_birth"], mask, ("",))

    mask = happens(rng, size, cal.UNREADABLE_REFERRAL_DATE_SHARE)
    typed["referral_date"] = _replaced(rng, typed["referral_date"], mask, _UNREADABLE)
    mask = happens(rng, size, cal.BLANK_CHILD_ID_SHARE)
    typed["child_id"] = _replaced(rng, typed["child_id"], mask, ("",))
    typed["referral_id"] = _reused(rng, typed["referral_id"])
    return typed


def misdate(
    rng: Rng, columns: dict[str, Text], rows: dict[str, Ints], as_of_day: int
) -> dict[str, Text]:
    """Slips of whole dates and codes: dates out of order, years too late, codes left out.

    A few assessments and enquiries start before the referral, a few assessments are authorised
    before they start, a few episodes close before they are referred, and a few events are dated
    in the year after ``as_of_day``. Some sources, needs and reasons for closure are lost, and
    some reasons stand without a date. ``columns`` is left as it was.
    """
    typed = dict(columns)
    size = len(typed["child_id"])
    for name, earlier in _OUT_OF_ORDER:
        mask = _filled(typed[name]) & _filled(typed[earlier])
        mask &= happens(rng, size, cal.OUT_OF_ORDER_SHARE)
        before = rows[_DAYS_OF[earlier]][mask] - whole(rng, size, 1, 20)[mask]
        typed[name] = _retyped(typed[name], mask, days_text(before.astype(np.int32)))
    last_year = (np.datetime64(as_of_day, "D").astype("datetime64[Y]") + 1).astype(str)
    for name in _FUTURE_DATES:
        mask = np.asarray(pc.match_substring_regex(typed[name], _ISO_DATE).to_numpy(False))
        mask &= happens(rng, size, cal.FUTURE_DATE_SHARE / len(_FUTURE_DATES))
        cells = typed[name].filter(pa.array(mask))
        late = pc.replace_substring_regex(cells, r"^\d{4}", str(last_year))
        typed[name] = _retyped(typed[name], mask, late)
    for name, codes in (("referral_source", ("", "11")), ("primary_need", ("", "N10"))):
        mask = happens(rng, size, cal.SOURCE_OR_NEED_LOST_SHARE)
        typed[name] = _replaced(rng, typed[name], mask, codes)
    closed, reason = _filled(typed["closed_on"]), _filled(typed["closure_reason"])
    lost = closed & happens(rng, size, cal.CLOSURE_REASON_LOST_SHARE)
    typed["closure_reason"] = _replaced(rng, typed["closure_reason"], lost, ("",))
    undated = ~closed & ~reason & happens(rng, size, cal.REASON_WITHOUT_DATE_SHARE)
    typed["closure_reason"] = _replaced(rng, typed["closure_reason"], undated, ("RC7", "RC8"))
    return typed


def turn_dates(rng: Rng, cells: Text) -> Text:
    """Types a small share of the dates of one column day-first."""
    mask = _filled(cells) & happens(rng, len(cells), cal.DAY_FIRST_SHARE)
    return _retyped(cells, mask, _day_first(cells.filter(pa.array(mask))))


def _filled(cells: Text) -> Truths:
    return np.asarray(pc.not_equal(cells, "").to_numpy(zero_copy_only=False), dtype=np.bool_)


def _retyped(cells: Text, mask: Truths, replacements: Text) -> Text:
    return pc.replace_with_mask(cells, pa.array(mask), replacements)


def _replaced(rng: Rng, cells: Text, mask: Truths, choices: tuple[str, ...]) -> Text:
    count = int(mask.sum())
    chosen = pa.array(whole(rng, count, 0, len(choices) - 1))
    return _retyped(cells, mask, pa.array(choices, type=pa.string()).take(chosen))


def _day_first(cells: Text) -> Text:
    """``2026-03-04T09:41`` as ``04/03/2026 09:41``."""
    turned = pc.replace_substring_regex(cells, r"^(\d{4})-(\d{2})-(\d{2})", r"\3/\2/\1")
    return pc.replace_substring(turned, "T", " ")


def _reused(rng: Rng, ids: Text) -> Text:
    """Gives a few referrals the identifier of one some rows before."""
    size = len(ids)
    mask = happens(rng, size, cal.REUSED_REFERRAL_ID_SHARE)
    mask[0] = False
    places = np.flatnonzero(mask)
    back = np.minimum(whole(rng, len(places), 1, 500), places)
    return _retyped(ids, mask, ids.take(pa.array(places - back)))
