"""What was carried out here beside calls of the client's own, which the client never saw and the model has to."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.codec import dumps
from kimi_cli.wire.foreign import a_string, objects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.wire.foreign import JsonObject

BYTES: Final = 8 * 1024 * 1024
"""What a session's memory holds; what was first goes first."""


class Memory:
    """By the id of one of the client's calls: the calls that were made with it, then their results."""

    def __init__(self, *, limit: int = BYTES) -> None:
        self._limit, self._size = limit, 0
        self._kept: OrderedDict[str, tuple[list[JsonObject], int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, call_id: str, blocks: list[JsonObject]) -> None:
        """Remember it."""
        size = len(dumps(blocks))
        self._kept[call_id] = blocks, size
        self._size += size
        while self._size > self._limit:
            _, (_, gone) = self._kept.popitem(last=False)
            self._size -= gone

    def put_back(self, request: JsonObject) -> JsonObject:
        """The request with all that belongs into its history; the same one where that is nothing."""
        if not self._kept:
            return request
        messages: list[JsonObject] = []
        results: list[JsonObject] = []
        is_changed = False
        for found in objects(request.get("messages")):
            message = found
            if results:  # they stand first in the turn after the calls
                if message.get("role") == "user":
                    content = message.get("content")
                    after = content if isinstance(content, list) else [{"type": "text", "text": a_string(content)}]
                    message = {**message, "content": [*results, *after]}
                else:
                    messages.append({"role": "user", "content": results})
                results = []
            if message.get("role") == "assistant":
                message, results = self._with_calls(message)
                is_changed = is_changed or bool(results)
            messages.append(message)
        if results:
            messages.append({"role": "user", "content": results})
        return {**request, "messages": messages} if is_changed else request

    def _with_calls(self, message: JsonObject) -> tuple[JsonObject, list[JsonObject]]:
        said: list[Mapping[str, object]] = []
        results: list[JsonObject] = []
        for block in objects(message.get("content")):
            kept, _ = self._kept.get(a_string(block.get("id")), ([], 0)) if block.get("type") == "tool_use" else ([], 0)
            said += (one for one in kept if one.get("type") == "tool_use")
            results += (one for one in kept if one.get("type") == "tool_result")
            said.append(block)
        return ({**message, "content": said} if results else message), results
