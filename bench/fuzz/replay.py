"""Everything that was found for a target once more: `python -m bench.fuzz.replay TARGET DIRECTORY`.

It prints JSON: the lines of the translation that were reached, and how many there are, how many bytes an input leaves
behind in memory, once every cache is warm, and how long the slowest input took, in seconds.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import tracemalloc
from inspect import CO_NEWLOCALS
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Final

import kimi_cli.wire
from bench.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from types import FrameType

    from _typeshed import TraceFunction

    from bench.fuzz.targets import Target

WARM_SECONDS: Final = 20.0
ROUNDS: Final = 5
"""How long, and how often at least, inputs are tried before memory is looked at; and then as often again. The
interpreter keeps what it has freed, up to a bound, and it takes a while until it has enough of it."""
LIMIT: Final = 100
"""Inputs that are enough to see memory grow, taken from all over the corpus."""
_ROOM: Final = Path(kimi_cli.wire.__file__).parent


def main(name: str, directory: Path) -> int:
    """Replays a target."""
    target = TARGETS[name]
    inputs = [path.read_bytes() for path in sorted((directory / "corpus").iterdir())]
    lines = {place for code in _codes() for place in _lines(code)}
    facts = {
        "inputs": len(inputs),
        "lines": sorted(f"{file}:{line}" for file, line in _reached(target, inputs) & lines),
        "of": len(lines),
        "slowest": max(_timed(target, data) for data in inputs),
        "growth": _growth(target, inputs[:: max(1, len(inputs) // LIMIT)]),
    }
    sys.stdout.write(json.dumps(facts) + "\n")
    return 0


def _growth(target: Target, inputs: list[bytes]) -> float:
    """What one more input leaves behind, on average."""
    tracemalloc.start()
    end, rounds = time.monotonic() + WARM_SECONDS, 0
    while rounds < ROUNDS or time.monotonic() < end:
        rounds += 1
        for data in inputs:
            target(data)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for data in inputs * rounds:
        target(data)
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / (len(inputs) * rounds)


def _timed(target: Target, data: bytes) -> float:
    started = time.perf_counter()
    target(data)
    return time.perf_counter() - started


def _reached(target: Target, inputs: list[bytes]) -> set[tuple[str, int]]:
    """Every line of the translation that is run: file and number."""
    reached: set[tuple[str, int]] = set()

    def line(frame: FrameType, event: str, _argument: object) -> TraceFunction:
        if event == "line":
            reached.add((frame.f_code.co_filename, frame.f_lineno))
        return line

    def call(frame: FrameType, _event: str, _argument: object) -> TraceFunction | None:
        return line if frame.f_code.co_filename.startswith(str(_ROOM)) else None

    sys.settrace(call)
    try:
        for data in inputs:
            target(data)
    finally:
        sys.settrace(None)
    return reached


def _codes() -> list[CodeType]:
    """Every function; what runs on import alone is not counted."""
    found: list[CodeType] = []
    for path in sorted(_ROOM.rglob("*.py")):
        waiting = [compile(path.read_text(), str(path), "exec")]
        while waiting:
            inner = [const for const in waiting.pop().co_consts if isinstance(const, CodeType)]
            waiting += inner
            found += [code for code in inner if code.co_flags & CO_NEWLOCALS]  # and no classes
    return found


def _lines(code: CodeType) -> list[tuple[str, int]]:
    return [(code.co_filename, line) for _, _, line in code.co_lines() if line and line != code.co_firstlineno]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
