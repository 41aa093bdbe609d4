"""Relayed events that are out of order are brought into it, and those that are in order pass as they are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.ids import AnswerIds
from kimi_cli.wire.sequence import DisorderError, Sequence

BEGIN = {"type": "message_start", "message": {"id": "msg_same", "usage": {}}}
DELTA = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
STOP = {"type": "message_stop"}
KINDS = {
    "text": ({"type": "text", "text": ""}, "text_delta", "text"),
    "thinking": ({"type": "thinking", "thinking": ""}, "thinking_delta", "thinking"),
    "tool_use": ({"type": "tool_use", "id": "call", "name": "Read", "input": {}}, "input_json_delta", "partial_json"),
}


def start(index, kind, **fields):
    """The beginning of a block."""
    return {"type": "content_block_start", "index": index, "content_block": KINDS[kind][0] | fields}


def piece(index, kind, said):
    """A piece of a block of this kind."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": KINDS[kind][1], KINDS[kind][2]: said}}


def stop(index):
    """The end of a block."""
    return {"type": "content_block_stop", "index": index}


def taken(*events, **given):
    """What the client gets of a message of these events."""
    sequence = Sequence(**({"ids": None, "tool_names": {}} | given))
    return [one for event in (BEGIN, *events, DELTA, STOP) for one in sequence.take(event)]


def blocks(events):
    """Every block's kind and what was said in it; an error where they are not one after another."""
    told, current = [], None
    for event in events:
        match event["type"]:
            case "content_block_start":
                assert (current, event["index"]) == (None, len(told))
                current = [event["content_block"]["type"], ""]
            case "content_block_delta":
                assert event["index"] == len(told)
                field = next(field for _, delta, field in KINDS.values() if delta == event["delta"]["type"])
                assert KINDS[current[0]][2] == field
                current[1] += event["delta"][field]
            case "content_block_stop":
                assert event["index"] == len(told)
                told.append(tuple(current))
                current = None
    assert current is None
    return told


def test_what_is_in_order_is_the_same():
    """The very events come out, each at once."""
    events = [start(0, "text"), piece(0, "text", "a"), {"type": "ping"}, stop(0), start(1, "tool_use"), stop(1)]
    given = [BEGIN, *events, DELTA, STOP]
    assert all(one is event for one, event in zip(taken(*events), given, strict=True))


FIELD = {
    "text before reasoning, under one index, without an end": (
        [start(0, "text"), piece(0, "text", "---"), start(0, "thinking"), piece(0, "thinking", "hm"), stop(0)],
        [("text", "---"), ("thinking", "hm")],
    ),
    "reasoning in a text block": (
        [start(0, "text"), piece(0, "thinking", "hm"), piece(0, "text", "a"), stop(0)],
        [("text", ""), ("thinking", "hm"), ("text", "a")],
    ),
    "a block without its beginning": ([piece(0, "text", "a"), piece(0, "text", "b"), stop(0)], [("text", "ab")]),
    "a block without its end": (
        [start(0, "text"), piece(0, "text", "a"), start(1, "tool_use"), piece(1, "tool_use", "{}")],
        [("text", "a"), ("tool_use", "{}")],
    ),
    "a text that goes on behind another block": (
        [start(0, "text"), piece(0, "text", "a"), start(1, "thinking"), piece(0, "text", "b"), stop(0), stop(1)],
        [("text", "a"), ("thinking", ""), ("text", "b")],
    ),
    "interleaved calls": (
        [
            *(start(0, "tool_use"), start(1, "tool_use"), piece(1, "tool_use", '{"b"'), piece(0, "tool_use", '{"a"')),
            *(piece(1, "tool_use", ":1}"), stop(1), piece(0, "tool_use", ":1}"), piece(2, "text", "x"), stop(0)),
        ],
        [("tool_use", '{"a":1}'), ("tool_use", '{"b":1}'), ("text", "x")],
    ),
    "text in a call's block": (
        [start(0, "tool_use"), piece(0, "tool_use", "{"), piece(0, "text", "x"), piece(0, "tool_use", "}"), stop(0)],
        [("tool_use", "{}"), ("text", "x")],
    ),
    "indexes that begin at one and have gaps": (
        [start(1, "text"), piece(1, "text", "a"), stop(1), start(5, "text"), piece(5, "text", "b"), stop(5)],
        [("text", "a"), ("text", "b")],
    ),
    "an end too many, and a signature too late": (
        [
            *(start(0, "thinking"), stop(0), stop(0), stop(7)),
            {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}},
        ],
        [("thinking", "")],
    ),
    "two beginnings of the message": ([BEGIN, start(0, "text"), stop(0), BEGIN], [("text", "")]),
}


@pytest.mark.parametrize("case", FIELD)
def test_disorders_that_hosts_were_seen_to_make(case):
    """Nothing that was said is lost, and every block has its beginning and its end."""
    events, told = FIELD[case]
    out = taken(*events)
    assert blocks(out) == told
    assert [event["type"] for event in out].count("message_start") == 1
    assert [event["type"] for event in out[-2:]] == ["message_delta", "message_stop"]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([start(0, "text")], "beginning of a message"),
        ([BEGIN, piece(0, "tool_use", "{}")], "outside of it"),
        ([BEGIN, start(0, "text"), piece(0, "tool_use", "{}")], "outside of it"),
        ([BEGIN, start(0, "tool_use"), stop(0), piece(0, "tool_use", "{}")], "outside of it"),
    ],
)
def test_what_makes_no_message(events, reason):
    """Half a call belongs nowhere, and nothing may be guessed about it."""
    sequence = Sequence(ids=None, tool_names={})
    *before, last = events
    for event in before:
        sequence.take(event)
    with pytest.raises(DisorderError, match=reason):
        sequence.take(last)


def test_what_a_failure_may_end():
    """Text and reasoning, wherever they stand by then; a call never."""
    sequence = Sequence(ids=None, tool_names={})
    for event, closable in (
        (BEGIN, None),
        (start(3, "text"), 0),
        (start(3, "thinking"), 1),
        (stop(3), None),
        (start(4, "tool_use"), None),
        (start(5, "text"), None),
        (stop(4), 3),
    ):
        sequence.take(event)
        assert sequence.closable == closable


def test_ids_that_repeat():
    """The message gets an id of its own, and a call where its own is taken or missing."""
    letters = iter("abc")
    ids = AnswerIds(lambda prefix: prefix + next(letters), taken=["Read:0"])
    calls = [start(at, "tool_use", id=call_id) for at, call_id in enumerate(("Read:0", "Read:1", "Read:1"))]
    out = taken(*(one for call in calls for one in (call, stop(call["index"]))), ids=ids)
    assert out[0]["message"]["id"] == "msg_a"
    assert [one["content_block"]["id"] for one in out if "content_block" in one] == ["toolu_b", "Read:1", "toolu_c"]


def test_names_of_the_clients():
    """A call that waited gets its name back as well."""
    events = [start(0, "tool_use"), start(1, "tool_use", name="short"), stop(0), stop(1)]
    out = taken(*events, tool_names={"short": "long.name"})
    assert [one["content_block"]["name"] for one in out if "content_block" in one] == ["Read", "long.name"]


@given(st.data())
def test_any_order_makes_a_message(data):
    """However the events of some blocks are mixed, as long as each block keeps its own order, all of them arrive."""
    kinds = data.draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=4))
    ends = data.draw(st.lists(st.booleans(), min_size=len(kinds), max_size=len(kinds)))
    queues = [
        [start(at, kind), *(piece(at, kind, f"{at}{step} ") for step in range(2)), *([stop(at)] if end else [])]
        for at, (kind, end) in enumerate(zip(kinds, ends, strict=True))
    ]
    events = []
    while any(queues):
        events.append(data.draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    told = blocks(taken(*events))
    for kind in KINDS:
        said = sorted(json.dumps(word) for one, text in told if one == kind for word in text.split())
        meant = sorted(json.dumps(f"{at}{step}") for at, one in enumerate(kinds) if one == kind for step in range(2))
        assert said == meant
    calls = [text for one, text in told if one == "tool_use"]
    assert sorted(calls) == sorted(f"{at}0 {at}1 " for at, one in enumerate(kinds) if one == "tool_use")
