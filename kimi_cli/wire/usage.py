"""Token counts as hosts report them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.wire.events import Usage
from kimi_cli.wire.foreign import an_int, an_object

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

_COUNTS: Final = ("prompt_tokens", "completion_tokens")
"""Usage that has neither counts nothing."""


def read_usage(usage: object) -> Usage | None:
    """What a host counted, or None where it counted nothing."""
    if not isinstance(usage, dict) or all(an_int(usage.get(count)) is None for count in _COUNTS):
        return None
    return _counted(usage)


def _counted(usage: JsonObject) -> Usage:
    """OpenAI's `prompt_tokens` hold the cached ones; Anthropic's `input_tokens` do not."""
    prompt = an_int(usage.get("prompt_tokens")) or 0
    details = an_object(usage.get("prompt_tokens_details"))
    cached = an_int(details.get("cached_tokens")) or an_int(usage.get("cached_tokens")) or 0
    cached = min(cached, prompt)
    thinking = an_int(an_object(usage.get("completion_tokens_details")).get("reasoning_tokens"))
    return Usage(prompt - cached, cached, an_int(usage.get("completion_tokens")) or 0, thinking)
