"""Small numbers: which counts of a document may not be shown when it is published.

Counts from 1 to 5 are hidden, and with them so many others that none can be worked out again from
what is shown: not from the sums of the document, and not from a share, which tells the rest of its
whole as well. A reader is taken to know all sums and that whatever is hidden is a whole number of 1
or more (zeros are shown), but not that some are 5 at most, nor how others were chosen.

For each small count the cheapest way is found in which the counts could be others, this one among
them, while all sums stay right (``triage.report.linear``); the counts that move in it are hidden.
So each hidden count has another value that it could have, and to hide more cannot take that away:
J. P. Kelly, B. L. Golden and A. A. Assad, Cell suppression: disclosure protection for sensitive
tabular data, Networks 22 (1992), 397-417.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

import numpy as np

from triage.report.document import Bound, Cell, Count, Document, Share, counts_in
from triage.report.linear import FARTHEST, Equation, Linked, Numbers
from triage.report.shown import rest

LARGEST: Final = 5
"""The largest count that is never shown; the smallest is 1."""
_DEARER: Final = 4.0
"""How many times as dear it is to hide a whole as to hide a part of the same size."""
_TIES: Final = 0.01
"""By how much the last key is dearer than the first, so that of equal counts one is cheapest."""
_DRAWS: Final = 12
"""How often changes of many counts at once are tried, before each count has one of its own."""


def hidden(document: Document) -> frozenset[str]:
    """Return the keys of the counts that may not be shown when a document is published.

    Among them may be some that stand in no cell, such as the rest of a share, and parts of a sum.
    3,641 counts with 801 sums and 2,880 shares took 1.0 s of one core, and 900 with 200 sums 0.3 s.

    Raises:
        ValueError: when a count has two different values, is less than 0, or a sum does not add up.
    """
    public = replace(document, sections=tuple(one for one in document.sections if not one.is_annex))
    cells = list(public.cells())
    sums = [(one.whole, one.parts) for one in document.sums]
    named = [count for cell in cells for count in counts_in(cell)]
    named += [count for whole, parts in sums for count in (whole, *parts)]
    shares = {(one.part, one.whole) for one in cells if isinstance(one, Share | Bound)}
    rests = {rest(part, whole) for part, whole in shares}
    values = _values(chain(named, rests))
    # A count of an annex has to be the same there, though it needs no protection of its own.
    _values(chain(named, *map(counts_in, document.cells())))
    for whole, parts in sums:
        if whole.n != (found := sum(part.n for part in parts)):
            raise ValueError(f"{whole.key} is {whole.n}, but its parts make {found}")
    unnamed = {one.key for one in rests} - {one.key for one in named}
    # Of no rest that is larger does a change leave fewer than 1, so these need no looking after.
    slack = {key for key in unnamed if values[key] > max(LARGEST, 2 * FARTHEST)}
    sums += [(w, (p, rest(p, w))) for p, w in shares if rest(p, w).key not in slack]
    keys = sorted(key for key, n in values.items() if n and key not in slack)
    places = {key: place for place, key in enumerate(keys)}
    linked = Linked(np.array([values[key] for key in keys], np.int64), _equations(sums, places))
    told = [{places[one.key] for one in _told_by(cell) if one.key in places} for cell in cells]
    price = _prices(linked, {places[whole.key] for whole, _ in sums if whole.n})
    price[[places[key] for key in unnamed if key in places]] = 0
    return frozenset(keys[place] for place in _Hiding(linked, told, price).done())


def _told_by(cell: Cell) -> tuple[Count, ...]:
    """Return the counts of which one that is hidden hides the cell."""
    found = counts_in(cell)
    return (*found, rest(cell.part, cell.whole)) if isinstance(cell, Share | Bound) else found


def _values(counts: Iterable[Count]) -> dict[str, int]:
    """Return the value of each count by its key."""
    values: dict[str, int] = {}
    for count in counts:
        if values.setdefault(count.key, count.n) != count.n:
            raise ValueError(f"{count.key} is both {values[count.key]} and {count.n}")
        if count.n < 0:
            raise ValueError(f"{count.key} is {count.n}, and a count cannot be less than 0")
    return values


def _equations(
    sums: Iterable[tuple[Count, Sequence[Count]]], places: Mapping[str, int]
) -> list[Equation]:
    """Return the sums as equations, each once, in an order which does not hang on the document's.

    Counts of none are left out: they are shown, and add nothing.
    """
    found = set()
    for whole, parts in sums:
        factors = Counter(places[part.key] for part in parts if part.n)
        if whole.n:
            factors[places[whole.key]] -= 1
        found.add(tuple(sorted((place, n) for place, n in factors.items() if n)))
    return [dict(one) for one in sorted(found) if one]


def _prices(linked: Linked, wholes: set[int]) -> Numbers:
    """Return how dear it is to hide each count: large ones are missed more, and wholes most."""
    size = len(linked.values)
    price = 1 + np.log(linked.values) + _TIES * np.arange(size) / max(size, 1)
    price[list(wholes)] *= _DEARER
    return np.asarray(price)


class _Hiding:
    """What is hidden so far, and what it costs to hide more. Counts go by their places."""

    def __init__(self, linked: Linked, cells: Iterable[set[int]], price: Numbers) -> None:
        self._linked = linked
        self._cells = [cell for cell in cells if cell]
        self._is_shown = [True] * len(self._cells)
        size = len(linked.values)
        self._standing_in: list[list[int]] = [[] for _ in range(size)]
        for number, cell in enumerate(self._cells):
            for place in cell:
                self._standing_in[place].append(number)
        self._n_shown = np.array([len(cells) for cells in self._standing_in], np.int64)
        self._price = price
        self._hidden: set[int] = set()
        self._is_safe = np.zeros(size, bool)

    def done(self) -> set[int]:
        """Return what is hidden when nothing of it can be recovered any more."""
        small = [int(place) for place in np.flatnonzero(self._linked.values <= LARGEST)]
        for place in small:
            self._hide(place)
        self._save_many(small)
        for place in sorted(small, key=lambda one: (self._linked.values[one], one)):
            if not self._is_safe[place]:
                self._use(self._linked.least_change(place, self._costs()))
        return self._hidden

    def _save_many(self, small: list[int]) -> None:
        """Look for changes that move many small counts at once, and hide nothing that is shown."""
        for draw in range(_DRAWS):
            unsafe = [place for place in small if not self._is_safe[place]]
            if not unsafe:
                return
            movable = [int(place) for place in np.flatnonzero(self._costs() == 0)]
            self._use(self._linked.free_change(movable, unsafe, draw))
            if not self._is_safe[unsafe].any():
                return

    def _costs(self) -> Numbers:
        """Return what it costs to hide each count: nothing where no cell shows it any more."""
        return np.where(self._n_shown > 0, self._price, 0.0)

    def _use(self, change: Numbers) -> None:
        """Hide what moves in a change: none of that can be recovered, whatever else is hidden."""
        for place in np.flatnonzero(change):
            self._hide(int(place))
        self._is_safe |= change != 0

    def _hide(self, place: int) -> None:
        """Hide a count, and with it each cell that tells of it."""
        self._hidden.add(place)
        for number in self._standing_in[place]:
            if self._is_shown[number]:
                self._is_shown[number] = False
                self._n_shown[list(self._cells[number])] -= 1
