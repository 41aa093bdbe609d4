"""A tool never runs twice because an answer broke off, and answers in one piece work as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.doubles.scenario import Call, InStreamError, Reasoning, Reply, Reset, Text, Truncate, call, say
from tests.field.behind import HOSTS, ask, behind

if TYPE_CHECKING:
    from tests.doubles.scenario import Part
    from tests.e2e.stage import Stage

COMMAND = Call("Bash", {"command": "echo ran >> log; echo out", "description": "A step of the script"})
FIRST = call(COMMAND, text="I will.").parts
ENDS: dict[str, Part] = {
    "reset": Reset(),
    "ended": Truncate(),
    "error": InStreamError("The engine stumbled", type="api_error"),
}


@pytest.mark.claude
@pytest.mark.parametrize("stage", ["groq"], indirect=True)
@pytest.mark.parametrize("end", ENDS)
def test_field_31_a_stream_that_breaks_behind_a_call(stage: Stage, end: str) -> None:
    """The real client has the whole call and runs it, once; the next request brings its result, and is a stream."""
    stage.script(Reply((*FIRST, ENDS[end])), say("It ran."))
    stage.assert_said(stage.launch("--print", "Do it.", "--allowedTools", "Bash"), "It ran.")
    assert (stage.work / "log").read_text(encoding="utf-8") == "ran\n"
    assert stage.asks[1].result == "out"
    assert [ask.stream for ask in stage.asks] == [True, True]


@pytest.mark.claude
@pytest.mark.parametrize("stage", ["moonshot"], indirect=True)
def test_field_31_it_is_never_asked_for_again_in_one_piece(stage: Stage) -> None:
    """Where streams break before a call and behind its result, the real client asks for streams alone."""
    before = Reply((Reasoning(("Let me",)), Reset()))
    behind_it = Reply((Text(("The first half, ",)), Truncate()))
    stage.script(before, call(COMMAND, thinking="A step."), behind_it, say("and the second."))
    done = stage.launch("--print", "Do it.", "--allowedTools", "Bash")
    assert (done.status, done.stdout.endswith("and the second.\n")) == (0, True)
    assert (stage.work / "log").read_text(encoding="utf-8") == "ran\n"
    assert [ask.stream for ask in stage.asks] == [True] * 4


@pytest.mark.parametrize("host", HOSTS)
async def test_field_31_whole_answers_work(host, tmp_path):
    """A client that asks for an answer in one piece gets one, with the call in it that a stream has."""
    tools = [{"name": "Bash", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}]
    async with behind(host, tmp_path) as there:
        kinds = {}
        for stream in (True, False):
            there.script(call(COMMAND, text="I will.", thinking="A file."))
            answered = await there.post(ask(tools=tools, stream=stream, thinking={"type": "adaptive"}))
            if stream:
                blocks = [event["content_block"] for event in answered.events if "content_block" in event]
            else:
                blocks = answered.json["content"]
                assert answered.json["stop_reason"] == "tool_use"
                assert blocks[-1]["input"] == COMMAND.arguments
            kinds[stream] = [block["type"] for block in blocks]
        assert kinds[True] == kinds[False] == ["thinking", "text", "tool_use"]
