"""The network between us and a host: what is sent, and all that comes instead of an answer."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
from contextlib import suppress

import pytest
from aiohttp import web

from kimi_cli.errors import HostError
from kimi_cli.hosts.failure import HostAnswerError, HostUnreachableError
from kimi_cli.hosts.models import fetch_models
from kimi_cli.store.live_models import LiveModel
from tests.hosts.asking import KEY, answering, ask


def test_what_is_sent(host):
    """The key goes as a bearer token, and nothing tells more about the user than our name."""
    host.answer = answering({"data": []})
    ask(host)
    (request,) = host.asked
    assert request.method == "GET"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["User-Agent"].startswith("kimi-cli/")
    assert set(request.headers) == {"Host", "Authorization", "User-Agent", "Accept", "Accept-Encoding"}


def test_without_a_key(host):
    """A host that wants no key is asked without one."""
    host.answer = answering({"data": []})
    fetch_models(host.url, key=None, timeout=10)
    assert "Authorization" not in host.asked[0].headers


def test_logins_of_netrc_are_not_sent(host, sandbox):
    """A login for the host in ~/.netrc does not take the key's place."""
    netrc = sandbox.home / ".netrc"
    netrc.write_text("default login somebody password hunter2\n")
    netrc.chmod(0o600)
    host.answer = answering({"data": []})
    ask(host)
    assert host.asked[0].headers["Authorization"] == f"Bearer {KEY}"


def test_silence(host):
    """A host that accepts and says nothing is given up in time."""

    async def hang(request):
        await asyncio.sleep(3600)

    host.answer = hang
    started = time.monotonic()
    with pytest.raises(HostUnreachableError, match=r"no answer within 0\.3 seconds"):
        fetch_models(host.url, key=KEY, timeout=0.3)
    assert time.monotonic() - started < 30


def test_silence_in_the_middle(host):
    """A host that stops in the middle of its answer is given up in time."""

    async def stall(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"data": [')
        await asyncio.sleep(3600)

    host.answer = stall
    with pytest.raises(HostUnreachableError, match="no answer within"):
        fetch_models(host.url, key=KEY, timeout=0.3)


def test_connection_cut(host):
    """A connection that ends in the middle of the answer is no list."""

    async def cut(request):
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"data": [')
        request.transport.abort()
        return response

    host.answer = cut
    with pytest.raises(HostUnreachableError):
        ask(host)


def test_nobody_there():
    """A port that nobody listens on is told in the system's words."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(HostUnreachableError, match="refused") as caught:
            fetch_models(f"http://127.0.0.1:{port}/v1/models", key=KEY, timeout=10)
    assert caught.value.host == "127.0.0.1"


def test_names_are_looked_up(host):
    """A host is found by its name too."""
    host.answer = answering({"data": []})
    assert fetch_models(f"http://localhost:{host.port}/v1/models", key=KEY, timeout=10) == ()


def test_name_server_that_does_not_answer(monkeypatch):
    """A name lookup that hangs holds nobody up beyond the timeout."""
    let_go = threading.Event()

    def hang(*arguments, **more):
        let_go.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    try:
        with pytest.raises(HostUnreachableError, match="no answer within"):
            fetch_models("https://api.example/v1/models", key=KEY, timeout=0.3)
        assert time.monotonic() - started < 40
    finally:
        let_go.set()


def test_name_that_is_not_known(monkeypatch):
    """A name that no server knows is told as such."""

    def unknown(*arguments, **more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(HostUnreachableError, match="its name is not known"):
        fetch_models("https://api.example/v1/models", key=KEY, timeout=10)


def test_impossible_name():
    """A name that cannot be one is told as unknown."""
    with pytest.raises(HostUnreachableError):
        fetch_models(f"https://{'a' * 70}.example/v1/models", key=KEY, timeout=10)


def test_no_encryption(host):
    """A host that does not speak TLS where it should is told as such."""
    url = host.url.replace("http://", "https://")
    with pytest.raises(HostUnreachableError, match="certificate or encryption"):
        fetch_models(url, key=KEY, timeout=10)


def test_redirect_within_the_host(host):
    """A redirect within the host is followed, with the key."""

    async def mend(request):
        if not request.path.endswith("/"):
            raise web.HTTPPermanentRedirect(request.path + "/")
        return web.json_response({"data": [{"id": "a"}]})

    host.answer = mend
    assert ask(host) == (LiveModel("a"),)
    assert [request.headers["Authorization"] for request in host.asked] == [f"Bearer {KEY}"] * 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_host(host, other_host, status):
    """A redirect to another host is never followed."""
    host.answer = answering("", status=status, Location=other_host.url)
    other_host.answer = answering({"data": []})
    with pytest.raises(HostAnswerError, match="it redirects to 127"):
        ask(host)
    assert other_host.asked == []


@pytest.mark.parametrize("target", ["//evil.example/x", "http://[", "file:///etc/passwd", "http://a:b@c"])
def test_odd_redirects(host, target):
    """Redirects of any other form are not followed either."""
    host.answer = answering("", status=302, Location=target)
    with pytest.raises(HostError):
        ask(host)
    assert len(host.asked) == 1


def test_endless_redirects(host):
    """Redirects in a circle end."""
    host.answer = answering("", status=302, Location="/v1/models")
    with pytest.raises(HostAnswerError, match="status 302"):
        ask(host)
    assert len(host.asked) == 4


def test_redirect_without_a_target(host):
    """A redirect that names no target is an answer without a list."""
    host.answer = answering("", status=302)
    with pytest.raises(HostAnswerError, match="status 302"):
        ask(host)


def test_endless_body(host):
    """An answer without an end is cut off, and not taken for a list."""

    async def pour(request):
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b" " * 1_000_000)
        return response

    host.answer = pour
    with pytest.raises(HostAnswerError, match="does not end"):
        fetch_models(host.url, key=KEY, timeout=60)


def test_body_that_unpacks_without_end(host):
    """The limit counts what was unpacked."""
    host.answer = answering(gzip.compress(b" " * 40_000_000), **{"Content-Encoding": "gzip"})
    with pytest.raises(HostAnswerError, match="does not end"):
        fetch_models(host.url, key=KEY, timeout=60)


@pytest.mark.parametrize("key", ["gsk_a\nb", "gsk_a\r\nX-Other: 1", "gsk_ü", "gsk_\x00"])
def test_keys_that_no_header_can_hold(host, key):
    """A key that could not be sent is a failure of ours that does not repeat it."""
    host.answer = answering({"data": []})
    with pytest.raises(HostError) as caught:
        fetch_models(host.url, key=key, timeout=10)
    assert key not in str(caught.value)
    assert host.asked == []


def test_web_proxy(monkeypatch):
    """Where a web proxy is set, another host is reached through it, by a tunnel that the key is not told to."""
    seen = []

    def refuse(server):
        connection, _ = server.accept()
        with connection:
            seen.append(connection.recv(65536).decode())
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass@127.0.0.1:{server.getsockname()[1]}")
        thread = threading.Thread(target=refuse, args=[server])
        thread.start()
        with pytest.raises(HostUnreachableError, match="the web proxy answered with status 403"):
            fetch_models("https://api.example/v1/models", key=KEY, timeout=10)
        thread.join(10)
    (request,) = seen
    assert request.startswith("CONNECT api.example:443 HTTP/1.1\r\n")
    assert "\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n" in request
    assert KEY not in request


def test_web_proxy_that_is_gone(monkeypatch):
    """A web proxy that does not answer is named as what is missing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(HostUnreachableError, match="the web proxy cannot be reached"):
            fetch_models("https://api.example/v1/models", key=KEY, timeout=10)


def test_web_proxy_is_not_used_for_this_machine(host, monkeypatch):
    """A host on this machine is asked directly, whatever proxy is set."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    host.answer = answering({"data": []})
    assert ask(host) == ()
