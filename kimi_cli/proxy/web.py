"""Fetching for search engines, with the client that asks hosts and by the same ways out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from kimi_cli.proxy.upstream import READ_ERRORS, proxy_headers
from kimi_cli.search.failure import Code, SearchError
from kimi_cli.search.query import WebReply
from kimi_cli.store.web_proxy import find_web_proxy

if TYPE_CHECKING:
    import aiohttp

    from kimi_cli.search.query import WebRequest

SECONDS: Final = 15.0
"""For one search. Engines answer in less than two."""
ANSWER_BYTES: Final = 2 * 1024 * 1024


class Web:
    """The web, for what is asked as `WebRequest`."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self._client = client

    async def __call__(self, request: WebRequest) -> WebReply:
        """The answer, as much of it as a list of results can have.

        Raises:
            SearchError: there is none.
        """
        web_proxy = find_web_proxy(request.url)
        try:
            async with (
                asyncio.timeout(SECONDS),
                self._client.request(
                    "GET" if request.json is None else "POST",
                    request.url,
                    params=request.params or None,
                    headers=request.headers,
                    json=request.json,
                    proxy=web_proxy.url if web_proxy else None,
                    proxy_headers=proxy_headers(web_proxy),
                    allow_redirects=False,  # a key would go along
                ) as answer,
            ):
                body = bytearray()
                while len(body) < ANSWER_BYTES and (data := await answer.content.readany()):
                    body += data
                return WebReply(answer.status, bytes(body))
        except TimeoutError as error:
            raise SearchError(Code.UNAVAILABLE, "The search engine did not answer in time.") from error
        except (*READ_ERRORS, ValueError) as error:
            raise SearchError(Code.UNAVAILABLE, "The search engine cannot be reached.", fix="kimi search") from error
