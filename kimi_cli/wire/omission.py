"""A relayed answer without the reasoning that the client does not want to see, and with that which its host wants back.

It does to the events of an Anthropic stream, and to a whole message, what `blocks` does where an answer is translated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.wire.foreign import a_string, an_int, an_object, objects
from kimi_cli.wire.signature import Carried, to_signature
from kimi_cli.wire.thinking import Display

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

_UNASKED: Final = frozenset({Display.CARRIED, Display.DROPPED})


class Omission:
    """One answer. `take` is given each event and returns those to pass on: the same object where it stays as it is."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._index = -1  # of the last block that was passed on
        self._thought: list[str] | None = None  # of the thinking block that is open
        self._signature = ""
        self._carried: list[JsonObject] = []

    def take(self, event: JsonObject) -> list[JsonObject]:
        """What becomes of one event."""
        kind = a_string(event.get("type"))
        if kind not in {"content_block_start", "content_block_delta", "content_block_stop"}:
            return [event]
        if kind == "content_block_start":
            return self._start(event)
        if self._thought is None:
            return [self._placed(event)]
        if kind == "content_block_delta":
            delta = an_object(event.get("delta"))
            self._thought.append(a_string(delta.get("thinking")))
            self._signature += a_string(delta.get("signature"))
            return []
        block = self._sealed()
        if self._display in _UNASKED:
            self._carried.append(block)
            return []
        return [self._signed(block), self._placed(event)]

    def break_off(self) -> list[JsonObject]:
        """The end of the block that is open, because its answer breaks off."""
        stop: JsonObject = {"type": "content_block_stop", "index": self._index}
        if self._thought is None:
            return [stop]
        return [] if self._display in _UNASKED else [self._signed(self._sealed()), stop]

    def _start(self, event: JsonObject) -> list[JsonObject]:
        block = an_object(event.get("content_block"))
        events: list[JsonObject] = []
        if block.get("type") == "thinking":
            self._thought, self._signature = [a_string(block.get("thinking"))], a_string(block.get("signature"))
            if self._display in _UNASKED:
                return []
            event = {**event, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}
        elif block.get("type") == "tool_use" and self._display is Display.CARRIED:
            for carried in self._carried:
                self._index += 1
                start = {"type": "content_block_start", "index": self._index}
                events += ({**start, "content_block": {**carried, "signature": ""}}, self._signed(carried))
                events.append({"type": "content_block_stop", "index": self._index})
            self._carried.clear()
        self._index += 1
        return [*events, self._placed(event)]

    def _placed(self, event: JsonObject) -> JsonObject:
        """The event under the index that its block has for the client."""
        return event if an_int(event.get("index")) == self._index else {**event, "index": self._index}

    def _sealed(self) -> JsonObject:
        """The thinking block that was open, without its text."""
        block = _without_text("".join(self._thought or ()), self._signature)
        self._thought, self._signature = None, ""
        return block

    def _signed(self, block: JsonObject) -> JsonObject:
        delta = {"type": "signature_delta", "signature": block["signature"]}
        return {"type": "content_block_delta", "index": self._index, "delta": delta}


def as_displayed(message: JsonObject, display: Display) -> JsonObject:
    """A whole message, with as much of its reasoning as the client wants to see."""
    if display is Display.SHOWN:
        return message
    content: list[JsonObject] = []
    carried: list[JsonObject] = []
    for block in objects(message.get("content")):
        if block.get("type") == "thinking":
            hidden = _without_text(a_string(block.get("thinking")), a_string(block.get("signature")))
            (carried if display in _UNASKED else content).append(hidden)
            continue
        if block.get("type") == "tool_use" and display is Display.CARRIED:
            content += carried
            carried.clear()
        content.append(block)
    return {**message, "content": content}


def _without_text(text: str, signature: str) -> JsonObject:
    return {"type": "thinking", "thinking": "", "signature": to_signature(Carried(text=text, signature=signature))}
