"""What every double has: a server on a free port, its record of requests and refusals, and two ways to run it."""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Self

from aiohttp import web

from tests.doubles.refusal import Exchange, Refusal, Refused
from tests.doubles.scenario import Answer, HttpError, Reply, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.doubles.scenario import Ask, JsonObject

BODY_LIMIT = 64 * 1024 * 1024
START_SECONDS = 20.0


class Double:
    """An upstream in the test's process. Subclasses say what they accept and how they answer.

    `requests` holds what was accepted, `refusals` what was not; a test of the whole asserts that the latter is empty.
    """

    key_prefix: ClassVar[str] = "sk-"
    base_path: ClassVar[str] = ""

    def __init__(self, scenario: Scenario | None = None, *, key: str | None = None) -> None:
        self.scenario = scenario or Scenario()
        self.key = key or self.key_prefix + secrets.token_hex(24)
        self.requests: list[Exchange] = []
        self.refusals: list[Refusal] = []
        self.origin = ""
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """What a user would configure as the provider's base URL."""
        return self.origin + self.base_path

    @property
    def bodies(self) -> list[JsonObject]:
        """The accepted requests' bodies, in order."""
        return [exchange.body for exchange in self.requests]

    def routes(self) -> Iterable[web.RouteDef]:
        """The host's endpoints."""
        raise NotImplementedError

    def error_body(self, refused: Refused) -> JsonObject:
        """The host's JSON for a refusal."""
        return {"error": refused.to_error()}

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=BODY_LIMIT)
        app.add_routes(self.routes())
        app.router.add_route("*", "/{path:.*}", self._unknown_path)
        app.on_response_prepare.append(self.add_headers)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.origin = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add what the host says in the head of every answer."""

    async def receive(self, request: web.Request) -> JsonObject:
        """The body of a request that carries the right key.

        Raises:
            Refused: the body is not a JSON object.
        """
        self.check_key(request)
        try:
            body = json.loads(await request.read())
        except ValueError:
            raise Refused("We could not parse the JSON body of your request.") from None
        if not isinstance(body, dict):
            raise Refused("The JSON body must be an object.")
        return body

    def check_key(self, request: web.Request) -> None:
        """Refuse a request without the key.

        Raises:
            Refused: the key is missing or wrong.
        """
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.key.encode()):
            raise self.wrong_key()

    def wrong_key(self) -> Refused:
        """The host's words for a wrong key."""
        return Refused("Invalid API Key", status=401, code="invalid_api_key")

    def refuse(self, request: web.Request, refused: Refused, *, body: JsonObject) -> web.Response:
        """Record a refusal and make its response."""
        self.refusals.append(Refusal(request.path, refused.status, refused.message, body))
        return web.json_response(self.error_body(refused), status=refused.status)

    def accept(self, request: web.Request, body: JsonObject) -> Exchange:
        """Record an accepted request."""
        exchange = Exchange(request.path_qs, dict(request.headers), body)
        self.requests.append(exchange)
        return exchange

    def next_answer(self, ask: Ask) -> Answer:
        """What the scenario says to `ask`."""
        return self.scenario.answer(ask)

    async def _unknown_path(self, request: web.Request) -> web.Response:
        refused = Refused(
            f"Unknown request URL: {request.method} {request.path}. Please check the URL for typos.",
            status=404,
            code="unknown_url",
        )
        return self.refuse(request, refused, body={})


async def deliver(exchange: Exchange, request: web.Request, answer: Answer, *, writer: Writer) -> web.StreamResponse:
    """Put an answer on the wire and note in `exchange` how that ended."""
    try:
        response: web.StreamResponse
        if isinstance(answer, HttpError):
            response = _http_error(answer)
        elif exchange.body.get("stream"):
            response = await writer.stream(request, answer)
        else:
            response = await writer.whole(request, answer)
    except (asyncio.CancelledError, ConnectionError):
        exchange.client_gone = True
        raise
    else:
        exchange.answered = True
        return response
    finally:
        exchange.ended.open()


class Writer:
    """A host's way to put a reply on the wire."""

    async def stream(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        """As server-sent events."""
        raise NotImplementedError

    async def whole(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        """As one JSON object."""
        raise NotImplementedError


def break_connection(request: web.Request) -> None:
    """End the connection without the end of the answer."""
    if request.transport is not None:
        request.transport.abort()


@contextmanager
def running(double: Double) -> Iterator[str]:
    """Run a double in a thread of its own, for tests without an event loop; gives its base URL."""
    ready = threading.Event()
    failure: list[BaseException] = []
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        end = asyncio.Event()
        async with double:
            stop.append((asyncio.get_running_loop(), end))
            ready.set()
            await end.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread
            failure.append(error)
            ready.set()

    thread = threading.Thread(target=run, name=type(double).__name__, daemon=True)
    thread.start()
    if not ready.wait(START_SECONDS) or failure:
        raise RuntimeError("the double did not start") from (failure[0] if failure else None)
    try:
        yield double.base_url
    finally:
        loop, end = stop[0]
        loop.call_soon_threadsafe(end.set)
        thread.join(START_SECONDS)
    if failure:
        raise RuntimeError("the double failed") from failure[0]


def _http_error(answer: HttpError) -> web.Response:
    if isinstance(answer.body, str):
        return web.Response(status=answer.status, text=answer.body, headers=answer.headers)
    return web.json_response(answer.body, status=answer.status, headers=answer.headers)
