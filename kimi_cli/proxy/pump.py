"""The pump: reads of the host's stream in, writes to the client out, one write for each read.

Nothing is sent before the message has content, so that a failure up to then is still an HTTP status; silence longer
than a ping's interval ends that wait, because a client that sees nothing for long gives up.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from aiohttp import web

from kimi_cli.proxy.keys import SESSION
from kimi_cli.proxy.refusal import conceal_key
from kimi_cli.proxy.upstream import READ_ERRORS, UpstreamError, failure_of
from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.collect import Collector
from kimi_cli.wire.encode import PING
from kimi_cli.wire.failure import Failure, unreadable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from kimi_cli.wire.answer import Answer
    from kimi_cli.wire.foreign import JsonObject

PING_SECONDS: Final = 10.0
"""Claude Code shows a banner after 20 seconds of silence and gives up after 300."""
LAST_WORDS_SECONDS: Final = 5.0
"""How long a host may take over its usage once the answer is complete: some never close the stream."""
WHOLE_BYTES: Final = 16 * 1024 * 1024
"""The largest answer that is taken in one piece: a model's longest output, some thirty times over."""
FAREWELL_SECONDS: Final = 2.0
"""How long the client of a stream that was interrupted may take to read what it has not read yet."""


class Content(Protocol):
    """What a host says, as it comes."""

    async def readany(self) -> bytes:
        """What has come since the last read, or nothing at the end."""

    def iter_any(self) -> AsyncIterator[bytes]:
        """All of it, read by read."""


class Source(Protocol):
    """A host's answer, as far as the pump needs it."""

    @property
    def content_type(self) -> str:
        """Its media type."""

    @property
    def content(self) -> Content:
        """Its body."""


class Client:
    """The client's end of a stream: opened by the first write, written to by the pump and by the pings.

    `tap` gets every piece that is sent.
    """

    def __init__(
        self, request: web.Request, headers: dict[str, str], *, tap: Callable[[bytes], None] | None = None
    ) -> None:
        self._request = request
        self._tap = tap
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
            if self._tap is not None:
                self._tap(data)
            await self._response.write(data)

    async def close(self) -> web.StreamResponse:
        """End the response."""
        if not self.is_open:  # a message may have an end and no content
            await self.write(b"")
        await self._response.write_eof()
        return self._response

    def leave(self) -> None:
        """Cut the connection after a moment, also where the client does not read, which would keep it open for good."""
        if self.is_open and (transport := self._request.transport) is not None:
            asyncio.get_running_loop().call_later(FAREWELL_SECONDS, transport.abort)

    def conceal(self, out: bytes) -> bytes:
        """What a host says of a failure, without the session's key: some repeat it."""
        return conceal_key(out.decode("utf-8", "surrogateescape"), self._request[SESSION]).encode(
            "utf-8", "surrogateescape"
        )


async def stream(client: Client, source: Source, answer: Answer, *, host: str) -> web.StreamResponse:
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
    """Tell the client of a stream in flight why it will not go on, and cut the connection."""
    client.leave()
    if client.is_open and not answer.is_over:
        failure = Failure(529, "overloaded_error", f"The proxy ended this session: {reason}.")
        with suppress(ConnectionError):
            await client.write(answer.fail(failure))
            await client.close()


async def collect(source: Source, answer: ChatAnswer, *, host: str) -> JsonObject:
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


def is_whole(source: Source) -> bool:
    """Whether the host answered in one piece, asked to or not."""
    return source.content_type == "application/json"


async def read_whole(source: Source, host: str) -> bytes:
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
    except READ_ERRORS as error:
        raise UpstreamError(failure_of(error, host)) from error
    return b"".join(pieces)


async def _reads(source: Source, answer: Answer, host: str) -> AsyncIterator[bytes]:
    """Reads of the stream until the answer is over or the stream ends."""
    content = source.content
    try:
        while not answer.is_over:
            data = await (_last_words(content) if answer.is_answered else content.readany())
            if not data:
                return
            yield data
    except READ_ERRORS as error:
        raise UpstreamError(failure_of(error, host)) from error


async def _last_words(content: Content) -> bytes:
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            return await content.readany()
    return b""


async def _pass_on(client: Client, answer: Answer, out: bytes) -> None:
    if answer.failure is not None:
        out = client.conceal(out)
    if client.is_open or answer.has_content:
        if out:
            await client.write(out)
    elif answer.failure is not None:
        raise UpstreamError(answer.failure)
    else:
        client.hold(out)


async def _ping(client: Client, answer: Answer) -> None:
    """A ping whenever nothing was written for an interval."""
    with suppress(ConnectionError):  # the pump finds out by itself that the client has gone
        while True:
            writes = client.writes
            await asyncio.sleep(PING_SECONDS)
            if client.writes == writes and not answer.is_over:
                if not client.is_open:
                    client.hold(answer.start())
                await client.write(PING)
