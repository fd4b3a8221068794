"""How series look: told apart by lightness and by hatch, or by dash and marker, never by hue alone.

A chart printed in grey, or seen by somebody who tells no colours apart, says the same. All colours
stand out from white by 3 to 1.
"""

from __future__ import annotations

from typing import Any, Final

from triage.report.chart_axes import INK
from triage.report.chart_data import Picture
from triage.report.document import Chart

COLOURS: Final = ("#0b1f3f", "#d9702b", "#6a1b4d", "#1f7a74", "#8a3a1e")
"""Of series, in turn: in greyscale their lightness is 12, 59, 25, 46 and 35 of 100."""
_HATCHES: Final = ("", "///", "||", "\\\\\\", "xx")
_DASHES: Final = ("-", "--", "-.", ":", (0, (6, 2, 1, 2, 1, 2)))
_MARKERS: Final = ("o", "s", "^", "D", "v")
_REFERENCE_DASHES: Final = ((0, (7, 3)), (0, (2, 2)), (0, (7, 2, 1.5, 2)), (0, (1, 1)))
_REFERENCE: Final = "#4a4a4a"
MARKED_LOOK: Final[dict[str, Any]] = {
    "linestyle": "none",
    "marker": "D",
    "markersize": 9,
    "markerfacecolor": COLOURS[1],
    "markeredgecolor": INK,
    "markeredgewidth": 1.4,
}


def marker_of(turn: int, n_points: int) -> dict[str, Any]:
    """Return the marker of a line's points, smaller where there are many."""
    return {"marker": _MARKERS[turn % len(_MARKERS)], "markersize": 5 if n_points <= 40 else 3}


def dash_of(chart: Chart, turn: int) -> Any:
    """Return how a line is broken; in a control chart only limits are."""
    return "-" if chart.kind == "control" else _DASHES[turn % len(_DASHES)]


def reference_look(turn: int) -> dict[str, Any]:
    """Return the look of a line to compare with."""
    dash = _REFERENCE_DASHES[turn % len(_REFERENCE_DASHES)]
    return {"color": _REFERENCE, "linewidth": 1.4, "linestyle": dash}


def bar_look(turn: int) -> dict[str, Any]:
    """Return the look of a series of bars."""
    place = turn % len(COLOURS)
    return {
        "facecolor": COLOURS[place],
        "edgecolor": "white",
        "hatch": _HATCHES[place],
        "linewidth": 0,
    }


def legend_of(chart: Chart, found: Picture) -> list[tuple[str, Any]]:
    """Return what stands in the legend; one series alone is named by the chart itself."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[tuple[str, Any]] = []
    turns = {False: 0, True: 0}
    for one in found.series:
        is_reference = one.series.is_reference
        turn = turns[is_reference]
        turns[is_reference] += 1
        if is_reference:
            handle: Any = Line2D([], [], **reference_look(turn))
        elif chart.kind == "bars":
            handle = Patch(**bar_look(turn))
        else:
            look = {} if chart.kind == "steps" else marker_of(turn, 1)
            colour = COLOURS[turn % len(COLOURS)]
            dash = dash_of(chart, turn)
            handle = Line2D([], [], color=colour, linewidth=1.8, linestyle=dash, **look)
        handles.append((one.series.label, handle))
    if chart.marked is not None and any(any(one.marked) for one in found.series):
        handles.append((chart.table.columns[chart.marked].heading, Line2D([], [], **MARKED_LOOK)))
    return handles if len(handles) > 1 else []
