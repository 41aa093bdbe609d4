"""One message request and its answer: translated for a host of OpenAI's format, relayed to one of Anthropic's."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import TYPE_CHECKING, Final

from aiohttp import web

from kimi_cli.providers.dialect import DIALECTS
from kimi_cli.providers.provider import Format
from kimi_cli.proxy import pump
from kimi_cli.proxy.keys import REQUEST_ID, UPSTREAM
from kimi_cli.proxy.refused import RefusedError
from kimi_cli.proxy.upstream import UpstreamError
from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.codec import NotJsonError, dumps, dumps_strict, loads_object
from kimi_cli.wire.failure import InvalidRequestError, unreadable
from kimi_cli.wire.foreign import a_string, an_object
from kimi_cli.wire.names import with_original_names
from kimi_cli.wire.passage import Passage, usage_of
from kimi_cli.wire.relay import to_relay
from kimi_cli.wire.request import to_chat
from kimi_cli.wire.stream import Frame
from kimi_cli.wire.tokens import estimate_request

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from kimi_cli.proxy.sessions import Session
    from kimi_cli.proxy.trace import Trace
    from kimi_cli.wire.answer import Answer
    from kimi_cli.wire.events import Usage
    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.tools import LeftOut

ID_BYTES: Final = 15
"""Randomness of a message or call id: enough that no two ever meet."""
CLIENT_GONE: Final = 499
"""What the log says of a request whose client left before there was a status."""

_log = logging.getLogger(__name__)


class Exchange:
    """One request of a session. `run` answers it; what it took is counted and logged, its content never.

    `trace` notes more than that, where somebody wants more.
    """

    def __init__(self, request: web.Request, session: Session, body: JsonObject, *, trace: Trace | None = None) -> None:
        self._request = request
        self._trace = trace
        self._session = session
        self._body = body
        self._route = session.route
        self._model = session.route.model_for(a_string(body.get("model")))
        self._estimate = estimate_request(body)
        self._fields: dict[str, object] = {
            "request_id": request[REQUEST_ID],
            "session": session.id,
            "model": self._model.id,
        }

    async def run(self) -> web.StreamResponse:
        """The answer to the client.

        Raises:
            InvalidRequestError: the request is not one.
            UpstreamError: the host failed before anything was sent.
        """
        self._session.requests += 1
        self._session.streams += 1
        started, status = time.monotonic(), CLIENT_GONE
        try:
            is_chat = self._route.format is Format.OPENAI
            response = await (self._translate() if is_chat else self._relay())
            status = response.status
        except (InvalidRequestError, RefusedError) as error:
            status = error.failure.status
            self._fields["failure"] = error.failure.message
            if self._trace is not None:
                self._trace.refused(error.failure)
            raise
        finally:
            if self._trace is not None:
                self._trace.end()
            self._session.streams -= 1
            self._fields |= {"status": status, "seconds": round(time.monotonic() - started, 3)}
            _log.info("message", extra={"fields": self._fields})
        return response

    async def _translate(self) -> web.StreamResponse:
        dialect = DIALECTS[self._route.dialect]
        chat = to_chat(self._body, dialect=dialect, model=self._model, estimate=self._estimate)
        self._note_left_out(chat.left_out)
        answer = ChatAnswer(
            Frame(
                model=a_string(self._body["model"]),
                host=self._route.host,
                window=self._model.context_window,
                new_id=lambda prefix: prefix + secrets.token_hex(ID_BYTES),
                estimate=self._estimate,
                tool_names=chat.tool_names,
                stops=chat.stops,
            )
        )
        async with self._ask(chat.body) as source:
            if self._is_streaming:
                return await self._stream(source, answer)
            message = await pump.collect(source, answer, host=self._route.host)
            self._count(answer.usage)
            return self._json(dumps(message))

    async def _relay(self) -> web.StreamResponse:
        relay = to_relay(self._body, model=self._model, estimate=self._estimate)
        self._note_left_out(relay.left_out)
        host, names = self._route.host, relay.tool_names
        async with self._ask(relay.body) as source:
            if self._is_streaming:
                window = self._model.context_window
                answer = Passage(host=host, window=window, estimate=self._estimate, tool_names=names)
                return await self._stream(source, answer)
            raw = await pump.read_whole(source, host)
            try:
                message = loads_object(raw)
            except NotJsonError as error:
                raise UpstreamError(unreadable(host, "it is not JSON.")) from error
            if message.get("type") != "message":
                raise UpstreamError(unreadable(host, "it is not a message."))
            self._count(usage_of(an_object(message.get("usage"))))
            return self._json(dumps(with_original_names(message, names)) if names else raw)

    async def _stream(self, source: pump.Source, answer: Answer) -> web.StreamResponse:
        tap = None
        if self._trace is not None:
            self._trace.watch(answer)
            tap = self._trace.sent
        client = pump.Client(self._request, {"request-id": self._request[REQUEST_ID]}, tap=tap)
        try:
            return await pump.stream(client, source, answer, host=self._route.host)
        except asyncio.CancelledError:
            if self._session.end_reason is not None:
                await pump.interrupt(client, answer, self._session.end_reason)
            raise
        finally:
            self._count(answer.usage)
            if answer.failure is not None:
                self._fields["failure"] = answer.failure.message

    def _ask(self, body: JsonObject) -> AbstractAsyncContextManager[pump.Source]:
        upstream, window = self._request.app[UPSTREAM], self._model.context_window
        data = dumps_strict(body)
        if self._trace is not None:
            self._trace.asking(self._body, body, data)
        return upstream.ask(self._route, data, window=window, estimate=self._estimate, trace=self._trace)

    @property
    def _is_streaming(self) -> bool:
        return self._body.get("stream") is True

    def _json(self, body: bytes) -> web.Response:
        if self._trace is not None:
            self._trace.sent(body)
        headers = {"request-id": self._request[REQUEST_ID]}
        return web.Response(body=body, content_type="application/json", headers=headers)

    def _note_left_out(self, left_out: tuple[LeftOut, ...]) -> None:
        """Every request's line names the tools that the host is not told of; a line of its own says why, once."""
        if not left_out:
            return
        self._fields["tools_left_out"] = [tool.name for tool in left_out]
        news = [tool for tool in left_out if self._session.left_out.get(tool.name) != tool.reason]
        for reason in dict.fromkeys(tool.reason for tool in news):
            names = [tool.name for tool in news if tool.reason == reason]
            self._session.left_out |= dict.fromkeys(names, reason)
            fields = {"session": self._session.id, "tools": names, "reason": reason}
            _log.warning("tools left out", extra={"fields": fields})

    def _count(self, usage: Usage) -> None:
        self._session.input_tokens += usage.input_tokens + usage.cached_tokens
        self._session.cached_tokens += usage.cached_tokens
        self._session.output_tokens += usage.output_tokens
        self._fields |= {"input": usage.input_tokens, "cached": usage.cached_tokens, "output": usage.output_tokens}
