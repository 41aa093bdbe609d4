"""An Anthropic request as a chat completion request, in the dialect of a host.

Only fields that the dialect names ever leave: hosts refuse a request for a single field that they do not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.codec import NotJsonError, dumps_text, loads_object
from kimi_cli.wire.content import system_text
from kimi_cli.wire.failure import InvalidRequestError, bounded_depth
from kimi_cli.wire.foreign import a_number, a_string, an_int, an_object, strings
from kimi_cli.wire.history import to_messages
from kimi_cli.wire.names import ToolNames
from kimi_cli.wire.outgoing import Outgoing
from kimi_cli.wire.salvage import callable_tools
from kimi_cli.wire.thinking import display_of, knobs
from kimi_cli.wire.tools import as_function, fitted, to_choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.providers.dialect import Dialect
    from kimi_cli.providers.model import Model
    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.prompt import Prompt
    from kimi_cli.wire.thinking import Display
    from kimi_cli.wire.tools import LeftOut, Offer

ESTIMATE_MARGIN: Final = 1.1
"""How far an estimate of the prompt may be off when the rest of the window is given to the answer."""
MIN_OUTPUT: Final = 1_024
"""The least that is asked for where the window seems full: whether it is, is for the host to say."""

THREAD_REFUSED: Final = "capability_rejected: beta_header:message-threads-2026-08-12"
"""At these words Claude Code sends the whole conversation, and goes on doing so."""

NOTHING_SAID: Final = "messages: all messages must have non-empty content"
"""Anthropic's words for a conversation in which nobody says anything; hosts have none to answer, either."""

JSON_ONLY: Final = "Answer with one JSON value that matches this JSON Schema, and with nothing else:\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What to send, `outgoing`, and what the reducer needs in order to read the answer.

    `tool_names` maps names that had to be changed back to the client's; `stops` are the stop sequences over the host's
    limit, which the reducer enforces; `left_out` are the tools that this host is not told of. `display`, `offered` and
    `details_model` are those of the reducer's frame.
    """

    outgoing: Outgoing
    tool_names: Mapping[str, str]
    stops: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    display: Display
    offered: Mapping[str, JsonObject]
    details_model: str

    @property
    def body(self) -> JsonObject:
        """All that is sent."""
        return self.outgoing.body


def check_request(request: JsonObject) -> None:
    """See that a request has what every request needs.

    Raises:
        InvalidRequestError: it has not.
    """
    if request.get("thread") is not None and an_object(request["thread"]).get("type") != "create":
        # It continues a conversation that a server remembers, and brings nothing but the news. No host of ours does,
        # and whoever passed the news on alone would have the model forget everything else, without a word.
        raise InvalidRequestError(THREAD_REFUSED)
    messages = request.get("messages")
    if not isinstance(messages, list):
        raise InvalidRequestError("messages: Field required")
    if not any(isinstance(message, dict) for message in messages):
        raise InvalidRequestError("messages: at least one message is required")
    if not a_string(request.get("model")):
        raise InvalidRequestError("model: Field required")


@bounded_depth
def to_chat(prompt: Prompt, *, dialect: Dialect, model: Model, estimate: int) -> ChatRequest:
    """Translate a request. `estimate` is the prompt's size in tokens.

    Raises:
        InvalidRequestError: the request is not one.
    """
    request = prompt.body
    check_request(request)
    offer = fitted(prompt, limit=dialect.tools_limit, restricted_schema=dialect.restricted_schema)
    answer_format = _answer_format(request, dialect, has_tools=bool(offer.tools))
    stops, local_stops = _stops(request, dialect)
    system = system_text(request.get("system"))
    if (schema := answer_schema(request)) is not None and not answer_format:
        system = f"{system}\n\n{JSON_ONLY}{dumps_text(schema)}".lstrip()
    told = to_messages(prompt.rounds, dialect=dialect, model=model)
    if system:
        told = told.after({"role": "system", "content": system})
    if told.is_empty:
        raise InvalidRequestError(NOTHING_SAID)
    names = ToolNames({**offer.names, **told.names})
    fields: JsonObject = {
        "model": model.id,
        dialect.max_tokens_field: output_limit(request, model=model, estimate=estimate),
        **_stream(has_format=bool(answer_format), dialect=dialect),
        **answer_format,
        **_tool_fields(request, offer, names, can_force=model.forced_tools),
        **knobs(request, dialect=dialect, model=model),
        **_sampling(request),
    }
    if stops:
        fields["stop"] = stops
    if dialect.cache_key_field and (session := session_of(request)):
        fields[dialect.cache_key_field] = session
    fields = {key: value for key, value in fields.items() if key in dialect.fields}
    return ChatRequest(
        outgoing=Outgoing(fields=fields, told=told, limit=dialect.max_tokens_field),
        tool_names=names.originals,
        stops=tuple(local_stops),
        left_out=offer.left_out,
        display=display_of(request, goes_back=bool(dialect.reasoning_fields)),
        offered=callable_tools(fields),
        details_model=model.id if dialect.reasoning_details else "",
    )


def output_limit(request: JsonObject, *, model: Model, estimate: int) -> int:
    """`max_tokens` within what the model can write and what its window has left."""
    asked = an_int(request.get("max_tokens"))
    wanted = model.max_output if asked is None else asked
    left = model.context_window - int(estimate * ESTIMATE_MARGIN)
    return max(1, min(wanted, model.max_output, max(left, MIN_OUTPUT)))


def session_of(request: JsonObject) -> str:
    """The client's session id, which is the same for every turn of a conversation: inside JSON inside metadata."""
    user = a_string(an_object(request.get("metadata")).get("user_id"))
    try:
        return a_string(loads_object(user.encode("utf-8", "surrogatepass")).get("session_id"))
    except NotJsonError:
        return ""


def _stream(*, has_format: bool, dialect: Dialect) -> JsonObject:
    if has_format and not dialect.streams_json_schema:
        return {"stream": False}
    return {"stream": True, "stream_options": {"include_usage": True}}


def answer_schema(request: JsonObject) -> object | None:
    """The JSON Schema that the answer must match, under its present name or its older one."""
    wanted = an_object(an_object(request.get("output_config")).get("format")) or an_object(request.get("output_format"))
    return wanted.get("schema") if wanted.get("type") == "json_schema" else None


def _answer_format(request: JsonObject, dialect: Dialect, *, has_tools: bool) -> JsonObject:
    schema = answer_schema(request)
    if schema is None or has_tools or "response_format" not in dialect.fields:
        return {}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}


def _tool_fields(request: JsonObject, offer: Offer, names: ToolNames, *, can_force: bool) -> JsonObject:
    if not offer.tools:
        return {}
    fields: JsonObject = {"tools": [as_function(tool) for tool in offer.tools]}
    choice = an_object(request.get("tool_choice"))
    offered_names = {a_string(tool["name"]) for tool in offer.tools} if choice else set()
    if (translated := to_choice(choice, names=names, offered_names=offered_names, can_force=can_force)) is not None:
        fields["tool_choice"] = translated
    if choice.get("disable_parallel_tool_use") is True:
        fields["parallel_tool_calls"] = False
    return fields


def _sampling(request: JsonObject) -> JsonObject:
    return {key: request[key] for key in ("temperature", "top_p", "top_k") if a_number(request.get(key)) is not None}


def _stops(request: JsonObject, dialect: Dialect) -> tuple[list[str], list[str]]:
    """The stop sequences for the host, and those that it would not take."""
    sequences = [sequence for sequence in strings(request.get("stop_sequences")) if sequence]
    short = [
        sequence
        for sequence in sequences
        if dialect.stop_bytes is None or len(sequence.encode("utf-8", "surrogatepass")) <= dialect.stop_bytes
    ]
    told = short if dialect.stop_limit is None else short[: dialect.stop_limit]
    return told, [sequence for sequence in sequences if sequence not in told]
