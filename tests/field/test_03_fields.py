"""Only fields that a host knows leave, at every level of a request, and never what happens to be there."""

from __future__ import annotations

import json

import pytest

from tests.doubles.scenario import say
from tests.field.behind import HOSTS, behind

LEAK = {"zzz_leak": {"zzz": ["leak"]}, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
"""What nobody knows, and what only Anthropic's own server does."""
THOUGHT = "a thought of its own"
EVERYTHING = {
    "max_tokens": 2000,
    "stream": True,
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 5,
    "stop_sequences": ["END"],
    "thinking": {"type": "enabled", "budget_tokens": 1024, "display": "omitted", **LEAK},
    "service_tier": "auto",
    "speed": "fast",
    "container": "c",
    "inference_geo": "eu",
    "diagnostics": {"previous_message_id": "msg_x"},
    "mcp_servers": [{"type": "url", "name": "m", "url": "https://zzz.leak"}],
    "betas": ["zzz"],
    "user": "zzz",
    "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
    "safeguards": [{"type": "zzz"}],
    "output_config": {"effort": "high", **LEAK},
    "fallbacks": ["zzz"],
    "tags": {"zzz": "leak"},
    **LEAK,
    "metadata": {"user_id": json.dumps({"session_id": "s", "zzz": "leak"}), **LEAK},
    "system": [{"type": "text", "text": "Be brief.", "citations": [], **LEAK}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": False, **LEAK},
    "tools": [
        {
            "name": "Read",
            "description": "Reads.",
            "type": "custom",
            "strict": True,
            "defer_loading": False,
            "eager_input_streaming": True,
            "input_examples": [{}],
            "allowed_callers": ["direct"],
            **LEAK,
            "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
        }
    ],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Read it.", **LEAK}], "name": "zzz", **LEAK},
        {
            "role": "assistant",
            "id": "msg_zzz",
            "content": [
                {"type": "thinking", "thinking": THOUGHT, "signature": ""},
                {"type": "redacted_thinking", "data": "zzz"},
                {"type": "text", "text": "I will.", "citations": [{"type": "zzz"}], **LEAK},
                {"type": "tool_use", "id": "t", "name": "Read", "input": {}, "caller": {"type": "direct"}, **LEAK},
            ],
            **LEAK,
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t",
                    "is_error": False,
                    **LEAK,
                    "content": [{"type": "text", "text": "found", **LEAK}],
                }
            ],
        },
    ],
}
GONE = ("safeguards", "context_management", "mcp_servers", "diagnostics", "fallbacks", "caller", "input_examples")


@pytest.mark.parametrize("host", [*HOSTS, "unknown"])
async def test_field_03_a_request_with_everything_in_it(host, tmp_path):
    """The strict host accepts it, and nothing of what it does not know is anywhere in what it got."""
    async with behind(host, tmp_path) as there:
        there.script(say("Done."))
        assert (await there.post(EVERYTHING)).ends == ["message_stop"]
        sent = there.double.bodies[0]
        text = json.dumps({key: value for key, value in sent.items() if key != "metadata"})
        assert not [word for word in ("zzz", *GONE) if word in text]
        assert text.count("cache_control") == (1 if host == "moonshot" else 0)  # the one mark that it takes
        assert ("Be brief." in text, "found" in text) == (True, True)


async def test_field_03_reasoning_goes_where_it_is_wanted(tmp_path):
    """Each host gets the reasoning of earlier turns in its own field, or none: Groq refuses every name for it."""
    told = {}
    for host in HOSTS:
        async with behind(host, tmp_path / host) as there:
            await there.post(EVERYTHING)
            (said,) = [message for message in there.last["messages"] if message["role"] == "assistant"]
            told[host] = said
    assert THOUGHT not in json.dumps(told["groq"])
    assert set(told["groq"]) == {"role", "content", "tool_calls"}
    assert told["moonshot-chat"]["reasoning_content"] == THOUGHT
    assert told["moonshot"]["content"][0] == {"type": "thinking", "thinking": THOUGHT, "signature": ""}
