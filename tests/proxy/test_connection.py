"""What a client gets that does not speak HTTP as it should."""

from __future__ import annotations

import json
import logging

import pytest

from kimi_cli.proxy.connection import HEADER_LIMIT, LINE_LIMIT
from tests.proxy.gate import gate


@pytest.fixture
async def proxy(tmp_path):
    async with gate(tmp_path) as proxy:
        yield proxy


HOST = b"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", id="TLS"),
        pytest.param(b"hello\r\n\r\n", id="no HTTP"),
        pytest.param(b"GET /health HTTP/9.9\r\n" + HOST + b"\r\n", id="version"),
        pytest.param(b"GET /" + b"x" * (LINE_LIMIT + 1) + b" HTTP/1.1\r\n" + HOST + b"\r\n", id="long line"),
        pytest.param(
            b"GET /health HTTP/1.1\r\n" + HOST + b"X: " + b"x" * (HEADER_LIMIT + 1) + b"\r\n\r\n", id="header"
        ),
        pytest.param(b"GET /health HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n", id="NUL in a header"),
        pytest.param(b"GET /health HTTP/1.1\r\n" + HOST + b"X : a\r\n\r\n", id="space before the colon"),
        # Shapes by which two servers in a row are made to disagree on where a request ends.
        pytest.param(
            b"POST /v1/messages HTTP/1.1\r\n" + HOST + CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n", id="two lengths"
        ),
        pytest.param(
            b"POST /v1/messages HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", id="CL.CL"
        ),
        pytest.param(b"POST /v1/messages HTTP/1.1\r\n" + HOST + b"Content-Length: +4\r\n\r\nabcd", id="signed length"),
        pytest.param(
            b"POST /v1/messages HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", id="coding"
        ),
        pytest.param(b"POST /v1/messages HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\nzz\r\n\r\n", id="chunk size"),
    ],
)
async def test_what_is_no_request_is_refused_in_form(proxy, data):
    """Whatever cannot be parsed ends with one error in Anthropic's form and the end of the connection."""
    token = proxy.open().token
    data = data.replace(b"{port}", str(proxy.state.port).encode()).replace(b"{token}", token.encode())
    raw = await proxy.raw(data)
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert raw.count(b"HTTP/1.") == 1
    error = json.loads(body)
    assert error["error"]["type"] == "invalid_request_error"
    assert error["request_id"].startswith("req_")


async def test_a_long_header_is_taken(proxy):
    """Clients send long lists of beta features."""
    async with proxy.request("GET", "/health", headers={"anthropic-beta": "x" * (HEADER_LIMIT - 100)}) as answer:
        assert answer.status == 200


async def test_a_broken_header_is_not_repeated(proxy, caplog):
    """What stood in a malformed header, a token perhaps, is neither answered nor logged."""
    with caplog.at_level(logging.DEBUG):
        raw = await proxy.raw(b"GET /health HTTP/1.1\r\nAuthorization: Bearer sec\x00ret-token\r\n\r\n")
    assert b"ret-token" not in raw
    assert "ret-token" not in caplog.text
    assert "request not understood" in caplog.text
