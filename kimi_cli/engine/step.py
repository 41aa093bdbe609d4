"""One answer of the model: what goes on to the client, what is kept for the next question, which calls are ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimi_cli.engine.toolbox import Call
from kimi_cli.wire.collect import Collector
from kimi_cli.wire.events import BlockStop, Failed, InputDelta, MessageDelta, MessageStart, MessageStop, ToolUseStart
from kimi_cli.wire.foreign import a_string, an_object, objects

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kimi_cli.wire.events import Event
    from kimi_cli.wire.foreign import JsonObject


class Step:
    """Takes the answer's events. `owns` says which calls are ours; `first_block` is the next index for the client."""

    def __init__(self, owns: Callable[[str], bool], *, first_block: int) -> None:
        self._owns = owns
        self._collector = Collector()
        self._is_ours = False
        self._our_ids: set[str] = set()
        self._open: int | None = None
        self.next_block = first_block
        self.start: MessageStart | None = None
        self.end: MessageDelta | None = None
        self.failure: Failed | None = None

    def take(self, events: Sequence[Event]) -> list[Event]:
        """What of these goes on to the client, under the indexes that its blocks have there."""
        self._collector.feed(events)
        return [placed for event in events if (placed := self._take(event)) is not None]

    def break_off(self) -> list[Event]:
        """The end of the block that is open for the client."""
        return [] if self._open is None else [BlockStop(self._open)]

    @property
    def content(self) -> list[JsonObject]:
        """The blocks of the answer, for the next question; empty ones, which hosts refuse, are left out."""
        message = self._collector.message or {}
        return [block for block in objects(message.get("content")) if block.get("type") != "text" or block.get("text")]

    @property
    def calls(self) -> list[Call]:
        """The calls that are ours, in order."""
        return [
            Call(a_string(block.get("id")), a_string(block.get("name")), an_object(block.get("input")))
            for block in self.content
            if block.get("id") in self._our_ids
        ]

    @property
    def has_others(self) -> bool:
        """Whether the client has calls to carry out, too."""
        return any(block.get("type") == "tool_use" and block["id"] not in self._our_ids for block in self.content)

    def _take(self, event: Event) -> Event | None:
        match event:
            case MessageStart():
                self.start = event
            case MessageDelta():
                self.end = event
            case MessageStop():
                pass
            case Failed():
                self.failure = event
            case ToolUseStart(_, call_id, name) if self._owns(name):
                self._is_ours = True
                self._our_ids.add(call_id)
            case BlockStop() if self._is_ours:
                self._is_ours = False
            case InputDelta() if self._is_ours:
                pass
            case BlockStop() if self._open is not None:
                placed = BlockStop(self._open)
                self._open = None
                return placed
            case _:
                if self._open is None:
                    self._open = self.next_block
                    self.next_block += 1
                return event._replace(block=self._open)
        return None
