"""Answers in flight when their proxy or their owner ends."""

from __future__ import annotations

import os
import signal
import sys

import aiohttp
import pytest

from kimi_cli.providers.model import Model
from kimi_cli.store.identity import ProcessIdentity
from tests.doubles.groq import KIMI, Groq
from tests.doubles.scenario import Gate, Reply, Scenario, Silence, Text

MODEL = Model(id=KIMI, context_window=262_144, max_output=16_384)
REQUEST = {"model": KIMI, "max_tokens": 10, "stream": True, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
async def host():
    """A host that says one word and then nothing."""
    async with Groq() as double:
        double.gate = Gate()
        double.scenario = Scenario(default=Reply((Text(("one ",)), Silence(double.gate))))
        yield double
        double.gate.open()


async def read_until_interrupted(world, host, session, interrupt) -> bytes:
    """A stream whose first word has arrived when `interrupt` is called, read to its end."""
    headers = {"Authorization": f"Bearer {session.token}"}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{session.base_url}/v1/messages?beta=true", json=REQUEST, headers=headers) as answer,
    ):
        assert answer.status == 200
        raw = b""
        while b"one " not in raw:
            raw += await answer.content.readany()
        interrupt()
        raw += await answer.read()
    return raw


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
async def test_a_stream_that_sigterm_cuts_short_says_so(world, host):
    """A proxy that is told to end closes its streams with an error, and never with what looks like an answer."""
    control = world.ensure()
    route = world.route(base_url=host.base_url, key=host.key, models=(MODEL,))
    session = control.open_session(route, owners=[ProcessIdentity.current()], project="")
    pid = control.state.process.pid
    raw = await read_until_interrupted(world, host, session, lambda: os.kill(pid, signal.SIGTERM))
    assert raw.rstrip().rpartition(b"\n\n")[2].startswith(b"event: error")
    assert b"message_stop" not in raw
    world.eventually(world.is_clean)
    await host.requests[0].ended.opened()
    assert host.requests[0].client_gone


async def test_a_stream_whose_owner_is_gone_is_given_up(world, host):
    """When the client's process is killed, the host is not left to work on its answer."""
    control, owner = world.ensure(), world.child()
    world.open(control)
    route = world.route(base_url=host.base_url, key=host.key, models=(MODEL,))
    session = control.open_session(route, owners=[ProcessIdentity.of(owner.pid)], project="")
    raw = await read_until_interrupted(world, host, session, owner.kill)
    assert b"event: error" in raw
    await host.requests[0].ended.opened()
    (left,) = control.status().sessions
    assert left.id != session.id
