"""The search as a tool: the model calls `web_search`, the client sees call and results as Anthropic shows its own."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING, Final

from kimi_cli.engine.toolbox import Result, shown_id
from kimi_cli.search.failure import Code, SearchError
from kimi_cli.search.query import Query
from kimi_cli.wire.foreign import a_string, an_int, objects, strings

if TYPE_CHECKING:
    from kimi_cli.engine.toolbox import Call
    from kimi_cli.search.query import Engine, Hit
    from kimi_cli.wire.foreign import JsonObject

TYPE: Final = "web_search_"
"""What the type of the tool begins with; a date follows."""
NAME: Final = "web_search"
QUERY_LIMIT: Final = 1_000
"""Characters of a query. What is longer is no query but a text."""
_DESCRIPTION: Final = (
    "Searches the web and returns pages with title, address and an excerpt. Use it for what you do not know or what "
    "may have changed, and name the addresses of the pages that you rely on."
)
_SCHEMA: Final = {
    "type": "object",
    "properties": {"query": {"type": "string", "description": "What to search for."}},
    "required": ["query"],
}

_log = logging.getLogger(__name__)


class SearchTools:
    """One request's searches. `tool` is the client's definition: `max_uses`, `allowed_domains`, `blocked_domains`.

    Without an `engine` every search fails, and says why: `missing` is that sentence.
    """

    def __init__(self, tool: JsonObject, engine: Engine | None, *, missing: SearchError | None = None) -> None:
        self._engine, self._missing = engine, missing
        self._left = an_int(tool.get("max_uses"))
        self._allowed = tuple(strings(tool.get("allowed_domains")))
        self._blocked = tuple(strings(tool.get("blocked_domains")))

    def owns(self, name: str) -> bool:
        """Whether it is a search."""
        return name == NAME

    def is_shown(self, _name: str) -> bool:
        """Every search is."""
        return True

    async def run(self, call: Call) -> Result:
        """Search, or say why not."""
        try:
            hits = await self._search(call)
        except SearchError as error:
            _log.warning("search failed", extra={"fields": {"code": error.code.value, "failure": str(error)}})
            block: JsonObject = {"type": "web_search_tool_result_error", "error_code": error.code.value}
            return Result(error.told, is_error=True, shown=_shown(call, block))
        shown = _shown(call, [_shown_hit(hit) for hit in hits])
        return Result(_listed(hits), shown=shown, searches=1)

    async def _search(self, call: Call) -> list[Hit]:
        text = a_string(call.input.get("query")).strip()
        if not text:
            raise SearchError(Code.INVALID_INPUT, "A search needs a query.")
        if len(text) > QUERY_LIMIT:
            raise SearchError(
                Code.TOO_LONG, f"A query may have {QUERY_LIMIT:,} characters, this one has {len(text):,}."
            )
        if self._left is not None:
            if self._left <= 0:
                raise SearchError(Code.MAX_USES, "No more searches are allowed for this request.")
            self._left -= 1
        if self._engine is None:
            raise self._missing or SearchError(Code.UNAVAILABLE, "There is no search engine.")
        query = Query(text, self._allowed, self._blocked)
        return query.fitting(await self._engine.search(query))


def search_tool(request: JsonObject) -> JsonObject | None:
    """The search that a request asks its server to have, if it does."""
    found = (tool for tool in objects(request.get("tools")) if a_string(tool.get("type")).startswith(TYPE))
    return next(found, None)


def with_function(request: JsonObject, *, can_force: bool) -> JsonObject:
    """The request with the search as a function that the model can call.

    Where there is nothing else to call, the request is there to search, and the first step has to, if the host
    can be told so.
    """
    function: JsonObject = {"name": NAME, "description": _DESCRIPTION, "input_schema": _SCHEMA}
    tools = [function if a_string(t.get("type")).startswith(TYPE) else t for t in objects(request.get("tools"))]
    asked: JsonObject = {**request, "tools": tools}
    if len(tools) == 1 and can_force and request.get("tool_choice") is None:
        asked["tool_choice"] = {"type": "any"}
    return asked


def _shown(call: Call, content: object) -> JsonObject:
    return {"type": "web_search_tool_result", "tool_use_id": shown_id(call.id), "content": content}


def _shown_hit(hit: Hit) -> JsonObject:
    """A result as Anthropic shows it. Its `encrypted_content` is what the model gets to see again in a later turn."""
    kept = base64.b64encode(hit.snippet.encode("utf-8", "replace")).decode()
    page: JsonObject = {"type": "web_search_result", "url": hit.url, "title": hit.title or hit.url}
    return {**page, "encrypted_content": kept, "page_age": hit.age}


def _listed(hits: list[Hit]) -> str:
    if not hits:
        return "The search found nothing."
    return "\n\n".join(
        "\n".join(filter(None, (f"{number}. {hit.title or hit.url}", hit.url, hit.age and f"({hit.age})", hit.snippet)))
        for number, hit in enumerate(hits, 1)
    )
