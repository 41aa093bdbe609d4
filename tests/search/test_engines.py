"""Every engine in front of a double that answers in its form and checks what it is asked."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from dataclasses import dataclass, field

import pytest

from kimi_cli.providers.search import ENGINES
from kimi_cli.providers.search import SearchChoice as Choice
from kimi_cli.search import keyless
from kimi_cli.search.engines import engine_of
from kimi_cli.search.failure import Code, SearchError
from kimi_cli.search.query import Hit, Query, WebReply, is_within

PLAIN = Query("what is kimi")
NARROW = Query("what is kimi", allowed=("moonshot.ai", "kimi.com"))
WIDE = Query("what is kimi", blocked=("spam.example",))


CHOICES = [Choice("searxng", "http://h"), Choice("brave", key="k"), Choice("tavily", key="k")]
CHOICES.append(Choice("kimi-search", key="k"))


@dataclass
class Web:
    """A web that gives one answer, and keeps what it was asked for."""

    status: int = 200
    body: object = None
    asked: list = field(default_factory=list)

    async def __call__(self, request):
        self.asked.append(request)
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return WebReply(self.status, body)


async def found(choice, web, query=PLAIN):
    """What this engine finds."""
    return await engine_of(choice, web, environ={}).search(query)


async def test_searxng():
    """The instance is asked for JSON, with the domains in the query."""
    page = {"url": "https://a.example/x", "title": "A", "content": "about", "publishedDate": "2026-11-01"}
    web = Web(body={"results": [page, {"url": None}, "nonsense"]})
    hits = await found(Choice("searxng", "http://127.0.0.1:8888/"), web, NARROW)
    assert hits[0] == Hit("https://a.example/x", "A", "about", "2026-11-01")
    (asked,) = web.asked
    assert asked.url == "http://127.0.0.1:8888/search"
    assert asked.params == {"q": "what is kimi site:moonshot.ai OR site:kimi.com", "format": "json"}
    assert asked.json is None


async def test_brave():
    """The key goes into its header alone, and what was marked in texts is plain."""
    page = {"url": "https://a.example", "title": "A &amp; B", "description": "<strong>kimi</strong> is", "age": "May 1"}
    web = Web(body={"web": {"results": [page]}})
    hits = await found(Choice("brave", key="BSA-secret"), web, WIDE)
    assert hits == [Hit("https://a.example", "A & B", "kimi is", "May 1")]
    (asked,) = web.asked
    assert asked.headers["X-Subscription-Token"] == "BSA-secret"
    assert asked.params["q"] == "what is kimi -site:spam.example"
    assert "secret" not in f"{asked.url}{asked.params}"


async def test_tavily():
    """The domains are fields of their own, and the query stays as it is."""
    page = {"url": "https://a.example", "title": "A", "content": "about", "published_date": "2026"}
    web = Web(body={"results": [page]})
    assert await found(Choice("tavily", key="tvly-secret"), web, NARROW) == [
        Hit("https://a.example", "A", "about", "2026")
    ]
    (asked,) = web.asked
    assert asked.headers == {"Authorization": "Bearer tvly-secret"}
    assert asked.json["query"] == "what is kimi"
    assert asked.json["include_domains"] == ["moonshot.ai", "kimi.com"]


async def test_kimi():
    """Pages are not asked for, only what is said of them; the domains are in the query."""
    page = {
        "url": "https://a.example",
        "title": "A",
        "snippet": "about",
        "date": "2026-11-02",
        "site_name": "a",
        "content": "",
    }
    web = Web(body={"search_results": [page]})
    hits = await found(Choice("kimi-search", key="sk-kimi-secret"), web, NARROW)
    assert hits == [Hit("https://a.example", "A", "about", "2026-11-02")]
    (asked,) = web.asked
    assert asked.url == "https://api.kimi.com/coding/v1/search"
    assert asked.headers == {"Authorization": "Bearer sk-kimi-secret"}
    assert asked.json["text_query"] == "what is kimi site:moonshot.ai OR site:kimi.com"
    assert asked.json["enable_page_crawling"] is False


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.engine)
@pytest.mark.parametrize(
    ("status", "code"),
    [(429, Code.TOO_MANY), (500, Code.UNAVAILABLE), (401, Code.UNAVAILABLE), (403, Code.UNAVAILABLE)],
)
async def test_refusals(choice, status, code):
    """A status is a reason, in one sentence that names the engine."""
    with pytest.raises(SearchError) as caught:
        await found(choice, Web(status, {"error": "x"}))
    assert caught.value.code is code
    assert choice.engine.replace("-", " ") in str(caught.value).lower()


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.engine)
@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"null"])
async def test_what_cannot_be_read(choice, body):
    """A web page in place of results is a failure, and never an empty success."""
    with pytest.raises(SearchError, match="cannot be read"):
        await found(choice, Web(body=body))


@pytest.mark.parametrize("choice", [Choice(engine) for engine in ENGINES if engine != "keyless"])
def test_what_is_missing(choice):
    """An engine without address or key says which command gives it one."""
    with pytest.raises(SearchError) as caught:
        engine_of(choice, Web(), environ={})
    assert caught.value.fix.startswith("kimi ")


def test_choices_travel():
    """A choice goes over the control API and comes back; nobody sees the key in its repr."""
    for engine in ENGINES:
        choice = Choice(engine, "http://127.0.0.1:1", "secret")
        assert Choice.from_json(choice.to_json()) == choice
        assert "secret" not in repr(choice)
    with pytest.raises(ValueError, match="bing"):
        Choice.from_json({"engine": "bing"})


STUB = """
import os, sys, time
class DDGSException(Exception): pass
class RatelimitException(DDGSException): pass
class DDGS:
    def __init__(self, timeout): assert timeout > 0
    def text(self, query, max_results):
        if query == "wait":
            open(os.environ["STARTED"], "w").write(str(os.getpid()))
            time.sleep(600)
        if query == "limited": raise RatelimitException("202")
        if query == "offline": raise DDGSException("DNS error for (https://engine.example/search?q=offline&x=1) > no")
        if query == "nothing": raise DDGSException("No results found.")
        if query == "crash": sys.exit(3)
        return [{"href": "https://a.example", "title": query, "body": "about"}][:max_results]
"""


@pytest.fixture
def keyless_engine(tmp_path):
    """The keyless engine with a library that reaches nobody."""
    package = tmp_path / "ddgs"
    package.mkdir()
    (package / "__init__.py").write_text(STUB)
    (package / "exceptions.py").write_text("from ddgs import DDGSException, RatelimitException\n")
    path = f"{tmp_path}{':' if sys.platform != 'win32' else ';'}" + next(p for p in sys.path if p.endswith("main") or p)
    return keyless.Keyless({"PYTHONPATH": path, "STARTED": str(tmp_path / "started")})


async def test_keyless(keyless_engine):
    """A search runs in a process of its own."""
    assert await keyless_engine.search(PLAIN) == [Hit("https://a.example", "what is kimi", "about")]
    assert await keyless_engine.search(Query("nothing")) == []


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("limited", Code.TOO_MANY, "too many"),
        (
            "offline",
            Code.UNAVAILABLE,
            r"reaches no engine. \(DNS error for \(https://engine.example\) > no; kimi search",
        ),
        ("crash", Code.UNAVAILABLE, "cannot be read"),
    ],
)
async def test_keyless_failures(keyless_engine, text, code, said):
    """What goes wrong in there is a failure out here."""
    with pytest.raises(SearchError) as caught:
        await keyless_engine.search(Query(text))
    assert caught.value.code is code
    assert re.search(said, caught.value.told)
    assert "DNS" not in str(caught.value)


@pytest.mark.parametrize("way", ["timeout", "cancelled"])
async def test_keyless_ends(keyless_engine, tmp_path, monkeypatch, way):
    """A search that takes too long, or that nobody waits for any more, leaves no process."""
    started = tmp_path / "started"
    if way == "timeout":
        monkeypatch.setattr(keyless, "SECONDS", 3.0)
        with pytest.raises(SearchError, match="took longer"):
            await keyless_engine.search(Query("wait"))
    else:
        task = asyncio.create_task(keyless_engine.search(Query("wait")))
        async with asyncio.timeout(30):
            while not started.exists() or not started.read_text():  # noqa: ASYNC110 - another process's file
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    if started.exists():
        import psutil

        assert not psutil.pid_exists(int(started.read_text()))


@pytest.mark.parametrize(
    ("url", "domain", "counts"),
    [
        ("https://example.com/a", "example.com", True),
        ("https://docs.example.com/a", "example.com", True),
        ("https://badexample.com/a", "example.com", False),
        ("https://example.com.evil.test/", "example.com", False),
        ("https://example.com/docs/x", "example.com/docs", True),
        ("https://example.com/docsx", "example.com/docs", False),
        ("https://EXAMPLE.com./", "Example.COM", True),
        ("https://user@evil.test/example.com", "example.com", False),
        ("https://example.com/", "https://example.com/", True),
        ("https://a.example.com/", "*.example.com", True),
        ("https://example.com/", "", False),
    ],
)
def test_domains(url, domain, counts):
    """A domain has its subdomains, and its path where it has one, and nothing else."""
    assert is_within(url, domain) is counts


def test_the_results_are_filtered():
    """Whatever an engine finds, only what counts is shown, each page once, and ten at most."""
    hits = [Hit(f"https://{host}/{n}", "t") for n in range(9) for host in ("a.test", "b.test", "a.test")]
    hits.append(Hit("javascript:alert(1)", "t"))
    assert {hit.url.split("/")[2] for hit in Query("x", allowed=("a.test",)).fitting(hits)} == {"a.test"}
    assert {hit.url.split("/")[2] for hit in Query("x", blocked=("a.test",)).fitting(hits)} == {"b.test"}
    assert len(Query("x").fitting(hits)) == 10
