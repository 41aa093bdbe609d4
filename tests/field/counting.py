"""What a client sees of token counts: at the start and at the end of an answer, and where it asks for them alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.doubles.scenario import Scenario, Usage, say

if TYPE_CHECKING:
    from tests.doubles.serve import Double
    from tests.proxy.served import Served

HOSTS = ("groq", "moonshot", "moonshot-chat")
LEARNING = 10
"""Answers after which a model is known."""


def prompt(text: str, **fields: Any) -> dict[str, Any]:
    """A request."""
    return {"model": "claude", "max_tokens": 100, "messages": [{"role": "user", "content": text}], **fields}


async def counted(proxy: Served, body: dict[str, Any]) -> int:
    """The answer of `count_tokens`."""
    async with proxy.post(body, path="/v1/messages/count_tokens") as answer:
        assert answer.status == 200
        return (await answer.json())["input_tokens"]


async def usages(proxy: Served, body: dict[str, Any]) -> tuple[dict[str, int], dict[str, int]]:
    """The usage at the start of an answer, and that at its end."""
    async with proxy.post({**body, "stream": True}) as answer:
        events = [json.loads(line[6:]) for line in (await answer.text()).splitlines() if line.startswith("data: ")]
    (start,) = [event["message"]["usage"] for event in events if event["type"] == "message_start"]
    (end,) = [event["usage"] for event in events if event["type"] == "message_delta"]
    return start, end


def reporting(double: Double, tokens: int, *, cached: int = 0) -> None:
    """Let the host report prompts of this size, a part of them from its cache."""
    double.scenario = Scenario(default=say("ok", usage=Usage(prompt=tokens, completion=3, cached=cached)))
