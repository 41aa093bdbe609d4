"""What one conversation came to, whichever client held it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolRun:
    """A tool that the client ran for the model: what it was given, what it brought."""

    name: str
    argument: str
    result: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished conversation.

    `first_token` is in seconds from the client's start, None where nothing streamed; `version` is the client's own
    where it has one.
    """

    answer: str
    thinking: str
    tools: tuple[ToolRun, ...]
    first_token: float | None
    version: str = ""
