"""Which canonical column a heading means.

Headings match without regard to case, spaces, underscores and punctuation. The CIN element, the
Annex A heading and the SSD field for the same thing are aliases; one heading may serve two columns
(the census's ``S47ActualStartDate`` is the strategy discussion and the start of the enquiry).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from triage.errors import InputError
from triage.schema import COLUMNS
from triage.vocabulary import counted, cut

RATIONALE = "rationale"
MOST_NAMED = 20
"""Columns that are named one by one; a table of thousands must not hide what else is said."""


def folded(heading: str) -> str:
    """Return a heading without case, spaces, underscores and punctuation."""
    return re.sub(r"[\W_]+", "", heading.casefold())


@lru_cache(maxsize=1)
def _aliases() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {folded(RATIONALE): [RATIONALE]}
    for name, spec in COLUMNS.items():
        for heading in (name, *spec.reads.aliases):
            found.setdefault(folded(heading), []).append(name)
    return {heading: tuple(dict.fromkeys(names)) for heading, names in found.items()}


def columns_meant(heading: str) -> tuple[str, ...]:
    """Return the canonical columns that a heading means; none when it is unknown."""
    return _aliases().get(folded(heading), ())


@dataclass(frozen=True)
class Headings:
    """The position of each canonical column in a table, and what else the heading row held."""

    position: dict[str, int]
    unknown: tuple[str, ...]
    passed_over: tuple[str, ...]

    def notes(self) -> tuple[str, ...]:
        """Return a sentence for each heading that was not used; of very many, for the first."""
        return (
            *few([f"unknown column '{cut(heading)}' was ignored" for heading in self.unknown]),
            *few(
                [
                    f"column '{cut(heading)}' was ignored: another holds the same"
                    for heading in self.passed_over
                ]
            ),
        )


def few(notes: list[str]) -> list[str]:
    """Return the first notes, and one that sums up the rest."""
    more = len(notes) - MOST_NAMED
    if more <= 0:
        return notes
    return [*notes[:MOST_NAMED], f"{counted(more, 'further column')} like these were ignored"]


def read_headings(headings: Sequence[str], source: str) -> Headings:
    """Return what each heading means; the canonical name goes before its aliases.

    Raises:
        InputError: when two columns bear the same canonical name, so that neither can be trusted.
    """
    position: dict[str, int] = {}
    is_exact: dict[str, bool] = {}
    unknown: list[str] = []
    used: set[int] = set()
    for place, heading in enumerate(headings):
        meant = columns_meant(heading)
        if not meant and heading.strip():
            unknown.append(heading.strip())
        for name in meant:
            exact = folded(heading) == folded(name)
            if name in position and exact and is_exact[name]:
                raise InputError(
                    f"{source}: two columns are headed '{cut(heading)}'; "
                    "leave one of them out, so that it is plain which one counts."
                )
            if name not in position or (exact and not is_exact[name]):
                position[name], is_exact[name] = place, exact
    used = set(position.values())
    passed_over = [
        heading.strip()
        for place, heading in enumerate(headings)
        if place not in used and columns_meant(heading)
    ]
    return Headings(position, tuple(unknown), tuple(passed_over))


def is_referral_heading(headings: Sequence[str]) -> bool:
    """Return whether a heading row holds ``child_id`` and ``referral_date`` or their aliases."""
    meant = {name for heading in headings for name in columns_meant(heading)}
    return {"child_id", "referral_date"} <= meant


def looks_like(headings: Sequence[str]) -> str:
    """Return what a table that is not ours seems to be, in words, from its headings."""
    found = {folded(heading) for heading in headings}
    text = " ".join(found)
    if {"child", "decom", "rne"} <= found:
        return "the looked-after children return (SSDA903 episodes)"
    if "ehcplan" in text or "ehcp" in text or {"upn", "uln"} <= found:
        return "Annex A of the special educational needs inspection"
    shown = [cut(heading) for heading in headings if heading.strip()][:6]
    if not shown:
        return "a table without headings"
    return "a table headed " + ", ".join(shown) + (", …" if len(headings) > len(shown) else "")
