"""How each OpenAI-compatible host departs from the common form, as data.

The translator reads these and knows no host by name. Facts are from the hosts' documentation and SDKs, autumn 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class ThinkingKnob(StrEnum):
    """Which request field switches a model's reasoning or sets its effort."""

    NONE = "none"
    EFFORT = "reasoning_effort"
    """Top-level `reasoning_effort`."""
    MOONSHOT = "thinking"
    """`thinking: {type, keep}` where a model can switch it, `reasoning_effort` where it takes efforts."""
    OPENROUTER = "reasoning"
    """`reasoning: {effort}` or `{enabled: false}`."""
    TEMPLATE = "chat_template_kwargs"
    """`chat_template_kwargs: {thinking: bool}`, for self-hosted engines."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One host's form of a chat completion request.

    `fields` are the only top-level fields that ever leave. `reasoning_field` is where an assistant message of the
    history carries its reasoning, or None where the host refuses it. Limits are None where the host sets none.
    """

    name: str
    fields: frozenset[str]
    max_tokens_field: str = "max_tokens"
    reasoning_field: str | None = None
    thinking_knob: ThinkingKnob = ThinkingKnob.NONE
    system_anywhere: bool = False
    """Whether `role: system` may stand after the first message; else it becomes a marked user turn."""
    kimi_tool_ids: bool = False
    """Whether tool call ids are rebuilt as `functions.NAME:INDEX`, the form that Kimi was trained on."""
    image_urls: bool = True
    """Whether the host fetches remote images; else they become a line of text."""
    stop_limit: int | None = 4
    stop_bytes: int | None = None
    tools_limit: int | None = 128
    restricted_schema: bool = False
    """Whether tool schemas must keep to Moonshot's restricted JSON Schema."""
    streams_json_schema: bool = True
    """Whether `response_format` may be combined with `stream`."""
    cache_key_field: str | None = None


_COMMON: Final = frozenset({"model", "messages", "tools", "tool_choice", "stream", "stream_options", "stop"})
_SAMPLING: Final = frozenset({"temperature", "top_p"})

GROQ: Final = Dialect(
    name="groq",
    fields=_COMMON
    | _SAMPLING
    | {"max_completion_tokens", "parallel_tool_calls", "reasoning_effort", "response_format", "service_tier"},
    max_tokens_field="max_completion_tokens",
    thinking_knob=ThinkingKnob.EFFORT,
    system_anywhere=True,
    kimi_tool_ids=True,
    streams_json_schema=False,
)

MOONSHOT: Final = Dialect(
    name="moonshot",
    fields=_COMMON | {"max_completion_tokens", "thinking", "reasoning_effort", "response_format", "prompt_cache_key"},
    max_tokens_field="max_completion_tokens",
    reasoning_field="reasoning_content",
    thinking_knob=ThinkingKnob.MOONSHOT,
    system_anywhere=True,
    kimi_tool_ids=True,
    image_urls=False,
    stop_limit=5,
    stop_bytes=32,
    restricted_schema=True,
    cache_key_field="prompt_cache_key",
)

# It passes schemas on to whichever host answers, Moonshot among them, and that one's validator refuses them there.
OPENROUTER: Final = Dialect(
    name="openrouter",
    fields=_COMMON | _SAMPLING | {"max_tokens", "parallel_tool_calls", "reasoning", "response_format"},
    reasoning_field="reasoning",
    thinking_knob=ThinkingKnob.OPENROUTER,
    system_anywhere=True,
    kimi_tool_ids=True,
    restricted_schema=True,
)

VLLM: Final = Dialect(
    name="vllm",
    fields=_COMMON
    | _SAMPLING
    | {"max_tokens", "parallel_tool_calls", "top_k", "response_format", "chat_template_kwargs"},
    reasoning_field="reasoning_content",
    thinking_knob=ThinkingKnob.TEMPLATE,
    kimi_tool_ids=True,
    stop_limit=None,
    tools_limit=None,
)

GENERIC: Final = Dialect(name="generic", fields=_COMMON | _SAMPLING | {"max_tokens"})

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {dialect.name: dialect for dialect in (GROQ, MOONSHOT, OPENROUTER, VLLM, GENERIC)}
)
