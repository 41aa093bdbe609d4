"""The reducer: chat completion chunks in, Anthropic events out. Streaming and not, there is only this one.

Text and reasoning pass through a scanner each for calls that were written as tokens, the text through another for stop
sequences. What comes out of them, and the calls that a host sends as such, become blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kimi_cli.wire import failure as failures
from kimi_cli.wire.blocks import Blocks
from kimi_cli.wire.calls import Call
from kimi_cli.wire.delta import CONTENT, error_of, fragments_of, parts_of, reasoning_of
from kimi_cli.wire.ending import Ending
from kimi_cli.wire.events import Event, Failed, MessageDelta, MessageStart, MessageStop, Usage
from kimi_cli.wire.failures.advice import NO_ADVICE, Advice
from kimi_cli.wire.foreign import a_string, an_object, objects
from kimi_cli.wire.refusal import from_stream
from kimi_cli.wire.salvage import Salvaged, is_tool_use_failed, salvage, to_chunk
from kimi_cli.wire.stops import StopScanner
from kimi_cli.wire.thinking import Display
from kimi_cli.wire.tokens import estimate_characters
from kimi_cli.wire.toolcalls import Aside, CallScanner
from kimi_cli.wire.usage import read_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.rawcall import RawCall
    from kimi_cli.wire.refusal import Refusal
    from kimi_cli.wire.toolcalls import Piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the reducer must know of the request.

    `new_id(prefix)` makes a fresh id: every response and every call gets one, because clients merge messages whose ids
    repeat, and hosts repeat theirs. `tool_names` maps the names that the host saw to the client's. `stops` are the
    stop sequences that the host was not told of. `estimate` is the prompt's size in tokens, until the host says.
    `display` is what the client sees of the reasoning; `details_model` is the model, where it is one whose structured
    reasoning goes back to its host. `offered` are the tools that the model may call, by the names that the host saw,
    with the schemas of their inputs. `advice` is for the words of a failure.
    """

    model: str
    host: str
    window: int
    new_id: Callable[[str], str]
    estimate: int = 0
    tool_names: Mapping[str, str] = field(default_factory=dict)
    stops: Sequence[str] = ()
    display: Display = Display.SHOWN
    details_model: str = ""
    offered: Mapping[str, JsonObject] = field(default_factory=dict)
    advice: Advice = NO_ADVICE


class Reducer:
    """One answer. Call `feed` with each chunk, then `finish`; each returns the events to send.

    Exactly one of `MessageStop` and `Failed` ends the events; after it, `is_over` is true and nothing more comes.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._blocks = Blocks(
            new_id=frame.new_id,
            tool_names=frame.tool_names,
            display=frame.display,
            details_model=frame.details_model,
        )
        self._said = CallScanner()
        self._thought = CallScanner("think")
        self._speaker: CallScanner | None = None
        self._stops = StopScanner(frame.stops)
        self._ending = Ending()
        self._usage: Usage | None = None
        self._characters = 0
        self._has_started = False
        self.is_over = False

    @property
    def is_answered(self) -> bool:
        """Whether the answer itself is complete, so that only usage can still come."""
        return self._ending.finish_reason is not None

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
        if (error := error_of(chunk)) is not None:
            frame = self._frame
            refusal = from_stream(
                host=frame.host, error=error, window=frame.window, estimate=frame.estimate, advice=frame.advice
            )
            salvaged = self.salvage(refusal)
            return self.fail(failures.classify(refusal)) if salvaged is None else salvaged
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

    def say(self, text: str, *, key: bytes) -> list[Event]:
        """The events of chunks that say nothing but this, under this name: what `feed` would give for them."""
        events: list[Event] = []
        if text and not self.is_over:
            self._hear(self._said if key == CONTENT else self._thought, text, events)
            if self._stops.hit is not None:
                events += self.finish()
        return events

    def finish(self) -> list[Event]:
        """The end of the stream: the end of the message, or a failure where the answer is not complete."""
        if self.is_over:
            return []
        if not self.is_answered and self._stops.hit is None:
            return self.fail(failures.truncated(self._frame.host))
        if self._ending.is_failure:
            return self.fail(self._unreadable(f"it ended with {self._ending.finish_reason!r}."))
        events = self.start()
        cut = self._settle(events)
        if cut is not None and not self._ending.is_cut_short:
            # Where the model was not let finish, its stop reason says enough, and the client asks it to go on.
            call = f"the tool call {cut!r}" if cut else "a tool call"
            return [*events, *self.fail(self._unreadable(f"{call} breaks off."))]
        if not self._blocks.close(events):
            return [*events, *self.fail(self._unreadable("a tool call has no name."))]
        self.is_over = True
        reason, sequence = self._ending.reason(has_calls=len(self._blocks.calls) > 0, hit=self._stops.hit)
        events += (MessageDelta(reason, sequence, self._final_usage()), MessageStop())
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
        self._blocks.break_off(events)
        return [*events, Failed(failure)]

    def salvage(self, refusal: Refusal) -> list[Event] | None:
        """The events of an answer whose calls the host could not read, where they can be read after all.

        None where they cannot, and where the answer has made a call already, which this might be again.
        """
        if self.is_over or not is_tool_use_failed(refusal) or self._blocks.has_calls:
            return None
        salvaged = salvage(refusal.failed_generation, offered=self._frame.offered)
        if salvaged is None:
            return None
        # The generation is all of the answer, and some of it may have come ahead of the failure.
        thought = "" if self._blocks.is_begun else salvaged.thought
        salvaged = Salvaged(thought, "" if self._blocks.has_text else salvaged.text, salvaged.calls)
        return [*self.feed(to_chunk(salvaged)), *self.finish()]

    def _take_choice(self, choice: JsonObject, events: list[Event]) -> None:
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = an_object(choice.get("message"))
        if "reasoning_content" in delta or "reasoning" in delta or "reasoning_details" in delta:
            if reasoning := reasoning_of(delta):
                self._hear(self._thought, reasoning, events)
            if details := delta.get("reasoning_details"):
                self._blocks.add_details(objects(details), events)
        if content := delta.get("content") or delta.get("refusal"):
            if isinstance(content, str):
                self._hear(self._said, content, events)
            else:
                for kind, text in parts_of(content):
                    self._hear(self._thought if kind == "thinking" else self._said, text, events)
        if delta.get("tool_calls") or delta.get("function_call"):
            for fragment in fragments_of(delta):
                self._add_call(fragment, events)
        if choice.get("finish_reason"):
            self._ending.note(choice)
        if "usage" in choice:
            self._note_usage(choice["usage"])

    def _hear(self, speaker: CallScanner, text: str, events: list[Event]) -> None:
        if self._speaker is not speaker:
            self._turn_to(speaker, events)
        self._add_pieces(speaker, speaker.feed(text), events)

    def _turn_to(self, speaker: CallScanner | None, events: list[Event]) -> None:
        """Show what might have begun a token or a stop sequence: neither goes on in another block."""
        before, self._speaker = self._speaker, speaker
        if before is not None:
            self._add_pieces(before, before.release(), events)
        self._release_stops(events)

    def _add_pieces(self, speaker: CallScanner, pieces: Sequence[Piece], events: list[Event]) -> None:
        for piece in pieces:
            if not isinstance(piece, str):
                self._add_found(speaker, piece, events)
            elif speaker is self._said:
                if text := self._stops.feed(piece) if self._frame.stops else piece:
                    self._characters += len(text)
                    self._blocks.add_text(text, events)
            elif self._stops.hit is None:
                self._characters += len(piece)
                self._blocks.add_thinking(piece, events)

    def _add_found(self, speaker: CallScanner, found: Aside | RawCall, events: list[Event]) -> None:
        """Add a call that was written as tokens, or what was said in the wrong place."""
        if isinstance(found, Aside):
            self._add_pieces(self._thought if speaker is self._said else self._said, [found.text], events)
        else:
            self._add_raw(found, events)

    def _add_raw(self, raw: RawCall, events: list[Event]) -> None:
        if self._stops.hit is not None:
            return
        self._release_stops(events)
        self._characters += len(raw.arguments)
        call = Call(index=None, id="", name=raw.name, is_raw=True)
        call.add(raw.arguments)
        self._blocks.add_call(call, events, is_new=True)

    def _add_call(self, fragment: JsonObject, events: list[Event]) -> None:
        call, is_new = self._blocks.calls.take(fragment)
        if call is None:
            return
        if is_new:
            self._turn_to(None, events)
        if self._stops.hit is not None:
            return
        self._characters += len(a_string(an_object(fragment.get("function")).get("arguments")))
        self._blocks.add_call(call, events, is_new=is_new)

    def _release_stops(self, events: list[Event]) -> None:
        if held := self._stops.finish():
            self._characters += len(held)
            self._blocks.add_text(held, events)

    def _settle(self, events: list[Event]) -> str | None:
        """Show what was held until the end; returns the name of a call that was written as tokens and breaks off."""
        self._add_pieces(self._thought, self._thought.finish(), events)
        self._add_pieces(self._said, self._said.finish(), events)
        self._release_stops(events)
        if self._stops.hit is not None:
            return None
        return self._thought.cut if self._said.cut is None else self._said.cut

    def _unreadable(self, reason: str) -> failures.Failure:
        return failures.unreadable(self._frame.host, reason)

    def _note_usage(self, usage: object) -> None:
        self._usage = read_usage(usage) or self._usage

    def _final_usage(self) -> Usage:
        if self._usage is not None:
            return self._usage
        return Usage(input_tokens=self._frame.estimate, output_tokens=estimate_characters(self._characters))
