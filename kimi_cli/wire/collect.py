"""The events of a stream folded into one message: the non-streaming answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimi_cli.wire.codec import NotJsonError, loads
from kimi_cli.wire.encode import message_shell, usage_object
from kimi_cli.wire.events import (
    BlockStop,
    Event,
    Failed,
    InputDelta,
    MessageDelta,
    MessageStart,
    MessageStop,
    ServerToolUseStart,
    SignatureDelta,
    TextDelta,
    TextStart,
    ThinkingDelta,
    ThinkingStart,
    ToolUseStart,
    WholeBlock,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimi_cli.wire.failure import Failure
    from kimi_cli.wire.foreign import JsonObject


class Collector:
    """Takes events in order; afterwards one of `message` and `failure` is set."""

    def __init__(self) -> None:
        self._message: JsonObject = {}
        self._content: list[JsonObject] = []
        self._pieces: list[str] = []
        self._signature = ""
        self.message: JsonObject | None = None
        self.failure: Failure | None = None

    def feed(self, events: Iterable[Event]) -> None:
        """Fold in some more events."""
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case TextDelta(_, piece) | InputDelta(_, piece) | ThinkingDelta(_, piece):
                self._pieces.append(piece)
            case SignatureDelta(_, signature):
                self._signature = signature
            case TextStart():
                self._content.append({"type": "text", "text": ""})
            case ThinkingStart():
                self._content.append({"type": "thinking", "thinking": "", "signature": ""})
            case ToolUseStart(_, tool_id, name):
                self._content.append({"type": "tool_use", "id": tool_id, "name": name, "input": {}})
            case ServerToolUseStart(_, tool_id, name):
                self._content.append({"type": "server_tool_use", "id": tool_id, "name": name, "input": {}})
            case WholeBlock(_, block):
                self._content.append(block)
            case BlockStop():
                self._close(self._content[-1])
            case MessageStart(message_id, model, usage):
                self._message = message_shell(message_id, model, usage)
            case MessageDelta(stop_reason, stop_sequence, usage):
                self._message |= {
                    "content": self._content,
                    "stop_reason": stop_reason,
                    "stop_sequence": stop_sequence,
                    "usage": usage_object(usage),
                }
            case MessageStop():
                self.message = self._message
            case Failed(failure):
                self.failure = failure

    def _close(self, block: JsonObject) -> None:
        text = "".join(self._pieces)
        self._pieces.clear()
        match block["type"]:
            case "text":
                block["text"] = text
            case "thinking":
                block["thinking"], block["signature"] = text, self._signature
                self._signature = ""
            case "tool_use" | "server_tool_use":
                block["input"] = _input_of(text)
            case _:  # it was complete when it opened
                pass


def _input_of(text: str) -> JsonObject:
    """A tool's input; where the model wrote no JSON object, what it wrote, in the form that Claude Code itself uses."""
    try:
        value = loads(text.encode("utf-8", "surrogatepass"))
    except NotJsonError:
        value = None
    if isinstance(value, dict):
        return value
    return {"__unparsedToolInput": {"raw": text, "len": len(text)}} if text.strip() else {}
