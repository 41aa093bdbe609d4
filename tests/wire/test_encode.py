"""Every event has the bytes that Anthropic's own server would send for it."""

from __future__ import annotations

import json

import pytest
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from kimi_cli.wire.encode import PING, encode, error_body, error_event, error_headers
from kimi_cli.wire.events import (
    BlockStop,
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
from kimi_cli.wire.failure import Failure

_FAILURE = Failure(529, "overloaded_error", "Groq: busy\nnow")
_ODD = 'a "b"\n\u2028\\ 月🌒\x00'
_judge: TypeAdapter = TypeAdapter(RawMessageStreamEvent)


def _data(encoded: bytes) -> dict:
    """The data of one event, whose name it repeats."""
    assert encoded.endswith(b"\n\n")
    name, data = encoded[:-2].split(b"\n")
    assert data.startswith(b"data: ")
    fields = json.loads(data[6:])
    assert name == b"event: " + fields["type"].encode()
    return fields


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        (TextStart(0), {"index": 0, "content_block": {"type": "text", "text": ""}}),
        (ThinkingStart(1), {"index": 1, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        (
            ToolUseStart(2, "t", "n"),
            {"index": 2, "content_block": {"type": "tool_use", "id": "t", "name": "n", "input": {}}},
        ),
        (TextDelta(3, _ODD), {"index": 3, "delta": {"type": "text_delta", "text": _ODD}}),
        (ThinkingDelta(4, _ODD), {"index": 4, "delta": {"type": "thinking_delta", "thinking": _ODD}}),
        (SignatureDelta(5, _ODD), {"index": 5, "delta": {"type": "signature_delta", "signature": _ODD}}),
        (InputDelta(6, _ODD), {"index": 6, "delta": {"type": "input_json_delta", "partial_json": _ODD}}),
        (BlockStop(7), {"index": 7}),
        (MessageStop(), {}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_event(event, fields):
    """Fields are the documented ones and no more, and the SDK's types know them."""
    data = _data(encode(event))
    assert {key: value for key, value in data.items() if key != "type"} == fields
    assert _judge.validate_python(data).type == data["type"]


def test_the_start_and_the_end_of_a_message():
    """The start has the estimate and nulls, the end the reason and exact counts."""
    start = _data(encode(MessageStart("msg_1", "m", Usage(7))))["message"]
    assert start == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 7,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        },
    }
    end = _data(encode(MessageDelta("end_turn", None, Usage(1, 2, 3, 4))))
    assert end["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert end["usage"] == {
        "input_tokens": 1,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 2,
        "output_tokens": 3,
        "output_tokens_details": {"thinking_tokens": 4},
    }
    assert _judge.validate_python(end).usage.cache_read_input_tokens == 2


def test_errors():
    """An error in a stream and an error body hold the same error; newlines do not break the event."""
    error = {"type": "overloaded_error", "message": "Groq: busy\nnow"}
    assert encode(Failed(_FAILURE)) == error_event(_FAILURE)
    assert _data(error_event(_FAILURE)) == {"type": "error", "error": error}
    assert json.loads(error_body(_FAILURE, "req_1")) == {"type": "error", "error": error, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("retry_after", "should_retry", "headers"),
    [
        (None, None, {}),
        (0.0, None, {"retry-after": "0"}),
        (0.2, True, {"retry-after": "1", "x-should-retry": "true"}),
        (172.8, False, {"retry-after": "173", "x-should-retry": "false"}),
        (20.0, None, {"retry-after": "20"}),
    ],
)
def test_headers(retry_after, should_retry, headers):
    """Waiting is told in whole seconds, rounded up, and advice on retrying only where there is some."""
    failure = Failure(429, "rate_limit_error", "x", retry_after, should_retry)
    assert error_headers(failure, "req_1") == {"request-id": "req_1", **headers}


def test_the_ping():
    """A ping is an event that clients pass over."""
    assert _data(PING) == {"type": "ping"}


@given(text=st.text(st.characters()))
def test_any_text_stands_on_one_line(text):
    """Whatever the text, an event is two lines and a blank one, and the text comes out again."""
    encoded = encode(TextDelta(0, text))
    assert encoded.count(b"\n") == 3
    assert b"\r" not in encoded
    halves_joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert _data(encoded)["delta"]["text"] == halves_joined
