"""Every answer has an id of its own, and so has every call, also where a host repeats them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.doubles.messages_stream import MessagesWriter
from tests.doubles.scenario import Call, Shape, call, say
from tests.faults.network import DIALOGS, ask, head, raw_host
from tests.proxy.served import served
from tests.wire.build import calls, end, fragment, sse

if TYPE_CHECKING:
    from tests.e2e.stage import Stage
    from tests.faults.network import Link


def event(fields: dict[str, object]) -> bytes:
    """One event of the host's stream."""
    return f"event: {fields['type']}\ndata: {json.dumps(fields)}\n\n".encode()


CALL = {"type": "tool_use", "id": "Read:0", "name": "Read", "input": {}}
CHAT = sse(calls(fragment(0, id="Read:0", name="Read", arguments="{}")), end("tool_calls"))
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "stop_reason": None, "usage": {}}
EVENTS = (
    {"type": "message_start", "message": MESSAGE},
    {"type": "content_block_start", "index": 0, "content_block": CALL},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}},
    {"type": "message_stop"},
)
STREAMS = {"chat": CHAT, "messages": b"".join(map(event, EVENTS))}
WHOLE = json.dumps(MESSAGE | {"content": [CALL], "stop_reason": "tool_use"}).encode()
TOOLS = [{"name": "Read", "input_schema": {"type": "object"}}]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("format_", DIALOGS)
async def test_field_16_a_host_that_begins_again_every_turn(format_, stream, tmp_path):
    """It answers under one id, with one id for all its calls; the client sees as many as there are."""

    async def same(link: Link) -> None:
        body = STREAMS[format_] if link.is_stream else WHOLE
        await link.send(head(kind=link.kind) + body)

    turns: list[dict[str, object]] = [{"role": "user", "content": "Go."}]
    message_ids, call_ids = [], []
    async with raw_host(DIALOGS[format_], same) as host, served(host.route, tmp_path) as proxy:
        for _ in range(3):
            answer = await ask(proxy.base_url, proxy.session.token, stream=stream, messages=turns, tools=TOOLS)
            if stream:
                message = answer.events[0]["message"]
                blocks = [event["content_block"] for event in answer.events if event["type"] == "content_block_start"]
            else:
                message = json.loads(answer.body)
                blocks = message["content"]
            message_ids.append(message["id"])
            (use,) = blocks
            call_ids.append(use["id"])
            result = {"type": "tool_result", "tool_use_id": use["id"], "content": "read"}
            turns += [{"role": "assistant", "content": blocks}, {"role": "user", "content": [result]}]
        # The host hears of each call under the id that it has, or under one that it counts itself.
        told = json.loads(host.links[-1].request.partition(b"\r\n\r\n")[2])["messages"]
    assert len(set(message_ids)) == len(set(call_ids)) == 3
    assert all(message_id.startswith("msg_") for message_id in message_ids)
    if format_ == "messages":
        assert call_ids[0] == "Read:0"
        assert [block["id"] for turn in told for block in turn["content"] if block["type"] == "tool_use"] == call_ids[
            :2
        ]


@pytest.mark.claude
@pytest.mark.parametrize("stage", ["groq", "moonshot"], indirect=True)
def test_field_16_the_client_keeps_every_call(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real client, which would join such answers and drop such calls, runs each, and the model sees each result."""

    def repeated(self: MessagesWriter, part):
        for begin, deltas in blocks(self, part):
            if begin["type"] == "tool_use":
                self.issued[-1] = begin["id"] = "Bash:0"
            yield begin, deltas

    blocks, message = MessagesWriter._blocks, MessagesWriter._message
    monkeypatch.setattr(MessagesWriter, "_blocks", repeated)
    monkeypatch.setattr(MessagesWriter, "_message", lambda *given, **named: message(*given, **named) | {"id": "msg_1"})
    steps = [
        call(
            Call("Bash", {"command": f"echo {at} >> log; echo result {at}", "description": "Count"}),
            shape=Shape.SAME_IDS,
        )
        for at in range(3)
    ]
    stage.script(*steps, say("Three."))
    stage.assert_said(stage.launch("--print", "Count.", "--allowedTools", "Bash"), "Three.")
    assert (stage.work / "log").read_text(encoding="utf-8").split() == ["0", "1", "2"]
    assert [ask.result for ask in stage.asks] == ["", "result 0", "result 1", "result 2"]
