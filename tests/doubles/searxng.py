"""A SearXNG instance: `GET /search`, strict about the format that it is asked for."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PAGES = (
    ("https://docs.moonshot.example/k3", "Kimi K3", "K3 has a window of a million tokens.", "2026-07-16"),
    ("https://blog.example/kimi", "About Kimi", "What people make of it.", None),
    ("https://spam.example/kimi", "KIMI CHEAP", "buy", None),
)


@dataclass
class Searxng:
    """`queries` are what it was asked for; with a `status` it refuses."""

    origin: str = ""
    status: int = 200
    queries: list[str] = field(default_factory=list)

    async def search(self, request: web.Request) -> web.Response:
        if self.status != 200:
            return web.Response(status=self.status)
        if request.query.get("format") != "json":
            return web.Response(text="<html>results</html>", content_type="text/html")
        if not request.query.get("q"):
            return web.json_response({"error": "No query"}, status=400)
        self.queries.append(request.query["q"])
        names = ("url", "title", "content", "publishedDate")
        results = [dict(zip(names, page, strict=True)) for page in PAGES]
        return web.json_response({"query": request.query["q"], "results": results, "answers": [], "suggestions": []})


@contextmanager
def running_searxng() -> Iterator[Searxng]:
    """An instance in a thread of its own, for tests without an event loop."""
    ready: Future[Searxng] = Future()
    stop: Future[None] = Future()

    async def serve() -> None:
        async with searxng() as double:
            ready.set_result(double)
            await asyncio.wrap_future(stop)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield ready.result(timeout=20)
    finally:
        stop.set_result(None)
        thread.join()


@asynccontextmanager
async def searxng() -> AsyncIterator[Searxng]:
    """An instance inside a test."""
    double = Searxng()
    app = web.Application()
    app.router.add_get("/search", double.search)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        double.origin = f"http://{host}:{port}"
        yield double
    finally:
        await runner.cleanup()
