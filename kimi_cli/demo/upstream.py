"""The demo's host: serves the script in OpenAI's format on a loopback port, from a thread with its own event loop."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
import secrets
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotReadyError
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from kimi_cli.demo.completion import to_chunks, to_completion
from kimi_cli.demo.model import Reply, reply_to
from kimi_cli.demo.report import DemoError
from kimi_cli.demo.request import MODEL_ID, RefusedError, Request, read_request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from aiohttp import web

FIRST_DELAY: Final = 0.2
"""Seconds before the first piece of an answer, so that a time to first token is something to be seen."""
PIECE_DELAY: Final = 0.02
"""Seconds between two network writes, so that streaming is something to be seen."""

_LOOPBACK: Final = "127.0.0.1"
_BODY_LIMIT: Final = 64 * 1024 * 1024
"""What the proxy takes, it may send on."""
_START_DEADLINE: Final = 10.0
_STOP_DEADLINE: Final = 5.0
"""Seconds; both only matter where something is badly wrong, for nothing here waits on anything else."""
_CLOSE_GRACE: Final = 0.5
"""Seconds that open connections are given at the end. By then nobody should hold one."""
_UNAUTHORIZED: Final = RefusedError("Incorrect API key provided.", status=401, code="invalid_api_key")


@dataclass(frozen=True, slots=True)
class Served:
    """One chat completion request as the host saw it.

    `refused` is the sentence of a refusal. `callers` counts the turns of the history that made calls, `reasoned` how
    many of them still carried their reasoning.
    """

    refused: str | None = None
    streamed: bool = False
    callers: int = 0
    reasoned: int = 0


class Upstream:
    """The host, from `start` to `stop`: its address, its key, and what it was asked."""

    def __init__(
        self, *, host: str = _LOOPBACK, first_delay: float = FIRST_DELAY, piece_delay: float = PIECE_DELAY
    ) -> None:
        self.key: Final = f"demo-{secrets.token_urlsafe(24)}"
        self.port = 0
        self._host = host
        self._served: list[Served] = []
        self._delays = (first_delay, piece_delay)
        self._ids = itertools.count(1)
        self._ready: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, name="kimi-demo-upstream", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @property
    def base_url(self) -> str:
        """The base of the OpenAI-format surface."""
        return f"http://{self._host}:{self.port}/v1"

    @property
    def served(self) -> tuple[Served, ...]:
        """Every chat completion request so far."""
        return tuple(self._served)

    def start(self) -> None:
        """Listens, and returns once requests are answered.

        Raises:
            DemoError: there is no port to be had.
        """
        self._thread.start()
        try:
            self.port = self._ready.result(timeout=_START_DEADLINE)
        except NotReadyError as error:
            raise DemoError("The demo model did not start in time.") from error
        except OSError as error:
            raise DemoError(f"The demo model could not listen on {self._host}: {error}.") from error

    def stop(self) -> None:
        """Closes the port and whatever is connected to it. May be called at any time, and more than once."""
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.ident is not None:
            self._thread.join(_STOP_DEADLINE)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def is_running(self) -> bool:
        """Whether the thread is still there."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread
            if not self._ready.done():
                self._ready.set_exception(error)

    async def _serve(self) -> None:
        from aiohttp import web

        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_GRACE)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._host, 0)
            await site.start()
            self._ready.set_result(runner.addresses[0][1])
            await self._stop.wait()
        finally:
            await runner.cleanup()

    async def _models(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        if not self._may(request):
            return _refusal(_UNAUTHORIZED)
        model = {"id": MODEL_ID, "object": "model", "created": 0, "owned_by": "kimi-cli", "context_length": 131_072}
        return web.json_response({"object": "list", "data": [model]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        if not self._may(request):
            return _refusal(_UNAUTHORIZED)
        try:
            asked = read_request(await request.read())
        except RefusedError as error:
            self._served.append(Served(refused=str(error)))
            return _refusal(error)
        self._served.append(_record(asked))
        reply = reply_to(asked)
        await asyncio.sleep(self._delays[0])
        completion_id = f"chatcmpl-demo-{next(self._ids)}"
        if asked.stream:
            return await self._stream(request, asked, reply, completion_id=completion_id)
        return web.json_response(to_completion(reply, completion_id=completion_id, created=0, prompt_bytes=asked.size))

    async def _stream(
        self, request: web.Request, asked: Request, reply: Reply, *, completion_id: str
    ) -> web.StreamResponse:
        from aiohttp import web

        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        chunks = to_chunks(
            reply, completion_id=completion_id, created=0, prompt_bytes=asked.size, wants_usage=asked.wants_usage
        )
        with suppress(ConnectionError):  # the client is gone, which is its right
            for data in _cut(_events(chunks)):
                await response.write(data)
                await asyncio.sleep(self._delays[1])
            await response.write_eof()
        return response

    def _may(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {self.key}".encode())


def _record(asked: Request) -> Served:
    callers = [turn for turn in asked.turns if turn.calls]
    return Served(
        streamed=asked.stream,
        callers=len(callers),
        reasoned=sum(bool(turn.reasoning.strip()) for turn in callers),
    )


def _refusal(error: RefusedError) -> web.Response:
    from aiohttp import web

    return web.json_response(error.to_json(), status=error.status)


def _events(chunks: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for chunk in chunks:
        yield b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


def _cut(events: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, cut in the middle of events and not between them, as networks do it."""
    rest = b""
    for event in events:
        middle = len(event) // 2
        yield rest + event[:middle]
        rest = event[middle:]
    yield rest
