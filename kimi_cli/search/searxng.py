"""SearXNG, at an address of the user's: `GET /search?format=json` (docs.searxng.org, Search API)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimi_cli.search.failure import Code, SearchError, refused
from kimi_cli.search.query import WebRequest
from kimi_cli.search.results import read_results

if TYPE_CHECKING:
    from kimi_cli.search.query import Fetch, Hit, Query


class Searxng:
    """`base_url` is the instance's address, without `/search`."""

    name = "SearXNG"

    def __init__(self, base_url: str, fetch: Fetch) -> None:
        self._base_url, self._fetch = base_url.rstrip("/"), fetch

    async def search(self, query: Query) -> list[Hit]:
        """The instance's first page of results."""
        params = {"q": query.with_sites, "format": "json"}
        reply = await self._fetch(WebRequest(f"{self._base_url}/search", params, {"Accept": "application/json"}))
        if reply.status == 403:
            sentence = "The SearXNG instance gives no JSON; its settings.yml needs json under search.formats."
            raise SearchError(Code.UNAVAILABLE, sentence)
        if reply.status != 200:
            raise refused(self.name, reply.status, fix="kimi search")
        return read_results(reply.body, engine=self.name, age="publishedDate")
