"""The script's answer in the form of a chat completion: whole, or as the pieces of a stream."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from kimi_cli.demo.request import MODEL_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimi_cli.demo.model import Reply, ToolCall

_WORDS: Final = re.compile(r"\S+\s*")
_WORDS_PER_PIECE: Final = 3
_ARGUMENT_PIECE: Final = 12
"""Characters of a call's arguments in one delta: small enough that every call takes several."""
_BYTES_PER_TOKEN: Final = 4
"""The usual rule of thumb; the script has no tokenizer."""


def to_completion(reply: Reply, *, completion_id: str, created: int, prompt_bytes: int) -> dict[str, Any]:
    """The answer to a request without `stream`."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [_call(call, arguments=json.dumps(call.arguments)) for call in reply.calls]
    return {
        "id": completion_id,
        "object": "chat.completion",
        "created": created,
        "model": MODEL_ID,
        "choices": [{"index": 0, "message": message, "finish_reason": _finish_reason(reply)}],
        "usage": _usage(reply, prompt_bytes),
    }


def to_chunks(
    reply: Reply, *, completion_id: str, created: int, prompt_bytes: int, wants_usage: bool
) -> Iterator[dict[str, Any]]:
    """The chunks of a stream, in the order that hosts send them; `[DONE]` is left to the caller."""
    head = {"id": completion_id, "object": "chat.completion.chunk", "created": created, "model": MODEL_ID}
    for delta in _deltas(reply):
        yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish_reason(reply)}]}
    if wants_usage:
        yield {**head, "choices": [], "usage": _usage(reply, prompt_bytes)}


def _deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for piece in _pieces(reply.reasoning):
        yield {"reasoning_content": piece}
    for piece in _pieces(reply.text):
        yield {"content": piece}
    for index, call in enumerate(reply.calls):
        arguments = json.dumps(call.arguments)
        yield {"tool_calls": [{"index": index, **_call(call, arguments="")}]}
        for start in range(0, len(arguments), _ARGUMENT_PIECE):
            piece = arguments[start : start + _ARGUMENT_PIECE]
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _call(call: ToolCall, *, arguments: str) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _pieces(text: str) -> Iterator[str]:
    words = _WORDS.findall(text)
    for start in range(0, len(words), _WORDS_PER_PIECE):
        yield "".join(words[start : start + _WORDS_PER_PIECE])


def _finish_reason(reply: Reply) -> str:
    return "tool_calls" if reply.calls else "stop"


def _usage(reply: Reply, prompt_bytes: int) -> dict[str, int]:
    written = len(reply.reasoning) + len(reply.text) + sum(len(json.dumps(call.arguments)) for call in reply.calls)
    prompt, completion = max(1, prompt_bytes // _BYTES_PER_TOKEN), max(1, written // _BYTES_PER_TOKEN)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
