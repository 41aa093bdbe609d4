"""What only Anthropic's own server knows, and what nobody knows yet, breaks nothing and leaks nowhere."""

from __future__ import annotations

import json
import random

import pytest

from tests.doubles.scenario import say
from tests.field.behind import HOSTS, ask, behind
from tests.field.test_03_fields import EVERYTHING

SYSTEM = {"role": "system", "content": [{"type": "text", "text": "The date is known.", "clear_at": "zzz"}]}
PLACEHOLDER = {"name": "DeferredToolPlaceholder", "defer_loading": True, "input_schema": {"type": "object"}}
SEARCH = {"type": "tool_use", "id": "s", "name": "ToolSearch", "input": {"query": "edit"}}
FOUND = {"type": "tool_result", "tool_use_id": "s", "content": [{"type": "tool_reference", "tool_name": "Edit"}]}
WORDS = ("safeguards", "context_management", "defer_loading", "tool_reference", "DeferredTool", "clear_at")
UNKNOWN = [
    {"type": "hologram", "content": [{"type": "text", "text": "a hologram's text"}], "depth": 3},
    {"type": "advisor_tool_result", "content": {"zzz": 1}},
    {"type": 7},
    {"no": "type"},
    {"type": "text"},
    {"type": "image", "source": {"type": "hologram"}},
    "no block",
    None,
]
"""Blocks of the future, and some that are none."""


def tool(name: str, **fields: object) -> dict[str, object]:
    """A tool's definition."""
    return {"name": name, "description": "Does it.", "input_schema": {"type": "object", "properties": {}}, **fields}


@pytest.mark.parametrize("host", HOSTS)
async def test_field_18_system_turns_stay_what_they_are(host, tmp_path):
    """A system turn inside the conversation stays one, in its place, where the host has such, else it is marked."""
    turns = [{"role": "user", "content": "Hi."}, SYSTEM, {"role": "assistant", "content": "Yes?"}]
    async with behind(host, tmp_path) as there:
        assert (await there.post(ask(messages=[*turns, {"role": "user", "content": "Go on."}]))).status == 200
        roles = [message["role"] for message in there.last["messages"]]
        if host == "moonshot":
            assert roles == ["user", "assistant", "user"]
            (reminder,) = [part["text"] for part in there.last["messages"][0]["content"] if "date" in part["text"]]
            assert reminder == "<system-reminder>\nThe date is known.\n</system-reminder>"
        else:
            assert roles == ["user", "system", "assistant", "user"]
            assert there.last["messages"][1]["content"] == "The date is known."


@pytest.mark.parametrize("host", HOSTS)
async def test_field_18_a_deferred_tool_waits_until_it_is_named(host, tmp_path):
    """It goes to the host once a reference names it; the placeholder never does, nor any word of the mechanism."""
    tools = [tool("ToolSearch"), PLACEHOLDER, tool("Edit", defer_loading=True), tool("Other", defer_loading=True)]
    turns = [{"role": "user", "content": "Edit."}, {"role": "assistant", "content": [SEARCH]}]
    async with behind(host, tmp_path) as there:
        for messages, names in (
            (turns[:1], ["ToolSearch"]),
            ([*turns, {"role": "user", "content": [FOUND]}], ["ToolSearch", "Edit"]),
        ):
            asked = ask(messages=messages, tools=tools, safeguards=[{"type": "dangerous_tool_use"}])
            assert (await there.post(asked)).status == 200
            assert [entry.get("function", entry)["name"] for entry in there.last["tools"]] == names
            assert not [word for word in WORDS if word in json.dumps(there.last)]
        assert "Edit" in json.dumps(there.last["messages"])  # the model is told that it is there


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("role", ["user", "assistant", "system"])
async def test_field_18_unknown_blocks_are_read_as_text(host, role, tmp_path):
    """Wherever they stand; what they say in plain text is kept, and the rest is named and left out."""
    result = {"type": "tool_result", "tool_use_id": "s", "content": UNKNOWN}
    messages = [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": [SEARCH]},
        {"role": "user", "content": [result]},
        {"role": role, "content": UNKNOWN},
        {"role": "user", "content": "And?"},
    ]
    async with behind(host, tmp_path) as there:
        assert (await there.post(ask(messages=messages, system=UNKNOWN))).status == 200
        sent = json.dumps(there.last)
        assert sent.count("a hologram's text") == 3
        assert "[advisor_tool_result block left out]" in sent
        assert "zzz" not in sent


@pytest.mark.parametrize("host", HOSTS)
async def test_field_18_what_a_server_would_remember_is_asked_for(host, tmp_path):
    """News for a conversation that a server remembers are no conversation; Claude Code sends it whole when told so."""
    thread = {"type": "continue", "previous_message_id": "msg_1"}
    async with behind(host, tmp_path) as there:
        for body in (ask("And then?", thread=thread), {"max_tokens": 9, "messages": [], "thread": thread}):
            refused = await there.post(body)
            assert refused.status == 400
            assert refused.json["error"] == {
                "type": "invalid_request_error",
                "message": "capability_rejected: beta_header:message-threads-2026-08-12",
            }
        assert there.double.bodies == []
        assert (await there.post(ask("All of it.", thread={"type": "create"}))).status == 200
        assert "thread" not in there.last


@pytest.mark.parametrize("host", HOSTS)
async def test_field_18_nothing_that_may_come_breaks_it(host, tmp_path):
    """Whatever stands in place of any one part of a request, the proxy answers it, or says what is wrong with it."""
    chance = random.Random(18)
    sampling = {"temperature", "top_p"}  # whose limits are each host's own to tell
    plain = {name: value for name, value in EVERYTHING.items() if name not in sampling}
    odd = [None, True, 0, -1, 1e9, "", "x", [], [None], [[]], {}, {"type": "x"}, {"a": {"b": []}}, *UNKNOWN]
    async with behind(host, tmp_path) as there:
        there.double.scenario.add_rule(lambda _: True, say("Fine."))
        for _ in range(250):
            body = json.loads(json.dumps({**plain, "messages": [*EVERYTHING["messages"], SYSTEM]}))
            place = body
            while True:
                key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
                if not isinstance(place[key], dict | list) or not place[key] or chance.random() < 0.25:
                    break
                place = place[key]
            place[key] = chance.choice(odd)
            answered = await there.post(body)
            assert answered.status in {200, 400}, (key, body)
            if answered.status == 400:
                assert answered.json["error"]["type"] == "invalid_request_error"
        assert there.proxy.session.streams == 0
