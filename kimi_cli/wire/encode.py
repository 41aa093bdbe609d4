"""Events and errors as bytes in Anthropic's form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from kimi_cli.wire.codec import dumps
from kimi_cli.wire.events import (
    BlockStop,
    Event,
    Failed,
    InputDelta,
    MessageDelta,
    MessageStart,
    MessageStop,
    SignatureDelta,
    TextDelta,
    TextStart,
    ThinkingDelta,
    ThinkingStart,
    ToolUseStart,
    Usage,
)

if TYPE_CHECKING:
    from kimi_cli.wire.failure import Failure
    from kimi_cli.wire.foreign import JsonObject

PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'
"""Sent in silence, so that a client's idle watchdog sees that the stream lives."""

_DELTA: Final = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":%b}}\n\n'
)
_STOP: Final = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_MESSAGE_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def encode(event: Event) -> bytes:
    """One event as a server-sent event. The frequent ones are templates: one JSON string is all that is encoded."""
    match event:
        case TextDelta(index, text):
            return _DELTA % (index, b"text_delta", b"text", dumps(text))
        case InputDelta(index, partial_json):
            return _DELTA % (index, b"input_json_delta", b"partial_json", dumps(partial_json))
        case ThinkingDelta(index, thinking):
            return _DELTA % (index, b"thinking_delta", b"thinking", dumps(thinking))
        case SignatureDelta(index, signature):
            return _DELTA % (index, b"signature_delta", b"signature", dumps(signature))
        case TextStart(index):
            return _block_start(index, {"type": "text", "text": ""})
        case ThinkingStart(index):
            return _block_start(index, {"type": "thinking", "thinking": "", "signature": ""})
        case ToolUseStart(index, tool_id, name):
            return _block_start(index, {"type": "tool_use", "id": tool_id, "name": name, "input": {}})
        case BlockStop(index):
            return _STOP % index
        case MessageStart(message_id, model, usage):
            return sse("message_start", {"message": message_shell(message_id, model, usage)})
        case MessageDelta(stop_reason, stop_sequence, usage):
            delta: JsonObject = {"stop_reason": stop_reason, "stop_sequence": stop_sequence}
            return sse("message_delta", {"delta": delta, "usage": usage_object(usage)})
        case MessageStop():
            return _MESSAGE_STOP
        case Failed(failure):
            return error_event(failure)
        case _:
            assert_never(event)


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
        # Whole seconds, rounded up: clients differ in what else they read.
        headers["retry-after"] = str(-int(-failure.retry_after // 1))
    if failure.should_retry is not None:
        headers["x-should-retry"] = "true" if failure.should_retry else "false"
    return headers


def _block_start(index: int, block: JsonObject) -> bytes:
    return sse("content_block_start", {"index": index, "content_block": block})
