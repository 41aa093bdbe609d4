"""Clients that do not read, or do not finish what they send, and clients by the hundred that do nothing."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack

import pytest

from kimi_cli.proxy import client as clients
from kimi_cli.proxy import connection, intake
from kimi_cli.proxy.app import READ_AHEAD_BYTES
from kimi_cli.proxy.connection import STRANGERS
from tests.faults.network import DIALOGS, SAID, SECONDS, answer, ask, raw_host
from tests.faults.network_client import SMALL, raw_client
from tests.faults.network_proxy import MEGABYTE, real_proxy
from tests.faults.network_quiet import eventually, nothing_left, open_descriptors
from tests.proxy.served import served

MANY = 500
WAITING = 24 * READ_AHEAD_BYTES
"""Bytes of memory for a stream that nobody reads: read ahead with the largest read on top, joined, translated, on their
way out."""


@pytest.fixture(params=DIALOGS.values(), ids=DIALOGS)
def dialog(request):
    return request.param


async def flood(link):
    """Says the beginning once, and then more than anybody would wait for."""
    *_, last = link.beginning.split(b"\n\n")[:-1]
    await link.begin()
    while not link.writer.is_closing():
        await link.send((last + b"\n\n") * 500)


async def test_a_client_that_does_not_read_holds_its_host_back(dialog, sandbox):
    """The host has to wait as well, memory stays as it is, others are served, and the end of the session is the end."""
    with real_proxy(sandbox) as proxy:
        async with raw_host(dialog, answer) as good, raw_host(dialog, flood) as host:
            other, session = proxy.open(good.route), proxy.open(host.route)
            assert (await ask(proxy.base_url, other.token)).text == SAID
            before = proxy.memory
            host.heard.set()
            async with raw_client(proxy.base_url, session.token, buffer=SMALL) as client, proxy.watching():
                await client.send(client.message())
                await asyncio.wait_for(host.called.wait(), SECONDS)
                await host.held_back()
                assert (await ask(proxy.base_url, other.token)).text == SAID
                assert proxy.session(session).streams == 1
                proxy.control.close_session(session.id)
                await host.abandoned()
            assert proxy.peak - before < 16 * MEGABYTE
            assert (await ask(proxy.base_url, other.token)).text == SAID


async def test_what_waits_for_clients_that_do_not_read_has_a_limit(dialog, sandbox):
    """Each stream keeps a few reads at most, however much its host has to say."""
    crowd = 16
    with real_proxy(sandbox) as proxy:
        async with raw_host(dialog, answer) as good, raw_host(dialog, flood) as host, AsyncExitStack() as stack:
            other, session = proxy.open(good.route), proxy.open(host.route)
            assert (await ask(proxy.base_url, other.token)).text == SAID
            before = proxy.memory
            host.heard.set()
            for _ in range(crowd):
                client = await stack.enter_async_context(raw_client(proxy.base_url, session.token, buffer=SMALL))
                await client.send(client.message())
            await eventually(lambda: len(host.links) == crowd)
            await host.held_back()
            assert (proxy.memory - before) / crowd < WAITING
            proxy.control.close_session(session.id)
            await host.abandoned()


@pytest.mark.parametrize("reads", [True, False])
async def test_the_end_of_a_session_reaches_whoever_does_not_read(dialog, reads, monkeypatch, tmp_path):
    """A client that then reads finds a stream that was not completed; the connection of one that does not is cut."""
    monkeypatch.setattr(clients, "FAREWELL_SECONDS", SECONDS if reads else 0.2)
    async with nothing_left(), raw_host(dialog, flood) as host, served(host.route, tmp_path) as proxy:
        host.heard.set()
        descriptors = open_descriptors()
        async with raw_client(proxy.base_url, proxy.session.token, buffer=SMALL) as client:
            await client.send(client.message())
            await asyncio.wait_for(host.called.wait(), SECONDS)
            await host.held_back()
            proxy.sessions.end(proxy.session.id, reason="closed")
            await host.abandoned()
            assert proxy.session.tasks == set()
            await eventually(lambda: reads or open_descriptors() <= descriptors + 1)  # which is the client's own
            raw = await client.read_all()
        assert b"some words" in raw
        assert b"message_stop" not in raw
        assert b"message_delta" not in raw
        assert not raw.endswith(b"0\r\n\r\n") or b"event: error" in raw


async def test_a_client_that_does_not_read_keeps_no_proxy(dialog, sandbox):
    """A proxy that is told to stop does not wait for it."""
    with real_proxy(sandbox) as proxy:
        async with raw_host(dialog, flood) as host:
            session = proxy.open(host.route)
            host.heard.set()
            async with raw_client(proxy.base_url, session.token, buffer=SMALL) as client:
                await client.send(client.message())
                await asyncio.wait_for(host.called.wait(), SECONDS)
                await host.held_back()
                proxy.control.stop(force=True)
                await asyncio.to_thread(proxy.wait_end)
                assert b"message_stop" not in await client.read_all()


@pytest.mark.parametrize("sent", ["nothing", "part of a head", "a head that grows"])
async def test_a_request_that_does_not_come_is_not_waited_for_for_good(sent, monkeypatch, tmp_path):
    """A connection without a whole head is closed in time, whether silent or not, and others are served meanwhile."""
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.5)
    async with (
        nothing_left(),
        raw_host(DIALOGS["chat"], answer) as host,
        served(host.route, tmp_path) as proxy,
        raw_client(proxy.base_url, proxy.session.token) as client,
    ):
        closed = asyncio.create_task(client.read_all())
        if sent != "nothing":
            await client.send(client.head()[:-2] + b"X: ")
        assert (await ask(proxy.base_url, proxy.session.token)).text == SAID
        while sent == "a head that grows" and not closed.done():
            try:
                await client.send(b"x")
            except ConnectionError:
                break
            await asyncio.sleep(0.01)
        assert await asyncio.wait_for(closed, SECONDS) == b""


async def test_a_body_that_breaks_in_the_middle_is_refused(monkeypatch, tmp_path):
    """A chunk that is none, in the middle of a body, ends the request in time, and what comes behind it is not read."""
    monkeypatch.setattr(intake, "BODY_SECONDS", 0.3)
    async with (
        nothing_left(),
        raw_host(DIALOGS["chat"], answer) as host,
        served(host.route, tmp_path) as proxy,
        raw_client(proxy.base_url, proxy.session.token) as client,
    ):
        await client.send(client.head("Transfer-Encoding: chunked") + b"1\r\n{\r\n")
        assert (await ask(proxy.base_url, proxy.session.token)).text == SAID  # by now the first part was taken
        await client.send(b"zz\r\n\r\n" + client.head(method="GET", path="/v1/models"))
        raw = await client.read_all()
    assert raw.startswith((b"HTTP/1.1 400", b"HTTP/1.1 408"))
    assert b'"data"' not in raw
    assert len(host.links) == 1


async def test_five_hundred_idle_connections_shut_nobody_out(sandbox):
    """Only so many may be silent; the oldest go, new clients are served, and a stream in flight is left alone."""
    with real_proxy(sandbox) as proxy:
        async with raw_host(DIALOGS["chat"], wait_for_word) as host, AsyncExitStack() as idle:
            session = proxy.open(host.route)
            streaming = asyncio.create_task(ask(proxy.base_url, session.token))
            await asyncio.wait_for(host.called.wait(), SECONDS)
            descriptors = proxy.descriptors
            clients = [await idle.enter_async_context(raw_client(proxy.base_url, session.token)) for _ in range(MANY)]
            first_out = await asyncio.gather(*(client.read_all() for client in clients[: MANY - STRANGERS - 1]))
            assert set(first_out) == {b""}
            await proxy.settles(descriptors + STRANGERS + 1)
            started = time.monotonic()
            host.script = answer
            assert (await ask(proxy.base_url, session.token)).text == SAID
            assert time.monotonic() - started < SECONDS / 2
            assert proxy.session(session).streams == 1
            newest = clients[-1]
            await newest.send(newest.head("Connection: close", method="GET", path="/v1/models"))
            assert (await newest.read_all()).startswith(b"HTTP/1.1 200")
            host.heard.set()
            assert (await streaming).text == SAID
        await proxy.settles(descriptors)


async def test_connections_of_sessions_are_not_closed_for_strangers(tmp_path):
    """Whoever has shown a token once keeps the connection, however many others come and say nothing."""
    async with (
        nothing_left(),
        raw_host(DIALOGS["chat"], answer) as host,
        served(host.route, tmp_path) as proxy,
        AsyncExitStack() as open_ones,
    ):

        async def connect():
            return await open_ones.enter_async_context(raw_client(proxy.base_url, proxy.session.token))

        async def use(client):
            await client.send(client.head(method="GET", path="/v1/models"))
            await client.read_until(b"has_more")

        known = []
        for _ in range(STRANGERS + 20):
            known.append(await connect())
            await use(known[-1])
        strangers = [await connect() for _ in range(STRANGERS + 20)]
        assert await strangers[0].read_all() == b""
        for client in known:
            await use(client)


async def wait_for_word(link):
    """Answers when it is told to."""
    await link.heard.wait()
    await answer(link)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
async def test_idle_connections_are_fewer_than_descriptors(sandbox):
    """Where a system allows a process few descriptors, idle connections do not use them up."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with real_proxy(sandbox) as proxy:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            async with raw_host(DIALOGS["chat"], answer) as host, AsyncExitStack() as idle:
                session = proxy.open(host.route)
                for _ in range(MANY):
                    await idle.enter_async_context(raw_client(proxy.base_url, session.token))
                assert (await ask(proxy.base_url, session.token)).text == SAID
            assert "Too many open files" not in proxy.log
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
