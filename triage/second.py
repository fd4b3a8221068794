"""Two reviews of one case: where they differ, and whose answers are final.

A second reviewer answers without having seen the first answers. Where both agree, the second
reviewer's answers are final; where they differ, those of whoever moderates. The first review stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from triage.review_form import QUESTIONS

Kind = Literal["first", "second", "moderation"]
Why = Literal["sample", "grade", "asked"]
Outcome = Literal["agreed", "differs", "withdrawn"]

WORKING_DAYS: Final = 20
"""Within which a second review is to be done, unless the settings say otherwise."""
COMPARED: Final = (
    "is_re_referral", "main_reason", "closure_right", "threshold_right", "risk_identified",
    "oversight", "avoidable", "grade",
)  # fmt: skip
"""The questions on which two reviewers have to agree: those with one answer out of a list.

Words, further reasons and remedial actions are seldom the same twice and do not contradict each
other. Whether a flag was useful is about the tool: it is measured, and moderated by nobody.
"""
USEFUL: Final = "flags_useful"
MEASURED: Final = (*COMPARED, USEFUL)
"""The questions of which agreement is reckoned."""
ORDERED: Final = frozenset({"is_re_referral", "risk_identified", "oversight", "grade", USEFUL})
"""Those of them whose answers stand in an order, so that one may be next to another."""


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the questions on which two reviews do not agree, of those that are compared."""
    return tuple(name for name in COMPARED if first[name] != second[name])


def in_common(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers that two reviews share, to be begun with by whoever moderates them."""
    found: dict[str, Any] = {name: first[name] for name in COMPARED if first[name] == second[name]}
    if set(first["further_reasons"]) == set(second["further_reasons"]):
        found["further_reasons"] = first["further_reasons"]
    found[USEFUL] = {
        rule: said for rule, said in first[USEFUL].items() if second[USEFUL].get(rule) == said
    }
    return {name: found[name] for name in QUESTIONS if name in found}


class Given(NamedTuple):
    """A submitted review: ``supersedes`` is the review in whose place it was put."""

    id: int
    kind: Kind
    is_superseded: bool
    supersedes: int | None
    submitted_at: str


class Pairing(NamedTuple):
    """What became of the second review of a first one."""

    first: int
    second: int | None
    outcome: Outcome | None
    settled: int | None


def final(reviews: Collection[Given], pairings: Iterable[Pairing]) -> int | None:
    """Return the review of a case whose answers are final; None while none was submitted.

    Of the latest first review: whoever moderated it, else the second reviewer who agreed, else
    itself. A review that was superseded is followed to the one that stands in its place.
    """
    firsts = [one for one in reviews if one.kind == "first" and not one.is_superseded]
    if not firsts:
        return None
    latest = max(firsts, key=lambda one: (one.submitted_at, one.id)).id
    instead = {one.supersedes: one.id for one in reviews if one.supersedes is not None}
    for one in pairings:
        if one.first != latest:
            continue
        if one.settled is not None:
            return _followed(one.settled, instead)
        if one.outcome == "agreed" and one.second is not None:
            return _followed(one.second, instead)
    return latest


def versions(review: int, reviews: Iterable[Given]) -> frozenset[int]:
    """Return a review and all that it came in the place of, one after the other."""
    before = {one.id: one.supersedes for one in reviews}
    found = []
    at: int | None = review
    while at is not None and at not in found:
        found.append(at)
        at = before.get(at)
    return frozenset(found)


def _followed(review: int, instead: Mapping[int, int]) -> int:
    while review in instead:
        review = instead[review]
    return review


class SecondRule(NamedTuple):
    """Which reviews wait for a second one as soon as they are submitted, and how long that has."""

    grades: tuple[str, ...] = ()
    working_days: int = WORKING_DAYS
