"""One message request and its answer: hosts are asked until one answers, and what it took is counted and logged."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from aiohttp import web

from kimi_cli.proxy import pump
from kimi_cli.proxy.account import entry_of
from kimi_cli.proxy.admission import HOLD_SECONDS
from kimi_cli.proxy.attempt import Asked, Attempt
from kimi_cli.proxy.client import Client
from kimi_cli.proxy.keys import ESTIMATES, LEDGER, MEDIA, RECOVERY, REQUEST_ID, UPSTREAM, WEB
from kimi_cli.proxy.recovery import BUDGET_BESIDE, is_temporary
from kimi_cli.proxy.refused import RefusedError
from kimi_cli.proxy.tool_loop import loop_for
from kimi_cli.proxy.upstream import UpstreamError
from kimi_cli.wire.codec import dumps
from kimi_cli.wire.collect import Collector
from kimi_cli.wire.encode import encode
from kimi_cli.wire.events import Failed, MessageStop
from kimi_cli.wire.failure import InvalidRequestError, truncated
from kimi_cli.wire.foreign import a_string
from kimi_cli.wire.tokens import measure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kimi_cli.providers.route import Route
    from kimi_cli.proxy.sessions import Session
    from kimi_cli.proxy.trace import Trace
    from kimi_cli.wire.events import Event, Usage
    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.prompt import Prompt
    from kimi_cli.wire.tools import LeftOut

CLIENT_GONE: Final = 499
"""What the log says of a request whose client left before there was a status."""
MIN_ROOM: Final = 4_096
"""Tokens that a window must leave for the answer, for another host to be worth asking."""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Exchange:
    """One request of a session. `run` answers it; its content is never logged.

    `trace` notes more than that, where somebody wants more.
    """

    def __init__(self, request: web.Request, session: Session, prompt: Prompt, *, trace: Trace | None = None) -> None:
        self._request = request
        self._trace = trace
        self._session = session
        self._is_streaming = prompt.body.get("stream") is True
        prompt = prompt.changed(session.memory.put_back(prompt.body))
        body = prompt.body
        self._app = app = request.app
        self._asked = Asked(
            prompt=prompt,
            route=session.route,
            upstream=app[UPSTREAM],
            media=app[MEDIA],
            estimates=app[ESTIMATES],
            trace=trace,
            patience=BUDGET_BESIDE if session.failover.has_another else HOLD_SECONDS,
        )
        can_force = session.route.model_for(a_string(body.get("model"))).forced_tools
        self._loop = loop_for(body, session, model=self, web=app[WEB], can_force=can_force)
        self._attempt: Attempt | None = None
        self._attempts = self._steps = 0
        self._tokens: Counter[str] = Counter()
        self._fields: dict[str, object] = {
            "request_id": request[REQUEST_ID],
            "session": session.id,
            "model": session.route.model_for(a_string(body.get("model"))).id,
        }

    async def run(self) -> web.StreamResponse:
        """The answer to the client.

        Raises:
            InvalidRequestError: the request is not one.
            RefusedError: no host could answer, and nothing was sent.
        """
        self._session.requests += 1
        self._session.streams += 1
        started, status = time.monotonic(), CLIENT_GONE
        try:
            response = await (self._stream() if self._is_streaming else self._whole())
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
            if self._steps:
                self._fields["steps"] = self._steps
            if self._attempts > max(1, self._steps):
                self._fields["attempts"] = self._attempts
            self._fields |= {"status": status, "seconds": round(time.monotonic() - started, 3)}
            _log.info("message", extra={"fields": self._fields})
        return response

    async def _stream(self) -> web.StreamResponse:
        headers = {"request-id": self._request[REQUEST_ID]}
        client = Client(self._request, headers, tap=self._trace.sent if self._trace is not None else None)
        try:
            with client.pinging():
                await self._fill(client)
        except (InvalidRequestError, RefusedError) as error:
            if not client.is_open:
                raise
            self._fields["failure"] = error.failure.message
            # Pings have gone out, and no status can follow. Of errors inside a stream that says nothing else, overload
            # is the one that Claude Code asks again after.
            is_worth_it = is_temporary(error.failure)
            await client.fail(replace(error.failure, kind="overloaded_error") if is_worth_it else error.failure)
        except asyncio.CancelledError:
            if self._session.end_reason is not None:
                # A loop's client has had other blocks than the host's answer, which may even be over.
                answer = self._attempt.answer if self._attempt is not None and self._loop is None else None
                await pump.interrupt(client, answer, self._session.end_reason)
            raise
        return await client.close()

    async def _fill(self, client: Client) -> None:
        if self._loop is None:
            await self._recovered(self._asked, lambda attempt, begun: attempt.stream(client, begun=begun))
            return

        async def emit(events: Sequence[Event]) -> None:
            client.is_over = any(isinstance(event, Failed | MessageStop) for event in events)
            out = b"".join(map(encode, events))
            if out:
                await client.write(client.conceal(out) if client.is_over else out)

        await self._loop.run(emit)

    async def ask(self, request: JsonObject, hear: Callable[[Sequence[Event]], Awaitable[None]]) -> None:
        """One step of the loop: the model's answer to a request that grew out of the client's."""
        asked = replace(self._asked, prompt=self._asked.prompt.changed(request))
        self._steps += 1
        await self._recovered(asked, lambda attempt, begun: attempt.hear(hear, begun=begun))

    async def _message(self) -> bytes:
        if self._loop is None:
            return await self._recovered(self._asked, lambda attempt, _: attempt.whole())
        collector = Collector()

        async def emit(events: Sequence[Event]) -> None:
            collector.feed(events)

        await self._loop.run(emit)
        if collector.message is None:
            raise UpstreamError(collector.failure or truncated(self._session.route.host))
        return dumps(collector.message)

    async def _whole(self) -> web.StreamResponse:
        body = await self._message()
        if self._trace is not None:
            self._trace.sent(body)
        headers = {"request-id": self._request[REQUEST_ID]}
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def _recovered(self, asked: Asked, use: Callable[[Attempt, Callable[[], None]], Awaitable[_T]]) -> _T:
        """What `use` gives for the first host that answers; it is also given what to call once that host does."""

        async def ask(route: Route, begun: Callable[[], None]) -> _T:
            self._attempts += 1
            self._attempt = attempt = Attempt(asked, route)

            def answered() -> None:
                begun()
                asked.forget()

            try:
                return await use(attempt, answered)
            finally:
                self._note(attempt)

        failover, recovery = self._session.failover, self._app[RECOVERY]
        known = {name: self._fields[name] for name in ("request_id", "session")}
        return await recovery.run(ask, failover, fits=partial(self._fits, asked), fields=known)

    def _fits(self, asked: Asked, route: Route) -> bool:
        prompt = asked.prompt
        model = asked.route.counterpart(a_string(prompt.body.get("model")), route)
        size = measure(prompt, vision=model.vision)
        return asked.estimates.tokens(route, model.id, size) + MIN_ROOM <= model.context_window

    def _note(self, attempt: Attempt) -> None:
        """What one attempt took."""
        self._fields["model"] = attempt.model.id
        if attempt.route is not self._session.route:
            self._fields["provider"] = attempt.route.provider
        self._note_left_out(attempt.left_out)
        self._count(attempt.usage)
        self._enter(attempt)
        if attempt.failure is not None:
            self._fields["failure"] = attempt.failure.message
        else:
            self._fields.pop("failure", None)

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

    def _enter(self, attempt: Attempt) -> None:
        """What the attempt cost goes into the ledger, unless its user has switched that off."""
        request_id, estimate = self._request[REQUEST_ID], attempt.estimate
        entry = entry_of(attempt, self._session, request_id=request_id, estimate=estimate, now=time.time())
        if entry is None:
            return
        self._session.spend(entry.cost)
        ledger = self._app.get(LEDGER)
        if ledger is not None and self._session.route.ledger:
            ledger.note(entry)

    def _count(self, usage: Usage) -> None:
        self._session.input_tokens += usage.input_tokens + usage.cached_tokens
        self._session.cached_tokens += usage.cached_tokens
        self._session.output_tokens += usage.output_tokens
        taken = {"input": usage.input_tokens, "cached": usage.cached_tokens, "output": usage.output_tokens}
        self._tokens.update(taken)  # of every step and attempt
        self._fields |= self._tokens
