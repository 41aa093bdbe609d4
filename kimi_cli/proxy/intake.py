"""Request bodies: read whole, within a size and a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiohttp import HttpVersion11, web

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

BODY_LIMIT: Final = 64 * 1024 * 1024
"""Bytes. Anthropic takes 32 MB; images in a long history may be sent whole again and shrink on the way upstream."""
BODY_SECONDS: Final = 60.0
"""How long a client may take to send a body. Over the loopback interface the largest takes well under a second."""

_WAITS: Final = web.RequestKey("WAITS", bool)
"""Set where a client waits to be invited before it sends its body."""


async def await_invitation(request: web.Request) -> None:
    """An `expect_handler`: leaves the invitation to send the body to `read_body`, so that the refused get none."""
    request[_WAITS] = True


async def read_body(request: web.Request, *, limit: int = BODY_LIMIT) -> bytes:
    """The request's body, decompressed.

    Raises:
        web.HTTPRequestEntityTooLarge: it has more than `limit` bytes.
        web.HTTPRequestTimeout: it did not arrive in time.
        web.RequestPayloadError: it is cut short or malformed.
    """
    if request.get(_WAITS) and request.version >= HttpVersion11:
        await _invite(request)
    if request.content.is_eof():  # it came along with the head, as most do
        data = request.content.read_nowait()
        if len(data) > limit:
            raise web.HTTPRequestEntityTooLarge(limit, len(data))
        return data
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _collect(request.content.iter_any(), limit=limit)
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


async def _invite(request: web.Request) -> None:
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the answer has not begun


async def _collect(chunks: AsyncIterable[bytes], *, limit: int) -> bytes:
    body = bytearray()  # one piece of memory, which the system gets back, where a list of them would leave holes
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise web.HTTPRequestEntityTooLarge(limit, len(body))
    return bytes(body)
