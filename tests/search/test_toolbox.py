"""The search as a tool of the loop."""

from __future__ import annotations

import pytest
from anthropic.types import WebSearchToolResultBlock

from kimi_cli.engine.toolbox import Call
from kimi_cli.search.failure import Code, SearchError
from kimi_cli.search.query import Hit
from kimi_cli.search.toolbox import QUERY_LIMIT, SearchTools, search_tool, with_function

MISSING = SearchError(Code.UNAVAILABLE, "Searching the web is switched off.", fix="kimi search")
TOOL = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2, "allowed_domains": ["a.test"]}


class Found:
    """An engine that finds these, or fails."""

    name = "found"

    def __init__(self, *hits, failure=None):
        self.hits, self.failure, self.queries = hits, failure, []

    async def search(self, query):
        self.queries.append(query)
        if self.failure:
            raise self.failure
        return list(self.hits)


def call(query="x"):
    return Call("toolu_1", "web_search", {"query": query})


async def run(tools, **given):
    """A result whose block the SDK accepts."""
    result = await tools.run(call(**given))
    WebSearchToolResultBlock.model_validate(result.shown, strict=True)
    assert result.shown["tool_use_id"] == "srvtoolu_1"
    return result


async def test_results():
    """The model reads title, address, age and excerpt; the client gets Anthropic's form, within the domains."""
    engine = Found(Hit("https://a.test/1", "One", "first", "2026"), Hit("https://b.test/2", "Two"))
    result = await run(SearchTools(TOOL, engine, missing=MISSING))
    assert result.content == "1. One\nhttps://a.test/1\n(2026)\nfirst"
    assert [page["url"] for page in result.shown["content"]] == ["https://a.test/1"]
    assert result.shown["content"][0]["page_age"] == "2026"
    assert (result.is_error, result.searches) == (False, 1)
    assert engine.queries[0].allowed == ("a.test",)


async def test_nothing_found():
    """No page is an answer, and said to be one."""
    result = await run(SearchTools({}, Found(), missing=MISSING))
    assert result.shown["content"] == []
    assert "found nothing" in result.content


async def test_max_uses():
    """Beyond the number of searches that the client allows none is made."""
    engine = Found(Hit("https://a.test/1", "One"))
    tools = SearchTools(TOOL, engine, missing=MISSING)
    codes = [(await run(tools)).shown["content"] for _ in range(3)]
    assert codes[2] == {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
    assert len(engine.queries) == 2


@pytest.mark.parametrize(
    ("engine", "query", "code"),
    [
        (None, "x", "unavailable"),
        (Found(failure=SearchError(Code.TOO_MANY, "slow down")), "x", "too_many_requests"),
        (Found(), "  ", "invalid_tool_input"),
        (Found(), None, "invalid_tool_input"),
        (Found(), "x" * (QUERY_LIMIT + 1), "query_too_long"),
    ],
)
async def test_failures(engine, query, code):
    """A failure is the documented block for the client and a sentence for the model, and counts as no search."""
    result = await run(SearchTools({}, engine, missing=MISSING), query=query)
    assert result.shown["content"] == {"type": "web_search_tool_result_error", "error_code": code}
    assert result.is_error
    assert result.content
    assert result.searches == 0
    if engine is None:
        assert result.content == "Searching the web is switched off. (kimi search)"


async def test_what_is_logged(caplog):
    """The reason, and nothing that could hold what was searched for."""
    failure = SearchError(Code.UNAVAILABLE, "It is down.", detail="asked for secret things", fix="kimi search")
    result = await run(SearchTools({}, Found(failure=failure), missing=MISSING), query="secret things")
    assert result.content == "It is down. (asked for secret things; kimi search)"
    (record,) = caplog.records
    assert record.fields == {"code": "unavailable", "failure": "It is down."}


def test_the_request():
    """The tool becomes a function; where it is all that there is, the first step has to search."""
    request = {"tools": [TOOL], "messages": []}
    assert search_tool(request) is TOOL
    asked = with_function(request, can_force=True)
    assert [tool["name"] for tool in asked["tools"]] == ["web_search"]
    assert "type" not in asked["tools"][0]
    assert asked["tool_choice"] == {"type": "any"}
    assert "tool_choice" not in with_function(request, can_force=False)
    other = {"name": "Read", "input_schema": {}}
    assert "tool_choice" not in with_function({"tools": [other, TOOL]}, can_force=True)
    assert search_tool({"tools": [other]}) is None
    assert search_tool({}) is None
