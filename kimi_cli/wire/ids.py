"""The ids of a relayed answer: a fresh one for the message, and for every call one that no other call has.

Claude Code takes two answers with one message id for parts of the same turn, and drops a call, with its result, whose
id it has seen before. Hosts repeat both: some answer every request under the same id, others count calls from zero in
every turn. A call keeps the host's own id where that is free, because the host knows the call by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.wire.foreign import a_string, objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kimi_cli.wire.foreign import JsonObject

_CALL: Final = "tool_use"


class AnswerIds:
    """The ids of one answer. `taken` are those of the conversation's calls so far; `new_id` makes one of a prefix."""

    def __init__(self, new_id: Callable[[str], str], *, taken: Iterable[str] = ()) -> None:
        self._new_id = new_id
        self._taken = set(taken)
        self._message = new_id("msg_")

    def message(self, message: JsonObject) -> JsonObject:
        """A message, or the beginning of one, under its own id."""
        return {**message, "id": self._message}

    def whole(self, message: JsonObject) -> JsonObject:
        """A message that came in one piece."""
        return {**self.message(message), "content": [self.block(block) for block in objects(message.get("content"))]}

    def block(self, block: JsonObject) -> JsonObject:
        """A block of the answer; a call that shares its id with another, or has none, gets one."""
        if block.get("type") != _CALL:
            return block
        call_id = a_string(block.get("id"))
        if call_id and call_id not in self._taken:
            self._taken.add(call_id)
            return block
        return {**block, "id": self._new_id("toolu_")}
