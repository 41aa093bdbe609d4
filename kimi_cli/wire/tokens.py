"""Estimates of token counts, made from characters: fast, and good enough for a context meter.

The host reports exact counts at the end of every answer; these stand in until it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.wire.codec import dumps_text
from kimi_cli.wire.failure import bounded_depth
from kimi_cli.wire.foreign import a_string, an_object, objects

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

ASCII_CHARACTERS_PER_TOKEN: Final = 3.9
"""English and code, measured on prompts of coding agents with Kimi-sized vocabularies (160k entries)."""
WIDE_CHARACTERS_PER_TOKEN: Final = 1.4
"""Chinese, Japanese, Korean, emoji and accented letters taken together."""
IMAGE_TOKENS: Final = 1_000
"""A screenshot, about; hosts count by size, which is not known without decoding."""
MESSAGE_TOKENS: Final = 4
"""What a turn costs besides its text."""


def estimate_text(text: str) -> float:
    """Tokens of a text, unrounded."""
    if text.isascii():
        return len(text) / ASCII_CHARACTERS_PER_TOKEN
    wide = len(text) - len(text.encode("ascii", "ignore"))
    return (len(text) - wide) / ASCII_CHARACTERS_PER_TOKEN + wide / WIDE_CHARACTERS_PER_TOKEN


def estimate_characters(count: int) -> int:
    """Tokens of a text of which only the length is known."""
    return round(count / ASCII_CHARACTERS_PER_TOKEN)


@bounded_depth()
def estimate_request(request: JsonObject) -> int:
    """Tokens of an Anthropic request's prompt: system, messages and tools.

    Raises:
        InvalidRequestError: the request is nested too deeply.
    """
    total = _content(request.get("system"))
    for message in objects(request.get("messages")):
        total += MESSAGE_TOKENS + _content(message.get("content"))
    for tool in objects(request.get("tools")):
        if not tool.get("defer_loading"):
            total += _json({key: tool.get(key) for key in ("name", "description", "input_schema")})
    return round(total)


def _content(content: object) -> float:
    if isinstance(content, str):
        return estimate_text(content)
    return sum(_block(block) for block in objects(content))


def _block(block: JsonObject) -> float:
    match block.get("type"):
        case "text":
            return estimate_text(a_string(block.get("text")))
        case "thinking":
            return estimate_text(a_string(block.get("thinking")))
        case "image":
            return IMAGE_TOKENS
        case "tool_use":
            return MESSAGE_TOKENS + estimate_text(a_string(block.get("name"))) + _json(block.get("input"))
        case "tool_result":
            return MESSAGE_TOKENS + _content(block.get("content"))
        case "document" if an_object(block.get("source")).get("type") == "base64":
            return IMAGE_TOKENS
        case _:
            return _json(block)


def _json(value: object) -> float:
    return estimate_text(dumps_text(value))
