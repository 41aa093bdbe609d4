"""A host on the loopback interface that answers as the test says."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

START_SECONDS = 10


@dataclass
class Host:
    """A server in a thread of its own; `answer` may be exchanged at any time, `asked` keeps what came in."""

    answer: Handler
    asked: list[web.Request] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """The address of its list."""
        return f"http://127.0.0.1:{self.port}/v1/models"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Notes the request and answers it."""
        self.asked.append(request)
        return await self.answer(request)


async def _unset(request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotImplemented


def start(host: Host) -> Callable[[], None]:
    """Starts the host; what is returned ends it and waits until it has."""
    started, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", host.handle)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host.port = runner.addresses[0][1]
        started.set()
        await ended.wait()
        await runner.cleanup()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run, name="host")
    thread.start()
    assert started.wait(START_SECONDS)

    def stop() -> None:
        loop.call_soon_threadsafe(ended.set)
        thread.join(START_SECONDS)
        assert not thread.is_alive()

    return stop


@pytest.fixture
def host() -> Iterator[Host]:
    """A host of the test's own."""
    made = Host(answer=_unset)
    stop = start(made)
    try:
        yield made
    finally:
        stop()


@pytest.fixture
def other_host() -> Iterator[Host]:
    """A second host, for redirects that lead away."""
    made = Host(answer=_unset)
    stop = start(made)
    try:
        yield made
    finally:
        stop()
