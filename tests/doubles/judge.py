"""What the vendors' own SDKs think of a request, as outside judges.

Their parameter types are TypedDicts. Pydantic validates a value against them and leaves out keys that they do not
have, so whatever is missing or different afterwards is something that the SDK does not know.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from tests.doubles.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.doubles.scenario import JsonObject

BLAMED = 3
"""How many faults of one request are named."""
FREE_FORM = ("input_schema", "input", "parameters")
"""Fields whose values are the caller's own JSON, whatever the SDK names of them."""


def judge_chat(body: JsonObject, *, extras: frozenset[str], message_extras: frozenset[str]) -> None:
    """Hold a chat completion request against the `openai` SDK's types; `extras` are the host's own additions.

    Raises:
        Refused: the SDK's types do not allow it.
    """
    bare = {name: value for name, value in body.items() if name not in extras}
    bare["messages"] = [
        {name: value for name, value in message.items() if name not in message_extras} for message in body["messages"]
    ]
    _judge(_chat_type(stream=bool(body.get("stream"))), bare, judge="openai")


def judge_messages(body: JsonObject) -> None:
    """Hold a messages request against the `anthropic` SDK's types.

    Raises:
        Refused: the SDK's types do not allow it.
    """
    _judge(_messages_type(stream=bool(body.get("stream"))), body, judge="anthropic")


@cache
def _chat_type(*, stream: bool) -> TypeAdapter[Any]:
    from openai.types.chat import completion_create_params as params

    return TypeAdapter(params.CompletionCreateParamsStreaming if stream else params.CompletionCreateParamsNonStreaming)


@cache
def _messages_type(*, stream: bool) -> TypeAdapter[Any]:
    from anthropic.types.beta import message_create_params as params

    return TypeAdapter(params.MessageCreateParamsStreaming if stream else params.MessageCreateParamsNonStreaming)


def _judge(adapter: TypeAdapter[Any], body: JsonObject, *, judge: str) -> None:
    try:
        kept = _exhaust(adapter.validate_python(body))
    except ValidationError as error:
        where = [
            f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise Refused(f"the {judge} SDK does not know such a request: {'; '.join(where[:BLAMED])}") from None
    lost = list(_differences(body, kept, path="request"))
    if lost:
        raise Refused(f"the {judge} SDK does not know: {'; '.join(lost[:BLAMED])}")


def _exhaust(value: Any) -> Any:
    """Iterables are validated as they are read, so read them all."""
    if isinstance(value, dict):
        return {name: _exhaust(item) for name, item in value.items()}
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        return value
    return [_exhaust(item) for item in value]


def _differences(sent: Any, kept: Any, *, path: str) -> Iterator[str]:
    if isinstance(sent, dict) and isinstance(kept, dict):
        for name, value in sent.items():
            if name not in kept:
                yield f"{path}.{name}"
            elif name not in FREE_FORM:
                yield from _differences(value, kept[name], path=f"{path}.{name}")
    elif isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        for index, (ours, theirs) in enumerate(zip(sent, kept, strict=True)):
            yield from _differences(ours, theirs, path=f"{path}[{index}]")
    elif sent != kept:
        yield f"{path} = {sent!r:.60}"
