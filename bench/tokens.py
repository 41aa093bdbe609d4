"""What an estimate of a prompt costs, and how far it is off, on the recorded requests of `tests/wire/cases.py`.

Run it with `python -m bench.tokens`. The cost is told as a share of what it costs to parse the request, measured by
turns in this run; the error as what half, and nineteen of twenty, of the estimates stay below.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

import orjson
from rich.console import Console
from rich.table import Table

from kimi_cli.wire.calibration import Calibration
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.tokens import measure
from tests.wire.cases import CASES, COUNT, COUNTS, FAMILIES, session

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimi_cli.wire.tokens import Measure

_ROUNDS: Final = 300
_LEARNING: Final = 10
_STEPS: Final = (0, 10, 49)


def main() -> None:
    """Measures and shows both."""
    console = Console()
    console.print(_costs())
    console.print(_errors())


def _costs() -> Table:
    table = Table("request", "kB", "turns", "estimate / parsing", "learning / parsing", title="cost of an estimate")
    for family in ("mixed", "east"):
        for number in _STEPS:
            body = orjson.dumps(session(family, number))
            request = orjson.loads(body)
            measured, calibration = measure(Prompt(request)), Calibration()
            parsing, estimating, learning = _fastest(
                lambda body=body: orjson.loads(body),
                lambda request=request: measure(Prompt(request)),
                lambda measured=measured, known=calibration: known.learn("host", "model", measured, measured.tokens),
            )
            turns = len(request["messages"])
            ratios = (f"{estimating / parsing:.2f}", f"{learning / parsing:.2f}")
            table.add_row(f"{family} {number}", f"{len(body) / 1_000:.0f}", str(turns), *ratios)
    return table


def _errors() -> Table:
    recorded = json.loads(COUNTS.read_text(encoding="utf-8"))
    hosts = [name for name in next(iter(recorded.values())) if name != "digest"]
    table = Table("requests", "host", "at first", f"after {_LEARNING}", title="errors in percent")
    for sort, make in CASES.items():
        for family in FAMILIES:
            measures = [measure(Prompt(make(family, number))) for number in range(COUNT)]
            for host in hosts:
                reports = recorded[f"{sort} {family}"][host]
                first = [abs(one.tokens / reported - 1) for one, reported in zip(measures, reports, strict=True)]
                table.add_row(f"{sort} {family}", host, _spread(first), _spread(_learned(measures, reports)))
    return table


def _learned(measures: list[Measure], reports: list[int]) -> list[float]:
    calibration, errors = Calibration(), []
    for measured, reported in zip(measures, reports, strict=True):
        errors.append(abs(calibration.tokens("host", "model", measured) / reported - 1))
        calibration.learn("host", "model", measured, reported)
    return errors[_LEARNING:]


def _spread(errors: list[float]) -> str:
    ordered = sorted(errors)
    return " / ".join(f"{100 * ordered[int(share * len(ordered))]:.1f}" for share in (0.5, 0.95))


def _fastest(*functions: Callable[[], object]) -> list[float]:
    """The shortest time of each, in seconds; they take turns, so that all have the same machine."""
    best = [float("inf")] * len(functions)
    for _ in range(_ROUNDS):
        for at, function in enumerate(functions):
            start = time.perf_counter()
            function()
            best[at] = min(best[at], time.perf_counter() - start)
    return best


if __name__ == "__main__":
    main()
