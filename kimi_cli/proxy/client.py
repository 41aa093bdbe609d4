"""The client's end of a stream: opened by the first write, kept alive by pings, ended with the answer or an error."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from aiohttp import web

from kimi_cli.proxy.keys import SESSION
from kimi_cli.proxy.refusal import conceal_keys
from kimi_cli.wire.encode import PING, error_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kimi_cli.wire.failure import Failure

PING_SECONDS: Final = 10.0
"""Claude Code shows a banner after 20 seconds of silence and gives up after 300."""
FAREWELL_SECONDS: Final = 2.0
"""How long the client of a stream that was interrupted may take to read what it has not read yet."""


class _Stream(web.StreamResponse):
    """A stream whose head goes out with the first of its body: one write where there would be two."""

    _send_headers_immediately = False


class Client:
    """Written to by the pump and by the pings. `tap` gets every piece that is sent."""

    def __init__(
        self, request: web.Request, headers: dict[str, str], *, tap: Callable[[bytes], None] | None = None
    ) -> None:
        self._request = request
        self._tap = tap
        self._response = _Stream(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", **headers}
        )
        self._opening = asyncio.Lock()
        self._writes = 0
        self.is_open = False
        """Whether the status has been sent, so that a failure can only be told inside the stream."""
        self.is_over = False
        """Whether the last event is on its way, after which no ping may come."""

    async def write(self, data: bytes) -> None:
        """Send this, and wait while the client reads more slowly than the host writes."""
        self._writes += 1
        if not self.is_open:
            async with self._opening:
                if not self.is_open:
                    await self._response.prepare(self._request)
                    self.is_open = True
        if self._tap is not None:
            self._tap(data)
        if self.is_over:
            await self._response.write_eof(data)
        else:
            await self._response.write(data)

    async def fail(self, failure: Failure) -> None:
        """Tell of a failure that ends the stream."""
        self.is_over = True
        await self.write(self.conceal(error_event(failure)))

    async def close(self) -> web.StreamResponse:
        """End the response, unless its last write has."""
        await self._response.write_eof()
        return self._response

    def leave(self) -> None:
        """Cut the connection after a moment, also where the client does not read, which would keep it open for good."""
        if self.is_open and (transport := self._request.transport) is not None:
            asyncio.get_running_loop().call_later(FAREWELL_SECONDS, transport.abort)

    def conceal(self, out: bytes) -> bytes:
        """What a host says of a failure, without the session's keys: some repeat them."""
        return conceal_keys(out.decode("utf-8", "surrogateescape"), self._request[SESSION]).encode(
            "utf-8", "surrogateescape"
        )

    @contextmanager
    def pinging(self) -> Iterator[None]:
        """Inside the block, a ping is sent whenever nothing was written for an interval."""
        pings = asyncio.create_task(self._ping())
        try:
            yield
        finally:
            pings.cancel()

    async def _ping(self) -> None:
        with suppress(ConnectionError):  # the pump finds out by itself that the client has gone
            while True:
                writes = self._writes
                await asyncio.sleep(PING_SECONDS)
                if self._writes == writes and not self.is_over:
                    await self.write(PING)
