"""Requests made so that two servers in a row disagree on where they end, or on what they say."""

from __future__ import annotations

import json

import pytest

from tests.security.conftest import statuses

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
COUNT = "POST /v1/messages/count_tokens HTTP/1.1"
CHUNKED = "Transfer-Encoding: chunked"
LENGTH = f"Content-Length: {len(BODY)}"
ONE_CHUNK = f"{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"
SHAPES = {
    "a folded header": (["X: a\r\n b", LENGTH], BODY),
    "a header folded with a tab": (["X: a\r\n\tb", LENGTH], BODY),
    "a folded length": (["Content-Length:\r\n 5", LENGTH], BODY),
    "a line feed in a header": (["X: a\nY: b", LENGTH], BODY),
    "a carriage return in a header": (["X: a\rY: b", LENGTH], BODY),
    "a length hidden behind a line feed": ([f"X: a\n{LENGTH}"], BODY),
    "chunks hidden behind a line feed": ([LENGTH, f"X: a\n{CHUNKED}"], BODY),
    "length and chunks": ([LENGTH, CHUNKED], ONE_CHUNK),
    "chunks and length": ([CHUNKED, LENGTH], ONE_CHUNK),
    "the same length twice": ([LENGTH, LENGTH], BODY),
    "two lengths": ([LENGTH, "Content-Length: 0"], BODY),
    "a list of lengths": ([f"Content-Length: {len(BODY)}, {len(BODY)}"], BODY),
    "a negative length": (["Content-Length: -1"], BODY),
    "a hexadecimal length": ([f"Content-Length: 0x{len(BODY):x}"], BODY),
    "a length with a space in it": (["Content-Length: 5 7"], BODY),
    "a length with an underscore": (["Content-Length: 5_7"], BODY),
    "a length past all numbers": (["Content-Length: " + "9" * 40], BODY),
    "no length": (["Content-Length: "], BODY),
    "chunks twice": ([CHUNKED, CHUNKED], ONE_CHUNK),
    "chunks before another coding": (["Transfer-Encoding: chunked, identity"], ONE_CHUNK),
    "chunks with a vertical tab": (["Transfer-Encoding: \x0bchunked"], ONE_CHUNK),
    "chunks with a space before the colon": (["Transfer-Encoding : chunked"], ONE_CHUNK),
    "chunks in quotes": (['Transfer-Encoding: "chunked"'], ONE_CHUNK),
    "half a name": (["Transfer-Encoding: chunke"], ONE_CHUNK),
    "a chunk of negative size": ([CHUNKED], f"-1\r\n{BODY}\r\n0\r\n\r\n"),
    "a chunk with a prefixed size": ([CHUNKED], f"0x{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"),
    "a chunk past all sizes": ([CHUNKED], f"1{'0' * 16}{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"),
    "a chunk with a space before its size": ([CHUNKED], f" {len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"),
    "a chunk with a space behind its size": ([CHUNKED], f"{len(BODY):x} \r\n{BODY}\r\n0\r\n\r\n"),
    "a chunk that ends with line feeds": ([CHUNKED], f"{len(BODY):x}\n{BODY}\n0\n\n"),
    "a chunk that is longer than its size": ([CHUNKED], f"{len(BODY):x}\r\n{BODY}XX\r\n0\r\n\r\n"),
    "a chunk without its end": ([CHUNKED], f"{len(BODY):x}\r\n{BODY}0\r\n\r\n"),
    "a line feed in a chunk's extension": ([CHUNKED], f"{len(BODY):x};a\nb\r\n{BODY}\r\n0\r\n\r\n"),
    "a header without a colon": ([LENGTH, "X"], BODY),
    "a header without a name": ([LENGTH, ": x"], BODY),
    "a name with a space": ([LENGTH, "X Y: z"], BODY),
    "a second host": ([LENGTH, "Host: 127.0.0.1"], BODY),
    "a NUL": ([LENGTH, "X: a\x00b"], BODY),
    "more headers than there is room for": ([LENGTH, *(f"X{at}: 1" for at in range(200))], BODY),
}


@pytest.mark.parametrize(("lines", "body"), SHAPES.values(), ids=SHAPES)
async def test_a_request_of_two_meanings_is_refused(target, lines, body):
    """It gets one refusal and the end of the connection; what was hidden behind it is never looked at."""
    hidden = target.head("GET /v1/models HTTP/1.1", token=target.own.token)
    raw = await target.gate.raw(target.head(COUNT, *lines, token=target.own.token) + body.encode() + hidden)
    assert statuses(raw) == [400]
    error = json.loads(raw.partition(b"\r\n\r\n")[2])
    assert error["error"]["type"] == "invalid_request_error"
    assert target.own.token.encode() not in raw
    target.assert_untouched()


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        pytest.param([CHUNKED], f"{len(BODY):X};a=b;c\r\n{BODY}\r\n0\r\n\r\n", id="a chunk's extension"),
        pytest.param(["transfer-encoding:CHUNKED"], ONE_CHUNK, id="capital letters"),
        pytest.param([CHUNKED], f"{len(BODY):x}\r\n{BODY}\r\n0\r\nX-Trailer: 1\r\n\r\n", id="a trailer"),
        pytest.param([LENGTH, "Connection: Transfer-Encoding"], BODY, id="a header that names another"),
        pytest.param([LENGTH, "X-HTTP-Method-Override: DELETE", "X-Original-URL: /control/stop"], BODY, id="overrides"),
        pytest.param([LENGTH, "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example"], BODY, id="forwarding"),
        pytest.param([LENGTH, "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"], BODY, id="an upgrade"),
    ],
)
async def test_what_has_one_meaning_is_understood(target, lines, body):
    """A request that may look odd is answered once, and so is the one behind it."""
    last = target.head("GET /v1/models HTTP/1.1", "Connection: close", token=target.own.token)
    raw = await target.gate.raw(target.head(COUNT, *lines, token=target.own.token) + body.encode() + last)
    assert statuses(raw) == [200, 200]
    assert raw.index(b'{"input_tokens"') < raw.index(b'{"data"')
    target.assert_untouched()


async def test_trailers_are_no_headers(target):
    """What comes behind a body can neither bring a token nor change the host."""
    trailers = f"0\r\nAuthorization: Bearer {target.own.token}\r\nx-api-key: {target.own.token}\r\n\r\n"
    body = f"{len(BODY):x}\r\n{BODY}\r\n{trailers}"
    raw = await target.gate.raw(target.head(COUNT, CHUNKED, "Connection: close") + body.encode())
    assert statuses(raw) in ([400], [401])
    target.assert_untouched()


async def test_what_follows_a_refusal_has_to_show_its_own_token(target):
    """On one connection, each request stands for itself."""
    good = target.head("GET /v1/models HTTP/1.1", token=target.own.token)
    bad = target.head("GET /v1/models HTTP/1.1")
    evil = target.head("GET /v1/models HTTP/1.1", token=target.own.token, host="evil.example")
    last = target.head("GET /v1/models HTTP/1.1", "Connection: close")
    assert await target.statuses(good + bad + good + evil + good + last) == [200, 401, 200, 403, 200, 401]
