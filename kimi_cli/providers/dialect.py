"""How each OpenAI-compatible host departs from the common form, as data.

The translator reads these and knows no host by name. Facts are from the hosts' documentation and SDKs, autumn 2026.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class ThinkingSwitch(StrEnum):
    """Which request field switches the reasoning of a model that can be switched."""

    NONE = "none"
    """None does, or the effort `none`, which is then among the model's efforts."""
    THINKING = "thinking"
    """`thinking: {type: disabled}`; without it models think."""
    THINKING_KEPT = "thinking.keep"
    """The same, or `{type: enabled, keep: all}`: without `keep` the reasoning of the history is not used."""
    REASONING = "reasoning"
    """`reasoning: {enabled: false}`; without it models think."""
    TEMPLATE = "chat_template_kwargs"
    """`chat_template_kwargs: {thinking: bool}`, for self-hosted engines."""
    PARSED = "reasoning_format"
    """The effort `none` switches it off; while it is on, `reasoning_format: parsed` keeps it out of the text."""


class EffortField(StrEnum):
    """Which request field sets how hard a model thinks, where the model takes efforts."""

    NONE = "none"
    TOP = "reasoning_effort"
    """Top-level `reasoning_effort`."""
    REASONING = "reasoning"
    """`reasoning: {effort}`."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One host's form of a chat completion request.

    `fields` are the only top-level fields that ever leave. `reasoning_fields` are where an assistant message of the
    history carries its reasoning, the same text in each; none where the host refuses it, or may. Limits are None where
    the host sets none.
    """

    name: str
    fields: frozenset[str]
    max_tokens_field: str = "max_tokens"
    reasoning_fields: tuple[str, ...] = ()
    reasoning_details: bool = False
    """Whether structured reasoning goes back as it came, in `reasoning_details`, where a model needs its structure."""
    thinking_switch: ThinkingSwitch = ThinkingSwitch.NONE
    effort_field: EffortField = EffortField.NONE
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
    cache_mark: bool = False
    """Whether, in Anthropic's format, a mark for the cache may stand at the top of a request; gateways pass it on."""


_COMMON: Final = frozenset({"model", "messages", "tools", "tool_choice", "stream", "stream_options", "stop"})
_SAMPLING: Final = frozenset({"temperature", "top_p"})

GROQ: Final = Dialect(
    name="groq",
    fields=_COMMON
    | _SAMPLING
    | {
        "max_completion_tokens",
        "parallel_tool_calls",
        "reasoning_effort",
        "reasoning_format",
        "response_format",
        "service_tier",
    },
    max_tokens_field="max_completion_tokens",
    thinking_switch=ThinkingSwitch.PARSED,
    effort_field=EffortField.TOP,
    system_anywhere=True,
    kimi_tool_ids=True,
    streams_json_schema=False,
)

MOONSHOT: Final = Dialect(
    name="moonshot",
    fields=_COMMON | {"max_completion_tokens", "thinking", "reasoning_effort", "response_format", "prompt_cache_key"},
    max_tokens_field="max_completion_tokens",
    reasoning_fields=("reasoning_content",),
    thinking_switch=ThinkingSwitch.THINKING_KEPT,
    effort_field=EffortField.TOP,
    system_anywhere=True,
    kimi_tool_ids=True,
    image_urls=False,
    stop_limit=5,
    stop_bytes=32,
    restricted_schema=True,
    cache_key_field="prompt_cache_key",
    cache_mark=True,
)

# It passes schemas on to whichever host answers, Moonshot among them, and that one's validator refuses them there.
OPENROUTER: Final = Dialect(
    name="openrouter",
    fields=_COMMON | _SAMPLING | {"max_tokens", "parallel_tool_calls", "reasoning", "response_format"},
    reasoning_fields=("reasoning",),
    reasoning_details=True,
    thinking_switch=ThinkingSwitch.REASONING,
    effort_field=EffortField.REASONING,
    system_anywhere=True,
    kimi_tool_ids=True,
    restricted_schema=True,
)

# Engines of before December 2025 read `reasoning_content` of the history, later ones `reasoning` alone.
VLLM: Final = Dialect(
    name="vllm",
    fields=_COMMON
    | _SAMPLING
    | {"max_tokens", "parallel_tool_calls", "top_k", "response_format", "chat_template_kwargs"},
    reasoning_fields=("reasoning", "reasoning_content"),
    thinking_switch=ThinkingSwitch.TEMPLATE,
    kimi_tool_ids=True,
    stop_limit=None,
    tools_limit=None,
)

GENERIC: Final = Dialect(name="generic", fields=_COMMON | _SAMPLING | {"max_tokens"})

# Behind an address of the user's own may be a gateway to any host, and schemas that are restricted mean the same.
GATEWAY: Final = replace(GENERIC, name="gateway", restricted_schema=True)

# Fireworks refuses a message for a field that it does not know, and documents this one.
FIREWORKS: Final = replace(
    GENERIC,
    name="fireworks",
    fields=GENERIC.fields | {"reasoning_effort"},
    reasoning_fields=("reasoning_content",),
    effort_field=EffortField.TOP,
)

TOGETHER: Final = replace(
    GENERIC,
    name="together",
    fields=GENERIC.fields | {"reasoning", "reasoning_effort"},
    reasoning_fields=("reasoning_content",),
    thinking_switch=ThinkingSwitch.REASONING,
    effort_field=EffortField.TOP,
)

NOVITA: Final = replace(
    GENERIC,
    name="novita",
    fields=GENERIC.fields | {"thinking", "reasoning_effort"},
    reasoning_fields=("reasoning_content",),
    thinking_switch=ThinkingSwitch.THINKING,
    effort_field=EffortField.TOP,
)

DEEPINFRA: Final = replace(GENERIC, name="deepinfra", reasoning_fields=("reasoning_content",))

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        dialect.name: dialect
        for dialect in (GROQ, MOONSHOT, OPENROUTER, VLLM, GENERIC, GATEWAY, FIREWORKS, TOGETHER, NOVITA, DEEPINFRA)
    }
)
