"""Figures as they are reported: the median of several runs with its spread, beside the floors and beside the target."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from bench.stage import Way

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: so many `runs`, each `scale` times as long as it has to be for a figure to hold."""

    runs: int
    scale: float = 1.0

    def times(self, count: int) -> int:
        """A number of repetitions, scaled, and one at least."""
        return max(1, round(count * self.scale))


FULL = Effort(runs=5)
QUICK = Effort(runs=2, scale=0.2)


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several runs, and the least and the most of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """The spread of one or more values."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Row:
    """One figure in one format. `ways` has it for the proxy, and for the floors where they have one.

    `bare` is what there is without the proxy, where the figure is what comes on top of that. A row without a `target`
    explains another one.
    """

    name: str
    unit: str
    ways: Mapping[Way, Spread]
    target: float | None = None
    spoken: str = ""
    bare: Spread | None = None

    @property
    def kimi(self) -> Spread:
        """The proxy's figure."""
        return self.ways[Way.PROXY]

    @property
    def is_met(self) -> bool | None:
        """Whether the target is; None where there is none."""
        return None if self.target is None else self.kimi.median <= self.target

    def ratio(self, floor: Way) -> float | None:
        """How many times as much as a floor it is, where the floor has a figure that can be divided by."""
        beside = self.ways.get(floor)
        return None if beside is None or beside.median <= 0 else self.kimi.median / beside.median


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot: points of x and y."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over one another. `limit` is what y may be at most for an x of one, in proportion."""

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    limit: float | None = None


@dataclass(slots=True)
class Findings:
    """What measurements have found so far; `doubts` are sentences about what makes a figure worth less."""

    rows: list[Row] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which `share` of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spreads(found: Mapping[Way, Sequence[float]]) -> dict[Way, Spread]:
    """The spread of each way's runs."""
    return {way: Spread.of(values) for way, values in found.items()}
