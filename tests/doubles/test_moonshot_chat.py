"""The double of Moonshot's OpenAI endpoint speaks its dialect, and refuses the others."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import openai
import pytest

from tests.doubles.moonshot_chat import MoonshotChat
from tests.doubles.pictures import encoded
from tests.doubles.scenario import Call, Scenario, call

USER = {"role": "user", "content": "Hello"}
CALL = {"id": "Bash:0", "type": "function", "function": {"name": "Bash", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": "", "tool_calls": [CALL], "reasoning_content": "Hm."}
RESULT = {"role": "tool", "tool_call_id": "Bash:0", "content": "done"}
GOOD: dict[str, Any] = {
    "model": "kimi-k3",
    "messages": [{"role": "system", "content": "Be brief."}, USER, CALLED, RESULT],
    "tools": [{"type": "function", "function": {"name": "Bash", "parameters": {"type": "object", "properties": {}}}}],
    "max_completion_tokens": 32000,
    "reasoning_effort": "max",
    "prompt_cache_key": "session",
    "stop": list("abcde"),
}


def bad(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(GOOD), **changes}


def parameters(**schema: Any) -> dict[str, Any]:
    shape = {"type": "object", **schema}
    return bad(tools=[{"type": "function", "function": {"name": "Bash", "parameters": shape}}])


def prop(schema: Any) -> dict[str, Any]:
    return parameters(properties={"a": schema})


def deep(levels: int) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": deep(levels - 1)}} if levels else {"type": "null"}


def data_image(data: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


K27 = {"model": "kimi-k2.7-code", "reasoning_effort": None}
REFUSED = {
    "no reasoning": (
        bad(messages=[USER, {**CALLED, "reasoning_content": ""}, RESULT]),
        "thinking is enabled but reasoning_content is missing in assistant tool call message at index 1",
    ),
    "temperature": (bad(temperature=0.6), "invalid temperature"),
    "required": (bad(**K27, tool_choice="required"), "incompatible with thinking"),
    "choice": (bad(tool_choice={"type": "function", "function": {"name": "Bash"}}), "incompatible with thinking"),
    "thinking for k3": (bad(thinking={"type": "enabled"}), "invalid thinking"),
    "disabled": (bad(**K27, thinking={"type": "disabled"}), "only type=enabled is allowed for this model"),
    "effort": (bad(reasoning_effort="medium"), "invalid reasoning_effort"),
    "effort for k2": (bad(model="kimi-k2.6"), "invalid reasoning_effort"),
    "six stops": (bad(stop=list("abcdef")), "'stop'"),
    "long stop": (bad(stop=["x" * 33]), "32 bytes"),
    "remote image": (
        bad(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}]),
        "unsupported image url",
    ),
    "image cut short": (
        bad(messages=[{"role": "user", "content": [data_image(encoded()[:120])]}]),
        "failed to decode image: invalid or unsupported image format",
    ),
    "anyOf beside type": (
        prop({"type": "string", "anyOf": [{"type": "string"}]}),
        "At path 'properties.a': when using",
    ),
    "anyOf at the root": (parameters(anyOf=[{"type": "object"}]), "At path 'root'"),
    "untyped branch": (prop({"anyOf": [{"minLength": 1}]}), "type is not defined"),
    "tuple": (prop({"type": "array", "items": [{"type": "string"}]}), "JSON schema"),
    "$schema": (parameters(**{"$schema": "http://json-schema.org/draft-07/schema#"}), "$schema"),
    "boolean": (prop(True), "must be an object"),
    "remote reference": (prop({"$ref": "https://x"}), "references must start with #/$defs/"),
    "unknown reference": (prop({"$ref": "#/$defs/b"}), "invalid $ref path"),
    "definitions": (
        parameters(properties={"a": {"$ref": "#/definitions/b"}}, definitions={"b": {}}),
        "references must",
    ),
    "described reference": (
        parameters(properties={"a": {"$ref": "#/$defs/b", "description": "x"}}, **{"$defs": {"b": {"type": "null"}}}),
        "conflicting keywords found after $ref expansion: description",
    ),
    "endless reference": (
        parameters(
            properties={"a": {"$ref": "#/$defs/b"}},
            **{"$defs": {"b": {"type": "object", "properties": {"b": {"$ref": "#/$defs/b"}}, "required": ["b"]}}},
        ),
        "infinite recursion",
    ),
    "name": (
        bad(tools=[{"type": "function", "function": {"name": "1st", "parameters": {"type": "object"}}}]),
        "function name is invalid, must start with a letter",
    ),
    "untyped enum": (prop({"enum": ["x"]}), "At path 'properties.a': type is not defined"),
    "mixed enum": (prop({"type": "string", "enum": ["x", None]}), "does not match any type"),
    "untyped": (prop({"description": "anything"}), "type is not defined"),
    "items false": (prop({"type": "array", "items": False}), "items must be an object"),
    "parted properties": (
        prop({"properties": {}, "anyOf": [{"type": "object", "properties": {}}]}),
        "conflicting keywords found in anyOf with parent: properties",
    ),
    "reserved name": (parameters(properties={"required": {"type": "boolean"}}), "is reserved for JSON Schema keywords"),
    "too deep": (prop(deep(40)), "schema depth exceeds maximum limit of 30"),
    "too large": (prop({"type": "string", "description": "x" * 120_000}), "schema exceeds maximum allowed size"),
    "undefined required": (parameters(properties={}, required=["a"]), "not defined in properties"),
    "reasoning": (bad(messages=[USER, {**CALLED, "reasoning": "x"}, RESULT]), "property 'reasoning' is unsupported"),
    "discontinued": (bad(model="kimi-k2.5"), "Not found the model"),
    "overflow": (bad(messages=[{"role": "user", "content": "x" * 5_000_000}]), "token limit : 1048576"),
}


def client(double: MoonshotChat) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=double.base_url, api_key=double.key, max_retries=0)


@pytest.mark.parametrize("case", REFUSED)
async def test_refuses(case: str) -> None:
    """Each request that Moonshot refuses is refused in its words."""
    body, words = REFUSED[case]
    body = {name: value for name, value in body.items() if value is not None}
    async with MoonshotChat() as double, client(double) as sdk:
        with pytest.raises(openai.APIStatusError) as caught:
            await sdk.post("/chat/completions", body=body, cast_to=object)
    assert words in caught.value.message
    assert len(double.refusals) == 1


async def test_streams_its_dialect() -> None:
    """Reasoning comes as `reasoning_content`, usage inside the last choice."""
    double = MoonshotChat(Scenario(call(Call("Bash", {"command": "ls"}), thinking="Let me look.")))
    async with double, client(double) as sdk:
        stream = await sdk.chat.completions.create(**GOOD, stream=True)
        chunks = [chunk.model_dump() async for chunk in stream]
        models = [model.model_dump()["context_length"] async for model in await sdk.models.list()]
    reasoning = "".join(chunk["choices"][0]["delta"].get("reasoning_content") or "" for chunk in chunks)
    assert reasoning == "Let me look."
    assert chunks[-1]["choices"][0]["usage"]["cached_tokens"] == 1000
    assert all(chunk.get("x_groq") is None and not chunk.get("usage") for chunk in chunks)
    assert max(models) == 1_048_576
    assert double.refusals == []
