"""Hosts that do odd things which an answer survives, and refusals whose text does not arrive."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib

import pytest

from kimi_cli.proxy import upstream
from tests.faults.network import DIALOGS, SAID, answer, ask, chunked, head, raw_host, read_request
from tests.faults.network_quiet import nothing_left
from tests.proxy.served import served

EMPTY = b"".join(
    f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()
    for name, fields in (
        ("message_start", {"message": {"id": "m", "role": "assistant", "content": [], "usage": {"input_tokens": 1}}}),
        ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 0}}),
        ("message_stop", {}),
    )
)


@pytest.fixture(params=DIALOGS.values(), ids=DIALOGS)
def dialog(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["stream", "whole"])
def stream(request):
    return request.param


async def interim(link):
    await link.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
    await answer(link)


async def gzipped(link):
    await link.send(head("Content-Encoding: gzip", kind=link.kind) + gzip.compress(link.reply))


async def deflated(link):
    await link.send(head("Content-Encoding: deflate", kind=link.kind) + zlib.compress(link.reply))


async def no_length(link):
    await link.send(b"HTTP/1.0 200 OK\r\nContent-Type: " + link.kind.encode() + b"\r\n\r\n" + link.reply)


async def byte_by_byte(link):
    await link.send(head("Transfer-Encoding: chunked", kind=link.kind))
    for at in range(len(link.reply)):
        await link.send(chunked(link.reply[at : at + 1]))
        await asyncio.sleep(0)
    await link.send(chunked(b""))


async def rubbish_behind(link):
    start = head(f"Content-Length: {len(link.reply)}", kind=link.kind, keep=True)
    await link.send(start + link.reply + b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    await link.closed()


async def trailers(link):
    end = b"0\r\nX-Trailer: 1\r\n\r\n"
    await link.send(head("Transfer-Encoding: chunked", kind=link.kind) + chunked(link.reply) + end)


@pytest.mark.parametrize("script", [interim, gzipped, deflated, no_length, byte_by_byte, rubbish_behind, trailers])
async def test_an_odd_answer_is_still_an_answer(dialog, stream, script, tmp_path):
    """What can be understood is passed on whole, and a connection that is in doubt is not used again."""
    async with nothing_left(), raw_host(dialog, script) as host, served(host.route, tmp_path) as proxy:
        for count in (1, 2):
            assert (await ask(proxy.base_url, proxy.session.token, stream=stream)).text == SAID
            assert len(host.links) == count


async def test_connections_stay_warm(dialog, stream, tmp_path):
    """Requests one after another go over one connection, and over a new one where the host has closed it meanwhile."""

    async def keep(link):
        whole = head(f"Content-Length: {len(link.reply)}", kind=link.kind, keep=True) + link.reply
        for _ in range(2):
            await link.send(whole)
            await read_request(link.reader)
        await link.send(whole)

    async with nothing_left(), raw_host(dialog, keep) as host, served(host.route, tmp_path) as proxy:
        for _ in range(3):
            assert (await ask(proxy.base_url, proxy.session.token, stream=stream)).text == SAID
        assert len(host.links) == 1
        await host.links[0].closed()
        assert (await ask(proxy.base_url, proxy.session.token, stream=stream)).text == SAID
        assert len(host.links) == 2
        host.links[1].writer.close()


async def test_a_message_may_be_empty(tmp_path):
    """An answer that ends without having said anything is passed on as what it is."""

    async def nothing(link):
        await link.send(head(f"Content-Length: {len(EMPTY)}") + EMPTY)

    async with raw_host(DIALOGS["messages"], nothing) as host, served(host.route, tmp_path) as proxy:
        answered = await ask(proxy.base_url, proxy.session.token)
    assert answered.status == 200
    assert [event["type"] for event in answered.events] == ["message_start", "message_delta", "message_stop"]


@pytest.mark.parametrize("ending", ["closes", "hangs", "resets"])
async def test_a_refusal_is_passed_on_without_its_end(dialog, stream, ending, monkeypatch, tmp_path):
    """The status of a refusal counts, and as much of its text as comes in time."""
    monkeypatch.setattr(upstream, "ERROR_SECONDS", 0.2)

    async def refuse(link):
        await link.send(head("Content-Length: 1000", status="429 Slow", kind="text/plain") + b"slow down please")
        if ending == "hangs":
            await link.closed()
        elif ending == "resets":
            link.reset()

    async with nothing_left(), raw_host(dialog, refuse) as host, served(host.route, tmp_path) as proxy:
        answered = await ask(proxy.base_url, proxy.session.token, stream=stream)
    assert (answered.status, answered.failure["type"]) == (429, "rate_limit_error")
    if ending != "resets":  # which may overtake what was sent before it
        assert "slow down please" in answered.failure["message"]
