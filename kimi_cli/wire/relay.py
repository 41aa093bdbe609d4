"""An Anthropic request brought down to what an Anthropic-compatible host accepts.

Such hosts take the messages of two years ago: no system turns inside the conversation, no references to tools, no
documents, no adaptive thinking, no context management. What they lack is said in the forms that they have.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from kimi_cli.providers.model import Thinking
from kimi_cli.wire.codec import dumps_text
from kimi_cli.wire.content import IMAGE_LEFT_OUT, NO_OUTPUT, Sight, blocks_of, parts_of, system_text, text_of
from kimi_cli.wire.failure import InvalidRequestError, bounded_depth
from kimi_cli.wire.foreign import a_number, a_string, an_int, an_object, objects, strings
from kimi_cli.wire.history import as_reminder
from kimi_cli.wire.names import ToolNames
from kimi_cli.wire.outgoing import Outgoing, Told
from kimi_cli.wire.request import JSON_ONLY, NOTHING_SAID, answer_schema, check_request, output_limit
from kimi_cli.wire.rounds import INTERRUPTED, STRETCH, so_far
from kimi_cli.wire.signature import NOTHING, PREFIX, from_signature, reasoning_of
from kimi_cli.wire.thinking import display_of, effort_for, is_wanted
from kimi_cli.wire.tools import fitted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kimi_cli.providers.model import Model
    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.prompt import Prompt
    from kimi_cli.wire.rounds import Round
    from kimi_cli.wire.thinking import Display
    from kimi_cli.wire.tools import LeftOut

MIN_BUDGET: Final = 1_024
"""The smallest thinking budget that the protocol knows."""
_MAX_BUDGET: Final = 31_999
"""What Claude Code itself asks for where it has to name a budget."""
TOOLS_LIMIT: Final = 128
"""What Moonshot's endpoint takes: "a max of 128 tools can be supported"."""
_IMAGE: Final = ("type", "media_type", "data")
_SEARCH: Final = {
    "server_tool_use": ("type", "id", "name", "input"),
    "web_search_tool_result": ("type", "tool_use_id", "content"),
}
"""The blocks of a search that a server made, and what hosts take of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayRequest:
    """What to send, `outgoing`, and what the answer has to be read with.

    `tool_names` maps names that had to be changed back to the client's; `left_out` are the tools that this host is not
    told of; `call_ids` are those of the conversation's calls, which no call of the answer may have again. `display` is
    what the client sees of the reasoning.
    """

    outgoing: Outgoing
    tool_names: Mapping[str, str]
    left_out: tuple[LeftOut, ...]
    call_ids: frozenset[str]
    display: Display

    @property
    def body(self) -> JsonObject:
        """All that is sent."""
        return self.outgoing.body


@bounded_depth
def to_relay(prompt: Prompt, *, model: Model, estimate: int, cache_mark: bool = True) -> RelayRequest:
    """Bring a request down to what the host accepts; `cache_mark` is whether that includes a mark for its cache.

    Raises:
        InvalidRequestError: the request is not one.
    """
    request = prompt.body
    check_request(request)
    offer = fitted(prompt, limit=TOOLS_LIMIT, restricted_schema=True)
    limit = output_limit(request, model=model, estimate=estimate)
    system = system_text(request.get("system"))
    if (schema := answer_schema(request)) is not None:
        system = f"{system}\n\n{JSON_ONLY}{dumps_text(schema)}".lstrip()
    told = so_far(prompt.rounds, ("relayed", model.vision), partial(_more, model=model))
    if told.is_empty:
        raise InvalidRequestError(NOTHING_SAID)
    fields: JsonObject = {"model": model.id, "max_tokens": limit}
    if system:
        fields["system"] = system
    if offer.tools:
        fields["tools"] = offer.tools
        fields |= _choice(request, model)
    fields |= _thinking(request, model, limit)
    if effort := effort_for(request, model.efforts):
        fields["output_config"] = {"effort": effort}
    if stops := strings(request.get("stop_sequences")):
        fields["stop_sequences"] = stops
    if user := a_string(an_object(request.get("metadata")).get("user_id")):
        fields["metadata"] = {"user_id": user}
    fields |= {key: request[key] for key in ("temperature", "top_p", "top_k") if a_number(request.get(key)) is not None}
    if cache_mark and _is_cached(prompt):
        fields["cache_control"] = {"type": "ephemeral"}
    fields["stream"] = request.get("stream") is True
    return RelayRequest(
        outgoing=Outgoing(fields=fields, told=told, limit="max_tokens"),
        tool_names={**offer.names, **told.names},
        left_out=offer.left_out,
        call_ids=frozenset[str]().union(*(turn.calls for turn in prompt.rounds)),
        display=display_of(request, goes_back=True),
    )


def _more(told: Told | None, rounds: Sequence[Round], *, model: Model) -> Told:
    """What was told already, and these rounds."""
    messages: list[JsonObject] = []
    names = ToolNames()
    for turn in rounds:
        said = [one for block in turn.said for one in _said(block, names)]
        if said and said[0]["type"] != "thinking":
            said.sort(key=lambda block: block["type"] != "thinking")  # a turn that was thought about begins with that
        if said:
            messages.append({"role": "assistant", "content": said})
        if answered := [*_results(turn, model), *_answers(turn, model)]:
            messages.append({"role": "user", "content": answered})
    return (told or Told()).plus(messages, names.originals, stay=len(rounds) == STRETCH)


def _said(block: JsonObject, names: ToolNames) -> list[JsonObject]:
    """An assistant's block."""
    kind = a_string(block.get("type"))
    if kind == "tool_use":
        name, call_id = names.to_host(a_string(block.get("name"))), a_string(block.get("id"))
        return [{"type": kind, "id": call_id, "name": name, "input": an_object(block.get("input"))}]
    if kind == "thinking":
        return _thought(block)
    if _is_search(block):
        return [{key: block[key] for key in _SEARCH[a_string(kind)]}]
    text = text_of(block)
    return [{"type": "text", "text": text}] if text else []


def _is_search(block: JsonObject) -> bool:
    """Whether this is a whole block of a search; a host refuses the conversation for half of one."""
    content = block.get("content")
    match block.get("type"):
        case "server_tool_use":
            return (
                bool(a_string(block.get("id")))
                and block.get("name") == "web_search"
                and isinstance(block.get("input"), dict)
            )
        case "web_search_tool_result" if a_string(block.get("tool_use_id")):
            if isinstance(content, dict):
                return bool(a_string(content.get("error_code")))
            return isinstance(content, list) and all(map(_is_found, content))
        case _:
            return False


def _is_found(item: object) -> bool:
    fields = an_object(item)
    texts = (fields.get(name) for name in ("url", "title", "encrypted_content"))
    return fields.get("type") == "web_search_result" and all(isinstance(text, str) for text in texts)


def _thought(block: JsonObject) -> list[JsonObject]:
    """Reasoning, which goes back as it came, signature and all: the host wants its own again.

    What came of another host goes on as text without a signature, for a model can go on from it all the same. What
    another one encrypted is nothing to this one.
    """
    text, signature = reasoning_of(block), a_string(block.get("signature"))
    if signature.startswith(PREFIX):
        signature = (from_signature(signature) or NOTHING).signature
    return [{"type": "thinking", "thinking": text, "signature": signature}] if text else []


def _results(turn: Round, model: Model) -> list[JsonObject]:
    """One result for every call, in the order of the calls, before anything else of the turn."""
    results: list[JsonObject] = []
    for call_id in turn.calls:
        result: JsonObject = {"type": "tool_result", "tool_use_id": call_id}
        if (block := turn.results.get(call_id)) is None:
            result |= {"content": [{"type": "text", "text": INTERRUPTED}], "is_error": True}
        else:
            inner = [part for part in blocks_of(block.get("content")) for part in _shown(part, model)]
            result["content"] = inner or [{"type": "text", "text": NO_OUTPUT}]
            if block.get("is_error") is True:
                result["is_error"] = True
        results.append(result)
    return results


def _answers(turn: Round, model: Model) -> list[JsonObject]:
    parts: list[JsonObject] = []
    for role, blocks in turn.answers:
        if role == "user":
            parts += (part for block in blocks for part in _shown(block, model))
        elif text := system_text(blocks):
            parts.append({"type": "text", "text": as_reminder(text)})
    return parts


def _shown(block: JsonObject, model: Model) -> list[JsonObject]:
    """A user's block as text, or as an image where the model sees images."""
    if block.get("type") == "image":
        source = an_object(block.get("source"))
        if not model.vision:
            return [{"type": "text", "text": IMAGE_LEFT_OUT}]
        if source.get("type") == "base64":
            return [{"type": "image", "source": {key: source[key] for key in _IMAGE if key in source}}]
    # What holds images besides text gives them up here, one by one.
    if block.get("type") == "document" and (inner := objects(an_object(block.get("source")).get("content"))):
        return [part for piece in inner for part in _shown(piece, model)]
    return parts_of(block, Sight(images=model.vision, image_urls=False))


def _choice(request: JsonObject, model: Model) -> JsonObject:
    """The host knows `auto`, `any` and `none`; a choice of one tool becomes `any`, which is the nearest."""
    wanted = an_object(request.get("tool_choice"))
    kind = a_string(wanted.get("type"))
    if kind not in {"auto", "any", "tool", "none"}:
        return {}
    if kind in {"tool", "any"}:
        kind = "any" if model.forced_tools else "auto"
    choice: JsonObject = {"type": kind}
    if kind != "none" and wanted.get("disable_parallel_tool_use") is True:
        choice["disable_parallel_tool_use"] = True
    return {"tool_choice": choice}


def _thinking(request: JsonObject, model: Model, limit: int) -> JsonObject:
    """Only a model that can be switched is told; to the others the field means nothing, or an error."""
    if model.thinking is not Thinking.SWITCHABLE:
        return {}
    if not is_wanted(request) or limit <= MIN_BUDGET:
        return {"thinking": {"type": "disabled"}}
    wanted = an_int(an_object(request.get("thinking")).get("budget_tokens")) or _MAX_BUDGET
    return {"thinking": {"type": "enabled", "budget_tokens": max(MIN_BUDGET, min(wanted, limit - 1))}}


def _is_cached(prompt: Prompt) -> bool:
    """Whether the client marked anything for caching; the host takes one mark, at the top."""
    request = prompt.body
    blocks = [request, *blocks_of(request.get("system")), *objects(request.get("tools"))]
    return any(block.get("cache_control") for block in blocks) or any(turn.is_marked for turn in prompt.rounds)
