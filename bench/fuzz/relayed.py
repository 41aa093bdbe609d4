"""Targets: what a host of Anthropic's format streams, in any order and in pieces of any size."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from bench.fuzz.answers import check_events
from bench.fuzz.judge import fold, hold
from kimi_cli.wire.ids import AnswerIds
from kimi_cli.wire.messages import MessagesAnswer
from kimi_cli.wire.passage import Passage
from kimi_cli.wire.thinking import Display

if TYPE_CHECKING:
    from bench.fuzz.source import Source
    from kimi_cli.wire.events import Event

_EVENT_KEYS: Final = (
    "type",
    "index",
    "message",
    "delta",
    "content_block",
    "usage",
    "stop_reason",
    "text",
    "thinking",
    "partial_json",
    "signature",
    "id",
    "name",
    "input",
    "error",
    "content",
    "output_tokens",
    "input_tokens",
    "code",
)
_EVENTS: Final = (
    "content_block_start",
    "content_block_delta",
    "content_block_delta",
    "content_block_stop",
    "message_start",
    "message_delta",
    "message_stop",
    "ping",
    "error",
    "new",
)
_BLOCKS: Final = ("text", "thinking", "tool_use", "server_tool_use", "web_search_tool_result", "redacted_thinking")
_PIECES: Final = ("text_delta", "thinking_delta", "input_json_delta", "signature_delta", "citations_delta", "new_delta")
_COUNT: Final = 40
_FINISHES: Final = ("end_turn", "tool_use", "max_tokens", None, "")


def passage(source: Source) -> None:
    """Events of Anthropic's format, in any order."""
    options = source.byte()
    data = _event_bytes(source)
    sent, answer = _passed([data], options)
    hold(_passed(source.pieces(data), options)[0] == sent, "the cut changes the answer")
    hold(answer.is_over, "the end of the host's stream is not the end")
    known = [event for event in _read_relayed(sent) if event.get("type") in _EVENTS]
    message = fold(known)
    hold((message.error is None) == (answer.failure is None), "a failure that the client is not told of")


def messages(source: Source) -> None:
    """The same events, read by whoever has more to do with them than to pass them on."""
    options = source.byte()
    data = _event_bytes(source)
    events = _heard([data], options)
    hold(_heard(source.pieces(data), options) == events, "the cut changes the answer")
    check_events(events)


def _heard(parts: list[bytes], options: int) -> list[Event]:
    names = {"Read": "mcp__a__b"} if options & 2 else {}
    display = tuple(Display)[(options >> 2) % len(Display)]
    answer = MessagesAnswer(host="Host", window=1000, estimate=7, tool_names=names, display=display)
    return [event for part in parts for event in answer.events(part)] + answer.end()


def _event_bytes(source: Source) -> bytes:
    kind = source.byte() % 4
    if kind == 0:
        return source.rest()
    parts: list[bytes] = []
    while not source.is_empty and len(parts) < _COUNT:
        event = source.value(_EVENT_KEYS) if kind == 1 or source.chance(24) else _event(source)
        name = event.get("type") if isinstance(event, dict) and not source.chance(32) else source.pick(_EVENTS)
        if isinstance(name, str) and "\n" not in name:
            parts.append(f"event: {name}\n".encode("utf-8", "replace"))
        parts.append(b"data: " + json.dumps(event).encode("utf-8", "surrogatepass") + b"\n\n")
    return b"".join(parts)


def _event(source: Source) -> dict[str, Any]:
    kind = source.pick(_EVENTS)
    event: dict[str, Any] = {"type": kind}
    if kind.startswith("content_block"):
        event["index"] = source.below(4)
    if kind == "content_block_start":
        block = source.pick(_BLOCKS)
        ids = {"id": source.pick(("toolu_1", "toolu_2", "")), "name": "Read", "input": {}}
        event["content_block"] = {
            "type": block,
            **(ids if block.endswith("tool_use") else {"text": "", "thinking": ""}),
        }
    elif kind == "content_block_delta":
        piece = source.pick(_PIECES)
        field = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
        event["delta"] = {"type": piece, field.get(piece, "signature"): source.text()}
    elif kind == "message_start":
        event["message"] = {"id": "msg_1", "role": "assistant", "content": [], "usage": {"input_tokens": 3}}
    elif kind == "message_delta":
        event |= {"delta": {"stop_reason": source.pick(_FINISHES)}, "usage": {"output_tokens": 2}}
    elif kind == "error":
        event["error"] = source.value(_EVENT_KEYS, depth=2)
    return event


def _passed(parts: list[bytes], options: int) -> tuple[bytes, Passage]:
    numbers = count(1)
    ids = AnswerIds(lambda prefix: f"{prefix}{next(numbers)}", taken={"toolu_1"}) if options & 1 else None
    answer = Passage(
        host="Host",
        window=1000,
        estimate=7,
        tool_names={"Read": "mcp__a__b"} if options & 2 else {},
        ids=ids,
        display=tuple(Display)[(options >> 2) % len(Display)],
    )
    sent = b"".join([answer.feed(part) for part in parts]) + answer.finish()
    return sent, answer


def _read_relayed(sent: bytes) -> list[dict[str, Any]]:
    """The events of a relayed stream that a client would read: those with JSON objects for data."""
    events = []
    for part in sent.decode("utf-8", "replace").split("\n\n"):
        data = "\n".join(line[5:] for line in part.split("\n") if line.startswith("data:"))
        try:
            event = json.loads(data)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events
