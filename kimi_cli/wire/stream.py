"""The reducer: chat completion chunks in, Anthropic events out. Streaming and not, there is only this one.

It holds one open block and one way to change it. Text and reasoning give way at once; a tool call gives way when its
arguments are whole, and what comes before that waits its turn, so blocks never overlap however a host interleaves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from kimi_cli.wire import failure as failures
from kimi_cli.wire.calls import Call, CallList
from kimi_cli.wire.events import (
    BlockStop,
    Event,
    Failed,
    InputDelta,
    MessageDelta,
    MessageStart,
    MessageStop,
    TextDelta,
    TextStart,
    ThinkingDelta,
    ThinkingStart,
    ToolUseStart,
    Usage,
)
from kimi_cli.wire.foreign import a_string, an_int, an_object, objects
from kimi_cli.wire.refusal import from_stream
from kimi_cli.wire.stops import StopScanner
from kimi_cli.wire.tokens import estimate_characters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kimi_cli.wire.foreign import JsonObject

_STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "max_tokens": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
    "stop_sequence": "stop_sequence",
}
_FAILED_FINISHES: Final = frozenset({"error", "abort", "aborted", "cancelled", "insufficient_system_resource"})
"""Finish reasons by which hosts say that they gave up in the middle of an answer."""
_COUNTS: Final = ("prompt_tokens", "completion_tokens")
"""Usage that has neither counts nothing."""


@dataclass(slots=True)
class Text:
    """A text block and the text that waits in it."""

    held: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Thinking:
    """A thinking block and the reasoning that waits in it."""

    held: list[str] = field(default_factory=list)


Block: TypeAlias = Text | Thinking | Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the reducer must know of the request.

    `new_id(prefix)` makes a fresh id: every response and every call gets one, because clients merge messages whose ids
    repeat, and hosts repeat theirs. `tool_names` maps the names that the host saw to the client's. `stops` are the
    stop sequences that the host was not told of. `estimate` is the prompt's size in tokens, until the host says.
    """

    model: str
    host: str
    window: int
    new_id: Callable[[str], str]
    estimate: int = 0
    tool_names: Mapping[str, str] = field(default_factory=dict)
    stops: Sequence[str] = ()


class Reducer:
    """One answer. Call `start`, then `feed` with each chunk, then `finish`; each returns the events to send.

    Exactly one of `MessageStop` and `Failed` ends the events; after it, `is_over` is true and nothing more comes.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._open_block: Block | None = None
        self._waiting: list[Block] = []
        self._index = -1
        self._calls = CallList()
        self._stops = StopScanner(frame.stops)
        self._finish_reason: str | None = None
        self._stop_sequence: str | None = None
        self._usage: Usage | None = None
        self._characters = 0
        self._has_started = False
        self.is_over = False

    @property
    def is_answered(self) -> bool:
        """Whether the answer itself is complete, so that only usage can still come."""
        return self._finish_reason is not None

    def start(self) -> list[Event]:
        """The beginning of the message, once; `feed` and `finish` see to it by themselves."""
        if self._has_started:
            return []
        self._has_started = True
        usage = Usage(input_tokens=self._frame.estimate)
        return [MessageStart(self._frame.new_id("msg_"), self._frame.model, usage)]

    def feed(self, chunk: JsonObject) -> list[Event]:
        """The events of one chunk: `chat.completion.chunk`, or a whole `chat.completion`."""
        if self.is_over:
            return []
        if (error := _error_of(chunk)) is not None:
            frame = self._frame
            refusal = from_stream(host=frame.host, error=error, window=frame.window, estimate=frame.estimate)
            return self.fail(failures.classify(refusal))
        events = [] if self._has_started else self.start()
        if "usage" in chunk or "x_groq" in chunk:
            self._note_usage(chunk.get("usage") or an_object(chunk.get("x_groq")).get("usage"))
        choices = chunk.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            self._take_choice(choices[0], events)
        if self._stops.hit is not None:
            # The host was not told of this stop sequence and would go on; its usage will never come.
            events += self.finish()
        return events

    def finish(self) -> list[Event]:
        """The end of the stream: the end of the message, or a failure where the answer is not complete."""
        if self.is_over:
            return []
        if not self.is_answered and self._stops.hit is None:
            return self.fail(failures.truncated(self._frame.host))
        if self._finish_reason in _FAILED_FINISHES:
            return self.fail(failures.unreadable(self._frame.host, f"it ended with {self._finish_reason!r}."))
        events = self.start()
        self._release(events)
        self._advance(events, is_ended=True)
        if self._waiting:
            return [*events, *self.fail(failures.unreadable(self._frame.host, "a tool call has no name."))]
        self._switch_to(None, events)
        self.is_over = True
        reason = self._stop_reason()
        events += (
            MessageDelta(reason, self._stop_sequence if reason == "stop_sequence" else None, self._final_usage()),
            MessageStop(),
        )
        return events

    def fail(self, failure: failures.Failure) -> list[Event]:
        """End the stream with a failure.

        What was said until then is closed first: Claude Code goes on from blocks that are whole, and gives up over one
        that is not. A call whose arguments are not whole stays open, so that nobody carries it out.
        """
        if self.is_over:
            return []
        self.is_over = True
        events: list[Event] = []
        if not isinstance(self._open_block, Call) or self._open_block.is_complete():
            self._switch_to(None, events)
        return [*events, Failed(failure)]

    def _take_choice(self, choice: JsonObject, events: list[Event]) -> None:
        delta = choice.get("delta")
        self._take_delta(delta if isinstance(delta, dict) else an_object(choice.get("message")), events)
        if reason := choice.get("finish_reason"):
            self._finish_reason = str(reason)
            # vLLM names the sequence that it stopped at.
            self._stop_sequence = a_string(choice.get("stop_reason")) or None
        if "usage" in choice:
            self._note_usage(choice["usage"])

    def _take_delta(self, delta: JsonObject, events: list[Event]) -> None:
        if reasoning := _reasoning_of(delta):
            self._add_thinking(reasoning, events)
        if content := delta.get("content") or delta.get("refusal"):
            for kind, text in _parts_of(content):
                if kind == "thinking":
                    self._add_thinking(text, events)
                elif text := self._stops.feed(text):
                    self._add_text(text, events)
        if calls := delta.get("tool_calls"):
            fragments = objects(calls)
            for place, fragment in enumerate(fragments):
                # Several in one delta are of several calls, also where the host leaves their indices out.
                has_index = fragment.get("index") is not None or len(fragments) == 1
                self._add_call(fragment if has_index else {**fragment, "index": place}, events)
        elif call := delta.get("function_call"):
            self._add_call({"index": 0, "function": call}, events)

    def _add_text(self, text: str, events: list[Event]) -> None:
        self._characters += len(text)
        if isinstance(self._open_block, Text):
            events.append(TextDelta(self._index, text))
        elif self._waiting and isinstance(self._waiting[-1], Text):
            self._waiting[-1].held.append(text)
        else:
            self._waiting.append(Text([text]))
            self._advance(events)

    def _release(self, events: list[Event]) -> None:
        """Show the text that might have begun a stop sequence, for one does not go on in another block."""
        if held := self._stops.finish():
            self._add_text(held, events)

    def _add_thinking(self, reasoning: str, events: list[Event]) -> None:
        self._release(events)
        self._characters += len(reasoning)
        if isinstance(self._open_block, Thinking):
            events.append(ThinkingDelta(self._index, reasoning))
        elif self._waiting and isinstance(self._waiting[-1], Thinking):
            self._waiting[-1].held.append(reasoning)
        else:
            self._waiting.append(Thinking([reasoning]))
            self._advance(events)

    def _add_call(self, fragment: JsonObject, events: list[Event]) -> None:
        call, is_new = self._calls.take(fragment)
        if call is None:
            return
        self._characters += len(a_string(an_object(fragment.get("function")).get("arguments")))
        if call is self._open_block:
            if text := call.take():
                events.append(InputDelta(self._index, text))
            return
        if is_new:
            self._release(events)
            self._waiting.append(call)
        self._advance(events)

    def _advance(self, events: list[Event], *, is_ended: bool = False) -> None:
        """Open what waits, as far as the open block gives way."""
        while self._waiting:
            if not is_ended and isinstance(self._open_block, Call) and not self._open_block.is_complete():
                return
            following = self._waiting[0]
            if isinstance(following, Call) and not following.name:
                return
            self._switch_to(self._waiting.pop(0), events)

    def _switch_to(self, block: Block | None, events: list[Event]) -> None:
        """Close the open block and open another, with all that has waited in it."""
        if self._open_block is not None:
            if isinstance(self._open_block, Call) and (rest := self._open_block.rest()):
                events.append(InputDelta(self._index, rest))
            events.append(BlockStop(self._index))
        self._open_block = block
        if block is None:
            return
        self._index += 1
        match block:
            case Text(held):
                events += (TextStart(self._index), TextDelta(self._index, "".join(held)))
            case Thinking(held):
                events += (ThinkingStart(self._index), ThinkingDelta(self._index, "".join(held)))
            case Call(name=name):
                name = self._frame.tool_names.get(name, name)
                events.append(ToolUseStart(self._index, self._frame.new_id("toolu_"), name))
                if text := block.take():
                    events.append(InputDelta(self._index, text))
            case _:
                assert_never(block)

    def _stop_reason(self) -> str:
        if self._stops.hit is not None:
            self._stop_sequence = self._stops.hit
            return "stop_sequence"
        reason = _STOP_REASONS.get(self._finish_reason or "", "end_turn")
        if reason in {"end_turn", "tool_use"}:
            # Some hosts say `stop` after tool calls, some `tool_calls` after none.
            reason = "tool_use" if len(self._calls) else "end_turn"
        if reason == "end_turn" and self._stop_sequence is not None:
            reason = "stop_sequence"
        return reason

    def _note_usage(self, usage: object) -> None:
        if isinstance(usage, dict) and any(an_int(usage.get(count)) is not None for count in _COUNTS):
            self._usage = _read_usage(usage)

    def _final_usage(self) -> Usage:
        if self._usage is not None:
            return self._usage
        return Usage(input_tokens=self._frame.estimate, output_tokens=estimate_characters(self._characters))


def _error_of(chunk: JsonObject) -> object | None:
    """An error inside the stream: top-level, in place of a chunk, or in Groq's own field."""
    if (error := chunk.get("error")) is not None:
        return error
    if chunk.get("object") == "error":
        return chunk
    return an_object(chunk.get("x_groq")).get("error") if "x_groq" in chunk else None


def _reasoning_of(delta: JsonObject) -> str:
    """Reasoning under either of its names; hosts that send both send the same twice."""
    return a_string(delta.get("reasoning_content")) or a_string(delta.get("reasoning"))


def _parts_of(content: object) -> list[tuple[str, str]]:
    """Content is a string, or rarely a list of parts."""
    if isinstance(content, str):
        return [("text", content)]
    parts = []
    for part in objects(content):
        kind = "thinking" if part.get("type") == "thinking" else "text"
        said = part.get("text") or part.get("thinking")
        # Reasoning as a part may hold parts in its turn.
        if text := a_string(said) or "".join(a_string(inner.get("text")) for inner in objects(said)):
            parts.append((kind, text))
    return parts


def _read_usage(usage: JsonObject) -> Usage:
    """OpenAI's `prompt_tokens` hold the cached ones; Anthropic's `input_tokens` do not."""
    prompt = an_int(usage.get("prompt_tokens")) or 0
    details = an_object(usage.get("prompt_tokens_details"))
    cached = an_int(details.get("cached_tokens")) or an_int(usage.get("cached_tokens")) or 0
    cached = min(cached, prompt)
    thinking = an_int(an_object(usage.get("completion_tokens_details")).get("reasoning_tokens"))
    return Usage(prompt - cached, cached, an_int(usage.get("completion_tokens")) or 0, thinking)
