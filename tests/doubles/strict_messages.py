"""What Moonshot's Anthropic endpoint refuses in a messages request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import jsonschema

from tests.doubles.mfjs import check_mfjs, check_name
from tests.doubles.refusal import Refused
from tests.doubles.strict_chat import TOOL_NAME

if TYPE_CHECKING:
    from tests.doubles.scenario import JsonObject

FIELDS: Final = frozenset(
    {
        "model",
        "max_tokens",
        "messages",
        "system",
        "stream",
        "stop_sequences",
        "metadata",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "cache_control",
        "temperature",
        "top_p",
        "top_k",
    }
)
TAGS: Final = (
    "image",
    "server_tool_use",
    "text",
    "thinking",
    "tool_result",
    "tool_use",
    "web_search_tool_result",
)
RESULT_TAGS: Final = ("image", "text")
USER_ONLY: Final = ("image", "tool_result")
ASSISTANT_ONLY: Final = ("server_tool_use", "thinking", "tool_use", "web_search_tool_result")
EFFORTS: Final = ("low", "high", "max")
TOOLS_LIMIT: Final = 128
TOOL_FIELDS: Final = frozenset({"name", "description", "input_schema", "type", "cache_control"})


def check_fields(body: JsonObject) -> None:
    """Refuse unknown top-level fields, and a system prompt that is neither a string nor text blocks."""
    for name in body:
        if name not in FIELDS:
            raise Refused(f"{name}: Extra inputs are not permitted")
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise Refused(f"{name}: Field required")
    if "stream" in body and not isinstance(body["stream"], bool):
        raise Refused("stream: Input should be a valid boolean")
    system = body.get("system", "")
    if not isinstance(system, str):
        for index, block in enumerate(system):
            if not isinstance(block, dict) or block.get("type") != "text" or not block.get("text"):
                raise Refused(f"system.{index}: Input should be a non-empty text block")


def check_messages(messages: Any) -> None:
    """Refuse roles and blocks that the endpoint does not know, and empty ones."""
    if not isinstance(messages, list) or not messages:
        raise Refused("messages: at least one message is required")
    for index, message in enumerate(messages):
        place = f"messages.{index}"
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
            raise Refused(f"{place}.role: Input should be 'user' or 'assistant'")
        for name in message:
            if name not in ("role", "content"):
                raise Refused(f"{place}.{name}: Extra inputs are not permitted")
        content = message.get("content")
        if not content:
            raise Refused(f"{place}: all messages must have non-empty content")
        if isinstance(content, str):
            continue
        for number, block in enumerate(content):
            _check_block(block, place=f"{place}.content.{number}", role=message["role"])


def check_pairs(messages: list[JsonObject]) -> None:
    """Refuse calls whose results do not open the next user turn, results without their call, and ids used twice."""
    seen: set[str] = set()
    open_ids: list[str] = []
    for index, (role, blocks) in enumerate(_turns(messages)):
        if role == "assistant":
            open_ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
            for tool_id in open_ids:
                if tool_id in seen:
                    raise Refused(f"messages.{index}: `tool_use` ids must be unique")
                seen.add(tool_id)
            continue
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        for tool_id in results:
            if tool_id not in open_ids or results.count(tool_id) > 1:
                raise Refused(
                    f"messages.{index}: unexpected `tool_use_id` found in `tool_result` blocks: {tool_id}. Each "
                    "`tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
        leading = [block["tool_use_id"] for block in blocks[: len(open_ids)] if block["type"] == "tool_result"]
        _check_answered(open_ids, leading, index=index)
        open_ids = []
    _check_answered(open_ids, [], index=len(messages))


def check_tools(body: JsonObject) -> None:
    """Refuse everything but plain custom tools and the choices `auto`, `any` and `none`."""
    names: set[str] = set()
    if len(body.get("tools") or ()) > TOOLS_LIMIT:
        raise Refused(f"a max of {TOOLS_LIMIT} tools can be supported")
    for index, tool in enumerate(body.get("tools") or ()):
        kind = tool.get("type", "custom")
        if kind != "custom":
            raise Refused(_tag_error(f"tools.{index}", kind, ("custom",)))
        for name in tool:
            if name not in TOOL_FIELDS:
                raise Refused(f"tools.{index}.custom.{name}: Extra inputs are not permitted")
        name = tool.get("name")
        if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
            raise Refused(f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
        check_name(name)
        if name in names:
            raise Refused("tools: Tool names must be unique.")
        names.add(name)
        _check_schema(tool.get("input_schema"), index=index)
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not isinstance(choice, dict) or choice.get("type") not in ("auto", "any", "none"):
        raise Refused("tool_choice 'specified' is incompatible with thinking enabled")
    if not names:
        raise Refused("tool_choice: may only be specified while providing tools")


def check_knobs(body: JsonObject, *, only_enabled: bool) -> None:
    """Refuse thinking modes, efforts and output formats that the endpoint does not take."""
    thinking = body.get("thinking")
    if thinking is not None:
        kind = thinking.get("type") if isinstance(thinking, dict) else None
        if kind not in ("enabled", "disabled"):
            raise Refused(f"thinking.type: {kind} is not supported")
        if only_enabled and kind != "enabled":
            raise Refused("invalid thinking: only type=enabled is allowed for this model")
    config = body.get("output_config")
    if config is None:
        return
    for name in config:
        if name != "effort":
            raise Refused(f"output_config.{name}: Extra inputs are not permitted")
    if config.get("effort") not in EFFORTS:
        raise Refused("output_config.effort: Input should be 'low', 'high' or 'max'")


def count_block_cache_controls(body: JsonObject) -> int:
    """How many blocks and tools carry `cache_control`, which this host honours at the top level only."""
    found = 0
    waiting: list[Any] = [body.get("system"), body.get("tools"), body["messages"]]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found += "cache_control" in value
            waiting.append(value.get("content"))
        elif isinstance(value, list):
            waiting.extend(value)
    return found


def _turns(messages: list[JsonObject]) -> list[tuple[str, list[JsonObject]]]:
    """The messages with neighbours of the same role merged, as the host reads them."""
    turns: list[tuple[str, list[JsonObject]]] = []
    for message in messages:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks)
        else:
            turns.append((message["role"], blocks))
    return turns


def _check_answered(open_ids: list[str], answered: list[str], *, index: int) -> None:
    missing = [tool_id for tool_id in open_ids if tool_id not in answered]
    if missing:
        raise Refused(
            f"messages.{index - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
            "message."
        )


def _check_block(block: Any, *, place: str, role: str) -> None:
    tag = block.get("type") if isinstance(block, dict) else None
    if tag not in TAGS:
        raise Refused(_tag_error(place, tag, TAGS))
    if tag in (ASSISTANT_ONLY if role == "user" else USER_ONLY):
        raise Refused(f"{place}: `{tag}` blocks cannot be used in {role} messages")
    match tag:
        case "text":
            if not isinstance(block.get("text"), str) or not block["text"]:
                raise Refused(f"{place}.text: text content blocks must be non-empty")
        case "image":
            _check_image(block, place=place)
        case "tool_use":
            if not isinstance(block.get("input"), dict) or not block.get("id"):
                raise Refused(f"{place}.tool_use.input: Input should be a valid dictionary")
            if not TOOL_NAME.fullmatch(str(block.get("name"))):
                raise Refused(f"{place}.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
        case "tool_result":
            content = block.get("content") or ""
            if isinstance(content, str):
                return
            for number, inner in enumerate(content):
                inner_place = f"{place}.tool_result.content.{number}"
                inner_tag = inner.get("type") if isinstance(inner, dict) else None
                if inner_tag not in RESULT_TAGS:
                    raise Refused(_tag_error(inner_place, inner_tag, TAGS))
                _check_block(inner, place=inner_place, role="user")
        case _:
            pass


def _check_image(block: JsonObject, *, place: str) -> None:
    source = block.get("source") or {}
    if source.get("type") != "base64" or not source.get("data"):
        raise Refused(f"{place}.image.source: unsupported image url: only base64 images are supported")
    if source.get("media_type") not in ("image/jpeg", "image/png", "image/gif", "image/webp"):
        raise Refused(f"{place}.image.source.media_type: Input should be an image type")


def _check_schema(schema: Any, *, index: int) -> None:
    place = f"tools.{index}.custom.input_schema"
    try:
        jsonschema.Draft202012Validator.check_schema(schema, format_checker=jsonschema.FormatChecker(formats=()))
    except jsonschema.SchemaError as error:
        raise Refused(f"{place}: JSON schema is invalid: {error.message[:200]}") from None
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise Refused(f"{place}.type: Input should be 'object'")
    check_mfjs(schema)


def _tag_error(place: str, tag: object, tags: tuple[str, ...]) -> str:
    known = ", ".join(f"'{name}'" for name in tags)
    return f"{place}: Input tag '{tag}' found using 'type' does not match any of the expected tags: {known}"
