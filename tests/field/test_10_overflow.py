"""A prompt that does not fit is told in the one form at which Claude Code compacts, whatever host refused it.

Where the prompt fits and only the answer that was asked for does not, it is told in the form at which the client asks
for a shorter answer. That the client then compacts in the middle of its work is shown with the real one, in
`tests/e2e/test_errors.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.record import replace
from tests.doubles.groq import Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.moonshot_chat import MoonshotChat
from tests.doubles.scenario import InStreamError, Reply, Scenario
from tests.doubles.spoken_elsewhere import ENGINES
from tests.proxy.served import KIMI, chat_route, relay_route, request, served

if TYPE_CHECKING:
    from pathlib import Path

    from kimi_cli.providers.model import Model
    from tests.doubles.serve import Double

TOO_LONG = re.compile(r"prompt is too long: (\d+) tokens > (\d+) maximum")
SHORTER = re.compile(r"input length and `max_tokens` exceed context limit: (\d+) \+ (\d+) > (\d+)")
KNOWN = 1_048_576
"""The window that models are taken to have, four times what their hosts give them."""
HOSTS: dict[str, type[Double]] = {"groq": Groq, "moonshot": Moonshot, "moonshot-chat": MoonshotChat}


def kimi_k26() -> Model:
    model = PROVIDERS["moonshot"].model("kimi-k2.6")
    assert model is not None
    return replace(model, context_window=KNOWN, max_output=131_072)


@pytest.mark.parametrize("how", ["streamed", "whole"])
@pytest.mark.parametrize("name", HOSTS)
async def test_field_10_every_host_is_told_in_the_one_form(name: str, how: str, tmp_path: Path) -> None:
    """Groq's words and both of Moonshot's become the form, with a number that is larger than the other."""
    async with HOSTS[name]() as double:
        match double:
            case Groq():
                route = chat_route(double.base_url, double.key, model=replace(KIMI, context_window=KNOWN))
            case MoonshotChat():
                route = chat_route(double.base_url, double.key, dialect="moonshot", model=kimi_k26())
            case _:
                route = relay_route(double.base_url, double.key, model=kimi_k26())
        body = request("word " * 200_000, model=route.main.id, stream=how == "streamed", max_tokens=100_000)
        async with served(route, tmp_path) as proxy, proxy.post(body) as answer:
            error = (await answer.json())["error"]
        assert len(double.refusals) == 1
    assert (answer.status, error["type"]) == (400, "invalid_request_error")
    assert answer.headers["x-should-retry"] == "false"
    found = TOO_LONG.fullmatch(error["message"])
    assert found is not None, error
    # Clients drop as much as is said to be too much: it must be enough to make a difference.
    assert int(found[1]) * 0.9 > int(found[2])


async def test_field_10_an_overflow_inside_a_stream(tmp_path: Path) -> None:
    """An error event in place of an answer is the same refusal, with its status."""
    words = "Please reduce the length of the messages or completion."
    failure = InStreamError(words, type="invalid_request_error", code="context_length_exceeded")
    async with (
        Groq(Scenario(default=Reply((failure,)))) as double,
        served(chat_route(double.base_url, double.key), tmp_path) as proxy,
        proxy.post(request("word " * 40_000)) as answer,
    ):
        assert answer.status == 400
        assert TOO_LONG.fullmatch((await answer.json())["error"]["message"])


@pytest.mark.parametrize("name", ["vllm answer", "vllm later", "sglang answer", "together answer"])
async def test_field_10_where_the_answer_alone_is_too_long(name: str, tmp_path: Path) -> None:
    """The client learns what there is room for: it asks for the limit less the prompt less a thousand."""
    async with (
        Groq(Scenario(default=ENGINES[name].answer)) as double,
        served(chat_route(double.base_url, double.key), tmp_path) as proxy,
        proxy.post(request()) as answer,
    ):
        message = (await answer.json())["error"]["message"]
    found = SHORTER.fullmatch(message)
    assert found is not None, message
    assert [int(number) for number in found.groups()] == [110_000, 32_000, 131_072]
