"""A client that does on the wire what it should not: it stops, leaves, or does not read."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tests.faults.network import LINGER, SECONDS
from tests.proxy.served import request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SMALL: Final = 4096
"""Bytes of a receive buffer, so that a client that does not read is soon full."""


@dataclass(slots=True)
class RawClient:
    """A socket, connected to a proxy."""

    sock: socket.socket
    authority: str
    token: str

    def head(self, *lines: str, method: str = "POST", path: str = "/v1/messages") -> bytes:
        """The head of a request; `lines` come on top of what every request has."""
        given = (f"Host: {self.authority}", f"Authorization: Bearer {self.token}", *lines)
        return "\r\n".join((f"{method} {path} HTTP/1.1", *given, "", "")).encode()

    def message(self, **fields: object) -> bytes:
        """A whole message request."""
        body = json.dumps(request(**fields)).encode()
        return self.head(f"Content-Length: {len(body)}") + body

    async def send(self, data: bytes) -> None:
        """Send it all, and wait while the proxy takes it more slowly."""
        async with asyncio.timeout(SECONDS):
            await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def read(self) -> bytes:
        """Some of what has come, or nothing at the end."""
        async with asyncio.timeout(SECONDS):
            return await asyncio.get_running_loop().sock_recv(self.sock, 65536)

    async def read_until(self, text: bytes) -> bytes:
        """All that comes until this has come."""
        data = b""
        while text not in data:
            piece = await self.read()
            assert piece, data
            data += piece
        return data

    async def read_all(self) -> bytes:
        """All that comes until the connection ends, whichever way."""
        data = b""
        try:
            while piece := await self.read():
                data += piece
        except ConnectionError:
            pass
        return data

    def half_close(self) -> None:
        """Say that nothing more will be sent."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Leave the hard way."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        self.sock.close()

    def close(self) -> None:
        """Leave."""
        self.sock.close()


@asynccontextmanager
async def raw_client(base_url: str, token: str, *, buffer: int | None = None) -> AsyncIterator[RawClient]:
    """Connect; `buffer` is how many bytes the system may keep for a client that does not read."""
    address = urlsplit(base_url)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        if buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        await asyncio.get_running_loop().sock_connect(sock, (address.hostname, address.port))
        yield RawClient(sock, address.netloc, token)
