"""An answer that breaks off is never taken for a whole one: it ends in an error, and half a call runs nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.doubles.scenario import Call, Calls, Reasoning, Reply, Reset, Shape, Text, Truncate, call, say
from tests.faults.network import DIALOGS, ask, head, raw_host
from tests.field.behind import HOSTS, behind
from tests.field.behind import ask as body
from tests.proxy.served import served
from tests.wire.build import DONE, sse, text

if TYPE_CHECKING:
    from tests.e2e.stage import Stage
    from tests.faults.network import Link

COMMAND = Call("Bash", {"command": "echo ran >> log", "description": "A step of the script"})
CUTS = {
    "before anything": (),
    "in reasoning": (Reasoning(("Let me",)),),
    "in text": (Reasoning(("Let me see.",)), Text(("The first half",))),
    "in a call": (Text(("I will.",)), Calls((Call("Bash", '{"command": "echo ran >> lo'),))),
    "behind a call": (Text(("I will.",)), Calls((COMMAND,))),
}


@pytest.mark.parametrize("end", [Truncate(), Reset()], ids=["in order", "reset"])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("host", HOSTS)
async def test_field_17_wherever_it_breaks_off(host, cut, end, tmp_path):
    """The client gets one error and nothing that looks like an end, streaming or not."""
    async with behind(host, tmp_path) as there:
        for stream in (True, False):
            there.script(Reply((*CUTS[cut], end)))
            answered = await there.post(body(stream=stream))
            if answered.status == 200:
                assert stream
                assert answered.ends == ["error"]
                assert not [event for event in answered.events if event["type"] == "message_delta"]
            else:
                assert answered.status >= 500
                assert answered.json["type"] == "error"


def event(name: str, **fields: object) -> bytes:
    """One event of Anthropic's format."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


BEGUN = DIALOGS["messages"].beginning
NO_REASON = event("message_delta", delta={"stop_reason": None}, usage={"output_tokens": 1})
ENDLESS = {
    "the stream ends, and there is no reason": ("chat", sse(text("some words"), done=False) + DONE),
    "the message ends, and there is no reason": ("messages", BEGUN + event("message_stop")),
    "the message ends, and the reason is none": ("messages", BEGUN + NO_REASON + event("message_stop")),
}


@pytest.mark.parametrize("case", ENDLESS)
async def test_field_17_an_end_without_a_reason_is_none(case, tmp_path):
    """A host that ends its stream in order, and does not say why the message ends, has not ended the message."""
    format_, data = ENDLESS[case]

    async def says(link: Link) -> None:
        await link.send(head(kind=link.kind) + data)

    async with raw_host(DIALOGS[format_], says) as host, served(host.route, tmp_path) as proxy:
        failure = (await ask(proxy.base_url, proxy.session.token)).failure
    assert failure["type"] == "api_error"
    assert "before it was complete" in failure["message"]


@pytest.mark.claude
@pytest.mark.parametrize("stage", ["groq", "moonshot"], indirect=True)
def test_field_17_half_a_call_runs_nothing(stage: Stage) -> None:
    """Neither where the connection breaks in a call, nor where the model's limit cuts it: it is asked for again."""
    half = '{"command": "echo ran >> log"'
    limited = Reply(call(Call("Bash", half), shape=Shape.SPLIT).parts, finish="length")
    stage.script(Reply((*call(Call("Bash", half)).parts, Reset())), limited, call(COMMAND), say("Once."))
    done = stage.launch("--print", "Do it.", "--allowedTools", "Bash")
    assert (done.status, done.stdout) == (0, "Once.\n")
    assert (stage.work / "log").read_text(encoding="utf-8") == "ran\n"
    assert len(stage.asks) == 4
