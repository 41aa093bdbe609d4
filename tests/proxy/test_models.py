"""The session's models in Anthropic's form."""

from __future__ import annotations

import anthropic
import pytest

from tests.proxy.gate import MODELS, gate

IDS = [model.id for model in MODELS]


@pytest.fixture
async def proxy(tmp_path):
    async with gate(tmp_path) as proxy:
        yield proxy


@pytest.fixture
async def sdk(proxy):
    async with anthropic.AsyncAnthropic(
        base_url=proxy.state.base_url, auth_token=proxy.open().token, api_key=None, max_retries=0
    ) as client:
        yield client


async def test_the_sdk_lists_the_models(sdk):
    """The SDK reads the list, the main model first, with names and limits."""
    models = [model async for model in sdk.models.list()]
    assert [model.id for model in models] == IDS
    assert [model.display_name for model in models] == ["Kimi K3", "moonshotai/kimi-k2.6", "kimi-small"]
    assert (models[0].max_input_tokens, models[0].max_tokens) == (1_048_576, 131_072)
    assert {model.lifecycle for model in models} == {"active"}


async def test_the_sdk_turns_pages(sdk):
    """One model a page still gives all of them."""
    assert [model.id async for model in sdk.models.list(limit=1)] == IDS


async def test_pages_can_be_turned_back(proxy):
    """`before_id` gives what comes right before a model."""
    token = proxy.open().token
    async with proxy.request("GET", f"/v1/models?limit=1&before_id={IDS[2]}", token=token) as answer:
        page = await answer.json()
    assert [model["id"] for model in page["data"]] == [IDS[1]]
    assert (page["has_more"], page["first_id"], page["last_id"]) == (True, IDS[1], IDS[1])


@pytest.mark.parametrize("model_id", IDS)
async def test_one_model_is_shown(sdk, model_id):
    """Every id can be asked for, one with a slash too."""
    assert (await sdk.models.retrieve(model_id)).id == model_id


async def test_an_unknown_model_is_not_found(sdk):
    """A model that the session does not have is an error of Anthropic's kind."""
    with pytest.raises(anthropic.NotFoundError):
        await sdk.models.retrieve("claude-opus-9")


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "²"])
async def test_a_limit_without_meaning_is_refused(proxy, limit):
    """A page has between 1 and 1000 models."""
    async with proxy.request("GET", "/v1/models", params={"limit": limit}, token=proxy.open().token) as answer:
        assert answer.status == 400
