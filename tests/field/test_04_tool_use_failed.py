"""A call that Groq could not read is read after all, or asked for again, and never made twice.

The host refuses its own model's answer with `tool_use_failed`, as a status or inside the stream, and says what the
model had written. Where that is certainly a call to an offered tool, it is the answer. Where it is not, the host is
asked again while nothing was sent yet, a bounded number of times. Once something was sent, the client is told.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from kimi_cli.proxy.recovery import Recovery
from tests.doubles.groq import Groq
from tests.doubles.scenario import Call, HttpError, InStreamError, Reply, Scenario, Text, call, say
from tests.proxy.served import chat_route, request, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.doubles.scenario import Answer
    from tests.proxy.served import Served

MESSAGE = "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details."
NAME = "list/all.issues"
"""A name that the host is told in another form."""
TOOLS = [
    {"name": name, "description": "Reads.", "input_schema": {"type": "object", "properties": {"path": {}}}}
    for name in ("Read", NAME)
]
INPUT = {"path": "a.py"}
READABLE = f"I look.\n<function=Read>{json.dumps(INPUT)}</function>"
UNREADABLE = 'I would call <function=Read>{"path": "a.'
PLACES = ["status", "stream"]


def failed(generation: str, *before: Text, place: str) -> Answer:
    """Groq's failure, with what the model had written."""
    if place == "status":
        error = {"message": MESSAGE, "type": "invalid_request_error", "code": "tool_use_failed"}
        return HttpError(400, {"error": error | {"failed_generation": generation}})
    error_part = InStreamError(
        MESSAGE, type="invalid_request_error", code="tool_use_failed", failed_generation=generation
    )
    return Reply((*before, error_part))


@asynccontextmanager
async def groq(directory: Path, *steps: Answer, default: Answer | None = None) -> AsyncIterator[tuple[Groq, Served]]:
    """Groq that answers so, and a proxy that asks again without waiting."""

    async def at_once(seconds: float) -> None:
        assert seconds > 0
        await asyncio.sleep(0)

    recovery = Recovery(budget=5, sleep=at_once)
    async with (
        Groq(Scenario(*steps, default=default)) as double,
        served(chat_route(double.base_url, double.key), directory, recovery=recovery) as proxy,
    ):
        yield double, proxy
        assert double.refusals == []


async def answer(proxy: Served, *, stream: bool) -> tuple[list[dict[str, Any]], str | None, dict[str, Any] | None]:
    """The content of the answer, why it stopped, and the error that ended it."""
    async with proxy.post(request(tools=TOOLS, stream=stream)) as response:
        raw = await response.read()
    if not stream or response.status != 200:
        message = json.loads(raw)
        return message.get("content", []), message.get("stop_reason"), message.get("error")
    content: list[dict[str, Any]] = []
    reason, error = None, None
    for event in (json.loads(event.partition(b"data: ")[2]) for event in raw.split(b"\n\n") if event):
        match event["type"]:
            case "content_block_start":
                content.append(event["content_block"] | {"json": ""})
            case "content_block_delta":
                delta = event["delta"]
                content[-1]["json"] += delta.get("partial_json", "")
                content[-1]["text"] = content[-1].get("text", "") + delta.get("text", "")
            case "message_delta":
                reason = event["delta"]["stop_reason"]
            case "error":
                error = event["error"]
    for block in content:
        if written := block.pop("json"):
            block["input"] = json.loads(written)
    return content, reason, error


def brief(content: list[dict[str, Any]]) -> list[object]:
    """Texts, and calls by name."""
    return [{block["name"]: block["input"]} if block["type"] == "tool_use" else block["text"] for block in content]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("place", PLACES)
async def test_field_04_what_can_be_read_is_the_answer(*, place: str, stream: bool, tmp_path: Path) -> None:
    """The call and the text before it reach the client as an answer that stopped for the call, asked for once."""
    async with groq(tmp_path, failed(READABLE, place=place)) as (double, proxy):
        content, reason, error = await answer(proxy, stream=stream)
        assert (brief(content), reason, error) == (["I look.", {"Read": INPUT}], "tool_use", None)
        assert content[1]["id"].startswith("toolu_")
        assert len(double.bodies) == 1


@pytest.mark.parametrize("place", PLACES)
async def test_field_04_names_are_the_clients(place: str, tmp_path: Path) -> None:
    """A tool that the host knows under another name is called by its own."""

    async with groq(tmp_path) as (double, proxy):
        double.scenario = Scenario(
            lambda ask: failed(
                json.dumps({"name": next(name for name in ask.tools if name != "Read"), "arguments": INPUT}),
                place=place,
            )
        )
        content, reason, _ = await answer(proxy, stream=True)
        assert (brief(content), reason) == ([{NAME: INPUT}], "tool_use")


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("place", PLACES)
async def test_field_04_what_cannot_be_read_is_asked_for_again(*, place: str, stream: bool, tmp_path: Path) -> None:
    """Another attempt answers, and of the failed one nothing is seen."""
    again = call(Call("Read", INPUT), text="I read.")
    async with groq(tmp_path, failed(UNREADABLE, place=place), failed("", place=place), again) as (double, proxy):
        content, reason, error = await answer(proxy, stream=stream)
        assert (brief(content), reason, error) == (["I read.", {"Read": INPUT}], "tool_use", None)
        assert len(double.bodies) == 3


@pytest.mark.parametrize("place", PLACES)
async def test_field_04_not_for_good(place: str, tmp_path: Path) -> None:
    """A model that never gets it right is given up on after a few attempts, and the user hears why."""
    async with groq(tmp_path, default=failed(UNREADABLE, place=place)) as (double, proxy):
        content, _, error = await answer(proxy, stream=True)
        assert content == []
        assert error is not None
        assert error["type"] == "api_error"
        assert "Failed to call a function." in error["message"]
        assert "a.py" not in json.dumps(error)
        assert 1 < len(double.bodies) < 10


async def test_field_04_after_something_was_sent(tmp_path: Path) -> None:
    """Text that the client has seen is gone on from where that is certain, else the answer ends with the error."""
    shown = Text(("I ", "look.\n"))
    async with groq(tmp_path, failed(READABLE, shown, place="stream")) as (double, proxy):
        content, reason, error = await answer(proxy, stream=True)
        assert (brief(content), reason, error) == (["I look.\n", {"Read": INPUT}], "tool_use", None)
        double.scenario = Scenario(failed(UNREADABLE, shown, place="stream"), say("Never asked for."))
        content, reason, error = await answer(proxy, stream=True)
        assert (brief(content), reason) == (["I look.\n"], None)
        assert error is not None
        assert len(double.bodies) == 2


async def test_field_04_no_call_is_made_twice(tmp_path: Path) -> None:
    """Behind a call that was sent, the same one in a failure is not made again."""
    sent = call(Call("Read", INPUT))
    failure = failed(READABLE, place="stream")
    assert isinstance(failure, Reply)
    async with groq(tmp_path, Reply((*sent.parts, *failure.parts))) as (double, proxy):
        content, reason, error = await answer(proxy, stream=True)
        assert [block["type"] for block in content] == ["tool_use"]
        assert reason is None
        assert error is not None
        assert len(double.bodies) == 1
