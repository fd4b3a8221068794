"""What is known when a referral arrives: the child, the source, the need, and whether it ends."""

from __future__ import annotations

import numpy as np

from triage.sample import calibration as cal
from triage.sample import words
from triage.sample.chains import Chains
from triage.sample.chance import Ints, Rng, Truths, happens, pick, whole
from triage.sample.workdays import BLANK, Days, minus_months_array

Columns = dict[str, Ints]

_YEAR = 365
_LONGEST_CHILDHOOD_DAYS = 6_560  # just under 18 years
_GESTATION_DAYS = 270
_LATER_THAN_ANY_DAY = 100_000


def describe_referrals(rng: Rng, chains: Chains, as_of_day: int) -> Columns:
    """Draws what stands on a referral when it arrives, as numbers, one array a column.

    Codes are positions in the lists of ``words``; days count from 1970, minutes from midnight.
    Nothing here lies after ``as_of_day`` except an expected birth date.
    """
    size = len(chains)
    born, expected = _births(rng, chains, as_of_day)
    nfa = _no_further_action(rng, chains)
    need = _needs(rng, chains)
    families = int(chains.family[-1]) + 1
    children = int(chains.child[-1]) + 1
    area = whole(rng, families, 0, len(words.AREAS) - 1)[chains.family]
    team = np.where(need == words.NEEDS.index("N2"), words.TEAM_DISABILITIES, area)
    restricted = happens(rng, families, cal.RESTRICTED_SHARE)[chains.family]
    minute = np.where(
        happens(rng, size, cal.TIME_TYPED_SHARE), whole(rng, size, 8 * 60, 17 * 60 + 59), BLANK
    )
    return {
        "day": chains.day,
        "minute": minute.astype(np.int32),
        "child": (rng.permutation(children) + 1)[chains.child].astype(np.int32),
        "household": (rng.permutation(families) + 1)[chains.family].astype(np.int32),
        "born": born,
        "expected": expected,
        "source": pick(rng, size, list(cal.SOURCE_MIX.values())),
        "need": need,
        "nfa": nfa.astype(np.int32),
        "team": np.where(nfa, words.TEAM_FRONT_DOOR, team).astype(np.int32),
        "restricted": restricted.astype(np.int32),
    }


def earlier_referrals(rng: Rng, chains: Chains) -> Ints:
    """How many referrals each child had in the 12 calendar months before, as a council counts.

    From the day 12 months before up to the day before; wrong by one or two in a small share, as
    the counts that councils return often are.
    """
    size = len(chains)
    child = chains.child.astype(np.int64) * _LATER_THAN_ANY_DAY
    since = np.searchsorted(child + chains.day, child + minus_months_array(chains.day, 12))
    count = np.arange(size) - since
    wrong = happens(rng, size, cal.EARLIER_REFERRALS_WRONG_SHARE)
    by = np.array([1, -1, 2])[pick(rng, size, (0.55, 0.35, 0.10))]
    by = np.where(count + by < 0, 1, by)
    return (count + np.where(wrong, by, 0)).astype(np.int32)


def _births(rng: Rng, chains: Chains, as_of_day: int) -> tuple[Days, Days]:
    """Birth and expected birth days; a child not yet born at ``as_of_day`` has only the latter."""
    children = int(chains.child[-1]) + 1
    begins = np.flatnonzero(chains.since == BLANK)
    first = chains.day[begins]
    last = chains.day[np.append(begins[1:], len(chains)) - 1]
    room = _LONGEST_CHILDHOOD_DAYS - (last - first)
    born = first - np.floor(rng.random(children) ** 1.1 * room).astype(np.int32)
    unborn = happens(rng, children, cal.UNBORN_SHARE)
    due = first + whole(rng, children, 10, _GESTATION_DAYS - 30)
    born = np.where(unborn, due + whole(rng, children, -9, 9), born)
    is_born = born <= as_of_day
    born = np.where(is_born, born, BLANK)
    keeps_expected = unborn & (~is_born | happens(rng, children, 0.4))
    expected = np.where(keeps_expected, due, BLANK)
    return born[chains.child].astype(np.int32), expected[chains.child].astype(np.int32)


def _no_further_action(rng: Rng, chains: Chains) -> Truths:
    """Which referrals are closed at once; likelier on and before a return, and after another."""
    size = len(chains)
    returned = (chains.since != BLANK) & (chains.since <= _YEAR)
    returns = (chains.until != BLANK) & (chains.until <= _YEAR)
    chance = (
        cal.NFA_BASE + cal.NFA_MORE_ON_REREFERRAL * returned + cal.NFA_MORE_BEFORE_RETURN * returns
    )
    nfa = happens(rng, size, chance)
    after_nfa = np.zeros(size, dtype=bool)
    after_nfa[1:] = nfa[:-1] & returned[1:]
    return np.asarray(nfa | (after_nfa & happens(rng, size, cal.NFA_AFTER_NFA)))


def _needs(rng: Rng, chains: Chains) -> Ints:
    """Primary needs; a referral repeats the child's last need with the published chance.

    Part of the repeats come about because two draws fall on the same common need, so only the
    remainder is copied.
    """
    size = len(chains)
    shares = np.array(list(cal.NEED_MIX.values()))
    shares = shares / shares.sum()
    by_accident = float((shares**2).sum())
    within = (cal.SAME_NEED_WITHIN_YEAR - by_accident) / (1 - by_accident)
    later = (cal.SAME_NEED_LATER - by_accident) / (1 - by_accident)
    chance = np.where(chains.since <= _YEAR, within, later)
    copied = (chains.since != BLANK) & happens(rng, size, chance)
    drawn = pick(rng, size, [float(share) for share in shares])
    origin = np.maximum.accumulate(np.where(copied, 0, np.arange(size)))
    return drawn[origin]
