"""An Anthropic stream read into events, for whoever has more to do with an answer than to pass it on.

Unlike `passage`, which passes bytes on, this takes every event apart. Blocks of kinds that are not known, and events
that mean nothing to a message, are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimi_cli.wire import failure as failures
from kimi_cli.wire.codec import NotJsonError, dumps_text, loads_object
from kimi_cli.wire.events import (
    BlockStop,
    Event,
    Failed,
    InputDelta,
    MessageDelta,
    MessageStart,
    MessageStop,
    SignatureDelta,
    TextDelta,
    TextStart,
    ThinkingDelta,
    ThinkingStart,
    ToolUseStart,
    Usage,
)
from kimi_cli.wire.foreign import a_string, an_int, an_object, objects
from kimi_cli.wire.omission import Omission, as_displayed
from kimi_cli.wire.passage import usage_of
from kimi_cli.wire.refusal import from_stream
from kimi_cli.wire.sequence import DisorderError, Sequence
from kimi_cli.wire.sse import EventTooLargeError, SseDecoder
from kimi_cli.wire.thinking import Display

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kimi_cli.wire.foreign import JsonObject


class MessagesAnswer:
    """One answer of a host of Anthropic's format: bytes in, events out. Exactly one terminal event ends them.

    `tool_names` maps the names that the host saw to the client's; `display` is how much of the reasoning it sees.
    """

    def __init__(
        self,
        *,
        host: str,
        window: int,
        estimate: int,
        tool_names: Mapping[str, str],
        display: Display = Display.SHOWN,
    ) -> None:
        self._host, self._window, self._estimate, self._tool_names = host, window, estimate, tool_names
        self._display, self._omission = display, Omission(display)
        self._decoder = SseDecoder()
        self._sequence = Sequence(ids=None, tool_names={})
        self._open: int | None = None  # the host's index of the block that is open
        self._blocks = 0
        self.usage = Usage()
        self.is_over = False
        self.failure: failures.Failure | None = None

    @property
    def is_answered(self) -> bool:
        """The last event carries the counts, so there is nothing to wait for before it."""
        return self.is_over

    @property
    def has_content(self) -> bool:
        """Whether a block has begun."""
        return self._blocks > 0

    def events(self, data: bytes) -> list[Event]:
        """The events of one read."""
        if self.is_over:
            return []
        try:
            payloads = self._decoder.feed(data)
        except EventTooLargeError as error:
            return [*self._read(error.events), *self.failed(failures.unreadable(self._host, f"{error}."))]
        return self._read(payloads)

    def end(self) -> list[Event]:
        """The end of the stream, which is a failure where the message has not ended."""
        return [] if self.is_over else self.failed(failures.truncated(self._host))

    def whole(self, body: bytes) -> list[Event]:
        """The events of a message that came in one piece."""
        try:
            message = loads_object(body)
        except NotJsonError:
            return self.failed(failures.unreadable(self._host, "it is not JSON."))
        if message.get("type") != "message":
            return self._taken({**message, "type": "error"})
        if not a_string(message.get("stop_reason")):
            return self.failed(failures.truncated(self._host))
        events = self._taken({"type": "message_start", "message": message})
        for index, block in enumerate(objects(as_displayed(message, self._display).get("content"))):
            events += self._taken({"type": "content_block_start", "index": index, "content_block": block})
            for delta in _deltas(block):
                events += self._taken({"type": "content_block_delta", "index": index, "delta": delta})
            events += self._taken({"type": "content_block_stop", "index": index})
        events += self._taken({"type": "message_delta", "delta": message, "usage": message.get("usage")})
        return [*events, *self._taken({"type": "message_stop"})]

    def failed(self, failure: failures.Failure) -> list[Event]:
        """End the answer with a failure, after what was open."""
        if self.is_over:
            return []
        self.is_over = True
        self.failure = failure
        closing: list[Event] = [] if self._open is None else [BlockStop(self._blocks - 1)]
        return [*closing, Failed(failure)]

    def _read(self, payloads: Iterable[bytes]) -> list[Event]:
        events: list[Event] = []
        for payload in payloads:
            if self.is_over:
                break
            try:
                events += self._take(loads_object(payload))
            except NotJsonError:
                events += self.failed(failures.unreadable(self._host, "an event is not JSON."))
        return events

    def _take(self, event: JsonObject) -> list[Event]:
        """The events of one of the host's, brought into order first."""
        if event.get("type") == "message_stop" and not self._sequence.has_reason:
            return self.failed(failures.truncated(self._host))
        try:
            ordered = self._sequence.take(event)
        except DisorderError as error:
            return self.failed(failures.unreadable(self._host, f"{error}"))
        if self._display is not Display.SHOWN:
            ordered = [left for one in ordered for left in self._omission.take(one)]
        return [taken for one in ordered for taken in self._taken(one)]

    def _taken(self, event: JsonObject) -> list[Event]:
        match event.get("type"):
            case "message_start":
                message = an_object(event.get("message"))
                self.usage = usage_of(an_object(message.get("usage")), self.usage)
                return [MessageStart(a_string(message.get("id")), a_string(message.get("model")), self._whole_usage())]
            case "content_block_start":
                return self._start(an_int(event.get("index")) or 0, an_object(event.get("content_block")))
            case "content_block_delta":
                return self._delta(event.get("index"), an_object(event.get("delta")))
            case "content_block_stop" if self._open is not None and event.get("index") == self._open:
                self._open = None
                return [BlockStop(self._blocks - 1)]
            case "message_delta":
                self.usage = usage_of(an_object(event.get("usage")), self.usage)
                delta = an_object(event.get("delta"))
                if not (reason := a_string(delta.get("stop_reason"))):
                    return []  # counts alone, which stand in the last one as well
                self.usage = self._whole_usage()
                return [MessageDelta(reason, a_string(delta.get("stop_sequence")) or None, self.usage)]
            case "message_stop":
                self.is_over = True
                return [MessageStop()]
            case "error":
                error = event.get("error", event)
                refusal = from_stream(host=self._host, error=error, window=self._window, estimate=self._estimate)
                return self.failed(failures.classify(refusal))
            case _:
                return []

    def _whole_usage(self) -> Usage:
        """The usage, with our estimate where the host reports nothing of the prompt."""
        if self.usage.input_tokens + self.usage.cached_tokens:
            return self.usage
        return self.usage._replace(input_tokens=self._estimate)

    def _start(self, index: int, block: JsonObject) -> list[Event]:
        opened: Event
        number = self._blocks
        match block.get("type"):
            case "text":
                opened = TextStart(number)
            case "thinking":
                opened = ThinkingStart(number)
            case "tool_use":
                name = a_string(block.get("name"))
                opened = ToolUseStart(number, a_string(block.get("id")), self._tool_names.get(name, name))
            case _:
                self._open = None
                return []
        self._open = index
        self._blocks += 1
        return [opened]

    def _delta(self, index: object, delta: JsonObject) -> list[Event]:
        if self._open is None or index != self._open:
            return []
        number = self._blocks - 1
        match delta.get("type"):
            case "text_delta":
                return [TextDelta(number, a_string(delta.get("text")))]
            case "thinking_delta":
                return [ThinkingDelta(number, a_string(delta.get("thinking")))]
            case "input_json_delta":
                return [InputDelta(number, a_string(delta.get("partial_json")))]
            case "signature_delta":
                return [SignatureDelta(number, a_string(delta.get("signature")))]
            case _:
                return []


def _deltas(block: JsonObject) -> list[JsonObject]:
    """What a block that is complete would have been streamed as."""
    match block.get("type"):
        case "text":
            return [{"type": "text_delta", "text": block.get("text")}]
        case "thinking":
            signature = {"type": "signature_delta", "signature": block.get("signature")}
            return [{"type": "thinking_delta", "thinking": block.get("thinking")}, signature]
        case "tool_use":
            return [{"type": "input_json_delta", "partial_json": dumps_text(an_object(block.get("input")))}]
        case _:
            return []
