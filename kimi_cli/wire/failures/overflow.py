"""A prompt that does not fit the model's window, in the two wordings that Claude Code acts on.

At the one it compacts the conversation; at the other, where only the answer asked for is too long, it asks again for a
shorter one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kimi_cli.wire.refusal import Refusal

_ROOM: Final = 4_000
"""Tokens that a prompt must leave for a shorter answer to be worth asking for; clients keep 1,000 of them back."""
_EXCESS: Final = 5
"""Where the host gives no number, so much of the prompt, a fifth, is said to be too much: from a conversation that is
too long even to be summed up, Claude Code drops as many tokens as it is told are too many, and does not try often."""
_LEAST: Final = 1_000
"""No window is smaller, so that a smaller number is something else."""
_STATUSES: Final = frozenset({400, 413, 422, 500})
"""With a 429 or a 402, words about length speak of another limit."""

# Phrases by which hosts say that a prompt does not fit the model's window.
_PHRASES: Final = (
    "maximum context length",
    "context_length_exceeded",
    "exceeds the context window",
    "contextwindowexceedederror",
    "longer than the maximum model length",
    "longer than the model's context length",
    "exceeds the available context size",
    "exceed_context_size_error",
    "exceeds the maximum number of tokens allowed",
    "exceeds maximum input length",
    "exceeded model token limit",
    "input token length too long",
    "input tokens exceed the configured limit",
    "maximum context limit",
    "maximum prompt length",
    "prompt exceeds max length",
    "tokens in request more than max tokens allowed",
    "range of input length should be",
    "context window exceeds limit",
    "but model only supports up to",
    "reduce the length of the messages",
    "`inputs` tokens + `max_new_tokens` must be",
    "context exceeds your deployment",
    "input is too long for requested model",
    "prompt is too long",
    "exceed context limit",
)
_N: Final = r"(\d[\d,]*)"
_SPLITS: Final = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"{_N} in the messages.*?{_N} in the completion",
        rf"{_N} tokens from the input messages.*?{_N} tokens for the completion",
        rf"Given: {_N} `inputs` tokens and {_N} `max_new_tokens`",
        rf"passed {_N} input tokens and requested {_N} output tokens",
        rf"{_N} of text input.*?{_N} in the output",
        rf"exceed context limit: {_N} \+ {_N} >",
    )
)
"""How many tokens the prompt has, and how many were asked for."""
_REVERSED: Final = re.compile(
    rf"max_(?:completion_)?tokens'? is too large: {_N}\..*?your request has {_N} input tokens",
    re.IGNORECASE | re.DOTALL,
)
_LIMIT: Final = re.compile(
    r"(?:maximum context length(?: is| of)?|token limit ?:?|context length \(|context size \(|maximum model length of|"
    r"maximum prompt length is|maximum input length|configured limit of|supports up to|must be <=|tokens? >|"
    rf"exceed context limit: [\d +]{{1,40}}>) ?{_N}",
    re.IGNORECASE,
)
"""What the host allows."""
_COUNTED: Final = re.compile(r"\d[\d,]{2,17}")


def is_overflow(refusal: Refusal) -> bool:
    """Whether the host says that the prompt is too long."""
    return refusal.status in _STATUSES and refusal.mentions(*_PHRASES)


def sentence(refusal: Refusal) -> str:
    """What the client is told. Nothing is added to it: clients read these sentences."""
    maximum = _limit(refusal.message) or refusal.window
    prompt, completion = _split(refusal.message)
    if prompt + completion > maximum and prompt + _ROOM <= maximum:
        return f"input length and `max_tokens` exceed context limit: {prompt} + {completion} > {maximum}"
    counted = [number for found in _COUNTED.findall(refusal.message) if (number := _number(found)) > maximum]
    tokens = prompt if prompt > maximum else max((*counted, prompt + completion))
    if tokens <= maximum:
        tokens = max(refusal.estimate, _LEAST)
        maximum = min(maximum, tokens - tokens // _EXCESS)
    return f"prompt is too long: {tokens} tokens > {maximum} maximum"


def _limit(message: str) -> int:
    found = _LIMIT.search(message)
    limit = _number(found[1]) if found is not None else 0
    return limit if limit >= _LEAST else 0


def _split(message: str) -> tuple[int, int]:
    for pattern in _SPLITS:
        if found := pattern.search(message):
            return _number(found[1]), _number(found[2])
    if found := _REVERSED.search(message):
        return _number(found[2]), _number(found[1])
    return 0, 0


def _number(text: str) -> int:
    return int(text.replace(",", "")[:18])
