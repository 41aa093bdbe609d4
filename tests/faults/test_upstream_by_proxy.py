"""Hosts that are reached through a web proxy, where it is that one which fails."""

from __future__ import annotations

import aiohttp
import pytest

from kimi_cli.proxy import upstream
from kimi_cli.record import replace
from tests.faults.network import DIALOGS, KEY, answer, ask, head, raw_host
from tests.faults.network_quiet import nothing_left
from tests.proxy.served import served

PASSWORD = "p%40ss-word-of-the-proxy"


@pytest.fixture(params=DIALOGS.values(), ids=DIALOGS)
def dialog(request):
    return request.param


def says(status: str):
    async def script(link):
        await link.send(head("Content-Length: 0", 'Proxy-Authenticate: Basic realm="x"', status=status))

    return script


async def closes(_link):
    pass


async def hangs(link):
    await link.closed()


async def speaks_no_tls(link):
    await link.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    assert await link.reader.read(1) == b"\x16"  # a handshake begins
    await link.send(b"this is no TLS\r\n" * 100)
    await link.closed()


async def talks(link):
    await link.send(b"\x00\x01\x02 hello\r\n\r\n")


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        (
            says("407 Proxy Authentication Required"),
            424,
            "The web proxy on the way to {} refused: HTTP 407. It wants a name and a password: HTTPS_PROXY=",
        ),
        (
            says("403 Forbidden"),
            424,
            "The web proxy on the way to {} refused: HTTP 403. NO_PROXY names hosts that are reached without it.",
        ),
        (says("502 Bad Gateway"), 500, "The web proxy on the way to {} refused: HTTP 502."),
        (closes, 500, "The connection to {} broke off."),
        (hangs, 504, "{} did not answer in time."),
        (speaks_no_tls, 424, "{} does not speak TLS, or something on the way does not. Is "),
        (talks, 500, "The connection to {} broke off."),
    ],
)
async def test_a_web_proxy_that_fails_is_named(dialog, script, status, words, monkeypatch, tmp_path):
    """The user learns that it is not the host, the web proxy learns no key, and its own password is not told."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=upstream.CONNECT_SECONDS, sock_read=0.2)
    monkeypatch.setattr(upstream, "_TIMEOUT", timeout)
    monkeypatch.setattr(upstream, "HEAD_SECONDS", 0.5)
    async with nothing_left(), raw_host(dialog, script) as middle:
        monkeypatch.setenv("HTTPS_PROXY", middle.origin.replace("://", f"://user:{PASSWORD}@"))
        route = replace(middle.route, base_url="https://kimi.invalid/v1")
        async with served(route, tmp_path) as proxy:
            answered = await ask(proxy.base_url, proxy.session.token)
        assert answered.status == status, answered.failure
        assert answered.failure["message"].startswith(words.format(route.host))
        assert middle.links[0].request.startswith(b"CONNECT kimi.invalid:443 HTTP/1.1\r\n")
        assert b"Proxy-Authorization: Basic " in middle.links[0].request
        assert all(secret not in answered.body.decode() for secret in (KEY, PASSWORD, "p@ss"))
        assert KEY.encode() not in middle.links[0].request


async def test_a_web_proxy_that_is_not_there_is_named(dialog, monkeypatch, tmp_path):
    """A refused connection is not the host's."""
    async with raw_host(dialog, answer) as gone:
        monkeypatch.setenv("HTTPS_PROXY", gone.origin)
        route = replace(gone.route, base_url="https://kimi.invalid/v1")
    async with nothing_left(), served(route, tmp_path) as proxy:
        answered = await ask(proxy.base_url, proxy.session.token)
    assert answered.status == 500
    assert (
        answered.failure["message"]
        == f"The web proxy on the way to {route.host} cannot be reached; HTTPS_PROXY names it."
    )


async def test_this_machine_is_reached_without_one(dialog, monkeypatch, tmp_path):
    """A host on this machine is never asked through a web proxy."""
    async with raw_host(dialog, hangs) as middle, raw_host(dialog, answer) as host:
        monkeypatch.setenv("HTTP_PROXY", middle.origin)
        monkeypatch.setenv("ALL_PROXY", middle.origin)
        async with served(host.route, tmp_path) as proxy:
            assert (await ask(proxy.base_url, proxy.session.token)).text
        assert middle.links == []
