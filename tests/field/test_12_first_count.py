"""A context meter is never at zero: an answer begins with an estimate of its prompt, and ends with the host's count."""

from __future__ import annotations

import json

import pytest

from kimi_cli.wire.passage import Passage
from kimi_cli.wire.tokens import estimate_request
from tests.field.counting import HOSTS, LEARNING, prompt, reporting, usages
from tests.field.media import serving

TEXT = "Whoever measures words by the yard will find that no two yards are alike. " * 300
ESTIMATE = estimate_request(prompt(TEXT))


@pytest.mark.parametrize("name", HOSTS)
async def test_field_12_a_count_at_the_start_and_at_the_end(name, tmp_path):
    """The start tells about what the end then tells exactly; what came from the cache is told apart in the end."""
    reported, cached = int(ESTIMATE * 1.1), 2_000
    async with serving(name, tmp_path) as (double, proxy):
        reporting(double, reported, cached=cached)
        start, end = await usages(proxy, prompt(TEXT))
    assert 0.8 * reported < start["input_tokens"] + start.get("cache_read_input_tokens", 0) < 1.2 * reported
    assert (end["input_tokens"], end["cache_read_input_tokens"]) == (reported - cached, cached)


@pytest.mark.parametrize("name", ["groq", "moonshot-chat"])
async def test_field_12_the_start_becomes_exact(name, tmp_path):
    """What a host counts differently from most is in the estimates after some answers, for prompts of any length."""
    async with serving(name, tmp_path) as (double, proxy):
        for number in range(1, LEARNING + 1):
            body = prompt(TEXT[: number * 2_000])
            reporting(double, int(1.5 * estimate_request(body)), cached=100)
            await usages(proxy, body)
        for length in (1_500, 9_999, len(TEXT)):
            start, _ = await usages(proxy, prompt(TEXT[:length]))
            assert start["input_tokens"] == pytest.approx(1.5 * estimate_request(prompt(TEXT[:length])), rel=0.05)


def test_field_12_a_relayed_host_that_has_not_counted_yet():
    """Where the start of a relayed answer counts nothing, the estimate stands in; a count is passed on as it came."""

    def started(usage):
        message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], **usage}
        data = json.dumps({"type": "message_start", "message": message})
        passage = Passage(host="Moonshot", window=262_144, estimate=4_321)
        out = passage.feed(f"event: message_start\ndata: {data}\n\n".encode())
        return json.loads(out.partition(b"data: ")[2])["message"]["usage"], passage.usage

    for nothing in ({}, {"usage": None}, {"usage": {"input_tokens": 0, "output_tokens": 1}}):
        usage, noted = started(nothing)
        assert usage == {**(nothing.get("usage") or {}), "input_tokens": 4_321}
        assert noted.input_tokens == noted.cached_tokens == 0
    for counts in ({"input_tokens": 9}, {"input_tokens": 0, "cache_read_input_tokens": 7}):
        assert started({"usage": counts})[0] == counts
