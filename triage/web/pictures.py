"""Small pictures beside a table: without script, and without a style that a page would refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup, escape

_WIDE, _HIGH = 640, 150
_LEFT, _TOP, _BOTTOM = 48, 12, 28
_INK: Final = "#0b0c0c"
_BAR: Final = "#1d70b8"
_FONT: Final = 'font-family="arial, sans-serif" font-size="14"'


def bars(title: str, points: Sequence[tuple[str, int]]) -> Markup:
    """Return bars from left to right, each of a label and a count; the first and last are named."""
    most = max((count for _, count in points), default=0)
    wide, high = _WIDE - _LEFT, _HIGH - _TOP - _BOTTOM
    step = wide / max(1, len(points))
    base = _TOP + high
    tall = [high * count / most if most else 0.0 for _, count in points]
    drawn = [
        f'<rect x="{_LEFT + (place + 0.1) * step:.1f}" y="{base - tall[place]:.1f}"'
        f' width="{min(step * 0.8, 40):.1f}" height="{tall[place]:.1f}"'
        f' fill="{_BAR}"><title>{escape(label)}: {count:,}</title></rect>'
        for place, (label, count) in enumerate(points)
    ]
    lines = [
        f'<line x1="{_LEFT}" y1="{y}" x2="{_WIDE}" y2="{y}" stroke="{_INK}" stroke-width="1"'
        f' stroke-opacity="{opacity}"/>'
        for y, opacity in ((_TOP, 0.3), (base, 1))
    ]
    numbers = [
        f'<text x="{_LEFT - 6}" y="{y + 5}" text-anchor="end" {_FONT} fill="{_INK}">'
        f"{count:,}</text>"
        for y, count in ((_TOP, most), (base, 0))
    ]
    ends = [(points[0][0], _LEFT, "start"), (points[-1][0], _WIDE, "end")] if points else []
    labels = [
        f'<text x="{x}" y="{_HIGH - 8}" text-anchor="{anchor}" {_FONT} fill="{_INK}">'
        f"{escape(label)}</text>"
        for label, x, anchor in (ends if len(points) > 1 else ends[:1])
    ]
    inner = "".join((*lines, *drawn, *numbers, *labels))
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}" '
        f'width="{_WIDE}" height="{_HIGH}" viewBox="0 0 {_WIDE} {_HIGH}">{inner}</svg>'
    )
