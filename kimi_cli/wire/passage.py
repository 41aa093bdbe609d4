"""An Anthropic stream passed on from host to client as it comes, whole events at a time.

Nothing is rewritten but errors, which hosts word and number in their own ways, and names of tools that the host knows
under others. Events go on only when they are whole, so that a ping or an error can stand between any two of them, and a
stream that breaks off is seen to have broken off.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kimi_cli.wire import failure as failures
from kimi_cli.wire.codec import NotJsonError, dumps, loads_object
from kimi_cli.wire.encode import encode, error_event
from kimi_cli.wire.events import BlockStop, Usage
from kimi_cli.wire.foreign import an_int, an_object
from kimi_cli.wire.names import with_original_name
from kimi_cli.wire.refusal import from_stream
from kimi_cli.wire.sse import MAX_EVENT_BYTES, EventTooLargeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.wire.foreign import JsonObject

_NOTABLE: Final = (b"message_", b"content_block_st", b"error", b"\n\n\n")
"""What has to be looked at: events that matter here, and blank lines too many. All others are passed on unread."""

_CONTENT: Final = b"content_block"
_CLOSED_BY_FAILURE: Final = frozenset({"text", "thinking"})
"""Blocks that are worth something without their end. A call is not: half of one must never be carried out."""
_NOTHING: Final = Usage()


class Passage:
    """One relayed answer. `feed` and `finish` return bytes to send; `usage` is what the host has reported so far.

    `tool_names` maps names that had to be changed for the host back to the client's.
    """

    def __init__(
        self, *, host: str, window: int, estimate: int, tool_names: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._host, self._window, self._estimate, self._tool_names = host, window, estimate, tool_names
        self._rest: list[bytes] = []  # pieces of an event whose end has not come yet
        self._rest_size = 0
        self._after_cr = False
        self._open_index: int | None = None  # of a block that a failure closes
        self.usage = Usage()
        self.is_over = False
        self.has_content = False
        self.failure: failures.Failure | None = None

    @property
    def is_answered(self) -> bool:
        """The last event carries the counts, so there is nothing to wait for before it."""
        return self.is_over

    def start(self) -> bytes:
        """Nothing: the message begins when the host says so."""
        return b""

    def feed(self, data: bytes) -> bytes:
        """The events that `data` completed."""
        if self.is_over:
            return b""
        data = self._with_line_feeds(data)
        if not data:
            return b""
        end = data.rfind(b"\n\n") + 2
        if end < 2:
            is_cut = data.startswith(b"\n") and self._rest and self._rest[-1].endswith(b"\n")
            end = 1 if is_cut else 0
        passed = b""
        if end:
            passed = self._pass(b"".join((*self._rest, data[:end])))
            self._rest.clear()
            self._rest_size = 0
        if rest := data[end:]:
            self._rest.append(rest)
            self._rest_size += len(rest)
            if self._rest_size > MAX_EVENT_BYTES:
                return passed + self.fail(failures.unreadable(self._host, f"{EventTooLargeError(MAX_EVENT_BYTES)}."))
        return passed

    def finish(self) -> bytes:
        """The end of the host's stream: nothing, or an error where the message had not ended."""
        rest = b"".join(self._rest).strip(b"\n")
        # Half an event would only keep the client from reading the error behind it.
        passed = self._pass(rest + b"\n\n") if rest and not self.is_over and _is_whole(rest) else b""
        return passed + (b"" if self.is_over else self.fail(failures.truncated(self._host)))

    def fail(self, failure: failures.Failure) -> bytes:
        """End the stream with a failure, and close what was being said, for Claude Code goes on from whole blocks."""
        if self.is_over:
            return b""
        self.is_over, self.failure = True, failure
        closed = b"" if self._open_index is None else encode(BlockStop(self._open_index))
        return closed + error_event(failure)

    def _with_line_feeds(self, data: bytes) -> bytes:
        """The data with LF for every line end: a CR that ended the last read has ended its line already."""
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data

    def _pass(self, whole: bytes) -> bytes:
        """Whole events, looked at where there is something to see."""
        self.has_content = self.has_content or _CONTENT in whole
        if not any(word in whole for word in _NOTABLE) and not whole.startswith(b"\n"):
            return whole
        # Blank lines too many are dropped, for whether they stand before an event or behind one depends on the reads.
        events = (event.strip(b"\n") for event in whole.split(b"\n\n"))
        return b"".join(self._look(event + b"\n\n") for event in events if event)

    def _look(self, event: bytes) -> bytes:
        if self.is_over:
            return b""
        data = _data_of(event)
        try:
            fields = loads_object(data) if data else {}
        except NotJsonError:
            return self.fail(failures.unreadable(self._host, "an event is not JSON."))
        kind = fields.get("type")
        if kind == "error" or _is_error(event) or (kind is None and "error" in fields):
            error = fields.get("error", fields)
            refusal = from_stream(host=self._host, error=error, window=self._window, estimate=self._estimate)
            return self.fail(failures.classify(refusal))
        match kind:
            case "message_start":
                self.usage = usage_of(an_object(an_object(fields.get("message")).get("usage")), self.usage)
            case "content_block_start":
                block = an_object(fields.get("content_block"))
                self._open_index = an_int(fields.get("index")) if block.get("type") in _CLOSED_BY_FAILURE else None
                named = with_original_name(block, self._tool_names)
                if named is not block:
                    return b"event: content_block_start\ndata: " + dumps({**fields, "content_block": named}) + b"\n\n"
            case "content_block_stop":
                self._open_index = None
            case "message_delta":
                self.usage = usage_of(an_object(fields.get("usage")), self.usage)
            case "message_stop":
                self.is_over = True
            case _:
                pass
        return event


def _data_of(event: bytes) -> bytes:
    return b"\n".join(line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:"))


def _is_error(event: bytes) -> bool:
    return any(line.startswith(b"event:") and line[6:].strip() == b"error" for line in event.split(b"\n"))


def _is_whole(event: bytes) -> bool:
    try:
        loads_object(_data_of(event))
    except NotJsonError:
        return False
    return True


def usage_of(usage: JsonObject, before: Usage = _NOTHING) -> Usage:
    """Anthropic's usage as ours. Its counts are cumulative: one that is there replaces the one from before."""
    fresh = an_int(usage.get("input_tokens"))
    cached = an_int(usage.get("cache_read_input_tokens"))
    output = an_int(usage.get("output_tokens"))
    written = an_int(usage.get("cache_creation_input_tokens")) or 0
    return Usage(
        before.input_tokens if fresh is None else fresh + written,
        before.cached_tokens if cached is None else cached,
        before.output_tokens if output is None else output,
    )
