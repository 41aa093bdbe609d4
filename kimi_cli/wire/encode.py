"""Events and errors as bytes in Anthropic's form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kimi_cli.wire.codec import dumps
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
    Usage,
    WholeBlock,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kimi_cli.wire.failure import Failure
    from kimi_cli.wire.foreign import JsonObject

PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'
"""Sent in silence, so that a client's idle watchdog sees that the stream lives."""

_LONGEST_WAIT: Final = 60.0
"""Seconds. Claude Code waits for as long as that, and gives up at once where it is told to wait for longer. It asks ten
times, so that a host that wants some minutes gets them."""
_DELTA: Final = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":%b}}\n\n'
)
_STOP: Final = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_MESSAGE_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def encode(event: Event) -> bytes:
    """One event as a server-sent event. The frequent ones are templates: one JSON string is all that is encoded."""
    return _ENCODERS[type(event)](event)


def sse(name: str, fields: JsonObject) -> bytes:
    """A named server-sent event whose data repeats the name as `type`."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), dumps({"type": name, **fields}))


def message_shell(message_id: str, model: str, usage: Usage) -> JsonObject:
    """A message before its content: what `message_start` carries, and what the non-streaming answer starts from."""
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage_object(usage),
    }


def usage_object(usage: Usage) -> JsonObject:
    """Usage with every count that Anthropic's form has; hosts of this kind charge nothing for cache writes."""
    counts: JsonObject = {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }
    if usage.thinking_tokens is not None:
        counts["output_tokens_details"] = {"thinking_tokens": usage.thinking_tokens}
    if usage.web_searches:
        counts["server_tool_use"] = {"web_search_requests": usage.web_searches, "web_fetch_requests": 0}
    return counts


def error_event(failure: Failure) -> bytes:
    """An error inside a stream whose status has already been sent."""
    return sse("error", {"error": {"type": failure.kind, "message": failure.message}})


def error_body(failure: Failure, request_id: str) -> bytes:
    """The body of an error answer; its status is `failure.status`."""
    error: JsonObject = {"type": failure.kind, "message": failure.message}
    return dumps({"type": "error", "error": error, "request_id": request_id})


def error_headers(failure: Failure, request_id: str) -> dict[str, str]:
    """The headers that go with `error_body`: what the client should do next."""
    headers = {"request-id": request_id}
    if failure.retry_after is not None:
        wait = failure.retry_after if failure.should_retry is False else min(failure.retry_after, _LONGEST_WAIT)
        # Whole seconds, rounded up: clients differ in what else they read.
        headers["retry-after"] = str(-int(-wait // 1))
    if failure.should_retry is not None:
        headers["x-should-retry"] = "true" if failure.should_retry else "false"
    return headers


def _block_start(index: int, block: JsonObject) -> bytes:
    return sse("content_block_start", {"index": index, "content_block": block})


def _call(event: ToolUseStart | ServerToolUseStart, kind: str) -> JsonObject:
    return {"type": kind, "id": event.id, "name": event.name, "input": {}}


def _message_delta(event: MessageDelta) -> bytes:
    delta: JsonObject = {"stop_reason": event.stop_reason, "stop_sequence": event.stop_sequence}
    return sse("message_delta", {"delta": delta, "usage": usage_object(event.usage)})


_ENCODERS: Final[Mapping[type[Any], Callable[[Any], bytes]]] = {
    TextDelta: lambda event: _DELTA % (event[0], b"text_delta", b"text", dumps(event[1])),
    InputDelta: lambda event: _DELTA % (event[0], b"input_json_delta", b"partial_json", dumps(event[1])),
    ThinkingDelta: lambda event: _DELTA % (event[0], b"thinking_delta", b"thinking", dumps(event[1])),
    SignatureDelta: lambda event: _DELTA % (event[0], b"signature_delta", b"signature", dumps(event[1])),
    TextStart: lambda event: _block_start(event.block, {"type": "text", "text": ""}),
    ThinkingStart: lambda event: _block_start(event.block, {"type": "thinking", "thinking": "", "signature": ""}),
    ToolUseStart: lambda event: _block_start(event.block, _call(event, "tool_use")),
    ServerToolUseStart: lambda event: _block_start(event.block, _call(event, "server_tool_use")),
    WholeBlock: lambda event: _block_start(event.block, event.content),
    BlockStop: lambda event: _STOP % event.block,
    MessageStart: lambda event: sse("message_start", {"message": message_shell(event.id, event.model, event.usage)}),
    MessageDelta: _message_delta,
    MessageStop: lambda _: _MESSAGE_STOP,
    Failed: lambda event: error_event(event.failure),
}
"""By type, which is found faster than a pattern is matched; every `Event` is here."""
