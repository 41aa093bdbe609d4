"""The floor: what comes is passed on, byte for byte, in both directions, by an asyncio process that knows no HTTP.

Run with the port to pass on to.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

from bench.server import serve


class Relay(asyncio.Protocol):
    """One client's connection, and the one that is opened for it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._onward: asyncio.Transport | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._opening = asyncio.get_running_loop().create_task(self._open(cast("asyncio.Transport", transport)))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - part of the protocol
        """It has left."""
        self._opening.cancel()
        if self._onward is not None:
            self._onward.close()

    def data_received(self, data: bytes) -> None:
        """Something to pass on."""
        if self._onward is None:
            self._early.append(data)
        else:
            self._onward.write(data)

    async def _open(self, back: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        onward, _ = await loop.create_connection(lambda: _Back(back), "127.0.0.1", self._port)
        self._onward = onward
        onward.writelines(self._early)
        self._early.clear()


class _Back(asyncio.Protocol):
    """What comes back."""

    def __init__(self, back: asyncio.Transport) -> None:
        self._back = back

    def data_received(self, data: bytes) -> None:
        self._back.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - part of the protocol
        self._back.close()


if __name__ == "__main__":
    serve(lambda: Relay(int(sys.argv[1])))
