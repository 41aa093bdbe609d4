"""Events fold into one message, which is complete or not there at all."""

from __future__ import annotations

import pytest
from anthropic.types import Message

from kimi_cli.wire.collect import Collector
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

_START = MessageStart("msg_1", "claude-test", Usage(7))
_END = [MessageDelta("tool_use", None, Usage(4, 8, 3, 2)), MessageStop()]
_FAILURE = Failure(500, "api_error", "it broke")


def _collected(*events) -> Collector:
    collector = Collector()
    for event in events:
        collector.feed([event])
    return collector


def _input(*pieces: str) -> object:
    deltas = (InputDelta(0, piece) for piece in pieces)
    collector = _collected(_START, ToolUseStart(0, "toolu_1", "Read"), *deltas, BlockStop(0), *_END)
    return collector.message["content"][0]["input"]


def test_every_kind_of_block():
    """Pieces join, a signature stays with its block, and the usage is that of the end."""
    message = _collected(
        _START,
        *(ThinkingStart(0), ThinkingDelta(0, "a"), ThinkingDelta(0, "b"), SignatureDelta(0, "s"), BlockStop(0)),
        *(TextStart(1), TextDelta(1, "c"), TextDelta(1, "d"), BlockStop(1)),
        *(ThinkingStart(2), ThinkingDelta(2, "e"), BlockStop(2)),
        *(ToolUseStart(3, "toolu_1", "Read"), InputDelta(3, '{"a":'), InputDelta(3, "1}"), BlockStop(3)),
        *_END,
    ).message
    assert message == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": [
            {"type": "thinking", "thinking": "ab", "signature": "s"},
            {"type": "text", "text": "cd"},
            {"type": "thinking", "thinking": "e", "signature": ""},
            {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 4,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 8,
            "output_tokens": 3,
            "output_tokens_details": {"thinking_tokens": 2},
        },
    }
    assert Message.model_validate(message).to_dict() == message


def test_a_stop_sequence_is_told():
    """The sequence that ended the answer is in the message."""
    message = _collected(_START, MessageDelta("stop_sequence", "END", Usage()), MessageStop()).message
    assert (message["stop_reason"], message["stop_sequence"], message["content"]) == ("stop_sequence", "END", [])


@pytest.mark.parametrize(
    "events",
    [
        [],
        [_START],
        [_START, TextStart(0), TextDelta(0, "a"), BlockStop(0)],
        [_START, TextStart(0), TextDelta(0, "a"), BlockStop(0), _END[0]],
    ],
)
def test_there_is_no_message_before_its_end(events):
    """What has no message_stop is not handed out."""
    collector = _collected(*events)
    assert (collector.message, collector.failure) == (None, None)


@pytest.mark.parametrize("events", [[], [_START], [_START, TextStart(0), TextDelta(0, "a")]])
def test_a_failure_takes_the_place_of_the_message(events):
    """An answer that failed half-way is a failure and not half a message."""
    collector = _collected(*events, Failed(_FAILURE))
    assert (collector.message, collector.failure) == (None, _FAILURE)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([], {}),
        (["  "], {}),
        (["{}"], {}),
        (['{"a": "\\ud83c', '\\udf12"}'], {"a": "🌒"}),
        (['{"a": 1'], {"__unparsedToolInput": {"raw": '{"a": 1', "len": 7}}),
        (["[1]"], {"__unparsedToolInput": {"raw": "[1]", "len": 3}}),
        (["null"], {"__unparsedToolInput": {"raw": "null", "len": 4}}),
        (['{"a": NaN}'], {"__unparsedToolInput": {"raw": '{"a": NaN}', "len": 10}}),
        (["[" * 5_000], {"__unparsedToolInput": {"raw": "[" * 5_000, "len": 5_000}}),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_inputs(pieces, expected):
    """Input is an object; what is none is told as it was written, in the form that Claude Code itself uses."""
    assert _input(*pieces) == expected
