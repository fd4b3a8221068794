"""Samples that can be drawn again: who is in one follows from a seed and each case's own number.

The share of each stratum is proportional, by largest remainders; a stratum that would go without
gets one, where the sample is large enough for all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from fractions import Fraction
from math import ceil
from typing import Any, Final, Literal, get_args

from triage.errors import CallError

Stratum = Literal["team", "grade", "severity", "outcome"]
STRATA: Final[tuple[Stratum, ...]] = get_args(Stratum)
"""By what a sample may be drawn; ``outcome`` is whether the re-referral was avoidable."""
TOLD_BY_ANSWERS: Final[frozenset[Stratum]] = frozenset({"grade", "outcome"})
"""Strata that tell something of the answers of the reviews in them."""
NO_TEAM: Final = "no team recorded"
NO_RE_REFERRAL: Final = "no re-referral"
WHOLE: Final = "all"
"""The one stratum of a sample that is drawn by none."""
_SHARE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)\s*%")
_MOST_LETTERS: Final = 100


def share_of(text: str) -> Fraction:
    """Return a share that is written as ``10%``.

    Raises:
        CallError: when it is not written so, or is none above 0 and up to 100 percent.
    """
    found = _SHARE.fullmatch(text.strip())
    share = Fraction(found[1]) / 100 if found else Fraction(0)
    if not 0 < share <= 1:
        raise CallError(f"--share '{text}': write a share above 0% and up to 100%, as 10%.")
    return share


def seed_of(text: str) -> str:
    """Return a seed, without the blanks around it.

    Raises:
        CallError: when it is empty, too long, or holds a character that cannot be printed.
    """
    seed = text.strip()
    if not seed or len(seed) > _MOST_LETTERS or not seed.isprintable():
        raise CallError(f"--seed: write 1 to {_MOST_LETTERS} characters that can be printed.")
    return seed


def size_of(n_frame: int, *, share: Fraction | None, number: int | None) -> int:
    """Return how many are to be drawn of so many: a share of them, rounded up, or a number.

    Raises:
        CallError: when both are given, or neither.
    """
    if (share is None) == (number is None):
        raise CallError("say how many are to be drawn: --share 10%, or --number 20.")
    wanted = ceil(share * n_frame) if share is not None else number or 0
    return min(wanted, n_frame)


def stratum_of(
    by: Stratum | None, *, team: str | None, severity: str, answers: Mapping[str, Any]
) -> str:
    """Return the stratum of a reviewed case, by its review's answers where they tell it."""
    match by:
        case "team":
            return team if team is not None else NO_TEAM
        case "severity":
            return severity
        case "grade":
            return str(answers["grade"])
        case "outcome":
            is_none = answers["is_re_referral"] == "no"
            return NO_RE_REFERRAL if is_none else str(answers["avoidable"])
        case None:
            return WHOLE


def allocated(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Return how many of ``n`` each stratum gets, in the order of their names.

    Each gets its proportional part, rounded up or down; and at least one where ``n`` is enough for
    that, at the cost of those that got the most more than their part.
    """
    sizes = {name: sizes[name] for name in sorted(sizes) if sizes[name]}
    whole = sum(sizes.values())
    n = min(n, whole)
    parts = {name: Fraction(n * size, whole) for name, size in sizes.items()}
    found = {name: int(part) for name, part in parts.items()}
    by_remainder = sorted(parts, key=lambda name: (found[name] - parts[name], name))
    for name in by_remainder[: n - sum(found.values())]:
        found[name] += 1
    if n >= len(found):
        for name in [name for name, number in found.items() if not number]:
            givers = [one for one, number in found.items() if number > 1]
            giver = max(givers, key=lambda one: (found[one] - parts[one], found[one]))
            found[giver] -= 1
            found[name] = 1
    return found


def drawn(frame: Mapping[str, Collection[int]], n: int, seed: str) -> dict[str, tuple[int, ...]]:
    """Return the cases that a seed draws of each stratum, the lowest number first.

    Those whose places by the seed come first are in, so that whether one case is in depends on the
    others by their number alone.
    """
    numbers = allocated({name: len(cases) for name, cases in frame.items()}, n)
    return {
        name: tuple(sorted(sorted(set(frame[name]), key=lambda one: place_of(seed, one))[:number]))
        for name, number in numbers.items()
    }


def place_of(seed: str, case: int) -> bytes:
    """Return the place of a case among others by a seed: the SHA-256 of both."""
    return hashlib.sha256(f"{seed}\x1f{case}".encode()).digest()
