"""Charts as SVG inside a page: text stays text, and the same chart is the same bytes.

What is hidden, or is not there, leaves a gap; the table beside a chart says which.
"""

from __future__ import annotations

import io
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from triage.report.chart_axes import (
    INK,
    LINE,
    SIZE,
    bounded,
    no_values,
    number_text,
    shortened,
    value_axis,
    width_of,
    wrapped,
    x_axis,
)
from triage.report.chart_data import GAP, Drawn, Picture, picture
from triage.report.chart_looks import (
    COLOURS,
    MARKED_LOOK,
    bar_look,
    dash_of,
    legend_of,
    marker_of,
    reference_look,
)
from triage.report.chart_svg import in_a_page
from triage.report.document import Chart
from triage.report.shown import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH: Final = 7.0
_PLOT_HEIGHT: Final = 2.7
_EMPTY_HEIGHT: Final = 0.5
_NOTE: Final = 0.24
_MOST_ROWS: Final = 40
"""More rows than this make bars that fill more than a page; the table has them all."""
_LEGEND_LINE: Final = 0.24
_ONE_AT_A_TIME: Final = threading.Lock()
"""Matplotlib's settings are those of the whole process."""


def svg(chart: Chart, shown: Shown, number: int) -> str:
    """Return a chart as an SVG element; ``number`` makes its ids the only ones of their page.

    A value that is hidden, or is not there, leaves a gap.
    """
    found = picture(chart, shown)
    with _drawing(f"{chart.name}-{number}"):
        from matplotlib.backends.backend_svg import FigureCanvasSVG

        figure = _bars(chart, found) if chart.kind == "bars" else _along(chart, found)
        out = io.StringIO()
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(
            out, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return in_a_page(out.getvalue(), chart.title, chart.alternative, number)


@contextmanager
def _drawing(salt: str) -> Iterator[None]:
    """Draw with the settings that Matplotlib ships, whatever the user's own file says."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        # Its first import tells on standard error that it looks for fonts.
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        import matplotlib

        # It measures with its own font, which need not have every letter that a browser has.
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        own = matplotlib.rcParamsDefault
        settings = {name: own[name] for name in own if not name.startswith("backend")}
        with matplotlib.rc_context(
            settings
            | {
                "svg.fonttype": "none",
                "svg.hashsalt": salt,
                "font.family": "DejaVu Sans",
                "font.size": SIZE,
                "text.color": INK,
                "axes.edgecolor": INK,
                "xtick.color": INK,
                "ytick.color": INK,
                "hatch.linewidth": 1.1,
            }
        ):
            yield


def _bars(chart: Chart, found: Picture) -> Figure:
    bars = [one for one in found.series if not one.series.is_reference]
    n_rows = min(len(found.labels), _MOST_ROWS)
    labels = [wrapped(label, 30, 3) for label in found.labels[:n_rows]]
    thick = 0.22 if len(bars) < 2 else 0.165
    heights = [
        max(thick * max(len(bars), 1) + 0.13, LINE * (label.count("\n") + 1) + 0.1)
        for label in labels
    ]
    left = 0.25 + max((width_of(label) for label in labels), default=0.5)
    handles = legend_of(chart, found)
    notes = _cut_off(len(found.labels), n_rows)
    figure, axes = _frame(
        handles,
        max(sum(heights), _EMPTY_HEIGHT),
        left,
        foot=0.62 + (_NOTE if notes else 0),
        right=0.15,
    )
    values = found.values()
    if not values:
        no_values(axes)
        return figure
    low, high = bounded(found, [text for one in bars for text in one.texts], _WIDTH - left - 0.15)
    axes.set_xlim(low, high)
    axes.set_ylim(sum(heights), 0)
    middles = [sum(heights[:place]) + height / 2 for place, height in enumerate(heights)]
    for turn, one in enumerate(bars):
        offset = (turn - (len(bars) - 1) / 2) * thick
        _bars_of(axes, one, turn, [middle + offset for middle in middles], thick)
    references = [one for one in found.series if one.series.is_reference]
    for turn, one in enumerate(references):
        for place, height, middle in zip(range(n_rows), heights, middles, strict=True):
            axes.plot(
                [one.ys[place]] * 2,
                [middle - height / 2, middle + height / 2],
                **reference_look(turn),
                zorder=4,
            )
    axes.axvline(0, color=INK, linewidth=0.9, zorder=5)
    axes.set_yticks([])
    for label, middle in zip(labels, middles, strict=True):
        _named(axes, label, middle)
    axes.spines["left"].set_visible(False)
    value_axis(axes.xaxis, found)
    axes.set_xlabel(shortened(chart.unit, 80), parse_math=False)
    _noted(figure, notes)
    return figure


def _named(axes: Axes, label: str, middle: float) -> None:
    """Write a row's name beside it; each line is a text of its own, so that all end together."""
    lines = label.split("\n")
    for turn, line in enumerate(lines):
        axes.text(
            -0.012,
            middle + (turn - (len(lines) - 1) / 2) * LINE,
            line,
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center_baseline",
            parse_math=False,
        )


def _bars_of(axes: Axes, one: Drawn, turn: int, middles: list[float], thick: float) -> None:
    look = bar_look(turn)
    low, high = axes.get_xlim()
    space = (high - low) * 0.008
    for place, middle in enumerate(middles):
        value = one.ys[place]
        at = 0.0
        if value == value:
            axes.barh(middle, value, thick * 0.88, **look, zorder=2)
            at = value
        ends = [end for end in (one.lows[place], one.highs[place]) if end == end]
        if len(ends) == 2 and value == value:
            axes.plot(ends, [middle] * 2, color="white", linewidth=3.4, zorder=3)
            axes.plot(ends, [middle] * 2, color=INK, linewidth=1.2, marker="|", zorder=4)
            at = min(ends) if value < 0 else max(ends)
        is_left = at < 0
        axes.text(
            at - space if is_left else at + space,
            middle,
            one.texts[place],
            ha="right" if is_left else "left",
            va="center_baseline",
            size=SIZE - 0.5,
            zorder=6,
            parse_math=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )


def _along(chart: Chart, found: Picture) -> Figure:
    handles = legend_of(chart, found)
    ticks = [number_text(one, found) for one in found.values()]
    left = 0.35 + max((width_of(text) for text in ticks), default=0.4)
    notes = _broken(found)
    figure, axes = _frame(
        handles,
        _PLOT_HEIGHT if found.values() else _EMPTY_HEIGHT,
        left,
        foot=(0.62 if found.values() else 0.1) + (_NOTE if notes else 0),
        right=0.3,
        head=0.28,
    )
    if not found.values():
        no_values(axes)
        return figure
    _noted(figure, notes)
    turns = {False: 0, True: 0}
    for one in found.series:
        is_reference = one.series.is_reference
        _line(chart, axes, one, turns[is_reference])
        turns[is_reference] += 1
    low, high = bounded(found, [], 0, is_control=chart.kind == "control")
    axes.set_ylim(low, high)
    value_axis(axes.yaxis, found)
    heading = shortened(chart.table.columns[chart.x].heading, 80)
    x_axis(axes, found, heading, _WIDTH - left - 0.3, _PLOT_HEIGHT)
    top = 1 + 0.1 / _PLOT_HEIGHT
    axes.text(
        -(left - 0.08) / (_WIDTH - left - 0.3),
        top,
        shortened(chart.unit, 100),
        transform=axes.transAxes,
        va="bottom",
        parse_math=False,
    )
    return figure


def _line(chart: Chart, axes: Axes, one: Drawn, turn: int) -> None:
    if one.series.is_reference:
        style = "steps-mid" if chart.kind == "control" else "default"
        style = "steps-post" if chart.kind == "steps" else style
        axes.plot(one.xs, one.ys, **reference_look(turn), drawstyle=style, zorder=2)
        return
    colour = COLOURS[turn % len(COLOURS)]
    is_steps = chart.kind == "steps"
    step: Any = "post" if is_steps else None
    if one.has_band:
        axes.fill_between(
            one.xs, one.lows, one.highs, step=step, facecolor=colour, alpha=0.13, linewidth=0
        )
        for ends in (one.lows, one.highs):
            axes.plot(
                one.xs, ends, color=colour, linewidth=0.7,
                drawstyle="steps-post" if is_steps else "default",
            )  # fmt: skip
    axes.plot(
        one.xs,
        one.ys,
        color=colour,
        linestyle=dash_of(chart, turn),
        linewidth=1.8,
        drawstyle="steps-post" if is_steps else "default",
        zorder=3,
        **({} if is_steps else marker_of(turn, len(one.xs))),
    )
    for x in _alone(one):
        axes.plot([x] * 2, [one.lows[one.xs.index(x)], one.highs[one.xs.index(x)]], color=colour)
    if any(one.marked):
        ys = [y if is_so else GAP for y, is_so in zip(one.ys, one.marked, strict=True)]
        axes.plot(one.xs, ys, **MARKED_LOOK, zorder=6)


def _alone(one: Drawn) -> list[float]:
    """Return the places whose band has a gap on either side, where an area would be nothing."""
    there = [False, *(low == low for low in one.lows), False]
    return [
        x
        for place, x in enumerate(one.xs, 1)
        if there[place] and not there[place - 1] and not there[place + 1]
    ]


def _frame(
    handles: list[tuple[str, Any]],
    height: float,
    left: float,
    *,
    foot: float,
    right: float,
    head: float = 0.08,
) -> tuple[Figure, Axes]:
    """Return a figure with its axes, and its legend above them; all measures are inches."""
    from matplotlib.figure import Figure

    labels = [shortened(label, 90) for label, _ in handles]
    column = max((width_of(label) for label in labels), default=0) + 0.62
    n_columns = max(1, min(len(labels), int((_WIDTH - 0.1) / column)))
    n_lines = -(-len(labels) // n_columns)
    legend = n_lines * _LEGEND_LINE + (0.1 if labels else 0)
    whole = height + foot + head + legend
    figure = Figure(figsize=(_WIDTH, whole))
    axes = figure.add_axes(
        (left / _WIDTH, foot / whole, (_WIDTH - left - right) / _WIDTH, height / whole)
    )
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if labels:
        # It fills its columns from the top; people read along the lines.
        order = sorted(range(len(labels)), key=lambda place: place % n_columns)
        made = figure.legend(
            [handles[place][1] for place in order],
            ["-"] * len(labels),
            loc="upper left",
            bbox_to_anchor=(0, 1),
            ncols=n_columns,
            frameon=False,
            borderaxespad=0.2,
            handlelength=3.2,
            handleheight=1.1,
            columnspacing=1.4,
        )
        for text, place in zip(made.get_texts(), order, strict=True):
            text.set_parse_math(False)
            text.set_text(labels[place])
    return figure, axes


def _cut_off(n_labels: int, n_rows: int) -> str:
    if n_labels == n_rows:
        return ""
    return f"The first {n_rows} of {n_labels} rows are drawn; the table has them all."


def _broken(found: Picture) -> str:
    lines = (one.ys for one in found.series if not one.series.is_reference)
    if all(value == value for ys in lines for value in ys):
        return ""
    return "Where a line breaks there is no figure to show; the table says why."


def _noted(figure: Figure, notes: str) -> None:
    figure.text(0.01, 0.06 / figure.get_figheight(), notes, parse_math=False)
