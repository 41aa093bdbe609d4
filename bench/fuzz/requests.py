"""Target: a client's request, for a host of every dialect and for a host of Anthropic's format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from bench.fuzz.judge import BrokenError, hold
from bench.fuzz.schemas import schema
from kimi_cli.providers.dialect import DIALECTS
from kimi_cli.wire.codec import NotJsonError, dumps_strict, loads_object
from kimi_cli.wire.failure import InvalidRequestError
from kimi_cli.wire.foreign import a_number
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.relay import to_relay
from kimi_cli.wire.request import check_request, session_of, to_chat
from kimi_cli.wire.tokens import estimate_request
from tests.doubles.refusal import Refused
from tests.wire.asking import ALWAYS, MODEL, SEES, SWITCHABLE, judge, judge_relay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.fuzz.source import Source

_MODELS: Final = (MODEL, SEES, ALWAYS, SWITCHABLE)
_DIALECTS: Final = tuple(DIALECTS.values())
_FIELDS: Final = (
    "system",
    "tools",
    "tool_choice",
    "max_tokens",
    "stop_sequences",
    "thinking",
    "output_config",
    "output_format",
    "metadata",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "cache_control",
    "context_management",
    "safeguards",
)
_KEYS: Final = (
    "role",
    "content",
    "type",
    "text",
    "source",
    "tool_use_id",
    "id",
    "name",
    "input",
    "title",
    "data",
    "url",
    "tool_name",
    "thinking",
    "signature",
    "budget_tokens",
    "media_type",
    "is_error",
    "input_schema",
    "description",
    "defer_loading",
    "effort",
    "format",
    "schema",
    "user_id",
    "disable_parallel_tool_use",
    "cache_control",
)
_KINDS: Final = (
    "text",
    "image",
    "document",
    "tool_use",
    "tool_result",
    "tool_reference",
    "thinking",
    "redacted_thinking",
    "search_result",
    "server_tool_use",
    "web_search_tool_result",
    "tool_addition",
    "new",
    "base64",
    "url",
    "enabled",
    "disabled",
    "adaptive",
    "auto",
    "any",
    "tool",
    "none",
    "json_schema",
    "user",
    "assistant",
    "system",
)
_IMAGES: Final[tuple[dict[str, object], ...]] = (
    {"type": "base64", "media_type": "image/png", "data": "aGk=", "new": 1},
    {"type": "url", "url": "https://a.b/c.png"},
    {"type": "url"},
    {"type": "file", "file_id": "file_1"},
    {},
)
"""What is no image has been found out before a request is translated."""
_IDS: Final = tuple(f"toolu_{number}" for number in range(1, 1000))
"""One for each call, as clients have them: hosts refuse others in the same words as Anthropic does."""
_SAMPLING: Final = ("temperature", "top_p", "top_k")
"""Numbers that are passed on as they are: which ones a host takes, it says itself."""
_SHOWN: Final = 4000
"""Bytes of a request that was refused."""
_NAMES: Final = ("Read", "Bash", "mcp.a/b", "mcp__a__b", "DeferredToolPlaceholder", "x" * 70, "")


def request(source: Source) -> None:
    """A request's bytes: translated or refused as what it is, and never in a way that the host would not take."""
    choice = source.byte()
    dialect, model = _DIALECTS[source.below(len(_DIALECTS))], _MODELS[choice & 3]
    if choice & 12 == 0:
        data = source.rest()
    else:
        made = _request(source) if choice & 8 else {**_request(source), **_odd(source)}
        data = json.dumps(made).encode("utf-8", "surrogatepass")
    try:
        body = loads_object(data)
    except NotJsonError:
        return
    for name in _SAMPLING:
        if not 0 <= (a_number(body.get(name)) or 0) <= 1:
            del body[name]
    before = dumps_strict(body) if _can_be_written(body) else None
    try:
        check_request(body)
        estimate = estimate_request(body)
        session_of(body)
        chat = to_chat(Prompt(body), dialect=dialect, model=model, estimate=estimate).body
        relay = to_relay(Prompt(body), model=model, estimate=estimate).body
    except InvalidRequestError:
        return
    hold(estimate >= 0, "less than nothing")
    try:
        judge(json.loads(dumps_strict(chat)), dialect=dialect, vision=model.vision)
    except Refused as refused:
        raise BrokenError(f"{dialect.name} refuses: {refused}\n{dumps_strict(chat)[:_SHOWN]!r}") from refused
    try:
        judge_relay(json.loads(dumps_strict(relay)))
    except Refused as refused:
        raise BrokenError(f"the host refuses: {refused}\n{dumps_strict(relay)[:_SHOWN]!r}") from refused
    hold(before is None or dumps_strict(body) == before, "the request has been changed")


def _can_be_written(body: object) -> bool:
    try:
        dumps_strict(body)
    except Exception:  # noqa: BLE001 - what cannot be written cannot be compared
        return False
    return True


def _odd(source: Source) -> dict[str, Any]:
    vocabulary = (*_KEYS, *_KINDS)
    return {source.pick((*_FIELDS, "messages", "model")): source.value(vocabulary) for _ in range(source.below(3))}


def _request(source: Source) -> dict[str, Any]:
    fields: dict[str, Any] = {"model": "claude-test", "max_tokens": source.pick((1, 1000, 32_000, 128_000))}
    fields["tools"] = [_tool(source) for _ in range(source.below(4))]
    if source.chance(3):
        fields[source.pick(_FIELDS)] = source.value((*_KEYS, *_KINDS), depth=3)
    if source.chance(3):
        fields["tool_choice"] = {"type": source.pick(("auto", "any", "tool", "none")), "name": source.pick(_NAMES)}
    if source.chance(3):
        fields["thinking"] = {"type": source.pick(("enabled", "disabled", "adaptive")), "budget_tokens": 1024}
    turns: list[dict[str, object]] = []
    ids = iter(_IDS)
    while not source.is_empty and len(turns) < 16:
        content = source.text() if source.chance(6) else [_block(source, ids) for _ in range(source.below(5))]
        turns.append({"role": source.pick(("user", "assistant", "assistant", "user", "system")), "content": content})
    return {**fields, "messages": turns or [{"role": "user", "content": "Hi"}]}


def _block(source: Source, ids: Iterator[str], *, depth: int = 2) -> object:
    if source.chance(24):
        return source.value(_KEYS, depth=depth + 1)
    kind = source.pick(_KINDS[:13])
    block: dict[str, Any] = {"type": kind}
    match kind:
        case "text":
            block["text"] = source.text()
        case "thinking":
            block |= {"thinking": source.text(), "signature": source.text()}
        case "tool_use" | "server_tool_use":
            block |= {"id": next(ids), "name": source.pick(_NAMES), "input": source.value(_KEYS, depth=2)}
        case "tool_result" | "web_search_tool_result" | "search_result" | "document" if depth:
            block |= {"tool_use_id": source.pick(_IDS[:6]), "is_error": source.chance(3), "title": source.text()}
            block["content"] = [_block(source, ids, depth=depth - 1) for _ in range(source.below(3))]
            block["source"] = source.value(_KEYS, depth=1)
        case "image":
            block["source"] = source.pick(_IMAGES)
        case "document":
            media = source.pick(("application/pdf", "text/plain", ""))
            block["source"] = {"type": source.pick(("base64", "url", "text", "file")), "media_type": media}
            block["source"] |= {"data": source.pick(("aGk=", "!", "")), "url": source.pick(("https://a.b/c.png", ""))}
        case "tool_reference":
            block["tool_name"] = source.pick(_NAMES)
    return block


def _tool(source: Source) -> dict[str, Any]:
    given = schema(source)
    if not source.chance(4):
        given = {"type": "object", "properties": {"a": given}}
    tool: dict[str, object] = {"name": source.pick(_NAMES), "description": source.text(), "input_schema": given}
    if source.chance(4):
        tool["defer_loading"] = True
    if source.chance(12):
        tool["type"] = source.pick(("custom", "web_search_20250305", "bash_20250124", "new"))
    return tool
