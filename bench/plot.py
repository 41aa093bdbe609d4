"""A plot as SVG: lines on two axes, written by hand, since nothing here needs more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.figures import Line, Plot

_WIDTH: Final = 760
_HEIGHT: Final = 420
_LEFT: Final = 70
_RIGHT: Final = 200
_TOP: Final = 40
_BOTTOM: Final = 50
_COLOURS: Final = ("#9aa5b1", "#5b8def", "#d9480f", "#c3cad2", "#8fb3f5", "#f08c4a")
_STYLE: Final = "text{font:12px sans-serif;fill:#444}.title{font-size:14px;font-weight:bold}"


def svg(plot: Plot) -> str:
    """The plot; both axes are logarithmic, so that what grows in proportion is a straight line at 45 degrees or so."""
    points = [point for line in plot.lines for point in line.points]
    across = _Axis([x for x, _ in points], low=_LEFT, high=_WIDTH - _RIGHT)
    up = _Axis([max(y, 1e-6) for _, y in points], low=_HEIGHT - _BOTTOM, high=_TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text class="title" x="{_LEFT}" y="22">{escape(plot.title)}</text>',
        *_grid(plot, across, up),
        *(part for number, line in enumerate(plot.lines) for part in _line(line, number, across, up)),
        *_limit(plot, across, up),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Axis:
    """Values onto pixels, in powers of ten from one below the least to one above the most."""

    def __init__(self, values: Iterable[float], *, low: int, high: int) -> None:
        logarithms = [math.log10(value) for value in values]
        self.first, self.last = math.floor(min(logarithms)), math.ceil(max(logarithms))
        self.last = max(self.last, self.first + 1)
        self.low, self.high = low, high

    def at(self, value: float) -> float:
        share = (math.log10(max(value, 1e-6)) - self.first) / (self.last - self.first)
        return self.low + max(0.0, min(1.0, share)) * (self.high - self.low)

    def marks(self) -> list[float]:
        return [10.0**power for power in range(self.first, self.last + 1)]


def _grid(plot: Plot, across: _Axis, up: _Axis) -> Iterable[str]:
    for mark in across.marks():
        x = across.at(mark)
        yield f'<path d="M{x:.1f} {up.low}V{up.high}" stroke="#eee"/>'
        yield f'<text x="{x:.1f}" y="{up.low + 18}" text-anchor="middle">{mark:g}</text>'
    for mark in up.marks():
        y = up.at(mark)
        yield f'<path d="M{across.low} {y:.1f}H{across.high}" stroke="#eee"/>'
        yield f'<text x="{across.low - 8}" y="{y + 4:.1f}" text-anchor="end">{mark:g}</text>'
    middle = (across.low + across.high) / 2
    yield f'<text x="{middle:.0f}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(plot.x)}</text>'
    yield f'<text x="{across.low - 8}" y="{_TOP - 4}" text-anchor="end">{escape(plot.y)}</text>'


def _line(line: Line, number: int, across: _Axis, up: _Axis) -> Iterable[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    places = [(across.at(x), up.at(y)) for x, y in line.points]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
    yield from _named(line.name, number, colour)


def _limit(plot: Plot, across: _Axis, up: _Axis) -> Iterable[str]:
    """The target, dashed."""
    if plot.limit is None:
        return
    ends = [10.0**power for power in (across.first, across.last)]
    path = "L".join(f"{across.at(x):.1f} {up.at(x * plot.limit):.1f}" for x in ends)
    yield f'<path d="M{path}" fill="none" stroke="#444" stroke-dasharray="4 4"/>'
    yield from _named(f"target, {plot.limit:g} for each 1", len(plot.lines), "#444")


def _named(name: str, number: int, colour: str) -> Iterable[str]:
    y = _TOP + 10 + number * 20
    x = _WIDTH - _RIGHT + 16
    yield f'<path d="M{x} {y - 4}h18" stroke="{colour}" stroke-width="2"/>'
    yield f'<text x="{x + 24}" y="{y}">{escape(name)}</text>'
