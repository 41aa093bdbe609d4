"""What an upstream says, as values that every double understands.

A test writes a `Scenario`: replies in order, or a function of the request. A double that accepted a request makes an
`Ask` of it, hands it to the scenario, and puts the answer on the wire in its own host's form.
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

JsonObject: TypeAlias = dict[str, Any]


class Shape(StrEnum):
    """How a host streams tool calls."""

    WHOLE = "whole"
    """Each call complete in one delta, as Groq does it."""
    SPLIT = "split"
    """Name and id first, then the arguments in pieces, one call after the other."""
    INTERLEAVED = "interleaved"
    """All calls opened at once, pieces of their arguments in turns."""
    NO_IDS = "no_ids"
    """The id missing, or blank."""
    SAME_IDS = "same_ids"
    """One id for all calls, as hosts do that start counting again."""
    REPEATED_IDS = "repeated_ids"
    """Id and name repeated in every piece of a call."""
    EMPTY_ARGUMENTS = "empty_arguments"
    """An empty string for the arguments of a call that has none."""


class UsageAt(StrEnum):
    """Where a chat stream puts its usage."""

    TOP = "top"
    """Top level of the last chunk, beside `choices: []` where it was asked for."""
    X_GROQ = "x_groq"
    CHOICE = "choice"


class Gate:
    """A door that a reply waits at until the test opens it, from any thread."""

    def __init__(self) -> None:
        self._reached: Future[None] = Future()
        self._open: Future[None] = Future()

    def open(self) -> None:
        """Let the reply go on."""
        if not self._open.done():
            self._open.set_result(None)

    def wait_reached(self, *, seconds: float = 20) -> None:
        """Block until a reply stands at the gate."""
        self._reached.result(timeout=seconds)

    async def reached(self) -> None:
        """The same for a test in an event loop."""
        await asyncio.shield(asyncio.wrap_future(self._reached))

    async def passed(self) -> None:
        """The double's side: say that the gate is reached and wait until it is open."""
        if not self._reached.done():
            self._reached.set_result(None)
        await self.opened()

    async def opened(self) -> None:
        """Wait until the gate is open."""
        await asyncio.shield(asyncio.wrap_future(self._open))

    def wait_opened(self, *, seconds: float = 20) -> None:
        """Block until the gate is open."""
        self._open.result(timeout=seconds)


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call; a string for `arguments` goes out as it is, valid JSON or not."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The arguments as they stand on the wire."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(dict(self.arguments))


@dataclass(frozen=True, slots=True)
class Text:
    chunks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reasoning:
    chunks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Calls:
    calls: tuple[Call, ...]
    shape: Shape = Shape.WHOLE


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing at all until the gate opens."""

    gate: Gate


@dataclass(frozen=True, slots=True)
class Truncate:
    """The stream ends in an orderly way, without a finish reason."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection breaks."""


@dataclass(frozen=True, slots=True)
class InStreamError:
    """A failure after the status was sent."""

    message: str
    type: str = "server_error"
    code: str | None = None
    failed_generation: str | None = None


Part: TypeAlias = Text | Reasoning | Calls | Silence | Truncate | Reset | InStreamError
ENDINGS = (Truncate, Reset, InStreamError)


@dataclass(frozen=True, slots=True)
class Usage:
    prompt: int = 1200
    completion: int = 40
    cached: int = 1000
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """An accepted request's answer: parts in the order in which they leave.

    `finish` is the host's finish reason in OpenAI's words; None means the one that fits the parts.
    """

    parts: tuple[Part, ...]
    finish: str | None = None
    usage: Usage = field(default_factory=Usage)
    usage_at: frozenset[UsageAt] = frozenset({UsageAt.TOP, UsageAt.X_GROQ})

    @property
    def calls(self) -> tuple[Call, ...]:
        """All calls of the reply."""
        return tuple(call for part in self.parts if isinstance(part, Calls) for call in part.calls)

    @property
    def text(self) -> str:
        """All text of the reply."""
        return "".join(chunk for part in self.parts if isinstance(part, Text) for chunk in part.chunks)

    @property
    def reasoning(self) -> str:
        """All reasoning of the reply."""
        return "".join(chunk for part in self.parts if isinstance(part, Reasoning) for chunk in part.chunks)

    @property
    def finish_reason(self) -> str:
        """The finish reason in OpenAI's words."""
        return self.finish or ("tool_calls" if self.calls else "stop")


@dataclass(frozen=True, slots=True)
class HttpError:
    """A refusal before any stream; `body` is the host's JSON, or raw text."""

    status: int
    body: JsonObject | str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolResult:
    id: str
    text: str
    is_error: bool | None = None
    images: int = 0


@dataclass(frozen=True, slots=True)
class Ask:
    """An accepted request in neutral form.

    `last_text` is the text of what follows the last assistant turn, system turns and tool results left out;
    `results` and `images` are what stands there of tool results and images.
    """

    body: JsonObject
    model: str
    stream: bool
    system: str
    last_text: str
    results: tuple[ToolResult, ...]
    images: int
    tools: tuple[str, ...]

    @property
    def result(self) -> str:
        """The text of the last tool result, or an empty string."""
        return self.results[-1].text if self.results else ""


Answer: TypeAlias = Reply | HttpError
Step: TypeAlias = "Answer | Callable[[Ask], Answer]"
Test: TypeAlias = "Callable[[Ask], bool]"


def has_tools(ask: Ask) -> bool:
    """Whether the request belongs to the conversation; titles and summaries come without tools."""
    return bool(ask.tools)


class Scenario:
    """Steps answered in order to the requests that `when` picks; `rules` are looked at first and never used up.

    Other requests, and those after the last step, get `default`, so that a client's side requests derail nothing.
    `asks` are the requests that steps were used up for, in order.
    """

    def __init__(
        self,
        *steps: Step,
        default: Step | None = None,
        when: Test = has_tools,
        rules: Iterable[tuple[Test, Step]] = (),
    ) -> None:
        self._steps = list(steps)
        self._default: Step = default or say("Nothing more to say.")
        self._when = when
        self._rules = list(rules)
        self.asks: list[Ask] = []

    @property
    def is_done(self) -> bool:
        """Whether every step was used."""
        return not self._steps

    def add_rule(self, test: Test, step: Step) -> None:
        """Answer every request that passes `test` with `step`."""
        self._rules.append((test, step))

    def answer(self, ask: Ask) -> Answer:
        """The next answer to `ask`."""
        step = next((step for test, step in self._rules if test(ask)), None)
        if step is None and self._steps and self._when(ask):
            self.asks.append(ask)
            step = self._steps.pop(0)
        step = step or self._default
        return step(ask) if callable(step) else step


def say(*chunks: str, thinking: str = "", finish: str | None = None, usage: Usage | None = None) -> Reply:
    """A reply of text, after `thinking` where that is given."""
    before: tuple[Part, ...] = (Reasoning((thinking,)),) if thinking else ()
    return Reply((*before, Text(chunks)), finish=finish, usage=usage or Usage())


def call(*calls: Call, text: str = "", thinking: str = "", shape: Shape = Shape.WHOLE) -> Reply:
    """A reply of tool calls, after `thinking` and `text` where they are given."""
    parts: list[Part] = []
    if thinking:
        parts.append(Reasoning(tuple(thinking[start : start + 12] for start in range(0, len(thinking), 12))))
    if text:
        parts.append(Text((text,)))
    return Reply((*parts, Calls(calls, shape)))
