"""Hosts that do on the wire what they should not, and the client that looks at what comes of it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from kimi_cli.providers.provider import Format
from tests.proxy.served import chat_route, relay_route, request
from tests.wire.build import chunk, end, sse, text

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    from kimi_cli.providers.route import Route

SECONDS: Final = 20.0
"""How long anything here may take on a loaded machine."""
KEY: Final = "sk-networktests0123456789"
SAID: Final = "some words more"
"""What a good answer says."""
LINGER: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""Close without lingering, which sends a reset."""


@dataclass(frozen=True, slots=True)
class Dialog:
    """A host's format: an answer in it, cut where something has been said, and the same in one piece."""

    format: Format
    beginning: bytes
    rest: bytes
    whole: bytes

    def route(self, origin: str, *, key: str = KEY) -> Route:
        """The way to a host of this format."""
        return (chat_route if self.format is Format.OPENAI else relay_route)(origin, key)


def _event(name: str, **fields: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


_MESSAGE: Final[dict[str, object]] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "kimi-k3",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 1},
}
DIALOGS: Final = {
    "chat": Dialog(
        Format.OPENAI,
        beginning=sse(chunk({"role": "assistant", "content": ""}), text("some words"), done=False),
        rest=sse(text(" more"), end(usage={"prompt_tokens": 3, "completion_tokens": 2})),
        whole=b"",  # it is asked for a stream in any case
    ),
    "messages": Dialog(
        Format.ANTHROPIC,
        beginning=_event("message_start", message=_MESSAGE)
        + _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        + _event("content_block_delta", index=0, delta={"type": "text_delta", "text": "some words"}),
        rest=_event("content_block_delta", index=0, delta={"type": "text_delta", "text": " more"})
        + _event("content_block_stop", index=0)
        + _event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2})
        + _event("message_stop"),
        whole=json.dumps(_MESSAGE | {"content": [{"type": "text", "text": SAID}], "stop_reason": "end_turn"}).encode(),
    ),
}


@dataclass(slots=True, eq=False)
class Link:
    """One connection that a host was called on, after it has read the request."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    dialog: Dialog
    request: bytes
    heard: asyncio.Event
    sent: int = 0
    """Bytes that have found room on their way."""
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_stream(self) -> bool:
        """Whether a stream was asked for."""
        return json.loads(self.request.partition(b"\r\n\r\n")[2])["stream"] is True

    @property
    def kind(self) -> str:
        """The content type of a good answer."""
        return "text/event-stream" if self.is_stream else "application/json"

    @property
    def reply(self) -> bytes:
        """A good answer."""
        return self.dialog.beginning + self.dialog.rest if self.is_stream else self.dialog.whole

    @property
    def beginning(self) -> bytes:
        """The part of it that says something."""
        return self.dialog.beginning if self.is_stream else self.dialog.whole[:100]

    @property
    def rest(self) -> bytes:
        """The part without which it is not complete."""
        return self.reply.removeprefix(self.beginning)

    async def send(self, *pieces: bytes) -> None:
        """Send pieces, each when the one before it has found room on its way."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            self.sent += len(piece)

    async def begin(self, *lines: str, encode: Callable[[bytes], bytes] = bytes) -> None:
        """Say the beginning of an answer, and return once the client has heard it."""
        await self.send(head(*lines, kind=self.kind) + encode(self.beginning))
        await self.heard.wait()

    async def closed(self) -> None:
        """Return once the proxy has closed the connection."""
        async with self._reading:
            with suppress(ConnectionError):
                while await self.reader.read(65536):
                    pass

    def reset(self) -> None:
        """End the connection the hard way."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SOLINGER, LINGER)
        self.writer.transport.abort()


@dataclass(slots=True)
class RawHost:
    """A host that does on every connection what `script` says, and closes it where the script ends.

    `heard` is set by whoever plays the client, when it has heard the beginning of an answer.
    """

    dialog: Dialog
    script: Callable[[Link], Awaitable[None]]
    origin: str = ""
    links: list[Link] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def route(self) -> Route:
        """The way here."""
        return self.dialog.route(self.origin)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                link = Link(reader, writer, self.dialog, await read_request(reader), self.heard)
                self.links.append(link)
                self.called.set()
                await self.script(link)
        finally:
            writer.close()

    async def held_back(self) -> None:
        """Return once no more can be sent, because somebody on the way does not read."""
        before = -1
        async with asyncio.timeout(SECONDS):
            while (now := sum(link.sent for link in self.links)) != before:
                before = now
                await asyncio.sleep(0.3)

    async def abandoned(self) -> None:
        """Return once the proxy has let go of every connection."""
        async with asyncio.timeout(SECONDS):
            for link in self.links:
                await link.closed()


@asynccontextmanager
async def raw_host(
    dialog: Dialog, script: Callable[[Link], Awaitable[None]], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawHost]:
    """Run a host; at the end the proxy must have let go of all its connections by itself."""
    host = RawHost(dialog, script)
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0, ssl=tls)
    try:
        port = server.sockets[0].getsockname()[1]
        host.origin = f"http://127.0.0.1:{port}" if tls is None else f"https://localhost:{port}"
        yield host
        await host.abandoned()
    finally:
        server.close()
        for link in host.links:
            link.writer.transport.abort()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """A request with its body, whose length is announced."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)
    return head + await reader.readexactly(length)


async def answer(link: Link) -> None:
    """The script of a host without fault."""
    await link.send(head(f"Content-Length: {len(link.reply)}", kind=link.kind) + link.reply)


def head(*lines: str, status: str = "200 OK", kind: str = "text/event-stream", keep: bool = False) -> bytes:
    """The head of an HTTP answer; unless `keep`, the connection is of no use after it."""
    use = "keep-alive" if keep else "close"
    return "\r\n".join((f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Connection: {use}", *lines, "", "")).encode()


def chunked(*pieces: bytes) -> bytes:
    """Pieces in chunked encoding, without its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


@dataclass(frozen=True, slots=True)
class Answered:
    """What a client got; `is_cut` where the connection ended before the answer did."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_cut: bool = False

    @property
    def events(self) -> list[dict[str, Any]]:
        """The stream's events, without pings."""
        blocks = [block for block in self.body.decode().split("\n\n") if block]
        events = [json.loads(block.partition("\ndata: ")[2]) for block in blocks]
        return [event for event in events if event["type"] != "ping"]

    @property
    def text(self) -> str:
        """What an answer says that must be complete."""
        assert (self.status, self.is_cut) == (200, False)
        if self.headers["Content-Type"].startswith("application/json"):
            message = json.loads(self.body)
            assert (message["type"], message["stop_reason"]) == ("message", "end_turn")
            return "".join(block["text"] for block in message["content"])
        assert self.events[-1]["type"] == "message_stop"
        return "".join(event["delta"].get("text", "") for event in self.events if "delta" in event)

    @property
    def failure(self) -> dict[str, str]:
        """The error of an answer that must have failed, and must not look complete in any way."""
        assert not self.is_cut
        if self.status != 200:
            body = json.loads(self.body)
            assert body["request_id"] == self.headers["request-id"]
            assert body["type"] == "error"
            return body["error"]
        assert self.headers["Content-Type"].startswith("text/event-stream")
        *before, last = self.events
        assert not {"message_stop", "error"} & {event["type"] for event in before}
        assert last["type"] == "error"
        return last["error"]


async def ask(
    base_url: str, token: str, *, stream: bool = True, heard: asyncio.Event | None = None, **fields: object
) -> Answered:
    """A message request on a connection of its own; `heard` is set when the first of the answer is there."""
    headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
    async with (
        asyncio.timeout(SECONDS),
        aiohttp.ClientSession(headers=headers) as client,
        client.post(f"{base_url}/v1/messages", json=request(stream=stream, **fields)) as response,
    ):
        body, is_cut = b"", False
        try:
            async for piece in response.content.iter_any():
                body += piece
                if heard is not None:
                    heard.set()
        except aiohttp.ClientPayloadError:
            is_cut = True
        return Answered(response.status, dict(response.headers), body, is_cut)
