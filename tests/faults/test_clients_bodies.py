"""Clients that send too much, in pieces, unasked, or several requests at once."""

from __future__ import annotations

import asyncio
import gzip
import json
import re

import pytest

from kimi_cli.proxy.intake import BODY_LIMIT
from tests.faults.network import DIALOGS, SAID, answer, ask, chunked, raw_host
from tests.faults.network_client import raw_client
from tests.faults.network_proxy import MEGABYTE, real_proxy
from tests.faults.network_quiet import eventually, nothing_left
from tests.proxy.served import request as message
from tests.proxy.served import served

FLOOD = 100
PIECE = b" " * MEGABYTE


@pytest.fixture
async def host():
    async with raw_host(DIALOGS["chat"], answer) as host:
        yield host


@pytest.fixture
async def proxy(host, tmp_path):
    async with nothing_left(), served(host.route, tmp_path) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy):
    async with raw_client(proxy.base_url, proxy.session.token) as client:
        yield client


def statuses(raw: bytes) -> list[int]:
    """The statuses of every answer on a connection, in order."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", raw)]


async def pour(client, *lines: str, encode=bytes) -> bytes:
    """Sends far too much, as long as it is taken, and gives what comes back."""
    try:
        await client.send(client.head("Connection: close", *lines))
        for _ in range(FLOOD):
            await client.send(encode(PIECE))
    except ConnectionError:
        pass
    return await client.read_all()


@pytest.mark.parametrize("how", ["announced", "in chunks", "packed", "under a wrong token"])
async def test_a_hundred_megabytes_are_refused(how, sandbox):
    """However a body of 100 MB comes, the proxy takes no more of it than it must, and serves others meanwhile."""
    with real_proxy(sandbox) as proxy:
        async with raw_host(DIALOGS["chat"], answer) as host:
            session = proxy.open(host.route)
            assert (await ask(proxy.base_url, session.token)).text == SAID
            before = proxy.memory
            token = "x" * 43 if how == "under a wrong token" else session.token
            async with raw_client(proxy.base_url, token) as client, proxy.watching():
                if how == "packed":
                    packed = gzip.compress(b" " * FLOOD * MEGABYTE, compresslevel=1)
                    await client.send(client.head("Content-Encoding: gzip", f"Content-Length: {len(packed)}") + packed)
                    raw = await client.read_until(b"request_too_large")
                elif how == "announced":
                    raw = await pour(client, f"Content-Length: {FLOOD * MEGABYTE}")
                else:
                    pouring = asyncio.create_task(pour(client, "Transfer-Encoding: chunked", encode=chunked))
                    assert (await ask(proxy.base_url, session.token)).text == SAID
                    raw = await pouring
            # A client that sends on after the refusal may find its connection gone before it has read it.
            assert statuses(raw) in ([], [401] if token != session.token else [413])
            held = 0 if how in {"announced", "under a wrong token"} else BODY_LIMIT
            assert proxy.peak - before < held + 24 * MEGABYTE < FLOOD * MEGABYTE
            assert (await ask(proxy.base_url, session.token)).text == SAID
        assert len(host.links) == (3 if how in {"in chunks", "under a wrong token"} else 2)


async def test_what_a_refused_body_took_is_given_back(sandbox):
    """Ten bodies one after another cost no more than one."""
    with real_proxy(sandbox) as proxy:
        async with raw_host(DIALOGS["chat"], answer) as host:
            session = proxy.open(host.route)
            assert (await ask(proxy.base_url, session.token)).text == SAID
            before = proxy.memory
            packed = gzip.compress(b" " * FLOOD * MEGABYTE, compresslevel=1)
            for _ in range(10):
                async with raw_client(proxy.base_url, session.token) as client:
                    await client.send(client.head("Content-Encoding: gzip", f"Content-Length: {len(packed)}") + packed)
                    assert statuses(await client.read_until(b"request_too_large")) == [413]
            await eventually(lambda: proxy.memory - before < BODY_LIMIT / 2)


async def test_a_client_that_waits_to_be_invited_is(client):
    """`Expect: 100-continue` is answered before the body, and the body then with its answer."""
    body = json.dumps(message()).encode()
    await client.send(client.head(f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close"))
    assert await client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await client.send(body)
    raw = await client.read_all()
    assert statuses(raw) == [200]
    assert b"message_stop" in raw


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("Content-Length: 100000000",), 413),
        (("Content-Length: 10", "Origin: https://evil.example"), 403),
        (("Content-Length: 10", "Host: evil.example"), 400),
    ],
)
async def test_nobody_is_invited_to_be_refused(client, lines, status):
    """Who will be refused is told so before they send a body."""
    await client.send(client.head(*lines, "Expect: 100-continue", "Connection: close"))
    assert statuses(await client.read_until(b"error")) == [status]


async def test_a_client_without_a_token_is_not_invited(proxy):
    """The invitation comes after the token was looked at."""
    async with raw_client(proxy.base_url, "wrong") as client:
        await client.send(client.head("Content-Length: 10", "Expect: 100-continue", "Connection: close"))
        assert statuses(await client.read_until(b"error")) == [401]


async def test_an_expectation_that_nobody_knows_is_refused(client):
    """What a client waits for in vain is said."""
    await client.send(client.head("Content-Length: 2", "Expect: a miracle", "Connection: close") + b"{}")
    raw = await client.read_all()
    assert statuses(raw) == [417]
    assert b"invalid_request_error" in raw


async def test_pipelined_requests_are_answered_in_order(host, proxy, client):
    """Requests that do not wait for the answers before them get theirs one after another, streams among them."""
    models = client.head(method="GET", path="/v1/models")
    last = client.head("Connection: close", method="GET", path="/v1/models/kimi-small")
    await client.send(models + client.message() + client.message(stream=False) + models + last)
    raw = await client.read_all()
    assert statuses(raw) == [200, 200, 200, 200, 404]
    assert raw.index(b'"has_more"') < raw.index(b"message_stop") < raw.index(b"end_turn", raw.index(b"message_stop"))
    assert len(host.links) == 2


async def test_a_thousand_pipelined_requests_are_too_many_for_nobody(proxy, client):
    """They wait in the client's own buffers, and others are served between them."""
    models = client.head(method="GET", path="/v1/models")
    sending = asyncio.create_task(client.send(models * 999 + client.head("Connection: close", method="GET", path="/x")))
    assert (await ask(proxy.base_url, proxy.session.token)).text == SAID
    raw = await client.read_all()
    await sending
    assert statuses(raw) == [200] * 999 + [404]


async def test_a_pipelined_request_of_a_client_that_leaves_is_not_begun(host, proxy, client):
    """What waits behind a stream whose client has gone goes with it."""

    async def hold(link):
        await link.begin()
        await link.closed()

    host.script = hold
    await client.send(client.message() * 5)
    await client.read_until(b"some words")
    host.heard.set()
    client.close()
    await host.abandoned()
    assert len(host.links) == 1
    assert proxy.session.streams == 0


async def test_a_request_in_single_bytes_is_a_request(client):
    """However small the pieces are in which a request comes, it is one."""
    request = client.message().replace(b"\r\nHost", b"\r\nConnection: close\r\nHost", 1)
    for at in range(len(request)):
        await client.send(request[at : at + 1])
    assert b"message_stop" in await client.read_all()
