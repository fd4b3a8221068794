"""A document as data: sections of words, tables and charts, before it takes any form.

Each figure that counts children or cases is a ``Count`` with a key: the same key is the same figure
wherever it stands, so that one that may not be published is hidden in every table, sentence and
chart at once (``triage.report.suppression``). What is reckoned from counts names them, and is
hidden with them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

HIDDEN: Final = "c"
"""Stands for a figure that is suppressed, as in the department's own statistics."""
NOT_APPLICABLE: Final = "z"
"""Stands for a figure that cannot be, such as a share of nobody."""
NOT_AVAILABLE: Final = ":"
"""Stands for a figure that nobody has."""

Kind = Literal["text", "count", "share", "number", "date"]
"""Of what a column is: shares are percentages with one decimal, numbers have up to one."""


@dataclass(frozen=True)
class Count:
    """How many are so. ``key`` names what is counted, the same in every place where it stands."""

    key: str
    n: int


@dataclass(frozen=True)
class Share:
    """What part of a whole is so, in percent; of nobody it is not applicable."""

    part: Count
    whole: Count


@dataclass(frozen=True)
class Bound:
    """The lower or the upper end of a share's 95 % interval (Wilson's), in percent."""

    part: Count
    whole: Count
    side: Literal["low", "high"]


@dataclass(frozen=True)
class Statistic:
    """A number reckoned from counts, such as a median or a limit; None where there is none.

    It is hidden when one of the counts ``of`` which it tells is. ``digits`` are its decimals.
    """

    value: float | None
    of: tuple[Count, ...] = ()
    digits: int = 1


@dataclass(frozen=True)
class Remark:
    """Words that tell something of counts, and are hidden with them."""

    text: str
    of: tuple[Count, ...]


Cell: TypeAlias = Count | Share | Bound | Statistic | Remark | str | dt.date | None
"""What stands in a cell. None is not available."""


@dataclass(frozen=True)
class Sum:
    """A whole that is its parts together: what is shown of some of them tells of the others."""

    whole: Count
    parts: tuple[Count, ...]


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, and of what it is."""

    heading: str
    kind: Kind = "count"


@dataclass(frozen=True)
class Table:
    """A table; ``name`` names its file and its sheet, in at most 31 small letters and hyphens.

    The first column says what each row is about. With ``has_total`` the last row is all of them.
    ``notes`` say how to read it.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    has_total: bool = False


@dataclass(frozen=True)
class Series:
    """One line, or one set of bars, of a chart: a column of its table, by place.

    ``low`` and ``high`` are the columns of a band about it. ``only`` draws the rows alone whose
    first cell is one of these texts (all rows where it is empty).
    """

    column: int
    label: str
    low: int | None = None
    high: int | None = None
    is_reference: bool = False
    only: tuple[str, ...] = ()


ChartKind = Literal["bars", "lines", "steps", "control"]
"""Bars lie beside each other by row; lines and steps go along the table's column ``x``; a control
chart has points joined by a line, its centre and limits as reference series, and marks."""


@dataclass(frozen=True)
class Chart:
    """A chart of a table that stands beside it, with the words for whoever cannot see it.

    ``x`` is the column along which it goes. ``marked`` is the column whose text, where there is
    one, says why a point of the first series stands out. ``unit`` is what its other axis measures.
    """

    name: str
    title: str
    kind: ChartKind
    table: Table
    series: tuple[Series, ...]
    unit: str
    alternative: str
    x: int = 0
    marked: int | None = None


@dataclass(frozen=True)
class Words:
    """A paragraph; ``{}`` in it stands for the cells that follow, in turn."""

    text: str
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class Bullets:
    """A list of paragraphs."""

    items: tuple[Words, ...]


Block: TypeAlias = Words | Bullets | Table | Chart


@dataclass(frozen=True)
class Section:
    """A part of a document under a heading."""

    title: str
    blocks: tuple[Block, ...]
    is_annex: bool = False
    """An annex names single cases; it is left out of what is published."""


@dataclass(frozen=True)
class Standing:
    """On what a document stands, so that anybody can make it again and get the same.

    ``inputs`` are the names of the files of the last run with their SHA-256. ``event`` and ``head``
    are the number and the hash of the last event of the trail that changed anything. ``seen_by``
    says in words which cases whoever made it may see.
    """

    as_of: dt.date
    first_day: dt.date
    last_day: dt.date
    run: int
    inputs: tuple[tuple[str, str], ...]
    ruleset: str
    version: str
    event: int
    head: str
    seen_by: str


@dataclass(frozen=True)
class Document:
    """A document: what it is called, on what it stands, and its sections.

    ``name`` names its files. ``sums`` hold between its counts, shown or not.
    """

    name: str
    title: str
    summary: str
    standing: Standing
    sections: tuple[Section, ...]
    sums: tuple[Sum, ...] = field(default=())

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks of all sections."""
        for section in self.sections:
            yield from section.blocks

    def tables(self) -> Iterator[Table]:
        """Yield each table once, those beside charts as well."""
        seen = set()
        for block in self.blocks():
            table = block.table if isinstance(block, Chart) else block
            if isinstance(table, Table) and table.name not in seen:
                seen.add(table.name)
                yield table

    def cells(self) -> Iterator[Cell]:
        """Yield every cell of every table and sentence."""
        for table in self.tables():
            for row in table.rows:
                yield from row
        for block in self.blocks():
            for words in block.items if isinstance(block, Bullets) else (block,):
                if isinstance(words, Words):
                    yield from words.cells


def counts_in(cell: Cell) -> tuple[Count, ...]:
    """Return the counts that a cell tells something of."""
    match cell:
        case Count():
            return (cell,)
        case Share(part, whole) | Bound(part, whole):
            return (part, whole)
        case Statistic(_, of) | Remark(_, of):
            return of
        case _:
            return ()
