"""Whole numbers bound by sums: how some could be otherwise while all sums stay right.

Who sees a table with figures left out knows the sums and the figures that are shown. A figure left
out cannot be recovered just when the ones left out could all be other whole numbers, this one among
them, with every sum as it is. Such a change is what this module finds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[Any]
Equation: TypeAlias = Mapping[int, int]
"""How often each number stands in a sum that comes to nothing, by the number's place."""

FARTHEST: Final = 2
"""By how much each number moves at most, unless there is no other way than to double them all."""
_WIDTH: Final = 3
"""How many sums away from a number, and among how many numbers of each, a change is looked for."""
_TINY: Final = 1e-3
"""The price of a change that costs nothing, so that no more changes than has to."""
_NEARLY: Final = 1e-6
"""How far from a whole number the solver may be with one."""
_NODES: Final = 2_000
"""Where the search for the cheapest change stops; it is the same on every machine, unlike time."""


@dataclass(frozen=True, eq=False)
class Linked:
    """Whole numbers, each at least 1, and the equations that hold between them."""

    values: Numbers
    equations: Sequence[Equation]

    @cached_property
    def _matrix(self) -> Any:
        """Return the equations as a sparse matrix, a row each."""
        from scipy.sparse import csc_array

        cells = [(i, j, n) for i, one in enumerate(self.equations) for j, n in one.items()]
        rows, columns, factors = zip(*cells, strict=True) if cells else ((), (), ())
        shape = len(self.equations), len(self.values)
        return csc_array((np.array(factors, float), (rows, columns)), shape=shape)

    @cached_property
    def _standing_in(self) -> list[list[int]]:
        """Return the equations in which each number stands."""
        found: list[list[int]] = [[] for _ in self.values]
        for row, equation in enumerate(self.equations):
            for column in equation:
                found[column].append(row)
        return found

    def free_change(self, movable: Sequence[int], wanted: Iterable[int], draw: int) -> Numbers:
        """Return a change by 1 at most of the movable numbers which moves many that are wanted.

        ``draw`` is the number of the try: another one moves others.
        """
        from scipy.optimize import Bounds

        pull = np.zeros(len(self.values))
        places = list(wanted)
        pull[places] = np.random.default_rng(draw).choice((-1, 1), len(places))
        lowest = np.maximum(1 - self.values[movable], -1)
        part = self._matrix[:, movable]
        found = _solved(-pull[movable], part, Bounds(lowest, np.ones(len(movable))))
        return self._whole(movable, found)

    def least_change(self, place: int, costs: Numbers) -> Numbers:
        """Return the change that moves one number at the least cost of all numbers it moves.

        There always is one: all numbers can be twice what they are.
        """
        width = _WIDTH
        while True:
            near = self._near(place, costs, width)
            change = self._whole(near, self._change_among(near, near.index(place), costs[near]))
            if change[place]:
                return change
            if self._has_all_of_its_sums(near):
                return self._whole(near, self.values[near])
            width *= 2

    def _has_all_of_its_sums(self, near: list[int]) -> bool:
        rows = {row for one in near for row in self._standing_in[one]}
        return {one for row in rows for one in self.equations[row]} <= set(near)

    def _near(self, place: int, costs: Numbers, width: int) -> list[int]:
        """Return the numbers that may move with one: of each sum the free and so many cheap ones.

        With them are all that stand in these sums only, so that a change can come to its end.
        """
        seen, rows, edge = {place}, set[int](), {place}
        for _ in range(width):
            new = {row for one in edge for row in self._standing_in[one]} - rows
            rows |= new
            edge = {one for row in new for one in self._cheapest(row, costs, width)} - seen
            seen |= edge
        within = Counter(one for row in rows for one in self.equations[row])
        seen |= {one for one, n in within.items() if n == len(self._standing_in[one])}
        return sorted(seen)

    def _cheapest(self, row: int, costs: Numbers, width: int) -> list[int]:
        ordered = sorted(self.equations[row], key=lambda one: (costs[one], one))
        n_free = sum(not costs[one] for one in ordered)
        return ordered[: min(n_free, 4 * width)] + ordered[n_free : n_free + width]

    def _change_among(self, near: list[int], at: int, costs: Numbers) -> Numbers | None:
        """Return the cheaper of the changes that move the number ``at`` a place up and down."""
        from scipy.optimize import Bounds
        from scipy.sparse import hstack

        size = len(near)
        part = self._matrix[:, near]
        part = part[np.unique(part.indices)]
        both = hstack([part, -part], format="csc")
        price = np.tile(costs + _TINY, 2)
        best, least = None, np.inf
        for way, other in ((at, size + at), (size + at, at)):
            low, high = np.zeros(2 * size), np.full(2 * size, FARTHEST)
            high[size:] = np.minimum(self.values[near] - 1, FARTHEST)
            low[way], high[other] = 1, 0
            # A change that can be turned round costs as much the other way.
            if low[way] > high[way] or (best is not None and (self.values[near] > best).all()):
                continue
            found = _solved(price, both, Bounds(low, high))
            if found is not None and (cost := float(price @ found)) < least - _TINY / 2:
                best, least = found[:size] - found[size:], cost
        return best

    def _whole(self, places: Sequence[int], found: Numbers | None) -> Numbers:
        """Return a change of some numbers as one of all, or none if it breaks an equation.

        The equations are tried in whole numbers, as the solver allows of small errors.
        """
        change = np.zeros(len(self.values), np.int64)
        if found is not None:
            change[places] = found
        holds = not (self._matrix @ change).any() and (self.values + change >= 1).all()
        return change if holds else np.zeros_like(change)


def _solved(price: Numbers, matrix: Any, bounds: Any) -> Numbers | None:
    """Return the whole numbers in their bounds that cost the least and that all rows bring to 0.

    Mostly the cheapest numbers are whole ones even where they need not be, which is found sooner.
    """
    from scipy.optimize import LinearConstraint, milp

    rows = [LinearConstraint(matrix, 0, 0)] if matrix.shape[0] else []
    for integrality in (0, 1):
        options = {"node_limit": _NODES, "mip_rel_gap": 0.0}
        found = milp(
            price, integrality=integrality, bounds=bounds, constraints=rows, options=options
        ).x
        if found is None or np.abs(found - np.rint(found)).max(initial=0) < _NEARLY:
            break
    return None if found is None else np.rint(found).astype(np.int64)
