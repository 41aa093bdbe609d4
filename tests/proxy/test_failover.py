"""Hosts that fail before the first word, in front of doubles: asked again, or another one instead."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import pytest

from kimi_cli.proxy.recovery import Recovery
from kimi_cli.record import replace
from tests.doubles.groq import Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import (
    Call,
    Gate,
    HttpError,
    InStreamError,
    Reply,
    Scenario,
    Silence,
    Text,
    Truncate,
    call,
    say,
)
from tests.proxy.served import chat_route, relay_route, request, served
from tests.proxy.test_messages import TOOL, events_of

OVERLOADED = HttpError(503, {"error": {"message": "over capacity", "type": "server_unavailable"}})
UNPAID = HttpError(429, {"error": {"message": "Your account has no balance.", "type": "exceeded_current_quota_error"}})
LIMITED = HttpError(
    429, {"error": {"message": "slow down", "type": "rate_limit_reached_error"}}, headers={"retry-after": "0.01"}
)
QUICK = Recovery(budget=60.0, jitter=lambda: 0.0)


def steps(*answers):
    """These answers, one after the other, whatever is asked."""
    return Scenario(*answers, when=lambda _: True)


@asynccontextmanager
async def two_hosts(tmp_path):
    """Groq with Moonshot to stand in for it, and the proxy in front of both."""
    async with Groq() as groq, Moonshot() as moonshot:
        second = relay_route(moonshot.base_url, moonshot.key)
        route = replace(chat_route(groq.base_url, groq.key), fallbacks=(second,))
        async with served(route, tmp_path, recovery=QUICK) as proxy:
            yield groq, moonshot, proxy


@pytest.fixture(params=["groq", "moonshot"])
async def host(request, tmp_path):
    """Either double with a patient proxy in front: translated, or relayed."""
    double, route = (Groq(), chat_route) if request.param == "groq" else (Moonshot(), relay_route)
    async with double, served(route(double.base_url, double.key), tmp_path, recovery=QUICK) as proxy:
        yield double, proxy


@pytest.mark.parametrize("stream", [True, False])
async def test_asked_again(host, stream):
    """Two rate limits and an outage stay between the proxy and the host; the client gets one answer."""
    double, proxy = host
    double.scenario = steps(LIMITED, LIMITED, OVERLOADED, say("here"))
    async with proxy.post(request(model="kimi-k3", stream=stream)) as answer:
        raw = await answer.read()
    assert answer.status == 200
    assert raw.count(b"here") == 1
    assert raw.count(b"event: message_start") == int(stream)
    assert len(double.requests) == 4
    assert proxy.session.requests == 1


@pytest.mark.parametrize("broken", [(Truncate(),), (InStreamError("engine overloaded"),)])
async def test_a_stream_that_fails_before_its_first_word(host, broken):
    """A stream that has begun, but not said anything, is asked for again as if it had not begun."""
    double, proxy = host
    double.scenario = steps(Reply(broken), say("here"))
    async with proxy.post(request(model="kimi-k3")) as answer:
        events = events_of(await answer.read())
    assert [event["type"] for event in events].count("message_start") == 1
    assert events[-1]["type"] == "message_stop"


async def test_a_stream_that_fails_after_its_first_word(host):
    """What the client has seen is never asked for again."""
    double, proxy = host
    double.scenario = steps(Reply((Text(("half",)), Truncate())), say("again"))
    async with proxy.post(request(model="kimi-k3")) as answer:
        events = events_of(await answer.read())
    assert events[-1]["type"] == "error"
    assert len(double.requests) == 1


async def test_pings_come_before_the_answer(host, monkeypatch):
    """A host that fails after a silence is asked again behind the pings, and its failure is told in the stream."""
    monkeypatch.setattr("kimi_cli.proxy.client.PING_SECONDS", 0.02)
    double, proxy = host
    gates = Gate(), Gate()
    refused = HttpError(400, {"error": {"message": "no such thing", "type": "invalid_request_error"}})
    slow = [Reply((Silence(gate), InStreamError("engine overloaded"))) for gate in gates]
    double.scenario = steps(slow[0], say("here"), slow[1], refused)
    for gate, last in zip(gates, ("message_stop", "error"), strict=True):
        async with proxy.post(request(model="kimi-k3")) as answer:
            seen = b""
            while seen.count(b"event: ping") < 2 and not answer.content.at_eof():
                seen += await answer.content.readany()
            gate.open()
            events = events_of(seen + await answer.read())
        kinds = [event["type"] for event in events if event["type"] != "ping"]
        assert kinds[-1] == last
        assert kinds.count("message_start") == (last == "message_stop")
    assert "no such thing" in events[-1]["error"]["message"]


async def test_another_host_goes_on_with_a_tool_loop(tmp_path):
    """A conversation changes hosts between a call and its result; the other one accepts the whole of it."""
    async with two_hosts(tmp_path) as (groq, moonshot, proxy):
        groq.scenario = steps(call(Call("Read", {"path": "a.txt"})), UNPAID)
        moonshot.scenario = Scenario(default=say("It says hello."))
        asked = {"role": "user", "content": "what does a.txt say?"}
        async with proxy.post(request(messages=[asked], tools=[TOOL], stream=False)) as answer:
            said = (await answer.json())["content"]
        (block,) = said
        result = {"type": "tool_result", "tool_use_id": block["id"], "content": "hello"}
        messages = [asked, {"role": "assistant", "content": said}, {"role": "user", "content": [result]}]
        async with proxy.post(request(messages=messages, tools=[TOOL], stream=False)) as answer:
            assert (await answer.json())["content"][0]["text"] == "It says hello."
        assert groq.refusals == moonshot.refusals == []
        assert moonshot.bodies[0]["model"] == "kimi-k3"
        assert moonshot.bodies[0]["messages"][1]["content"][0]["id"] == block["id"]
        told = proxy.session.to_json()["fallback"]
        assert (told["provider"], told["model"]) == ("moonshot", "kimi-k3")
        assert "no balance" in told["reason"]
        async with proxy.post(request(messages=messages, tools=[TOOL])) as answer:
            assert events_of(await answer.read())[-1]["type"] == "message_stop"
        assert (len(groq.requests), len(moonshot.requests)) == (2, 2)


async def test_a_request_that_only_the_first_host_can_hold(tmp_path):
    """A host whose window is too small is not asked; the failure is the first one's alone."""
    async with two_hosts(tmp_path) as (groq, moonshot, proxy):
        groq.scenario = Scenario(default=UNPAID)
        model = replace(proxy.session.route.fallbacks[0].main, context_window=8_000)
        small = replace(proxy.session.route.fallbacks[0], models=(model,))
        proxy.session.failover = type(proxy.session.failover)(
            replace(proxy.session.route, fallbacks=(small,)), session_id="ses_test"
        )
        async with proxy.post(request("word " * 9_000)) as answer:
            body = await answer.json()
        assert answer.status == 402
        assert "Asked instead" not in body["error"]["message"]
        assert moonshot.requests == []


async def test_no_key_of_any_host_is_told(tmp_path):
    """A host that repeats its key in an error does not get it to the client, whichever host it is."""
    async with two_hosts(tmp_path) as (groq, moonshot, proxy):
        groq.scenario = Scenario(default=UNPAID)
        leak = {"error": {"message": f"key {moonshot.key} and {groq.key} are wrong", "type": "permission_denied_error"}}
        moonshot.scenario = Scenario(default=HttpError(403, leak))
        async with proxy.post(request()) as answer:
            text = json.dumps(await answer.json())
        assert "Asked instead" in text
        assert groq.key not in text
        assert moonshot.key not in text
