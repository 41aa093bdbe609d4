"""Every way in which a host's answer goes wrong on the wire, as scripts for a raw host."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.faults.network import chunked, head

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.faults.network import Link

CHUNKED: Final = "Transfer-Encoding: chunked"
GZIP: Final = "Content-Encoding: gzip"
MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong. `says` is whether a client that streams has heard something by then."""

    name: str
    script: Callable[[Link], Awaitable[None]]
    says: bool
    kind: str = "api_error"
    """The type of the error that comes of it."""


FAULTS: Final[list[Fault]] = []


def _fault(*, says: bool, kind: str = "api_error") -> Callable[[Callable[[Link], Awaitable[None]]], None]:
    def add(script: Callable[[Link], Awaitable[None]]) -> None:
        FAULTS.append(Fault(script.__name__.strip("_").replace("_", " "), script, says, kind))

    return add


def _sends(name: str, data: bytes) -> None:
    """A host that sends this and then waits."""

    async def script(link: Link) -> None:
        await link.send(data)
        await link.closed()

    FAULTS.append(Fault(name, script, says=False))


_sends("no HTTP", b"\x00\x01\x02 hello\r\n\r\n")
_sends("TLS", b"\x15\x03\x01\x00\x02\x02\x46")
_sends("status 101", head("Upgrade: websocket", "Connection: upgrade", status="101 Switching Protocols"))
_sends("status 204", head(status="204 No Content"))
_sends("status 206", head("Content-Length: 4", status="206 Partial Content") + b"part")
_sends("status 302", head("Location: http://127.0.0.1:9/", "Content-Length: 0", status="302 Found"))
_sends("status 304", head(status="304 Not Modified"))
_sends("status 999", head("Content-Length: 0", status="999 Odd"))
_sends("a header of 1 MB", head("X: " + "x" * MEGABYTE))
_sends("1 MB of headers", head(*(f"X{at}: {'x' * 100}" for at in range(MEGABYTE // 100))))
_sends("length without sense", head("Content-Length: abc") + b"x")
_sends("negative length", head("Content-Length: -5") + b"x")
_sends("two lengths", head("Content-Length: 5", "Content-Length: 50") + b"x" * 60)
_sends("length and chunks", head("Content-Length: 5", CHUNKED) + b"5\r\nhello\r\n")
_sends("nothing", head("Content-Length: 0"))
_sends("bytes in place of events", head(f"Content-Length: {256 * 100}") + bytes(range(256)) * 100)
_sends("braces in place of JSON", head("Content-Length: 4", kind="application/json") + b"{{{{")
_sends("gzip that is none", head(GZIP, "Content-Length: 15") + b"data: [DONE]\n\n\n")
_sends("brotli that is none", head("Content-Encoding: br", "Content-Length: 15") + b"data: [DONE]\n\n\n")
_sends("web page", head("Content-Length: 13", kind="text/html") + b"<html></html>")


@_fault(says=False)
async def _closes_at_once(_link: Link) -> None:
    pass


@_fault(says=False)
async def _resets_at_once(link: Link) -> None:
    link.reset()


@_fault(says=False)
async def _half_closes_at_once(link: Link) -> None:
    link.writer.write_eof()
    await link.closed()


@_fault(says=False)
async def _closes_in_the_head(link: Link) -> None:
    await link.send(b"HTTP/1.1 200 OK\r\nContent-Ty")


@_fault(says=False)
async def _closes_after_the_head(link: Link) -> None:
    await link.send(head())


@_fault(says=False, kind="timeout_error")
async def _hangs_at_once(link: Link) -> None:
    await link.closed()


@_fault(says=False, kind="timeout_error")
async def _hangs_after_the_head(link: Link) -> None:
    await link.send(head())
    await link.closed()


@_fault(says=False, kind="timeout_error")
async def _drips_its_head(link: Link) -> None:
    await link.send(b"HTTP/1.1 200 OK\r\nX: ")
    while not link.writer.is_closing():
        await link.send(b"x")
        await asyncio.sleep(0.02)


@_fault(says=False, kind="timeout_error")
async def _says_100_for_ever(link: Link) -> None:
    while not link.writer.is_closing():
        await link.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0.02)


@_fault(says=True)
async def _closes(link: Link) -> None:
    await link.begin()


@_fault(says=True)
async def _half_closes(link: Link) -> None:
    await link.begin()
    link.writer.write_eof()
    await link.closed()


@_fault(says=True)
async def _resets(link: Link) -> None:
    await link.begin(CHUNKED, encode=chunked)
    link.reset()


@_fault(says=True)
async def _resets_without_a_length(link: Link) -> None:
    await link.begin()
    link.reset()


@_fault(says=True, kind="timeout_error")
async def _hangs(link: Link) -> None:
    await link.begin()
    await link.closed()


@_fault(says=True)
async def _closes_inside_a_chunk(link: Link) -> None:
    await link.begin(CHUNKED, encode=chunked)
    await link.send(chunked(link.rest)[:20])


@_fault(says=True)
async def _closes_without_the_last_chunk(link: Link) -> None:
    await link.begin(CHUNKED, encode=chunked)


@_fault(says=True)
async def _chunk_of_no_size(link: Link) -> None:
    await link.begin(CHUNKED, encode=chunked)
    await link.send(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
    await link.closed()


@_fault(says=True)
async def _chunk_without_its_end(link: Link) -> None:
    await link.begin(CHUNKED, encode=chunked)
    await link.send(b"5\r\nhelloworld")
    await link.closed()


@_fault(says=True)
async def _length_too_long(link: Link) -> None:
    await link.begin(f"Content-Length: {len(link.reply) + 1}")
    await link.send(link.rest[:-1])


@_fault(says=True)
async def _length_too_short(link: Link) -> None:
    await link.begin(f"Content-Length: {len(link.beginning)}")
    await link.send(link.rest)
    await link.closed()


@_fault(says=True)
async def _event_that_is_no_JSON(link: Link) -> None:  # noqa: N802 - it is a name in a table
    await link.begin()
    await link.send(b"event: message_delta\ndata: \xff\xfe{{{\n\n", link.rest)


@_fault(says=True)
async def _gzip_cut_short(link: Link) -> None:
    packer = zlib.compressobj(wbits=31)
    await link.begin(GZIP, encode=lambda said: packer.compress(said) + packer.flush(zlib.Z_SYNC_FLUSH))
    await link.send(packer.compress(link.rest))


@_fault(says=True)
async def _gzip_broken_inside(link: Link) -> None:
    packer = zlib.compressobj(wbits=31)
    await link.begin(GZIP, encode=lambda said: packer.compress(said) + packer.flush(zlib.Z_SYNC_FLUSH))
    await link.send(b"\xff" * 100)
    await link.closed()
