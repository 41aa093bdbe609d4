"""The tools that the proxy carries out for a session, and how it tells of them meanwhile."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

from kimi_cli.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_STEPS: Final = 15
"""Questions to the model for one request. A task that takes more is better divided by whoever set it."""
MOST_STEPS: Final = 200
WORDS: Final = ("starting", "thinking", "executing", "executed", "failed", "stopped")
"""The lines of progress that may be worded anew."""


class Level(StrEnum):
    """Which tools are carried out by the proxy."""

    OFF = "off"
    READ_ONLY = "read-only"
    ALL = "all"


class Progress(StrEnum):
    """Where progress is told."""

    THINKING = "thinking"
    TEXT = "text"
    OFF = "off"


class Wording(Record):
    """How lines of progress are worded: with emoji, and with templates of the user's own, by name."""

    emoji: bool = False
    words: tuple[tuple[str, str], ...] = ()


class ToolsChoice(Record):
    """What a session's proxy carries out itself. `directory` is where, an absolute path.

    With `offers_always` the model is told of the tools also where a request offers none of its own. `words` are
    templates for lines of progress, by name. `steps` bounds the questions to the model for one request.
    """

    level: Level = Level.OFF
    directory: str = ""
    offers_always: bool = False
    progress: Progress = Progress.THINKING
    emoji: bool = False
    words: tuple[tuple[str, str], ...] = ()
    steps: int = DEFAULT_STEPS

    def to_json(self) -> dict[str, Any]:
        """The wire form of the control API."""
        return {
            "level": self.level.value,
            "directory": self.directory,
            "offers_always": self.offers_always,
            "progress": self.progress.value,
            "emoji": self.emoji,
            "words": dict(self.words),
            "steps": self.steps,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse.

        Raises:
            KeyError, ValueError, TypeError, AttributeError: it is none.
        """
        words = tuple((str(name), str(text)) for name, text in dict(data["words"]).items())
        for name, text in words:
            if (fault := word_fault(name, text)) is not None:
                raise ValueError(fault)
        if data["level"] != Level.OFF and not data["directory"]:
            raise ValueError("tools need a directory")
        return cls(
            level=Level(data["level"]),
            directory=str(data["directory"]),
            offers_always=bool(data["offers_always"]),
            progress=Progress(data["progress"]),
            emoji=bool(data["emoji"]),
            words=words,
            steps=min(MOST_STEPS, max(1, int(data["steps"]))),
        )


def word_fault(name: str, template: str) -> str | None:
    """What is wrong with a line of progress, as a part of a sentence; None where nothing is."""
    if name not in WORDS:
        return f"there is no progress line {name!r}; known: {', '.join(WORDS)}"
    try:
        template.format(step=1, tools="", tool="", done=1, count=1, steps=1)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        return f"{name} cannot be filled in: {error}"
    return None
