"""The invented council: every referral of some months, as it stands on one day.

No record of a real child was read to make it. The figures it imitates are in ``calibration``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from triage.sample import calibration as cal
from triage.sample import typed, words
from triage.sample.chains import Chains, make_chains
from triage.sample.chance import stream
from triage.sample.contacts import make_contacts
from triage.sample.decisions import Staff, allocate, decide
from triage.sample.dirt import misdate, mistype, same_day_duplicates, turn_dates
from triage.sample.early_help import make_early_help
from triage.sample.progress import factor_sets, oversee, progress
from triage.sample.rationales import share_rationales, tell_referrers
from triage.sample.referrals import Columns, describe_referrals, earlier_referrals
from triage.sample.superseding import supersede
from triage.sample.text import Text, column_text, to_series
from triage.sample.weaknesses import end_without_action_again, hold_badly, weaken
from triage.sample.workdays import BLANK, WorkingDays, day_number, months_before
from triage.sample.workers import Caseloads, follow_workers

_EARLIEST, _LATEST = date(1975, 1, 1), date(2060, 1, 1)
_BELONGS_TO = {
    "decided": (
        "decided_minute", "recorded", "recorded_minute", "maker", "maker_role", "outcome",
        "threshold", "risk", "rationale", "text", "history", "feedback", "feedback_minute",
    ),
    "recorded": ("recorded_minute",),
    "feedback": ("feedback_minute",),
    "allocated": ("allocated_minute", "worker", "worker_role", "agency", "registered"),
    "closed": ("reason",),
    "started": (),
    "reviewed": (),
    "authorised": ("factors",),
    "strategy": (),
    "enquiry": (),
    "enquiry_ended": ("excused",),
    "conference": (),
}  # fmt: skip
# Every part draws from a stream of its own, so that none changes the cells of another. Where the
# streams of the later parts begin is chosen so that the small council that comes with the tool
# shows in its last three months at least one of everything a rule looks for.
_DIRT = 1
_AGAIN, _WEAK, _RATIONALES, _FEEDBACK, _COUNTS, _HOLDING = range(17_022, 17_028)
_SUPERSEDING, _CASELOADS, _WORKERS, _CONTACTS, _EARLY_HELP, _SLIPS, _TURNED = range(17_028, 17_035)


@dataclass(frozen=True)
class Council:
    """An invented council's referrals, one row each, ordered by referral date, and their events.

    ``referrals`` has every column of the referral table, with the first decision and the first
    allocation of each; ``decisions`` and ``allocations`` have all of them, in the order of the
    referrals and then of time. ``contacts`` and ``early_help`` are known by child. Each cell is
    text exactly as it would be typed, and "" is a blank cell. Nothing that happened after
    ``as_of`` is in any of them, save a few years typed wrongly.
    """

    referrals: pd.DataFrame
    decisions: pd.DataFrame
    allocations: pd.DataFrame
    contacts: pd.DataFrame
    early_help: pd.DataFrame
    as_of: date
    seed: int


def make_council(
    n_referrals: int, *, seed: int, as_of: date, months: int, dirty: bool = True
) -> Council:
    """Invents a council with exactly ``n_referrals`` rows over the ``months`` up to ``as_of``.

    The same arguments give the same cells, so that a test, a demonstration and a bug report can
    speak of the same child.

    Args:
        n_referrals: rows of the referral table, 1 or more.
        seed: any whole number from 0.
        as_of: the day the records are looked at; what lies after it has not happened yet.
        months: calendar months of referrals, 1 or more.
        dirty: whether a small share of cells is mistyped and a few referrals are entered twice.

    Raises:
        ValueError: when a number is out of range or the period is not within 1990 to 2050.
    """
    drawn = _draw(n_referrals, seed, as_of, months, dirty)
    rows, staff, wd, as_of_day = drawn.rows, drawn.staff, drawn.wd, drawn.as_of_day
    contacts = make_contacts(
        stream(seed, _CONTACTS), drawn.entered_once, wd, drawn.first_day, as_of_day
    )
    early_help = make_early_help(
        stream(seed, _EARLY_HELP), drawn.entered_once, drawn.chains, as_of_day
    )
    second = supersede(stream(seed, _SUPERSEDING), rows, staff, wd, as_of_day)
    ended, following = follow_workers(
        stream(seed, _WORKERS), rows, staff, drawn.caseloads, wd, as_of_day
    )
    people = staff.names
    cells = _typed(drawn, seed, dirty)
    decided, allocated = rows["decided"] != BLANK, rows["allocated"] != BLANK
    council = Council(
        referrals=typed.frame(cells, words.COLUMNS),
        decisions=typed.decision_table(cells, decided, second, people, seed),
        allocations=typed.allocation_table(cells, allocated, ended, following, people),
        contacts=typed.contact_table(contacts),
        early_help=typed.early_help_table(early_help),
        as_of=as_of,
        seed=seed,
    )
    if dirty:
        _turn_dates(council, seed)
    return council


def make_referral_cells(
    n_referrals: int, *, seed: int, as_of: date, months: int, dirty: bool = True
) -> dict[str, Text]:
    """Invents the referral table of ``make_council`` alone, by the names of its columns.

    The cells are the same, for two thirds of the time and of the memory, where a country is made.

    Raises:
        ValueError: as ``make_council`` does.
    """
    cells = _typed(_draw(n_referrals, seed, as_of, months, dirty), seed, dirty)
    return {name: cells[name] for name in words.COLUMNS}


@dataclass(frozen=True)
class _Drawn:
    """What was drawn of a council, as numbers: ``rows`` by day, and before some came twice."""

    rows: Columns
    entered_once: Columns
    chains: Chains
    staff: Staff
    caseloads: Caseloads
    factors: list[str]
    wd: WorkingDays
    first_day: int
    as_of_day: int


def _draw(n_referrals: int, seed: int, as_of: date, months: int, dirty: bool) -> _Drawn:
    if months < 1:
        raise ValueError(f"the number of months must be 1 or more, not {months}")
    first = months_before(as_of, months) + timedelta(days=1)
    if first.year < 1990 or as_of.year > 2050:
        raise ValueError("the period must lie within 1990 to 2050")
    rng = np.random.Generator(np.random.PCG64(seed))
    repeats = round(n_referrals * cal.SAME_DAY_DUPLICATE_SHARE) if dirty else 0
    first_day, as_of_day = day_number(first), day_number(as_of)
    chains = make_chains(rng, n_referrals - repeats, first_day, as_of_day)
    wd = WorkingDays()

    rows = describe_referrals(rng, chains, as_of_day)
    end_without_action_again(stream(seed, _AGAIN), rows, chains)
    staff = Staff(rng, len(chains), months)
    decision = decide(rng, rows, staff, wd)
    events = progress(rng, rows, decision, chains, wd)
    rows |= decision | allocate(rng, rows, decision, staff, wd) | events
    rows["oversight"] = oversee(rng, rows, events, as_of_day)
    factors = factor_sets(rng)
    caseloads = Caseloads.of(stream(seed, _CASELOADS), staff)
    _add_what_rules_look_for(rows, chains, staff, caseloads, wd, seed, as_of_day)

    doubled = same_day_duplicates(rng, rows, repeats) if dirty else rows
    order = np.lexsort((doubled["child"], doubled["minute"], doubled["day"]))
    in_order = {name: column[order] for name, column in doubled.items()}
    return _Drawn(in_order, rows, chains, staff, caseloads, factors, wd, first_day, as_of_day)


def _typed(drawn: _Drawn, seed: int, dirty: bool) -> dict[str, Text]:
    cells = typed.referral_cells(drawn.rows, drawn.factors, drawn.staff.names, seed)
    if dirty:
        cells = mistype(stream(seed, _DIRT), cells)
        cells = misdate(stream(seed, _SLIPS), cells, drawn.rows, drawn.as_of_day)
    return cells


def _add_what_rules_look_for(
    rows: Columns,
    chains: Chains,
    staff: Staff,
    caseloads: Caseloads,
    wd: WorkingDays,
    seed: int,
    as_of_day: int,
) -> None:
    """Adds weak practice, rationales, feedback, counts and caseloads to ``rows``, in place.

    What lies after ``as_of_day`` is taken out on the way.
    """
    weaken(stream(seed, _WEAK), rows, chains, wd)
    share_rationales(stream(seed, _RATIONALES), rows)
    rows["feedback"], rows["feedback_minute"] = tell_referrers(
        stream(seed, _FEEDBACK), rows["source"], rows["decided"], rows["decided_minute"], wd
    )
    rows["earlier"] = earlier_referrals(stream(seed, _COUNTS), chains)
    _allocated_before_closed(rows)
    _nothing_after(rows, as_of_day)
    holding = stream(seed, _HOLDING)
    hold_badly(holding, rows, staff)
    rows["caseload"] = caseloads.when_allocated(holding, rows["worker"])


def _turn_dates(council: Council, seed: int) -> None:
    """Types a few dates of the tables beside the referrals day-first, in place."""
    rng = stream(seed, _TURNED)
    for table, name in (
        (council.allocations, "allocation_ended_at"),
        (council.contacts, "contact_date"),
        (council.early_help, "early_help_started_on"),
    ):
        table[name] = to_series(turn_dates(rng, column_text(table, name)))


def _allocated_before_closed(rows: Columns) -> None:
    """Takes out, in place, allocations that would have come after the episode was closed."""
    gone = (rows["closed"] != BLANK) & (rows["allocated"] > rows["closed"])
    for name in ("allocated", *_BELONGS_TO["allocated"]):
        rows[name] = np.where(gone, BLANK, rows[name]).astype(np.int32)


def _nothing_after(rows: Columns, as_of_day: int) -> None:
    """Blanks, in place, every event after the day and what belongs to it."""
    for event, belongings in _BELONGS_TO.items():
        later = (rows[event] > as_of_day) | (rows[event] == BLANK)
        for name in (event, *belongings):
            rows[name] = np.where(later, BLANK, rows[name]).astype(np.int32)
