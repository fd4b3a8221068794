"""What a chart draws, from the cells of its table: places, values, and gaps where there is none.

Only what is shown goes into it; so a picture cannot tell what a table hides.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from triage.report.document import Cell, Chart, Remark, Series
from triage.report.shown import Shown
from triage.report.texts import cell_text, readable

GAP: Final = math.nan
"""Stands where there is no value; nothing is drawn there, and no line goes across."""

_Row = tuple[Cell, ...]
_Key = tuple[float | str, int]


@dataclass(frozen=True)
class Drawn:
    """One series as it is drawn: at each of ``xs`` a value or a gap, and what the table says."""

    series: Series
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    texts: tuple[str, ...]
    marked: tuple[bool, ...]

    @property
    def has_band(self) -> bool:
        """Return whether there is a band about it."""
        return any(not math.isnan(one) for one in (*self.lows, *self.highs))


@dataclass(frozen=True)
class Picture:
    """A chart's series on one axis: ``labels`` name the places 0, 1, ... of an axis of texts."""

    axis: Literal["text", "number", "date"]
    labels: tuple[str, ...]
    series: tuple[Drawn, ...]
    is_percent: bool
    is_whole: bool

    def values(self) -> list[float]:
        """Return all values that are drawn, ends of bands too."""
        found = (one for each in self.series for one in (*each.ys, *each.lows, *each.highs))
        return [one for one in found if not math.isnan(one)]


def picture(chart: Chart, shown: Shown) -> Picture:
    """Return what a chart draws.

    A row of all is left out where it would dwarf the others (bars of counts) or has no place (on
    an axis of time), unless a series names it.
    """
    rows = [_rows_of(chart, series) for series in chart.series]
    axis = _axis(chart, rows, shown)
    keyed = [dict(_keyed(chart, one, axis, shown)) for one in rows]
    if axis == "text":
        keys = _merged(keyed)
        places: dict[_Key, float] = {key: float(place) for place, key in enumerate(keys)}
    else:
        keys = sorted({key for one in keyed for key in one})
        places = {key: float(key[0]) for key in keys}
    columns = [chart.table.columns[one.column] for one in chart.series]
    return Picture(
        axis=axis,
        labels=tuple(str(key[0]) for key in keys) if axis == "text" else (),
        series=tuple(
            _drawn(chart, series, one, places, shown)
            for series, one in zip(chart.series, keyed, strict=True)
        ),
        is_percent=any(one.kind == "share" for one in columns),
        is_whole=all(one.kind == "count" for one in columns),
    )


def _rows_of(chart: Chart, series: Series) -> list[_Row]:
    rows = chart.table.rows
    if series.only:
        return [row for row in rows if row[0] in series.only]
    dwarfs = chart.kind != "bars" or chart.table.columns[series.column].kind != "share"
    return list(rows[:-1] if chart.table.has_total and dwarfs else rows)


def _axis(chart: Chart, rows: list[list[_Row]], shown: Shown) -> Literal["text", "number", "date"]:
    if chart.kind == "bars":
        return "text"
    cells = [row[chart.x] for one in rows for row in one]
    values = [shown.value(cell) for cell in cells if not isinstance(cell, str | Remark)]
    known = [one for one in values if not isinstance(one, str)]
    if not known or len(values) < len(cells):
        return "text"
    return "date" if all(isinstance(one, dt.date) for one in known) else "number"


def _merged(keyed: list[dict[_Key, _Row]]) -> list[_Key]:
    """Return the places of all series in order; one that a series lacks stands as in the others."""
    merged: list[_Key] = []
    for one in sorted(keyed, key=len, reverse=True):
        after = 0
        for key in one:
            if key not in merged:
                merged.insert(after, key)
            after = merged.index(key) + 1
    return merged


def _text_at(chart: Chart, row: _Row, shown: Shown) -> str:
    return cell_text(chart.table.columns[chart.x], row[chart.x], shown)


def _keyed(chart: Chart, rows: list[_Row], axis: str, shown: Shown) -> Iterator[tuple[_Key, _Row]]:
    """Yield each row by its place; rows that read alike are told apart by their turn."""
    turns: Counter[float | str] = Counter()
    for row in rows:
        place: float | str = _text_at(chart, row, shown)
        if axis != "text":
            value = shown.value(row[chart.x])
            if isinstance(value, str):
                continue
            place = float(value.toordinal() if isinstance(value, dt.date) else value)
        yield (place, turns[place]), row
        turns[place] += 1


def _drawn(
    chart: Chart, series: Series, rows: dict[_Key, _Row], places: dict[_Key, float], shown: Shown
) -> Drawn:
    # The steps of two groups fall on different days, and a day that one lacks is no gap in it.
    keys = [key for key in places if key in rows or chart.kind != "steps"]

    def values(column: int | None) -> tuple[float, ...]:
        return tuple(_number(rows.get(key), column, shown) for key in keys)

    ys = values(series.column)
    heading = chart.table.columns[series.column]
    told = (rows.get(key) for key in keys)
    is_first = series is chart.series[0]
    return Drawn(
        series=series,
        xs=tuple(places[key] for key in keys),
        ys=ys,
        lows=values(series.low),
        highs=values(series.high),
        texts=tuple(cell_text(heading, row[series.column], shown) if row else "" for row in told),
        marked=tuple(
            is_first and not math.isnan(y) and _is_marked(chart, rows[key], shown)
            for key, y in zip(keys, ys, strict=True)
        ),
    )


def _number(row: _Row | None, column: int | None, shown: Shown) -> float:
    if row is None or column is None:
        return GAP
    value = shown.value(row[column])
    return GAP if isinstance(value, str | dt.date) else float(value)


def _is_marked(chart: Chart, row: _Row, shown: Shown) -> bool:
    if chart.marked is None:
        return False
    cell = row[chart.marked]
    if not isinstance(cell, str | Remark) or shown.is_hidden(cell):
        return False
    return bool(readable(shown.text(cell)).strip())
