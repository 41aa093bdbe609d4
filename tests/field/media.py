"""Hosts with a proxy in front, and conversations in which tools have brought documents and images."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from kimi_cli.providers.model import Model
from kimi_cli.record import replace
from tests.doubles.groq import VISION, Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.moonshot_chat import MoonshotChat
from tests.proxy.served import K3, chat_route, relay_route, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.doubles.serve import Double
    from tests.proxy.served import Served

SEEING = ("groq-vision", "moonshot", "moonshot-chat")
ALL = ("groq", *SEEING)
_EYES = Model(id=VISION, context_window=131_072, max_output=16_384, vision=True)


@asynccontextmanager
async def serving(name: str, directory: Path) -> AsyncIterator[tuple[Double, Served]]:
    """The double of a host, with a proxy in front of it."""
    double = {"moonshot": Moonshot, "moonshot-chat": MoonshotChat}.get(name, Groq)()
    async with double:
        match name:
            case "moonshot":
                route = relay_route(double.base_url, double.key)
            case "moonshot-chat":
                route = chat_route(double.base_url, double.key, dialect="moonshot", model=K3)
                route = replace(route, provider="moonshot")
            case "groq-vision":
                route = chat_route(double.base_url, double.key, model=_EYES)
            case _:
                route = chat_route(double.base_url, double.key)
        async with served(route, directory) as proxy:
            yield double, proxy


def document(data: str, **fields: Any) -> dict[str, Any]:
    """A PDF as Claude Code sends it."""
    return {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": data},
        **fields,
    }


def picture(data: str, media_type: str = "image/png") -> dict[str, Any]:
    """An image as Claude Code sends it."""
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def looked_at(*content: dict[str, Any], call_id: str = "toolu_1") -> list[dict[str, Any]]:
    """The two turns in which a tool brings this."""
    call = {"type": "tool_use", "id": call_id, "name": "Read", "input": {"file_path": "x"}}
    result = {"type": "tool_result", "tool_use_id": call_id, "content": list(content)}
    return [
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": ""}, call]},
        {"role": "user", "content": [result]},
    ]


def ask(*turns: dict[str, Any]) -> dict[str, Any]:
    """A request with these turns after the first."""
    tool = {"name": "Read", "description": "Reads.", "input_schema": {"type": "object", "properties": {}}}
    messages = [{"role": "user", "content": "Look at it."}, *turns]
    return {"model": "claude", "max_tokens": 1_000, "messages": messages, "tools": [tool], "stream": True}


async def sent(double: Double, proxy: Served, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages that the host was sent for a request, which it took."""
    async with proxy.post(body) as answer:
        said = await answer.text()
    assert (answer.status, double.refusals) == (200, []), said
    assert "message_stop" in said
    return double.bodies[-1]["messages"]


def shown(messages: list[dict[str, Any]]) -> list[str]:
    """The base64 of the images that the model sees, in order."""
    return [found for kind, found in _parts(messages) if kind == "image"]


def told(messages: list[dict[str, Any]]) -> str:
    """All that the model reads."""
    return "\n".join(found for kind, found in _parts(messages) if kind == "text")


def without_images(messages: list[dict[str, Any]]) -> str:
    """All that is sent besides images."""
    text = json.dumps(messages)
    for data in shown(messages):
        text = text.replace(data, "")
    return text


def _parts(value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case {"type": "image", "source": {"data": str(data)}}:
            yield "image", data
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            yield "image", url.partition(",")[2]
        case {"type": "text", "text": str(text)} | {"content": str(text)}:
            yield "text", text
        case {"content": list(content)}:
            yield from _parts(content)
        case list(items):
            for item in items:
                yield from _parts(item)
