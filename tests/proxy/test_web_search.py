"""Requests with Anthropic's search tool, in front of doubles of hosts and of a search engine."""

from __future__ import annotations

import anthropic
import pytest

from kimi_cli.providers.search import SearchChoice
from kimi_cli.record import replace
from tests.doubles.groq import Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Call, HttpError, Scenario, call, say
from tests.doubles.searxng import searxng
from tests.proxy.served import chat_route, relay_route, request, served
from tests.proxy.test_messages import TOOL, events_of, sdk

SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
ASKED = [{"role": "user", "content": "Perform a web search for the query: kimi k3 window"}]


def steps(*answers):
    """These answers, one after the other, whatever is asked."""
    return Scenario(*answers, when=lambda _: True)


def looked_up(*queries):
    """The model's calls for these searches."""
    return call(*(Call("web_search", {"query": query}) for query in queries))


def set_search(proxy, choice):
    """Have the session search by this engine."""
    proxy.session.route = replace(proxy.session.route, search=choice)


@pytest.fixture(params=["groq", "moonshot"])
async def world(request, tmp_path):
    """Either double, an instance of SearXNG, and the proxy between them."""
    double, route = (Groq(), chat_route) if request.param == "groq" else (Moonshot(), relay_route)
    async with double, searxng() as engine, served(route(double.base_url, double.key), tmp_path) as proxy:
        set_search(proxy, SearchChoice("searxng", engine.origin))
        yield double, engine, proxy
        assert double.refusals == []


async def test_a_search_as_anthropic_answers_it(world):
    """The SDK's accumulator finds the call, the results and the answer; usage is the sum, searches included."""
    double, engine, proxy = world
    double.scenario = steps(looked_up("kimi k3 window"), say("A million tokens."))
    async with (
        sdk(proxy) as client,
        client.messages.stream(model="kimi-k3", max_tokens=500, messages=ASKED, tools=[SEARCH]) as stream,
    ):
        message = await stream.get_final_message()
    used, found, text = message.content
    assert (used.type, used.name, used.input) == ("server_tool_use", "web_search", {"query": "kimi k3 window"})
    assert found.tool_use_id == used.id
    assert [page.url for page in found.content][:1] == ["https://docs.moonshot.example/k3"]
    assert found.content[0].page_age == "2026-07-16"
    assert text.text == "A million tokens."
    assert message.stop_reason == "end_turn"
    assert message.usage.server_tool_use.web_search_requests == 1
    assert message.usage.output_tokens == 80
    assert engine.queries == ["kimi k3 window"]
    assert (proxy.session.requests, proxy.session.output_tokens) == (1, 80)


async def test_the_same_in_one_piece(world):
    """Without streaming the message is the same, and the SDK takes it for one of Anthropic's."""
    double, _, proxy = world
    double.scenario = steps(looked_up("kimi"), say("It is a model."))
    async with sdk(proxy) as client:
        message = await client.messages.create(model="kimi-k3", max_tokens=500, messages=ASKED, tools=[SEARCH])
    assert [block.type for block in message.content] == ["server_tool_use", "web_search_tool_result", "text"]
    anthropic.types.Message.model_validate(message.model_dump(), strict=True)


async def test_domains_and_uses(world):
    """Blocked domains are not shown, and after `max_uses` searches there is an error in place of results."""
    double, engine, proxy = world
    double.scenario = steps(looked_up("one", "two", "three"), say("Done."))
    tool = SEARCH | {"max_uses": 2, "blocked_domains": ["spam.example", "blog.example"]}
    async with proxy.post(request(model="kimi-k3", messages=ASKED, tools=[tool], stream=False)) as answer:
        content = (await answer.json())["content"]
    found = [block["content"] for block in content if block["type"] == "web_search_tool_result"]
    assert len(engine.queries) == 2
    pages = [one for one in found if isinstance(one, list)]
    assert [[page["url"] for page in one] for one in pages] == [["https://docs.moonshot.example/k3"]] * 2
    assert [one for one in found if isinstance(one, dict)] == [
        {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
    ]


@pytest.mark.parametrize(
    ("choice", "code", "said"),
    [
        (SearchChoice("off"), "unavailable", "switched off"),
        (SearchChoice("brave"), "unavailable", "kimi set-key brave"),
        (SearchChoice("searxng", "http://127.0.0.1:9"), "unavailable", "cannot be reached"),
    ],
)
async def test_no_engine(world, choice, code, said):
    """Without an engine the client gets an error block, and the model a sentence that it can pass on."""
    double, _, proxy = world
    set_search(proxy, choice)
    double.scenario = steps(looked_up("kimi"), say("I cannot search."))
    async with proxy.post(request(model="kimi-k3", messages=ASKED, tools=[SEARCH], stream=False)) as answer:
        content = (await answer.json())["content"]
    assert content[1]["content"] == {"type": "web_search_tool_result_error", "error_code": code}
    assert said in str(double.bodies[1]["messages"])


async def test_the_conversation_goes_on(world):
    """Call and results come back in the next turn, and the host accepts them."""
    double, _, proxy = world
    double.scenario = steps(looked_up("kimi"), say("It is a model."), say("Yes."))
    async with proxy.post(request(model="kimi-k3", messages=ASKED, tools=[SEARCH], stream=False)) as answer:
        content = (await answer.json())["content"]
    messages = [*ASKED, {"role": "assistant", "content": content}, {"role": "user", "content": "sure?"}]
    async with proxy.post(request(model="kimi-k3", messages=messages, stream=False)) as answer:
        assert (await answer.json())["content"][0]["text"] == "Yes."
    assert "docs.moonshot.example" in str(double.bodies[2]["messages"])


async def test_beside_other_tools(world):
    """A call of the client's goes to the client, with the searches that were made before it."""
    double, _, proxy = world
    double.scenario = steps(looked_up("kimi"), call(Call("Read", {"path": "a"})))
    async with proxy.post(request(model="kimi-k3", messages=ASKED, tools=[SEARCH, TOOL])) as answer:
        events = events_of(await answer.read())
    started = [event["content_block"]["type"] for event in events if event["type"] == "content_block_start"]
    assert started == ["server_tool_use", "web_search_tool_result", "tool_use"]
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


async def test_a_host_that_refuses(world):
    """A failure before the first word is an HTTP status, one after a search an error inside the stream."""
    double, _, proxy = world
    refused = HttpError(400, {"error": {"message": "no such thing", "type": "invalid_request_error"}})
    double.scenario = steps(refused, looked_up("kimi"), refused)
    async with proxy.post(request(model="kimi-k3", messages=ASKED, tools=[SEARCH])) as answer:
        assert answer.status == 400
    async with proxy.post(request(model="kimi-k3", messages=ASKED, tools=[SEARCH])) as answer:
        assert answer.status == 200
        events = events_of(await answer.read())
    assert events[-1]["type"] == "error"
    assert "no such thing" in events[-1]["error"]["message"]
