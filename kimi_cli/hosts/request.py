"""One GET to a host, with every limit that it needs. Imports aiohttp, so it is itself imported late."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from kimi_cli import __version__
from kimi_cli.store.web_proxy import find_web_proxy

_LIMIT: Final = 16 * 1024 * 1024
"""Bytes, unpacked; the longest list, of a reseller with many hundred models, takes a tenth."""
_PIECE: Final = 64 * 1024
_HOPS: Final = 3
"""Redirects within one host that are followed; a list has at most a missing slash to mend."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    `failure` says why nothing did; `elsewhere` names the host that a redirect leads to; `cut_short` tells that the
    body went on beyond our limit.
    """

    status: int = 0
    body: bytes = b""
    failure: str = ""
    elsewhere: str = ""
    cut_short: bool = False


def get(url: str, *, key: str | None, timeout: float) -> Answer:
    """Asks for `url` with `key` as bearer token, for at most `timeout` seconds in all.

    The key goes to the host of `url` and to no other: redirects that leave it are reported, not followed.
    """
    try:
        return asyncio.run(_get(url, key=key, timeout=timeout))
    except TimeoutError:
        return Answer(failure=f"no answer within {timeout:g} seconds")
    except aiohttp.ClientHttpProxyError as error:
        return Answer(failure=f"the web proxy answered with status {error.status}")
    except aiohttp.ClientProxyConnectionError as error:
        return Answer(failure=f"the web proxy cannot be reached ({_reason(error)})")
    except aiohttp.ClientConnectorDNSError:
        return Answer(failure="its name is not known; check the network")
    except (aiohttp.ClientSSLError, ssl.SSLError) as error:
        return Answer(failure=f"its certificate or encryption is not accepted ({_reason(error)})")
    except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: an address or a header beyond repair
        return Answer(failure=_reason(error))


async def _get(url: str, *, key: str | None, timeout: float) -> Answer:  # noqa: ASYNC109 - a limit for the whole question, not for one step of it
    headers = {"Accept": "application/json", "User-Agent": f"kimi-cli/{__version__}"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    deadline = aiohttp.ClientTimeout(total=timeout)
    connector = aiohttp.TCPConnector(resolver=_Resolver())
    async with asyncio.timeout(timeout), aiohttp.ClientSession(connector=connector, timeout=deadline) as session:
        for _ in range(_HOPS + 1):
            proxy = find_web_proxy(url)
            async with session.get(
                url,
                headers=headers,
                allow_redirects=False,
                proxy=proxy.url if proxy else None,
                proxy_headers={"Proxy-Authorization": proxy.authorization} if proxy and proxy.authorization else None,
            ) as response:
                target = response.headers.get("Location") if response.status in _REDIRECTS else None
                if target is None:
                    body, cut_short = await _read(response)
                    return Answer(status=response.status, body=body, cut_short=cut_short)
                target = urljoin(url, target)
                if _origin(target) != _origin(url):
                    return Answer(status=response.status, elsewhere=urlsplit(target).hostname or "another host")
                url = target
        return Answer(status=response.status)


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """The body up to our limit, and whether it went on."""
    body = bytearray()
    async for piece in response.content.iter_chunked(_PIECE):
        body += piece
        if len(body) > _LIMIT:
            return bytes(body[:_LIMIT]), True
    return bytes(body), False


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    try:
        return parts.scheme, parts.hostname, parts.port
    except ValueError:
        return parts.scheme, None, None


def _reason(error: BaseException) -> str:
    """The operating system's words where there are some: those of asyncio and aiohttp repeat addresses and settings."""
    code = getattr(error, "errno", None)
    if isinstance(code, int) and code in errno.errorcode:
        return os.strerror(code)
    return str(error) or type(error).__name__


class _Resolver(AbstractResolver):
    """Looks names up in threads that can be left behind.

    A name server that does not answer holds `getaddrinfo` for half a minute. In the event loop's own threads that
    would outlast every timeout, because the loop, and the program, wait for them to end.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[ResolveResult]] = loop.create_future()

        def tell(result: list[ResolveResult] | OSError) -> None:
            if found.done():
                return
            if isinstance(result, OSError):
                found.set_exception(result)
            else:
                found.set_result(result)

        def look_up() -> None:
            result: list[ResolveResult] | OSError
            try:
                result = _addresses(host, port=port, family=family)
            except OSError as error:
                result = error
            except UnicodeError:  # a name that cannot be encoded for name servers
                result = socket.gaierror(socket.EAI_NONAME, "not a name")
            with suppress(RuntimeError):  # nobody waits any more, and the loop is closed
                loop.call_soon_threadsafe(tell, result)

        threading.Thread(target=look_up, name="name lookup", daemon=True).start()
        return await found

    async def close(self) -> None:
        """Nothing is kept between questions."""


def _addresses(host: str, *, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=int(address[1]),
            family=kind,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for kind, _, protocol, _, address in found
    ]
