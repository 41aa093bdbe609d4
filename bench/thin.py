"""The second floor: aiohttp and orjson and nothing else. Requests and events are parsed and written again, unchanged.

Run with the port of the host.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import Final

import orjson
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web

from bench.server import announce, until_left

_LIMIT: Final = 64 * 1024 * 1024
_DATA: Final = b"data: "


async def _run(port: int) -> None:
    async with ClientSession(
        f"http://127.0.0.1:{port}",
        connector=TCPConnector(limit=0),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=None),
    ) as client:

        async def answer(request: web.Request) -> web.StreamResponse:
            body = orjson.dumps(orjson.loads(await request.read()))
            async with client.post(request.path, data=body) as source:
                response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
                await response.prepare(request)
                rest = b""
                async for data in source.content.iter_any():
                    *events, rest = (rest + data).split(b"\n\n")
                    await response.write(b"".join(map(_again, events)))
                await response.write_eof()
            return response

        app = web.Application(client_max_size=_LIMIT)
        app.router.add_post("/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        announce(runner.addresses[0][1])
        gc.freeze()
        await until_left()
        await runner.cleanup()


def _again(event: bytes) -> bytes:
    name, mark, data = event.partition(_DATA)
    if not mark or data == b"[DONE]":
        return event + b"\n\n"
    return b"%b%b%b\n\n" % (name, mark, orjson.dumps(orjson.loads(data)))


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1])))
