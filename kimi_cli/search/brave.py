"""Brave Search: `GET /res/v1/web/search` with the key in `X-Subscription-Token` (api-dashboard.search.brave.com)."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

from kimi_cli.search.failure import refused, unreadable
from kimi_cli.search.query import RESULTS, Hit, WebRequest
from kimi_cli.wire.codec import NotJsonError, loads_object
from kimi_cli.wire.foreign import a_string, an_object, objects

if TYPE_CHECKING:
    from kimi_cli.search.query import Fetch, Query

BASE_URL: Final = "https://api.search.brave.com"
_TAG: Final = re.compile(r"</?\w+[^>]*>")
"""Descriptions have the words that were found in `<strong>`."""


class Brave:
    """Results of the web, without those of its other kinds."""

    name = "Brave Search"

    def __init__(self, key: str, fetch: Fetch, *, base_url: str = BASE_URL) -> None:
        self._key, self._fetch, self._base_url = key, fetch, base_url.rstrip("/")

    async def search(self, query: Query) -> list[Hit]:
        """The first page of results."""
        headers = {"Accept": "application/json", "X-Subscription-Token": self._key}
        params = {"q": query.with_sites, "count": str(RESULTS)}
        reply = await self._fetch(WebRequest(f"{self._base_url}/res/v1/web/search", params, headers))
        if reply.status != 200:
            # A key that is not known is a 422 there.
            raise refused(self.name, 401 if reply.status == 422 else reply.status, fix="kimi set-key brave")
        try:
            answer = loads_object(reply.body)
        except NotJsonError as error:
            raise unreadable(self.name) from error
        return [
            Hit(
                a_string(one.get("url")),
                _plain(a_string(one.get("title"))),
                _plain(a_string(one.get("description"))),
                a_string(one.get("page_age")) or a_string(one.get("age")) or None,
            )
            for one in objects(an_object(answer.get("web")).get("results"))
        ]


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub("", text))
