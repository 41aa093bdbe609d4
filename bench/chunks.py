"""Processor time for each chunk of a stream: in bursts, at a pace, and with more and more streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.conversation import SMALL
from bench.figures import Line, Plot, Row, spreads
from bench.plan import Plan
from kimi_cli.providers.provider import Format

if TYPE_CHECKING:
    from bench.figures import Effort, Findings
    from bench.stage import Stage, Way

SPOKEN: Final = {Format.OPENAI: "translated", Format.ANTHROPIC: "relayed"}
_MICROSECOND: Final = 1e-6
_BURST: Final = Plan(chunks=400, at_once=4)
_BURST_STREAMS: Final = 8
_BURST_ROUNDS: Final = 20
_BURST_TARGET: Final = 6.0
_SHORT: Final = Plan(chunks=40, at_once=4)
_PACED: Final = Plan(chunks=400, pause=5)
_PACED_STREAMS: Final = 50
_PACED_TARGET: Final = 45.0
_LATE: Final = 1.2
"""By how much a paced answer may take longer, before so much has come together that it is no pace any more."""
_STREAMS: Final = (1, 2, 4, 8, 16, 32, 64, 128)
_STREAMS_CHUNKS: Final = 25_600
"""Chunks in all for each number of streams."""


def bursts(stage: Stage, effort: Effort, findings: Findings) -> None:
    """Eight answers at once, as fast as they go; with and without what each request costs by itself."""
    for spoken, name in SPOKEN.items():
        with stage.proxy() as proxy:
            long, short = (stage.subjects(plan, spoken, proxy) for plan in (_BURST, _SHORT))
            stage.warm([*long, *short])
            whole: dict[Way, list[float]] = {}
            further: dict[Way, list[float]] = {}
            rounds = effort.times(_BURST_ROUNDS)
            for _ in range(effort.runs):
                for one, other in zip(long, short, strict=True):
                    seconds = stage.processor_seconds(one, at_once=_BURST_STREAMS, rounds=rounds)
                    brief = stage.processor_seconds(other, at_once=_BURST_STREAMS, rounds=rounds)
                    whole.setdefault(one.way, []).append(seconds / (_BURST.chunks * _MICROSECOND))
                    chunks = _BURST.chunks - _SHORT.chunks
                    further.setdefault(one.way, []).append((seconds - brief) / (chunks * _MICROSECOND))
        said = "CPU per chunk, bursts (8 streams, 400 chunks, 4 a write)"
        findings.rows.append(Row(said, "µs", spreads(whole), _BURST_TARGET, name))
        findings.rows.append(Row("… of that, each further chunk", "µs", spreads(further), None, name))


def paced(stage: Stage, effort: Effort, findings: Findings) -> None:
    """Fifty answers at once, each with a chunk every five milliseconds."""
    plan = Plan(effort.times(_PACED.chunks), pause=_PACED.pause)
    for spoken, name in SPOKEN.items():
        with stage.proxy() as proxy:
            subjects = stage.subjects(plan, spoken, proxy)
            stage.warm(stage.subjects(_SHORT, spoken, proxy))
            found: dict[Way, list[float]] = {}
            late: dict[Way, float] = {}
            for _ in range(effort.runs):
                for subject in subjects:
                    before = subject.processor()
                    took = stage.load.run(subject.job(SMALL, at_once=_PACED_STREAMS))[0].rounds[0]
                    cost = (subject.processor() - before) / (_PACED_STREAMS * plan.chunks)
                    found.setdefault(subject.way, []).append(cost / _MICROSECOND)
                    late[subject.way] = max(late.get(subject.way, 0.0), took / plan.seconds)
        findings.doubts += (
            f"Paced answers through {way.value} ({name}) took up to {times:.1f} times as long as their pace."
            for way, times in late.items()
            if times > _LATE
        )
        findings.rows.append(
            Row("CPU per chunk, paced (50 streams, 5 ms apart)", "µs", spreads(found), _PACED_TARGET, name)
        )


def streams(stage: Stage, effort: Effort, findings: Findings) -> None:
    """The cost of a chunk against the number of answers at once."""
    lines = []
    for spoken, name in SPOKEN.items():
        points: dict[Way, list[tuple[float, float]]] = {}
        with stage.proxy() as proxy:
            subjects = stage.subjects(_BURST, spoken, proxy)
            stage.warm(subjects)
            for count in _STREAMS:
                rounds = effort.times(_STREAMS_CHUNKS // (_BURST.chunks * count))
                for subject in subjects:
                    runs = [stage.processor_seconds(subject, at_once=count, rounds=rounds) for _ in range(effort.runs)]
                    cost = sorted(runs)[len(runs) // 2] / (_BURST.chunks * _MICROSECOND)
                    points.setdefault(subject.way, []).append((count, cost))
        lines += [Line(f"{way.value}, {name}", tuple(found)) for way, found in points.items()]
    findings.plots.append(Plot("CPU per chunk against streams at once", "streams", "µs a chunk", tuple(lines)))
