"""What is added to the time until the first token, for one request and for many at once."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

from bench.chunks import SPOKEN
from bench.conversation import Conversation
from bench.figures import Row, Spread, percentile
from bench.load import Job
from bench.plan import Plan
from bench.stage import Way

if TYPE_CHECKING:
    from bench.figures import Effort, Findings
    from bench.stage import Stage, Subject

_MILLISECOND: Final = 1e-3
_PLAN: Final = Plan(chunks=4, at_once=4)
_SIZES: Final = {"64 KB": (Conversation(turns=200, size=64_000), 1.0), "400 KB": (Conversation(200, 400_000), 2.5)}
"""Histories, and the target for the median in milliseconds."""
_ROUNDS: Final = 60
_MANY: Final = 32
_MANY_ROUNDS: Final = 5


def first_token(stage: Stage, effort: Effort, findings: Findings) -> None:
    """Every way in turn, request by request, so that whatever else the machine does hurts all of them."""
    for spoken, name in SPOKEN.items():
        with stage.proxy() as proxy:
            subjects = stage.subjects(_PLAN, spoken, proxy, direct=True)
            stage.warm(subjects)
            for size, (conversation, target) in _SIZES.items():
                _measure(stage, subjects, conversation, effort, findings, titles=(size, name), target=target)


def _measure(
    stage: Stage,
    subjects: list[Subject],
    conversation: Conversation,
    effort: Effort,
    findings: Findings,
    *,
    titles: tuple[str, str],
    target: float,
) -> None:
    size, spoken = titles
    singles = _runs(stage, subjects, conversation, effort, at_once=1, rounds=effort.times(_ROUNDS))
    crowds = _runs(stage, subjects, conversation, effort, at_once=_MANY, rounds=effort.times(_MANY_ROUNDS))
    bare = statistics.median(_all(singles[Way.DIRECT]))
    medians = _added(singles, bare=bare)
    # All requests of all runs, for a run has too few for a percentile.
    slowest: dict[Way, Spread] = {
        way: _one(percentile(_all(runs), 0.99) - bare) for way, runs in singles.items() if way is not Way.DIRECT
    }
    said = f"added time to first token, {size} request, 200 turns"
    findings.rows.append(Row(f"{said}: median", "ms", medians, target, spoken, _one(bare)))
    findings.rows.append(Row("… 99th percentile", "ms", slowest, 2 * target, spoken))
    crowd_bare = statistics.median(_all(crowds[Way.DIRECT]))
    findings.rows.append(
        Row(f"… {_MANY} at once: median", "ms", _added(crowds, bare=crowd_bare), None, spoken, _one(crowd_bare))
    )
    last_bare = statistics.median(_last(crowds[Way.DIRECT]))
    last = statistics.median(_last(crowds[Way.PROXY])) - last_bare
    growth = {Way.PROXY: _one(last / medians[Way.PROXY].median)}
    findings.rows.append(Row(f"… the last of {_MANY} over one alone", "times", growth, float(_MANY), spoken))


_Runs = dict[Way, list[list[float]]]
"""Milliseconds until the first token: of every request of every run."""


def _runs(
    stage: Stage, subjects: list[Subject], conversation: Conversation, effort: Effort, *, at_once: int, rounds: int
) -> _Runs:
    job = Job(tuple(subject.target for subject in subjects), conversation, _PLAN.chunks, at_once, rounds)
    found: _Runs = {subject.way: [] for subject in subjects}
    for _ in range(effort.runs):
        for subject, result in zip(subjects, stage.load.run(job), strict=True):
            found[subject.way].append([seconds / _MILLISECOND for seconds in result.first])
    return found


def _added(found: _Runs, *, bare: float) -> dict[Way, Spread]:
    return {
        way: Spread.of([statistics.median(run) - bare for run in runs])
        for way, runs in found.items()
        if way is not Way.DIRECT
    }


def _last(runs: list[list[float]]) -> list[float]:
    """When the last of those that came at once had its first token, for every time that they did."""
    return [max(run[at : at + _MANY]) for run in runs for at in range(0, len(run), _MANY)]


def _all(runs: list[list[float]]) -> list[float]:
    return [each for run in runs for each in run]


def _one(value: float) -> Spread:
    return Spread(value, value, value)
