"""What is shown of a document's cells: each as a number, and as the text that people read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import assert_never

from triage.calendar import spoken_date
from triage.report.document import (
    HIDDEN,
    NOT_APPLICABLE,
    NOT_AVAILABLE,
    Bound,
    Cell,
    Count,
    Document,
    Remark,
    Share,
    Statistic,
    Words,
    counts_in,
)
from triage.report.intervals import wilson


@dataclass(frozen=True)
class Shown:
    """A document with what may not be shown of it.

    ``hidden`` are the keys of counts that are suppressed, ``is_published`` whether any would be.
    ``texts`` keeps those of its tables, which every form of it shows alike.
    """

    document: Document
    hidden: frozenset[str] = frozenset()
    is_published: bool = False
    texts: dict[int, list[list[str]]] = field(default_factory=dict, compare=False, repr=False)

    def is_hidden(self, cell: Cell) -> bool:
        """Return whether a cell tells of a count that is suppressed.

        A share tells of the rest of its whole as well; so that is suppressed by its own key.
        """
        if not self.hidden:
            return False
        keys = [count.key for count in counts_in(cell)]
        if isinstance(cell, Share | Bound):
            keys.append(rest(cell.part, cell.whole).key)
        return any(key in self.hidden for key in keys)

    def value(self, cell: Cell) -> float | int | str | dt.date:
        """Return a cell for a machine: a number, a date, a text, or the mark of what is missing."""
        if self.is_hidden(cell):
            return HIDDEN
        match cell:
            case None:
                return NOT_AVAILABLE
            case str() | dt.date():
                return cell
            case Remark():
                return cell.text
            case Count():
                return cell.n
            case Share():
                whole = cell.whole.n
                return round(100 * cell.part.n / whole, 1) if whole else NOT_APPLICABLE
            case Bound():
                if not cell.whole.n:
                    return NOT_APPLICABLE
                low, high = wilson(cell.part.n, cell.whole.n)
                return round(100 * (low if cell.side == "low" else high), 1)
            case Statistic():
                if cell.value is None:
                    return NOT_APPLICABLE
                found = round(cell.value, cell.digits)
                return found if cell.digits else int(found)
            case _:
                assert_never(cell)

    def text(self, cell: Cell) -> str:
        """Return a cell for people: thousands apart, percentages with their sign."""
        found = self.value(cell)
        if isinstance(found, str):
            return found
        if isinstance(found, dt.date):
            return spoken_date(found)
        if isinstance(cell, Share | Bound):
            return f"{found:.1f}%"
        return f"{found:,.{cell.digits}f}" if isinstance(cell, Statistic) else f"{found:,}"

    def words(self, words: Words) -> str:
        """Return a paragraph with its cells in it."""
        return words.text.format(*map(self.text, words.cells))

    @property
    def n_hidden(self) -> int:
        """Return how many cells of tables and sentences are hidden."""
        return sum(map(self.is_hidden, self.document.cells()))


def rest(part: Count, whole: Count) -> Count:
    """Return how many of a whole are not in a part of it, which a share tells as well."""
    return Count(f"{whole.key} without {part.key}", whole.n - part.n)
