"""Who a referral was allocated to: the involvements of the Standard Safeguarding Dataset.

An involvement counts as an allocation when it names a worker, belongs to a referral, and starts on
or after that referral's day. Every row that does not is counted by its reason. One that names its
referral and has no start is an allocation all the same, of which it is unknown when it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from triage import vocabulary as v
from triage.sources import ssd_cells as cells
from triage.sources import ssd_columns as columns
from triage.sources.grid import FIRST_ROW
from triage.sources.ssd_events import child_table
from triage.sources.ssd_referrals import Dataset, nobody
from triage.sources.ssd_tables import INVOLVEMENTS, PROFESSIONALS, Fetched
from triage.tables import LOST, ChildTable, RawColumn, RawTable, Rows

_NOT_USED: Final = (
    "without a worker",
    "of a referral that is not there",
    "without a referral, and with none of the child in the {days} before",
    "from before their referral",
)
_NO_WORKER, _GONE, _NONE, _BEFORE = range(1, len(_NOT_USED) + 1)


def build_allocations(
    dataset: Dataset, referrals: RawTable
) -> tuple[ChildTable, tuple[str, ...]] | None:
    """Return the involvements that are allocations, with what is to be said of the others.

    Each row bears the identifier, child and date of the referral it was found to belong to, so
    that a referral without a usable identifier is found as well.
    """
    involvements = dataset.tables.get(INVOLVEMENTS.name)
    if involvements is None:
        return None
    within = dataset.reading.join_within_days
    matched = _matched(involvements, referrals, within)
    used = np.flatnonzero(matched.why == 0)
    notes = list(nobody(involvements, "invo_person_id", "joined by their referral alone"))
    notes += _not_used(matched.why, within)
    made: dict[str, RawColumn] = {
        name: columns.taken(referrals.columns[name], matched.referral[used])
        for name in ("referral_id", "child_id", "referral_date")
        if name in referrals.columns
    }
    for name, field in (
        ("allocated_at", "invo_involvement_start_date"),
        ("allocation_ended_at", "invo_involvement_end_date"),
    ):
        if field in involvements.columns:
            made[name] = columns.taken(involvements.columns[field], used)
    is_undated = columns.where(made["allocated_at"], _is_blank)
    if is_undated.any():
        made["allocated_at"] = columns.replaced(made["allocated_at"], is_undated, LOST)
        n_undated = v.counted(columns.count(is_undated), "allocation")
        notes.append(f"{involvements.name}: {n_undated} without a start; when is unknown")
    worker = columns.taken(involvements.columns["invo_professional_id"], used)
    made["allocated_worker_id"] = worker
    role = involvements.columns.get("invo_professional_role_id")
    attributes, said = _of_workers(
        dataset, worker, None if role is None else columns.taken(role, used)
    )
    made |= attributes
    table = RawTable(
        dataset.source(INVOLVEMENTS.name), used + FIRST_ROW, made, found_by="referral_id"
    )
    return child_table("allocations", table), (*notes, *said)


@dataclass(frozen=True)
class _Matched:
    """The row of the referral of each involvement, and why one is no allocation (0: it is)."""

    referral: Rows
    why: Rows


def _matched(involvements: Fetched, referrals: RawTable, within: int) -> _Matched:
    empty = columns.blank(involvements.n_rows)
    named, person = (
        involvements.columns.get(field, empty).mapped(cells.identifier)
        for field in ("invo_referral_id", "invo_person_id")
    )
    start = involvements.columns["invo_involvement_start_date"]
    day, is_dated = columns.day_numbers(start)
    referred, is_referred = columns.day_numbers(referrals.columns["referral_date"])
    by_name = _by_name(named, person, referrals)
    by_day = _latest_before(person, day, is_dated, referrals, referred, is_referred, within)
    has_name = columns.where(named, bool) & ("referral_id" in referrals.columns)
    place = np.where(has_name, by_name, by_day)
    is_before = is_dated & (place >= 0) & is_referred[place] & (day < referred[place])
    worker = involvements.columns["invo_professional_id"].mapped(cells.identifier)
    why = np.select(
        [columns.where(worker, _is_blank), has_name & (place < 0), place < 0, is_before],
        [_NO_WORKER, _GONE, _NONE, _BEFORE],
        0,
    )
    return _Matched(place, why.astype(np.int64))


def _is_blank(text: str | None) -> bool:
    return text == ""


def _by_name(named: RawColumn, person: RawColumn, referrals: RawTable) -> Rows:
    """Return the referral each row names; of several of that name the one of the row's child."""
    if "referral_id" not in referrals.columns:
        return np.full(len(named.codes), -1, np.int64)
    ids = referrals.columns["referral_id"]
    place = columns.first_rows(ids, named)
    is_shared = np.isin(place, np.flatnonzero(_comes_again(ids)))
    if is_shared.any():
        whose = _joined(ids, referrals.columns["child_id"])
        both = columns.first_rows(whose, _joined(named, person))
        place = np.where(is_shared & (both >= 0), both, place)
    return place


def _comes_again(ids: RawColumn) -> columns.Truths:
    """Return the first row of each identifier that a later row bears as well."""
    first = columns.first_rows(ids, ids)
    again = np.zeros(len(ids.codes), bool)
    again[first[(first >= 0) & (first != np.arange(len(first)))]] = True
    return again


def _joined(first: RawColumn, second: RawColumn) -> RawColumn:
    return columns.paired(first, second, lambda one, other: f"{one}\n{other}" if one else "")


def _latest_before(
    person: RawColumn,
    day: Rows,
    is_dated: columns.Truths,
    referrals: RawTable,
    referred: Rows,
    is_referred: columns.Truths,
    within: int,
) -> Rows:
    """Return the child's latest referral on or before each day, within so many days, or -1.

    Of two referrals on one day it is the earlier one, which is the one that counts.
    """
    child = referrals.columns["child_id"]
    numbers = pd.factorize(np.array([*child.texts, *person.texts], object))[0].astype(np.int64)
    ours = numbers[: len(child.texts)][child.codes]
    theirs = numbers[len(child.texts) :][person.codes]
    rows = np.flatnonzero(is_referred & columns.where(child, bool))
    moments = np.array([text or "" for text in referrals.columns["referral_date"].texts], str)
    time = moments[referrals.columns["referral_date"].codes]
    rows = rows[np.lexsort((time[rows], referred[rows], ours[rows]))]
    is_again = (ours[rows][1:] == ours[rows][:-1]) & (referred[rows][1:] == referred[rows][:-1])
    rows = rows[np.r_[True, ~is_again][: len(rows)]]
    span = 1 << 32
    keys = ours[rows] * span + referred[rows]
    at = np.searchsorted(keys, theirs * span + day, "right") - 1
    found = rows[np.maximum(at, 0)] if len(rows) else np.full(len(at), -1, np.int64)
    fits = (at >= 0) & is_dated & columns.where(person, bool) & (len(rows) > 0)
    if len(rows):
        fits &= (ours[found] == theirs) & (day - referred[found] <= within)
    return np.where(fits, found, -1)


def _not_used(why: Rows, within: int) -> list[str]:
    """Return a note of the rows that are no allocations, by reason."""
    n_rows = np.bincount(why, minlength=len(_NOT_USED) + 1)[1:]
    told = [
        f"{n:,} {reason.format(days=v.counted(within, 'day'))}"
        for n, reason in zip(n_rows.tolist(), _NOT_USED, strict=True)
        if n
    ]
    if not told:
        return []
    total = v.counted(int(n_rows.sum()), "row")
    return [f"{INVOLVEMENTS.name}: {total} not used as an allocation: {', '.join(told)}"]


def _of_workers(
    dataset: Dataset, worker: RawColumn, role: RawColumn | None
) -> tuple[dict[str, RawColumn], tuple[str, ...]]:
    """Return what is known of each row's worker: role, registration, and whether of an agency."""
    professionals = dataset.tables.get(PROFESSIONALS.name)
    if professionals is None:
        return ({} if role is None else {"allocated_worker_role": role}), ()
    keys = professionals.columns["prof_professional_id"].mapped(cells.identifier)
    row = columns.first_rows(keys, worker)
    made, notes = {}, []
    if columns.count(row < 0):
        notes.append(
            f"{PROFESSIONALS.name}: holds no worker for "
            f"{v.counted(columns.count(row < 0), 'involvement')}; unknown whether registered"
        )
    title = professionals.columns.get("prof_professional_job_title")
    if title is not None:
        titles = columns.taken(title, row)
        role = columns.paired(titles, role or columns.blank(len(row)), lambda job, as_: job or as_)
    if role is not None:
        made["allocated_worker_role"] = role
    registration = professionals.columns.get("prof_social_worker_registration_no")
    if registration is not None:
        number = registration.mapped(_is_registered)
        if any(text == "true" for text in number.texts):
            made["worker_is_registered"] = columns.taken(number, row, LOST)
            n_odd = columns.count(columns.where(number, columns.is_lost))
            if n_odd:
                notes.append(
                    f"{PROFESSIONALS.name}: {v.counted(n_odd, 'registration number')} without SW "
                    "in front; unknown whether registered"
                )
        else:
            notes.append(
                f"{PROFESSIONALS.name}: no registration number begins with SW, so that it is "
                "unknown who is registered"
            )
    agency = professionals.columns.get("prof_agency_worker_flag")
    if agency is not None and any(cells.truth(text or "") is not None for text in agency.texts):
        made["worker_is_agency"] = columns.taken(agency.mapped(_flag), row, LOST)
    return made, tuple(notes)


def _is_registered(number: str) -> str | None:
    """Return that a number is that of a social worker; the dataset holds one only if available."""
    number = cells.identifier(number)
    if not number:
        return ""
    return "true" if number.upper().startswith("SW") else LOST


def _flag(text: str) -> str | None:
    said = cells.truth(text)
    return "" if not text else LOST if said is None else "true" if said else "false"
