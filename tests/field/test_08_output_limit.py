"""The answer's length that a client asks for is brought down to what the model can write and its window has left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kimi_cli.providers.catalogue import PROVIDERS
from tests.doubles.scenario import say
from tests.doubles.strict_chat import estimate_tokens
from tests.field.behind import HOSTS, ask, behind

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

FIELDS = {"groq": "max_completion_tokens", "moonshot": "max_tokens", "moonshot-chat": "max_completion_tokens"}


@pytest.mark.parametrize("host", HOSTS)
async def test_field_08_no_client_asks_for_more_than_the_model_writes(host, tmp_path):
    """Claude Code's usual 32,000, its 128,000 after a cut, and whatever else a client may send."""
    async with behind(host, tmp_path) as there:
        limit = there.model.max_output
        for asked, sent in ((100, 100), (32_000, min(32_000, limit)), (128_000, min(128_000, limit)), (10**12, limit)):
            assert (await there.post(ask(max_tokens=asked))).status == 200
            assert there.last[FIELDS[host]] == sent
        for odd in (0, -5, None, "many", 1e300, True):
            assert (await there.post(ask(max_tokens=odd))).status == 200
            assert 1 <= there.last[FIELDS[host]] <= limit
        body = ask()
        del body["max_tokens"]
        assert (await there.post(body)).status == 200
        assert there.last[FIELDS[host]] == limit


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("text", ["def f(x):\n    return x\n", "漢字"])
async def test_field_08_a_full_window_leaves_less(host, text, tmp_path):
    """The prompt and the longest answer together fit the window, so that the host takes what still fits."""
    async with behind(host, tmp_path, context_window=40_000, max_output=16_384) as there:

        async def count(times: int) -> int:
            counted = await there.post(ask(text * times), path="/v1/messages/count_tokens")
            return counted.json["input_tokens"]

        each = await count(1000) / 1000
        for share, most in ((0.4, 16_384), (0.7, 12_000), (0.85, 6_000)):
            times = round(40_000 * share / each)
            assert (await there.post(ask(text * times, max_tokens=32_000))).status == 200
            sent = there.last[FIELDS[host]]
            assert 1024 <= sent <= most
            assert sent + await count(times) <= 40_000


async def test_field_08_a_prompt_that_is_too_long_is_the_hosts_to_refuse(tmp_path):
    """Where the window seems full a little is asked for: what is estimated here need not be what the host counts."""
    async with behind("groq", tmp_path, context_window=2_000) as there:
        assert (await there.post(ask("word " * 4_000))).status == 200
        assert there.last["max_completion_tokens"] == 1000
        assert estimate_tokens(there.last) > 2_000


@pytest.mark.claude
@pytest.mark.parametrize("stage", ["moonshot-chat"], indirect=True)
def test_field_08_a_cut_answer_goes_on(stage: Stage) -> None:
    """After an answer that hit its limit the real client asks for 128,000, gets what the model has, and goes on."""
    stage.script(say("The first half, ", finish="length"), say("and the second."))
    done = stage.launch("--print", "Tell me.")
    assert (done.status, done.stdout.endswith("and the second.\n")) == (0, True)
    limit = next(model.max_output for model in PROVIDERS["moonshot"].models if model.id == stage.host.model)
    assert [ask.body["max_completion_tokens"] for ask in stage.asks] == [32_000, limit]
