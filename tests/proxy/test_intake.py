"""Bodies that do not come as they should."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from kimi_cli.proxy import intake
from tests.proxy.gate import gate


@pytest.fixture
async def proxy(tmp_path):
    async with gate(tmp_path) as proxy:
        yield proxy


def head(proxy, *lines: str) -> bytes:
    given = (f"Host: {proxy.authority}", f"Authorization: Bearer {proxy.open().token}", "Connection: close", *lines)
    return "\r\n".join(("POST /v1/messages/count_tokens HTTP/1.1", *given, "", "")).encode()


async def test_a_client_that_stops_in_the_middle_is_not_waited_for_for_good(proxy, monkeypatch):
    """Half a request and then silence is an error after a while."""
    monkeypatch.setattr(intake, "BODY_SECONDS", 0.2)
    raw = await proxy.raw(head(proxy, "Content-Length: 100") + b"half")
    assert raw.startswith(b"HTTP/1.1 408")
    assert b"timeout_error" in raw


async def test_a_client_that_leaves_in_the_middle_is_forgotten(proxy):
    """Half a request and then the end of the connection leaves nothing behind."""
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.state.port)
    writer.write(head(proxy, "Content-Length: 100") + b"half")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with proxy.request("GET", "/health") as answer:
        assert answer.status == 200


async def test_a_compressed_body_is_read(proxy):
    """Clients may compress what they send."""
    body = gzip.compress(json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode())
    raw = await proxy.raw(head(proxy, "Content-Encoding: gzip", f"Content-Length: {len(body)}") + body)
    assert raw.startswith(b"HTTP/1.1 200")


async def test_a_body_that_unfolds_without_end_is_cut_off(proxy):
    """A small body that becomes a large one counts with its large size."""
    body = gzip.compress(b" " * (intake.BODY_LIMIT + 1))
    raw = await proxy.raw(head(proxy, "Content-Encoding: gzip", f"Content-Length: {len(body)}") + body)
    assert raw.startswith(b"HTTP/1.1 413")
