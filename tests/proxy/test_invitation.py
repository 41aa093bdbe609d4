"""Who waits to be invited to send a body is looked at first; and no answer names the software behind it."""

from __future__ import annotations

import json
import re

import pytest

from tests.proxy.gate import gate

INVITED = b"HTTP/1.1 100 Continue"


@pytest.fixture
async def proxy(tmp_path):
    apps = []
    async with gate(tmp_path, extend=apps.append) as proxy:
        yield proxy, [(route.method, route.resource.canonical) for route in apps[0].router.routes()]


def head(proxy, line, *lines, token=None):
    """A request's head, after whose answer the connection is closed."""
    authorization = [f"Authorization: Bearer {token}"] if token else []
    fields = (f"Host: {proxy.authority}", "Connection: close", *authorization, *lines)
    return "\r\n".join((f"{line} HTTP/1.1", *fields, "", "")).encode()


def answer(raw):
    """Status, header names and JSON of the only answer."""
    before, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = before.decode().split("\r\n")
    names = {line.partition(":")[0].lower() for line in lines}
    return int(first.split()[1]), names, json.loads(body) if body else None


async def test_nobody_is_invited_without_a_token(proxy):
    """Not on any route, the control API's included."""
    proxy, routes = proxy
    assert {"/control/sessions", "/control/stop", "/v1/messages", "/health"} <= {path for _, path in routes}
    for method, path in routes:
        line = f"{method} {path}".replace("{id}", "x")
        raw = await proxy.raw(head(proxy, line, "Content-Length: 2", "Expect: 100-continue") + b"{}")
        assert INVITED not in raw, (method, path)
        is_open = "health" in path or path in {"/", "/api/hello"}
        assert answer(raw)[0] == (200 if is_open else 401), (method, path)


@pytest.mark.parametrize("is_control", [True, False])
async def test_who_has_a_token_is_invited(proxy, is_control):
    """The body is asked for, and what is wrong with it is then said."""
    proxy, _ = proxy
    path, token = (
        ("/control/sessions", proxy.state.control_token) if is_control else ("/v1/messages", proxy.open().token)
    )
    raw = await proxy.raw(head(proxy, f"POST {path}", "Content-Length: 2", "Expect: 100-Continue", token=token) + b"{}")
    assert raw.startswith(INVITED)
    assert answer(raw.partition(b"\r\n\r\n")[2])[0] == 400


async def test_an_expectation_that_nobody_knows(proxy):
    """It is refused in the form of every error, to those who have a token."""
    proxy, _ = proxy
    session, control = proxy.open().token, proxy.state.control_token
    for line, token, status in (
        ("POST /v1/messages", session, 417),
        ("GET /v1/models", session, 417),
        ("POST /control/stop", control, 417),
        ("GET /control/status", control, 417),
        ("POST /control/stop", session, 401),
    ):
        raw = await proxy.raw(head(proxy, line, "Content-Length: 0", "Expect: a miracle", token=token))
        told, names, body = answer(raw)
        assert (told, body["type"]) == (status, "error")
        assert body["error"]["type"] == ("invalid_request_error" if status == 417 else "authentication_error")
        assert "request-id" in names
    assert not proxy.sessions.is_closing


async def test_no_answer_names_the_software(proxy):
    """Neither the framework nor Python, nor a version of anything, to whoever asks and whatever the answer is."""
    proxy, _ = proxy
    token = proxy.open().token
    heads = [
        head(proxy, "HEAD /"),
        head(proxy, "GET /nothing"),
        head(proxy, "GET /v1/models"),
        head(proxy, "GET /v1/models", token=token),
        head(proxy, "GET /v1/messages", token=token),
        head(proxy, "OPTIONS /v1/messages", "Origin: https://evil.example"),
        head(proxy, "GET /nothing", "Expect: a miracle"),
        b"nonsense\r\n\r\n",
    ]
    for sent in heads:
        before = (await proxy.raw(sent)).partition(b"\r\n\r\n")[0].lower()
        assert before.startswith(b"http/1.")
        assert not re.search(rb"aiohttp|python|server: (?!kimi\r?$)", before, re.MULTILINE), before
