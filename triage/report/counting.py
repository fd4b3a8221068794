"""Tables of counts by what the counted have in common, made the same way in every report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from triage.report.document import Bound, Cell, Chart, Column, Count, Series, Share, Sum, Table
from triage.report.shown import rest

NOT_RECORDED = "not recorded"
"""Stands for a team, a need or a source that the records do not tell."""


@dataclass
class Counting:
    """Counts of a document, each under its key, and the sums that hold between them."""

    sums: list[Sum] = field(default_factory=list)

    def whole(self, key: str, parts: Sequence[Count]) -> Count:
        """Return the count of some counts together."""
        found = Count(key, sum(part.n for part in parts))
        self.sums.append(Sum(found, tuple(parts)))
        return found

    def add(self, whole: Count, parts: Sequence[Count]) -> None:
        """Keep that counts which stand already are a whole together."""
        self.sums.append(Sum(whole, tuple(parts)))

    def split(self, whole: Count, by: str, parts: Mapping[str, int]) -> dict[str, Count]:
        """Return the counts of parts that are a whole together, by their names.

        ``by`` is by what they are told apart: the same parts of a whole are the same counts.

        Raises:
            ValueError: when they do not add up.
        """
        found = {name: Count(f"{whole.key} | {by}: {name}", n) for name, n in parts.items()}
        if sum(parts.values()) != whole.n:
            raise ValueError(f"{whole.key}: {whole.n} is not the sum of {dict(parts)}")
        self.sums.append(Sum(whole, tuple(found.values())))
        return found


def shares_table(
    counting: Counting,
    name: str,
    title: str,
    what: str,
    whole: Count,
    parts: Mapping[str, int],
    notes: Sequence[str] = (),
    *,
    by: str = "",
) -> Table:
    """Return how many of a whole are of each kind, with the share of each, and all of them last.

    ``by`` is by what they are told apart, where the heading ``what`` does not say that.
    """
    counts = counting.split(whole, by or what, parts)
    rows: list[tuple[Cell, ...]] = [
        (text, count, Share(count, whole)) for text, count in counts.items()
    ]
    rows.append(("All", whole, Share(whole, whole)))
    columns = (Column(what, "text"), Column("Number"), Column("Share", "share"))
    return Table(name, title, columns, tuple(rows), tuple(notes), has_total=True)


def tally(texts: Iterable[str], order: Sequence[str] | None = None) -> dict[str, int]:
    """Return how often each text occurs: in an order that is given, else the alphabet's.

    With an order, texts that do not occur count nought; what is not recorded comes last.
    """
    found = Counter(texts)
    if order is not None:
        missing = sorted(found.keys() - set(order))
        return {text: found.get(text, 0) for text in (*order, *missing)}
    names = sorted(found, key=lambda text: (text == NOT_RECORDED, text))
    return {text: found[text] for text in names}


def by_table(
    counting: Counting,
    name: str,
    title: str,
    what: str,
    groups: Sequence[str],
    measures: Sequence[tuple[str, Count, Callable[[str], int]]],
    shares: Sequence[tuple[str, int, int]] = (),
    notes: Sequence[str] = (),
    nested: Sequence[tuple[int, int]] = (),
) -> Table:
    """Return measures by group, all groups last.

    ``nested`` are places of measures of which the first takes the second in: what is shown of both
    tells the difference as well.

    ``measures`` are a heading, the count over all groups, and what gives it for one. ``shares`` are
    a heading and the places of the measures that are its part and its whole, shown with Wilson's
    95 % interval.
    """
    parts = [
        counting.split(whole, what, {group: of(group) for group in groups})
        for _, whole, of in measures
    ]
    rows: list[tuple[Cell, ...]] = []
    for group in (*groups, None):
        counts = [
            whole if group is None else part[group]
            for part, (_, whole, _) in zip(parts, measures, strict=True)
        ]
        for whole_at, part_at in nested:
            one, other = counts[part_at], counts[whole_at]
            counting.add(other, [one, rest(one, other)])
        cells: list[Cell] = ["All" if group is None else group, *counts]
        for _, part, of in shares:
            one, other = counts[part], counts[of]
            cells += [Share(one, other), Bound(one, other, "low"), Bound(one, other, "high")]
        rows.append(tuple(cells))
    columns = [Column(what, "text"), *(Column(heading) for heading, _, _ in measures)]
    for heading, _, _ in shares:
        columns += [
            Column(heading, "share"),
            Column(f"{heading}: from", "share"),
            Column(f"{heading}: to", "share"),
        ]
    return Table(name, title, tuple(columns), tuple(rows), tuple(notes), has_total=True)


def bars_of(name: str, title: str, table: Table, columns: Sequence[int], unit: str) -> Chart:
    """Return bars of some columns of a table, its total left out."""
    rows = table.rows[:-1] if table.has_total else table.rows
    only = tuple(str(row[0]) for row in rows)
    series = tuple(Series(at, table.columns[at].heading, only=only) for at in columns)
    alternative = f"Bars, one for each row of the table “{table.title}” that stands beside them."
    return Chart(name, title, "bars", table, series, unit, alternative)
