"""A host that is overloaded, a limit that is reached and an account that is empty are three things.

Moonshot says all of them with a 429. An overload is a 529, which is tried again; a rate limit is a 429 with the time to
wait; an empty balance is a 402, which nobody repeats, with the place where to top up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.doubles import spoken, spoken_elsewhere
from tests.doubles.groq import Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.moonshot_chat import MoonshotChat
from tests.doubles.scenario import InStreamError, Reply, Scenario
from tests.proxy.served import K3, chat_route, relay_route, request, served

if TYPE_CHECKING:
    from pathlib import Path

    from tests.doubles.serve import Double
    from tests.doubles.spoken import Spoken

OVERLOADED = (529, "overloaded_error", None)
LIMITED = (429, "rate_limit_error", None)
EMPTY = (402, "billing_error", "false")
CASES: dict[str, tuple[Spoken, tuple[int, str, str | None], str | None]] = {
    "Moonshot is overloaded": (spoken.MOONSHOT["busy"], OVERLOADED, None),
    "Moonshot's concurrency": (spoken.MOONSHOT["concurrency"], LIMITED, "1"),
    "Moonshot's requests a minute": (spoken.MOONSHOT["requests"], LIMITED, "1"),
    "Moonshot's balance": (spoken.MOONSHOT["balance"], EMPTY, None),
    "Moonshot's balance, as a 403": (spoken.MOONSHOT["inactive"], EMPTY, None),
    "Groq is overloaded": (spoken.GROQ["busy"], OVERLOADED, None),
    "Groq's flex tier": (spoken.GROQ["flex"], OVERLOADED, None),
    "Groq's tokens a minute": (spoken.GROQ["minute"], LIMITED, "46"),
    "OpenRouter's host is overloaded": (spoken_elsewhere.OPENROUTER["host is busy"], OVERLOADED, None),
    "OpenRouter's balance": (spoken_elsewhere.OPENROUTER["balance"], EMPTY, None),
    "DeepInfra is overloaded": (spoken_elsewhere.OTHERS["deepinfra busy"], OVERLOADED, None),
    "Fireworks' balance": (spoken_elsewhere.OTHERS["fireworks balance"], EMPTY, None),
}
HOSTS: dict[str, type[Double]] = {"relayed": Moonshot, "translated": MoonshotChat}


@pytest.mark.parametrize("format_", HOSTS)
async def test_field_20_each_is_what_it_is(format_: str, tmp_path: Path) -> None:
    """Status, type, time to wait and advice, for hosts of either format, and the host's own words."""
    async with HOSTS[format_]() as double:
        if format_ == "relayed":
            route = relay_route(double.base_url, double.key)
        else:
            route = chat_route(double.base_url, double.key, dialect="moonshot", model=K3)
        for name, (said, expected, wait) in CASES.items():
            double.scenario = Scenario(default=said.answer)
            # A proxy that has not heard the refusals before: it would hold the next request back.
            async with (
                served(route, tmp_path) as proxy,
                proxy.post(request(model=route.main.id, stream=format_ == "relayed")) as answer,
            ):
                error = (await answer.json())["error"]
            advice = answer.headers.get("x-should-retry")
            assert (answer.status, error["type"], advice) == expected, name
            assert answer.headers.get("retry-after") == wait, name
            assert error["message"].startswith(f"{route.host}: "), name
            assert not [secret for secret in spoken.SECRETS if secret in error["message"]], name


@pytest.mark.parametrize(("type_", "status"), [("engine_overloaded_error", 529), ("exceeded_current_quota_error", 402)])
async def test_field_20_inside_a_stream(type_: str, status: int, tmp_path: Path) -> None:
    """The same host's words in place of its answer are no other thing."""
    async with (
        Groq(Scenario(default=Reply((InStreamError("Sorry", type=type_),)))) as double,
        served(chat_route(double.base_url, double.key), tmp_path) as proxy,
        proxy.post(request()) as answer,
    ):
        assert answer.status == status
