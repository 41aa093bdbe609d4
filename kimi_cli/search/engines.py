"""The engine of a choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimi_cli.search.brave import BASE_URL as BRAVE_URL
from kimi_cli.search.brave import Brave
from kimi_cli.search.failure import Code, SearchError
from kimi_cli.search.keyless import Keyless
from kimi_cli.search.kimi import BASE_URL as KIMI_URL
from kimi_cli.search.kimi import Kimi
from kimi_cli.search.searxng import Searxng
from kimi_cli.search.tavily import BASE_URL as TAVILY_URL
from kimi_cli.search.tavily import Tavily

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.providers.search import SearchChoice
    from kimi_cli.search.query import Engine, Fetch


def engine_of(choice: SearchChoice, fetch: Fetch, *, environ: Mapping[str, str]) -> Engine:
    """The engine that was chosen.

    Raises:
        SearchError: none is, or it lacks what it needs.
    """
    match choice.engine:
        case "searxng" if choice.base_url:
            return Searxng(choice.base_url, fetch)
        case "brave" if choice.key:
            return Brave(choice.key, fetch, base_url=choice.base_url or BRAVE_URL)
        case "tavily" if choice.key:
            return Tavily(choice.key, fetch, base_url=choice.base_url or TAVILY_URL)
        case "kimi-search" if choice.key:
            return Kimi(choice.key, fetch, base_url=choice.base_url or KIMI_URL)
        case "keyless":
            return Keyless(environ)
        case "searxng":
            raise SearchError(Code.UNAVAILABLE, "SearXNG has no address.", fix="kimi search searxng --base-url URL")
        case "brave" | "tavily" | "kimi-search":
            fix = f"kimi set-key {choice.engine}"
            raise SearchError(Code.UNAVAILABLE, f"The search at {choice.engine} has no key.", fix=fix)
        case _:
            raise SearchError(Code.UNAVAILABLE, "Searching the web is switched off.", fix="kimi search")
