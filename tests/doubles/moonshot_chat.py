"""A double of Moonshot's OpenAI endpoint, whose dialect differs from Groq's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from aiohttp import web

from tests.doubles.chat_stream import ChatWriter, chat_ask
from tests.doubles.judge import judge_chat
from tests.doubles.mfjs import check_mfjs, check_name
from tests.doubles.moonshot import MoonshotDouble, Served
from tests.doubles.pictures import base64_of, check_for_kimi, data_urls
from tests.doubles.refusal import Refused
from tests.doubles.scenario import Reply, UsageAt
from tests.doubles.serve import deliver
from tests.doubles.strict_chat import (
    ChatRules,
    check_fields,
    check_messages,
    check_pairs,
    check_stop,
    check_stream_options,
    check_tools,
    estimate_tokens,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.doubles.scenario import JsonObject

EFFORTS: Final = ("low", "high", "max")
STOP_BYTES: Final = 32
SAMPLING: Final = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "n")
IMAGE_PREFIXES: Final = ("data:image/", "ms://")

RULES: Final = ChatRules(
    fields=frozenset(
        {
            "model",
            "messages",
            "tools",
            "tool_choice",
            "stream",
            "stream_options",
            "stop",
            "max_tokens",
            "max_completion_tokens",
            "response_format",
            "thinking",
            "reasoning_effort",
            "prompt_cache_key",
            "safety_identifier",
            *SAMPLING,
        }
    ),
    message_fields={
        "system": frozenset({"role", "content"}),
        "user": frozenset({"role", "content"}),
        "assistant": frozenset({"role", "content", "tool_calls", "reasoning_content", "partial"}),
        "tool": frozenset({"role", "content", "tool_call_id"}),
    },
    stop_limit=5,
)


class MoonshotChat(MoonshotDouble):
    """`/v1/chat/completions`: streams reasoning as `reasoning_content`, usage in the last choice."""

    base_path: ClassVar[str] = "/v1"

    def routes(self) -> Iterable[web.RouteDef]:
        """The two endpoints that are used."""
        return (
            web.post(f"{self.base_path}/chat/completions", self._chat),
            web.get(f"{self.base_path}/models", self.models),
        )

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body: JsonObject = {}
        try:
            body = await self.receive(request)
            self._check(body)
        except Refused as refused:
            return self.refuse(request, refused, body=body)
        exchange = self.accept(request, body)
        answer = self.next_answer(chat_ask(body))
        if isinstance(answer, Reply) and UsageAt.X_GROQ in answer.usage_at:
            answer = Reply(answer.parts, answer.finish, answer.usage, frozenset({UsageAt.CHOICE}))
        writer = ChatWriter(body, reasoning_field="reasoning_content")
        return await deliver(exchange, request, answer, writer=writer)

    def _check(self, body: JsonObject) -> None:
        check_fields(body, rules=RULES)
        model = self.model(body.get("model"))
        check_messages(body["messages"], vision=True)
        check_pairs(body["messages"])
        check_stream_options(body)
        check_stop(body, rules=RULES)
        check_tools(body, rules=RULES)
        for tool in body.get("tools") or ():
            check_name(tool["function"]["name"])
            check_mfjs(tool["function"]["parameters"])
        _check_stop_bytes(body)
        _check_images(body)
        _check_sampling(body)
        _check_thinking(body, model=model)
        _check_size(body, model=model)
        judge_chat(
            body,
            extras=frozenset({"thinking", "reasoning_effort"}),
            message_extras=frozenset({"reasoning_content", "partial"}),
        )


def _check_stop_bytes(body: JsonObject) -> None:
    stop = body.get("stop") or ()
    for entry in [stop] if isinstance(stop, str) else stop:
        if len(entry.encode()) > STOP_BYTES:
            raise Refused(f"Invalid request: stop sequences must not be longer than {STOP_BYTES} bytes")


def _check_images(body: JsonObject) -> None:
    for message in body["messages"]:
        content = message.get("content")
        if not isinstance(content, list):
            continue
        if all(part["type"] == "text" for part in content):
            raise Refused("Invalid request: text-only content must be a string")
    for url in data_urls(body):
        if not url.startswith(IMAGE_PREFIXES):
            raise Refused("Invalid request: unsupported image url: " + url[:60])
        if url.startswith("data:"):
            check_for_kimi(base64_of(url))


def _check_sampling(body: JsonObject) -> None:
    for name in SAMPLING:
        if name in body:
            raise Refused(f"invalid {name}: only the default is allowed for this model")


def _check_thinking(body: JsonObject, *, model: Served) -> None:
    thinking = body.get("thinking")
    kind = "enabled" if thinking is None else thinking.get("type")
    if thinking is not None and model.is_k3:
        raise Refused("invalid thinking: thinking is not supported for this model")
    if kind not in (("enabled", "disabled") if model.switchable_thinking else ("enabled",)):
        raise Refused("invalid thinking: only type=enabled is allowed for this model")
    if body.get("reasoning_effort") is not None and not (model.is_k3 and body["reasoning_effort"] in EFFORTS):
        raise Refused("invalid reasoning_effort: must be one of low, high, max")
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        raise Refused("tool_choice 'specified' is incompatible with thinking enabled")
    if choice == "required" and not model.is_k3:
        raise Refused("tool_choice 'required' is incompatible with thinking enabled")
    if kind == "disabled":
        return
    for index, message in enumerate(body["messages"]):
        if message.get("tool_calls") and not message.get("reasoning_content"):
            raise Refused(
                f"thinking is enabled but reasoning_content is missing in assistant tool call message at index {index}"
            )


def _check_size(body: JsonObject, *, model: Served) -> None:
    wanted = body.get("max_completion_tokens") or body.get("max_tokens") or 0
    if wanted > model.context_length:
        raise Refused(f"Invalid request: max_completion_tokens must not exceed {model.context_length}")
    if estimate_tokens(body) + wanted > model.context_length:
        raise Refused(f"Invalid request: Your request exceeded model token limit : {model.context_length}")
