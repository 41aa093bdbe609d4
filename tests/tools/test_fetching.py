"""WebFetch: what is public, what is not, however it is named, and what a page becomes."""

from __future__ import annotations

import socket

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from kimi_cli.proxy.public_web import PublicWeb
from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.fetching import Reply, checked, is_public, web_fetch
from kimi_cli.tools.page import to_text


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
        ),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1"),
        *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "", "localhost", "1.2.3"),
    ],
)
def test_addresses_that_are_not_public(address):
    """This machine, its networks, and addresses that hold one of theirs."""
    assert not is_public(address)


def test_addresses_that_are_public():
    """Anybody's."""
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")
    assert is_public("::ffff:93.184.216.34")


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.com", "file:///etc/passwd", "ftp://example.com/", "http://", "http:///x", "javascript:alert(1)"),
        *("http://localhost/", "http://intranet/", "http://localhost./", "http://127.0.0.1/", "http://[::1]/"),
        *("http://169.254.169.254/latest/meta-data", "http://2130706433/", "http://user:pw@example.com/"),
        *("http://wiki.corp/", "http://metadata.google.internal/", "http://printer.LOCAL./", "http://a.home.arpa/"),
        *("http://127.1/", "http://0177.0.0.1/", "http://0x7f.0.0.1/", "http://127.0.0.1./", "http://%31%32%37.0.0.1/"),
        *(
            "http://\uff11\uff12\uff17.0.0.1/",
            "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
            "http://127.0.0\u30021/",
            "http://a.\u24dbocal/",
            "http://localhost\u3002/",
        ),
        *("http://example.com:99999/", "http://[::1", "http://example.com/\n", "http://example.com/" + "x" * 3_000),
    ],
)
def test_what_is_not_asked_for(url):
    """Refused before anybody is connected to."""
    with pytest.raises(ToolError):
        checked(url)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("HTTP://Example.COM:8080/Path?q#part", "http://example.com:8080/Path?q"),
        ("http://münchen.example/", "http://münchen.example/"),
        ("https://\uff45xample\u3002com/", "https://example.com/"),
        ("http://[2606:2800:220:1:248:1893:25C8:1946]:80/", "http://[2606:2800:220:1:248:1893:25c8:1946]:80/"),
    ],
)
def test_what_is_asked_for(url, asked):
    """The host is written as it is connected to, so that nobody reads it in another way."""
    assert checked(url) == asked


class Names(AbstractResolver):
    """Says what names mean, a different thing each time where a list is given; others are not known."""

    def __init__(self, **names):
        self.names = names

    async def resolve(self, host, port=0, family=socket.AF_INET):
        found = self.names.get(host.partition(".")[0])
        if found is None:
            raise OSError(None, "unknown")
        addresses = found.pop(0) if found and isinstance(found[0], list) else found
        keys = ("hostname", "host", "port", "family", "proto", "flags")
        return [dict(zip(keys, (host, one, port, socket.AF_INET, 0, 0), strict=True)) for one in addresses]

    async def close(self):
        pass


@pytest.fixture
async def site():
    """A site on this machine, and the paths that it was asked for."""
    asked = []

    async def answer(request):
        asked.append(request.path)
        match request.path:
            case "/loop":
                raise web.HTTPFound("/loop")
            case "/inside":
                raise web.HTTPFound("http://127.0.0.1:1/")
            case "/moved":
                raise web.HTTPMovedPermanently("page")
            case "/long":
                return web.Response(text="".join(f"{number:07}\n" for number in range(5_000)))
            case "/big":
                return web.Response(text="z" * 5_000_000)
            case "/image":
                return web.Response(body=b"\x89PNG\0", content_type="image/png")
            case "/gone":
                raise web.HTTPNotFound
        return web.Response(text="<title>T</title><p>hello <b>you</b><script>bad()</script>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    yield f"http://site.test:{port}", asked
    await runner.cleanup()


def fetching(is_allowed=lambda _: True, **names):
    """A fetch to which this machine is as public as any, unless something else is said."""
    return PublicWeb(resolver=Names(**({"site": ["127.0.0.1"]} | names)), is_allowed=is_allowed)


async def test_a_page(site):
    """A page becomes text, over a redirect as well, with what is wanted of it."""
    base, _ = site
    text = await web_fetch({"url": f"{base}/moved#top", "prompt": "who?"}, fetch=fetching())
    assert text == f"{base}/page\nWhat is wanted of this page: who?\n\n# T\n\nhello you"


async def test_names_that_mean_this_machine(site):
    """A name is looked at when it is connected to: one that was public a moment ago is not any more."""
    base, asked = site
    for names in ({"site": ["127.0.0.1"]}, {"site": ["93.184.216.34", "127.0.0.1"]}):
        with pytest.raises(ToolError, match="not a public host"):
            await web_fetch({"url": f"{base}/"}, fetch=fetching(is_public, **names))
    rebinding = Names(site=[["127.0.0.1"], ["10.0.0.1"]])
    allowed = iter([True, True, False])  # where it is looked up and where it is connected to, then once more
    fetch = PublicWeb(resolver=rebinding, is_allowed=lambda _: next(allowed))
    with pytest.raises(ToolError, match="not a public host"):
        await web_fetch({"url": f"{base}/moved"}, fetch=fetch)
    assert asked == ["/moved"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "\uff11\uff12\uff17.0.0.1",
        "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
        "127.0.0\u30021",
        "127.1",
        "0x7f.0.0.1",
    ],
)
async def test_addresses_are_looked_at_where_they_are_connected_to(site, host):
    """What is no name to the client is not connected to either, even where nobody has looked at it before."""
    base, asked = site
    with pytest.raises(ToolError):
        await PublicWeb()(base.replace("site.test", host) + "/page", limit=1_000)
    assert asked == []


@pytest.mark.parametrize(
    ("path", "said"),
    [("loop", "5 redirects"), ("inside", "not a public address"), ("image", "image/png"), ("gone", "404")],
)
async def test_pages_that_cannot_be(site, path, said):
    """Each is told of in a sentence, and no redirect leads inside."""
    base, asked = site
    with pytest.raises(ToolError, match=said):
        await web_fetch({"url": f"{base}/{path}"}, fetch=fetching())
    assert len(asked) == (6 if path == "loop" else 1)


async def test_a_page_that_is_too_long(site):
    """It comes in parts, each of which says where the next begins; what nobody reads to its end is said to be so."""
    base, _ = site
    text = await web_fetch({"url": f"{base}/long", "prompt": "p" * 50_000}, fetch=fetching())
    body, offset = "".join(f"{number:07}\n" for number in range(5_000)).strip(), 0
    parts = []
    while "read on with offset" in text:
        assert len(text) < 31_000
        part, _, after = text.rpartition("\n\n[the page goes on; read on with offset ")
        parts.append(part.split("\n\n", 1)[1])
        offset = int(after.rstrip("]"))
        text = await web_fetch({"url": f"{base}/long", "offset": offset}, fetch=fetching())
    assert "".join([*parts, text.split("\n\n", 1)[1]]) == body
    with pytest.raises(ToolError, match="39,999 characters"):
        await web_fetch({"url": f"{base}/long", "offset": 40_000}, fetch=fetching())
    text = await web_fetch({"url": f"{base}/big", "offset": 4 * 1024 * 1024 - 10}, fetch=fetching())
    assert text.endswith("zzz\n\n[the page goes on, and is too long to be read as a whole]")


async def test_charsets():
    """A charset that does not exist, or that is not the one, does not break a page."""

    async def fetch(_url, *, limit):
        return Reply(200, "grüß"[:limit].encode("latin-1"), "text/plain", "no-such-charset")

    assert "grüß" in await web_fetch({"url": "http://site.test/"}, fetch=fetch)


def test_text_of_a_page():
    """What is to be read stays; scripts, styles and the head do not, and broken markup hides nothing."""
    html = (
        "<html><head><title> A &amp; B </title><style>x{}</style></head><body><h2>One</h2><ul><li>a<li>b</ul>"
        "<p>See <a href='/x'>this\n page</a> or <a href='javascript:x'>that</a>.<pre>if x:\n    y</pre>"
        "<table><tr><td>1<td>2</table><svg><text>no</svg><b>end"
    )
    text = to_text(html, base="https://site.test/dir/")
    assert text.startswith("# A & B\n\n## One\n\n- a\n- b\n\nSee [this page](https://site.test/x) or that.")
    assert "```\nif x:\n    y\n```" in text
    assert "| 1 | 2" in text
    assert text.endswith("end")
    assert "no" not in text.split()
