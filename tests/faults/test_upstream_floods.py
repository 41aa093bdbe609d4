"""Hosts that send without end: a real proxy stays small, healthy, and keeps nothing open."""

from __future__ import annotations

import asyncio
import gzip
import sys

import pytest

from kimi_cli.proxy.pump import WHOLE_BYTES
from kimi_cli.wire.sse import MAX_EVENT_BYTES
from tests.faults.network import DIALOGS, SAID, answer, ask, chunked, head, raw_host
from tests.faults.network_faults import FAULTS
from tests.faults.network_proxy import MEGABYTE, real_proxy

FLOOD = 100
"""Megabytes that a host would send if it could."""
ROOM = 32 * MEGABYTE
"""What a process may take beside the one event, or the one answer, that it waits for the end of."""
PIECE = b"x" * MEGABYTE


@pytest.fixture(params=DIALOGS.values(), ids=DIALOGS)
def dialog(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["stream", "whole"])
def stream(request):
    return request.param


async def line_without_end(link):
    await link.send(head(kind=link.kind) + link.beginning)
    for _ in range(FLOOD):
        await link.send(PIECE)


async def event_without_end(link):
    await link.send(head(kind=link.kind) + link.beginning)
    for _ in range(FLOOD):
        await link.send(b"data: " + PIECE + b"\n")


async def whole_without_end(link):
    await link.send(head(kind="application/json") + b'{"a": "')
    for _ in range(FLOOD):
        await link.send(PIECE)


async def unpacked_without_end(link):
    packed = gzip.compress(b"x" * FLOOD * MEGABYTE, compresslevel=1)
    assert len(packed) < 2 * MEGABYTE
    await link.send(head("Content-Encoding: gzip", kind=link.kind) + packed)
    await link.closed()


async def one_chunk_without_end(link):
    await link.send(head("Transfer-Encoding: chunked", kind=link.kind), chunked(link.beginning), b"fffffff\r\n")
    for _ in range(FLOOD):
        await link.send(PIECE)


async def explanation_without_end(link):
    await link.send(head(kind="text/plain", status="500 Sorry"))
    for _ in range(FLOOD):
        await link.send(PIECE)


def is_told(answered, kind):
    """Whether the client hears of this failure, or, behind pings, where no status can follow, of overload."""
    behind_pings = answered.status == 200 and b"content_block" not in answered.body
    return answered.failure["type"] == kind or (behind_pings and answered.failure["type"] == "overloaded_error")


FLOODS = [
    line_without_end,
    event_without_end,
    whole_without_end,
    unpacked_without_end,
    one_chunk_without_end,
    explanation_without_end,
]


@pytest.mark.parametrize("script", FLOODS)
async def test_a_flood_is_dammed(dialog, stream, script, sandbox):
    """What is waited for has a limit: beyond it the answer is an error, and memory has not grown with the flood."""
    with real_proxy(sandbox) as proxy:
        async with raw_host(dialog, answer) as host:
            session = proxy.open(host.route)
            assert (await ask(proxy.base_url, session.token, stream=stream)).text == SAID
            before, descriptors = proxy.memory, proxy.descriptors
            host.script = script
            async with proxy.watching():
                answered = await ask(proxy.base_url, session.token, stream=stream)
            assert is_told(answered, "api_error")
            assert len(answered.body) < MEGABYTE
            assert proxy.peak - before < max(MAX_EVENT_BYTES, WHOLE_BYTES) + ROOM < FLOOD * MEGABYTE
            host.script = answer
            assert (await ask(proxy.base_url, session.token, stream=stream)).text == SAID
        await proxy.settles(descriptors)


@pytest.mark.skipif(sys.platform == "win32", reason="handles are opened and closed there by other things, too")
async def test_nothing_adds_up(dialog, stream, sandbox):
    """After every fault at once, several times over, a proxy has what it had before, and has found nothing strange."""
    with real_proxy(sandbox, impatient=True) as proxy:
        async with raw_host(dialog, answer) as good:
            session = proxy.open(good.route)
            for _ in range(3):
                assert (await ask(proxy.base_url, session.token, stream=stream)).text == SAID
            await good.abandoned()
            descriptors, threads = proxy.descriptors, proxy.threads

            async def suffer(fault):
                async with raw_host(dialog, fault.script) as host:
                    if not stream:
                        host.heard.set()
                    token = proxy.open(host.route).token
                    answered = await ask(proxy.base_url, token, stream=stream, heard=host.heard)
                    assert is_told(answered, fault.kind), (fault.name, answered.failure)

            for _ in range(3):
                await asyncio.gather(*map(suffer, FAULTS))
            assert (await ask(proxy.base_url, session.token, stream=stream)).text == SAID
            status = proxy.control.status()
        assert sum(one.streams for one in status.sessions) == 0
        await proxy.settles(descriptors)
        assert proxy.threads <= threads
        assert "traceback" not in proxy.log
        assert "never retrieved" not in proxy.log
