"""The pump: reads of the host's stream in, writes to the client out, one write for each read.

Nothing of a message is sent before it has content, so that after a failure up to then another answer can be asked for.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from kimi_cli.proxy.connection_failure import failure_of
from kimi_cli.proxy.upstream import READ_ERRORS, UpstreamError
from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.collect import Collector
from kimi_cli.wire.failure import Failure, unreadable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from kimi_cli.proxy.client import Client
    from kimi_cli.wire.answer import Answer
    from kimi_cli.wire.events import Event
    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.messages import MessagesAnswer

LAST_WORDS_SECONDS: Final = 5.0
"""How long a host may take over its usage once the answer is complete: some never close the stream."""
WHOLE_BYTES: Final = 16 * 1024 * 1024
"""The largest answer that is taken in one piece: a model's longest output, some thirty times over."""


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


async def stream(
    client: Client, source: Source, answer: Answer, *, host: str, begun: Callable[[], None] | None = None
) -> None:
    """Pass an answer on until it is over. Whoever cancels this must leave the context of `source`.

    `begun` is called before the first of it is sent: from then on no other answer can be asked for.

    Raises:
        UpstreamError: the answer failed before any of it was sent.
    """
    held = b""
    try:
        if is_whole(source) and isinstance(answer, ChatAnswer):
            out = answer.feed_whole(await read_whole(source, host))
        else:
            async for data in _reads(source, answer, host):
                out = held + answer.feed(data)
                if begun is not None and answer.has_content:
                    begun()
                    begun = None
                held = await _pass_on(client, answer, out)
            out = answer.finish()
    except UpstreamError as error:
        out = answer.fail(error.failure)
    await _pass_on(client, answer, held + out)


async def hear(
    source: Source,
    answer: ChatAnswer | MessagesAnswer,
    take: Callable[[Sequence[Event]], Awaitable[None]],
    *,
    host: str,
    begun: Callable[[], None] | None = None,
) -> None:
    """Give an answer's events to `take`, until it is over; `begun` is called before the first of its content.

    Raises:
        UpstreamError: the answer failed before it had any content.
    """
    held: list[Event] = []
    try:
        if is_whole(source):
            held += answer.whole(await read_whole(source, host))
        else:
            async for data in _reads(source, answer, host):
                held += answer.events(data)
                if not answer.has_content:
                    continue
                if begun is not None:
                    begun()
                    begun = None
                await take(held)
                held = []
            held += answer.end()
    except UpstreamError as error:
        held += answer.failed(error.failure)
    if answer.failure is not None and not answer.has_content:
        raise UpstreamError(answer.failure)
    await take(held)


async def interrupt(client: Client, answer: Answer | None, reason: str) -> None:
    """Tell the client of a stream in flight why it will not go on, and cut the connection."""
    client.leave()
    if not client.is_open or client.is_over:
        return
    failure = Failure(529, "overloaded_error", f"The proxy ended this session: {reason}.")
    with suppress(ConnectionError):
        if answer is None or not answer.has_content:
            await client.fail(failure)
        else:
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


async def _reads(source: Source, answer: Answer | MessagesAnswer, host: str) -> AsyncIterator[bytes]:
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


async def _pass_on(client: Client, answer: Answer, out: bytes) -> bytes:
    """Send what there is once the message has content; returns what is still to be sent with it."""
    if not answer.has_content:
        if answer.failure is not None:
            raise UpstreamError(answer.failure)
        if not answer.is_over:  # a message may have an end and no content
            return out
    if answer.is_over:
        client.is_over = True
        if answer.failure is not None:
            out = client.conceal(out)
    if out:
        await client.write(out)
    return b""
