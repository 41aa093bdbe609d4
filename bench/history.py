"""What a turn costs as the history grows that comes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.chunks import SPOKEN
from bench.conversation import Conversation
from bench.figures import Line, Plot, Row, spreads
from bench.plan import Plan

if TYPE_CHECKING:
    from bench.figures import Effort, Findings
    from bench.stage import Stage, Way

_PLAN: Final = Plan(chunks=4, at_once=4)
_MEGABYTE: Final = 1e6
_TURN_BYTES: Final = 2_000
_TURNS: Final = (10, 50, 200, 500, 1_000, 2_000)
_BYTES: Final = 8_000_000
"""Bytes of requests in all for one figure of a short history, and four requests at least of a long one."""
_LEAST: Final = 4
_TARGET: Final = 6.0
"""Milliseconds a megabyte."""
_MIDDLE: Final = 500
_LINEAR: Final = 1.2
"""How much more a byte of the longest history may cost than one of the middle, for the growth to be called linear."""


def history(stage: Stage, effort: Effort, findings: Findings) -> None:
    """Processor time of one request with an answer of four chunks, for histories of 10 to 2,000 turns."""
    lines = []
    for spoken, name in SPOKEN.items():
        costs: dict[Way, dict[int, list[float]]] = {}
        sizes = {}
        with stage.proxy() as proxy:
            subjects = stage.subjects(_PLAN, spoken, proxy)
            stage.warm(subjects)
            for turns in _TURNS:
                conversation = Conversation(turns, turns * _TURN_BYTES)
                sizes[turns] = sum(map(len, conversation.template())) / _MEGABYTE
                rounds = max(_LEAST, effort.times(int(_BYTES / (sizes[turns] * _MEGABYTE))))
                for _ in range(effort.runs):
                    for subject in subjects:
                        seconds = stage.processor_seconds(subject, conversation, rounds=rounds)
                        costs.setdefault(subject.way, {}).setdefault(turns, []).append(seconds * 1e3)
        last = _TURNS[-1]
        worst = {way: [cost / sizes[last] for cost in found[last]] for way, found in costs.items()}
        growth = {
            way: [
                (longest / sizes[last]) / (middle / sizes[_MIDDLE])
                for longest, middle in zip(found[last], found[_MIDDLE], strict=True)
            ]
            for way, found in costs.items()
        }
        said = f"CPU of a turn, {last:,} turns ({sizes[last]:.1f} MB), for a MB"
        findings.rows.append(Row(said, "ms", spreads(worst), _TARGET, name))
        said = f"… a byte at {last:,} turns over one at {_MIDDLE}"
        findings.rows.append(Row(said, "times", spreads(growth), _LINEAR, name))
        for way, found in costs.items():
            points = tuple((sizes[turns], sorted(runs)[len(runs) // 2]) for turns, runs in found.items())
            lines.append(Line(f"{way.value}, {name}", points))
    findings.plots.append(
        Plot("CPU of a turn against its history", "MB of request (10 to 2,000 turns)", "ms", tuple(lines), _TARGET)
    )
