"""The pump: reads of the host's stream in, writes to the client out, one write for each read.

Nothing is sent before the message has content, so that a failure up to then is still an HTTP status; silence longer
than a ping's interval ends that wait, because a client that sees nothing for long gives up.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp import web

from kimi_cli.proxy.upstream import UpstreamError, failure_of
from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.collect import Collector
from kimi_cli.wire.encode import PING
from kimi_cli.wire.failure import Failure, unreadable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kimi_cli.wire.answer import Answer
    from kimi_cli.wire.foreign import JsonObject

PING_SECONDS: Final = 10.0
"""Claude Code shows a banner after 20 seconds of silence and gives up after 300."""
LAST_WORDS_SECONDS: Final = 5.0
"""How long a host may take over its usage once the answer is complete: some never close the stream."""
WHOLE_BYTES: Final = 64 * 1024 * 1024
"""The largest answer that is taken in one piece."""


class Client:
    """The client's end of a stream: opened by the first write, written to by the pump and by the pings."""

    def __init__(self, request: web.Request, headers: dict[str, str]) -> None:
        self._request = request
        self._response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", **headers}
        )
        self._opening = asyncio.Lock()
        self._held = b""
        self.writes = 0
        self.is_open = False

    def hold(self, data: bytes) -> None:
        """Keep bytes back until the next write."""
        self._held += data

    async def write(self, data: bytes) -> None:
        """Send what was held and this, and wait while the client reads more slowly than the host writes."""
        self.writes += 1
        if not self.is_open:
            async with self._opening:
                if not self.is_open:
                    await self._response.prepare(self._request)
                    self.is_open = True
                    data, self._held = self._held + data, b""
        if data:
            await self._response.write(data)

    async def close(self) -> web.StreamResponse:
        """End the response."""
        await self._response.write_eof()
        return self._response


async def stream(client: Client, source: aiohttp.ClientResponse, answer: Answer, *, host: str) -> web.StreamResponse:
    """Pass an answer on until it is over. Whoever cancels this must leave the context of `source`.

    Raises:
        UpstreamError: the answer failed before any of it was sent.
    """
    pings = asyncio.create_task(_ping(client, answer))
    try:
        try:
            if is_whole(source) and isinstance(answer, ChatAnswer):
                out = answer.feed_whole(await read_whole(source, host))
            else:
                async for data in _reads(source, answer, host):
                    await _pass_on(client, answer, answer.feed(data))
                out = answer.finish()
        except UpstreamError as error:
            out = answer.fail(error.failure)
        await _pass_on(client, answer, out)
        return await client.close()
    finally:
        pings.cancel()


async def interrupt(client: Client, answer: Answer, reason: str) -> None:
    """Tell the client of a stream in flight why it will not go on."""
    if client.is_open and not answer.is_over:
        failure = Failure(529, "overloaded_error", f"The proxy ended this session: {reason}.")
        with suppress(ConnectionError):
            await client.write(answer.fail(failure))
            await client.close()


async def collect(source: aiohttp.ClientResponse, answer: ChatAnswer, *, host: str) -> JsonObject:
    """The whole answer as one message.

    Raises:
        UpstreamError: the answer was not completed.
    """
    collector = Collector()
    if is_whole(source):
        collector.feed(answer.whole(await read_whole(source, host)))
    else:
        async for data in _reads(source, answer, host):
            collector.feed(answer.events(data))
        collector.feed(answer.end())
    if collector.message is not None:
        return collector.message
    raise UpstreamError(collector.failure or unreadable(host, "it has no end."))


def is_whole(source: aiohttp.ClientResponse) -> bool:
    """Whether the host answered in one piece, asked to or not."""
    return source.content_type == "application/json"


async def read_whole(source: aiohttp.ClientResponse, host: str) -> bytes:
    """An answer in one piece.

    Raises:
        UpstreamError: the connection failed, or the answer is larger than `WHOLE_BYTES`.
    """
    pieces: list[bytes] = []
    size = 0
    try:
        async for data in source.content.iter_any():
            pieces.append(data)
            size += len(data)
            if size > WHOLE_BYTES:
                raise UpstreamError(unreadable(host, f"it has more than {WHOLE_BYTES:,} bytes."))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UpstreamError(failure_of(error, host)) from error
    return b"".join(pieces)


async def _reads(source: aiohttp.ClientResponse, answer: Answer, host: str) -> AsyncIterator[bytes]:
    """Reads of the stream until the answer is over or the stream ends."""
    content = source.content
    try:
        while not answer.is_over:
            data = await (_last_words(content) if answer.is_answered else content.readany())
            if not data:
                return
            yield data
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UpstreamError(failure_of(error, host)) from error


async def _last_words(content: aiohttp.StreamReader) -> bytes:
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            return await content.readany()
    return b""


async def _pass_on(client: Client, answer: Answer, out: bytes) -> None:
    if client.is_open or answer.has_content:
        if out:
            await client.write(out)
    elif answer.failure is not None:
        raise UpstreamError(answer.failure)
    else:
        client.hold(out)


async def _ping(client: Client, answer: Answer) -> None:
    """A ping whenever nothing was written for an interval."""
    while True:
        writes = client.writes
        await asyncio.sleep(PING_SECONDS)
        if client.writes == writes and not answer.is_over:
            if not client.is_open:
                client.hold(answer.start())
            await client.write(PING)
