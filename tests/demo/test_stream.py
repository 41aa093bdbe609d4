"""The check of the stream takes the documented order and nothing else."""

from __future__ import annotations

import copy

import pytest

from kimi_cli.demo.stream import StreamCheck, StreamError

_START = {"type": "message_start", "message": {"id": "msg_1", "role": "assistant", "content": []}}
_PING = {"type": "ping"}
_END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
_STOP = {"type": "message_stop"}


def _block(index: int, kind: str, *deltas: dict, **start) -> list[dict]:
    return [
        {"type": "content_block_start", "index": index, "content_block": {"type": kind, **start}},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


_THINKING = _block(
    0,
    "thinking",
    {"type": "thinking_delta", "thinking": "Hm, "},
    {"type": "thinking_delta", "thinking": "well."},
    {"type": "signature_delta", "signature": "s"},
)
_TEXT = _block(1, "text", {"type": "text_delta", "text": "Hel"}, {"type": "text_delta", "text": "lo"})
_WHOLE = [_START, _PING, *_THINKING, *_TEXT, _END, _PING, _STOP]


def _fold(events):
    check = StreamCheck()
    seen = [check.feed(event["type"], event) for event in copy.deepcopy(events)]
    return check.finish(), seen


def test_a_right_stream_is_folded():
    """Blocks come out complete and in order, and the pieces that a user would see are marked."""
    message, seen = _fold(_WHOLE)
    assert message.content == (
        {"type": "thinking", "thinking": "Hm, well.", "signature": "s"},
        {"type": "text", "text": "Hello"},
    )
    assert (message.id, message.stop_reason, message.calls) == ("msg_1", "end_turn", ())
    assert (message.joined("thinking"), message.joined("text")) == ("Hm, well.", "Hello")
    assert [index for index, visible in enumerate(seen) if visible] == [3, 4, 8, 9]


def test_a_call_is_folded():
    """A call's input is what its pieces say, an empty object where there are none."""
    call = _block(
        0,
        "tool_use",
        {"type": "input_json_delta", "partial_json": '{"a"'},
        {"type": "input_json_delta", "partial_json": ": 1}"},
        id="toolu_1",
        name="Read",
        input={},
    )
    empty = _block(1, "tool_use", id="toolu_2", name="List", input={})
    end = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}}
    message, _ = _fold([_START, *call, *empty, end, _STOP])
    assert [(call["id"], call["name"], call["input"]) for call in message.calls] == [
        ("toolu_1", "Read", {"a": 1}),
        ("toolu_2", "List", {}),
    ]


@pytest.mark.parametrize("dropped", [index for index, event in enumerate(_WHOLE) if event is not _PING])
def test_no_event_may_be_missing(dropped):
    """A stream that lacks any event but a ping or a delta is refused."""
    rest = [event for index, event in enumerate(_WHOLE) if index != dropped]
    if _WHOLE[dropped]["type"] == "content_block_delta":
        _fold(rest)
    else:
        with pytest.raises(StreamError):
            _fold(rest)


@pytest.mark.parametrize("doubled", [index for index, event in enumerate(_WHOLE) if event is not _PING])
def test_no_event_may_come_twice(doubled):
    """A stream that repeats any event but a ping or a delta is refused."""
    events = [*_WHOLE[: doubled + 1], *_WHOLE[doubled:]]
    if _WHOLE[doubled]["type"] == "content_block_delta":
        _fold(events)
    else:
        with pytest.raises(StreamError):
            _fold(events)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([_START, _END, _STOP, _PING], "'ping' came after message_stop"),
        ([_START, *_TEXT, _END, _STOP], "block 1 came where 0 was due"),
        ([_START, _THINKING[0], _TEXT[0]], "'content_block_start' came inside of a block"),
        ([_START, _THINKING[0], _TEXT[1]], "block 1 came where 0 was due"),
        ([_START, _THINKING[0], {**_TEXT[1], "index": 0}], "a thinking block got a 'text_delta'"),
        ([_START, _THINKING[0], _END], "'message_delta' came inside of a block"),
        ([_START, *_block(0, "image")], "a block has type 'image'"),
        ([_START, {"type": "message_delta", "delta": {"stop_reason": None}}], "names no stop reason"),
        ([_START, {"type": "message_delta", "delta": {"stop_reason": "tool_use"}}, _STOP], "0 tool calls came with"),
        ([{**_START, "message": {"id": "chatcmpl-1", "content": []}}], "no msg_ id"),
        ([_START, {"type": "error", "error": {"message": "Overloaded"}}], "ended with an error, 'Overloaded'"),
        ([_START, {"type": "telemetry"}], "'telemetry' came between two blocks"),
        ([_START, *_block(0, "tool_use", {"type": "input_json_delta", "partial_json": "{"})], "is not JSON"),
        ([_START, *_block(0, "tool_use", {"type": "input_json_delta", "partial_json": "[]"})], "is not an object"),
    ],
)
def test_a_wrong_stream_is_named(events, words):
    """Each fault is refused in words that say what came where."""
    with pytest.raises(StreamError, match=words):
        _fold(events)


def test_the_name_of_an_event_is_its_type():
    """An event whose data names another type is refused."""
    with pytest.raises(StreamError, match="carries type"):
        StreamCheck().feed("message_start", _PING)
