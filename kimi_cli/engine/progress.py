"""The words for what goes on while the client waits."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Channel(StrEnum):
    """Where progress is told."""

    THINKING = "thinking"
    """In thinking blocks, which clients fold away and which never come back to the model."""
    TEXT = "text"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Words:
    """Templates, one a line. A line that is empty is not told."""

    starting: str = "Starting"
    thinking: str = "Thinking (step {step})"
    executing: str = "Executing {tools}"
    executed: str = "{tool} ({done}/{count})"
    failed: str = "{tool} failed ({done}/{count})"
    stopped: str = "Stopped after {steps} steps of tools, before the answer was complete."

    @classmethod
    def from_mapping(cls, given: Mapping[str, str], *, emoji: bool = False) -> Words:
        """The usual words with those in `given` instead of their own.

        Raises:
            ValueError: one of them is unknown, or names something that there is not.
        """
        words = _WITH_EMOJI if emoji else cls()
        known = {field.name for field in fields(cls)}
        for name, template in given.items():
            if name not in known:
                raise ValueError(f"there is no progress line {name!r}; known: {', '.join(sorted(known))}")
            try:
                template.format(step=1, tools="", tool="", done=1, count=1, steps=1)
            except (KeyError, IndexError, ValueError, AttributeError) as error:
                raise ValueError(f"{name} cannot be filled in: {error}") from error
        chosen = {field.name: given.get(field.name, getattr(words, field.name)) for field in fields(cls)}
        return cls(**chosen)


_WITH_EMOJI = Words(
    starting="🚀 Starting",
    thinking="🤔 Thinking (step {step})",
    executing="🔧 Executing {tools}",
    executed="✅ {tool} ({done}/{count})",
    failed="❌ {tool} failed ({done}/{count})",
    stopped="🛑 Stopped after {steps} steps of tools, before the answer was complete.",
)


def listed(names: Sequence[str]) -> str:
    """Names of calls, each once, with how often where it is more than that: `LS, Read x3`."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(name if count == 1 else f"{name} x{count}" for name, count in counts.items())
