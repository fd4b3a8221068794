"""How single cells of the Standard Safeguarding Dataset are read: codes, yes and no, JSON.

Outcomes were put together by hand from flags and free text and cut at 4,000 characters, so that
many are no valid JSON. Flags are read as far as the text is whole; nothing is guessed, and no free
text is returned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from triage import vocabulary as v
from triage.tables import LOST

NOBODY: Final = frozenset({"-1", "-1.0"})
"""What the case systems write for an identifier that is not there."""
_LETTERED: Final = re.compile(r"^[a-z]\d?[).]\s*", re.IGNORECASE)
_CODE: Final = re.compile(r"([A-Z]{0,2}[0-9]{1,2}[A-Z]?)(\s*[-–—:).=]|\s|$)", re.IGNORECASE)
_PAIR: Final = re.compile(
    r"""\s*["']?([A-Za-z_]+)["']?\s*:\s*"""
    r"""(?:"([^"\\]*)"\s*(?:,|\}|$)|'([^'\\]*)'\s*(?:,|\}|$)|([\w.+-]*)\s*(?:,|\}))"""
)
_FACTOR: Final = re.compile(r"([0-9]{1,2}[A-Z]?)(?:\s*[-–—:).=]|\s|$)", re.IGNORECASE)
_FACTORS: Final = re.compile(r"\s*[0-9]{1,2}[A-Z]?\s*(,\s*[0-9]{1,2}[A-Z]?\s*)*", re.IGNORECASE)


def identifier(text: str) -> str:
    """Return an identifier, "" for the one that stands for nobody."""
    return "" if text in NOBODY else text


def plain(text: str) -> str:
    """Return a word without regard to its case and to the space around and in it."""
    return " ".join(text.casefold().split())


def truth(text: str) -> bool | None:
    """Return what a word for yes or no says, None for any other."""
    word = text.casefold()
    return True if word in v.TRUE_WORDS else False if word in v.FALSE_WORDS else None


def leading_code(text: str, codes: Collection[str]) -> str | None:
    """Return the code of a list that a cell is, or begins with (``RC7 - Services ceased``).

    A bare number counts only when it is all there is or a mark parts it from what follows: ``10
    Downing Street`` begins with no code.
    """
    match = _CODE.match(_LETTERED.sub("", text))
    if match is None or match.group(1).upper() not in codes:
        return None
    code, mark = match.group(1).upper(), match.group(2)
    return None if code.isdigit() and mark.isspace() else code


def coded(text: str, codes: Collection[str], words: Mapping[str, str]) -> str:
    """Return the code that a cell stands for, else the cell as typed, to be listed as a problem."""
    if text in NOBODY:
        return ""
    return leading_code(text, codes) or words.get(plain(text)) or text


def source_of_words(text: str, words: Mapping[str, str]) -> str | None:
    """Return the census code of a source in words, None when it is not known."""
    word = plain(text)
    return words.get(word) or leading_code(text, v.REFERRAL_SOURCES) or _SOURCE_LABELS.get(word)


_SOURCE_LABELS: Final = {label.casefold(): code for code, label in v.REFERRAL_SOURCES.items()}


@dataclass(frozen=True)
class Outcome:
    """The flags of an outcome that could be read, by name without ``OUTCOME_``.

    ``is_whole`` says that every flag could be, so that one which is not named was not set.
    """

    flags: Mapping[str, bool]
    is_whole: bool


def read_outcome(text: str) -> Outcome:
    """Return the flags of an outcome as far as they can be read."""
    if text in ("", "null"):
        return Outcome({}, True)
    try:
        loaded = json.loads(text, object_pairs_hook=_Pairs, strict=False)
    except (ValueError, RecursionError):
        return Outcome(_flags(_whole_pairs(text)).flags, False)
    if isinstance(loaded, list) and len(loaded) == 1 and isinstance(loaded[0], _Pairs):
        loaded = loaded[0]
    if not isinstance(loaded, _Pairs):
        return Outcome({}, False)
    return _flags(loaded)


def plain_outcome(text: str) -> str:
    """Return an outcome with its flags alone, which reads the same; its free text is dropped."""
    outcome = read_outcome(text.strip())
    if not text.strip():
        return ""
    flags = ",".join(f'"{name}":"{"Y" if said else "N"}"' for name, said in outcome.flags.items())
    return f"{{{flags}}}" if outcome.is_whole else f"{{{flags}," if flags else "{"


class _Pairs(list[tuple[str, Any]]):
    """The keys and values of a JSON object, a key that comes twice kept twice."""


def _whole_pairs(text: str) -> Iterable[tuple[str, str]]:
    """Yield keys and values from the start, up to where the text breaks or free text begins."""
    place = text.find("{") + 1
    while place and (match := _PAIR.match(text, place)):
        key, *values = match.groups()
        if key.upper().endswith("COMMENTS"):
            return
        yield key, next((value for value in values if value is not None), "")
        place = match.end()


def _flags(pairs: Iterable[tuple[str, Any]]) -> Outcome:
    """Return the flags among keys and values; one that is said to be both is not read."""
    found: dict[str, set[bool | None]] = {}
    for key, value in pairs:
        name = key.upper().removeprefix("OUTCOME_")
        if name.endswith("_FLAG") and value not in ("", " ", None):
            found.setdefault(name, set()).add(truth(str(value).strip()))
    flags = {
        name: True in said for name, said in found.items() if len(said) == 1 and None not in said
    }
    return Outcome(flags, len(flags) == len(found))


_CONTACT_KINDS: Final = (
    ("NEW_REFERRAL_FLAG", "referral"),
    ("EXISTING_REFERRAL_FLAG", "open_case"),
    ("CP_ENQUIRY_FLAG", "other"),
    ("NON_AGENCY_ADOPTION_FLAG", "other"),
    ("PRIVATE_FOSTERING_FLAG", "other"),
    ("MISSING_FLAG", "other"),
    ("OLA_CP_FLAG", "other"),
    ("ADVICE_FLAG", "information_and_advice"),
    ("NFA_FLAG", "nfa"),
    ("OTHER_OUTCOMES_EXIST_FLAG", "other"),
)
"""Which flag of a contact says what became of it; of several the first in this order."""
_REACHED: Final = ("NEW_REFERRAL_FLAG", "EXISTING_REFERRAL_FLAG")


def contact_outcome(text: str) -> str | None:
    """Return what became of a contact, "" where nothing is recorded, LOST where it cannot be told.

    Of an outcome that is cut short it can only be told when it is readable that the contact became
    a referral, belonged to an open case, or did neither.
    """
    outcome = read_outcome(text)
    if not outcome.is_whole and not (
        any(outcome.flags.get(name) for name in _REACHED)
        or all(name in outcome.flags for name in _REACHED)
    ):
        return LOST
    kind = next((kind for name, kind in _CONTACT_KINDS if outcome.flags.get(name)), None)
    if kind is None:
        return "" if outcome.is_whole else LOST
    return kind


def nfa_of(typed: str, outcome: str, words: Mapping[str, str]) -> str | None:
    """Return whether a referral ended without further action, by its letter or else its outcome.

    Any letter may stand in the cell, since it was cut to one: only those for yes and no are read.
    """
    said = truth(typed)
    if said is None:
        said = truth(words.get(plain(typed), ""))
    if said is None:
        said = read_outcome(outcome).flags.get("NFA_FLAG")
    if said is None:
        return LOST if typed else ""
    return "true" if said else "false"


def factors(text: str) -> str | None:
    """Return the factors of an assessment as codes split by ``;``, LOST where they cannot be read.

    They come as an array of codes, as an object that says yes or no to each, or as codes split by
    commas.
    """
    if not text:
        return ""
    try:
        loaded = json.loads(text, object_pairs_hook=_Pairs)
        if isinstance(loaded, str):
            loaded = json.loads(loaded, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        loaded = text.split(",") if _FACTORS.fullmatch(text) else [{}]
    if loaded is None:
        return ""
    named = _named(loaded if isinstance(loaded, list) else [loaded])
    if named is None:
        return LOST
    codes = [_FACTOR.match(name) for name in named]
    if any(code is None for code in codes):
        return LOST
    return ";".join(dict.fromkeys(code.group(1).upper() for code in codes if code))


def _named(loaded: list[Any]) -> list[str] | None:
    """Return the factors that are named, or said yes to; None where something else stands there."""
    pairs = loaded if isinstance(loaded, _Pairs) else None
    if pairs is None and loaded and all(isinstance(one, _Pairs) for one in loaded):
        pairs = _Pairs(pair for one in loaded for pair in one)
    if pairs is None:
        is_plain = all(isinstance(one, str | int) and not isinstance(one, bool) for one in loaded)
        return [str(one).strip() for one in loaded] if is_plain else None
    said = [(key, False if value in ("", None) else truth(str(value))) for key, value in pairs]
    if any(value is None for _, value in said):
        return None
    return [key.strip() for key, value in said if value]
