"""What the words in Annex A's cells stand for: census codes, and yes or no.

Only a word that has one meaning is in these tables. Public mappings of the same words hold some to
be what they are not (an acquaintance for housing), so none was taken over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from triage.tables import LOST
from triage.vocabulary import CLOSURE_REASONS, PRIMARY_NEEDS, REFERRAL_SOURCES

_LETTERED: Final = re.compile(r"^\(?[a-z]\d?(?:\)|\.(?=\s))\s*(?=\S)", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"^\d{1,3}[).]\s*(?=[^\W\d])")
_CODE: Final = re.compile(r"[1235][A-F]\b", re.IGNORECASE)
_NUMBER: Final = re.compile(
    r"(10|[46-9])(?:$|\s*[:\-–—]\s*(?=\D)|\s+(?=\D)(?P<words>.*))", re.DOTALL
)
_LAST_CODE: Final = re.compile(r"[\[(]([1235][A-F]|10|[46-9])[\])]$", re.IGNORECASE)
_FILLING: Final = frozenset(
    {"a", "an", "and", "e", "eg", "etc", "example", "for", "g", "i", "ie", "in", "inc", "including",
     "of", "or", "s", "such", "the"}
)  # fmt: skip
"""Words that add nothing to what a cell says."""
_FAMILIES: Final = {
    "individuals": "1", "individual": "1", "education": "2", "health services": "3", "health": "3",
}  # fmt: skip
"""The beginning of a code by the group that is named before it, as in "Health - GP"."""

GROUPS: Final = frozenset(
    {"individual", "individuals", "health", "health services", "health service", "education",
     "la services", "la service", "local authority services", "local authority"}
)  # fmt: skip
"""Words of the grouped form of the list of sources: several census codes share each."""

SOURCE_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "1A": (
        "family member", "relative", "relatives", "carer", "family", "parent", "parents", "mother",
        "father", "grandparent", "grandparents", "grandmother", "grandfather", "aunt", "uncle",
        "brother", "sister", "sibling", "step mother", "step father", "stepmother", "stepfather",
        "family member relative", "family member relative carer", "family relative carer",
        "family relative", "family relatives", "parent carer", "parents carers", "other relative",
    ),
    "1B": (
        "acquaintance", "acquaintance neighbours child minders", "acquaintance neighbour",
        "neighbour", "friend", "neighbour friend", "friend neighbour", "child minder",
        "childminder",
    ),
    "1C": ("self", "self referral", "self referred"),
    "1D": (
        "other individual", "other individuals", "individual other", "individuals other",
        "individual other strangers", "individual other strangers mps", "stranger", "mp",
    ),
    "2A": (
        "school", "schools", "primary school", "secondary school", "special school", "academy",
        "primary schools", "secondary schools", "special schools", "education school",
        "education schools", "schools primary", "schools secondary", "school staff",
    ),
    "2B": (
        "education services", "education service", "education welfare", "education welfare officer",
        "education welfare service", "ewo", "educational psychologist", "educational psychology",
    ),
    "3A": ("gp", "gps", "general practitioner", "gp surgery", "gp practice"),
    "3B": ("health visitor", "health visitors", "health visiting"),
    "3C": ("school nurse", "school nurses", "school nursing", "school nursing service"),
    "3D": (
        "other primary health", "other primary health services", "other primary health service",
    ),
    "3E": (
        "accident emergency", "accident emergency department", "emergency department",
        "accident emergency emergency department",
    ),
    "3F": (
        "hospice", "other health", "other health services", "health other", "health services other",
        "health services other hospice", "health other hospice",
    ),
    "4": (
        "housing", "housing association", "housing department", "housing service",
        "housing services", "local authority housing", "la housing",
        "la housing housing association", "housing la housing housing association",
        "local authority housing housing association",
        "housing local authority housing housing association",
    ),
    "5A": (
        "adult social care", "adults social care", "adult social services",
        "la services social care", "la services social care adults social care",
        "la services social care adults social care services",
    ),
    "5B": (
        "la services other internal", "other internal", "youth offending",
        "youth offending service", "youth offending team", "yot",
    ),
    "5C": (
        "another local authority", "other local authority", "another la", "other la",
        "la services external",
    ),
    "5D": (
        "early help", "early help service", "early help services", "early help team",
        "la early help", "la services early help", "local authority early help",
    ),
    "6": ("police", "police officer", "police service"),
    "7": (
        "other legal agency", "court", "courts", "family court", "probation", "probation service",
        "immigration", "cafcass", "prison",
    ),
    "8": (
        "other", "childrens centre", "childrens centres", "voluntary organisation",
        "voluntary organisations", "independent provider", "independent agency provider",
        "independent agency providers",
    ),
    "9": ("anonymous", "anonymous referral", "anonymous caller"),
    "10": ("unknown", "not known", "source unknown"),
}  # fmt: skip
"""The words of each census code, as ``plain`` gives them."""

NEED_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "N1": ("abuse neglect", "abuse neglect exploitation"),
    "N2": ("childs disability", "child disability", "childs disability illness"),
    "N3": (
        "parental disability illness", "parental illness disability", "parental disability",
        "parental illness",
    ),
    "N4": ("family acute stress",),
    "N5": ("family dysfunction",),
    "N6": ("socially unacceptable behaviour",),
    "N7": ("low income",),
    "N8": ("absent parenting",),
    "N9": ("cases other than children need",),
    "N0": ("not stated",),
}  # fmt: skip

CLOSURE_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "RC1": ("adopted",),
    "RC2": ("died", "death"),
    "RC3": ("residence order", "child arrangements order"),
    "RC4": ("sgo", "special guardianship order"),
    "RC5": (
        "transfer to another la", "transferred to another la",
        "transfer to another local authority", "transferred to another local authority",
        "transferred to services another local authority",
    ),
    "RC6": (
        "adult services", "transferred to adult social care", "transfer to adult social care",
        "transferred to adult social care services",
    ),
    "RC7": (
        "other no longer need", "no longer need", "child no longer need",
        "services ceased any other reason", "services ceased any other reason child no longer need",
    ),
    "RC8": (
        "case closed after assessment no further action",
        "closed after assessment no further action",
    ),
    "RC9": (
        "case closed after assessment referred to early help",
        "closed after assessment referred to early help",
    ),
}  # fmt: skip
_CLOSURE_LETTERS: Final = {letter: f"RC{place}" for place, letter in enumerate("abcdefg", start=1)}
TWO_REASONS: Final = "not need after assessment"
"""Closed after assessment, with no further action or with early help: the list does not say."""

_YES: Final = frozenset(
    {"yes", "y", "true", "1", "1 0", "1 yes", "nfa", "no further action", "yes nfa"}
)
_NO: Final = frozenset({"no", "n", "false", "0", "0 0", "0 no", "fa", "further action"})
_NOT_KNOWN: Final = frozenset({"unknown", "u", "not stated", "not recorded", "not known"})


def plain(text: str) -> str:
    """Return a text in small letters, marks and filling words left out."""
    text = re.sub(r"\ba\s*(?:&|\+|and)\s*e\b", "accident emergency", text.casefold())
    words = _bare_words(re.sub(r"\bg\.\s?p\b", "gp", text)).split()
    return " ".join(word for word in words if word not in _FILLING)


def _bare_words(text: str) -> str:
    """Return a text in small letters, without apostrophes, each other mark a space."""
    text = re.sub(r"['’‘`]", "", text.casefold())
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


def _by_word(table: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {word: code for code, words in table.items() for word in words}


_SOURCES: Final = _by_word(SOURCE_WORDS)
_NEEDS: Final = _by_word(NEED_WORDS)
_REASONS: Final = _by_word(CLOSURE_WORDS)


def source_code(text: str) -> str:
    """Return the census code of a source; blank for a group of several, else as typed."""
    bare = _unlettered(text)
    if code := _CODE.match(bare) or _LAST_CODE.search(bare):
        found = code.group(code.lastindex or 0).upper()
        return found if found in REFERRAL_SOURCES else text
    if number := _NUMBER.match(bare):
        words = number.group("words")
        if words is None or _by_words(plain(words)) == number.group(1):
            return number.group(1)
    words = plain(_NUMBERED.sub("", bare))
    return "" if words in GROUPS else _by_words(words) or text


def _by_words(words: str) -> str | None:
    """Return the code of a source's words, with or without the group named before them."""
    words = words.removeprefix("cs ").removeprefix("cyp ")
    if found := _SOURCES.get(words):
        return found
    for group, start in _FAMILIES.items():
        found = _SOURCES.get(words.removeprefix(f"{group} "))
        if words.startswith(f"{group} ") and found and found.startswith(start) and len(found) > 1:
            return found
    return None


def need_code(text: str) -> str:
    """Return the census code of a primary need, else as typed."""
    bare = _unlettered(text)
    code = re.match(r"N\d\b", bare, re.IGNORECASE)
    if code and code.group().upper() in PRIMARY_NEEDS:
        return code.group().upper()
    return _NEEDS.get(plain(bare), text)


def closure_code(text: str) -> str | None:
    """Return the census code of a reason for closure, else as typed.

    LOST where the reason is one of two codes and the list does not say which. Words go before the
    letter in front of them, since lists that are lettered otherwise are about.
    """
    bare = _unlettered(text)
    code = re.match(r"RC\d\b", bare, re.IGNORECASE)
    if code and code.group().upper() in CLOSURE_REASONS:
        return code.group().upper()
    if found := _REASONS.get(plain(bare)):
        return found
    letter = text.lstrip("(")[:1].casefold() if bare != text else ""
    if letter == "h" or plain(bare) == TWO_REASONS:
        return LOST
    if letter == "i" or plain(bare) == "not stated":
        return ""
    return _CLOSURE_LETTERS.get(letter, text)


def yes_or_no(text: str) -> str:
    """Return ``true`` or ``false`` for the words of a yes-or-no column; blank for not known."""
    words = _bare_words(_unlettered(text))
    if words in _YES:
        return "true"
    if words in _NO:
        return "false"
    return "" if words in _NOT_KNOWN else text


def is_closed(status: str) -> bool:
    """Return whether a case status says that the episode is closed, step-down included."""
    words = plain(_unlettered(status))
    return words.startswith("closed") or (status[:2].casefold() == "e)" and not words)


MEANINGS: Final[dict[str, Callable[[str], str | None]]] = {
    "referral_source": source_code,
    "contact_source": source_code,
    "primary_need": need_code,
    "closure_reason": closure_code,
    "nfa": yes_or_no,
    "icpc_not_required": yes_or_no,
}
"""How the cells of each column are understood."""


def _unlettered(text: str) -> str:
    """Return a text without the letter and bracket that Ofsted puts before it."""
    return _LETTERED.sub("", text)
