"""Fetching for WebFetch: pages of the public web, and nothing of this machine or its network.

Every address is looked at when it is connected to, and not before: what a name meant a moment ago says nothing about
what it means now.

Where the user goes out through a web proxy, that one resolves the name, and nobody here sees the address that it
connects to. So the name is looked up here as well: one that this machine's network knows, and that is not public there,
is not asked for. One that is not known here at all is the web proxy's to find. That is what names of the public web are
in a network that lets nobody out but through its web proxy.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from aiohttp import (
    ClientError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver

from kimi_cli.proxy.upstream import proxy_headers
from kimi_cli.store.web_proxy import find_web_proxy
from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.fetching import Reply, is_public

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiohttp.abc import ResolveResult
    from aiohttp.connector import AddrInfoType

    from kimi_cli.store.web_proxy import WebProxy

SECONDS: Final = 20.0
LOOK_SECONDS: Final = 3.0
"""For looking a name up that a web proxy is to find. Where nobody answers, it is not known here."""
_HEADERS: Final = {"User-Agent": "kimi-cli", "Accept": "text/html, text/plain, application/json;q=0.9, */*;q=0.5"}


class NotPublicError(OSError):
    """A name means something else than public addresses."""


class PublicResolver(AbstractResolver):
    """Names as public addresses; those of other addresses there are none."""

    def __init__(self, resolver: AbstractResolver, is_allowed: Callable[[str], bool]) -> None:
        self._resolver, self._is_allowed = resolver, is_allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The public ones among a name's addresses."""
        found = await self._resolver.resolve(host, port, family)
        # One that is not public beside one that is: a name that wants to be both is not trusted with either.
        if not all(self._is_allowed(one["host"]) for one in found):
            raise NotPublicError(None, f"{host} is not a public host")
        return found

    async def close(self) -> None:
        """Let go of the inner one."""
        await self._resolver.close()


class PublicWeb:
    """Fetches. Connections are not kept, so that each is looked at. `web_proxy` says which one a URL goes through."""

    def __init__(
        self,
        *,
        resolver: AbstractResolver | None = None,
        is_allowed: Callable[[str], bool] = is_public,
        web_proxy: Callable[[str], WebProxy | None] = find_web_proxy,
    ) -> None:
        self._resolver, self._is_allowed, self._web_proxy = resolver, is_allowed, web_proxy

    async def __call__(self, url: str, *, limit: int) -> Reply:
        """The answer; see `Fetch`."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._fetch(url, self._web_proxy(url), limit)
        except TimeoutError as error:
            raise ToolError(f"{url} did not answer within {SECONDS:g} seconds.") from error
        except ClientHttpProxyError as error:
            reason = f"the web proxy refused with HTTP status {error.status}"
            raise ToolError(f"{url} cannot be fetched: {reason}.") from error
        except ClientProxyConnectionError as error:
            raise ToolError(f"{url} cannot be fetched: the web proxy cannot be reached.") from error
        except (ClientError, OSError, ValueError) as error:
            reason = str(error).partition("\n")[0][:300] or type(error).__name__
            raise ToolError(f"{url} cannot be fetched: {reason}.") from error

    async def _fetch(self, url: str, web_proxy: WebProxy | None, limit: int) -> Reply:
        parts, login = urlsplit(url), proxy_headers(web_proxy)
        if web_proxy is not None:
            await self._look(parts.hostname or "")
        async with (
            self._client(is_direct=web_proxy is None) as client,
            client.get(
                url,
                # Without encryption there is no tunnel: the web proxy reads the request itself, and its login in it.
                headers={**_HEADERS, **((login or {}) if parts.scheme == "http" else {})},
                allow_redirects=False,
                proxy=web_proxy.url if web_proxy else None,
                proxy_headers=login,
            ) as answer,
        ):
            body = bytearray()
            while len(body) <= limit and (data := await answer.content.readany()):
                body += data
            return Reply(
                answer.status,
                bytes(body[:limit]),
                answer.content_type if "Content-Type" in answer.headers else "",
                answer.charset or "",
                answer.headers.get("Location", ""),
                is_cut=len(body) > limit,
            )

    async def _look(self, host: str) -> None:
        """Look a name up that a web proxy will resolve for itself.

        Raises:
            NotPublicError: it is known here, as something that is not public.
        """
        resolver = self._public_resolver()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await resolver.resolve(host, family=socket.AF_UNSPEC)
        except NotPublicError:
            raise
        except (OSError, ValueError):  # which a timeout is, too; a name that cannot be encoded is for the client
            return
        finally:
            await resolver.close()

    def _public_resolver(self) -> PublicResolver:
        return PublicResolver(self._resolver or ThreadedResolver(), self._is_allowed)

    def _public_socket(self, info: AddrInfoType) -> socket.socket:
        """A socket for one address. Here everything comes by, also what is an address already and no name."""
        family, kind, protocol, _, address = info
        if not self._is_allowed(str(address[0])):
            raise NotPublicError(None, f"{address[0]} is not a public address")
        return socket.socket(family, kind, protocol)

    @asynccontextmanager
    async def _client(self, *, is_direct: bool) -> AsyncIterator[ClientSession]:
        """A client for one connection: to a public address, or to the web proxy, which may be wherever it is."""
        resolver = self._public_resolver() if is_direct else ThreadedResolver()
        socket_factory = self._public_socket if is_direct else None
        connector = TCPConnector(
            resolver=resolver, force_close=True, use_dns_cache=False, socket_factory=socket_factory
        )
        options: dict[str, Any] = {"cookie_jar": DummyCookieJar(), "trust_env": False, "auto_decompress": True}
        async with ClientSession(connector=connector, timeout=ClientTimeout(total=None), **options) as client:
            yield client
        await resolver.close()
