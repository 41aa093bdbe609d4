"""A strict host of each kind with the proxy in front of it, and what a client gets there."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.providers.provider import Format
from kimi_cli.providers.route import Route
from kimi_cli.record import replace
from tests.doubles.groq import KIMI, Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.moonshot_chat import MoonshotChat
from tests.doubles.scenario import Scenario
from tests.proxy.served import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from kimi_cli.providers.model import Model
    from tests.doubles.scenario import Step
    from tests.doubles.serve import Double
    from tests.proxy.served import Served

HOSTS = ("groq", "moonshot", "moonshot-chat")
"""Translated for one dialect, relayed, and translated for another dialect."""
_DOUBLES: dict[str, tuple[type[Double], str, Format, str, str]] = {
    "groq": (Groq, "groq", Format.OPENAI, "groq", KIMI),
    "unknown": (Groq, "groq", Format.OPENAI, "generic", KIMI),  # a gateway of the user's own is strict as well
    "moonshot": (Moonshot, "moonshot", Format.ANTHROPIC, "moonshot", "kimi-k3"),
    "moonshot-chat": (MoonshotChat, "moonshot", Format.OPENAI, "moonshot", "kimi-k2.6"),
}


@dataclass(slots=True)
class Behind:
    """The host, the proxy, and the model of the session."""

    double: Double
    proxy: Served
    model: Model

    def script(self, *steps: Step) -> None:
        """What the host will say, whatever it is asked."""
        self.double.scenario = Scenario(*steps, when=lambda _: True)

    async def post(self, body: Mapping[str, Any], *, path: str = "/v1/messages?beta=true") -> Answered:
        """A request as a client of the session would send it."""
        async with self.proxy.post({"model": self.model.id, **body}, path=path) as response:
            return Answered(response.status, dict(response.headers), await response.read())

    @property
    def last(self) -> dict[str, Any]:
        """What the host was asked last."""
        return self.double.bodies[-1]


@dataclass(frozen=True, slots=True)
class Answered:
    """What the client got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """An answer in one piece."""
        return json.loads(self.body)

    @property
    def events(self) -> list[dict[str, Any]]:
        """A stream's events, without pings."""
        assert self.status == 200, self.body
        blocks = [block for block in self.body.decode().split("\n\n") if block]
        events = [json.loads(block.partition("\ndata: ")[2]) for block in blocks]
        return [event for event in events if event["type"] != "ping"]

    @property
    def ends(self) -> list[str]:
        """The events among them that end an answer, well or badly."""
        return [event["type"] for event in self.events if event["type"] in {"message_stop", "error"}]


@asynccontextmanager
async def behind(host: str, directory: Path, **changes: Any) -> AsyncIterator[Behind]:
    """Run both; at the end the host has refused nothing. `changes` are to the model as the proxy knows it."""
    double_type, provider, format_, dialect, model_id = _DOUBLES[host]
    known = next(model for model in PROVIDERS[provider].models if model.id == model_id)
    model = replace(known, **changes)
    async with double_type() as double:
        route = Route(provider, format_, double.base_url, dialect, (model,), double.key, name=provider.title())
        async with served(route, directory) as proxy:
            yield Behind(double, proxy, model)
            assert double.refusals == []


def ask(text: str = "hello", **fields: Any) -> dict[str, Any]:
    """A request's body."""
    return {"max_tokens": 1000, "messages": [{"role": "user", "content": text}], **fields}
