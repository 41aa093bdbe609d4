"""How long a session has been idle, as its proxy counts it."""

from __future__ import annotations

import asyncio

from aiohttp import web

from kimi_cli.daemon.status import SessionStatus
from tests.proxy.gate import gate


async def test_idle(tmp_path):
    """The time counts from the last answer's end; while a request is being answered there is none."""
    answering, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        answering.set()
        await go_on.wait()
        return web.Response()

    async with gate(tmp_path, extend=lambda app: app.router.add_get("/v1/slow", slow)) as proxy:
        session = proxy.open()
        session.used_at -= 1000
        assert await status(proxy) >= 1000
        first = asyncio.create_task(ask(proxy, session.token))
        await answering.wait()
        second = asyncio.create_task(ask(proxy, session.token))
        await asyncio.wait_for(until(lambda: session.users == 2), 10)
        session.used_at -= 1000
        assert await status(proxy) == 0
        second.cancel()
        await asyncio.wait_for(until(lambda: session.users == 1), 10)
        assert await status(proxy) == 0
        go_on.set()
        await first
        await asyncio.wait_for(until(lambda: session.users == 0), 10)
        assert await status(proxy) < 100


async def test_strangers_do_not_count(tmp_path):
    """What comes without the session's token is no use of it, nor is a look at the status or at the health."""
    async with gate(tmp_path) as proxy:
        session = proxy.open()
        session.used_at -= 1000
        for token in (None, "wrong", proxy.open().token):
            async with proxy.request("GET", "/v1/models", token=token):
                pass
        async with proxy.request("GET", "/health"):
            pass
        assert await status(proxy) >= 1000
        async with proxy.request("GET", "/v1/models", token=session.token):
            pass
        assert await status(proxy) < 100


async def status(proxy) -> float:
    """Seconds, as the status says of the first session."""
    async with proxy.request("GET", "/control/status", token=proxy.state.control_token) as answer:
        return SessionStatus.from_json((await answer.json())["sessions"][0]).idle


async def ask(proxy, token: str) -> None:
    """A request that takes its time."""
    async with proxy.request("GET", "/v1/slow", token=token) as answer:
        assert answer.status == 200


async def until(condition) -> None:
    """Waits for a condition."""
    while not condition():  # noqa: ASYNC110 - what it looks at has no event
        await asyncio.sleep(0.01)
