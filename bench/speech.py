"""What the upstream double says, as bytes of HTTP: chat completion chunks, or events of the Messages API.

Every piece of text has one `MARK` in it and nothing else has, so that whoever counts them knows that nothing was lost.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.plan import Plan

MARK: Final = b"~"
HEAD: Final = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: text/event-stream\r\n"
    b"Cache-Control: no-cache\r\n"
    # Room enough that nobody has to wait: what a proxy makes of the headers is part of its cost.
    b"x-ratelimit-limit-requests: 1000000000\r\n"
    b"x-ratelimit-limit-tokens: 1000000000\r\n"
    b"x-ratelimit-remaining-requests: 999999999\r\n"
    b"x-ratelimit-remaining-tokens: 999999999\r\n"
    b"x-ratelimit-reset-requests: 1ms\r\n"
    b"x-ratelimit-reset-tokens: 1ms\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
MODELS: Final = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n{"data":[{"id":"kimi-k3"}]}'
)
"""What is said to whoever asks for anything but an answer: a list of models."""
END: Final = b"\r\n0\r\n\r\n"
"""How every answer ends: with the end of a piece, and then a piece of no length."""
_MODEL: Final = "moonshotai/kimi-k2-instruct-0905"
_PROMPT_TOKENS: Final = 12_345


@cache
def writes(plan: Plan, *, is_chat: bool) -> tuple[bytes, ...]:
    """The answer of a plan, write by write: its head with the first pieces, the others, and what ends it."""
    pieces = list(_chat(plan.chunks) if is_chat else _messages(plan.chunks))
    opening, texts, closing = pieces[0], pieces[1:-1], pieces[-1]
    groups = [b"".join(texts[at : at + plan.at_once]) for at in range(0, len(texts), plan.at_once)]
    return (HEAD + _framed(opening + groups[0]), *map(_framed, groups[1:]), _framed(closing) + END[2:])


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _text(at: int) -> str:
    return f" w{at % 97}~" if at % 3 else f' "line~": {at % 89},\n'


def _chat(count: int) -> Iterator[bytes]:
    """An opening, `count` texts, and an ending, as Groq sends them."""
    usage = {"prompt_tokens": _PROMPT_TOKENS, "completion_tokens": count, "total_tokens": _PROMPT_TOKENS + count}
    yield _chunk({"role": "assistant", "content": ""}, x_groq={"id": "req_01jbench0000000000000000000"})
    for at in range(count):
        yield _chunk({"content": _text(at)})
    last = _chunk({}, finish_reason="stop", x_groq={"id": "req_01jbench0000000000000000000", "usage": usage})
    yield (
        last
        + _data({"id": "chatcmpl-bench", "object": "chat.completion.chunk", "choices": [], "usage": usage})
        + (b"data: [DONE]\n\n")
    )


def _chunk(delta: dict[str, object], *, finish_reason: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _data(
        {
            "id": "chatcmpl-6f0c0c1e-6f4e-4c3f-9c53-0123456789ab",
            "object": "chat.completion.chunk",
            "created": 1_790_000_000,
            "model": _MODEL,
            "system_fingerprint": "fp_0123456789",
            "choices": [choice],
            **more,
        }
    )


def _messages(count: int) -> Iterator[bytes]:
    """An opening, `count` texts, and an ending, as Moonshot sends them."""
    usage = {"input_tokens": _PROMPT_TOKENS, "output_tokens": 1, "cache_read_input_tokens": 0}
    nothing: dict[str, object] = {"content": [], "stop_reason": None, "stop_sequence": None}
    message = {"id": "msg_bench", "type": "message", "role": "assistant", "model": "kimi-k3", "usage": usage}
    opening = _event("message_start", message=message | nothing)
    yield opening + _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for at in range(count):
        yield _event("content_block_delta", index=0, delta={"type": "text_delta", "text": _text(at)})
    ending = _event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage=usage)
    yield _event("content_block_stop", index=0) + ending + _event("message_stop")


def _event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\n".encode() + _data({"type": kind, **fields})


def _data(value: dict[str, object]) -> bytes:
    return f"data: {json.dumps(value, separators=(',', ':'))}\n\n".encode()
