"""An Anthropic stream read into events: the same message, however its bytes are cut, and one end to every stream."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.collect import Collector
from kimi_cli.wire.events import BlockStop, Failed, MessageStop
from kimi_cli.wire.messages import MessagesAnswer


def sse(*events):
    """These events as a host would send them."""
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)


def start(index, block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index, kind, field, text):
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, field: text}}


def stop(index):
    return {"type": "content_block_stop", "index": index}


HEAD = {"type": "message_start", "message": {"id": "m", "model": "kimi", "usage": {"input_tokens": 7}}}
TAIL = (
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 9, "cache_read_input_tokens": 3},
    },
    {"type": "message_stop"},
)
WHOLE = sse(
    HEAD,
    {"type": "ping"},
    start(0, {"type": "thinking", "thinking": "", "signature": ""}),
    delta(0, "thinking_delta", "thinking", "hm 月"),
    delta(0, "signature_delta", "signature", "sig"),
    stop(0),
    start(1, {"type": "server_tool_use", "id": "x", "name": "y", "input": {}}),
    delta(1, "input_json_delta", "partial_json", "{}"),
    stop(1),
    start(2, {"type": "text", "text": ""}),
    delta(2, "text_delta", "text", "hello"),
    delta(2, "citations_delta", "citation", "x"),
    stop(2),
    start(3, {"type": "tool_use", "id": "t1", "name": "host_name", "input": {}}),
    delta(3, "input_json_delta", "partial_json", '{"a":'),
    delta(3, "input_json_delta", "partial_json", "1}"),
    stop(3),
    *TAIL,
)


def read(pieces):
    """The message that the pieces make, or the failure, and all events."""
    answer = MessagesAnswer(host="Moonshot", window=1000, estimate=5, tool_names={"host_name": "Name"})
    events = [event for piece in pieces for event in answer.events(piece)] + answer.end()
    assert answer.is_over
    assert sum(isinstance(event, MessageStop | Failed) for event in events) == 1
    collector = Collector()
    collector.feed(events)
    return collector.message or collector.failure, events


@given(st.lists(st.integers(0, len(WHOLE)), max_size=40))
def test_the_same_however_it_is_cut(cuts):
    """Whole, byte by byte or cut anywhere; blocks that are not known leave no gap."""
    edges = [0, *sorted(cuts), len(WHOLE)]
    message, events = read([WHOLE[a:b] for a, b in pairwise(edges)])
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm 月", "signature": "sig"},
        {"type": "text", "text": "hello"},
        {"type": "tool_use", "id": "t1", "name": "Name", "input": {"a": 1}},
    ]
    assert [event.block for event in events if isinstance(event, BlockStop)] == [0, 1, 2]
    assert message["stop_reason"] == "tool_use"
    usage = message["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (7, 3, 9)


@pytest.mark.parametrize("end", range(1, len(WHOLE), 97))
def test_a_stream_that_breaks_off(end):
    """Whatever is missing, it is a failure, and no block stays open."""
    failure, events = read([WHOLE[:end]])
    assert "before it was complete" in failure.message
    opened = sum(type(event).__name__.endswith("Start") and hasattr(event, "block") for event in events)
    assert opened == sum(isinstance(event, BlockStop) for event in events)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b"event: x\ndata: {nonsense\n\n", "not JSON"),
        (sse({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}), "busy"),
    ],
)
def test_what_is_not_an_answer(bad, said):
    """An error of the host's, or something that is none of its events, ends the message as a failure."""
    failure, _ = read([sse(HEAD, start(0, {"type": "text", "text": ""})) + bad + sse(*TAIL)])
    assert said in failure.message


def test_a_message_in_one_piece():
    """A host that does not stream when asked to is read all the same."""
    message, _ = read([WHOLE])
    answer = MessagesAnswer(host="Moonshot", window=1000, estimate=5, tool_names={})
    collector = Collector()
    collector.feed(answer.whole(json.dumps(message).encode()))
    assert collector.message == message
    for body in (b"<html>", b"{}", b'{"error": {"type": "overloaded_error", "message": "busy"}}'):
        (event,) = MessagesAnswer(host="M", window=1, estimate=1, tool_names={}).whole(body)
        assert isinstance(event, Failed)


@given(st.lists(st.binary(max_size=60)))
def test_nothing_crashes_it(pieces):
    """Bytes of any kind come to one end."""
    read(pieces)
