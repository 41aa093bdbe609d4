"""A stand-in for reasoning that is lost, where a host takes no tool call without any.

Moonshot's models that think refuse a conversation in which a call has no reasoning beside it. Genuine reasoning goes
back wherever there is some; a conversation that began with another model, or that a client has cut, has none. A single
space is what the host accepts in its place. It is put there only after the host has refused, for a model that is told
its own thoughts were blank thinks the worse for it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.foreign import JsonObject, a_string, objects
from kimi_cli.wire.outgoing import Told
from kimi_cli.wire.signature import reasoning_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimi_cli.wire.outgoing import Outgoing
    from kimi_cli.wire.refusal import Refusal

PLACEHOLDER: Final = " "
_MISSING: Final = re.compile(
    r"thinking is enabled but reasoning_content is missing in assistant tool call message at index \d+", re.IGNORECASE
)


def is_reasoning_missing(refusal: Refusal) -> bool:
    """Whether the host wants reasoning beside a tool call of the history."""
    return refusal.status == 400 and _MISSING.search(refusal.message) is not None


def with_placeholder(outgoing: Outgoing, *, fields: Sequence[str] = ("reasoning_content",)) -> Outgoing | None:
    """The request with a placeholder beside every call without reasoning; None where there is no such call.

    It is a chat completion request, with the dialect's `fields` for reasoning, or a relayed one. It stays as it is.
    """
    messages = outgoing.told.everything()
    placed = [_placed(message, fields) for message in messages]
    if all(one is message for one, message in zip(placed, messages, strict=True)):
        return None
    return replace(outgoing, told=Told((), placed))


def _placed(message: JsonObject, fields: Sequence[str]) -> JsonObject:
    if message.get("role") != "assistant":
        return message
    if message.get("tool_calls"):
        has_some = message.get("reasoning_details") or any(a_string(message.get(field)) for field in fields)
        return message if has_some else {**message, **dict.fromkeys(fields, PLACEHOLDER)}
    blocks = objects(message.get("content"))
    if not any(block.get("type") == "tool_use" for block in blocks):
        return message
    if any(block.get("type") == "thinking" and reasoning_of(block) for block in blocks):
        return message
    return {**message, "content": [{"type": "thinking", "thinking": PLACEHOLDER, "signature": ""}, *blocks]}
