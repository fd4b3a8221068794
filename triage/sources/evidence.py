"""How far the values of a column bear out what its heading says, or contradict it.

A heading alone never outweighs its values: a column headed "Referral date" that is full of words
is no date, whatever it is called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from triage.schema import COLUMNS
from triage.sources.code_words import MOST_WORDS, WordsSeen, words_seen
from triage.sources.column_profile import Profile
from triage.sources.heading_likeness import plain_words
from triage.sources.headings import RATIONALE

LEAST: Final = 0.5
"""Share of the cells that must bear a meaning out, where something is read from them."""
_CLEAR_HEADING: Final = 0.85
_FEW: Final = 12
_FREE_TEXT: Final = 40
"""Characters: cells that are longer on average are written text."""
_WORDS_OF_PEOPLE: Final = (
    "name names forename forenames surname surnames firstname lastname fullname initials address "
    "postcode street town telephone phone mobile email e-mail notes note comments comment "
    "narrative nhs upn ni"
)
_NAMES_PEOPLE: Final = frozenset(_WORDS_OF_PEOPLE.split())
_OWN_TEXT: Final = frozenset({"superseding_reason", RATIONALE})
_NAMED_THINGS: Final = frozenset(
    {"team", "decision_maker_role", "allocated_worker_role", *_OWN_TEXT}
)
_PER_ROW: Final = frozenset({"referral_id", "contact_id", "decision_id"})
CODED_ALONE: Final = frozenset({"primary_need", "closure_reason"})
"""Columns whose codes no other list has: N0 to N9, RC1 to RC9."""


@dataclass(frozen=True)
class Evidence:
    """What values say of a meaning: ``score`` from 0 to 1, or None where they contradict it.

    ``alone`` is how sure they make it without any heading.
    """

    score: float | None
    because: str
    alone: float = 0.0
    words: WordsSeen | None = field(default=None, compare=False)

    @property
    def contradicts(self) -> bool:
        """Return whether the values cannot be what the heading says."""
        return self.score is None


def evidence(name: str, heading: str, profile: Profile, likeness: float) -> Evidence:
    """Return how far the values of a column bear out that it is the column ``name``."""
    if not profile.n_given:
        return Evidence(0.5, "every cell is blank")
    kind = COLUMNS[name].kind if name in COLUMNS else "text"
    match kind:
        case "event" | "birth":
            return _of_dates(profile)
        case "flag" | "code" | "codes":
            return _of_codes(name, profile, likeness)
        case "number":
            score = profile.share_numbers
            why = f"{score:.0%} of the cells are whole numbers"
            return Evidence(score if score >= 0.9 else None, why)
    if name in _OWN_TEXT:
        return _of_written_text(profile)
    if name in _NAMED_THINGS:
        return _of_names_of_things(profile)
    return _of_ids(name, heading, profile)


def _of_dates(profile: Profile) -> Evidence:
    seen = profile.dates
    if seen.share < LEAST:
        return Evidence(None, f"{seen.share:.0%} of the cells are dates")
    return Evidence(seen.share, seen.because)


def _of_codes(name: str, profile: Profile, likeness: float) -> Evidence:
    if profile.mean_length > 2 * _FREE_TEXT and COLUMNS[name].kind != "codes":
        return Evidence(None, "the cells are written text")
    seen = words_seen(name, profile.tally)
    why = f"{seen.share:.0%} of the cells are understood as its codes"
    if seen.share >= LEAST:
        is_own = name in CODED_ALONE and seen.n_distinct > 1 and seen.n_as_they_stand > 1
        return Evidence(seen.share, why, 0.9 * seen.share if is_own else 0.0, seen)
    repeats = seen.n_distinct <= min(MOST_WORDS, profile.n_given // 2)
    is_asked = likeness >= _CLEAR_HEADING and repeats and not seen.n_withheld
    few = COLUMNS[name].kind != "flag" or seen.n_distinct <= _FEW // 3
    if is_asked and few and seen.asked:
        return Evidence(0.3, "the heading says so, and a few words stand in it again and again",
                        words=seen)  # fmt: skip
    return Evidence(None, why)


def _of_written_text(profile: Profile) -> Evidence:
    if profile.dates.share >= LEAST or profile.share_flags >= LEAST or profile.share_ids >= LEAST:
        return Evidence(None, "the cells are dates, yes and no, or identifiers")
    return Evidence(0.9, "the cells are written text; its length is kept, the text is not")


def _of_names_of_things(profile: Profile) -> Evidence:
    if profile.dates.share >= LEAST or profile.share_flags >= 0.9:
        return Evidence(None, "the cells are dates, or yes and no")
    if profile.mean_length > _FREE_TEXT or (profile.n_distinct > _FEW and profile.repeats < 1.5):
        return Evidence(None, "nearly every cell is different")
    return Evidence(0.9, f"{profile.n_distinct:,} different texts, repeated")


def _of_ids(name: str, heading: str, profile: Profile) -> Evidence:
    if _NAMES_PEOPLE & set(plain_words(heading).split()):
        return Evidence(None, "a name, an address or a note, going by its heading")
    if profile.share_tokens < 0.9:
        return Evidence(None, "the cells are words or names, not identifiers")
    looks_dated = profile.dates.share >= LEAST and any(
        re.search(r"9[/.-]9", shape) for shape in profile.shapes
    )
    if looks_dated or (profile.share_flags > 0.9 and profile.n_distinct <= 4):
        return Evidence(None, "the cells are dates, or yes and no")
    is_per_row = profile.n_distinct > 0.98 * profile.n_given
    score = 0.6 + 0.4 * profile.share_ids
    if name in _PER_ROW:
        score *= 1.0 if is_per_row else 0.4
    elif is_per_row and profile.n_given > _FEW:
        score *= 0.6
    told = "each in one row" if is_per_row else f"each in {profile.repeats:.1f} rows on average"
    return Evidence(score, f"{profile.n_distinct:,} identifiers, {told}")
