"""Moonshot's own search, which comes with a membership of Kimi Code: `POST /search`, as Moonshot's own client asks it.

Its platform for developers has a search, too. That one gives results which are encrypted for Moonshot's models, so that
nobody could show their addresses or keep to domains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.search.failure import refused
from kimi_cli.search.query import RESULTS, WebRequest
from kimi_cli.search.results import read_results

if TYPE_CHECKING:
    from kimi_cli.search.query import Fetch, Hit, Query

BASE_URL: Final = "https://api.kimi.com/coding/v1"
SECONDS: Final = 10
"""For the service itself."""


class Kimi:
    """Titles, addresses and excerpts; pages as a whole are not asked for."""

    name = "Kimi Search"

    def __init__(self, key: str, fetch: Fetch, *, base_url: str = BASE_URL) -> None:
        self._key, self._fetch, self._base_url = key, fetch, base_url.rstrip("/")

    async def search(self, query: Query) -> list[Hit]:
        """The first results."""
        body = {
            "text_query": query.with_sites,
            "limit": RESULTS,
            "enable_page_crawling": False,
            "timeout_seconds": SECONDS,
        }
        headers = {"Authorization": f"Bearer {self._key}"}
        reply = await self._fetch(WebRequest(f"{self._base_url}/search", {}, headers, body))
        if reply.status != 200:
            raise refused(self.name, reply.status, fix="kimi set-key kimi-search")
        return read_results(reply.body, engine=self.name, age="date", results="search_results", text="snippet")
