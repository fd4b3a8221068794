"""The axes of charts: how far they reach, where their ticks stand, and how wide texts are."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from triage.calendar import spoken_date
from triage.report.chart_data import Picture
from triage.report.texts import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK: Final = "#0b0c0c"
SIZE: Final = 9.0
"""Points of all texts in a chart."""
LINE: Final = 0.155
"""Inches from a line of text to the next."""
_GRID: Final = "#d4d4d4"
_NARROW: Final = 0.54
_WIDE: Final = 1.05
"""Widths of letters in parts of their height: no font need be installed to tell them."""
_FROM_ZERO_BELOW: Final = 0.4
"""A control chart that reaches this low, as a part of its top, begins at nought."""


def width_of(text: str) -> float:
    """Return how many inches a text takes, its longest line."""
    return max(map(_line_width, text.split("\n"))) * SIZE / 72


def _line_width(line: str) -> float:
    return sum(
        _WIDE
        if unicodedata.east_asian_width(letter) in "WF"
        else 0.8
        if letter.isupper() or letter in "mw%@"
        else _NARROW
        for letter in line
    )


def shortened(text: str, most: int) -> str:
    """Return a text on one line with at most so many characters."""
    line = " ".join(readable(text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def wrapped(text: str, width: int, most: int) -> str:
    """Return a text on at most so many lines; what is cut off reads … (the table has it all)."""
    lines = textwrap.wrap(readable(text), width, max_lines=most, placeholder="…")
    wide = [line for line in lines if _line_width(line) > width * 0.8]
    if wide:
        lines = textwrap.wrap(readable(text), width * 5 // 9, max_lines=most, placeholder="…")
    return "\n".join(lines)


def number_text(value: float, found: Picture) -> str:
    """Return a number as a tick has it."""
    digits = 0 if found.is_whole or value == round(value) else 1
    if abs(value) < 1 and value != round(value):
        digits = 2
    return f"{value:,.{digits}f}" + ("%" if found.is_percent else "")


def no_values(axes: Axes) -> None:
    """Say in a chart that it has nothing to draw."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, "No figure can be drawn; see the table.", ha="center", va="center",
              transform=axes.transAxes)  # fmt: skip


def bounded(
    found: Picture, texts: Sequence[str], room: float, *, is_control: bool = False
) -> tuple[float, float]:
    """Return from where to where the axis of values goes, in its own unit.

    It begins at nought where no value is below, so that lengths and heights compare as the values
    do; only a control chart, which is about change, may begin higher. ``texts`` stand at the ends
    of bars, in ``room`` inches.
    """
    values = found.values()
    lowest, highest = min(values), max(values)
    if is_control and lowest > _FROM_ZERO_BELOW * highest:
        margin = (highest - lowest or abs(highest) or 1) * 0.15
        return lowest - margin, highest + margin
    low, high = min(lowest, 0.0), max(highest, 0.0)
    span = high - low or 1.0
    part = (max(map(width_of, texts)) + 0.12) / room if texts else 0.06
    part = min(part, 0.4)
    if texts:
        below = span * part / (1 - part) if low < 0 else 0
        return low - below, high + span * part / (1 - part) if high > 0 or low == 0 else below
    return low - (span * part if low < 0 else 0), high + span * part


def value_axis(axis: Any, found: Picture) -> None:
    """Give the axis of values few round ticks and a faint grid."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    steps = [1, 2, 5, 10] if found.is_whole else [1, 2, 2.5, 5, 10]
    axis.set_major_locator(MaxNLocator(6, steps=steps, integer=found.is_whole))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number_text(value, found)))
    axis.axes.set_axisbelow(True)
    axis.grid(visible=True, color=_GRID, linewidth=0.7)


def x_axis(axes: Axes, found: Picture, heading: str, room: float, height: float) -> None:
    """Give the other axis its ticks: as many as there is room for; the plot is so many inches."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlabel(heading, parse_math=False)
    if found.axis == "number":
        # A curve begins where its time does, at the axis.
        axes.margins(x=0.02)
        axes.xaxis.set_major_locator(MaxNLocator(8))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        return
    if found.axis == "date":
        at = sorted({x for one in found.series for x in one.xs})
        labels = _short([dt.date.fromordinal(int(one)) for one in at])
    else:
        at = [float(place) for place in range(len(found.labels))]
        labels = [wrapped(label, 16, 2) for label in found.labels]
    first, last = at[0], at[-1]
    margin = (last - first) * 0.03 or 0.5
    axes.set_xlim(first - margin, last + margin)
    inches = room / (last - first + 2 * margin)
    wanted = max(map(width_of, labels)) + 0.12
    kept = _spaced([one * inches for one in at], wanted)
    axes.set_xticks([at[one] for one in kept], [""] * len(kept))
    for one in kept:
        for turn, line in enumerate(labels[one].split("\n")):
            axes.text(
                at[one],
                -(0.19 + turn * LINE) / height,
                line,
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="baseline",
                parse_math=False,
            )
    n_lines = max(labels[one].count("\n") for one in kept) + 1
    axes.xaxis.labelpad = 72 * (0.02 + n_lines * LINE)


def _short(dates: Sequence[dt.date]) -> list[str]:
    """Return dates as 3 Feb 2026, or as Feb 2026 where all are the first of a month."""
    are_months = all(date.day == 1 for date in dates)
    spoken = [spoken_date(date).split() for date in dates]
    return [
        " ".join([*([] if are_months else [day]), month[:3], year]) for day, month, year in spoken
    ]


def _spaced(inches: list[float], wanted: float) -> list[int]:
    """Return which places get a label: at even steps where all are even, and never too near."""
    gaps = [after - before for before, after in itertools.pairwise(inches)]
    step = max(1, math.ceil(wanted / min(gaps))) if gaps and min(gaps) > 0 else 1
    is_even = not gaps or max(gaps) < 1.3 * min(gaps)
    if is_even:
        return list(range(0, len(inches), step))
    kept = [0]
    for place, inch in enumerate(inches):
        if inch - inches[kept[-1]] >= wanted:
            kept.append(place)
    return kept
