"""What the cells of one column look like, without a single one of them being kept.

Every distinct text is asked once; of a column with very many, an even sample tells its kind. The
form of its dates is told from all of them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from triage.sources.date_forms import NO_DATES, NULL_WORDS, DatesSeen, dates_seen
from triage.tables import RawColumn
from triage.vocabulary import FALSE_WORDS, TRUE_WORDS

SAMPLE: Final = 2_000
"""Distinct texts by which a column's kind is told."""
SHAPES: Final = 3
_SHAPE_LENGTH: Final = 20
_PLAIN_MARKS: Final = frozenset(" -/.:;,()&'+")
_ID: Final = re.compile(r"(?=.*[0-9])[\w/.:+-]{1,48}")
_TOKEN: Final = re.compile(r"[\w/.:+-]{1,48}")
_NUMBER: Final = re.compile(r"[0-9]{1,9}(?:\.0+)?")
_MAY_BE_DATES: Final = 0.2


@dataclass(frozen=True)
class Profile:
    """A column as its values show it; shares are of the rows that hold something.

    ``share_tokens`` hold one word without a space, ``share_ids`` one that has a digit.
    """

    column: RawColumn
    n_given: int
    n_distinct: int
    dates: DatesSeen
    share_flags: float
    share_numbers: float
    share_ids: float
    share_tokens: float
    mean_length: float
    shapes: tuple[str, ...]

    @property
    def repeats(self) -> float:
        """Return how many rows share one text, on average."""
        return self.n_given / self.n_distinct if self.n_distinct else 0.0

    @cached_property
    def tally(self) -> Counter[str]:
        """Return the rows of each distinct text, blank ones and nulls of a database left out."""
        rows = np.bincount(self.column.codes, minlength=len(self.column.texts)).tolist()
        return Counter(
            {
                text: n
                for text, n in zip(self.column.texts, rows, strict=True)
                if n and text and text.casefold() not in NULL_WORDS
            }
        )

    @property
    def null_words(self) -> tuple[str, ...]:
        """Return what stands for nothing here, as a database writes it."""
        texts = (text for text in self.column.texts if text)
        return tuple(dict.fromkeys(text for text in texts if text.casefold() in NULL_WORDS))


def profile_of(column: RawColumn) -> Profile:
    """Return what the cells of a column look like."""
    rows = np.bincount(column.codes, minlength=len(column.texts))
    is_given = np.array(
        [bool(text) and str(text).casefold() not in NULL_WORDS for text in column.texts], bool
    )
    places = np.flatnonzero(is_given & (rows > 0))
    picked = _even(places)
    texts = [str(column.texts[place]) for place in picked.tolist()]
    weights = rows[picked].astype(np.float64)

    def share(is_so: list[bool]) -> float:
        return float(weights[np.array(is_so, bool)].sum() / weights.sum()) if texts else 0.0

    flags = TRUE_WORDS | FALSE_WORDS
    sampled = dates_seen(_only(column, picked)) if texts else NO_DATES
    return Profile(
        column,
        int(rows[places].sum()),
        len(places),
        dates_seen(column) if sampled.share >= _MAY_BE_DATES else sampled,
        share([text.casefold() in flags for text in texts]),
        share([_NUMBER.fullmatch(text) is not None for text in texts]),
        share([_ID.fullmatch(text) is not None for text in texts]),
        share([_TOKEN.fullmatch(text) is not None for text in texts]),
        float(np.average([len(text) for text in texts], weights=weights)) if texts else 0.0,
        _shapes(texts, weights),
    )


def _even(places: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return at most ``SAMPLE`` places, spread evenly over all of them."""
    if len(places) <= SAMPLE:
        return places
    return places[np.linspace(0, len(places) - 1, SAMPLE).astype(np.intp)]


def _only(column: RawColumn, places: npt.NDArray[np.intp]) -> RawColumn:
    """Return the cells of a column that hold one of some texts."""
    place_of = np.full(len(column.texts), -1, np.int32)
    place_of[places] = np.arange(len(places), dtype=np.int32)
    codes = place_of[column.codes]
    return RawColumn(codes[codes >= 0], [column.texts[place] for place in places.tolist()])


def _shapes(texts: list[str], weights: npt.NDArray[np.float64]) -> tuple[str, ...]:
    found: Counter[str] = Counter()
    for text, weight in zip(texts, weights.tolist(), strict=True):
        found[shape_of(text)] += weight
    return tuple(shape for shape, _ in found.most_common(SHAPES))


def shape_of(text: str) -> str:
    """Return a text with its letters as a or A, its digits as 9 and rare signs as *; cut short."""
    shown = text[:_SHAPE_LENGTH]
    shape = "".join(
        ("A" if letter.isupper() else "a")
        if letter.isalpha()
        else "9"
        if letter.isnumeric()
        else letter
        if letter in _PLAIN_MARKS
        else "*"
        for letter in shown
    )
    return shape + ("…" if len(text) > _SHAPE_LENGTH else "")
