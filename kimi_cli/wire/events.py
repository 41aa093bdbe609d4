"""The events of an Anthropic message stream, as the reducer emits them.

Named tuples rather than data classes: thousands are made a second, and a tuple is the cheapest immutable value.
`block` is the index of a content block, from 0; blocks follow one another and never overlap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from kimi_cli.wire.failure import Failure
    from kimi_cli.wire.foreign import JsonObject


class Usage(NamedTuple):
    """Token counts. The whole prompt is `input_tokens + cached_tokens`; `thinking_tokens` are part of the output.

    `web_searches` counts the searches that were made on this side.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int | None = None
    web_searches: int = 0


class MessageStart(NamedTuple):
    """The message begins; `usage` holds an estimate of the prompt."""

    id: str
    model: str
    usage: Usage


class TextStart(NamedTuple):
    """A text block opens."""

    block: int


class ThinkingStart(NamedTuple):
    """A thinking block opens."""

    block: int


class ToolUseStart(NamedTuple):
    """A tool_use block opens."""

    block: int
    id: str
    name: str


class ServerToolUseStart(NamedTuple):
    """A server_tool_use block opens: a call that is carried out on this side, shown to the client."""

    block: int
    id: str
    name: str


class WholeBlock(NamedTuple):
    """A block opens that is complete: the result of a call that was carried out on this side."""

    block: int
    content: JsonObject


class TextDelta(NamedTuple):
    """More text of the open block."""

    block: int
    text: str


class ThinkingDelta(NamedTuple):
    """More reasoning of the open block."""

    block: int
    thinking: str


class SignatureDelta(NamedTuple):
    """The signature of the open thinking block, just before it stops."""

    block: int
    signature: str


class InputDelta(NamedTuple):
    """A piece of the JSON text of a tool's input."""

    block: int
    partial_json: str


class BlockStop(NamedTuple):
    """The open block closes."""

    block: int


class MessageDelta(NamedTuple):
    """The end of the message: why it stopped, and the exact usage."""

    stop_reason: str
    stop_sequence: str | None
    usage: Usage


class MessageStop(NamedTuple):
    """The message is complete. Terminal."""


class Failed(NamedTuple):
    """The message will not be completed. Terminal, like `MessageStop`; exactly one of the two ends a stream."""

    failure: Failure


Event: TypeAlias = (
    TextDelta
    | InputDelta
    | ThinkingDelta
    | TextStart
    | ThinkingStart
    | ToolUseStart
    | SignatureDelta
    | ServerToolUseStart
    | WholeBlock
    | BlockStop
    | MessageStart
    | MessageDelta
    | MessageStop
    | Failed
)
