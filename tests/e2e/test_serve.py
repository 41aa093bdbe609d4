"""`kimi serve`: the same proxy for other clients, with and without streaming."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anthropic
import pytest

from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Call, HttpError, call, say

if TYPE_CHECKING:
    from tests.doubles.scenario import JsonObject
    from tests.e2e.stage import Stage

pytestmark = pytest.mark.claude

TOOLS = [{"name": "add", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}]
THOUGHT = "Adding is what is wanted."
NOT_FOUND = HttpError(404, {"error": {"message": "No such thing", "type": "invalid_request_error"}})


@pytest.mark.parametrize("stage", ["groq", "moonshot", "moonshot-chat"], indirect=True)
def test_not_streaming(stage: Stage) -> None:
    """Without streaming a tool call and the answer after it come as whole messages, thinking and usage included."""
    stage.script(call(Call("add", {"a": 1}), text="Adding.", thinking=THOUGHT), say("Two."))
    question = {"role": "user", "content": "Add one to one."}
    with stage.serving() as served, _sdk(served) as sdk:
        asked = {"model": served["model"], "max_tokens": 1000, "tools": TOOLS}
        first = sdk.messages.create(**asked, messages=[question])
        use = next(block for block in first.content if block.type == "tool_use")
        history = [
            question,
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "2"}]},
        ]
        second = sdk.messages.create(**asked, messages=history)
    assert [block.type for block in first.content] == ["thinking", "text", "tool_use"]
    assert (use.name, use.input, first.stop_reason) == ("add", {"a": 1}, "tool_use")
    assert (second.content[0].text, second.stop_reason) == ("Two.", "end_turn")
    usage = second.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (200, 1000, 40)
    assert first.id != second.id


@pytest.mark.parametrize("stage", ["groq", "moonshot", "moonshot-chat"], indirect=True)
def test_streaming(stage: Stage) -> None:
    """The SDK's own accumulator makes the same message of the stream."""
    stage.script(call(Call("add", {"a": 1}), text="Adding.", thinking=THOUGHT))
    with stage.serving() as served, _sdk(served) as sdk:
        question = {"role": "user", "content": "Add one to one."}
        with sdk.messages.stream(model=served["model"], max_tokens=1000, tools=TOOLS, messages=[question]) as stream:
            message = stream.get_final_message()
    thinking, text, use = message.content
    assert (thinking.thinking, text.text, use.input) == (THOUGHT, "Adding.", {"a": 1})
    assert message.stop_reason == "tool_use"


def test_client_falls_back_to_whole_answers(stage: Stage) -> None:
    """Where a streaming request is answered with 404 the real client asks again without streaming, and is answered."""
    stage.script(NOT_FOUND, say("Whole."))
    with stage.serving() as served:
        environ = {
            **stage.environ,
            "ANTHROPIC_BASE_URL": served["base_url"],
            "ANTHROPIC_AUTH_TOKEN": served["token"],
            "ANTHROPIC_MODEL": served["model"],
        }
        environ.pop(stage.host.key_variable)
        done = stage.run(str(stage.claude), "--print", "Say something.", environ=environ)
    stage.assert_said(done, "Whole.")
    assert len(stage.asks) == 2
    if stage.host.double is Moonshot:  # relayed as it came; what is translated is always streamed from the host
        assert [ask.stream for ask in stage.asks] == [True, False]


def _sdk(served: JsonObject) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=served["base_url"], auth_token=served["token"], max_retries=0, timeout=30)
