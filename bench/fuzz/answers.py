"""Targets: a host's chat completion, streamed in pieces of any size or in one piece."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from bench.fuzz.judge import content_of, fold, hold, read_sse
from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.codec import NotJsonError, loads
from kimi_cli.wire.collect import Collector
from kimi_cli.wire.encode import encode
from kimi_cli.wire.events import ToolUseStart
from kimi_cli.wire.refusal import from_response
from kimi_cli.wire.stream import Frame
from kimi_cli.wire.thinking import Display
from tests.wire.build import merged

if TYPE_CHECKING:
    from bench.fuzz.source import Source
    from kimi_cli.wire.events import Event

_CHAT_KEYS: Final = (
    "choices",
    "delta",
    "message",
    "content",
    "tool_calls",
    "function",
    "arguments",
    "name",
    "id",
    "index",
    "usage",
    "finish_reason",
    "error",
    "x_groq",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "stop_reason",
    "prompt_tokens",
    "completion_tokens",
    "failed_generation",
    "type",
    "text",
    "code",
    "status_code",
    "role",
)
_OFFERED: Final = 128
_WRITTEN: Final = 4000
_CHUNKS: Final = 40
_FINISHES: Final = ("stop", "tool_calls", "length", "content_filter", None, "error", "")
_USAGE: Final = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}


def chat_stream(source: Source) -> None:
    """Chat completion chunks, or anything else."""
    frame_data = source.byte()
    stops = tuple(source.text() for _ in range(frame_data % 3))
    data = _chat_bytes(source)
    events = _chat_events([data], frame_data, stops)
    cut = _chat_events(source.pieces(data), frame_data, stops)
    hold(merged(cut) == merged(events), "the cut changes the answer")
    check_events(events)


def chat_whole(source: Source) -> None:
    """A completion in one piece."""
    frame_data = source.byte()
    if source.chance(2):
        body = source.rest()
    else:
        fields = source.value(_CHAT_KEYS)
        if source.chance(2):
            choice = {"message": _delta(source), "finish_reason": source.pick(_FINISHES)}
            fields = {"choices": [choice], "usage": _USAGE}
        body = json.dumps(fields).encode("utf-8", "surrogatepass")
    answer = ChatAnswer(_frame(frame_data, ()))
    check_events(answer.whole(body))


def salvaged(source: Source) -> None:
    """What a model wrote that its host could not read: nothing, or an answer that calls tools that there are."""
    written = source.text()
    while not source.is_empty and len(written) < _WRITTEN:
        written += source.text()
    error = {"code": "tool_use_failed", "message": "Failed to call a function.", "failed_generation": written}
    body = json.dumps({"error": error}).encode("utf-8", "surrogatepass")
    refusal = from_response(host="Host", status=400, headers={}, body=body, window=1000, estimate=7)
    events = ChatAnswer(_frame(_OFFERED, ())).salvaged(refusal)
    if events is None:
        return
    check_events(events)
    names = [event.name for event in events if isinstance(event, ToolUseStart)]
    hold(names, "an answer without a call")
    hold(set(names) <= {"Read"}, "a call to a tool that there is none of")


def check_events(events: list[Event]) -> None:
    """The stream's message, as a client reads it, is the one that is answered in one piece."""
    sent = b"".join(map(encode, events))
    streamed = fold(read_sse(sent))
    collector = Collector()
    collector.feed(events)
    hold((collector.message is None) != (collector.failure is None), "neither a message nor a failure")
    if collector.message is None:
        hold(streamed.error is not None, "a failure in one piece, and none in the stream")
        return
    content = content_of(streamed)
    for block in content:
        if block["type"] == "tool_use":
            block["input"] = _input_of(block["input"])
    folded = {**(streamed.fields or {}), "content": content}
    for name in ("id", "content", "stop_reason", "stop_sequence", "usage"):
        hold(folded[name] == collector.message[name], f"another {name} in the stream than in one piece")


def _input_of(pieces: str) -> object:
    """What a client makes of a call's pieces."""
    try:
        value = loads(pieces.encode("utf-8", "surrogatepass"))
    except NotJsonError:
        value = None
    if isinstance(value, dict):
        return value
    return {"__unparsedToolInput": {"raw": pieces, "len": len(pieces)}} if pieces.strip() else {}


def _chat_events(parts: list[bytes], frame_data: int, stops: tuple[str, ...]) -> list[Event]:
    answer = ChatAnswer(_frame(frame_data, stops))
    events: list[Event] = []
    for part in parts:
        events += answer.events(part)
    events += answer.end()
    hold(answer.is_over, "the end of the host's stream is not the end")
    return events


def _frame(data: int, stops: tuple[str, ...]) -> Frame:
    numbers = count(1)
    names = {"Read": "mcp__a__b", "a_b_c": "a.b/c"} if data & 64 else {}
    schema: dict[str, object] = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    return Frame(
        model="claude-test",
        host="Host",
        window=1000,
        new_id=lambda prefix: f"{prefix}{next(numbers)}",
        estimate=7,
        tool_names=names,
        stops=tuple(stop for stop in stops if stop),
        display=tuple(Display)[(data >> 3) % len(Display)],
        details_model="kimi-k3" if data & 32 else "",
        offered={"Read": schema} if data & _OFFERED else {},
    )


def _chat_bytes(source: Source) -> bytes:
    kind = source.byte() % 4
    if kind == 0:
        return source.rest()
    parts: list[bytes] = []
    while not source.is_empty and len(parts) < _CHUNKS:
        chunk = source.value(_CHAT_KEYS) if kind == 1 or source.chance(24) else _chunk(source)
        parts.append(b"data: " + json.dumps(chunk).encode("utf-8", "surrogatepass") + b"\n\n")
        if source.chance(32):
            parts.append(
                source.pick((b"data: [DONE]\n\n", b"\n", b": comment\n\n", b"event: error\n", b"data: {", b"\r"))
            )
    return b"".join(parts)


def _chunk(source: Source) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "delta": _delta(source)}
    chunk: dict[str, Any] = {"choices": [choice]}
    if source.chance(8):
        choice["finish_reason"] = source.pick(_FINISHES)
    if source.chance(12):
        source.pick((chunk, choice, chunk.setdefault("x_groq", {})))["usage"] = _USAGE
    return chunk


def _delta(source: Source) -> dict[str, Any]:
    match source.byte() % 7:
        case 6:
            kind = source.pick(("reasoning.text", "reasoning.summary", "reasoning.encrypted", ""))
            entry = {"type": kind, "text": source.text(), "summary": source.text(), "index": source.below(2)}
            signed = {"signature": source.text(), "data": source.text()} if source.chance(3) else {}
            return {"reasoning_details": [entry | signed], "reasoning": entry["text"]}
        case 0 | 1:
            return {"content": source.text()}
        case 2:
            return {source.pick(("reasoning", "reasoning_content")): source.text()}
        case 3 | 4:
            return {"tool_calls": [_fragment(source) for _ in range(1 + source.below(2))]}
        case _:
            return {"role": "assistant", "content": source.text(), "reasoning": source.text()}


def _fragment(source: Source) -> dict[str, Any]:
    given = source.byte()
    fragment: dict[str, Any] = {"function": {}}
    if given & 1:
        fragment["index"] = source.below(3)
    if given & 2:
        fragment["id"] = source.pick(("functions.Read:0", "functions.Read:1", "", "a"))
    if given & 4:
        fragment["function"]["name"] = source.pick(("Read", "Bash", "a_b_c", ""))
    if given & 24:
        fragment["function"]["arguments"] = source.text()
    return fragment
