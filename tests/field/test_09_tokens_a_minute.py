"""A request that the account's tokens a minute can never take is refused at once, with both numbers.

Groq says so with a 413, of which Claude Code makes "max 32MB". The client gets no 413, repeats nothing, and names no
organisation. Where the same request would fit after a while, it is a rate limit, and waited for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.doubles.groq_limits import ORGANISATION, LimitedGroq
from tests.doubles.scenario import Scenario, say
from tests.doubles.serve import running
from tests.e2e.stage import HOSTS, Stage, new_key
from tests.proxy.served import chat_route, request, served

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Sandbox

TIER = 8_000


async def test_field_09_what_never_fits_is_refused_with_both_numbers(tmp_path: Path) -> None:
    """The status is no 413 and the host's numbers are told; what fits later keeps its time to wait."""
    async with (
        LimitedGroq(Scenario(default=say("Yes.")), tokens=TIER) as double,
        served(chat_route(double.base_url, double.key), tmp_path) as proxy,
    ):
        async with proxy.post(request("word " * 9_000, max_tokens=1_000)) as answer:
            error = (await answer.json())["error"]
        assert (answer.status, error["type"]) == (400, "policy_blocked")
        assert answer.headers["x-should-retry"] == "false"
        needed = re.search(r"this request needs ([\d,]+): ", error["message"])
        assert needed is not None
        assert int(needed[1].replace(",", "")) > TIER
        assert "Your Groq tier allows 8,000 tokens a minute; " in error["message"]
        assert ORGANISATION not in error["message"]

        for _ in range(2):
            async with proxy.post(request("word " * 4_000, max_tokens=500)) as answer:
                error = (await answer.json()).get("error") if answer.status != 200 else None
        assert error is not None
        assert (answer.status, error["type"]) == (429, "rate_limit_error")
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert ORGANISATION not in error["message"]


@pytest.mark.claude
def test_field_09_the_real_client_shows_the_tier(sandbox: Sandbox, claude: Path) -> None:
    """Claude Code's first request is over such a tier: one line says so, after one request, and not "max 32MB"."""
    double = LimitedGroq(tokens=TIER, key=new_key(HOSTS["groq"]))
    work = sandbox.root / "w"
    work.mkdir()
    with running(double):
        stage = Stage(sandbox, HOSTS["groq"], double, claude, work, double.key)
        stage.write_settings()
        try:
            done = stage.launch("--print", "Hello.")
        finally:
            stage.kill_leftovers()
    assert done.status != 0
    (line,) = done.stdout.splitlines()
    assert "Your Groq tier allows 8,000 tokens a minute; this request needs " in line
    assert "kimi provider NAME" in line
    assert "32MB" not in line
    assert [refusal.status for refusal in double.refusals] == [413]
