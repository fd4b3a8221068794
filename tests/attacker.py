"""Who sees what is published, and solves for the rest: a solver apart from the product's own.

Part of the tests of suppression, of invented tables and of the reports themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from triage.report.document import HIDDEN, Bound, Count, Document, Share, counts_in
from triage.report.shown import Shown, rest
from triage.report.suppression import hidden

Term: TypeAlias = tuple[float, str]
"""A factor, and the key of a count."""


def published(made: Document, keys: Collection[str] | None = None) -> Shown:
    """Return a document as it may be published, or with some counts hidden."""
    return Shown(made, frozenset(hidden(made) if keys is None else keys), is_published=True)


def counts_of(made: Document) -> dict[str, int]:
    """Return what anything tells of: counts in cells and in sums, and the rests of shares."""
    cells = list(made.cells())
    found = {count.key: count.n for cell in cells for count in counts_in(cell)}
    for cell in cells:
        if isinstance(cell, Share | Bound):
            found[rest(cell.part, cell.whole).key] = cell.whole.n - cell.part.n
    for one in made.sums:
        found |= {count.key: count.n for count in (one.whole, *one.parts)}
    return found


def small(made: Document) -> set[str]:
    """Return the keys of the counts that are never to be known."""
    return {key for key, n in counts_of(made).items() if 1 <= n <= 5}


class Attacker:
    """Who sees what is published, knows the sums, and solves for the rest in whole numbers.

    It is told more than a reader is: that nothing hidden is 0, and of what stands in no cell which
    are 0 and which are not. What is shown it takes from the cells as they are printed. Counts that
    no law binds to each other are solved for apart.
    """

    def __init__(self, shown: Shown) -> None:
        made = shown.document
        self.known: dict[str, int] = {}
        for cell in made.cells():
            if isinstance(cell, Count) and (value := shown.value(cell)) != HIDDEN:
                assert isinstance(value, int)
                self.known[cell.key] = value
        truth = counts_of(made)
        self.known |= {key: 0 for key, n in truth.items() if not n}
        self.rests = {
            rest(cell.part, cell.whole).key: cell
            for cell in made.cells()
            if isinstance(cell, Share | Bound)
        }
        own = {count.key for cell in made.cells() for count in counts_in(cell)}
        own |= {count.key for one in made.sums for count in (one.whole, *one.parts)}
        self.unknown = own - self.known.keys()
        self.group = {key: key for key in self.unknown}
        self.laws: list[tuple[dict[str, float], float, float]] = []
        for one in made.sums:
            self.learn([(1, part.key) for part in one.parts] + [(-1, one.whole.key)], 0, 0)
        for key, cell in self.rests.items():
            if key in own:
                self.learn([(1, key), (1, cell.part.key), (-1, cell.whole.key)], 0, 0)
            if truth[key]:
                self.learn(self.terms(key), 1, np.inf)
        for cell in made.cells():
            if isinstance(cell, Share) and isinstance(value := shown.value(cell), float):
                part, whole = cell.part.key, cell.whole.key
                self.learn([(1, part), (-(value - 0.05001) / 100, whole)], 0, np.inf)
                self.learn([(1, part), (-(value + 0.05001) / 100, whole)], -np.inf, 0)
        self.most = 10 * max(truth.values(), default=1) + 100

    def terms(self, key: str) -> list[Term]:
        """Return what a count is made of, where it is the rest of a share alone."""
        if key in self.rests and key not in self.unknown and key not in self.known:
            cell = self.rests[key]
            return [(1, cell.whole.key), (-1, cell.part.key)]
        return [(1, key)]

    def row(self, terms: Iterable[Term]) -> tuple[dict[str, float], float]:
        """Return terms as factors of what is not known, and the number that the others make."""
        row: dict[str, float] = {}
        constant = 0.0
        for factor, key in terms:
            if key in self.known:
                constant += factor * self.known[key]
            else:
                row[key] = row.get(key, 0) + factor
        return {key: factor for key, factor in row.items() if factor}, constant

    def learn(self, terms: Iterable[Term], low: float, high: float) -> None:
        """Keep that terms make a number from one to another."""
        row, constant = self.row(terms)
        if row:
            self.laws.append((row, low - constant, high - constant))
            self.bind(row)

    def bind(self, keys: Iterable[str]) -> None:
        """Keep that counts hang on each other."""
        first, *others = map(self.root, keys)
        for other in others:
            self.group[self.root(other)] = self.root(first)

    def root(self, key: str) -> str:
        """Return the count that stands for all that hang on each other with this one."""
        while self.group[key] != key:
            self.group[key] = self.group[self.group[key]]
            key = self.group[key]
        return key

    def recovers(self, keys: Iterable[str]) -> dict[str, int]:
        """Return the values of these that only one number can be."""
        found: dict[str, int] = {}
        asked: dict[str, tuple[dict[str, float], float]] = {}
        for key in keys:
            row, constant = self.row(self.terms(key))
            if row:
                self.bind(row)
                asked[key] = (row, constant)
            else:
                found[key] = round(constant)
        rows: dict[str, list[tuple[str, dict[str, float], float]]] = {}
        for key, (row, constant) in asked.items():
            rows.setdefault(self.root(next(iter(row))), []).append((key, row, constant))
        members: dict[str, list[str]] = {}
        for key in sorted(self.unknown):
            members.setdefault(self.root(key), []).append(key)
        laws: dict[str, list[tuple[dict[str, float], float, float]]] = {}
        for law in self.laws:
            laws.setdefault(self.root(next(iter(law[0]))), []).append(law)
        for root, of_root in rows.items():
            part = _Part(members[root], laws.get(root, []), self.most)
            found |= part.recovers(of_root)
        return found


class _Part:
    """Counts that hang on each other, and the laws between them."""

    def __init__(
        self, keys: Sequence[str], laws: Sequence[tuple[dict[str, float], float, float]], most: int
    ) -> None:
        from scipy.optimize import LinearConstraint
        from scipy.sparse import csr_array

        self.place = {key: place for place, key in enumerate(keys)}
        self.most = most
        self.laws = []
        if laws:
            rows = csr_array(np.array([self.vector(row) for row, _, _ in laws]))
            low, high = ([law[side] for law in laws] for side in (1, 2))
            self.laws = [LinearConstraint(rows, low, high)]

    def vector(self, row: dict[str, float]) -> Any:
        found = np.zeros(len(self.place))
        for key, factor in row.items():
            found[self.place[key]] = factor
        return found

    def least(self, price: Any) -> Any:
        from scipy.optimize import Bounds, milp

        found = milp(price, integrality=1, bounds=Bounds(1, self.most), constraints=self.laws)
        assert found.x is not None, found.message
        return np.rint(found.x)

    def recovers(self, asked: Sequence[tuple[str, dict[str, float], float]]) -> dict[str, int]:
        pull = np.random.default_rng(1).normal(size=len(self.place))
        solutions = [self.least(pull), self.least(-pull)]
        found = {}
        for key, terms, constant in asked:
            row = self.vector(terms)
            for price in (row, -row):
                if len({round(row @ one) for one in solutions}) == 1:
                    solutions.append(self.least(price))
            values = {round(row @ one + constant) for one in solutions}
            if len(values) == 1:
                found[key] = values.pop()
        return found


def recovered(made: Document, keys: Collection[str] | None = None) -> dict[str, int]:
    """Return what can be recovered of all that is hidden or small."""
    keys = hidden(made) if keys is None else keys
    return Attacker(published(made, keys)).recovers(sorted(small(made).union(keys)))
