"""What the words of a coded column stand for, and which of them may be written in a mapping.

A mapping file lies about more freely than an extract, so it holds nothing that could name a
person: only words of the field, and short codes of a column that has nothing else in it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz, process

from triage.cells import Reads
from triage.schema import COLUMNS
from triage.sources.annex_a_words import source_code
from triage.sources.field_words import LABELS, LEXICON, NOT_KNOWN, WAYS, plain
from triage.tables import LOST

ASK: Final = "?"
MOST_WORDS: Final = 60
_MOST_DISTINCT: Final = 1_000
"""A column of more different words than this holds no codes, and is not looked into further."""
_LIKE: Final = 88
_APART: Final = 6
_LIKE_LABEL: Final = 60
_SHORT_CODE: Final = re.compile(r"[A-Z]{1,4}|[A-Za-z]?[0-9]{1,2}[A-Za-z]?")
_LETTERED: Final = re.compile(r"^\(?[a-z]\d?[).]\s*(?=\S)", re.IGNORECASE)
_SPLIT: Final = re.compile(r"[;,|\n]")
_LONGEST_WORD: Final = 100
_ALL_WAYS: Final = frozenset(way for ways in WAYS.values() for way in ways)
_OWN_CODE: Final = re.compile(r"(?=.*[0-9])(?=.*[a-z]).+", re.IGNORECASE)
_DENIALS: Final = frozenset({"no", "not", "non", "none", "never", "without", "un"})
_OWN_UNKNOWN: Final = frozenset({"referral_source", "contact_source", "primary_need"})
"""Columns whose list has a code of its own for what is not known or not stated."""


@dataclass(frozen=True)
class WordsSeen:
    """What the words of a column stand for.

    ``share`` of the rows are understood. ``codes`` holds what may be written: each word, and its
    code or ``ASK``. ``n_withheld`` words were kept back, since they could be names.
    """

    share: float
    codes: dict[str, str]
    n_withheld: int
    n_distinct: int
    n_as_they_stand: int

    @property
    def asked(self) -> tuple[str, ...]:
        """Return the words for which no code was found."""
        return tuple(word for word, code in self.codes.items() if code == ASK)


def parts(name: str, text: str) -> list[str]:
    """Return the words of a cell: several where the column holds a list, else the cell itself."""
    if COLUMNS[name].kind != "codes":
        return [text]
    found = (part.strip(" \t[]\"'") for part in _SPLIT.split(text))
    return [part for part in found if part]


def words_seen(name: str, tally: Counter[str]) -> WordsSeen:
    """Return what the words of a column would stand for, were it the column ``name``."""
    words: Counter[str] = Counter()
    for text, n in tally.items():
        for part in parts(name, text):
            words[part] += n
        if len(words) > _MOST_DISTINCT:
            return WordsSeen(0.0, {}, len(words), len(tally), 0)
    found = {word: code_of(name, word) for word in words}
    n_known = sum(n for word, n in words.items() if found[word] is not None)
    changed = {word: code for word, code in found.items() if code != word}
    all_short = all(_SHORT_CODE.fullmatch(word) for word in words) and len(words) <= MOST_WORDS
    codes: dict[str, str] = {}
    for word, n in words.most_common():
        if word not in changed or len(codes) == MOST_WORDS:
            continue
        code = changed[word]
        if names_nobody(word) if code is not None else n > 1 and (all_short or names_nobody(word)):
            codes[word] = ASK if code is None else code
    return WordsSeen(
        n_known / words.total() if words else 0.0,
        codes,
        len(changed) - len(codes),
        len(words),
        len(words) - len(changed),
    )


@lru_cache(maxsize=65_536)
def code_of(name: str, word: str) -> str | None:
    """Return the code that a word of a column stands for: itself, another, or None if unknown.

    A word that is read as it stands is returned as it is. "" stands for what is not known.
    """
    reads = COLUMNS[name].reads
    if _is_read(reads, word):
        return word
    bare = _LETTERED.sub("", word)
    words = plain(bare)
    if words in WAYS[name]:
        return WAYS[name][words]
    front = _code_in_front(name, bare)
    if front is not None:
        code, rest = front
        return code if _agrees(name, code, rest) else None
    if words in NOT_KNOWN and name not in _OWN_UNKNOWN:
        return ""
    return _by_words(name, words)


def _is_read(reads: Reads, word: str) -> bool:
    try:
        reads.read(word)
    except ValueError:
        return False
    return True


def _code_in_front(name: str, text: str) -> tuple[str, str] | None:
    """Return the code that stands at the head of a text, and the words behind it."""
    spec = COLUMNS[name]
    if spec.kind == "flag":
        match = re.match(r"(yes|no|y|n|true|false|[01])\s*[-–:,(=]\s*(.+)", text, re.IGNORECASE)
        if not match:
            return None
        return ("true" if match[1].casefold() in ("yes", "y", "true", "1") else "false"), match[2]
    listed = "|".join(sorted(map(re.escape, spec.reads.codes), key=len, reverse=True))
    level = r"(?:level|tier|threshold)?\s*" if name == "threshold_level" else ""
    match = re.match(rf"\W*{level}({listed})\b\W*(.*)", text, re.IGNORECASE)
    if not match:
        return None
    code = next(code for code in spec.reads.codes if code.casefold() == match[1].casefold())
    return code, match[2]


def _agrees(name: str, code: str, rest: str) -> bool:
    """Return whether the words behind a code say the same: a council may number its own list."""
    words = plain(rest)
    if not words:
        return True
    said = _by_words(name, words)
    if said is not None:
        return said == code
    label = plain(LABELS.get(name, {}).get(code, ""))
    if label and fuzz.token_set_ratio(words, label) >= _LIKE_LABEL:
        return True
    is_own = COLUMNS[name].kind == "flag" or name == "threshold_level"
    return is_own or bool(_OWN_CODE.fullmatch(code))


def _by_words(name: str, words: str) -> str | None:
    ways = WAYS[name]
    if words in ways:
        return ways[words]
    if name in ("referral_source", "contact_source") and source_code(words) in LABELS[name]:
        return source_code(words)
    if len(words) < 4:
        return None
    close = process.extract(words, list(ways), scorer=fuzz.token_sort_ratio, limit=8)
    if not close or close[0][1] < _LIKE or not _may_be_a_slip(words, close[0][0]):
        return None
    best, score, _ = close[0]
    others = [other for way, other, _ in close if ways[way] != ways[best]]
    return ways[best] if not others or score - others[0] >= _APART else None


def _may_be_a_slip(words: str, way: str) -> bool:
    """Return whether two texts differ within their words only, and none denies the other."""
    one, other = words.split(), way.split()
    return len(one) == len(other) and set(one) & _DENIALS == set(other) & _DENIALS


@lru_cache(maxsize=65_536)
def names_nobody(word: str) -> bool:
    """Return whether a text holds words of the field alone, so that it names no person.

    A letter and bracket, or a code, may stand in front.
    """
    bare = _LETTERED.sub("", word)
    if plain(bare) in _ALL_WAYS:
        return True
    tokens = re.sub(r"['’‘`]", "", bare.casefold())
    found = re.sub(r"[\W_]+", " ", tokens).split()
    if not found or len(word) > _LONGEST_WORD:
        return False
    return all(token in LEXICON or _is_number_or_code(token) for token in found) and (
        any(token in LEXICON and len(token) > 1 for token in found)
        or bool(_SHORT_CODE.fullmatch(bare))
    )


def _is_number_or_code(token: str) -> bool:
    return re.fullmatch(r"[0-9]{1,2}[a-f]?|n[0-9]|rc[0-9]|s?(17|47)|[lt][1-4]", token) is not None


def replaced(name: str, text: str | None, codes: dict[str, str]) -> str | None:
    """Return a cell with each of its words replaced as a mapping says, small letters or capitals.

    ``codes`` has its words in small letters. A column of lists is written with ``;`` between.
    """
    if text is LOST or not text:
        return text
    whole = codes.get(text.casefold())
    if whole is not None:
        return whole
    if name not in COLUMNS or COLUMNS[name].kind != "codes":
        return text
    return ";".join(codes.get(part.casefold(), part) for part in parts(name, text))
