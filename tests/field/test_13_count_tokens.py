"""Token counts that a client asks for are answered here, at once, and as its host would count: no host is asked."""

from __future__ import annotations

import json
import os
import re

import pytest

from kimi_cli.store.paths import Paths
from kimi_cli.wire.tokens import estimate_request
from tests.doubles.pictures import encoded
from tests.doubles.scenario import Usage, say
from tests.e2e.stage import wait_until
from tests.field.counting import HOSTS, LEARNING, counted, prompt, reporting, usages
from tests.field.media import picture, serving

TEXT = "Whoever measures words by the yard will find that no two yards are alike. " * 300
CHINESE = "这个代理程序运行在本机上。它只监听回环地址。它把一种协议翻译成另一种协议。" * 100
TOOL = {"name": "Read", "description": TEXT[:2_000], "input_schema": {"type": "object", "properties": {}}}


@pytest.mark.parametrize("name", HOSTS)
async def test_field_13_no_host_is_asked(name, tmp_path):
    """Text, tools and images are counted where the client asks, as a whole and piece by piece."""
    image = {"role": "user", "content": [picture(encoded(560, 280))]}
    async with serving(name, tmp_path) as (double, proxy):
        bare = await counted(proxy, prompt("foo"))
        tools = await counted(proxy, prompt("foo", tools=[TOOL]))
        text = await counted(proxy, prompt(TEXT))
        seen = await counted(proxy, {**prompt("foo"), "messages": [image]})
        assert double.bodies == []
    assert bare < 20
    assert 0.8 * 2_000 / 5 < tools - bare < 2_000 / 3
    assert 0.9 * len(TEXT) / 5 < text < 1.1 * len(TEXT) / 5
    assert (seen < 50) if name == "groq" else (200 < seen < 260)


@pytest.mark.parametrize("name", HOSTS)
async def test_field_13_counts_become_the_hosts_own(name, tmp_path):
    """After ten answers in English and ten in Chinese both are counted as by the host, cached tokens included."""
    async with serving(name, tmp_path) as (double, proxy):
        for number in range(1, LEARNING + 1):
            for text, factor in ((TEXT, 1.2), (CHINESE, 0.7)):
                body = prompt(text[: number * 300])
                tokens = int(factor * estimate_request(body))
                reporting(double, tokens, cached=tokens // 2)
                await usages(proxy, body)
        for text, factor in ((TEXT, 1.2), (CHINESE, 0.7)):
            body = prompt(text)
            assert await counted(proxy, body) == pytest.approx(factor * estimate_request(body), rel=0.05)


async def test_field_13_a_host_that_reports_nothing_teaches_nothing(tmp_path):
    """Counts that are missing, or cannot be those of the prompt, leave the estimates as they were."""
    async with serving("groq", tmp_path) as (double, proxy):
        for tokens in (0, 1, 50, 100_000_000):
            reporting(double, tokens)
            await usages(proxy, prompt(TEXT))
        assert await counted(proxy, prompt(TEXT)) == estimate_request(prompt(TEXT))


@pytest.mark.claude
@pytest.mark.parametrize("stage", ["groq"], indirect=True)
def test_field_13_the_clients_context_view(stage):
    """`/context` costs no inference, and follows what the host has reported to a proxy that is gone by then."""

    def view() -> float:
        """All tokens of the prompt, as the client adds them up."""
        before = len(stage.double.bodies)
        done = stage.launch("--print", "/context")
        assert len(stage.double.bodies) == before, "a host was asked"
        number, unit = re.search(r"\*\*Tokens:\*\* ([\d.]+)(k?) /", done.stdout).groups()
        return float(number) * (1_000 if unit else 1)

    first = view()
    # About twice as many tokens as anybody would expect.
    stage.script(lambda ask: say("Hello.", usage=Usage(prompt=len(json.dumps(ask.body)) // 2, cached=9)))
    stage.assert_said(stage.launch("--print", "Hi."), "Hello.")
    wait_until(lambda: not stage.sandbox.proxies())
    assert Paths.find(os.environ).calibration_file.is_file()
    assert 1.4 * first < view() < 2.6 * first
