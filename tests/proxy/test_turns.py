"""Turns of one conversation: what is kept of a request for the next one, and what no longer than it is needed."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from kimi_cli.proxy import upstream
from kimi_cli.proxy.sessions import Session
from kimi_cli.record import replace
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.wire.outgoing import Outgoing
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.rounds import Round
from tests.doubles.groq import Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Gate, Reply, Scenario, Silence, Text, say
from tests.faults.network_quiet import eventually
from tests.proxy.served import chat_route, relay_route, request, served
from tests.wire.asking import result, said, text, tool, use, user

if TYPE_CHECKING:
    from kimi_cli.providers.route import Route


@pytest.fixture(params=["groq", "moonshot"])
async def host(request, tmp_path):
    """Either double with a proxy in front: translated, or relayed."""
    double_of, route_of = {"groq": (Groq, chat_route), "moonshot": (Moonshot, relay_route)}[request.param]
    async with double_of() as double, served(route_of(double.base_url, double.key), tmp_path) as proxy:
        double.scenario = Scenario(default=say("Yes."))
        yield double, proxy


def _turn(count: int) -> dict[str, object]:
    """The request after so many calls, with the mark for the cache where Claude Code puts it."""
    turns = [user("Begin.")]
    for at in range(count):
        turns += [said(f"I look at {at}.", use(f"toolu_{at}")), user(result(f"toolu_{at}", [text(f"is {at}")]))]
    turns.append(user({**text("Go on."), "cache_control": {"type": "ephemeral"}}))
    return request(model="kimi-k3", messages=turns, tools=[tool("Read")], system="You read.")


async def _ask(proxy, body, token) -> None:
    """Ask in the form that clients write, by which a turn is recognised."""
    data = json.dumps(body, separators=(",", ":")).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with proxy.client.post(f"{proxy.base_url}/v1/messages", data=data, headers=headers) as answer:
        assert answer.status == 200
        assert b"message_stop" in await answer.read()


def _session(proxy, name: str, route: Route) -> Session:
    """Another session of the proxy."""
    session = Session(
        id=name,
        token=f"{name}-token",
        route=route,
        project="",
        opened_at=time.time(),
        owners={ProcessIdentity.current()},
    )
    proxy.sessions.open(session)
    return session


def _alive(*kinds: type) -> dict[int, Any]:
    """What there is of some kinds in this process, in which other applications have been."""
    gc.collect()
    return {id(one): one for one in gc.get_objects() if type(one) in kinds}


async def test_a_turn_that_goes_on_is_what_it_would_be_alone(host):
    """A session's host hears the same of every turn as that of a session that has said nothing before."""
    double, proxy = host
    for at, turn in enumerate(map(_turn, (1, 2, 9, 10, 30, 4, 31))):
        fresh = _session(proxy, f"ses_{at}", proxy.session.route)
        for token in (proxy.session.token, fresh.token):
            await _ask(proxy, turn, token)
        heard, alone = double.bodies[-2:]
        assert heard == alone
        assert fresh.input_tokens * (at + 1) == proxy.session.input_tokens
    assert double.refusals == []


async def test_nothing_of_a_request_is_held_while_it_is_answered(host):
    """Once an answer has begun, only what the next turn may need is left of its request: nothing, without a session."""
    double, proxy = host
    before = _alive(Prompt, Round, Outgoing)
    gate = Gate()
    double.scenario = Scenario(default=Reply((Text(("one ",)), Silence(gate), Text(("two",)))))
    async with proxy.post(_turn(20)) as answer:
        seen = b""
        while b"one " not in seen:
            seen += await answer.content.readany()
        for forget in proxy.sessions.on_end:
            forget(proxy.session)
        assert _alive(Prompt, Round, Outgoing).keys() == before.keys()
        gate.open()
        assert b"two" in await answer.read()


async def test_a_session_takes_what_is_kept_along(host):
    """When it ends, nothing of its conversations is left."""
    _, proxy = host
    before = _alive(Round)
    await _ask(proxy, _turn(20), proxy.session.token)
    assert len(_alive(Round)) > len(before)
    proxy.sessions.end(proxy.session.id, reason="over")
    assert _alive(Round).keys() == before.keys()


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_a_session_that_ends_during_a_request(host, path):
    """What arrives after its end is refused, and nothing of it is kept or asked."""
    double, proxy = host
    before, data = _alive(Round), json.dumps(_turn(20), separators=(",", ":")).encode()
    came, rest = asyncio.Event(), asyncio.Event()

    async def halves():
        yield data[:100]
        came.set()
        await rest.wait()
        yield data[100:]

    headers = {"Authorization": f"Bearer {proxy.session.token}", "Content-Type": "application/json"}
    asking = asyncio.create_task(proxy.client.post(f"{proxy.base_url}{path}", data=halves(), headers=headers))
    await came.wait()
    await eventually(lambda: proxy.session.users)
    proxy.sessions.end(proxy.session.id, reason="over")
    rest.set()
    async with await asking as answer:
        assert answer.status == 401
        assert (await answer.json())["error"]["type"] == "authentication_error"
    assert double.bodies == []
    assert _alive(Round).keys() == before.keys()


async def test_the_way_to_a_host_is_looked_up_once(host, monkeypatch):
    """Its web proxy is looked for again after a while, and at once where the host could not be reached that way."""
    _, proxy = host
    looked_up: list[str] = []
    monkeypatch.setattr(upstream, "find_web_proxy", looked_up.append)
    for _ in range(3):
        await _ask(proxy, request(model="kimi-k3"), proxy.session.token)
    assert len(looked_up) == 1
    proxy.session = _session(proxy, "ses_2", replace(proxy.session.route, base_url="http://127.0.0.1:9"))
    for _ in range(2):
        async with proxy.post(request(model="kimi-k3")) as answer:
            assert answer.status >= 400
    assert len(looked_up) == 3
