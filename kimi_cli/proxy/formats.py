"""A request in the format of a host, and how the host's answer is read: translated, or relayed."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, Protocol

from kimi_cli.providers.dialect import DIALECTS
from kimi_cli.providers.provider import Format
from kimi_cli.proxy import pump
from kimi_cli.proxy.upstream import UpstreamError
from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.codec import NotJsonError, dumps, loads_object
from kimi_cli.wire.failure import truncated, unreadable
from kimi_cli.wire.failures.advice import Advice
from kimi_cli.wire.foreign import a_string, an_object
from kimi_cli.wire.ids import AnswerIds
from kimi_cli.wire.messages import MessagesAnswer
from kimi_cli.wire.names import with_original_names
from kimi_cli.wire.omission import as_displayed
from kimi_cli.wire.passage import Passage, usage_of
from kimi_cli.wire.placeholder import with_placeholder
from kimi_cli.wire.relay import to_relay
from kimi_cli.wire.request import to_chat
from kimi_cli.wire.stream import Frame

if TYPE_CHECKING:
    from kimi_cli.providers.model import Model
    from kimi_cli.providers.route import Route
    from kimi_cli.wire.answer import Answer
    from kimi_cli.wire.events import Event, Usage
    from kimi_cli.wire.outgoing import Outgoing
    from kimi_cli.wire.prompt import Prompt
    from kimi_cli.wire.refusal import Refusal
    from kimi_cli.wire.tools import LeftOut

ID_BYTES: Final = 15
"""Randomness of a message or call id: enough that no two ever meet."""


class Translation(Protocol):
    """One request for one host. `outgoing` is what to send; `left_out` are the tools that the host is not told of."""

    outgoing: Outgoing
    left_out: tuple[LeftOut, ...]

    def stream(self) -> Answer:
        """What makes the client's stream of the host's."""

    def events(self) -> ChatAnswer | MessagesAnswer:
        """The same as events."""

    async def whole(self, source: pump.Source) -> tuple[bytes, Usage]:
        """The host's answer as one message, and what it took.

        Raises:
            UpstreamError: the answer was not completed.
        """

    def salvaged(self, answer: Answer | MessagesAnswer, refusal: Refusal) -> list[Event] | None:
        """The events of the answer that a refusal holds, where its calls can be read after all.

        `answer` is what `stream` or `events` gave, and has got nothing yet.
        """

    def with_placeholder(self) -> Outgoing | None:
        """The same with a placeholder for reasoning that is lost; None where none is."""


def translation_of(prompt: Prompt, route: Route, model: Model, *, estimate: int) -> Translation:
    """A request for the host of a route.

    Raises:
        InvalidRequestError: it is none.
    """
    kind = _Chat if route.format is Format.OPENAI else _Relay
    return kind(prompt, route, model, estimate=estimate)


def new_id(prefix: str) -> str:
    """A fresh id of a message or a call."""
    return prefix + secrets.token_hex(ID_BYTES)


class _Chat:
    def __init__(self, prompt: Prompt, route: Route, model: Model, *, estimate: int) -> None:
        self._dialect = DIALECTS[route.dialect]
        chat = to_chat(prompt, dialect=self._dialect, model=model, estimate=estimate)
        self.outgoing, self.left_out = chat.outgoing, chat.left_out
        self._host = route.host
        self._frame = Frame(
            model=a_string(prompt.body["model"]),
            host=route.host,
            window=model.context_window,
            new_id=new_id,
            estimate=estimate,
            tool_names=chat.tool_names,
            stops=chat.stops,
            display=chat.display,
            details_model=chat.details_model,
            offered=chat.offered,
            advice=Advice.of(route, model),
        )

    def stream(self) -> ChatAnswer:
        return ChatAnswer(self._frame)

    events = stream

    async def whole(self, source: pump.Source) -> tuple[bytes, Usage]:
        answer = ChatAnswer(self._frame)
        return dumps(await pump.collect(source, answer, host=self._host)), answer.usage

    def salvaged(self, answer: Answer | MessagesAnswer, refusal: Refusal) -> list[Event] | None:
        return answer.salvaged(refusal) if isinstance(answer, ChatAnswer) else None

    def with_placeholder(self) -> Outgoing | None:
        fields = self._dialect.reasoning_fields
        return with_placeholder(self.outgoing, fields=fields) if fields else None


class _Relay:
    def __init__(self, prompt: Prompt, route: Route, model: Model, *, estimate: int) -> None:
        cache_mark = DIALECTS[route.dialect].cache_mark
        relay = to_relay(prompt, model=model, estimate=estimate, cache_mark=cache_mark)
        self.outgoing, self.left_out = relay.outgoing, relay.left_out
        self._names, self._taken, self._display = relay.tool_names, relay.call_ids, relay.display
        self._host = route.host
        self._window, self._estimate = model.context_window, estimate
        self._advice = Advice.of(route, model)

    def stream(self) -> Passage:
        return Passage(
            host=self._host,
            window=self._window,
            estimate=self._estimate,
            tool_names=self._names,
            ids=AnswerIds(new_id, taken=self._taken),
            display=self._display,
            advice=self._advice,
        )

    def events(self) -> MessagesAnswer:
        return MessagesAnswer(
            host=self._host,
            window=self._window,
            estimate=self._estimate,
            tool_names=self._names,
            display=self._display,
        )

    async def whole(self, source: pump.Source) -> tuple[bytes, Usage]:
        raw = await pump.read_whole(source, self._host)
        try:
            message = loads_object(raw)
        except NotJsonError as error:
            raise UpstreamError(unreadable(self._host, "it is not JSON.")) from error
        if message.get("type") != "message":
            raise UpstreamError(unreadable(self._host, "it is not a message."))
        if not message.get("stop_reason"):
            raise UpstreamError(truncated(self._host))
        usage = usage_of(an_object(message.get("usage")))
        shown = as_displayed(AnswerIds(new_id, taken=self._taken).whole(message), self._display)
        return dumps(with_original_names(shown, self._names)), usage

    def salvaged(self, answer: Answer | MessagesAnswer, refusal: Refusal) -> None:
        """Such hosts tell nothing of an answer that they could not read."""

    def with_placeholder(self) -> Outgoing | None:
        return with_placeholder(self.outgoing)
