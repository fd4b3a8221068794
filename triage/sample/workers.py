"""Who held each referral over time, and how many children that worker held already."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triage.sample import calibration as cal
from triage.sample import words
from triage.sample.chance import Ints, Rng, Truths, happens, pick, whole
from triage.sample.decisions import Staff, minute_after
from triage.sample.referrals import Columns
from triage.sample.workdays import BLANK, Days, WorkingDays

_NEWLY_QUALIFIED = words.ROLES.index("Newly Qualified Social Worker")
_MOST_CHANGES = len(cal.WORKER_CHANGES) - 1


@dataclass(frozen=True)
class Caseloads:
    """How many children each worker holds on the whole, newly qualified ones fewer."""

    usual: np.ndarray
    is_person: Truths

    @classmethod
    def of(cls, rng: Rng, staff: Staff) -> Caseloads:
        """Draws the usual caseload of each worker of the council."""
        numbers = np.arange(len(staff.role))
        mean = np.where(
            staff.role == _NEWLY_QUALIFIED, cal.CASELOAD_MEAN_NEWLY_QUALIFIED, cal.CASELOAD_MEAN
        )
        usual = mean + rng.normal(0.0, cal.CASELOAD_SPREAD[0], len(numbers))
        return cls(usual, (numbers > 0) & (numbers < staff.duty))

    def when_allocated(self, rng: Rng, worker: Ints) -> Ints:
        """The children each worker held on the day of an allocation; ``BLANK`` for nobody."""
        drawn = self.usual[worker] + rng.normal(0.0, cal.CASELOAD_SPREAD[1], len(worker))
        held = np.maximum(np.rint(drawn), 1)
        named = self.is_person[worker] & (worker != BLANK)
        return np.where(named, held, BLANK).astype(np.int32)


def follow_workers(
    rng: Rng, rows: Columns, staff: Staff, caseloads: Caseloads, wd: WorkingDays, as_of_day: int
) -> tuple[Days, Columns]:
    """Draws what came after each first allocation, up to closure or ``as_of_day``.

    Returns the day on which each first allocation ended (``BLANK`` while it lasts), and the
    allocations that followed, by the row of their referral and in its order of time.
    """
    closed = rows["closed"]
    held = rows["allocated"] != BLANK
    n_changes, days = _changes(rng, rows, held, as_of_day)
    limit = np.where(closed == BLANK, as_of_day + 1, closed)

    ends = [np.where(held, closed, BLANK).astype(np.int32)]
    places = [np.arange(len(closed))]
    starts, workers = [rows["allocated"]], [rows["worker"]]
    for number in range(1, _MOST_CHANGES + 1):
        at = np.flatnonzero(n_changes[places[-1]] >= number)
        row = places[-1][at]
        out = np.maximum(days[number - 1][row], starts[-1][at] + 2)
        uncovered = happens(rng, len(row), cal.UNCOVERED_SHARE)
        into = wd.after(out, whole(rng, len(row), *cal.UNCOVERED_WORKING_DAYS))
        into = np.where(uncovered, into, out)
        into = np.where((closed[row] != BLANK) & (into >= closed[row]), out, into)
        follower = staff.other_worker(rng, rows["team"][row], workers[-1][at])
        enquired = rows["enquiry"][row] != BLANK
        follower = np.where(enquired, staff.registered_instead(follower), follower)
        changed = out < limit[row]
        ends[-1][at[changed]] = out[changed]
        begun = changed & (into <= as_of_day)
        places.append(row[begun])
        starts.append(into[begun].astype(np.int32))
        workers.append(follower[begun].astype(np.int32))
        ends.append(closed[row[begun]])
    _lose(rng, places, starts, ends, as_of_day)
    return ends[0], _later(rng, rows, staff, caseloads, places, starts, ends, workers)


def _changes(rng: Rng, rows: Columns, held: Truths, as_of_day: int) -> tuple[Ints, list[Days]]:
    """How often each referral changed hands, and the days on which, in order of time."""
    size = len(held)
    begin, closed = rows["allocated"], rows["closed"]
    span = np.where(closed == BLANK, as_of_day + 1, closed) - begin
    count = pick(rng, size, cal.WORKER_CHANGES)
    count = np.where(held & (span >= cal.NOT_QUICKLY_CLOSED_DAYS), count, 0)
    parts = np.sort(0.1 + 0.85 * rng.random((_MOST_CHANGES, size)), axis=0)
    reach = np.minimum(span, cal.CHANGES_WITHIN_DAYS)
    from_middle = count < _MOST_CHANGES  # a single change mostly comes in the middle
    days = []
    for number in range(_MOST_CHANGES):
        after = parts[min(number + 1, _MOST_CHANGES - 1)]
        part = np.where(from_middle, after, parts[number])
        days.append((begin + np.floor(part * reach)).astype(np.int32))
    on_duty = held & (rows["worker_role"] == words.ROLE_DUTY)
    named_later = on_duty & happens(rng, size, cal.DUTY_THEN_NAMED)
    count = np.where(on_duty, named_later, count)
    days[0] = np.where(on_duty, begin + whole(rng, size, *cal.DUTY_DAYS), days[0]).astype(np.int32)
    return count.astype(np.int32), days


def _lose(
    rng: Rng, places: list[np.ndarray], starts: list[Days], ends: list[Days], as_of_day: int
) -> None:
    """Ends, in place, the last allocation of a very few open episodes with nobody after."""
    for start, end in zip(starts, ends, strict=True):
        size = len(start)
        lasts = (start != BLANK) & (end == BLANK)
        since = as_of_day - start
        lost = lasts & (since >= cal.NOT_QUICKLY_CLOSED_DAYS)
        lost &= happens(rng, size, cal.WORKER_LOST_SHARE)
        left = as_of_day - np.floor(rng.random(size) * np.minimum(since / 2, 60)).astype(np.int32)
        end[lost] = left[lost]


def _later(
    rng: Rng,
    rows: Columns,
    staff: Staff,
    caseloads: Caseloads,
    places: list[np.ndarray],
    starts: list[Days],
    ends: list[Days],
    workers: list[Ints],
) -> Columns:
    """The allocations after the first as columns, ordered by referral and then by time."""
    row = np.concatenate(places[1:])
    order = np.argsort(row, kind="stable")
    row = row[order]
    worker = np.concatenate(workers[1:])[order]
    typed = rows["allocated_minute"][row]
    minute = minute_after(rng, typed, same_day=np.zeros(len(row), dtype=bool))
    later = {
        "row": row,
        "allocated": np.concatenate(starts[1:])[order],
        "allocated_minute": minute,
        "worker": worker,
        "worker_role": staff.role[worker],
        "agency": staff.agency[worker],
        "registered": staff.registered[worker],
        "caseload": caseloads.when_allocated(rng, worker),
        "ended": np.concatenate(ends[1:])[order],
    }
    return {name: np.asarray(column, dtype=np.int32) for name, column in later.items()}
