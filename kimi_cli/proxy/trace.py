"""What is noted of one exchange beside its line in the log: sizes and times at debug level, bodies where recorded."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from kimi_cli.proxy.keys import RECORDER, REQUEST_ID
from kimi_cli.store.bodies import Part
from kimi_cli.wire.encode import error_body
from kimi_cli.wire.foreign import an_int, objects

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp
    from aiohttp import web

    from kimi_cli.proxy.pump import Content, Source
    from kimi_cli.proxy.record import Record
    from kimi_cli.proxy.sessions import Session
    from kimi_cli.wire.answer import Answer
    from kimi_cli.wire.failure import Failure
    from kimi_cli.wire.foreign import JsonObject

_log = logging.getLogger(__name__)

_ID_HEADERS: Final = ("x-request-id", "request-id", "x-msh-request-id", "msh-request-id", "x-trace-id", "cf-ray")
"""Where hosts put the id by which they find a request again, the best one first."""
_ID_LIMIT: Final = 200
_CARRIERS: Final = {
    "system": {"messages"},
    "max_tokens": {"max_completion_tokens"},
    "stop_sequences": {"stop"},
    "thinking": {"reasoning_effort", "reasoning", "chat_template_kwargs"},
    "output_config": {"reasoning_effort", "reasoning", "response_format"},
    "output_format": {"response_format"},
    "metadata": {"prompt_cache_key"},
}
"""Fields of the client's that reach a host under other names."""


class Trace:
    """The notes on one exchange, made only for those that want some. What is in a body is in its record alone."""

    def __init__(self, request_id: str, session: Session, *, record: Record | None) -> None:
        self._fields = {"request_id": request_id, "session": session.id}
        self._record = record
        self._received_bytes = 0
        self._asked_at: float | None = None
        self._answer: Answer | None = None
        self._head: dict[str, object] = {}
        self._times: dict[str, float] = {}
        self._counts = {"host_bytes": 0, "client_bytes": 0}

    @classmethod
    def of(cls, request: web.Request, session: Session) -> Trace | None:
        """The notes on a request; None where nothing is to be noted, which is the usual case."""
        recorder = request.app.get(RECORDER) if session.record else None
        if recorder is None and not _log.isEnabledFor(logging.DEBUG):
            return None
        request_id = request[REQUEST_ID]
        return cls(request_id, session, record=None if recorder is None else recorder.open(request_id))

    def received(self, data: bytes) -> None:
        """The client's request, as it came."""
        self._received_bytes = len(data)
        self._note(Part.CLIENT_REQUEST, data)

    def asking(self, asked: JsonObject, body: JsonObject, data: bytes) -> None:
        """What the client `asked` goes to the host as `body`, which is `data`."""
        self._asked_at = time.monotonic()
        facts = {
            "messages": len(objects(body.get("messages"))),
            "tools": len(objects(body.get("tools"))),
            "max_tokens": an_int(body.get("max_completion_tokens", body.get("max_tokens"))),
            "stream": asked.get("stream") is True,
            "received_bytes": self._received_bytes,
            "sent_bytes": len(data),
            "fields": sorted(body),
            "dropped": sorted(name for name in asked if not ({name, *_CARRIERS.get(name, ())} & body.keys())),
        }
        _log.debug("host asked", extra={"fields": self._fields | facts})
        self._note(Part.HOST_REQUEST, data)

    def answered(self, answer: aiohttp.ClientResponse) -> Source:
        """The head of the host's answer is there; what is returned is to be read instead of it."""
        self._time("headers")
        found = (answer.headers.get(name) for name in _ID_HEADERS)
        host_id = next((value[:_ID_LIMIT] for value in found if value), None)
        self._head = {"host_status": answer.status, "host_request_id": host_id}
        return _TracedSource(answer, self)

    def heard(self, data: bytes) -> None:
        """A piece of the host's answer."""
        if data:
            self._time("first_byte")
            self._counts["host_bytes"] += len(data)
            self._note(Part.HOST_ANSWER, data)

    def watch(self, answer: Answer) -> None:
        """What is streamed to the client is this answer."""
        self._answer = answer

    def sent(self, data: bytes) -> None:
        """A piece of what the client is answered."""
        if self._answer is not None and self._answer.has_content:
            self._time("first_content")
        self._counts["client_bytes"] += len(data)
        self._note(Part.CLIENT_ANSWER, data)

    def refused(self, failure: Failure) -> None:
        """The client is answered with a failure, and with nothing before it."""
        self.sent(error_body(failure, self._fields["request_id"]))

    def end(self) -> None:
        """The exchange is over, well or not."""
        if self._asked_at is not None:
            event = "host answered" if self._head else "host did not answer"
            _log.debug(event, extra={"fields": self._fields | self._head | self._times | self._counts})
        if self._record is not None:
            self._record.close()

    def _note(self, part: Part, data: bytes) -> None:
        if self._record is not None:
            self._record.add(part, data)

    def _time(self, name: str) -> None:
        """Seconds since the host was asked, the first time."""
        if self._asked_at is not None and name not in self._times:
            self._times[name] = round(time.monotonic() - self._asked_at, 3)


class _TracedSource:
    """A host's answer whose reads are noted."""

    def __init__(self, answer: aiohttp.ClientResponse, trace: Trace) -> None:
        self.content_type = answer.content_type
        self.content: Content = _TracedContent(answer.content, trace)


class _TracedContent:
    def __init__(self, content: aiohttp.StreamReader, trace: Trace) -> None:
        self._content, self._trace = content, trace

    async def readany(self) -> bytes:
        data = await self._content.readany()
        self._trace.heard(data)
        return data

    async def iter_any(self) -> AsyncIterator[bytes]:
        async for data in self._content.iter_any():
            self._trace.heard(data)
            yield data
