"""What OpenAI-compatible hosts refuse in a chat completion request, where they agree.

The wordings are those that Groq and Moonshot send; a host's own file adds what is its own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import jsonschema

from tests.doubles.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.doubles.scenario import JsonObject

ROLES: Final = ("system", "developer", "user", "assistant", "tool")
TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
BYTES_PER_TOKEN: Final = 4
TOKENS_PER_IMAGE: Final = 1024


@dataclass(frozen=True, slots=True)
class ChatRules:
    """What one host takes."""

    fields: frozenset[str]
    message_fields: Mapping[str, frozenset[str]]
    stop_limit: int
    tools_limit: int = 128


def check_fields(body: JsonObject, *, rules: ChatRules) -> None:
    """Refuse unknown fields of the request and of its messages."""
    for name in body:
        if name not in rules.fields:
            raise Refused(f"property '{name}' is unsupported{_suggestion(name, rules.fields)}")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused("'messages' : minimum number of items is 1")
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise Refused(f"'messages.{index}' : discriminator property 'role' has invalid value")
        role = message["role"]
        known = rules.message_fields.get(role, frozenset())
        for name in message:
            if name not in known:
                raise unsatisfied(index, role, f"property '{name}' is unsupported{_suggestion(name, known)}")


def check_messages(messages: list[JsonObject], *, vision: bool) -> None:
    """Refuse contents of the wrong form, and tool calls that are not well formed."""
    for index, message in enumerate(messages):
        role = message["role"]
        content = message.get("content")
        match role:
            case "assistant":
                calls = message.get("tool_calls")
                if calls is not None:
                    _check_calls(calls, index=index)
                if not (isinstance(content, str) or (content is None and calls)):
                    raise unsatisfied(index, role, "value must be a string", field="content")
                if not content and not calls:
                    raise unsatisfied(index, role, "minimum string length is 1", field="content")
            case "tool":
                if not message.get("tool_call_id"):
                    raise unsatisfied(index, role, "property 'tool_call_id' is missing", field="tool_call_id")
                if not isinstance(content, str):
                    raise unsatisfied(index, role, "value must be a string", field="content")
            case "user" if isinstance(content, list):
                if not vision:
                    raise Refused(f"messages[{index}].content must be a string")
                _check_parts(content, index=index)
            case _:
                if not isinstance(content, str):
                    raise unsatisfied(index, role, "value must be a string", field="content")
                if not content:
                    raise unsatisfied(index, role, "minimum string length is 1", field="content")


def check_pairs(messages: list[JsonObject]) -> None:
    """Refuse tool calls without their results right behind them, results without their call, and ids used twice."""
    open_ids: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            wanted = message["tool_call_id"]
            if wanted not in open_ids:
                raise Refused("messages with role 'tool' must be a response to a preceeding message with 'tool_calls'")
            open_ids.remove(wanted)
            continue
        _check_answered(open_ids)
        open_ids = [call["id"] for call in message.get("tool_calls") or ()]
        if len(set(open_ids)) != len(open_ids):
            raise Refused(f"messages.{index}: tool call ids must be unique within a message")
    _check_answered(open_ids)


def check_stream_options(body: JsonObject) -> None:
    """Refuse `stream_options` without `stream`."""
    if "stream" in body and not isinstance(body["stream"], bool):
        raise Refused("'stream' : value must be a boolean")
    if "stream_options" in body and not body.get("stream"):
        raise Refused("'stream_options' : only allowed when 'stream' is true")


def check_stop(body: JsonObject, *, rules: ChatRules) -> None:
    """Refuse too many stop sequences."""
    stop = body.get("stop")
    entries = [stop] if isinstance(stop, str) else stop
    if entries is None:
        return
    if not isinstance(entries, list) or not all(isinstance(entry, str) and entry for entry in entries):
        raise Refused("'stop' : value must be a string or an array of strings")
    if len(entries) > rules.stop_limit:
        raise Refused(f"'stop' : maximum number of items is {rules.stop_limit}")


def check_tools(body: JsonObject, *, rules: ChatRules) -> None:
    """Refuse tools and choices among them that are not well formed."""
    tools = body.get("tools")
    names: set[str] = set()
    if tools is not None:
        if not isinstance(tools, list) or not tools:
            raise Refused("'tools' : minimum number of items is 1")
        if len(tools) > rules.tools_limit:
            raise Refused(f"'tools' : maximum number of items is {rules.tools_limit}")
        for index, tool in enumerate(tools):
            name = _check_tool(tool, index=index)
            if name in names:
                raise Refused(f"function name {name} is duplicated")
            names.add(name)
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not names:
        raise Refused("'tool_choice' : only allowed when 'tools' are specified")
    if isinstance(choice, dict):
        if choice.get("type") != "function" or choice.get("function", {}).get("name") not in names:
            raise Refused("'tool_choice' : Tool choice function was not found in 'tools'")
    elif choice not in ("auto", "none", "required"):
        raise Refused("'tool_choice' : value must be one of 'auto', 'none', 'required'")


def estimate_tokens(body: JsonObject) -> int:
    """A rough size of the prompt: a quarter of its characters, a fixed size for each image."""
    characters = len(json.dumps(body.get("tools") or [], ensure_ascii=False))
    images = 0
    for message in body["messages"]:
        content = message.get("content")
        if isinstance(content, list):
            texts = [part.get("text", "") for part in content]
            images += sum(1 for part in content if part.get("type") == "image_url")
            characters += sum(len(text) for text in texts)
        else:
            characters += len(content or "")
        characters += len(json.dumps(message.get("tool_calls") or [], ensure_ascii=False))
    return characters // BYTES_PER_TOKEN + images * TOKENS_PER_IMAGE


def unsatisfied(index: int, role: str, reason: str, *, field: str = "") -> Refused:
    """Groq's form of a refusal of one message."""
    place = f"messages.{index}.{field}" if field else f"messages.{index}"
    return Refused(f"'messages.{index}' : for 'role:{role}' the following must be satisfied[('{place}' : {reason})]")


def _check_answered(open_ids: list[str]) -> None:
    if open_ids:
        raise Refused(
            "an assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: " + ", ".join(open_ids)
        )


def _check_calls(calls: Any, *, index: int) -> None:
    if not isinstance(calls, list) or not calls:
        raise unsatisfied(index, "assistant", "minimum number of items is 1", field="tool_calls")
    for number, call in enumerate(calls):
        place = f"tool_calls.{number}"
        if not isinstance(call, dict) or set(call) != {"id", "type", "function"} or call["type"] != "function":
            raise unsatisfied(index, "assistant", "a call has id, type 'function' and function", field=place)
        function = call["function"]
        if not call["id"] or not isinstance(call["id"], str):
            raise unsatisfied(index, "assistant", "value must be a string", field=f"{place}.id")
        if not isinstance(function, dict) or set(function) != {"name", "arguments"}:
            raise unsatisfied(index, "assistant", "a function has name and arguments", field=f"{place}.function")
        if not TOOL_NAME.fullmatch(str(function["name"])):
            raise unsatisfied(index, "assistant", "invalid function name", field=f"{place}.function.name")
        if not isinstance(function["arguments"], str):
            raise unsatisfied(index, "assistant", "value must be a string", field=f"{place}.function.arguments")
        if not _is_json_object(function["arguments"]):
            raise unsatisfied(index, "assistant", "value must be a JSON object", field=f"{place}.function.arguments")


def _check_parts(parts: list[Any], *, index: int) -> None:
    if not parts:
        raise unsatisfied(index, "user", "minimum number of items is 1", field="content")
    for number, part in enumerate(parts):
        place = f"content.{number}"
        match part:
            case {"type": "text", "text": str(text), **rest} if not rest:
                if not text:
                    raise unsatisfied(index, "user", "minimum string length is 1", field=f"{place}.text")
            case {"type": "image_url", "image_url": {"url": str()} as image, **rest} if not rest:
                if set(image) - {"url", "detail"}:
                    raise unsatisfied(index, "user", "property is unsupported", field=f"{place}.image_url")
            case _:
                raise unsatisfied(index, "user", "discriminator property 'type' has invalid value", field=place)


def _check_tool(tool: Any, *, index: int) -> str:
    if not isinstance(tool, dict) or set(tool) != {"type", "function"} or tool["type"] != "function":
        raise Refused(f"'tools.{index}' : a tool has type 'function' and function")
    function = tool["function"]
    for name in function:
        if name not in ("name", "description", "parameters", "strict"):
            raise Refused(f"'tools.{index}.function' : property '{name}' is unsupported")
    if "strict" in function and not isinstance(function["strict"], bool):
        raise Refused(f"'tools.{index}.function.strict' : value must be a boolean")
    if "description" in function and not isinstance(function["description"], str):
        raise Refused(f"'tools.{index}.function.description' : value must be a string")
    name = function.get("name")
    if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
        raise Refused(f"'tools.{index}.function.name' : does not match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
    parameters = function.get("parameters")
    try:
        # Which regular expressions are right is for each host to say.
        jsonschema.Draft202012Validator.check_schema(parameters, format_checker=jsonschema.FormatChecker(formats=()))
    except jsonschema.SchemaError as error:
        raise Refused(
            f"invalid JSON schema for tool {name}, tools[{index}].function.parameters: `/{error.json_path}`: "
            + error.message[:200]
        ) from None
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        raise Refused(f"invalid JSON schema for tool {name}, tools[{index}].function.parameters: type must be object")
    return name


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _suggestion(name: str, known: frozenset[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f", did you mean '{close[0]}'?" if close else ""
