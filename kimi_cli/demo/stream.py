"""Anthropic's stream of events, checked strictly and folded into the message that it carries.

An outside judge of the proxy: it shares nothing with the translator, and takes no order but the documented one.
`message_start`, then blocks one after another with rising indexes, then one `message_delta`, then `message_stop`, with
`ping` anywhere in between.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from kimi_cli.demo.report import DemoError

_DELTAS: Final = {
    "text": frozenset({"text_delta"}),
    "thinking": frozenset({"thinking_delta", "signature_delta"}),
    "tool_use": frozenset({"input_json_delta"}),
}
_CARRIED: Final = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}
"""Where each kind of delta holds its piece."""


class _State(StrEnum):
    """How far the answer has come; the value completes the sentence `X came ...`."""

    START = "before message_start"
    BETWEEN = "between two blocks"
    INSIDE = "inside of a block"
    CLOSING = "after message_delta"
    ENDED = "after message_stop"


_TRANSITIONS: Final = {
    (_State.START, "message_start"): _State.BETWEEN,
    (_State.BETWEEN, "content_block_start"): _State.INSIDE,
    (_State.INSIDE, "content_block_delta"): _State.INSIDE,
    (_State.INSIDE, "content_block_stop"): _State.BETWEEN,
    (_State.BETWEEN, "message_delta"): _State.CLOSING,
    (_State.CLOSING, "message_stop"): _State.ENDED,
}


class StreamError(DemoError):
    """The stream is not one that a client may rely on."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"The proxy's stream is wrong: {fault}.")


@dataclass(frozen=True, slots=True)
class Message:
    """A complete answer. `content` holds its blocks as a client sends them back on the next request."""

    id: str
    content: tuple[dict[str, Any], ...]
    stop_reason: str

    def joined(self, kind: str) -> str:
        """The text of all blocks of a kind, `text` or `thinking`."""
        return "".join(block[kind] for block in self.content if block["type"] == kind)

    @property
    def calls(self) -> tuple[dict[str, Any], ...]:
        """The tool_use blocks."""
        return tuple(block for block in self.content if block["type"] == "tool_use")


@dataclass(slots=True)
class _Block:
    """The block that is or was open last, and the pieces that came so far, by where they were carried."""

    start: dict[str, Any]
    pieces: dict[str, list[str]] = field(default_factory=dict)

    def text(self, carrier: str) -> str:
        return "".join(self.pieces.get(carrier, ()))


class StreamCheck:
    """One answer: `feed` takes its events in order, `finish` gives the message once the stream has ended."""

    def __init__(self) -> None:
        self._state = _State.START
        self._id = ""
        self._blocks: list[dict[str, Any]] = []
        self._open = _Block({})
        self._stop_reason = ""

    def feed(self, event: str, data: dict[str, Any]) -> bool:
        """Takes one event; true where it brought a visible piece of text, thinking or a call.

        Raises:
            StreamError: the event may not come here, or says that the answer failed.
        """
        if data.get("type") != event:
            raise StreamError(f"event {event!r} carries type {data.get('type')!r}")
        if event == "error":
            raise StreamError(f"it ended with an error, {data.get('error', {}).get('message')!r}")
        if event == "ping" and self._state is not _State.ENDED:
            return False
        if (self._state, event) not in _TRANSITIONS:
            raise StreamError(f"{event!r} came {self._state.value}")
        self._state = _TRANSITIONS[self._state, event]
        match event:
            case "message_start":
                self._start_message(data)
            case "content_block_start":
                self._start_block(data)
            case "content_block_delta":
                return self._extend_block(data)
            case "content_block_stop":
                self._check_index(data)
                self._blocks.append(_folded(self._open))
            case "message_delta":
                self._end_message(data)
        return False

    def finish(self) -> Message:
        """The message, at the end of the stream.

        Raises:
            StreamError: the stream ended before the message did.
        """
        if self._state is not _State.ENDED:
            raise StreamError("it ended without message_stop")
        message = Message(id=self._id, content=tuple(self._blocks), stop_reason=self._stop_reason)
        if bool(message.calls) != (message.stop_reason == "tool_use"):
            raise StreamError(f"{len(message.calls)} tool calls came with stop reason {message.stop_reason!r}")
        return message

    def _start_message(self, data: dict[str, Any]) -> None:
        message = data.get("message", {})
        if not str(message.get("id", "")).startswith("msg_") or message.get("content") != []:
            raise StreamError("message_start has no msg_ id or is not empty")
        self._id = message["id"]

    def _start_block(self, data: dict[str, Any]) -> None:
        self._check_index(data)
        block = data.get("content_block", {})
        if block.get("type") not in _DELTAS:
            raise StreamError(f"a block has type {block.get('type')!r}")
        self._open = _Block(block)

    def _extend_block(self, data: dict[str, Any]) -> bool:
        self._check_index(data)
        block, delta = self._open, data.get("delta", {})
        kind = delta.get("type")
        if kind not in _DELTAS[block.start["type"]]:
            raise StreamError(f"a {block.start['type']} block got a {kind!r}")
        carrier = _CARRIED[kind]
        block.pieces.setdefault(carrier, []).append(str(delta[carrier]))
        return bool(delta[carrier]) and kind != "signature_delta"

    def _end_message(self, data: dict[str, Any]) -> None:
        stop_reason = data.get("delta", {}).get("stop_reason")
        if not stop_reason:
            raise StreamError("message_delta names no stop reason")
        self._stop_reason = str(stop_reason)

    def _check_index(self, data: dict[str, Any]) -> None:
        if data.get("index") != len(self._blocks):
            raise StreamError(f"block {data.get('index')} came where {len(self._blocks)} was due")


def _folded(block: _Block) -> dict[str, Any]:
    match block.start["type"]:
        case "text":
            return {"type": "text", "text": block.text("text")}
        case "thinking":
            return {"type": "thinking", "thinking": block.text("thinking"), "signature": block.text("signature")}
        case _:
            return {**block.start, "input": _tool_input(block.text("partial_json") or "{}")}


def _tool_input(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise StreamError(f"a tool's input is not JSON, {text!r}") from error
    if not isinstance(value, dict):
        raise StreamError(f"a tool's input is not an object, {text!r}")
    return value
