"""An Anthropic stream passed on from host to client as it comes, whole events at a time.

What is in order is passed on byte for byte, but for the message's id; the rest is brought into order (`sequence`).
Errors, which hosts word and number in their own ways, get the client's. Events go on only when they are whole, so that
a ping or an error can stand between any two of them, and a stream that breaks off is seen to have broken off.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kimi_cli.wire import failure as failures
from kimi_cli.wire.codec import NotJsonError, dumps, loads_object
from kimi_cli.wire.encode import encode, error_event
from kimi_cli.wire.events import BlockStop, Usage
from kimi_cli.wire.failures.advice import NO_ADVICE, Advice
from kimi_cli.wire.foreign import a_string, an_int, an_object
from kimi_cli.wire.omission import Omission
from kimi_cli.wire.refusal import from_stream
from kimi_cli.wire.runs import Runs
from kimi_cli.wire.sequence import DisorderError, Sequence
from kimi_cli.wire.sse import MAX_EVENT_BYTES, EventTooLargeError
from kimi_cli.wire.thinking import Display

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.ids import AnswerIds

_DONE: Final = b"[DONE]"
"""The end of streams in OpenAI's format; some hosts send it here, too."""
_NOTHING: Final = Usage()


class Passage:
    """One relayed answer. `feed` and `finish` return bytes to send; `usage` is what the host has reported so far.

    `tool_names` maps names that had to be changed for the host back to the client's. Without `ids` the host's own stay.
    `display` is what the client sees of the reasoning. `advice` is for the words of a failure.
    """

    def __init__(
        self,
        *,
        host: str,
        window: int,
        estimate: int,
        tool_names: Mapping[str, str] = MappingProxyType({}),
        ids: AnswerIds | None = None,
        display: Display = Display.SHOWN,
        advice: Advice = NO_ADVICE,
    ) -> None:
        self._host, self._window, self._estimate, self._advice = host, window, estimate, advice
        self._sequence = Sequence(ids=ids, tool_names=tool_names)
        self._omission = None if display is Display.SHOWN else Omission(display)
        self._runs = Runs(_said_in)
        self._rest: list[bytes] = []  # pieces of an event whose end has not come yet
        self._rest_size = 0
        self._after_cr = False
        self.usage = Usage()
        self._held: list[bytes] = []
        self.is_over = False
        self.has_content = False
        self.failure: failures.Failure | None = None

    @property
    def is_answered(self) -> bool:
        """The last event carries the counts, so there is nothing to wait for before it."""
        return self.is_over

    def feed(self, data: bytes) -> bytes:
        """The events that `data` completed; a call before which nothing was said is kept back until it is whole."""
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
        index = self._sequence.closable
        if index is None:
            closed = b""
        elif self._omission is None:
            closed = encode(BlockStop(index))
        else:
            closed = b"".join(map(_encoded, self._omission.break_off()))
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
        """Whole events, each of them looked at, but for runs of those that most of a message is made of."""
        out: list[bytes] = []
        at = 0
        while at < len(whole) and not self.is_over:
            text, end = self._runs.read(whole, at)
            if text is not None:
                out.append(whole[at:end])
            else:
                # Blank lines too many are dropped, for whether they stand before an event or behind one depends on the
                # reads.
                events = (event.strip(b"\n") for event in whole[at:end].split(b"\n\n"))
                out += [self._look(event + b"\n\n") for event in events if event]
            at = end
        return b"".join(out)

    def _look(self, event: bytes) -> bytes:
        if self.is_over:
            return b""
        name, data = _parts_of(event)
        if data == _DONE:
            return b""
        try:
            fields = loads_object(data) if data else {}
        except NotJsonError:
            return self.fail(failures.unreadable(self._host, "an event is not JSON."))
        if self._sequence.is_next_piece(fields):
            passed = self._passed([fields], event, fields)
            if passed == event:  # as those that follow will be
                self._runs.learn(fields, data, event)
            return passed
        self._runs.forget()  # pieces of another block would be others
        kind = fields.get("type")
        if kind == "error" or name == b"error" or (kind is None and "error" in fields):
            error = fields.get("error", fields)
            refusal = from_stream(
                host=self._host, error=error, window=self._window, estimate=self._estimate, advice=self._advice
            )
            return self.fail(failures.classify(refusal))
        return self._take(event, fields) if kind is not None else event

    def _take(self, event: bytes, fields: JsonObject) -> bytes:
        """An event in its place."""
        kind = fields["type"]
        if kind == "message_stop" and not self._sequence.has_reason:
            return self.fail(failures.truncated(self._host))
        try:
            taken = self._sequence.take(fields)
        except DisorderError as error:
            return self.fail(failures.unreadable(self._host, f"{error}"))
        if kind == "message_start":
            usage = an_object(an_object(fields.get("message")).get("usage"))
            self.usage = usage_of(usage, self.usage)
            if taken and not self.usage.input_tokens + self.usage.cached_tokens:
                # Where the host has not counted yet, the client would show an empty window.
                message = {**an_object(taken[0].get("message")), "usage": {**usage, "input_tokens": self._estimate}}
                taken = [{**taken[0], "message": message}]
        elif kind == "message_delta":
            self.usage = usage_of(an_object(fields.get("usage")), self.usage)
        elif kind == "message_stop":
            self.is_over = True
        return self._passed(taken, event, fields)

    def _passed(self, taken: list[JsonObject], event: bytes, fields: JsonObject) -> bytes:
        """What the client sees of events that are in order; `event` is the form in which `fields` came."""
        if self._omission is not None:
            taken = [shown for one in taken for shown in self._omission.take(one)]
        if not self.has_content and not self._sequence.is_withholding:
            self.has_content = any("index" in one for one in taken)
        out = b"".join([event if one is fields else _encoded(one) for one in taken])
        if self._sequence.is_withholding:
            self._held.append(out)
            return b""
        if self._held:
            out = b"".join((*self._held, out))
            self._held.clear()
        return out


def _parts_of(event: bytes) -> tuple[bytes, bytes]:
    """The name and the data of an event."""
    head, _, tail = event.rstrip(b"\n").partition(b"\ndata:")
    if head.startswith(b"event:") and b"\n" not in head and b"\n" not in tail:  # as nearly all are
        return head[6:].strip(), tail.strip()
    name, data = b"", []
    for line in event.split(b"\n"):
        if line.startswith(b"data:"):
            data.append(line[5:].strip())
        elif line.startswith(b"event:"):
            name = line[6:].strip()
    return name, data[0] if len(data) == 1 else b"\n".join(data)


def _said_in(event: JsonObject) -> tuple[bytes, str] | None:
    """The name and the string of a piece of a block."""
    delta = an_object(event.get("delta"))
    said = [(name, value) for name, value in delta.items() if name != "type"]
    if len(said) != 1 or not isinstance(said[0][1], str):
        return None
    return said[0][0].encode("utf-8", "surrogatepass"), said[0][1]


def _encoded(fields: JsonObject) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (a_string(fields["type"]).encode(), dumps(fields))


def _is_whole(event: bytes) -> bool:
    try:
        loads_object(_parts_of(event)[1])
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
