"""The Groq double answers the `openai` SDK, and refuses what Groq refuses."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest

from tests.doubles.chat_requests import CALLED, GOOD, IMAGE, RESULT, USER, bad
from tests.doubles.groq import KIMI, VISION, Groq
from tests.doubles.scenario import (
    Ask,
    Call,
    Gate,
    HttpError,
    InStreamError,
    Reply,
    Reset,
    Scenario,
    Shape,
    Silence,
    Text,
    Truncate,
    call,
    say,
)
from tests.doubles.serve import running


def client(double: Groq, *, key: str | None = None) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=double.base_url, api_key=key or double.key, max_retries=0)


async def test_accepts_and_streams() -> None:
    """A good request is streamed in the recorded shape and adds up to what the scenario said."""
    double = Groq(Scenario(say("Hel", "lo", thinking="Hm.")))
    async with double, client(double) as sdk:
        stream = await sdk.chat.completions.create(**GOOD, stream=True, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in stream]
    assert double.refusals == []
    assert double.requests[0].answered
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[0].x_groq["id"].startswith("req_")
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hello"
    assert [c.choices[0].delta.reasoning for c in chunks if c.choices and hasattr(c.choices[0].delta, "reasoning")]
    assert chunks[-2].x_groq["usage"]["prompt_tokens"] == 1200
    assert (chunks[-1].choices, chunks[-1].usage.prompt_tokens_details.cached_tokens) == ([], 1000)


@pytest.mark.parametrize("shape", Shape)
async def test_shapes_say_the_same(shape: Shape) -> None:
    """Tool calls add up to the same names and arguments in every shape that hosts stream them."""
    reply = call(Call("Read", {"path": 'ä\n"x"'}), Call("List"), text="Looking.", shape=shape)
    double = Groq(Scenario(reply))
    calls: dict[int, list[str]] = {}
    async with double, client(double) as sdk:
        stream = await sdk.chat.completions.create(**GOOD, stream=True)
        async for chunk in stream:
            for entry in chunk.choices[0].delta.tool_calls or () if chunk.choices else ():
                name_and_text = calls.setdefault(entry.index, ["", ""])
                name_and_text[0] = entry.function.name or name_and_text[0]
                name_and_text[1] += entry.function.arguments or ""
    assert [(name, json.loads(text or "{}")) for name, text in calls.values()] == [
        ("Read", {"path": 'ä\n"x"'}),
        ("List", {}),
    ]


async def test_answers_whole() -> None:
    """Without `stream` the same reply is one completion."""
    double = Groq(Scenario(call(Call("Bash", {"command": "ls"}), thinking="Let me look.")))
    async with double, client(double) as sdk:
        completion = await sdk.chat.completions.create(**GOOD)
    choice = completion.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls[0].id == "functions.Bash:1"
    assert choice.message.reasoning == "Let me look."


async def test_sees_the_request() -> None:
    """A scenario's function sees the last text, the results since the last assistant turn, images and tools."""
    seen: list[Ask] = []

    def look(ask: Ask) -> Reply:
        seen.append(ask)
        return say("ok")

    body = bad(model=VISION, messages=[USER, CALLED, RESULT, {"role": "user", "content": [IMAGE]}])
    double = Groq(Scenario(look))
    async with double, client(double) as sdk:
        await sdk.chat.completions.create(**body)
    ask = seen[0]
    assert (ask.images, ask.tools, [result.id for result in ask.results]) == (1, ("Bash",), ["functions.Bash:0"])


async def test_steps_are_for_the_conversation() -> None:
    """A request without tools gets the default and uses up no step; rules come before steps."""
    plain = {"model": KIMI, "messages": [USER]}
    title = {"model": KIMI, "messages": [{"role": "user", "content": "Title please"}]}
    rules = [(lambda ask: "Title" in ask.last_text, say("A title"))]
    double = Groq(Scenario(say("first"), default=say("default"), rules=rules))
    async with double, client(double) as sdk:
        answers = [
            (await sdk.chat.completions.create(**body)).choices[0].message.content
            for body in (plain, title, GOOD, GOOD)
        ]
    assert answers == ["default", "A title", "first", "default"]
    assert double.scenario.is_done


async def test_fails_as_told() -> None:
    """Truncation, a reset, an error in the stream and an HTTP error reach the client as what they are."""
    broken = Reply((Text(("Hel",)), Truncate()))
    reset = Reply((Text(("Hel",)), Reset()))
    failed = Reply((Text(("Hel",)), InStreamError("It broke", code="tool_use_failed")))
    busy = HttpError(429, {"error": {"message": "Slow down"}}, {"retry-after": "7"})
    double = Groq(Scenario(broken, reset, failed, busy))
    async with double, client(double) as sdk:
        stream = await sdk.chat.completions.create(**GOOD, stream=True)
        assert [c.choices[0].finish_reason async for c in stream] == [None, None]
        stream = await sdk.chat.completions.create(**GOOD, stream=True)
        with pytest.raises(openai.APIError):
            _ = [chunk async for chunk in stream]
        stream = await sdk.chat.completions.create(**GOOD, stream=True)
        with pytest.raises(openai.APIError, match="It broke"):
            _ = [chunk async for chunk in stream]
        with pytest.raises(openai.RateLimitError) as limited:
            await sdk.chat.completions.create(**GOOD, stream=True)
    assert limited.value.response.headers["retry-after"] == "7"
    assert double.refusals == []


async def test_holds_its_breath() -> None:
    """A silence lasts until its gate opens, and a client that leaves in it is noticed."""
    gate, other = Gate(), Gate()
    double = Groq(Scenario(Reply((Silence(gate), Text(("Late.",)))), Reply((Silence(other),))))
    async with double, client(double) as sdk:
        request = asyncio.ensure_future(sdk.chat.completions.create(**GOOD))
        await gate.reached()
        assert not request.done()
        gate.open()
        assert (await request).choices[0].message.content == "Late."
        stream = await sdk.chat.completions.create(**GOOD, stream=True)
        await other.reached()
        await stream.close()
        async with asyncio.timeout(10):
            await double.requests[1].ended.opened()
    assert double.requests[1].client_gone


def test_runs_in_a_thread() -> None:
    """Without an event loop the double runs in a thread of its own, on a free port, and ends with its block."""
    double = Groq()
    with running(double) as url, openai.OpenAI(base_url=url, api_key=double.key, max_retries=0) as sdk:
        assert {model.id for model in sdk.models.list()} >= {KIMI}
    with (
        openai.OpenAI(base_url=url, api_key=double.key, max_retries=0) as sdk,
        pytest.raises(openai.APIConnectionError),
    ):
        sdk.models.list()
