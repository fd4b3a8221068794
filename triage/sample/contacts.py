"""Contacts with the front door: those that became a referral, and those that never did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triage.sample import calibration as cal
from triage.sample import words
from triage.sample.chance import Ints, Rng, happens, pick, whole
from triage.sample.referrals import Columns
from triage.sample.workdays import BLANK, Days, WorkingDays

_HALF_A_YEAR = 182
_APART = 1_000_000  # more than any day, so that children do not meet when days are compared
_OPEN_CASE = words.CONTACT_OUTCOMES.index("open_case")
_REFERRAL = words.CONTACT_OUTCOMES.index("referral")
_WITHOUT_PROGRESS = np.array(
    [words.CONTACT_OUTCOMES.index(name) for name in ("information_and_advice", "nfa")]
)


@dataclass(frozen=True)
class _Episodes:
    """The referrals by child and day, and up to when each child was open at each of them."""

    keys: np.ndarray
    team: Ints
    open_until: np.ndarray

    @classmethod
    def of(cls, rows: Columns, as_of_day: int) -> _Episodes:
        child = rows["child"].astype(np.int64) * _APART
        order = np.argsort(child + rows["day"])
        until = np.where(rows["closed"] == BLANK, as_of_day + 1, rows["closed"])
        until = np.where(rows["nfa"] == 1, rows["day"] - 1, until)
        reached = np.maximum.accumulate((child + until)[order]) - child[order]
        return cls((child + rows["day"])[order], rows["team"][order], reached)

    def before(self, child: Ints, day: Days) -> tuple[np.ndarray, np.ndarray]:
        """The place of each child's last referral up to a day, and whether there is one."""
        key = child.astype(np.int64) * _APART + day
        place = np.searchsorted(self.keys, key, side="right") - 1
        known = (place >= 0) & (self.keys[place] // _APART == child)
        return place, known


def make_contacts(
    rng: Rng, rows: Columns, wd: WorkingDays, first_day: int, as_of_day: int
) -> Columns:
    """Draws every contact between two days, both included, ordered by day.

    Most referrals began with one. Beside these stand contacts that led nowhere: single ones, and
    three to six within half a year about the same child, of children referred at last and of
    children who never were, whose numbers follow those of the children in ``rows``.
    """
    episodes = _Episodes.of(rows, as_of_day)
    made = [
        _of_referrals(rng, rows, wd),
        _of_known_children(rng, rows),
        _again_and_again(rng, rows, episodes),
        *_of_other_children(rng, rows, first_day, as_of_day),
    ]
    contacts = {name: np.concatenate([part[name] for part in made]) for name in made[0]}
    _meet_open_cases(contacts, episodes)
    blank = happens(rng, len(contacts["day"]), cal.CONTACT_OUTCOME_BLANK_SHARE)
    contacts["outcome"] = np.where(blank, BLANK, contacts["outcome"])
    kept = np.flatnonzero((contacts["day"] >= first_day) & (contacts["day"] <= as_of_day))
    order = kept[np.lexsort((contacts["child"][kept], contacts["day"][kept]))]
    return {name: column[order].astype(np.int32) for name, column in contacts.items()}


def _of_referrals(rng: Rng, rows: Columns, wd: WorkingDays) -> Columns:
    """The contact from which most referrals came, of that day or the working day before."""
    size = len(rows["day"])
    row = np.flatnonzero(happens(rng, size, cal.CONTACT_OF_REFERRAL_SHARE))
    earlier = happens(rng, len(row), cal.CONTACT_DAY_BEFORE_SHARE)
    day = rows["day"][row]
    return {
        "child": rows["child"][row],
        "day": np.where(earlier, wd.before(day), day),
        "source": rows["source"][row],
        "outcome": np.full(len(row), _REFERRAL),
        "team": np.full(len(row), words.TEAM_FRONT_DOOR),
        "restricted": rows["restricted"][row],
    }


def _of_known_children(rng: Rng, rows: Columns) -> Columns:
    """Single contacts in the months after a referral."""
    size = len(rows["day"])
    count = round(cal.CONTACTS_OF_KNOWN_CHILDREN * size)
    row = np.floor(rng.random(count) * size).astype(np.int32)
    day = rows["day"][row] + whole(rng, count, 1, 240)
    return _without_referral(rng, rows["child"][row], day, rows["restricted"][row])


def _again_and_again(rng: Rng, rows: Columns, episodes: _Episodes) -> Columns:
    """Several contacts in the half year before a referral, while nothing else was going on."""
    size = len(rows["day"])
    place, known = episodes.before(rows["child"], rows["day"] - 1)
    half_a_year_ago = rows["day"] - _HALF_A_YEAR
    over = episodes.open_until[place] < half_a_year_ago
    over &= episodes.keys[place] % _APART < half_a_year_ago
    chosen = (over | ~known) & happens(rng, size, cal.REPEAT_CONTACTS_BEFORE_REFERRAL)
    row = np.flatnonzero(chosen)
    row = np.repeat(row, _times(rng, len(row)))
    day = rows["day"][row] - whole(rng, len(row), 2, _HALF_A_YEAR - 2)
    restricted = rows["restricted"][row]
    return _without_referral(rng, rows["child"][row], day, restricted, is_repeated=True)


def _of_other_children(
    rng: Rng, rows: Columns, first_day: int, as_of_day: int
) -> tuple[Columns, Columns]:
    """Contacts about children who were never referred: single ones, and several about a few."""
    size = len(rows["day"])
    single = round(cal.CONTACTS_OF_OTHER_CHILDREN * size)
    often = round(cal.REPEAT_CONTACTS_OF_OTHERS * size)
    child = int(rows["child"].max()) + 1 + np.arange(single + often, dtype=np.int32)
    restricted = happens(rng, len(child), cal.RESTRICTED_SHARE).astype(np.int32)
    once = whole(rng, single, first_day, as_of_day)
    times = _times(rng, often)
    earliest = min(first_day + _HALF_A_YEAR, as_of_day)
    latest = np.repeat(whole(rng, often, earliest, as_of_day), times)
    day = latest - whole(rng, len(latest), 0, _HALF_A_YEAR - 2)
    again = np.repeat(child[single:], times), day, np.repeat(restricted[single:], times)
    return (
        _without_referral(rng, child[:single], once, restricted[:single]),
        _without_referral(rng, *again, is_repeated=True),
    )


def _without_referral(
    rng: Rng, child: Ints, day: Days, restricted: Ints, *, is_repeated: bool = False
) -> Columns:
    """Contacts that became no referral; repeated ones end in advice or in nothing."""
    size = len(child)
    outcome = pick(rng, size, list(cal.CONTACT_OUTCOME_MIX.values()))
    if is_repeated:
        outcome = _WITHOUT_PROGRESS[pick(rng, size, (0.55, 0.45))]
    return {
        "child": child,
        "day": day,
        "source": pick(rng, size, list(cal.SOURCE_MIX.values())),
        "outcome": outcome,
        "team": np.full(size, words.TEAM_FRONT_DOOR),
        "restricted": restricted,
    }


def _times(rng: Rng, size: int) -> Ints:
    """How often each child of many contacts was the subject of one."""
    chosen = pick(rng, size, [share for _, share in cal.REPEAT_CONTACTS])
    return np.array([times for times, _ in cal.REPEAT_CONTACTS], dtype=np.int32)[chosen]


def _meet_open_cases(contacts: Columns, episodes: _Episodes) -> None:
    """Passes, in place, what came in while an episode was open to the team that held it."""
    place, known = episodes.before(contacts["child"], contacts["day"])
    is_open = known & (contacts["outcome"] != _REFERRAL)
    is_open &= episodes.open_until[place] >= contacts["day"]
    contacts["outcome"] = np.where(is_open, _OPEN_CASE, contacts["outcome"])
    contacts["team"] = np.where(is_open, episodes.team[place], contacts["team"])
