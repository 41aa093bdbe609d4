"""What every stream for a client has to hold to, seen from outside: from its bytes, as a client reads them."""

from __future__ import annotations

import json
from typing import Any, Final

_DELTAS: Final = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


class BrokenError(Exception):
    """A promise of the translation is broken."""


def hold(is_kept: object, promise: str) -> None:
    """See that a promise is kept.

    Raises:
        BrokenError: it is not.
    """
    if not is_kept:
        raise BrokenError(promise)


class Message:
    """The message that a stream amounts to. `error` is set instead where it ends in one."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] | None = None
        self.error: dict[str, Any] | None = None
        self.content: list[dict[str, Any]] = []
        self.is_over = False
        self._open: int | None = None
        self._is_ending = False

    def take(self, event: dict[str, Any]) -> None:
        """One event, where the protocol allows it."""
        hold(not self.is_over, "something follows the end")
        kind = event["type"]
        match kind:
            case "message_start":
                hold(self.fields is None, "a message begins twice")
                self.fields = _object(event, "message")
            case "content_block_start":
                hold(self.fields is not None, "a block before its message")
                hold(not self._is_ending, "a block after the message's end")
                hold(self._open is None, "a block opens inside another")
                hold(event["index"] == len(self.content), "a block's index is not the next one")
                self._open = event["index"]
                self.content.append({**_object(event, "content_block"), "pieces": ""})
            case "content_block_delta":
                hold(self._open == event["index"], "a piece outside of its block")
                delta = _object(event, "delta")
                self.content[-1]["pieces"] += str(delta.get(_DELTAS.get(str(delta.get("type")), ""), ""))
                if delta.get("type") == "signature_delta":
                    self.content[-1]["signature"] = delta.get("signature")
            case "content_block_stop":
                hold(self._open == event["index"], "the end of a block that is not open")
                self._open = None
            case "message_delta":
                hold(self._open is None, "the message ends inside a block")
                self._is_ending = self._is_ending or bool(_object(event, "delta").get("stop_reason"))
                self.fields = (self.fields or {}) | {**_object(event, "delta"), "usage": event.get("usage")}
            case "message_stop":
                hold(self._is_ending, "a message ends without a reason")
                self.is_over = True
            case "error":
                self.error, self.is_over = event["error"], True
            case _:
                pass


def read_sse(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream of ours, each a name and one line of JSON."""
    events = []
    for part in data.decode().split("\n\n")[:-1]:
        name, line = part.split("\n")
        event = json.loads(line.removeprefix("data: "))
        hold(name == f"event: {event['type']}", "an event under another name")
        events.append(event)
    return events


def fold(events: list[dict[str, Any]]) -> Message:
    """The message, if it is one; a stream that says anything ends once, and with nothing behind that."""
    message = Message()
    for event in events:
        message.take(event)
    hold(message.is_over, "there is no end")
    return message


def content_of(message: Message) -> list[dict[str, Any]]:
    """Its content, each block as in a message in one piece."""
    return [_whole(block) for block in message.content]


def _object(event: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of an event; what a host of Anthropic's format left out of it is left out for the client as well."""
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def _whole(block: dict[str, Any]) -> dict[str, Any]:
    pieces = block.pop("pieces")
    match block["type"]:
        case "text":
            return {**block, "text": pieces}
        case "thinking":
            return {**block, "thinking": pieces}
        case _:
            return {**block, "input": pieces}
