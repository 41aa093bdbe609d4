"""Hosts whose answers break off, stop, or are none."""

from __future__ import annotations

from contextlib import asynccontextmanager

import aiohttp
import pytest

from kimi_cli.proxy import upstream
from tests.faults.network import DIALOGS, KEY, SAID, answer, ask, raw_host
from tests.faults.network_faults import FAULTS
from tests.faults.network_quiet import nothing_left
from tests.proxy.served import served


@pytest.fixture(params=DIALOGS.values(), ids=DIALOGS)
def dialog(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["stream", "whole"])
def stream(request):
    return request.param


@pytest.fixture
def impatient(monkeypatch):
    """Silence is noticed at once, and a head that does not end soon after."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=upstream.CONNECT_SECONDS, sock_read=1.0)
    monkeypatch.setattr(upstream, "_TIMEOUT", timeout)
    monkeypatch.setattr(upstream, "HEAD_SECONDS", 2.0)


@asynccontextmanager
async def between(dialog, script, directory):
    """A host that does what the script says, and a proxy in front of it; nothing is left of either."""
    async with nothing_left(), raw_host(dialog, script) as host, served(host.route, directory) as proxy:
        yield host, proxy


FINAL = ("status 302", "status 304", "web page")
"""Faults that asking again does not mend."""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_failed_answer_is_never_a_complete_one(dialog, stream, fault, impatient, tmp_path):
    """Whatever goes wrong, the client is told: by a status, or by an event where it has heard something before."""
    async with between(dialog, fault.script, tmp_path) as (host, proxy):
        if not stream:
            host.heard.set()
        answered = await ask(proxy.base_url, proxy.session.token, stream=stream, heard=host.heard)
        assert answered.failure["type"] == fault.kind
        if stream and fault.says:
            assert answered.status == 200
            assert "some words" in answered.body.decode()
        else:
            is_final = answered.headers.get("x-should-retry") == "false"
            assert answered.status == {"api_error": 424 if is_final else 500, "timeout_error": 504}[fault.kind]
            assert is_final == (fault.name in FINAL)
        assert answered.failure["message"].count(host.route.host) == 1
        assert KEY not in answered.body.decode()
        await host.abandoned()
        assert (proxy.session.streams, proxy.session.tasks) == (0, set())
        host.script = answer
        assert (await ask(proxy.base_url, proxy.session.token, stream=stream)).text == SAID


async def test_a_host_that_refuses_connections_is_named(dialog, stream, tmp_path):
    """A port that nobody listens on is an error at once, and the host is asked again with the next request."""
    async with raw_host(dialog, answer) as host:
        route = host.route
    async with nothing_left(), served(route, tmp_path) as proxy:
        answered = await ask(proxy.base_url, proxy.session.token, stream=stream)
        assert answered.status == 500
        assert answered.failure["message"] == f"{route.host} cannot be reached: the connection was refused."


async def test_a_redirect_is_not_followed(dialog, stream, tmp_path):
    """A redirect would carry the key to wherever it points."""
    async with raw_host(dialog, answer) as other:
        location = f"Location: {other.origin}/v1/messages"

        async def redirect(link):
            await link.send(f"HTTP/1.1 307 Temporary Redirect\r\n{location}\r\nContent-Length: 0\r\n\r\n".encode())

        async with between(dialog, redirect, tmp_path) as (_, proxy):
            answered = await ask(proxy.base_url, proxy.session.token, stream=stream)
        assert answered.failure["type"] == "api_error"
        assert answered.headers["x-should-retry"] == "false"
        assert other.links == []
