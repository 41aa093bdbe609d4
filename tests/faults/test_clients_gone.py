"""Clients that leave before their answer is whole."""

from __future__ import annotations

import asyncio

import pytest

from kimi_cli.proxy import connection
from tests.faults.network import DIALOGS, SAID, SECONDS, answer, ask, raw_host
from tests.faults.network_client import SMALL, RawClient, raw_client
from tests.faults.network_proxy import real_proxy
from tests.faults.network_quiet import nothing_left
from tests.proxy.served import served


@pytest.fixture(params=DIALOGS.values(), ids=DIALOGS)
def dialog(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["stream", "whole"])
def stream(request):
    return request.param


@pytest.fixture(params=["close", "reset", "half_close"])
def leave(request):
    return getattr(RawClient, request.param)


async def silence(link):
    await link.closed()


async def beginning(link):
    await link.begin()
    await link.closed()


async def flood(link):
    await link.begin()
    while not link.writer.is_closing():
        await link.send(b": " + b"x" * 1000 + b"\n\n" + link.beginning)


@pytest.mark.parametrize("script", [silence, beginning])
async def test_a_host_is_let_go_at_once(dialog, stream, leave, script, tmp_path):
    """Whenever a client leaves and however, the host that works for it is cut off, long before its time is over."""
    async with nothing_left(), raw_host(dialog, script) as host, served(host.route, tmp_path) as proxy:
        async with raw_client(proxy.base_url, proxy.session.token) as client:
            await client.send(client.message(stream=stream))
            await asyncio.wait_for(host.called.wait(), SECONDS)
            if script is beginning and stream:
                assert b"some words" in await client.read_until(b"some words")
            host.heard.set()
            leave(client)
            await host.abandoned()
        assert (proxy.session.streams, proxy.session.tasks) == (0, set())


async def test_a_client_that_left_without_reading_is_noticed(dialog, leave, monkeypatch, tmp_path):
    """A client that goes while more waits for it than it can take is as gone as any."""
    monkeypatch.setattr(connection, "LINGER_SECONDS", 0.2)
    async with nothing_left(), raw_host(dialog, flood) as host, served(host.route, tmp_path) as proxy:
        async with raw_client(proxy.base_url, proxy.session.token, buffer=SMALL) as client:
            await client.send(client.message())
            await asyncio.wait_for(host.called.wait(), SECONDS)
            host.heard.set()
            await host.held_back()
            leave(client)
            await host.abandoned()
        assert (proxy.session.streams, proxy.session.tasks) == (0, set())


@pytest.mark.parametrize("part", ["head", "body"])
async def test_half_a_request_is_forgotten(leave, part, tmp_path):
    """A client that leaves before its request is whole leaves nothing, and no host is asked."""
    async with (
        nothing_left(),
        raw_host(DIALOGS["chat"], answer) as host,
        served(host.route, tmp_path) as proxy,
        raw_client(proxy.base_url, proxy.session.token) as client,
    ):
        await client.send(client.head("Content-Length: 100") + b"{" if part == "body" else client.head()[:-2])
        leave(client)
        assert (await ask(proxy.base_url, proxy.session.token)).text == SAID
        assert len(host.links) == 1


async def test_fifty_clients_that_leave_leave_nothing(dialog, sandbox):
    """A real proxy has as many descriptors and threads as before, and nothing to complain about."""
    with real_proxy(sandbox) as proxy:
        async with raw_host(dialog, answer) as host:
            session = proxy.open(host.route)
            assert (await ask(proxy.base_url, session.token)).text == SAID
            descriptors, threads = proxy.descriptors, proxy.threads

            async def come_and_go(count):
                leave = (RawClient.close, RawClient.reset, RawClient.half_close)[count % 3]
                async with raw_client(proxy.base_url, session.token, buffer=SMALL) as client:
                    await client.send(client.message(stream=count % 2 == 0))
                    if count % 4 == 0:
                        await client.read()
                    leave(client)

            host.script = flood
            host.heard.set()
            for _ in range(2):
                await asyncio.gather(*map(come_and_go, range(25)))
            await host.abandoned()
            host.script = answer
            assert (await ask(proxy.base_url, session.token)).text == SAID
            assert proxy.session(session).streams == 0
        await proxy.settles(descriptors)
        assert proxy.threads <= threads
        assert "traceback" not in proxy.log
        assert "never retrieved" not in proxy.log
