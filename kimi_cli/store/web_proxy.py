"""The web proxy that this machine goes through to reach a host, if any."""

from __future__ import annotations

import base64
import urllib.request
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from kimi_cli.store.base_url import is_loopback

_SCHEMES: Final = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class WebProxy:
    """A proxy's address, and the value of `Proxy-Authorization` that it wants, without which it is None."""

    url: str
    authorization: str | None = field(default=None, repr=False)


def find_web_proxy(url: str) -> WebProxy | None:
    """The proxy for a URL, from `HTTPS_PROXY` and `NO_PROXY` or from the system's settings on macOS and Windows.

    Never one for this machine itself. HTTP clients have switches that do the same, and that also take passwords from
    `~/.netrc`, in place of the key that a host wants: so this is asked instead.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    text = urllib.request.getproxies().get(parts.scheme, "")
    if text and "://" not in text:
        text = f"http://{text}"
    try:
        proxy = urlsplit(text)
        port = proxy.port
    except ValueError:
        return None
    if proxy.scheme not in _SCHEMES or not proxy.hostname:  # SOCKS proxies come as ALL_PROXY, beside one for HTTP
        return None
    name = f"[{proxy.hostname}]" if ":" in proxy.hostname else proxy.hostname
    address = f"{proxy.scheme}://{name}" if port is None else f"{proxy.scheme}://{name}:{port}"
    if proxy.username is None:
        return WebProxy(url=address)
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return WebProxy(url=address, authorization=f"Basic {base64.b64encode(login.encode()).decode()}")
