"""The Groq double refuses what Groq refuses, in Groq's words."""

from __future__ import annotations

import openai
import pytest

from tests.doubles.chat_requests import CALL, CALLED, GOOD, IMAGE, RESULT, TOOL, USER, bad, function, with_message
from tests.doubles.groq import KIMI, VISION, Groq
from tests.doubles.pictures import encoded


def client(double: Groq, *, key: str | None = None) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=double.base_url, api_key=key or double.key, max_retries=0)


def data_image(data: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


REFUSED = {
    "unknown field": (bad(top_k=1), "property 'top_k' is unsupported, did you mean 'top_p'?"),
    "logprobs": (bad(logprobs=True), "property 'logprobs' is unsupported"),
    "logit_bias": (bad(logit_bias={}), "property 'logit_bias' is unsupported"),
    "metadata": (bad(metadata={}), "property 'metadata' is unsupported"),
    "store": (bad(store=False), "property 'store' is unsupported"),
    "n": (bad(n=2), "'n'"),
    "reasoning_content": (
        with_message({"role": "assistant", "content": "x", "reasoning_content": "y"}),
        "('messages.1' : property 'reasoning_content' is unsupported",
    ),
    "thinking_blocks": (
        with_message({"role": "assistant", "content": "x", "thinking_blocks": []}),
        "property 'thinking_blocks' is unsupported",
    ),
    "cache_control": (bad(messages=[{**USER, "cache_control": {}}]), "property 'cache_control' is unsupported"),
    "name": (bad(messages=[{**USER, "name": "me"}]), "property 'name' is unsupported"),
    "function_call": (
        with_message({"role": "assistant", "content": "x", "function_call": None}),
        "property 'function_call' is unsupported",
    ),
    "tool result's is_error": (with_message(CALLED, {**RESULT, "is_error": True}), "property 'is_error'"),
    "part with cache_control": (
        bad(
            model=VISION,
            messages=[{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {}}]}],
        ),
        "'messages.0.content.0'",
    ),
    "unknown part": (
        bad(model=VISION, messages=[{"role": "user", "content": [{"type": "document"}]}]),
        "'messages.0.content.0'",
    ),
    "image for a model without eyes": (
        bad(messages=[{"role": "user", "content": [IMAGE]}]),
        "messages[0].content must be a string",
    ),
    "large image": (
        bad(
            model=VISION,
            messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x" * 5_000_000}}]}],
        ),
        "Request Entity Too Large",
    ),
    "large request with an image": (
        bad(
            model=VISION, messages=[{"role": "user", "content": "x" * 4_200_000}, {"role": "user", "content": [IMAGE]}]
        ),
        "Request Entity Too Large",
    ),
    "image of many pixels": (
        bad(model=VISION, messages=[{"role": "user", "content": [data_image(encoded(6_000, 6_000))]}]),
        "maximum of 33177600 pixels",
    ),
    "broken image": (
        bad(model=VISION, messages=[{"role": "user", "content": [data_image("AAAA")]}]),
        "invalid image data",
    ),
    "six images": (bad(model=VISION, messages=[{"role": "user", "content": [IMAGE] * 6}]), "Too many images provided"),
    "strict null": (function(strict=None), "'tools.0.function.strict' : value must be a boolean"),
    "tool name": (function(name="mcp.tool"), "'tools.0.function.name'"),
    "tool name's length": (function(name="x" * 65), "'tools.0.function.name'"),
    "not a schema": (function(parameters={"type": "object", "properties": {"a": 1}}), "invalid JSON schema"),
    "tuple": (function(parameters={"type": "object", "properties": {"a": {"items": [{}]}}}), "invalid JSON schema"),
    "required of nothing": (
        function(parameters={"type": "object", "properties": {}, "required": []}),
        "tool Bash, tools[0].function.parameters: 'required' present but 'properties' is missing",
    ),
    "lookahead": (
        function(parameters={"type": "object", "properties": {"a": {"pattern": "^(?!x)"}}}),
        "'^(?!x)' is not valid 'regex'",
    ),
    "tool field": (function(cache_control={}), "'tools.0.function' : property 'cache_control'"),
    "too many tools": (
        bad(tools=[{"type": "function", "function": {**TOOL["function"], "name": f"t{i}"}} for i in range(129)]),
        "'tools' : maximum number of items is 128",
    ),
    "same tool twice": (bad(tools=[TOOL, TOOL]), "duplicated"),
    "no tools": (bad(tools=[]), "'tools'"),
    "choice without tools": ({"model": KIMI, "messages": [USER], "tool_choice": "auto"}, "'tool_choice'"),
    "choice of an unknown tool": (
        bad(tool_choice={"type": "function", "function": {"name": "Other"}}),
        "not found in 'tools'",
    ),
    "stops": (bad(stop=list("abcde")), "'stop' : maximum number of items is 4"),
    "max tokens": (
        bad(max_completion_tokens=32000),
        "`max_completion_tokens` must be less than or equal to `16384`",
    ),
    "effort": (bad(reasoning_effort="high"), "`reasoning_effort` is not supported"),
    "format while streaming": (
        bad(stream=True, response_format={"type": "json_object"}),
        "response_format",
    ),
    "stream_options alone": (bad(stream_options={"include_usage": True}), "'stream_options'"),
    "no model": ({"messages": [USER]}, "'model'"),
    "no messages": (bad(messages=[]), "'messages'"),
    "unknown role": (bad(messages=[{"role": "robot", "content": "x"}]), "'role' has invalid value"),
    "empty user message": (bad(messages=[{"role": "user", "content": ""}]), "minimum string length"),
    "empty assistant message": (with_message({"role": "assistant", "content": ""}), "minimum string length"),
    "null without calls": (with_message({"role": "assistant", "content": None}), "must be a string"),
    "orphan result": (with_message(RESULT), "must be a response to a preceeding message"),
    "result twice": (with_message(CALLED, RESULT, RESULT), "must be a response to a preceeding message"),
    "result too late": (with_message(CALLED, USER, RESULT), "did not have response messages: functions.Bash:0"),
    "no result": (with_message(CALLED), "did not have response messages: functions.Bash:0"),
    "same id twice": (
        with_message({**CALLED, "tool_calls": [CALL, CALL]}, RESULT, RESULT),
        "must be unique",
    ),
    "arguments as an object": (
        with_message({**CALLED, "tool_calls": [{**CALL, "function": {"name": "Bash", "arguments": {}}}]}, RESULT),
        "'messages.1.tool_calls.0.function.arguments' : value must be a string",
    ),
    "arguments that are no JSON": (
        with_message({**CALLED, "tool_calls": [{**CALL, "function": {"name": "Bash", "arguments": ""}}]}, RESULT),
        "value must be a JSON object",
    ),
    "overflow": (bad(messages=[{"role": "user", "content": "x" * 1_100_000}]), "Please reduce the length"),
    "unknown to the SDK": (bad(stop=["a"], seed="one"), "openai SDK"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refuses(case: str) -> None:
    """Each request that Groq refuses is refused in its words, and remembered."""
    body, words = REFUSED[case]
    async with Groq() as double, client(double) as sdk:
        with pytest.raises(openai.APIStatusError) as caught:
            await sdk.post("/chat/completions", body=body, cast_to=object)
    assert words in caught.value.message
    assert [refusal.body for refusal in double.refusals] == [body]
    assert double.requests == []


async def test_refuses_keys_and_models() -> None:
    """A wrong key is a 401, an unknown model a 404, a retired one says so."""
    async with Groq() as double:
        async with client(double, key="gsk_wrong") as sdk:
            with pytest.raises(openai.AuthenticationError) as key:
                await sdk.post("/chat/completions", body=GOOD, cast_to=object)
            with pytest.raises(openai.AuthenticationError):
                await sdk.models.list()
        async with client(double) as sdk:
            with pytest.raises(openai.NotFoundError) as unknown:
                await sdk.post("/chat/completions", body=bad(model="kimi"), cast_to=object)
            with pytest.raises(openai.BadRequestError) as retired:
                await sdk.post("/chat/completions", body=bad(model="moonshotai/kimi-k2-instruct"), cast_to=object)
            with pytest.raises(openai.NotFoundError):
                await sdk.post("/responses", body=GOOD, cast_to=object)
    codes = [error.value.code for error in (key, unknown, retired)]
    assert codes == ["invalid_api_key", "model_not_found", "model_decommissioned"]
