"""`POST /v1/messages` in front of doubles, read by the SDK's own client and off the wire."""

from __future__ import annotations

import asyncio
import json

import anthropic
import pytest

from tests.doubles.groq import Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import (
    Call,
    Calls,
    Gate,
    HttpError,
    InStreamError,
    Reasoning,
    Reply,
    Reset,
    Scenario,
    Shape,
    Silence,
    Text,
    Truncate,
    call,
    say,
)
from tests.proxy.served import K3, Served, chat_route, relay_route, request, served

TOOL = {"name": "Read", "description": "Reads.", "input_schema": {"type": "object", "properties": {}}}


def sdk(proxy: Served) -> anthropic.AsyncAnthropic:
    """The SDK's client, which knows nothing of proxies."""
    return anthropic.AsyncAnthropic(
        base_url=proxy.base_url, auth_token=proxy.session.token, api_key=None, max_retries=0
    )


def events_of(raw: bytes) -> list[dict]:
    """The data of every event, whose name must match its type."""
    events = []
    for block in raw.decode().split("\n\n"):
        if block:
            name, data = block.split("\n")
            events.append(json.loads(data.removeprefix("data: ")))
            assert name == f"event: {events[-1]['type']}"
    return events


@pytest.fixture(params=["groq", "moonshot"])
async def host(request, tmp_path):
    """Either double with a proxy in front: translated, or relayed."""
    if request.param == "groq":
        async with Groq() as double, served(chat_route(double.base_url, double.key), tmp_path) as proxy:
            yield double, proxy
    else:
        async with Moonshot() as double, served(relay_route(double.base_url, double.key), tmp_path) as proxy:
            yield double, proxy


async def test_a_streamed_answer_accumulates_in_the_sdk(host):
    """The SDK's accumulator makes the message of our stream, with the host's exact usage."""
    double, proxy = host
    double.scenario = Scenario(default=say("Hel", "lo", " 🌍"))
    async with (
        sdk(proxy) as client,
        client.messages.stream(model="kimi-k3", max_tokens=50, messages=[{"role": "user", "content": "hi"}]) as stream,
    ):
        message = await stream.get_final_message()
    assert message.content[0].text == "Hello 🌍"
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (200, 1000)
    assert message.usage.output_tokens == 40
    assert double.refusals == []
    assert (proxy.session.requests, proxy.session.streams) == (1, 0)
    assert (proxy.session.input_tokens, proxy.session.output_tokens) == (1200, 40)


async def test_a_whole_answer_is_one_message(host):
    """Without `stream` the answer is one message, tools included."""
    double, proxy = host
    double.scenario = Scenario(default=call(Call("Read", {"path": "a"}), text="Looking."))
    async with sdk(proxy) as client:
        message = await client.messages.create(
            model="kimi-k3", max_tokens=50, messages=[{"role": "user", "content": "hi"}], tools=[TOOL]
        )
    assert [block.type for block in message.content] == ["text", "tool_use"]
    assert message.content[1].input == {"path": "a"}
    assert message.stop_reason == "tool_use"
    assert double.refusals == []


@pytest.mark.parametrize("shape", list(Shape))
async def test_parallel_calls_in_every_shape(tmp_path, shape):
    """However a host streams two calls, the client gets two blocks with ids of their own."""
    arguments = {} if shape is Shape.EMPTY_ARGUMENTS else {"path": "ä"}
    reply = Reply((Reasoning(("hm",)), Calls((Call("Read", arguments), Call("Read", arguments)), shape)))
    async with (
        Groq(Scenario(default=reply)) as double,
        served(chat_route(double.base_url, double.key), tmp_path) as proxy,
        sdk(proxy) as client,
        client.messages.stream(
            model="x",
            max_tokens=50,
            messages=[{"role": "user", "content": "hi"}],
            tools=[TOOL],
            thinking={"type": "adaptive"},
        ) as stream,
    ):
        message = await stream.get_final_message()
    thinking, first, second = message.content
    assert thinking.thinking == "hm"
    assert first.input == second.input == arguments
    assert len({first.id, second.id}) == 2
    assert first.id.startswith("toolu_")
    assert message.stop_reason == "tool_use"


@pytest.mark.parametrize("ending", [Truncate(), Reset(), InStreamError("it broke")])
async def test_an_answer_that_breaks_off_is_an_error(host, ending):
    """After content was sent, whatever ends the stream early is an error event and never a stop."""
    double, proxy = host
    double.scenario = Scenario(default=Reply((Text(("some words",)), ending)))
    async with proxy.post(request(model="kimi-k3")) as answer:
        assert answer.status == 200
        events = events_of(await answer.read())
    assert events[-1]["type"] == "error"
    assert not {"message_delta", "message_stop"} & {event["type"] for event in events}


@pytest.mark.parametrize("ending", [Truncate(), InStreamError("it broke")])
async def test_a_failure_before_content_is_a_status(host, ending):
    """A stream that fails before it says anything is still an HTTP error, which clients retry."""
    double, proxy = host
    double.scenario = Scenario(default=Reply((ending,)))
    async with proxy.post(request(model="kimi-k3")) as answer:
        assert answer.status == 500
        assert (await answer.json())["error"]["type"] == "api_error"


async def test_a_whole_answer_that_breaks_off_is_a_status(tmp_path):
    """Without streaming a truncated answer is an HTTP error."""
    reply = Reply((Text(("some words",)), Truncate()))
    async with (
        Groq(Scenario(default=reply)) as double,
        served(chat_route(double.base_url, double.key), tmp_path) as proxy,
        proxy.post(request(stream=False)) as answer,
    ):
        assert answer.status == 500


async def test_a_refusal_of_the_host_reaches_the_client(host):
    """A wrong key is told once, by its type, and with a status that no client retries or takes for its own key."""
    double, proxy = host
    double.key = double.key_prefix + "another"
    async with proxy.post(request(model="kimi-k3")) as answer:
        body = await answer.json()
    assert (answer.status, body["error"]["type"]) == (424, "authentication_error")
    assert answer.headers["x-should-retry"] == "false"
    assert body["request_id"] == answer.headers["request-id"]
    assert proxy.session.route.key not in json.dumps(body)


async def test_a_rate_limit_keeps_its_delay(host):
    """`retry-after` goes on to the client."""
    double, proxy = host
    error = {"error": {"message": "slow down", "type": "rate_limit_reached_error"}}
    double.scenario = Scenario(default=HttpError(429, error, headers={"retry-after": "2.5"}))
    async with proxy.post(request(model="kimi-k3")) as answer:
        assert (answer.status, answer.headers["retry-after"]) == (429, "3")


async def test_a_client_that_leaves_cancels_the_host(host):
    """The upstream request ends as soon as the client is gone."""
    double, proxy = host
    gate = Gate()
    double.scenario = Scenario(default=Reply((Text(("one ",)), Silence(gate), Text(("two",)))))
    answer = await proxy.post(request(model="kimi-k3"))
    await gate.reached()
    answer.close()
    async with asyncio.timeout(10):
        await double.requests[0].ended.opened()
    assert double.requests[0].client_gone
    assert proxy.session.streams == 0


async def test_silence_is_filled_with_pings(host, monkeypatch):
    """While the host says nothing the client gets pings, also before the first word."""
    double, proxy = host
    monkeypatch.setattr("kimi_cli.proxy.client.PING_SECONDS", 0.02)
    gate = Gate()
    double.scenario = Scenario(default=Reply((Silence(gate), Text(("late",)))))
    async with proxy.post(request(model="kimi-k3")) as answer:
        seen = b""
        while seen.count(b"event: ping") < 2:
            seen += await answer.content.readany()
        gate.open()
        events = events_of(seen + await answer.read())
    kinds = [event["type"] for event in events if event["type"] != "ping"]
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"


async def test_a_session_that_ends_ends_its_streams(host):
    """Closing a session tells its open streams, and does not pretend that they were complete."""
    double, proxy = host
    gate = Gate()
    double.scenario = Scenario(default=Reply((Text(("one ",)), Silence(gate))))
    async with proxy.post(request(model="kimi-k3")) as answer:
        await gate.reached()
        proxy.session.end_reason = "stopped"
        for task in proxy.session.tasks:
            task.cancel()
        try:
            raw = await answer.read()
        except ConnectionError as error:
            pytest.fail(f"the stream was cut without a word: {error}")
    assert events_of(raw)[-1]["type"] == "error"


async def test_stop_sequences_over_the_limit_still_stop(tmp_path):
    """The host gets four stop sequences, the fifth is watched for here."""
    async with (
        Groq(Scenario(default=say("one two END", " three"))) as double,
        served(chat_route(double.base_url, double.key), tmp_path) as proxy,
    ):
        body = request(stop_sequences=["a1", "b1", "c1", "d1", " END"], stream=False)
        async with proxy.post(body) as answer:
            message = await answer.json()
    assert double.bodies[0]["stop"] == ["a1", "b1", "c1", "d1"]
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", " END")
    assert message["content"][0]["text"] == "one two"


async def test_a_json_schema_is_asked_for_in_one_piece(tmp_path):
    """Groq refuses `response_format` in a stream, so the stream is made here."""
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    async with (
        Groq(Scenario(default=say('{"title": "T"}'))) as double,
        served(chat_route(double.base_url, double.key), tmp_path) as proxy,
        proxy.post(request(output_config={"format": {"type": "json_schema", "schema": schema}})) as answer,
    ):
        events = events_of(await answer.read())
    assert double.refusals == []
    assert double.bodies[0]["response_format"]["json_schema"]["schema"] == schema
    assert events[-1]["type"] == "message_stop"


async def test_count_tokens_needs_no_host(host):
    """Token counts are answered here, fast, and grow with the prompt."""
    double, proxy = host
    counts = []
    for text in ("hi", "hello " * 500):
        async with proxy.post(
            {"model": "x", "messages": [{"role": "user", "content": text}]}, path="/v1/messages/count_tokens"
        ) as answer:
            counts.append((await answer.json())["input_tokens"])
    assert 0 < counts[0] < 20
    assert 500 < counts[1] < 1500
    assert double.requests == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"model": "x"}', b'{"model": "x", "messages": {}}', b'{"messages": [{"role": "user"}]}'],
)
async def test_a_request_that_is_none_is_refused_here(host, body):
    """What is not a request never reaches the host."""
    double, proxy = host
    async with proxy.client.post(proxy.base_url + "/v1/messages", data=body, headers=proxy.headers) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["type"] == "invalid_request_error"
    assert (double.requests, double.refusals) == ([], [])


async def test_a_host_that_is_not_there_is_named(tmp_path):
    """A refused connection is one sentence with the host's name."""
    async with Groq() as double:
        url = double.base_url
    async with served(chat_route(url, "gsk_x"), tmp_path) as proxy, proxy.post(request()) as answer:
        body = await answer.json()
    assert answer.status == 500
    assert body["error"]["message"] == "Groq cannot be reached: the connection was refused."


async def test_the_relay_keeps_a_good_stream_as_it_is(tmp_path):
    """What the host streams arrives byte for byte."""
    async with (
        Moonshot(Scenario(default=say("a", "b", thinking="hm"))) as double,
        served(relay_route(double.base_url, double.key), tmp_path) as proxy,
    ):
        async with proxy.post(request(model=K3.id, thinking={"type": "adaptive"})) as answer:
            relayed = events_of(await answer.read())
        headers = {"Authorization": f"Bearer {double.key}"}
        body = {"model": K3.id, "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}], "stream": True}
        async with proxy.client.post(f"{double.base_url}/v1/messages", json=body, headers=headers) as answer:
            direct = events_of(await answer.read())
    assert [event["type"] for event in relayed] == [event["type"] for event in direct]
