"""One host asked once for an answer: what it is asked, when it may be, and what is made of its refusal."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimi_cli.providers.image_limits import image_limits
from kimi_cli.proxy import pump
from kimi_cli.proxy.admission import HOLD_SECONDS, Lane
from kimi_cli.proxy.formats import translation_of
from kimi_cli.proxy.upstream import Question, UpstreamError
from kimi_cli.wire.codec import dumps
from kimi_cli.wire.collect import Collector
from kimi_cli.wire.encode import encode
from kimi_cli.wire.events import Usage
from kimi_cli.wire.failures.advice import Advice
from kimi_cli.wire.foreign import a_string
from kimi_cli.wire.placeholder import is_reasoning_missing
from kimi_cli.wire.prompt import NO_PROMPT
from kimi_cli.wire.tokens import NO_SIZE, measure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from kimi_cli.media.preparation import Media
    from kimi_cli.providers.route import Route
    from kimi_cli.proxy.client import Client
    from kimi_cli.proxy.estimates import Estimates
    from kimi_cli.proxy.formats import Translation
    from kimi_cli.proxy.trace import Trace
    from kimi_cli.proxy.upstream import Upstream
    from kimi_cli.wire.answer import Answer, ChatAnswer
    from kimi_cli.wire.events import Event
    from kimi_cli.wire.failure import Failure
    from kimi_cli.wire.messages import MessagesAnswer
    from kimi_cli.wire.outgoing import Outgoing
    from kimi_cli.wire.prompt import Prompt
    from kimi_cli.wire.tools import LeftOut

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Asked:
    """A client's request, as far as asking a host needs it. `route` is the one whose models the client knows.

    `patience` is how many seconds it may be held back where the host's allowance is used up.
    """

    prompt: Prompt
    route: Route
    upstream: Upstream
    media: Media
    estimates: Estimates
    trace: Trace | None = None
    patience: float = HOLD_SECONDS

    def forget(self) -> None:
        """An answer has begun, after which nobody is asked again: what was asked is of no more use, and large."""
        self.prompt = NO_PROMPT


class Attempt:
    """One of `stream`, `hear` and `whole`, once. What became of it is in the properties, also after a failure.

    All raise `InvalidRequestError` where the request is not one, and `UpstreamError` where the host failed before
    anything was sent.
    """

    def __init__(self, asked: Asked, route: Route) -> None:
        self._asked, self.route = asked, route
        self.model = asked.route.counterpart(a_string(asked.prompt.body.get("model")), route)
        self.answer: Answer | None = None
        self._heard: ChatAnswer | MessagesAnswer | None = None
        self.left_out: tuple[LeftOut, ...] = ()
        self.estimate, self._size = 0, NO_SIZE
        self._usage = Usage()

    @property
    def said(self) -> Answer | MessagesAnswer | None:
        """What has come of the answer; None where it is taken in one piece."""
        return self._heard if self.answer is None else self.answer

    @property
    def usage(self) -> Usage:
        """The tokens that the host has reported."""
        return self._usage if self.said is None else self.said.usage

    @property
    def failure(self) -> Failure | None:
        """What ended an answer of which some had been sent."""
        return None if self.said is None else self.said.failure

    async def stream(self, client: Client, *, begun: Callable[[], None]) -> None:
        """Pass the host's answer on, until it is over; `begun` is called before the first of it is sent."""
        translation = await self._translated()
        self.answer = answer = translation.stream()
        if (trace := self._asked.trace) is not None:
            trace.watch(answer)
        try:
            async with self._ask(translation) as source:
                await pump.stream(client, source, answer, host=self.route.host, begun=begun)
        except UpstreamError as error:
            events = _salvaged(translation, answer, error)
            begun()
            client.is_over = True
            await client.write(b"".join(map(encode, events)))
        self._learn()

    async def hear(self, take: Callable[[Sequence[Event]], Awaitable[None]], *, begun: Callable[[], None]) -> None:
        """Give the host's answer to `take`, event by event; `begun` is called before the first of its content."""
        translation = await self._translated()
        self._heard = answer = translation.events()
        try:
            async with self._ask(translation) as source:
                await pump.hear(source, answer, take, host=self.route.host, begun=begun)
        except UpstreamError as error:
            events = _salvaged(translation, answer, error)
            await take(events)
        self._learn()

    async def whole(self) -> bytes:
        """The host's answer as one message."""
        translation = await self._translated()
        try:
            async with self._ask(translation) as source:
                message, self._usage = await translation.whole(source)
        except UpstreamError as error:
            collector = Collector()
            collector.feed(_salvaged(translation, translation.events(), error))
            if collector.message is None:
                raise
            message = dumps(collector.message)
        self._learn()
        return message

    async def _translated(self) -> Translation:
        """The request for this host."""
        asked, route, model = self._asked, self.route, self.model
        prompt = asked.prompt
        if prompt.uncommon:
            prompt = prompt.changed(await asked.media.prepare(prompt.body, model, limits=image_limits(route.provider)))
        self._size = measure(prompt, vision=model.vision)
        self.estimate = asked.estimates.tokens(route, model.id, self._size)
        translation = translation_of(prompt, route, model, estimate=self.estimate)
        self.left_out = translation.left_out
        return translation

    def _learn(self) -> None:
        """What the host reported of the prompt teaches the estimates."""
        asked, reported = self._asked, self.usage.input_tokens + self.usage.cached_tokens
        # A host that reports nothing leaves our own estimate in its place.
        if reported not in {0, self.estimate} and self.failure is None and asked.route.ledger:
            asked.estimates.learn(self.route, self.model.id, self._size, reported=reported)

    @asynccontextmanager
    async def _ask(self, translation: Translation) -> AsyncIterator[pump.Source]:
        """The host's answer; asked for a second time where all that it misses is reasoning that nobody has any more."""
        is_answered = False
        try:
            async with self._asking(translation.outgoing) as source:
                is_answered = True
                del translation.outgoing  # it may be large, and the answer long
                yield source
                return
        except UpstreamError as error:
            if is_answered or error.refusal is None or not is_reasoning_missing(error.refusal):
                raise
            outgoing = translation.with_placeholder()
            if outgoing is None:
                raise
        _log.info("reasoning replaced", extra={"fields": {"provider": self.route.provider}})
        async with self._asking(outgoing) as source:
            yield source

    @asynccontextmanager
    async def _asking(self, outgoing: Outgoing) -> AsyncIterator[pump.Source]:
        """The answer to one request, sent when the account's allowance lets it."""
        asked, trace, lane = self._asked, self._asked.trace, Lane.of(self.route, self.model)
        async with asked.upstream.admission.admitted(
            lane, prompt=self.estimate, output=outgoing.output, patience=asked.patience
        ) as ticket:
            outgoing = outgoing.limited(ticket.output)
            data = outgoing.data
            if trace is not None:
                trace.asking(asked.prompt.body, outgoing.body, data)
            async with asked.upstream.ask(self._question(), data, heard=ticket.heard, trace=trace) as source:
                del outgoing, data  # as above
                yield source

    def _question(self) -> Question:
        advice = Advice.of(self.route, self.model)
        return Question(route=self.route, window=self.model.context_window, estimate=self.estimate, advice=advice)


def _salvaged(translation: Translation, answer: Answer | MessagesAnswer, error: UpstreamError) -> list[Event]:
    """The events of the answer that a failure holds; without one, the failure goes on.

    Raises:
        UpstreamError: there is none.
    """
    events = None if error.refusal is None else translation.salvaged(answer, error.refusal)
    if events is None:
        raise error
    return events
