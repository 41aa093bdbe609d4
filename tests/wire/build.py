"""Upstream streams built by hand, ways to cut them, and what every stream of events must hold to."""

from __future__ import annotations

import json
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, Final

from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.collect import Collector
from kimi_cli.wire.events import (
    BlockStop,
    Event,
    Failed,
    InputDelta,
    MessageDelta,
    MessageStart,
    MessageStop,
    TextDelta,
    TextStart,
    ThinkingDelta,
    ThinkingStart,
    ToolUseStart,
)
from kimi_cli.wire.stream import Frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

JsonObject = dict[str, Any]

WINDOW: Final = 131_072
DONE: Final = b"data: [DONE]\n\n"
USAGE: Final = {"prompt_tokens": 12, "completion_tokens": 3}
_STARTS: Final = {TextStart: TextDelta, ThinkingStart: ThinkingDelta, ToolUseStart: InputDelta}


def frame(**changes: Any) -> Frame:
    """What the reducer knows of a request; ids count from 1 in every frame."""
    numbers = count(1)
    fields = {
        "model": "claude-test",
        "host": "Host",
        "window": WINDOW,
        "new_id": lambda prefix: f"{prefix}{next(numbers)}",
        "estimate": 7,
    }
    return Frame(**{**fields, **changes})


def chunk(delta: JsonObject | None = None, finish: str | None = None, **fields: Any) -> JsonObject:
    """One chat.completion.chunk, without what is never read; `fields` go to the top level."""
    choice = {"delta": delta or {}, **({"finish_reason": finish} if finish else {})}
    return {"choices": [choice], **fields}


def text(content: str) -> JsonObject:
    """A chunk of text."""
    return chunk({"content": content})


def reasoning(content: str, *, field: str = "reasoning_content") -> JsonObject:
    """A chunk of reasoning."""
    return chunk({field: content})


def calls(*fragments: JsonObject) -> JsonObject:
    """A chunk of tool call fragments."""
    return chunk({"tool_calls": list(fragments)})


def fragment(
    index: int | None = None,
    *,
    id: str | None = None,  # noqa: A002
    name: str | None = None,
    arguments: Any = ...,
) -> JsonObject:
    """One entry of `delta.tool_calls`; what is not given is not there."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value not in (None, ...)}
    if arguments is None:
        function["arguments"] = None
    fields = {"index": index, "id": id, "type": "function" if id else None, "function": function or None}
    return {key: value for key, value in fields.items() if value is not None}


def end(reason: str | None = "stop", **fields: Any) -> JsonObject:
    """The chunk that carries the finish reason."""
    return chunk({}, reason, **fields)


def sse(*chunks: JsonObject, newline: bytes = b"\n", done: bool = True) -> bytes:
    """Chunks as a stream of server-sent events."""
    stream = b"".join(b"data: " + json.dumps(item, separators=(",", ":")).encode() + b"\n\n" for item in chunks)
    return (stream + (DONE if done else b"")).replace(b"\n", newline)


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The bytes cut at the given places."""
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    return [data[start:stop] for start, stop in pairwise(edges)]


def every_cut(data: bytes) -> Iterable[Sequence[bytes]]:
    """The bytes whole, byte by byte, and in two at every boundary."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    for at in range(1, len(data)):
        yield [data[:at], data[at:]]


def read(parts: Iterable[bytes], **changes: Any) -> list[Event]:
    """The events of a stream that arrives in these pieces and then ends."""
    answer = ChatAnswer(frame(**changes))
    events: list[Event] = []
    for part in parts:
        events += answer.events(part)
    return events + answer.end()


def merged(events: Iterable[Event]) -> list[Event]:
    """The same with one delta for those that follow one another: how many there are depends on the reads."""
    found: list[Event] = []
    for event in events:
        last = found[-1] if found else None
        if isinstance(event, TextDelta) and isinstance(last, TextDelta):
            found[-1] = TextDelta(last.block, last.text + event.text)
        elif isinstance(event, ThinkingDelta) and isinstance(last, ThinkingDelta):
            found[-1] = ThinkingDelta(last.block, last.thinking + event.thinking)
        else:
            found.append(event)
    return found


def told(data: bytes, **changes: Any) -> list[Event]:
    """The events of a stream read chunk by chunk, which say the same however it is cut, and form a message."""
    whole = read(pieces(data, range(len(data))), **changes)
    for parts in every_cut(data):
        assert merged(read(parts, **changes)) == merged(whole)
    check_events(whole)
    return whole


def check_events(events: Sequence[Event]) -> None:
    """Hold events against the protocol: one message, blocks one after another, one terminal event, which is last."""
    open_kind: type | None = None
    index = -1
    has_delta = False
    assert events, "nothing was said"
    for event in events[:-1]:
        assert not isinstance(event, MessageStop | Failed), "something follows the end"
    assert isinstance(events[-1], MessageStop | Failed), "there is no end"
    for place, event in enumerate(events):
        match event:
            case MessageStart():
                assert place == 0
            case TextStart() | ThinkingStart() | ToolUseStart():
                assert not has_delta, "a block after message_delta"
                assert open_kind is None, "a block opens inside another"
                assert event.block == index + 1
                index, open_kind = event.block, type(event)
            case TextDelta() | ThinkingDelta() | InputDelta():
                assert open_kind is not None, "a delta outside a block"
                assert _STARTS[open_kind] is type(event)
                assert event.block == index
                assert event[1], "an empty delta"
            case BlockStop():
                assert open_kind is not None
                assert event.block == index
                open_kind = None
            case MessageDelta():
                assert open_kind is None, "the message ends inside a block"
                has_delta = True
            case Failed():
                assert open_kind in {None, ToolUseStart}, "text is left open by the failure"
            case MessageStop():
                assert has_delta
            case _:
                pass
    if isinstance(events[-1], MessageStop):
        assert isinstance(events[0], MessageStart)


def message_of(events: Iterable[Event]) -> JsonObject:
    """The message that events amount to."""
    collector = Collector()
    collector.feed(events)
    assert collector.failure is None, collector.failure
    assert collector.message is not None
    return collector.message


def content_of(data: bytes, **changes: Any) -> list[JsonObject]:
    """The content of the message that a stream amounts to, however it is cut."""
    return message_of(told(data, **changes))["content"]


def failure_of(data: bytes, **changes: Any) -> Any:
    """The failure in which a stream ends, however it is cut."""
    events = told(data, **changes)
    assert isinstance(events[-1], Failed), events[-1]
    return events[-1].failure


def inputs_of(data: bytes, **changes: Any) -> list[tuple[str, Any]]:
    """The name and input of every call that a stream amounts to."""
    return [(block["name"], block["input"]) for block in content_of(data, **changes) if block["type"] == "tool_use"]


def deep(levels: int) -> JsonObject:
    """A block in a block in a block."""
    block: JsonObject = {"type": "text", "text": "a"}
    for _ in range(levels):
        block = {"type": "tool_result", "tool_use_id": "x", "content": [block], "input": block}
    return block
