"""A chat completion request in OpenAI's format: parsed once, and refused where a strict host would refuse it.

This is an outside judge of the translator, so it shares nothing with it: the fields and orders that are taken here are
written down a second time.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

MODEL_ID: Final = "kimi-demo-script"

_FIELDS: Final = frozenset(
    {
        "model", "messages", "tools", "tool_choice", "parallel_tool_calls", "stream", "stream_options", "stop",
        "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "response_format",
        "chat_template_kwargs",
    }
)  # fmt: skip
_MESSAGE_FIELDS: Final = {
    "system": frozenset({"role", "content"}),
    "user": frozenset({"role", "content"}),
    "assistant": frozenset({"role", "content", "tool_calls", "reasoning", "reasoning_content"}),
    "tool": frozenset({"role", "content", "tool_call_id"}),
}
_PART_TYPES: Final = frozenset({"text", "image_url"})
_TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class RefusedError(Exception):
    """The request is malformed; the host answers `status` with this sentence."""

    def __init__(self, sentence: str, *, param: str | None = None, status: int = 400, code: str | None = None) -> None:
        super().__init__(sentence)
        self.param, self.status, self.code = param, status, code

    def to_json(self) -> dict[str, Any]:
        """The body of the answer, in OpenAI's form."""
        error = {"message": str(self), "type": "invalid_request_error", "param": self.param, "code": self.code}
        return {"error": error}


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of the history."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `answers` is the id of the call that a tool's result belongs to."""

    role: str
    text: str
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is well formed. `schema` is the JSON schema that the answer shall have, where one is given."""

    turns: tuple[Turn, ...]
    tools: frozenset[str] = frozenset()
    schema: dict[str, Any] | None = None
    stream: bool = False
    wants_usage: bool = False
    size: int = field(default=0, compare=False)


def read_request(data: bytes) -> Request:
    """Parses a request's body.

    Raises:
        RefusedError: the body is not a request that a strict host takes.
    """
    body = _object(_decode(data), "the request body")
    if unknown := sorted(set(body) - _FIELDS):
        raise RefusedError(f"property '{unknown[0]}' is unsupported", param=unknown[0])
    if body.get("model") != MODEL_ID:
        raise RefusedError(
            f"The model `{body.get('model')}` does not exist.", param="model", status=404, code="model_not_found"
        )
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RefusedError("'messages' must be a list that is not empty", param="messages")
    turns = tuple(_turn(message, index) for index, message in enumerate(messages))
    _check_order(turns)
    options = body.get("stream_options") or {}
    if options and not body.get("stream"):
        raise RefusedError("'stream_options' is only allowed when 'stream' is true", param="stream_options")
    return Request(
        turns=turns,
        tools=_tools(body.get("tools")),
        schema=_schema(body.get("response_format")),
        stream=bool(body.get("stream")),
        wants_usage=bool(_object(options, "'stream_options'").get("include_usage")),
        size=len(data),
    )


def _decode(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError as error:
        raise RefusedError(f"the request body is not JSON: {error}") from error


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RefusedError(f"{name} must be an object")
    return value


def _turn(message: object, index: int) -> Turn:
    where = f"messages.{index}"
    body = _object(message, f"'{where}'")
    role = body.get("role")
    allowed = _MESSAGE_FIELDS.get(role) if isinstance(role, str) else None
    if not isinstance(role, str) or allowed is None:
        raise RefusedError(f"'{where}': unknown role {role!r}", param=where)
    if unknown := sorted(set(body) - allowed):
        raise RefusedError(f"'{where}': property '{unknown[0]}' is unsupported for role {role!r}", param=where)
    calls = _calls(body.get("tool_calls"), where) if "tool_calls" in body else ()
    text = _text(body.get("content"), where, optional=bool(calls))
    reasoning = body.get("reasoning_content") or ""
    for name in ("reasoning", "reasoning_content"):
        if not isinstance(body.get(name) or "", str):
            raise RefusedError(f"'{where}.{name}' must be a string", param=where)
    answers = body.get("tool_call_id")
    if role == "tool" and not (isinstance(answers, str) and answers):
        raise RefusedError(f"'{where}': a tool message needs 'tool_call_id'", param=where)
    return Turn(role=role, text=text, reasoning=reasoning, calls=calls, answers=answers)


def _text(content: object, where: str, *, optional: bool) -> str:
    if isinstance(content, str):
        return content
    if content is None and optional:
        return ""
    if not isinstance(content, list) or not content:
        raise RefusedError(f"'{where}.content' must be a string or a list of parts", param=where)
    texts = []
    for part in content:
        kind = _object(part, f"a part of '{where}.content'").get("type")
        if kind not in _PART_TYPES:
            raise RefusedError(f"'{where}.content': unknown part type {kind!r}", param=where)
        texts.append(part.get("text", "") if kind == "text" else "")
    if not all(isinstance(text, str) for text in texts):
        raise RefusedError(f"'{where}.content': the text of a part must be a string", param=where)
    return "\n".join(texts)


def _calls(value: object, where: str) -> tuple[Call, ...]:
    if not isinstance(value, list) or not value:
        raise RefusedError(f"'{where}.tool_calls' must be a list that is not empty", param=where)
    return tuple(_call(_object(call, f"a call of '{where}'"), where) for call in value)


def _call(call: dict[str, Any], where: str) -> Call:
    function = _object(call.get("function"), f"'{where}.tool_calls.function'")
    call_id, name, arguments = call.get("id"), function.get("name"), function.get("arguments")
    if call.get("type") != "function" or not isinstance(call_id, str) or not call_id or not isinstance(name, str):
        raise RefusedError(f"'{where}.tool_calls': a call needs 'id', type 'function' and a name", param=where)
    try:
        parsed = json.loads(arguments if isinstance(arguments, str) else "")
    except ValueError as error:
        raise RefusedError(f"'{where}.tool_calls': 'arguments' must be a string of JSON", param=where) from error
    return Call(id=call_id, name=name, arguments=_object(parsed, f"'{where}.tool_calls.arguments'"))


def _tools(value: object) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not value:
        raise RefusedError("'tools' must be a list that is not empty", param="tools")
    names: set[str] = set()
    for tool in value:
        function = _object(_object(tool, "a tool").get("function"), "'tools.function'")
        name, schema = function.get("name"), function.get("parameters", {"type": "object"})
        if tool.get("type") != "function" or not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
            raise RefusedError(f"'tools': {name!r} is not the name of a function", param="tools")
        if _object(schema, f"the schema of {name}").get("type") != "object" or name in names:
            raise RefusedError(f"'tools': {name} is there twice or takes no object", param="tools")
        names.add(name)
    return frozenset(names)


def _schema(value: object) -> dict[str, Any] | None:
    if value is None:
        return None
    wanted = _object(value, "'response_format'")
    match wanted.get("type"):
        case "text":
            return None
        case "json_object":
            return {"type": "object"}
        case "json_schema":
            return _object(_object(wanted.get("json_schema"), "'json_schema'").get("schema"), "the schema")
        case kind:
            raise RefusedError(f"'response_format': unknown type {kind!r}", param="response_format")


def _check_order(turns: tuple[Turn, ...]) -> None:
    """Every result follows the turn that called it, and every call has its result before the talk goes on."""
    waiting: list[str] = []
    for index, turn in enumerate(turns):
        where = f"messages.{index}"
        if turn.role == "system" and index:
            raise RefusedError(f"'{where}': a system message must come first", param=where)
        if turn.role == "tool":
            if turn.answers not in waiting:
                raise RefusedError(f"'{where}': no call {turn.answers!r} waits for this result", param=where)
            waiting.remove(turn.answers)
        elif waiting:
            raise RefusedError(f"'{where}': the call {waiting[0]!r} has no result", param=where)
        waiting += [call.id for call in turn.calls]
    if waiting:
        raise RefusedError(f"the call {waiting[0]!r} has no result", param="messages")
