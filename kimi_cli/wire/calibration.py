"""How a model's tokens differ from the estimates of them, learned from what its host reports.

For each model of each host there is one factor for each kind of token. They are a Kalman filter's state: what it
observes is the size that the host reports over the one that was estimated, as a mixture of the kinds that the prompt is
made of. So a report teaches most about what its prompt has most of: a session in Chinese does not spoil what is known
of code, and a host that leaves reasoning out, or writes tools in fewer words, is understood after a few answers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeAlias

from kimi_cli.wire.foreign import a_number, a_string, objects
from kimi_cli.wire.tokens import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.tokens import Measure

MIN_FACTOR: Final = 0.3
MAX_FACTOR: Final = 3.0
"""Within these factors of the estimate everything stays that is learned, whatever a host reports."""
CREDIBLE: Final = (0.2, 5.0)
"""A report outside of these factors counts something else, or not all of it: a host that leaves out what was cached."""
NOISE: Final = 0.03
"""How far prompts of the same mixture differ among themselves, as a share of their size."""
DRIFT: Final = 0.01
"""How much of the first doubt comes back with each report, for hosts that change a model under its name."""
SURPRISE: Final = 3.0
"""Standard deviations by which a report may be off what was expected. One that is further off counts for less, the more
so the further it is; but what was known is doubted again."""
DOUBTED: Final = 0.1
"""How much of the first doubt comes back with such a report: a few of them in a row, and the model is learned anew."""
LANES: Final = 64
"""Models that are remembered, each of its host; of more, the one that was heard of longest ago is forgotten."""

_DOUBTS: Final = {
    "letters": 0.2,
    "spaces": 0.4,
    "indents": 0.4,
    "capitals": 0.3,
    "marks": 0.3,
    "digits": 0.3,
    "breaks": 0.3,
    "han": 0.4,
    "kana": 0.4,
    "hangul": 0.4,
    "alphabets": 0.4,
    "others": 0.5,
    # How these are written depends on the host more than on the vocabulary.
    "tools": 0.5,
    "reasoning": 0.5,
    "frame": 0.5,
    "images": 0.5,
    "request": 20.0,
}
_LIMITS: Final = tuple(100.0 if kind == "request" else MAX_FACTOR for kind in KINDS)
"""Of each kind's factor. A host's own words before every prompt may be many."""
_VARIANCES: Final = tuple(_DOUBTS[kind] ** 2 for kind in KINDS)
"""Of each kind's factor, before anything was reported."""

_ROUNDING: Final = 1e-6
"""What is added to variances that come from a file, where they are rounded, so that they stay variances."""
_INFINITE: Final = 1e9

_Key: TypeAlias = tuple[str, str]


class Calibration:
    """What is known of the models that were asked, by host and model. What `learn` takes, `tokens` uses."""

    def __init__(self) -> None:
        self._lanes: dict[_Key, _Lane] = {}
        self._learned: set[_Key] = set()

    def tokens(self, host: str, model: str, measure: Measure) -> int:
        """The size of a prompt for this model, as well as it is known."""
        lane = self._lanes.get((host, model))
        return measure.tokens if lane is None else lane.tokens(measure)

    def learn(self, host: str, model: str, measure: Measure, reported: int) -> bool:
        """Take note of a prompt's whole size as reported, cached tokens included; False where that cannot be right."""
        raw = sum(measure.parts)
        if raw <= 0 or not CREDIBLE[0] <= reported / raw <= CREDIBLE[1]:
            return False
        key = (host, model)
        lane = self._lanes.pop(key, None) or _Lane.fresh()
        lane.learn(measure, reported / raw)
        self._lanes[key] = lane  # behind the others
        self._learned.add(key)
        if len(self._lanes) > LANES:
            forgotten = next(iter(self._lanes))
            del self._lanes[forgotten]
            self._learned.discard(forgotten)
        return True

    def over(self, other: Calibration) -> Calibration:
        """What was learned here, and for all other models what `other` knows: two processes may keep one file."""
        lanes = {key: lane for key, lane in other._lanes.items() if key not in self._learned}
        lanes |= {key: lane for key, lane in self._lanes.items() if key in self._learned}
        both = Calibration()
        both._lanes = dict(list(lanes.items())[-LANES:])
        return both

    def to_json(self) -> JsonObject:
        """All that is known, for `from_json`."""
        lanes = [{"host": host, "model": model, **lane.to_json()} for (host, model), lane in self._lanes.items()]
        return {"kinds": list(KINDS), "lanes": lanes}

    @classmethod
    def from_json(cls, data: JsonObject) -> Calibration:
        """The reverse of `to_json`. What cannot be right is left out, and all that was learned of other kinds."""
        calibration = cls()
        if data.get("kinds") == list(KINDS):
            for entry in objects(data.get("lanes"))[-LANES:]:
                if (lane := _Lane.from_json(entry)) is not None:
                    calibration._lanes[a_string(entry.get("host")), a_string(entry.get("model"))] = lane
        return calibration


class _Lane:
    """One model of one host: a factor for each kind, and the covariances of these factors."""

    __slots__ = ("_factors", "_spread")

    def __init__(self, factors: list[float], spread: list[list[float]]) -> None:
        self._factors, self._spread = factors, spread

    @classmethod
    def fresh(cls) -> _Lane:
        """One of which nothing has been heard."""
        size = range(len(KINDS))
        spread = [[_VARIANCES[row] if row == column else 0.0 for column in size] for row in size]
        return cls([1.0 for _ in size], spread)

    def tokens(self, measure: Measure) -> int:
        raw = sum(measure.parts)
        return round(max(_dot(self._factors, measure.parts), MIN_FACTOR * raw))

    def learn(self, measure: Measure, ratio: float) -> None:
        """`ratio` is what was reported over what was estimated."""
        raw = sum(measure.parts)
        shares = [part / raw for part in measure.parts]
        self._doubt(DRIFT)
        gains = [_dot(row, shares) for row in self._spread]
        surprise = ratio - _dot(self._factors, shares)
        expected = max(_dot(gains, shares), 0.0) + NOISE**2
        credited = max(expected, (surprise / SURPRISE) ** 2)
        for row, gain in enumerate(gains):
            # One kind may cost nothing at all, as reasoning that a host leaves out.
            self._factors[row] = min(max(self._factors[row] + gain / credited * surprise, 0.0), _LIMITS[row])
            self._spread[row] = [
                before - gain / credited * other for before, other in zip(self._spread[row], gains, strict=True)
            ]
        if credited > expected:
            self._doubt(DOUBTED)

    def _doubt(self, share: float) -> None:
        for row, variance in enumerate(_VARIANCES):
            self._spread[row][row] = min(self._spread[row][row] + variance * share**2, variance)

    def to_json(self) -> JsonObject:
        """The factors, and of the covariances those that are not there twice."""
        spread = [_rounded(row[: number + 1]) for number, row in enumerate(self._spread)]
        return {"factors": _rounded(self._factors), "spread": spread}

    @classmethod
    def from_json(cls, entry: JsonObject) -> _Lane | None:
        factors = _numbers(entry.get("factors"), len(KINDS))
        rows = entry.get("spread")
        if factors is None or not isinstance(rows, list) or len(rows) != len(KINDS):
            return None
        half = [_numbers(row, number + 1) for number, row in enumerate(rows)]
        if not all(0 <= factor <= limit for factor, limit in zip(factors, _LIMITS, strict=True)):
            return None
        spread = _whole([row for row in half if row is not None])
        return None if spread is None else cls(factors, spread)


def _whole(half: list[list[float]]) -> list[list[float]] | None:
    """Covariances from their lower half; None where it cannot be one, with which the factors would run away."""
    if len(half) != len(KINDS) or any(row[-1] > limit * 1.01 for row, limit in zip(half, _VARIANCES, strict=True)):
        return None
    for number, row in enumerate(half):
        row[-1] += _ROUNDING * _VARIANCES[number]
    roots: list[list[float]] = []
    for row in half:  # Cholesky's decomposition, which only covariances have
        root: list[float] = []
        for column, other in enumerate((*roots, root)):
            rest = row[column] - _dot(root[:column], other[:column])
            if column < len(roots):
                root.append(rest / other[column])
            elif rest <= 0:
                return None
            else:
                root.append(math.sqrt(rest))
        roots.append(root)
    size = range(len(half))
    return [[half[max(row, column)][min(row, column)] for column in size] for row in size]


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum([a * b for a, b in zip(one, other, strict=True)])


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 8) for value in values]


def _numbers(values: object, count: int) -> list[float] | None:
    """So many numbers, none of them infinite."""
    if not isinstance(values, list) or len(values) != count:
        return None
    numbers = [number for value in values if (number := a_number(value)) is not None and abs(number) < _INFINITE]
    return [float(number) for number in numbers] if len(numbers) == count else None
