"""Anthropic requests built by hand, and the judges of what becomes of them."""

from __future__ import annotations

import copy
from typing import Any, Final

from kimi_cli.providers.dialect import DIALECTS, GROQ, Dialect
from kimi_cli.providers.model import Model, Thinking
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.relay import to_relay
from kimi_cli.wire.request import ChatRequest, to_chat
from tests.doubles.groq_schema import check_groq_schema
from tests.doubles.judge import judge_chat, judge_messages
from tests.doubles.mfjs import check_mfjs
from tests.doubles.strict_chat import ChatRules, check_fields, check_messages, check_pairs, check_tools
from tests.doubles.strict_messages import check_fields as check_relay_fields
from tests.doubles.strict_messages import check_messages as check_relay_messages
from tests.doubles.strict_messages import check_pairs as check_relay_pairs
from tests.doubles.strict_messages import check_tools as check_relay_tools
from tests.doubles.strict_messages import count_block_cache_controls

JsonObject = dict[str, Any]

MODEL: Final = Model("kimi-k2", 131_072, 16_384)
SEES: Final = Model("kimi-k2-vision", 131_072, 16_384, vision=True)
ALWAYS: Final = Model(
    "kimi-k3", 1_048_576, 131_072, thinking=Thinking.ALWAYS, efforts=("low", "high", "max"), vision=True
)
SWITCHABLE: Final = Model("kimi-k2.6", 262_144, 98_304, thinking=Thinking.SWITCHABLE, vision=True, forced_tools=False)
ALL: Final = tuple(DIALECTS.values())

PNG: Final = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
LINK: Final = {"type": "image", "source": {"type": "url", "url": "https://host.test/a.png"}}
_SCHEMA: Final = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
# Fields and values that the SDK that judges does not know, each of some host's own.
_EXTRAS: Final = frozenset(
    {
        "thinking",
        "reasoning",
        "reasoning_format",
        "chat_template_kwargs",
        "top_k",
        "prompt_cache_key",
        "reasoning_effort",
    }
)
_MESSAGE_EXTRAS: Final = frozenset({"reasoning", "reasoning_content", "reasoning_details"})
_SAMPLING: Final = ("temperature", "top_p", "top_k")


def user(*content: Any, role: str = "user") -> JsonObject:
    """A user turn of one string or of blocks."""
    blocks = [text(item) if isinstance(item, str) else item for item in content]
    return {
        "role": role,
        "content": content[0] if content and isinstance(content[0], str) and len(content) == 1 else blocks,
    }


def said(*content: Any) -> JsonObject:
    """An assistant turn."""
    return user(*content, role="assistant")


def system(*content: Any) -> JsonObject:
    """A system turn in the middle of a conversation."""
    return user(*content, role="system")


def text(content: str) -> JsonObject:
    """A text block."""
    return {"type": "text", "text": content}


def thought(content: str) -> JsonObject:
    """A thinking block as the client replays it."""
    return {"type": "thinking", "thinking": content, "signature": ""}


def use(call_id: str = "toolu_1", name: str = "Read", **arguments: Any) -> JsonObject:
    """A tool call."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def result(call_id: str = "toolu_1", content: Any = "done", **fields: Any) -> JsonObject:
    """A tool's result."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **fields}


def tool(name: str = "Read", **fields: Any) -> JsonObject:
    """A custom tool's definition."""
    return {"name": name, "description": f"Does {name}.", "input_schema": _SCHEMA, **fields}


def ask(*messages: JsonObject, **fields: Any) -> JsonObject:
    """A whole request."""
    return {"model": "claude-test", "max_tokens": 1_000, "messages": list(messages) or [user("Hi")], **fields}


def chat(request: JsonObject, *, dialect: Dialect = GROQ, model: Model = MODEL, estimate: int = 100) -> ChatRequest:
    """The translation, which leaves the request as it was and is what the host and the `openai` SDK accept."""
    before = copy.deepcopy(request)
    translated = to_chat(Prompt(request), dialect=dialect, model=model, estimate=estimate)
    assert request == before
    judge(translated.body, dialect=dialect, vision=model.vision)
    return translated


def judge(body: JsonObject, *, dialect: Dialect, vision: bool) -> None:
    """Hold a chat request against a strict host of this dialect, and against the SDK's types."""
    extra = {*dialect.reasoning_fields, *(["reasoning_details"] if dialect.reasoning_details else [])}
    fields = {
        "system": frozenset({"role", "content"}),
        "user": frozenset({"role", "content"}),
        "assistant": frozenset({"role", "content", "tool_calls", *extra}),
        "tool": frozenset({"role", "content", "tool_call_id"}),
    }
    rules = ChatRules(
        dialect.fields, fields, stop_limit=dialect.stop_limit or 99, tools_limit=dialect.tools_limit or 999
    )
    check_fields(body, rules=rules)
    check_messages(body["messages"], vision=vision)
    check_pairs(body["messages"])
    check_tools(body, rules=rules)
    for index, tool in enumerate(body.get("tools", ())):
        if dialect.restricted_schema:
            check_mfjs(tool["function"]["parameters"])
        else:
            check_groq_schema(tool["function"]["name"], tool["function"]["parameters"], index=index)
    judge_chat(body, extras=_EXTRAS, message_extras=_MESSAGE_EXTRAS)


def messages_of(
    *messages: JsonObject, dialect: Dialect = GROQ, model: Model = MODEL, **fields: Any
) -> list[JsonObject]:
    """The chat messages that a conversation becomes."""
    return chat(ask(*messages, **fields), dialect=dialect, model=model).body["messages"]


def relayed(request: JsonObject, *, model: Model = ALWAYS, estimate: int = 100) -> tuple[JsonObject, tuple[str, ...]]:
    """The relayed request, and the names of the tools left out of it.

    It leaves the client's as it was, and is what the host and the `anthropic` SDK accept.
    """
    before = copy.deepcopy(request)
    relay = to_relay(Prompt(request), model=model, estimate=estimate)
    assert request == before
    judge_relay(relay.body)
    return relay.body, tuple(tool.name for tool in relay.left_out)


def judge_relay(body: JsonObject) -> None:
    """Hold a relayed request against a strict host, and against the SDK's types."""
    check_relay_fields(body)
    check_relay_messages(body["messages"])
    check_relay_pairs(body["messages"])
    check_relay_tools(body)
    assert count_block_cache_controls(body) == 0
    judge_messages({name: value for name, value in body.items() if name not in _SAMPLING})
