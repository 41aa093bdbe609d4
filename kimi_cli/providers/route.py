"""Where a session's requests go: the one value that crosses from the launcher to the proxy."""

from __future__ import annotations

from datetime import date
from typing import Any, Self

from kimi_cli.providers.model import Model, Price, Thinking
from kimi_cli.providers.provider import Format
from kimi_cli.providers.search import SearchChoice
from kimi_cli.providers.tools import ToolsChoice
from kimi_cli.record import Record, field

SLOTS = ("opus", "sonnet", "haiku", "subagent")
"""The names under which Claude Code asks for a model besides the main one."""


class Route(Record):
    """A host, the models that a session may ask it for, and the key that it wants.

    `name` is the host's name in sentences, such as "Groq". `models[0]` answers every request for a model that is not
    among them. `slots` maps Claude Code's slot names to ids in `models`; a missing slot is the main model. `fallbacks`
    are the routes to other hosts that are taken, in this order, where this one leads nowhere; they have none of their
    own. `search` is what searches the web for the session, `tools` what its proxy carries out itself.
    """

    provider: str
    format: Format
    base_url: str
    dialect: str
    models: tuple[Model, ...]
    key: str = field(shown=False)
    slots: tuple[tuple[str, str], ...] = ()
    name: str = ""
    fallbacks: tuple[Route, ...] = ()
    ledger: bool = True
    """Whether what is used is recorded, and what is learned from it."""
    search: SearchChoice = field(default_factory=SearchChoice)
    tools: ToolsChoice = field(default_factory=ToolsChoice)

    @property
    def host(self) -> str:
        """What to call the host in a sentence."""
        return self.name or self.provider

    @property
    def main(self) -> Model:
        """The session's main model."""
        return self.models[0]

    def model_for(self, requested: str) -> Model:
        """The model that answers a request naming `requested`.

        A known id is itself (a `[1m]` suffix does not count); one of Anthropic's names falls to its slot, so that a
        client that insists on `claude-haiku-...` gets the small model; anything else is the main model.
        """
        wanted = requested.removesuffix("[1m]")
        known = {model.id: model for model in self.models}
        if wanted in known:
            return known[wanted]
        for slot, model_id in self.slots:
            if slot in wanted and model_id in known:
                return known[model_id]
        return self.main

    def counterpart(self, requested: str, other: Route) -> Model:
        """The model of another route that does there what the model for `requested` does here."""
        wanted = requested.removesuffix("[1m]")
        if any(model.id == wanted for model in other.models):
            return other.model_for(wanted)
        here = self.model_for(requested).id
        if here != self.main.id:
            for slot, model_id in self.slots:
                if model_id == here:
                    return other.model_for(slot)
        return other.main

    def to_json(self) -> dict[str, Any]:
        """The wire form of the control API; it holds the key, so it goes over the authenticated loopback only."""
        return {
            "provider": self.provider,
            "format": self.format.value,
            "base_url": self.base_url,
            "dialect": self.dialect,
            "models": [_model_to_json(model) for model in self.models],
            "key": self.key,
            "slots": [list(slot) for slot in self.slots],
            "name": self.name,
            "fallbacks": [route.to_json() for route in self.fallbacks],
            "ledger": self.ledger,
            "search": self.search.to_json(),
            "tools": self.tools.to_json(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The reverse of `to_json`.

        Raises:
            KeyError, ValueError, TypeError: the data does not describe a route.
        """
        from kimi_cli.providers.dialect import DIALECTS

        if data["dialect"] not in DIALECTS:
            raise ValueError(f"unknown dialect {data['dialect']!r}")
        models = tuple(_model_from_json(model) for model in data["models"])
        if not models:
            raise ValueError("a route needs a model")
        return cls(
            provider=str(data["provider"]),
            format=Format(data["format"]),
            base_url=str(data["base_url"]),
            dialect=str(data["dialect"]),
            models=models,
            key=str(data["key"]),
            slots=tuple((str(slot), str(model)) for slot, model in data.get("slots", ())),
            name=str(data.get("name", "")),
            search=SearchChoice.from_json(data["search"]) if "search" in data else SearchChoice(),
            tools=ToolsChoice.from_json(data["tools"]) if "tools" in data else ToolsChoice(),
            fallbacks=tuple(cls.from_json({**route, "fallbacks": []}) for route in data.get("fallbacks", ())),
            ledger=bool(data.get("ledger", True)),
        )


def _model_to_json(model: Model) -> dict[str, Any]:
    price = model.price
    return {
        "id": model.id,
        "name": model.name,
        "context_window": model.context_window,
        "max_output": model.max_output,
        "price": None if price is None else [price.input, price.output, price.cached],
        "thinking": model.thinking.value,
        "efforts": list(model.efforts),
        "vision": model.vision,
        "forced_tools": model.forced_tools,
        "retired": model.retired.isoformat() if model.retired else None,
        "successor": model.successor,
    }


def _model_from_json(data: dict[str, Any]) -> Model:
    price = data["price"]
    return Model(
        id=str(data["id"]),
        name=str(data["name"]),
        context_window=int(data["context_window"]),
        max_output=int(data["max_output"]),
        price=None if price is None else Price(*price),
        thinking=Thinking(data["thinking"]),
        efforts=tuple(data["efforts"]),
        vision=bool(data["vision"]),
        forced_tools=bool(data["forced_tools"]),
        retired=date.fromisoformat(data["retired"]) if data["retired"] else None,
        successor=data["successor"],
    )
