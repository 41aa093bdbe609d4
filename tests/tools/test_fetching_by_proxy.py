"""WebFetch where the user goes out through a web proxy, which finds what names mean."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager

import pytest

from kimi_cli.proxy import public_web
from kimi_cli.proxy.public_web import PublicWeb
from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.fetching import web_fetch
from tests.faults.authority import Authority
from tests.tools.test_fetching import Names

PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n"
LOGIN = b"Basic dXNlcjpwQHNz"  # user:p@ss


def moved(to):
    """An answer that sends one on."""
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


class Middle:
    """A web proxy. `answers` are by request line; `site` is where a tunnel leads to."""

    def __init__(self, answers, site=None):
        self.answers, self.site = answers, site
        self.heads, self.origin = [], ""

    @property
    def lines(self):
        """The request lines that it has heard."""
        return [head.split(b" HTTP/1.1")[0].decode() for head in self.heads]

    async def serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        line = self.lines[-1]
        if self.site is not None and line.startswith("CONNECT "):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            there = await asyncio.open_connection(*self.site)
            await asyncio.gather(self.pass_on(reader, there[1]), self.pass_on(there[0], writer))
        else:
            writer.write(self.answers.get(line, PAGE))
        writer.close()

    async def pass_on(self, reader, writer):
        try:
            while data := await reader.read(65_536):
                writer.write(data)
        finally:
            writer.close()


@asynccontextmanager
async def listening(serve, **options):
    """A server; gives its port."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def web_proxy(monkeypatch, answers=(), *, scheme="http"):
    """A web proxy that the environment names, with a login."""
    middle = Middle(dict(answers))
    async with listening(middle.serve) as port:
        middle.origin = f"http://user:p%40ss@127.0.0.1:{port}"
        monkeypatch.setenv(f"{scheme}_proxy".upper(), middle.origin)
        yield middle


def fetching(**names):
    """A fetch with these names known here, and no others."""
    return PublicWeb(resolver=Names(**names))


async def test_a_page(monkeypatch):
    """The web proxy is asked for it, over a redirect as well; it gets its login, and nobody else does."""
    answers = {"GET http://site.test/old": moved("http://other.test:81/new")}
    async with web_proxy(monkeypatch, answers) as middle:
        text = await web_fetch({"url": "http://site.test/old"}, fetch=fetching(other=["93.184.216.34"]))
    assert text == "http://other.test:81/new\n\nhello"
    assert middle.lines == ["GET http://site.test/old", "GET http://other.test:81/new"]
    assert all(b"Proxy-Authorization: " + LOGIN in head for head in middle.heads)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://wiki.test/", "not a public host"),
        ("http://both.test/", "not a public host"),
        ("http://10.0.0.1/", "not a public address"),
        ("http://[::1]/", "not a public address"),
        ("http://\uff11\uff16\uff19.254.169.254/", "not a public address"),
        ("http://intranet/", "not a public host"),
        ("http://build.corp/", "not a public host"),
        ("http://2852039166/", "not a public host"),
        ("http://169.254.43518/", "not a public host"),
    ],
)
async def test_what_is_known_here_as_inside(monkeypatch, url, said):
    """The web proxy hears nothing of it, whether it is asked for or led to."""
    fetch = fetching(wiki=["10.1.2.3"], both=["93.184.216.34", "192.168.0.9"])
    async with web_proxy(monkeypatch, {"GET http://site.test/": moved(url)}) as middle:
        with pytest.raises(ToolError, match=said):
            await web_fetch({"url": url}, fetch=fetch)
        assert middle.lines == []
        with pytest.raises(ToolError):
            await web_fetch({"url": "http://site.test/"}, fetch=fetch)
        assert middle.lines == ["GET http://site.test/"]


async def test_a_name_that_nobody_answers_for(monkeypatch):
    """Where looking it up takes long, as without a way out it does, the web proxy is asked without it."""

    class Nobody(Names):
        async def resolve(self, *_, **__):
            await asyncio.Event().wait()

    monkeypatch.setattr(public_web, "LOOK_SECONDS", 0.05)
    async with web_proxy(monkeypatch):
        assert "hello" in await web_fetch({"url": "http://site.test/"}, fetch=PublicWeb(resolver=Nobody()))


async def test_what_no_proxy_names(monkeypatch):
    """It is connected to without the web proxy, and so has to be public itself."""
    monkeypatch.setenv("NO_PROXY", "site.test")
    async with web_proxy(monkeypatch) as middle:
        for names in ({"site": ["127.0.0.1"]}, {}):
            with pytest.raises(ToolError, match=r"not a public host|unknown"):
                await web_fetch({"url": "http://site.test/"}, fetch=fetching(**names))
        assert middle.lines == []


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden"])
async def test_a_web_proxy_that_refuses(monkeypatch, status):
    """It is named as the one that did, by its status and without its password."""
    refusal = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()
    async with web_proxy(monkeypatch, {"CONNECT site.test:443": refusal}, scheme="https") as middle:
        with pytest.raises(ToolError, match=f"web proxy refused with HTTP status {status[:3]}") as caught:
            await web_fetch({"url": "https://site.test/"}, fetch=fetching())
    assert middle.lines == ["CONNECT site.test:443"]
    assert LOGIN in middle.heads[0]
    assert "p@ss" not in str(caught.value)


async def test_a_web_proxy_that_is_not_there(monkeypatch):
    """It is named, too."""
    async with web_proxy(monkeypatch):
        pass
    with pytest.raises(ToolError, match="the web proxy cannot be reached"):
        await web_fetch({"url": "http://site.test/"}, fetch=fetching())


async def test_an_encrypted_page(tmp_path):
    """Through a tunnel the certificate is that of the site; one that is another's is not taken."""
    authority = Authority(tmp_path)
    contexts = [authority.host("site.test"), authority.host("other.test")]

    async def site(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(PAGE)
        writer.close()

    for context, expected in zip(contexts, ("hello", "cannot be fetched"), strict=True):
        middle = Middle({})
        async with listening(site, ssl=context) as there, listening(middle.serve) as port:
            middle.site = ("127.0.0.1", there)
            environ = {
                **os.environ,
                "SSL_CERT_FILE": str(authority.file),
                "HTTPS_PROXY": f"http://user:p%40ss@127.0.0.1:{port}",
            }
            # Certificate authorities are read when a process starts.
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", FETCHED), stdout=asyncio.subprocess.PIPE, env=environ
            )
            out, _ = await process.communicate()
        assert expected in json.loads(out)
        assert middle.lines == ["CONNECT site.test:443"]


FETCHED = """
import asyncio, json
from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.fetching import web_fetch
from tests.tools.test_fetching_by_proxy import fetching
try:
    print(json.dumps(asyncio.run(web_fetch({"url": "https://site.test/"}, fetch=fetching()))))
except ToolError as error:
    print(json.dumps(str(error)))
"""
