"""A model's reasoning comes back to its host word for word on every turn, whatever of it the client was shown.

Hosts of models that think refuse a tool call without the reasoning that led to it. It travels in the client's history:
as the text of a thinking block where the client wants to see it, and packed in the block's signature where it does not,
or did not ask for any. Where there is none, because another model made the call or a client cut its history, the host's
refusal is answered once with a placeholder, and genuine reasoning beside it stays as it is.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from kimi_cli.providers.catalogue import PROVIDERS
from tests.doubles.groq import Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.moonshot_chat import MoonshotChat
from tests.doubles.scenario import Call, HttpError, Scenario, call, say
from tests.proxy.served import chat_route, relay_route, request, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.doubles.serve import Double
    from tests.proxy.served import Served

THOUGHT = "The file will tell. 月 \U0001f319"
TOOL = {"name": "Read", "description": "Reads.", "input_schema": {"type": "object", "properties": {}}}
WORDS = "thinking is enabled but reasoning_content is missing in assistant tool call message at index 1"
REFUSAL = HttpError(400, {"error": {"type": "invalid_request_error", "message": WORDS}})
RELAYED_REFUSAL = HttpError(
    400, {"type": "error", "error": {"type": "invalid_request_error", "message": WORDS}, "request_id": "r"}
)
DISPLAYS: dict[str, dict[str, Any]] = {
    "shown": {"thinking": {"type": "adaptive", "display": "updates"}},
    "omitted": {"thinking": {"type": "adaptive", "display": "omitted"}},
    "unasked": {},
}


@asynccontextmanager
async def host(kind: str, directory: Path) -> AsyncIterator[tuple[Double, Served]]:
    """One of Moonshot's two surfaces, with a model that always thinks, and a proxy in front."""
    model = PROVIDERS["moonshot"].model("kimi-k2.7-code")
    assert model is not None
    if kind == "chat":
        async with MoonshotChat() as double:
            route = chat_route(double.base_url, double.key, dialect="moonshot", model=model)
            async with served(route, directory) as proxy:
                yield double, proxy
    else:
        async with (
            Moonshot() as double,
            served(relay_route(double.base_url, double.key, model=model), directory) as proxy,
        ):
            yield double, proxy


async def said(proxy: Served, *turns: dict[str, Any], stream: bool, **fields: Any) -> list[dict[str, Any]]:
    """The content of an answer, as a client puts it together."""
    body = request(tools=[TOOL], stream=stream, **fields) | {"messages": [request()["messages"][0], *turns]}
    async with proxy.post(body) as response:
        raw = await response.read()
        assert response.status == 200, raw
    if not stream:
        return json.loads(raw)["content"]
    content: list[dict[str, Any]] = []
    for event in (json.loads(event.partition(b"data: ")[2]) for event in raw.split(b"\n\n") if event):
        assert event["type"] != "error", event
        if event["type"] == "content_block_start":
            assert event["index"] == len(content)
            content.append(dict(event["content_block"]))
        elif event["type"] == "content_block_delta":
            for name in ("text", "thinking", "signature"):
                content[-1][name] = content[-1].get(name, "") + event["delta"].get(name, "")
    fields_of = {"text": ("text",), "thinking": ("thinking", "signature"), "tool_use": ("id", "name", "input")}
    return [{"type": block["type"], **{key: block[key] for key in fields_of[block["type"]]}} for block in content]


def turns(content: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a client replays: the answer as it came, and the results of its calls."""
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "done"}
        for block in content
        if block["type"] == "tool_use"
    ]
    return {"role": "assistant", "content": content}, {"role": "user", "content": results}


def thoughts_of(body: dict[str, Any]) -> list[str]:
    """The reasoning of every assistant turn that a host was sent."""
    thoughts = []
    for message in body["messages"]:
        if message["role"] == "assistant":
            blocks = message["content"] if isinstance(message["content"], list) else []
            thoughts.append(message.get("reasoning_content") or "".join(b.get("thinking", "") for b in blocks))
    return thoughts


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize("kind", ["chat", "relay"])
async def test_field_02_reasoning_comes_back(*, kind: str, display: str, stream: bool, tmp_path: Path) -> None:
    """The client sees as much of it as it asked for, and the host gets all of it again."""
    async with host(kind, tmp_path) as (double, proxy):
        double.scenario = Scenario(
            call(Call("Read"), thinking=THOUGHT, text="I look."), say("It is so.", thinking="Clear.")
        )
        content = await said(proxy, stream=stream, **DISPLAYS[display])
        kinds = [block["type"] for block in content]
        assert kinds == (["text", "thinking", "tool_use"] if display == "unasked" else ["thinking", "text", "tool_use"])
        shown = "".join(block.get("thinking", "") for block in content)
        assert shown == (THOUGHT if display == "shown" else "")
        answer = await said(proxy, *turns(content), stream=stream, **DISPLAYS[display])
        assert [block["type"] for block in answer] == (["text"] if display == "unasked" else ["thinking", "text"])
        assert thoughts_of(double.bodies[1]) == [THOUGHT]
        assert double.refusals == []


async def test_field_02_reasoning_follows_to_another_host(tmp_path: Path) -> None:
    """A tool loop that began with one host goes on with another's model from the same thoughts."""
    (tmp_path / "a").mkdir()
    async with Groq(Scenario(call(Call("Read"), thinking=THOUGHT))) as groq:
        async with served(chat_route(groq.base_url, groq.key), tmp_path / "a") as proxy:
            content = await said(proxy, stream=True, **DISPLAYS["omitted"])
            groq.scenario = Scenario(say("So."))
            await said(proxy, *turns(content), stream=True, **DISPLAYS["omitted"])
        assert THOUGHT not in json.dumps(groq.bodies[1], ensure_ascii=False)
    for kind in ("chat", "relay"):
        (tmp_path / kind).mkdir()
        async with host(kind, tmp_path / kind) as (double, proxy):
            await said(proxy, *turns(content), stream=True, **DISPLAYS["omitted"])
            assert thoughts_of(double.bodies[0]) == [THOUGHT]


LOST = [{"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}]
KEPT = [
    {"type": "thinking", "thinking": THOUGHT, "signature": ""},
    {"type": "tool_use", "id": "toolu_2", "name": "Read", "input": {}},
]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_field_02_lost_reasoning_is_made_up_for(*, stream: bool, tmp_path: Path) -> None:
    """The strict host refuses a call whose reasoning is lost, is asked again at once, and takes the placeholder."""
    async with host("chat", tmp_path) as (double, proxy):
        double.scenario = Scenario(say("It is so."))
        answer = await said(proxy, *turns(LOST), *turns(KEPT), stream=stream, **DISPLAYS["shown"])
        assert answer == [{"type": "text", "text": "It is so."}]
        assert [refusal.message for refusal in double.refusals] == [WORDS]
        assert thoughts_of(double.bodies[0]) == [" ", THOUGHT]


async def test_field_02_the_same_on_the_anthropic_surface(tmp_path: Path) -> None:
    """A relayed request gets its placeholder as a thinking block."""
    async with host("relay", tmp_path) as (double, proxy):
        double.scenario = Scenario(RELAYED_REFUSAL, say("It is so."))
        answer = await said(proxy, *turns(LOST), *turns(KEPT), stream=True, **DISPLAYS["shown"])
        assert [block["type"] for block in answer] == ["text"]
        assert [thoughts_of(body) for body in double.bodies] == [["", THOUGHT], [" ", THOUGHT]]


@pytest.mark.parametrize(("messages", "asked"), [([*turns(LOST)], 2), ([*turns(KEPT)], 1)], ids=["lost", "kept"])
async def test_field_02_no_more_than_once(messages: list[dict[str, Any]], asked: int, tmp_path: Path) -> None:
    """A host that insists is not asked a third time, nor again where there was nothing to make up for."""
    async with host("chat", tmp_path) as (double, proxy):
        double.scenario = Scenario(default=REFUSAL)
        # The double would refuse the first by itself, with the same words.
        body = request(tools=[TOOL], **DISPLAYS["shown"]) | {"messages": [request()["messages"][0], *messages]}
        async with proxy.post(body) as response:
            assert response.status == 400
            error = (await response.json())["error"]
        assert error["type"] == "invalid_request_error"
        assert "reasoning_content is missing" in error["message"]
        assert len(double.bodies) + len(double.refusals) == asked
