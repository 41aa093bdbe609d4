"""Memory of a process that has nothing to do, and of one with a hundred answers in flight."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

import psutil

from bench.child import Child
from bench.chunks import SPOKEN
from bench.conversation import SMALL, Conversation
from bench.figures import Row, spreads
from bench.plan import Plan
from bench.stage import Subject, Way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.figures import Effort, Findings
    from bench.stage import Stage
    from kimi_cli.providers.provider import Format

_MEGABYTE: Final = 1024 * 1024
_STREAMS: Final = 100
_PLAN: Final = Plan(chunks=60, pause=20)
_LARGE: Final = Conversation(turns=200, size=64_000)
_LOOK_SECONDS: Final = 0.02
_IDLE_TARGET: Final = 45.0
_BUSY_TARGET: Final = 65.0


def memory(stage: Stage, effort: Effort, findings: Findings) -> None:
    """Resident memory of fresh processes: after one answer, and the most of it while a hundred stream."""
    for spoken, name in SPOKEN.items():
        idle: dict[Way, list[float]] = {}
        small: dict[Way, list[float]] = {}
        large: dict[Way, list[float]] = {}
        for _ in range(effort.runs):
            for way in (Way.RELAY, Way.THIN, Way.PROXY):
                with _fresh(stage, way, spoken) as subject:
                    stage.load.run(subject.job(SMALL))
                    idle.setdefault(way, []).append(_resident(subject.pid))
                    small.setdefault(way, []).append(_most(stage, subject, SMALL))
                    large.setdefault(way, []).append(_most(stage, subject, _LARGE))
        findings.rows.append(Row("memory, idle", "MB", spreads(idle), _IDLE_TARGET, name))
        findings.rows.append(Row(f"memory, {_STREAMS} streams", "MB", spreads(small), _BUSY_TARGET, name))
        findings.rows.append(Row(f"… with 64 KB requests, at {_STREAMS} at once", "MB", spreads(large), None, name))


@contextmanager
def _fresh(stage: Stage, way: Way, spoken: Format) -> Iterator[Subject]:
    """One way with a process of its own."""
    if way is Way.PROXY:
        with stage.proxy() as proxy:
            yield stage.subjects(_PLAN, spoken, proxy)[-1]
        return
    with Child("relay" if way is Way.RELAY else "thin", str(stage.upstream.port)) as child:
        yield Subject(way, _PLAN, stage.plain_target(child, _PLAN, spoken), child.pid)


def _most(stage: Stage, subject: Subject, conversation: Conversation) -> float:
    """The most memory that a process has while a hundred answers come through it."""
    seen = [_resident(subject.pid)]
    is_over = Event()

    def look() -> None:
        while not is_over.wait(_LOOK_SECONDS):
            seen.append(_resident(subject.pid))

    looking = Thread(target=look)
    looking.start()
    try:
        stage.load.run(subject.job(conversation, at_once=_STREAMS))
    finally:
        is_over.set()
        looking.join()
    return max(seen)


def _resident(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / _MEGABYTE
