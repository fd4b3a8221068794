"""Documents made from the simulated quarter, read as plain tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cache
from typing import Any

from oracle_reports import Reading
from quarter import LAST, TABLE, Quarter, asker

from triage import reporting, store
from triage.report.document import Document, Section, Words
from triage.report.records import Records
from triage.report.shown import Shown

MANAGER = asker("m.manager", LAST, 600)


class Told:
    """A document as anybody reads it: its tables by name, and its sentences."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.shown = Shown(document)

    def rows(self, name: str) -> list[list[Any]]:
        """Return the rows of a table, each figure as a number."""
        (table,) = (one for one in self.document.tables() if one.name == name)
        return [[self.shown.value(cell) for cell in row] for row in table.rows]

    def by_text(self, name: str, column: int | None = None) -> dict[str, Any]:
        """Return what stands beside each text of the first column: all of it, or one column."""
        return {str(row[0]): row[1:] if column is None else row[column] for row in self.rows(name)}

    def by_code(self, name: str, column: int | None = None) -> dict[str, Any]:
        """Return the same by the code that the text begins with."""
        found = self.by_text(name, column)
        return {coded(words): beside for words, beside in found.items()}

    def numbers(self, title: str, place: int = 0) -> list[Any]:
        """Return the figures of a sentence of a section."""
        section = next(one for one in self.document.sections if one.title == title)
        words = _words(section)[place]
        return [self.shown.value(cell) for cell in words.cells]

    def text(self) -> str:
        """Return every sentence of the document."""
        return "\n".join(
            self.shown.words(words)
            for section in self.document.sections
            for words in _words(section)
        )


def coded(words: str) -> str:
    """Return the code that a text begins with, such as N1 or RC7; else the text."""
    first = words.split(" ")[0]
    is_code = first[-1:].isdigit() or (first[:1].isdigit() and first[-1:].isupper())
    return first if is_code and len(first) <= 3 else words


def _words(section: Section) -> list[Words]:
    return [one for one in section.blocks if isinstance(one, Words)]


@cache
def records_of(url: str) -> Records:
    """Return what a manager's reports are made from."""
    return store.records_of(url, MANAGER)


def told(quarter: Quarter, name: Any, to: dt.date | None = None, **asked: Any) -> Told:
    """Return a report of the quarter."""
    records = records_of(quarter.url)
    return Told(reporting.document_of(name, records, reporting.Asked(to, **asked)))


@cache
def reading(teams: tuple[str, ...] | None = None, *, reader: bool = False) -> Reading:
    """Return the independent reading of the records as of the last night."""
    return Reading(TABLE, LAST, teams, reader=reader)


def nonzero(found: dict[str, Any]) -> dict[str, Any]:
    """Return what there is some of."""
    return {key: n for key, n in found.items() if n and key != "All"}


def total(counts: Iterable[int]) -> int:
    return sum(counts)
