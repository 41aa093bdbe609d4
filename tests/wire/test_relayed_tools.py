"""Tools of a relayed request, as the host takes them, and their names in its answer."""

from __future__ import annotations

import json

import pytest

from kimi_cli.wire.passage import Passage
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.relay import to_relay
from tests.wire.asking import ALWAYS, ask, judge_relay, result, said, tool, use, user
from tests.wire.build import WINDOW


def event(name: str, **fields: object) -> bytes:
    """One event of the host's stream."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


START = event("message_start", message={"id": "msg_1", "type": "message", "usage": {"input_tokens": 1}, "content": []})
DELTA = event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "{}"})
STOP = event("message_delta", delta={"stop_reason": "tool_use"}, usage={}) + event("message_stop")


def test_names_that_the_host_refuses():
    """Tools and calls of the history go under the same other name, and it is known which one stands for which."""
    name = "mcp__server__" + "x" * 80
    request = ask(user("a"), said(use("x", name)), user(result("x")), tools=[tool(name), tool("Read")])
    relay = to_relay(Prompt(request), model=ALWAYS, estimate=0)
    judge_relay(relay.body)
    (changed,) = relay.tool_names
    assert relay.tool_names == {changed: name}
    assert [entry["name"] for entry in relay.body["tools"]] == [changed, "Read"]
    assert relay.body["messages"][1]["content"][0]["name"] == changed


def test_more_tools_than_the_host_takes():
    """The first ones stay; the others, and what no repair helps, are named with the reason."""
    tools = [tool("odd", input_schema={"type": "string"}), *(tool(f"t{at}") for at in range(130))]
    relay = to_relay(Prompt(ask(tools=tools)), model=ALWAYS, estimate=0)
    judge_relay(relay.body)
    assert [entry["name"] for entry in relay.body["tools"]] == [f"t{at}" for at in range(128)]
    assert [(left.name, left.reason) for left in relay.left_out] == [
        ("odd", "its input is not an object"),
        ("t128", "the host takes 128 tools at most"),
        ("t129", "the host takes 128 tools at most"),
    ]


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_changed_names_come_back(size):
    """A call of a tool that the host knows under another name has the client's; every other byte is the host's."""
    start = {"type": "tool_use", "id": "x", "name": "NAME", "input": {}, "odd": None}
    call = event("content_block_start", index=0, content_block=start)
    end = event("content_block_stop", index=0) + STOP
    data = START + call.replace(b"NAME", b"short") + DELTA + end
    passage = Passage(host="Moonshot", window=WINDOW, estimate=9, tool_names={"short": "long.name"})
    out = b"".join(passage.feed(data[at : at + size]) for at in range(0, len(data), size)) + passage.finish()
    before, named, after = out.partition(b"event: content_block_start\n")
    assert (before, after[after.index(b"\n\n") + 2 :]) == (START, DELTA + end)
    told = json.loads(after[: after.index(b"\n\n")].removeprefix(b"data: "))
    assert told == {"type": "content_block_start", "index": 0, "content_block": {**start, "name": "long.name"}}
    assert named


def test_names_that_are_not_changed_leave_no_trace():
    """Where only other names are changed the stream goes over byte for byte."""
    start = {"type": "tool_use", "id": "x", "name": "Read", "input": {}}
    end = event("content_block_stop", index=0)
    data = START + event("content_block_start", index=0, content_block=start) + end + STOP
    passage = Passage(host="Moonshot", window=WINDOW, estimate=9, tool_names={"short": "long.name"})
    assert passage.feed(data) + passage.finish() == data
