"""The double of Moonshot's Anthropic endpoint answers the `anthropic` SDK, and refuses what Moonshot refuses."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import anthropic
import pytest
from anthropic.types.beta import BetaRawMessageStreamEvent
from pydantic import TypeAdapter

from tests.doubles.moonshot import Moonshot
from tests.doubles.pictures import encoded
from tests.doubles.scenario import Call, InStreamError, Reply, Reset, Scenario, Shape, Text, Truncate, call

USER = {"role": "user", "content": "Hello"}
TOOL: dict[str, Any] = {"name": "Bash", "input_schema": {"type": "object", "properties": {}}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": encoded()}}
GOOD: dict[str, Any] = {
    "model": "kimi-k3",
    "max_tokens": 32000,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        USER,
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": ""}, USE]},
        {"role": "user", "content": [{**RESULT, "content": [IMAGE]}, {"type": "text", "text": "Go on"}]},
    ],
    "tools": [TOOL],
    "tool_choice": {"type": "any"},
    "thinking": {"type": "enabled", "budget_tokens": 4000},
    "output_config": {"effort": "high"},
    "metadata": {"user_id": "me"},
}


def client(double: Moonshot, *, key: str | None = None) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=double.base_url, auth_token=key or double.key, max_retries=0)


def bad(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(GOOD), **changes}


def turns(*messages: dict[str, Any]) -> dict[str, Any]:
    return bad(messages=[USER, *messages])


def used(*uses: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(uses)}


def told(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def image(data: str) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


UNDECODED = "failed to decode image: invalid or unsupported image format"
TAGS = "does not match any of the expected tags: 'image', 'server_tool_use', 'text', 'thinking', 'tool_result'"
DOCUMENT = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}}
REFERENCE = {"type": "tool_reference", "tool_name": "Bash"}
REFUSED = {
    "system turn": (turns({"role": "system", "content": "x"}), "messages.1.role: Input should be"),
    "document": (turns(told(DOCUMENT)), f"messages.1.content.0: Input tag 'document' found using 'type' {TAGS}"),
    "document in a result": (turns(used(USE), told({**RESULT, "content": [DOCUMENT]})), TAGS),
    "reference in a result": (turns(used(USE), told({**RESULT, "content": [REFERENCE]})), "'tool_reference'"),
    "redacted thinking": (turns(used({"type": "redacted_thinking", "data": "x"})), "'redacted_thinking'"),
    "image by address": (turns(told({"type": "image", "source": {"type": "url", "url": "https://x"}})), "base64"),
    "broken image": (turns(told(image("AAAA"))), UNDECODED),
    "image of a type that it cannot decode": (turns(told(image(encoded(kind="WEBP")))), UNDECODED),
    "image of a pixel": (turns(used(USE), told({**RESULT, "content": [image(encoded(1, 1))]})), UNDECODED),
    "deferred tool": (bad(tools=[{**TOOL, "defer_loading": True}]), "tools.0.custom.defer_loading"),
    "typed tool": (bad(tools=[{"type": "web_search_20250305", "name": "web_search"}]), "'web_search_20250305'"),
    "choice of a tool": (bad(tool_choice={"type": "tool", "name": "Bash"}), "tool_choice 'specified'"),
    "choice without tools": (bad(tools=[]), "tool_choice"),
    "adaptive": (bad(thinking={"type": "adaptive"}), "thinking.type: adaptive is not supported"),
    "disabled": (bad(model="kimi-k2.7-code", thinking={"type": "disabled"}), "only type=enabled is allowed"),
    "context_management": (bad(context_management={"edits": []}), "context_management: Extra inputs"),
    "safeguards": (bad(safeguards=[]), "safeguards: Extra inputs"),
    "effort": (bad(output_config={"effort": "medium"}), "output_config.effort"),
    "format": (bad(output_config={"effort": "low", "format": {}}), "output_config.format"),
    "service_tier": (bad(service_tier="auto"), "service_tier: Extra inputs"),
    "long suffix": (bad(model="kimi-k3[1m]"), "Not found the model kimi-k3[1m]"),
    "discontinued": (bad(model="kimi-k2-turbo-preview"), "Not found the model"),
    "max_tokens": (bad(max_tokens=1_048_577), "max_tokens"),
    "overflow": (
        bad(model="kimi-k2.6", messages=[{"role": "user", "content": "x" * 1_000_000}]),
        "token limit : 262144",
    ),
    "no result": (turns(used(USE), told({"type": "text", "text": "x"})), "without `tool_result` blocks"),
    "result behind text": (
        turns(used(USE), told({"type": "text", "text": "x"}), told(RESULT)),
        "without `tool_result` blocks",
    ),
    "no answer at all": (turns(used(USE)), "without `tool_result` blocks"),
    "orphan result": (turns(told(RESULT)), "unexpected `tool_use_id`"),
    "id used again": (turns(used(USE), told(RESULT), used(USE), told(RESULT)), "must be unique"),
    "empty content": (turns({"role": "assistant", "content": []}), "non-empty content"),
    "empty text": (turns(told({"type": "text", "text": ""})), "text content blocks must be non-empty"),
    "not a schema": (
        bad(tools=[{**TOOL, "input_schema": {"type": "object", "required": 1}}]),
        "JSON schema is invalid",
    ),
    "tool field": (bad(tools=[{**TOOL, "strict": True}]), "tools.0.custom.strict"),
    "unknown to the SDK": (turns(told({"type": "text", "text": "x", "colour": "red"})), "anthropic SDK"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refuses(case: str) -> None:
    """Each request that the endpoint refuses is refused in its words, and remembered."""
    body, words = REFUSED[case]
    async with Moonshot() as double, client(double) as sdk:
        with pytest.raises(anthropic.APIStatusError) as caught:
            await sdk.post("/v1/messages", body=body, cast_to=object)
    assert words in caught.value.message
    assert [refusal.body for refusal in double.refusals] == [body]


async def test_refuses_keys_and_paths() -> None:
    """A wrong key is Moonshot's kind of 401; there is no count_tokens."""
    async with Moonshot() as double:
        async with client(double, key="sk-wrong") as sdk:
            with pytest.raises(anthropic.AuthenticationError, match="invalid_authentication_error"):
                await sdk.post("/v1/messages", body=GOOD, cast_to=object)
        async with client(double) as sdk:
            with pytest.raises(anthropic.NotFoundError):
                await sdk.post("/v1/messages/count_tokens", body=GOOD, cast_to=object)


@pytest.mark.parametrize("shape", Shape)
async def test_streams(shape: Shape) -> None:
    """The SDK's accumulator makes of the stream what the scenario said, in every shape."""
    reply = call(Call("Read", {"path": "ä"}), Call("List"), text="Looking.", thinking="Hm, where is it?", shape=shape)
    double = Moonshot(Scenario(reply))
    async with double, client(double) as sdk, sdk.messages.stream(**_for_sdk(GOOD)) as stream:
        message = await stream.get_final_message()
    thinking, text, *uses = (block.model_dump() for block in message.content)
    assert (thinking["type"], thinking["thinking"]) == ("thinking", "Hm, where is it?")
    assert (text["type"], text["text"]) == ("text", "Looking.")
    assert [(use["type"], use["name"], use["input"]) for use in uses] == [
        ("tool_use", "Read", {"path": "ä"}),
        ("tool_use", "List", {}),
    ]
    assert (message.stop_reason, message.usage.cache_read_input_tokens) == ("tool_use", 1000)
    assert double.block_cache_controls == [1]
    assert double.refusals == []


async def test_events_are_known() -> None:
    """Every event of a stream is one that the SDK has a type for."""
    known: TypeAdapter[Any] = TypeAdapter(BetaRawMessageStreamEvent)
    double = Moonshot(Scenario(call(Call("Bash", {"command": "ls"}), text="x", thinking="y")))
    async with double, client(double) as sdk:
        stream = await sdk.messages.create(**_for_sdk(GOOD), stream=True)
        events = [event async for event in stream]
    types = [known.validate_python(event.model_dump()).type for event in events]
    assert (types[0], types[-1]) == ("message_start", "message_stop")


async def test_answers_whole() -> None:
    """Without `stream` the same reply is one message."""
    double = Moonshot(Scenario(call(Call("Bash", {"command": "ls"}), thinking="Hm.")))
    async with double, client(double) as sdk:
        message = await sdk.messages.create(**_for_sdk(GOOD))
    assert [block.type for block in message.content] == ["thinking", "tool_use"]


async def test_wants_its_thoughts_back() -> None:
    """A call that came with thinking is refused without that thinking, and taken with it."""
    double = Moonshot(Scenario(call(Call("Bash"), thinking="Hm.")))
    async with double, client(double) as sdk:
        message = await sdk.messages.create(**_for_sdk(GOOD))
        thinking, use = (block.model_dump(exclude_none=True) for block in message.content)
        use.pop("caller", None)
        answer = told({**RESULT, "tool_use_id": use["id"]})
        with pytest.raises(anthropic.BadRequestError, match="reasoning_content is missing"):
            await sdk.messages.create(**_for_sdk(turns(used(use), answer)))
        await sdk.messages.create(**_for_sdk(turns(used(thinking, use), answer)))


async def test_fails_as_told() -> None:
    """Truncation, a reset and an error event reach the client as what they are."""
    failed = InStreamError("Busy", type="overloaded_error")
    endings = (Truncate(), Reset(), failed)
    double = Moonshot(Scenario(*(Reply((Text(("Hel",)), ending)) for ending in endings)))
    async with double, client(double) as sdk:
        stream = await sdk.messages.create(**_for_sdk(GOOD), stream=True)
        assert "message_stop" not in [event.type async for event in stream]
        stream = await sdk.messages.create(**_for_sdk(GOOD), stream=True)
        with pytest.raises(Exception, match=r"peer closed|Server disconnected|closed connection|reset"):
            _ = [event async for event in stream]
        stream = await sdk.messages.create(**_for_sdk(GOOD), stream=True)
        with pytest.raises(anthropic.APIStatusError, match="Busy"):
            _ = [event async for event in stream]


def _for_sdk(body: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments; the SDK wants to be told that a long answer may be asked for without streaming."""
    return {**body, "timeout": 20}
