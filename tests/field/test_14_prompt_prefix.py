"""The front of the prompt stays the same, byte for byte, from turn to turn, so that the host's cache serves."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.doubles.scenario import Call, call, say
from tests.field.behind import HOSTS, ask, behind

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

THOUGHT = "One step after the other, é."
HEADER = "x-anthropic-billing-header: cc_version=2.1.330.{0}; cc_entrypoint=cli; cch={0};"
FORMS = {
    "a block": lambda line: [{"type": "text", "text": line}, {"type": "text", "text": "Be brief."}],
    "the first line of a block": lambda line: [{"type": "text", "text": f"{line}\n\nBe brief."}],
    "the first line of a text": lambda line: f"{line}\nBe brief.",
}


def bash(command: str) -> Call:
    """A call of the shell."""
    return Call("Bash", {"command": command, "description": "A step of the script"})


def before_messages(body: dict[str, Any]) -> str:
    """Everything of a body that a host puts before the conversation, in its order."""
    return json.dumps([body.get("tools"), body.get("system")])


@pytest.mark.claude
@pytest.mark.parametrize("stage", HOSTS, indirect=True)
def test_field_14_each_request_begins_with_the_one_before(stage: Stage) -> None:
    """Turn after turn of the real client, and on in another process with `--continue`."""
    steps = [call(bash(f"echo {number}"), thinking=THOUGHT) for number in range(2)]
    stage.script(*steps, say("Done.", thinking=THOUGHT), say("Two."))
    assert stage.launch("--print", "Count.", "--allowedTools", "Bash").status == 0
    stage.assert_said(stage.launch("--print", "--continue", "How many?", "--allowedTools", "Bash"), "Two.")
    bodies = [ask.body for ask in stage.asks]
    assert len(bodies) == 4
    for earlier, later in pairwise(bodies):
        assert before_messages(later) == before_messages(earlier)
        assert json.dumps(later["messages"]).startswith(json.dumps(earlier["messages"])[:-1])
    assert "billing-header" not in json.dumps(bodies)
    if stage.host.format == "openai":  # the host that routes by it
        (key,) = {body["prompt_cache_key"] for body in bodies}
        assert len(key) == 36


@pytest.mark.claude
@pytest.mark.parametrize("stage", ["groq"], indirect=True)
def test_field_14_tools_that_are_loaded_later_come_last(stage: Stage) -> None:
    """Wherever the client puts a tool that it has just loaded, for the host it stands behind those that it knows."""
    loads = [call(Call("ToolSearch", {"query": f"select:{name}"})) for name in ("WebFetch", "CronList")]
    stage.script(*loads, say("Loaded."))
    stage.assert_said(stage.launch("--print", "Load them."), "Loaded.")
    first, second, third = (ask.body["tools"] for ask in stage.asks)
    assert (second[: len(first)], third[: len(second)]) == (first, second)
    assert [tool["function"]["name"] for tool in third[len(first) :]] == ["WebFetch", "CronList"]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("form", FORMS)
async def test_field_14_the_billing_line_is_dropped(host, form, tmp_path):
    """Whoever sends it, and however it is joined to the system prompt: what the host gets is the same every time."""
    async with behind(host, tmp_path) as there:
        for number in ("a1b2c", "d3e4f"):
            assert (await there.post(ask(system=FORMS[form](HEADER.format(number))))).status == 200
        first, second = map(json.dumps, there.double.bodies)
        assert first == second
        assert "billing" not in first
        assert "Be brief." in first
