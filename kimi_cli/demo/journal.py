"""Keeps the steps of a run as they happen, and turns whatever goes wrong in one into that step's sentence."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimi_cli.demo.report import Step
from kimi_cli.errors import KimiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class StoppedError(Exception):
    """A step has failed and was reported; what depends on it cannot go on."""


@dataclass(slots=True)
class Entry:
    """A step that is going on: its detail is set before it ends."""

    detail: str = ""


class Journal:
    """The steps so far; `report` hears of each as soon as it has ended."""

    def __init__(self, report: Callable[[Step], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._report, self._clock = report, clock
        self._started = clock()
        self._steps: list[Step] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that have ended, in order."""
        return tuple(self._steps)

    @property
    def seconds(self) -> float:
        """The time since the journal's start."""
        return self._clock() - self._started

    @contextmanager
    def step(self, name: str) -> Iterator[Entry]:
        """One step. Any exception in it makes it a failed one.

        Raises:
            StoppedError: the step failed.
        """
        entry, started = Entry(), self._clock()
        try:
            yield entry
        except Exception as error:
            self._add(Step(name, _sentence(error), self._clock() - started, ok=False))
            raise StoppedError(name) from error
        self._add(Step(name, entry.detail, self._clock() - started))

    def check(self, name: str, judge: Callable[[], str]) -> None:
        """A step on which nothing else depends: `judge` gives its detail, or raises."""
        try:
            with self.step(name) as entry:
                entry.detail = judge()
        except StoppedError:
            pass

    def note(self, name: str, detail: str, *, seconds: float) -> None:
        """A step that was measured elsewhere."""
        self._add(Step(name, detail, seconds))

    def _add(self, step: Step) -> None:
        self._steps.append(step)
        self._report(step)


def _sentence(error: Exception) -> str:
    """One sentence: our own errors have it, with the command that fixes them; others are named by their kind."""
    if isinstance(error, KimiError):
        return f"{error} Fix: {error.fix}" if error.fix else str(error)
    return f"{type(error).__name__}: {error}"
