"""A model that its host has retired is told of by name, with its replacement and the command that switches to it.

The catalogue knows retirements and what took a model's place. Where the host refuses a model that the catalogue takes
for current, or that it does not know, the host's live list is named instead.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.providers.model import Model
from kimi_cli.providers.provider import Format
from kimi_cli.record import replace
from tests.doubles.groq import Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.moonshot_chat import MoonshotChat
from tests.proxy.served import chat_route, relay_route, request, served

if TYPE_CHECKING:
    from pathlib import Path

    from kimi_cli.providers.provider import Provider
    from tests.doubles.serve import Double

TODAY = date(2026, 11, 23)
RETIRED = [
    (provider, model) for provider in PROVIDERS.values() for model in provider.models if model.is_retired(today=TODAY)
]
HOSTS: dict[str, tuple[type[Double], str]] = {
    "groq": (Groq, "moonshotai/kimi-k2-instruct"),
    "moonshot": (Moonshot, "kimi-k2-turbo-preview"),
    "moonshot-chat": (MoonshotChat, "kimi-latest"),
}


@pytest.mark.parametrize(("provider", "model"), RETIRED, ids=lambda value: value.id)
def test_field_01_every_retired_model_has_a_successor_that_is_served(provider: Provider, model: Model) -> None:
    """What is named in a model's place is in the catalogue of its host, and is not retired itself."""
    successor = provider.model(model.successor or "")
    assert successor is not None
    assert not successor.is_retired(today=TODAY)


@pytest.mark.parametrize("name", HOSTS)
async def test_field_01_a_retired_model_names_its_successor(name: str, tmp_path: Path) -> None:
    """The host's own sentence, and the command, in one line that the client shows at once."""
    double_type, model_id = HOSTS[name]
    provider = PROVIDERS[name.partition("-")[0]]
    model = provider.model(model_id)
    assert model is not None
    async with double_type() as double:
        is_chat = double_type is not Moonshot
        route = (chat_route if is_chat else relay_route)(double.base_url, double.key, model=model)
        route = replace(
            route,
            provider=provider.id,
            name=provider.name,
            format=Format.OPENAI if is_chat else Format.ANTHROPIC,
            dialect=provider.dialect_name,
        )
        async with served(route, tmp_path) as proxy, proxy.post(request(model=model_id)) as answer:
            body = await answer.json()
        (refusal,) = double.refusals
    assert (answer.status, body["error"]["type"]) == (424, "not_found_error")
    assert answer.headers["x-should-retry"] == "false"
    message = body["error"]["message"]
    assert message.startswith(f"{provider.name}: {refusal.message}".rstrip("."))
    command = f"kimi model {model.successor} --provider {provider.id}"
    assert message.endswith(f"{model.successor} is its successor; change to it with: {command}")


async def test_field_01_an_unknown_model_names_the_list(tmp_path: Path) -> None:
    """Where nothing is known of the model, the command is the one that lists what the host serves."""
    model = Model(id="moonshotai/kimi-k9", context_window=131_072, max_output=16_384)
    async with (
        Groq() as double,
        served(chat_route(double.base_url, double.key, model=model), tmp_path) as proxy,
        proxy.post(request(model=model.id)) as answer,
    ):
        message = (await answer.json())["error"]["message"]
    assert message == (
        "Groq: The model `moonshotai/kimi-k9` does not exist or you do not have access to it. See what it serves with: "
        "kimi models --provider groq"
    )
