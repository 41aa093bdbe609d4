"""Which web proxy a host is reached through."""

from __future__ import annotations

import sys

import pytest

from kimi_cli.store.web_proxy import WebProxy, find_web_proxy

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's settings count too")
HOST = "https://api.example/v1/models"


@pytest.fixture
def proxy(monkeypatch):
    """Sets the variables that name a proxy."""

    def set_proxy(text: str, *, no_proxy: str = "") -> None:
        monkeypatch.setenv("https_proxy", text)
        monkeypatch.setenv("http_proxy", text)
        monkeypatch.setenv("no_proxy", no_proxy)

    return set_proxy


def test_none():
    """Without a setting there is no proxy."""
    assert find_web_proxy(HOST) is None


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://proxy.example:3128/", "http://proxy.example:3128"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("https://proxy.example", "https://proxy.example"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_address(proxy, text, url):
    """The address is found in the forms in which people write it."""
    proxy(text)
    assert find_web_proxy(HOST) == WebProxy(url=url)


def test_login(proxy):
    """A login in the address is taken out of it, and is not shown."""
    proxy("http://user:p%40ss@proxy.example:3128")
    found = find_web_proxy(HOST)
    assert found == WebProxy(url="http://proxy.example:3128", authorization="Basic dXNlcjpwQHNz")
    assert "dXNlcjpwQHNz" not in repr(found)


def test_exceptions(proxy):
    """NO_PROXY counts."""
    proxy("http://proxy.example:3128", no_proxy="other.example,.example")
    assert find_web_proxy(HOST) is None


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000"])
def test_never_for_this_machine(proxy, host):
    """This machine is never reached through a proxy."""
    proxy("http://proxy.example:3128")
    assert find_web_proxy(f"http://{host}/v1/models") is None


@pytest.mark.parametrize(
    "text", ["", "socks5://proxy.example:1080", "http://", "http://proxy.example:none", "http://["]
)
def test_unusable(proxy, text):
    """What is no web proxy is none."""
    proxy(text)
    assert find_web_proxy(HOST) is None
