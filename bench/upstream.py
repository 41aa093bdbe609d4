"""A host's double that is as quick as it can be: its answers are made once, and no request is looked into.

The path says what it answers (`plan`), and by its end in which format.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from bench.plan import Plan
from bench.server import serve
from bench.speech import MODELS, writes

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD_END = b"\r\n\r\n"


class Upstream(asyncio.Protocol):
    """One connection, on which requests come one after the other."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._path = ""
        self._left: int | None = None  # bytes of the body that are still to come; None while the head is
        self._timer: asyncio.Handle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - part of the protocol
        """It has left: whatever is being said to it ends."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Reads a request, and answers once it is whole."""
        if self._left is None:
            self._head += data
            head, end, data = self._head.partition(_HEAD_END)
            if not end:
                return
            self._head = b""
            self._path, self._left = _read(head)
        self._left -= len(data)
        if self._left <= 0:
            self._left = None
            self._answer()

    def _answer(self) -> None:
        try:
            plan = Plan.of(self._path)
        except (ValueError, IndexError):
            self._write(MODELS)
            return
        pieces = iter(writes(plan, is_chat=self._path.endswith("/chat/completions")))
        if plan.pause:
            self._say_slowly(pieces, plan.pause / 1000, self._loop.time())
        else:
            self._say(pieces)

    def _say(self, pieces: Iterator[bytes]) -> None:
        """One write, and then everybody else has a turn."""
        piece = next(pieces, None)
        if piece is not None and self._write(piece):
            self._timer = self._loop.call_soon(self._say, pieces)

    def _say_slowly(self, pieces: Iterator[bytes], pause: float, now: float) -> None:
        """One write, and the next when its time has come: by the clock, so that the pace holds."""
        piece = next(pieces, None)
        if piece is not None and self._write(piece):
            self._timer = self._loop.call_at(now + pause, self._say_slowly, pieces, pause, now + pause)

    def _write(self, piece: bytes) -> bool:
        if self._transport is None:
            return False
        self._transport.write(piece)
        return True


def _read(head: bytes) -> tuple[str, int]:
    """The path of a request, and the length of its body."""
    first, *fields = head.split(b"\r\n")
    length = 0
    for field in fields:
        name, _, value = field.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return first.split(b" ")[1].decode(), length


if __name__ == "__main__":
    serve(Upstream)
