"""A host's answer on its way to the client: decoder, reducer and encoder in a row.

`Passage` does for an Anthropic-format host what `ChatAnswer` does for a chat completion, behind the same few methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from kimi_cli.wire import failure as failures
from kimi_cli.wire.codec import NotJsonError, loads_object
from kimi_cli.wire.delta import said_in
from kimi_cli.wire.encode import encode
from kimi_cli.wire.events import Event, Failed, InputDelta, MessageDelta, MessageStart, ToolUseStart, Usage
from kimi_cli.wire.runs import Runs
from kimi_cli.wire.sse import EventTooLargeError, SseDecoder
from kimi_cli.wire.stream import Frame, Reducer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimi_cli.wire.failure import Failure
    from kimi_cli.wire.refusal import Refusal

DONE: Final = b"[DONE]"
_CALL: Final = (ToolUseStart, InputDelta)
_SAYS_NOTHING: Final = (MessageStart, Failed, *_CALL)
"""Events without which a client has nothing; of a call it is the end."""


class Answer(Protocol):
    """An answer that arrives in pieces: bytes of the host in, bytes for the client out."""

    @property
    def is_over(self) -> bool:
        """Whether the last byte for the client has been returned."""

    @property
    def is_answered(self) -> bool:
        """Whether nothing but last counts can still come."""

    @property
    def has_content(self) -> bool:
        """Whether anything of the message itself has been returned, so that a failure comes too late for a status."""

    @property
    def failure(self) -> Failure | None:
        """What ended the answer, where it was not completed."""

    @property
    def usage(self) -> Usage:
        """The tokens that the host has reported so far."""

    def feed(self, data: bytes) -> bytes:
        """What one read of the host's stream amounts to."""

    def finish(self) -> bytes:
        """What the end of the host's stream amounts to."""

    def fail(self, failure: Failure) -> bytes:
        """End the answer with a failure of ours, or of the connection's."""


class ChatAnswer:
    """A stream of chat completion chunks as an Anthropic message: as bytes, or as the events themselves.

    A call before which nothing was said is kept back until it is whole: Claude Code asks again for an answer that
    breaks off in text or reasoning, and gives up on one of which it has half a call and nothing else.
    """

    def __init__(self, frame: Frame) -> None:
        self._host = frame.host
        self._decoder = SseDecoder()
        self._reducer = Reducer(frame)
        self._runs = Runs(said_in)
        self._held: list[bytes] = []
        self.has_content = False
        self.failure: Failure | None = None
        self.usage = Usage()

    @property
    def is_over(self) -> bool:
        """Whether the terminal event has been returned."""
        return self._reducer.is_over

    @property
    def is_answered(self) -> bool:
        """Whether only the usage is still awaited."""
        return self._reducer.is_answered

    def feed(self, data: bytes) -> bytes:
        """Everything decoded from one read, as one piece to write."""
        return self._encoded(self.events(data))

    def finish(self) -> bytes:
        """The end of the message."""
        return self._encoded(self.end())

    def fail(self, failure: Failure) -> bytes:
        """An error in place of the rest."""
        return self._encoded(self.failed(failure))

    def failed(self, failure: Failure) -> list[Event]:
        """The events of such an error."""
        return self._noted(self._reducer.fail(failure))

    def events(self, data: bytes) -> list[Event]:
        """The events of one read."""
        if self.is_over:
            return []
        if self._runs.is_known and (begun := self._decoder.unread()):
            data = begun + data
        events: list[Event] = []
        at = 0
        while at < len(data) and not self.is_over:
            # A run has to begin where a chunk does, and in the middle of one there is something to unread.
            text, end = self._runs.read(data, at)
            if text is None:
                events += self._decoded(data[at:end])
            else:
                events += self._reducer.say(text, key=self._runs.key)
            at = end
        return self._noted(events)

    def _decoded(self, data: bytes) -> list[Event]:
        try:
            payloads = self._decoder.feed(data)
        except EventTooLargeError as error:
            events = self._reduced(error.events)
            return [*events, *self._reducer.fail(failures.unreadable(self._host, f"{error}."))]
        return self._reduced(payloads)

    def end(self) -> list[Event]:
        """The events of the stream's end. Half an event, which a stream that breaks off leaves behind, says nothing."""
        if self.is_over:
            return []
        payloads = filter(_is_whole, self._decoder.finish())
        return self._noted([*self._reduced(payloads), *self._reducer.finish()])

    def feed_whole(self, body: bytes) -> bytes:
        """A completion that came in one piece, as the stream that the client asked for."""
        return self._encoded(self.whole(body))

    def whole(self, body: bytes) -> list[Event]:
        """The events of a completion that came in one piece, as JSON instead of a stream."""
        return self._noted([*self._reduced([body]), *self._reducer.finish()])

    def salvaged(self, refusal: Refusal) -> list[Event] | None:
        """The events of the answer that a refused request had, where its calls can be read after all; else None."""
        events = self._reducer.salvage(refusal)
        return None if events is None else self._noted(events)

    def _reduced(self, payloads: Iterable[bytes]) -> list[Event]:
        events: list[Event] = []
        for payload in payloads:
            if payload.strip() == DONE:
                events += self._reducer.finish()
                break
            try:
                chunk = loads_object(payload)
                events += self._reducer.feed(chunk)
                self._runs.learn(chunk, payload, b"data: %b\n\n" % payload)
            except NotJsonError:
                events += self._reducer.fail(failures.unreadable(self._host, "a chunk is not JSON."))
            except RecursionError:
                events += self._reducer.fail(failures.unreadable(self._host, "a chunk is nested too deeply."))
        return events

    def _noted(self, events: list[Event]) -> list[Event]:
        for event in events:
            if isinstance(event, Failed):
                self.failure = event.failure
            elif isinstance(event, MessageDelta):
                self.usage = event.usage
        if not self.has_content:
            self.has_content = not all(isinstance(event, _SAYS_NOTHING) for event in events)
        return events

    def _encoded(self, events: list[Event]) -> bytes:
        out = b"".join(map(encode, events))
        if not self.has_content and not self.is_over and (self._held or any(isinstance(one, _CALL) for one in events)):
            self._held.append(out)
            return b""
        if self._held:
            out = b"".join((*self._held, out)) if self.has_content else out
            self._held.clear()
        return out


def _is_whole(payload: bytes) -> bool:
    if payload.strip() == DONE:
        return True
    try:
        loads_object(payload)
    except NotJsonError:
        return False
    return True
