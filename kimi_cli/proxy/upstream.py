"""Requests to the host: where they go, what they carry, and what a failure of the connection means."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from kimi_cli.providers.provider import Format
from kimi_cli.proxy.connection_failure import failure_of
from kimi_cli.proxy.refused import RefusedError
from kimi_cli.store.web_proxy import find_web_proxy
from kimi_cli.wire import refusal as refusals
from kimi_cli.wire.failure import classify, web_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from kimi_cli.providers.route import Route
    from kimi_cli.proxy.admission import Admission
    from kimi_cli.proxy.pump import Content, Source
    from kimi_cli.proxy.trace import Trace
    from kimi_cli.store.web_proxy import WebProxy
    from kimi_cli.wire.failure import Failure
    from kimi_cli.wire.failures.advice import Advice
    from kimi_cli.wire.refusal import Refusal

CONNECT_SECONDS: Final = 15.0
"""A host that has not taken the connection by then will not."""
READ_SECONDS: Final = 600.0
"""The longest silence of a host, before its answer and within it: what clients themselves wait by default."""
HEAD_SECONDS: Final = 600.0
"""How long it may take until an answer begins, the request's way up included. A host that fills the time, with interim
answers or a head that comes byte by byte, is not silent, but its client waits no longer than that either."""
ERROR_BYTES: Final = 1024 * 1024
"""How much of an error answer is read. It may hold what a model had written when its call could not be read."""
ERROR_SECONDS: Final = 10.0
"""How long the text of an error is waited for; its status is known by then."""
DRAIN_SECONDS: Final = 0.25
"""How long the end of a finished answer is waited for, in the hope of using the connection again."""
DRAIN_BYTES: Final = 64 * 1024
"""How much of it is read: a host that says more than that has not finished, and is better cut off."""
WAY_SECONDS: Final = 60.0
"""How long it is taken for granted which web proxy leads to a host, as long as it does: systems change theirs with the
network."""
ANTHROPIC_VERSION: Final = "2023-06-01"

READ_ERRORS: Final = (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError)
"""What reading an answer may raise where the connection, or what comes over it, is broken."""

_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)


class UpstreamError(RefusedError):
    """The host refused, or could not be reached; `failure` is what the client is told.

    `refusal` is what the host said, where it said something.
    """

    def __init__(self, failure: Failure, *, refusal: Refusal | None = None) -> None:
        super().__init__(failure)
        self.refusal = refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a request is about, as far as its failures are concerned. `window` and `estimate` are in tokens."""

    route: Route
    window: int
    estimate: int
    advice: Advice


class Upstream:
    """The way to every host: one HTTP client, so that connections stay warm from request to request."""

    def __init__(self, client: aiohttp.ClientSession, *, admission: Admission) -> None:
        self._client = client
        self.admission = admission
        self._ways = _Ways()
        self._draining: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def ask(
        self,
        question: Question,
        data: bytes,
        *,
        heard: Callable[[int, Mapping[str, str]], None] = lambda _status, _headers: None,
        trace: Trace | None = None,
    ) -> AsyncIterator[Source]:
        """Send a request's body and hand out the host's answer, whose status is 200.

        `heard` is called with the status and the headers of any answer.

        Leaving the context by an exception cuts the connection, so that the host stops working on the answer.

        Raises:
            UpstreamError: the host refused, sent something that is no answer, or could not be reached.
        """
        answer = await self._post(question, data)
        del data  # it may be large, and the answer long
        try:
            heard(answer.status, answer.headers)
            with _told_of_the_end(answer):
                source: Source = answer if trace is None else trace.answered(answer)
                await _check(answer, source.content, question)
                yield source
        except BaseException:
            answer.close()
            raise
        if answer.content.at_eof():
            answer.release()
            return
        # Beside the request, whose client has its answer and may be gone by now.
        task = asyncio.create_task(_drain(answer))
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    async def _post(self, question: Question, data: bytes) -> aiohttp.ClientResponse:
        route = question.route
        url = _url(route)
        web_proxy = self._ways.find(url)
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                return await self._client.post(
                    url,
                    data=data,
                    headers=_headers(route),
                    timeout=_TIMEOUT,
                    proxy=web_proxy.url if web_proxy else None,
                    proxy_headers=proxy_headers(web_proxy),
                    # A redirect would carry the key to wherever it points.
                    allow_redirects=False,
                )
        except READ_ERRORS as error:
            self._ways.forget(url)
            raise UpstreamError(failure_of(error, route.host, question.advice)) from error

    async def close(self) -> None:
        """Give up what is still being read."""
        for task in self._draining:
            task.cancel()
        await asyncio.gather(*self._draining, return_exceptions=True)


class _Ways:
    """Through which web proxies hosts are reached. Looking that up takes longer than most of what a request needs."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[WebProxy | None, float]] = {}

    def find(self, url: str) -> WebProxy | None:
        found, until = self._found.get(url, (None, -math.inf))
        if (now := time.monotonic()) < until:
            return found
        found = find_web_proxy(url)
        self._found = {known: one for known, one in self._found.items() if now < one[1]}
        self._found[url] = found, now + WAY_SECONDS
        return found

    def forget(self, url: str) -> None:
        """That host could not be reached."""
        self._found.pop(url, None)


@contextmanager
def _told_of_the_end(answer: aiohttp.ClientResponse) -> Iterator[None]:
    """Inside the block, whoever reads the answer is told when its connection is gone.

    The HTTP client forgets its reader where the chunked encoding breaks in the middle, as it does where a gateway puts
    an error page of its own behind half an answer: it closes the connection, and the reader would wait for good.
    """

    def tell(closed: asyncio.Future[None] | None) -> None:
        if closed is not None and not closed.cancelled():
            closed.exception()  # looked at, or it would be reported as never looked at
        if not answer.content.is_eof() and answer.content.exception() is None:
            answer.content.set_exception(aiohttp.ClientPayloadError("the connection is gone"))

    protocol = answer.connection.protocol if answer.connection is not None else None
    closed = protocol.closed if protocol is not None else None
    if closed is None:  # gone already, or read to its end
        tell(None)
        yield
        return
    closed.add_done_callback(tell)
    try:
        yield
    finally:
        closed.remove_done_callback(tell)


async def _check(answer: aiohttp.ClientResponse, content: Content, question: Question) -> None:
    """See that an answer is one, as far as its head tells."""
    if answer.status != 200:
        refusal = await _refusal(answer, content, question)
        raise UpstreamError(classify(refusal), refusal=refusal)
    if answer.content_type == "text/html":
        raise UpstreamError(web_page(question.route.host, question.advice))


async def _refusal(answer: aiohttp.ClientResponse, content: Content, question: Question) -> Refusal:
    raw = b""
    # Where the explanation breaks off or does not come, what there is of it has to do.
    with suppress(*READ_ERRORS):
        async with asyncio.timeout(ERROR_SECONDS):
            while len(raw) < ERROR_BYTES and (data := await content.readany()):
                raw += data
    return refusals.from_response(
        host=question.route.host,
        status=answer.status,
        headers=answer.headers,
        body=raw,
        window=question.window,
        estimate=question.estimate,
        advice=question.advice,
    )


async def _drain(answer: aiohttp.ClientResponse) -> None:
    """Read the end of an answer that is over, so that the connection, with its TLS handshake, serves again."""
    try:
        with suppress(*READ_ERRORS):
            async with asyncio.timeout(DRAIN_SECONDS):
                size = 0
                while size < DRAIN_BYTES and not answer.content.at_eof():
                    size += len(await answer.content.readany())
    finally:
        answer.close()


def _url(route: Route) -> str:
    return route.base_url + ("/chat/completions" if route.format is Format.OPENAI else "/v1/messages")


def proxy_headers(web_proxy: WebProxy | None) -> dict[str, str] | None:
    """What a web proxy wants to know."""
    if web_proxy is None or web_proxy.authorization is None:
        return None
    return {"Proxy-Authorization": web_proxy.authorization}


def _headers(route: Route) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream, application/json",
        # Compression would hold chunks back until a block is full.
        "Accept-Encoding": "identity",
    }
    if route.key:
        headers["Authorization"] = f"Bearer {route.key}"
    if route.format is Format.ANTHROPIC:
        headers["anthropic-version"] = ANTHROPIC_VERSION
    return headers
