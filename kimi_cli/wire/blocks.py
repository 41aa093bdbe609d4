"""The content blocks of an answer, one after another.

There is one open block and one way to change it. Text and reasoning give way at once; a tool call gives way when its
arguments are whole, and what comes before that waits its turn, so blocks never overlap however a host interleaves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, assert_never

from kimi_cli.wire.calls import Call, CallList
from kimi_cli.wire.details import Details, text_in
from kimi_cli.wire.events import (
    BlockStop,
    Event,
    InputDelta,
    SignatureDelta,
    TextDelta,
    TextStart,
    ThinkingDelta,
    ThinkingStart,
    ToolUseStart,
)
from kimi_cli.wire.signature import Carried, to_signature
from kimi_cli.wire.thinking import Display

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kimi_cli.wire.foreign import JsonObject


@dataclass(slots=True)
class Text:
    """A text block and the text that waits in it."""

    held: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Thinking:
    """A thinking block and the reasoning that waits in it, or that its signature will hold."""

    held: list[str] = field(default_factory=list)


Block: TypeAlias = Text | Thinking | Call


class Blocks:
    """Takes what an answer says, in order, and appends the events of it to the list that each method is given.

    `new_id`, `tool_names`, `display` and `details_model` are those of the frame. `calls` says which call a fragment
    belongs to; `has_text` whether there is a text block.
    """

    def __init__(
        self,
        *,
        new_id: Callable[[str], str],
        tool_names: Mapping[str, str],
        display: Display = Display.SHOWN,
        details_model: str = "",
    ) -> None:
        self._new_id = new_id
        self._tool_names = tool_names
        self._display = display
        self._is_shown = display is Display.SHOWN
        self._details_model = details_model
        self._details: Details | None = None  # of the thinking block that is open, or opens next
        self._carried = Thinking()  # reasoning that nobody asked for, until an answer calls a tool
        self._open_block: Block | None = None
        self._waiting: list[Block] = []
        self._index = -1
        self.calls = CallList()
        self.has_text = False

    @property
    def is_begun(self) -> bool:
        """Whether there is a block."""
        return self._index >= 0

    @property
    def has_calls(self) -> bool:
        """Whether a call has been made, or has begun."""
        return len(self.calls) > 0 or any(isinstance(block, Call) for block in self._waiting)

    def add_text(self, text: str, events: list[Event]) -> None:
        """Some text."""
        if isinstance(self._open_block, Text):
            events.append(TextDelta(self._index, text))
        elif self._waiting and isinstance(self._waiting[-1], Text):
            self._waiting[-1].held.append(text)
        else:
            self._waiting.append(Text([text]))
            self._advance(events)

    def add_thinking(self, reasoning: str, events: list[Event]) -> None:
        """Some reasoning."""
        if isinstance(self._open_block, Thinking):
            if self._is_shown:
                events.append(ThinkingDelta(self._index, reasoning))
            else:
                self._open_block.held.append(reasoning)
        elif self._display is Display.CARRIED:
            self._carried.held.append(reasoning)
        elif self._waiting and isinstance(self._waiting[-1], Thinking):
            self._waiting[-1].held.append(reasoning)
        elif self._display is not Display.DROPPED:
            self._waiting.append(Thinking([reasoning]))
            self._advance(events)

    def add_details(self, entries: Iterable[JsonObject], events: list[Event]) -> None:
        """Some structured reasoning, beside the text of it or alone."""
        if not self._details_model or self._display is Display.DROPPED:
            return
        self._details = self._details or Details()
        self._details.add(entries)
        is_for_another = not any(isinstance(block, Thinking) for block in (self._open_block, *self._waiting))
        if self._details.is_telling and is_for_another and self._display is not Display.CARRIED:
            self._waiting.append(Thinking())
            self._advance(events)

    def add_call(self, call: Call, events: list[Event], *, is_new: bool) -> None:
        """A call, or some more of one."""
        if call is self._open_block:
            if text := call.take():
                events.append(InputDelta(self._index, text))
            return
        if is_new:
            self._waiting.append(call)
        self._advance(events)

    def close(self, events: list[Event]) -> bool:
        """Open and close all that waits, because nothing more will come; False where a call among it has no name."""
        self._advance(events, is_ended=True)
        if self._waiting:
            return False
        self._switch_to(None, events)
        return True

    def break_off(self, events: list[Event]) -> None:
        """Close what is open because of a failure; a call whose arguments are not whole stays open."""
        if not isinstance(self._open_block, Call) or self._open_block.is_complete():
            self._switch_to(None, events)

    def _advance(self, events: list[Event], *, is_ended: bool = False) -> None:
        """Open what waits, as far as the open block gives way."""
        while self._waiting:
            if not is_ended and isinstance(self._open_block, Call) and not self._open_block.is_complete():
                return
            following = self._waiting[0]
            if isinstance(following, Call):
                if not following.name or (not is_ended and self.calls.may_repeat(following)):
                    return
                if not self.calls.make(following):
                    del self._waiting[0]
                    continue
                self._carry(events)
            self._switch_to(self._waiting.pop(0), events)

    def _carry(self, events: list[Event]) -> None:
        """Put reasoning that nobody asked for ahead of a call, whose host will want it back."""
        is_telling = self._details is not None and self._details.is_telling
        if self._display is Display.CARRIED and (self._carried.held or is_telling):
            carried, self._carried = self._carried, Thinking()
            self._switch_to(carried, events)

    def _switch_to(self, block: Block | None, events: list[Event]) -> None:
        """Close the open block and open another, with all that has waited in it."""
        if self._open_block is not None:
            if isinstance(self._open_block, Call):
                if rest := self._open_block.rest():
                    events.append(InputDelta(self._index, rest))
            elif isinstance(self._open_block, Thinking) and (signature := self._signature(self._open_block)):
                events.append(SignatureDelta(self._index, signature))
            events.append(BlockStop(self._index))
        self._open_block = block
        if block is None:
            return
        self._index += 1
        match block:
            case Text(held):
                self.has_text = True
                events += (TextStart(self._index), TextDelta(self._index, "".join(held)))
            case Thinking(held):
                events.append(ThinkingStart(self._index))
                if held and self._is_shown:
                    events.append(ThinkingDelta(self._index, "".join(held)))
            case Call(name=name):
                name = self._tool_names.get(name, name)
                events.append(ToolUseStart(self._index, self._new_id("toolu_"), name))
                if text := block.take():
                    events.append(InputDelta(self._index, text))
            case _:
                assert_never(block)

    def _signature(self, block: Thinking) -> str:
        """What a thinking block holds besides the text that it shows."""
        text = "" if self._is_shown else "".join(block.held)
        details, self._details = self._details, None
        if details is None or not details.is_telling:
            return to_signature(Carried(text=text))
        entries = details.entries()
        # Nothing is held twice.
        rest = "" if text == text_in(entries) else text
        return to_signature(Carried(text=rest, details=entries, model=self._details_model))
