"""One host asked once for an answer: what it is asked, when it may be, and what is made of its refusal."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.providers.image_limits import image_limits
from kimi_cli.proxy import pump
from kimi_cli.proxy.admission import HOLD_SECONDS, Lane
from kimi_cli.proxy.formats import translation_of
from kimi_cli.proxy.upstream import Question, UpstreamError
from kimi_cli.wire.codec import dumps, dumps_strict
from kimi_cli.wire.collect import Collector
from kimi_cli.wire.encode import encode
from kimi_cli.wire.events import Usage
from kimi_cli.wire.failures.advice import Advice
from kimi_cli.wire.foreign import a_string, an_int
from kimi_cli.wire.placeholder import is_reasoning_missing
from kimi_cli.wire.tokens import measure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from kimi_cli.media.preparation import Media
    from kimi_cli.providers.route import Route
    from kimi_cli.proxy.client import Client
    from kimi_cli.proxy.estimates import Estimates
    from kimi_cli.proxy.formats import Translation
    from kimi_cli.proxy.trace import Trace
    from kimi_cli.proxy.upstream import Upstream
    from kimi_cli.wire.answer import Answer
    from kimi_cli.wire.events import Event
    from kimi_cli.wire.failure import Failure
    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.tools import LeftOut

_OUTPUT_LIMITS: Final = ("max_completion_tokens", "max_tokens")
"""Where a request's body says how long an answer may be."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A client's request, as far as asking a host needs it. `route` is the one whose models the client knows.

    `patience` is how many seconds it may be held back where the host's allowance is used up.
    """

    body: JsonObject
    route: Route
    upstream: Upstream
    media: Media
    estimates: Estimates
    trace: Trace | None = None
    patience: float = HOLD_SECONDS


class Attempt:
    """One of `stream`, `hear` and `whole`, once. What became of it is in the properties, also after a failure.

    All raise `InvalidRequestError` where the request is not one, and `UpstreamError` where the host failed before
    anything was sent.
    """

    def __init__(self, asked: Asked, route: Route) -> None:
        self._asked, self.route = asked, route
        self.model = asked.route.counterpart(a_string(asked.body.get("model")), route)
        self.answer: Answer | None = None
        self.left_out: tuple[LeftOut, ...] = ()
        self.estimate = 0
        self._usage = Usage()

    @property
    def usage(self) -> Usage:
        """The tokens that the host has reported."""
        return self._usage if self.answer is None else self.answer.usage

    @property
    def failure(self) -> Failure | None:
        """What ended an answer of which some had been sent."""
        return None if self.answer is None else self.answer.failure

    async def stream(self, client: Client, *, begun: Callable[[], None]) -> None:
        """Pass the host's answer on, until it is over; `begun` is called before the first of it is sent."""
        async with self._translated() as translation:
            self.answer = answer = translation.stream()
            if (trace := self._asked.trace) is not None:
                trace.watch(answer)
            try:
                async with self._ask(translation) as source:
                    await pump.stream(client, source, answer, host=self.route.host, begun=begun)
            except UpstreamError as error:
                events = None if error.refusal is None else translation.salvaged(answer, error.refusal)
                if events is None:
                    raise
                begun()
                client.is_over = True
                await client.write(b"".join(map(encode, events)))

    async def hear(self, take: Callable[[Sequence[Event]], Awaitable[None]], *, begun: Callable[[], None]) -> None:
        """Give the host's answer to `take`, event by event; `begun` is called before the first of its content."""
        async with self._translated() as translation:
            answer = translation.events()
            try:
                async with self._ask(translation) as source:
                    await pump.hear(source, answer, take, host=self.route.host, begun=begun)
            except UpstreamError as error:
                events = None if error.refusal is None else translation.salvaged(answer, error.refusal)
                if events is None:
                    raise
                await take(events)
            finally:
                self._usage = answer.usage

    async def whole(self) -> bytes:
        """The host's answer as one message."""
        async with self._translated() as translation:
            try:
                async with self._ask(translation) as source:
                    message, self._usage = await translation.whole(source)
            except UpstreamError as error:
                events = None if error.refusal is None else translation.salvaged(translation.events(), error.refusal)
                if events is None:
                    raise
                collector = Collector()
                collector.feed(events)
                if collector.message is None:
                    raise
                return dumps(collector.message)
            return message

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[Translation]:
        """The request for this host; what the host then reports teaches the estimates."""
        asked, route, model = self._asked, self.route, self.model
        body = await asked.media.prepare(asked.body, model, limits=image_limits(route.provider))
        size = measure(body, vision=model.vision)
        self.estimate = asked.estimates.tokens(route, model.id, size)
        translation = translation_of(body, route, model, estimate=self.estimate)
        self.left_out = translation.left_out
        yield translation
        reported = self.usage.input_tokens + self.usage.cached_tokens
        # A host that reports nothing leaves our own estimate in its place.
        if reported not in {0, self.estimate} and self.failure is None and asked.route.ledger:
            asked.estimates.learn(route, model.id, size, reported=reported)

    @asynccontextmanager
    async def _ask(self, translation: Translation) -> AsyncIterator[pump.Source]:
        """The host's answer; asked for a second time where all that it misses is reasoning that nobody has any more."""
        async with AsyncExitStack() as stack:
            try:
                source = await stack.enter_async_context(self._asking(translation.body))
            except UpstreamError as error:
                if error.refusal is None or not is_reasoning_missing(error.refusal):
                    raise
                body = translation.with_placeholder()
                if body is None:
                    raise
                _log.info("reasoning replaced", extra={"fields": {"provider": self.route.provider}})
                source = await stack.enter_async_context(self._asking(body))
            yield source

    @asynccontextmanager
    async def _asking(self, body: JsonObject) -> AsyncIterator[pump.Source]:
        """The answer to one request, sent when the account's allowance lets it."""
        asked, route, trace = self._asked, self.route, self._asked.trace
        limit = next((name for name in _OUTPUT_LIMITS if name in body), "")
        output = an_int(body.get(limit)) or 0
        question = Question(
            route=route,
            window=self.model.context_window,
            estimate=self.estimate,
            advice=Advice.of(route, self.model),
        )
        admission = asked.upstream.admission
        lane = Lane.of(route, self.model)
        async with admission.admitted(lane, prompt=self.estimate, output=output, patience=asked.patience) as ticket:
            if limit and ticket.output != output:
                body = {**body, limit: ticket.output}
            data = dumps_strict(body)
            if trace is not None:
                trace.asking(asked.body, body, data)
            async with asked.upstream.ask(question, data, heard=ticket.heard, trace=trace) as source:
                yield source
