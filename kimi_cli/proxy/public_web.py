"""Fetching for WebFetch: pages of the public web, and nothing of this machine or its network.

Every address is looked at when it is connected to, and not before: what a name meant a moment ago says nothing about
what it means now. A web proxy is not used, because it would resolve names by itself.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver

from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.fetching import Reply, is_public

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiohttp.abc import ResolveResult

SECONDS: Final = 20.0
_HEADERS: Final = {"User-Agent": "kimi-cli", "Accept": "text/html, text/plain, application/json;q=0.9, */*;q=0.5"}


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
            raise OSError(None, f"{host} is not a public host")
        return found

    async def close(self) -> None:
        """Let go of the inner one."""
        await self._resolver.close()


class PublicWeb:
    """Fetches. Connections are not kept, so that each is looked at."""

    def __init__(
        self, *, resolver: AbstractResolver | None = None, is_allowed: Callable[[str], bool] = is_public
    ) -> None:
        self._resolver, self._is_allowed = resolver, is_allowed

    async def __call__(self, url: str, *, limit: int) -> Reply:
        """The answer; see `Fetch`."""
        try:
            async with (
                asyncio.timeout(SECONDS),
                self._client() as client,
                client.get(url, headers=_HEADERS, allow_redirects=False) as answer,
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
        except TimeoutError as error:
            raise ToolError(f"{url} did not answer within {SECONDS:g} seconds.") from error
        except (ClientError, OSError, ValueError) as error:
            reason = str(error).partition("\n")[0][:300] or type(error).__name__
            raise ToolError(f"{url} cannot be fetched: {reason}.") from error

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[ClientSession]:
        resolver = PublicResolver(self._resolver or ThreadedResolver(), self._is_allowed)
        connector = TCPConnector(resolver=resolver, force_close=True, use_dns_cache=False)
        options: dict[str, Any] = {"cookie_jar": DummyCookieJar(), "trust_env": False, "auto_decompress": True}
        async with ClientSession(connector=connector, timeout=ClientTimeout(total=None), **options) as client:
            yield client
        await resolver.close()
