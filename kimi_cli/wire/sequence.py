"""The events of a relayed answer in the order that the protocol has: one block after another, each with its end.

Not every host that speaks Anthropic's protocol keeps to it: a block begins inside another or is never ended, reasoning
comes as a piece of a text block, calls are interleaved, the message begins twice. Claude Code gives up on such an
answer ("Content block not found"). What is in order passes as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.foreign import JsonObject, a_string, an_int, an_object
from kimi_cli.wire.names import with_original_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.wire.ids import AnswerIds

_CALLS: Final = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
_EMPTY: Final[Mapping[str, JsonObject]] = MappingProxyType(
    {"text": {"type": "text", "text": ""}, "thinking": {"type": "thinking", "thinking": "", "signature": ""}}
)
"""Blocks that can be begun for a piece that came without one."""
_PIECES: Final[Mapping[str, str]] = MappingProxyType({"text_delta": "text", "thinking_delta": "thinking"})
_ADDITIONS: Final[Mapping[str, str]] = MappingProxyType({"citations_delta": "text", "signature_delta": "thinking"})
"""Pieces that say something of their block, and nothing without it."""
_INPUT: Final = "input_json_delta"
_PARTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "message_start": "message",
        "message_delta": "delta",
        "content_block_start": "content_block",
        "content_block_delta": "delta",
    }
)
"""What an event is about."""
_WAITING_LIMIT: Final = 100_000
"""Events. A model's longest output has about as many pieces; what goes on longer behind an open call never ends."""


class DisorderError(Exception):
    """The host's events make no message; the text says why."""


@dataclass(slots=True)
class _Block:
    """A block: its index at the host and towards the client, its type, and its events while it waits."""

    host: int | None
    kind: str
    index: int = -1
    events: list[JsonObject] = field(default_factory=list)

    @property
    def gives_way(self) -> bool:
        """Whether it can be ended at any time. A call cannot: half of one must never look whole."""
        return self.kind not in _CALLS

    def takes(self, delta: str) -> bool:
        """Whether a piece of this type belongs into a block of its type. What nobody knows is the client's business."""
        if delta == _INPUT:
            return not self.gives_way
        return self.kind == _PIECES.get(delta, _ADDITIONS.get(delta, self.kind))


class Sequence:
    """`take` every event of an answer, and pass on what it gives."""

    def __init__(self, *, ids: AnswerIds | None, tool_names: Mapping[str, str]) -> None:
        self._ids, self._tool_names = ids, tool_names
        self._has_begun = False
        self._blocks = 0
        self._open: _Block | None = None
        self._waiting: list[_Block] = []  # behind a call that has not ended
        self._waits = 0
        self._has_said = False  # a block that counts whenever it ends, or a whole call
        self.has_reason = False
        """Whether the host has said why the message ends."""

    @property
    def closable(self) -> int | None:
        """The index of the open block, where a failure may end it."""
        return self._open.index if self._open is not None and self._open.gives_way else None

    @property
    def is_withholding(self) -> bool:
        """Whether a call is open before which nothing was said.

        Claude Code asks again for an answer that breaks off in text or reasoning, and gives up on one of which it has
        half a call and nothing else. So such a call is better kept back until it is whole.
        """
        return self._open is not None and not self._has_said

    def is_next_piece(self, event: JsonObject) -> bool:
        """Whether this is what nearly all events are: a piece of the open block, in order, with nothing to be done."""
        current = self._open
        if current is None or self._waiting or event.get("type") != "content_block_delta":
            return False
        delta = a_string(an_object(event.get("delta")).get("type"))
        return bool(delta) and current.host == current.index == event.get("index") and current.takes(delta)

    def take(self, event: JsonObject) -> list[JsonObject]:
        """What to pass on: nothing, the event itself, the very same, where it is in order, or others in its place.

        Raises:
            DisorderError: it cannot be brought into order.
        """
        kind = a_string(event.get("type"))
        if not _is_told(kind, event):
            return []
        if kind == "message_start":
            return self._begin(event)
        if not kind.startswith(("content_block_", "message_")):
            return [event]
        if not self._has_begun:
            raise DisorderError("it does not begin with the beginning of a message.")
        if kind in {"message_delta", "message_stop"}:
            return self._end(event)
        if self.has_reason and kind in {"content_block_start", "content_block_delta"}:
            raise DisorderError("it goes on behind its end.")
        match kind:
            case "content_block_start":
                return self._start(event)
            case "content_block_delta":
                return self._add(event)
            case "content_block_stop":
                return self._stop(event)
            case _:
                return [event]

    def _begin(self, event: JsonObject) -> list[JsonObject]:
        if self._has_begun:
            return []
        self._has_begun = True
        if self._ids is None:
            return [event]
        return [{**event, "message": self._ids.message(an_object(event.get("message")))}]

    def _start(self, event: JsonObject) -> list[JsonObject]:
        block = _Block(an_int(event.get("index")), a_string(an_object(event.get("content_block")).get("type")))
        if self._open is not None and not self._open.gives_way:
            self._waiting.append(block)
            return self._wait(block, event)
        return [*self._close(), self._opened(block, event)]

    def _add(self, event: JsonObject) -> list[JsonObject]:
        host, delta = an_int(event.get("index")), a_string(an_object(event.get("delta")).get("type"))
        if (waiting := self._find_waiting(host)) is not None and waiting.takes(delta):
            return self._wait(waiting, event)
        current = self._open
        if current is not None and current.host == host and current.takes(delta):
            return [_at(current.index, event)]
        if delta == _INPUT:
            raise DisorderError("a piece of a call comes outside of it.")
        if (kind := _PIECES.get(delta)) is None:
            return []  # it belongs to a block that has ended
        started = self._start({"type": "content_block_start", "index": host, "content_block": _EMPTY[kind]})
        return [*started, *self._add(event)]

    def _stop(self, event: JsonObject) -> list[JsonObject]:
        host = an_int(event.get("index"))
        if (waiting := self._find_waiting(host)) is not None:
            return self._wait(waiting, event)
        current = self._open
        if current is None or current.host != host:
            return []  # it has been ended
        self._open, self._has_said = None, True
        return [_at(current.index, event), *self._advance()]

    def _wait(self, block: _Block, event: JsonObject) -> list[JsonObject]:
        self._waits += 1
        if self._waits > _WAITING_LIMIT:
            raise DisorderError("a call in it has no end.")
        block.events.append(event)
        return []

    def _end(self, event: JsonObject) -> list[JsonObject]:
        """The ends of everything, because nothing more will come; of nothing yet, where there is no reason to end."""
        self.has_reason = self.has_reason or bool(a_string(an_object(event.get("delta")).get("stop_reason")))
        if not self.has_reason:
            return [] if self._open is not None else [event]
        ends: list[JsonObject] = []
        while self._open is not None:
            ends += [*self._close(), *self._advance()]
        return [*ends, event]

    def _advance(self) -> list[JsonObject]:
        """What has waited, as far as the calls among it have ended."""
        events: list[JsonObject] = []
        while self._waiting and (self._open is None or self._open.gives_way):
            block = self._waiting.pop(0)
            start, *rest = block.events
            events += (*self._close(), self._opened(block, start))
            for event in rest:
                events.append(_at(block.index, event))
                if event["type"] == "content_block_stop":
                    self._open = None
            block.events.clear()
        return events

    def _opened(self, block: _Block, event: JsonObject) -> JsonObject:
        """The beginning of a block that is open from now on."""
        self._open, block.index = block, self._blocks
        self._has_said = self._has_said or block.gives_way
        self._blocks += 1
        content = an_object(event.get("content_block"))
        named = with_original_name(content, self._tool_names)
        if self._ids is not None:
            named = self._ids.block(named)
        return _at(block.index, event if named is content else {**event, "content_block": named})

    def _close(self) -> list[JsonObject]:
        """The end of the open block, where there is one."""
        if self._open is None:
            return []
        index, self._open, self._has_said = self._open.index, None, True
        return [{"type": "content_block_stop", "index": index}]

    def _find_waiting(self, host: int | None) -> _Block | None:
        """The last waiting block of this index that has not ended."""
        for block in reversed(self._waiting):
            if block.host == host:
                return None if block.events[-1]["type"] == "content_block_stop" else block
        return None


def _is_told(kind: str, event: JsonObject) -> bool:
    """Whether an event holds what it is about. A client looks for that in it, and breaks where it is missing."""
    if (part := _PARTS.get(kind)) is None:
        return True
    value = event.get(part)
    return isinstance(value, dict) and (kind.startswith("message_") or bool(a_string(value.get("type"))))


def _at(index: int, event: JsonObject) -> JsonObject:
    """The event with an index; itself where it has that one."""
    return event if event.get("index") == index else {**event, "index": index}
