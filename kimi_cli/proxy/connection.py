"""One client's connection: its limits, and what it is told where it does not speak HTTP."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import web

from kimi_cli.proxy.refusal import answer, new_request_id
from kimi_cli.wire.failure import Failure

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_log = logging.getLogger(__name__)

LINE_LIMIT: Final = 8 * 1024
"""Bytes of a request line; ours are short."""
HEADER_LIMIT: Final = 16 * 1024
"""Bytes of one header; the longest that clients send are lists of beta features."""
IDLE_SECONDS: Final = 300.0
"""How long a connection may be silent between requests, or before the headers of its first one are complete. Longer
than a user's pause between two turns usually is, short enough that abandoned connections do not pile up."""
STRANGERS: Final = 128
"""How many connections may be silent at once on which nobody has shown a token. Some systems give a process no more
than 256 descriptors, and whoever has no token must not be able to use them up."""
LINGER_SECONDS: Final = 2.0
"""How long the rest of a refused body is read and thrown away, so that the client gets to see the refusal; and how long
a client that has closed its end may take to read what it has not read yet."""


def connection_factory(server: web.Server, *, loop: asyncio.AbstractEventLoop) -> Callable[[], Connection]:
    """What `loop.create_server` calls for every connection; `server` is a set-up runner's."""
    return partial(
        Connection,
        server,
        loop=loop,
        max_line_size=LINE_LIMIT,
        max_field_size=HEADER_LIMIT,
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=LINGER_SECONDS,
    )


class Connection(web.RequestHandler):
    """aiohttp's connection with refusals in Anthropic's form, and within our limits.

    `is_known` is set by the guard once a request on it has shown a token that is right.
    """

    __slots__ = ("is_known",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes a connection, in the place of the strangers that have been silent the longest where there are many."""
        self.is_known = False
        super().connection_made(transport)
        self._loop.call_soon(self._make_room)  # by then it waits for its first request, as those before it do

    def eof_received(self) -> None:
        """The client is gone. One that reads nothing more would keep the connection, and what runs for it, for good."""
        transport = self.transport
        if transport is not None and transport.get_write_buffer_size():
            self._loop.call_later(LINGER_SECONDS, transport.abort)

    @property
    def is_silent_stranger(self) -> bool:
        """Whether it waits for a request, or for the rest of its headers, and has shown no token before."""
        return not self.is_known and self._waiter is not None and not self._waiter.done()

    def _make_room(self) -> None:
        connections = [] if self._manager is None else self._manager.connections
        if len(connections) <= STRANGERS:
            return
        strangers = [one for one in connections if isinstance(one, Connection) and one.is_silent_stranger]
        strangers.sort(key=lambda one: one._next_keepalive_close_time)  # noqa: SLF001 - of this class
        for one in strangers[: max(0, len(strangers) - STRANGERS)]:
            one.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it may quote a header, and with it a token
    ) -> web.StreamResponse:
        """What a request gets that could not be parsed; everything else has been answered by the middlewares."""
        request_id = new_request_id()
        if not isinstance(exc, ConnectionError):  # such as that of writing to a client that has gone
            fields = {"request_id": request_id, "error": type(exc).__name__}
            _log.warning("request not understood", extra={"fields": fields})
        if request.writer.output_size > 0:
            raise ConnectionResetError("the answer had begun")
        kind = "invalid_request_error" if status < 500 else "api_error"
        response = answer(
            Failure(status, kind, "This is not a request that the proxy understands."), request_id=request_id
        )
        response.headers["Server"] = "kimi"  # else the framework says which it is, and which Python's
        response.force_close()
        return response
