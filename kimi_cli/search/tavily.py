"""Tavily's API: `POST /search` with the key as a bearer token (docs.tavily.com)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.search.failure import refused
from kimi_cli.search.query import RESULTS, WebRequest
from kimi_cli.search.results import read_results

if TYPE_CHECKING:
    from kimi_cli.search.query import Fetch, Hit, Query

BASE_URL: Final = "https://api.tavily.com"
DOMAINS: Final = 150
"""The most that it takes to leave out; it takes more to keep to."""


class Tavily:
    """It knows domains by itself, so none are written into the query."""

    name = "Tavily"

    def __init__(self, key: str, fetch: Fetch, *, base_url: str = BASE_URL) -> None:
        self._key, self._fetch, self._base_url = key, fetch, base_url.rstrip("/")

    async def search(self, query: Query) -> list[Hit]:
        """The results of a basic search."""
        body: dict[str, object] = {"query": query.text, "max_results": RESULTS, "search_depth": "basic"}
        if query.allowed:
            body["include_domains"] = list(query.allowed)
        if query.blocked:
            body["exclude_domains"] = list(query.blocked[:DOMAINS])
        headers = {"Authorization": f"Bearer {self._key}"}
        reply = await self._fetch(WebRequest(f"{self._base_url}/search", {}, headers, body))
        if reply.status != 200:
            raise refused(self.name, reply.status, fix="kimi set-key tavily")
        return read_results(reply.body, engine=self.name, age="published_date")
