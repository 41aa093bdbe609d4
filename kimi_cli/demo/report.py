"""The steps of a run, as values; showing them is the caller's part."""

from __future__ import annotations

from dataclasses import dataclass

from kimi_cli.errors import KimiError


class DemoError(KimiError):
    """The demo found something that is not as it should be."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done or checked: `detail` is one sentence or figure, `seconds` what it took by itself."""

    name: str
    detail: str
    seconds: float
    ok: bool = True


@dataclass(frozen=True, slots=True)
class DemoReport:
    """A whole run.

    `client` is `claude` where the real Claude Code held the conversation, `built-in` where our own did; `answer` is
    what the conversation ended with, empty where it did not get that far.
    """

    steps: tuple[Step, ...]
    seconds: float
    client: str
    answer: str = ""

    @property
    def ok(self) -> bool:
        """Whether every step went well."""
        return all(step.ok for step in self.steps)

    @property
    def failures(self) -> tuple[Step, ...]:
        """The steps that did not."""
        return tuple(step for step in self.steps if not step.ok)
