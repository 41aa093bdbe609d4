"""One server of a protocol in a process of its own, which says its port on the first line of its output."""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_BACKLOG = 1024


def serve(protocol: Callable[[], asyncio.Protocol]) -> None:
    """Serves until whoever started this process closes its input, or ends."""
    asyncio.run(_serve(protocol))


async def _serve(protocol: Callable[[], asyncio.Protocol]) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, backlog=_BACKLOG)
    announce(server.sockets[0].getsockname()[1])
    gc.freeze()
    await until_left()
    server.close()


def announce(port: int) -> None:
    """Says where this process listens."""
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


async def until_left() -> None:
    """Waits for the end of the process's input."""
    await asyncio.to_thread(sys.stdin.buffer.read)
