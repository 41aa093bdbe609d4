"""A double of Groq's OpenAI endpoint: what it refuses, it refuses in Groq's words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from aiohttp import web

from tests.doubles.chat_stream import ChatWriter, chat_ask
from tests.doubles.groq_schema import check_groq_schema
from tests.doubles.judge import judge_chat
from tests.doubles.pictures import base64_of, data_urls, look_at
from tests.doubles.refusal import Refused
from tests.doubles.serve import Double, deliver
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
    from collections.abc import Iterable, Mapping

    from tests.doubles.scenario import JsonObject

KIMI: Final = "moonshotai/kimi-k2-instruct-0905"
VISION: Final = "qwen/qwen3.8-27b"
IMAGED_REQUEST_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a request that has an image inside."""
IMAGES_LIMIT: Final = 5
IMAGE_PIXELS_LIMIT: Final = 33_177_600


@dataclass(frozen=True, slots=True)
class Served:
    """One model of the live list."""

    context_window: int
    max_output: int
    vision: bool = False
    efforts: tuple[str, ...] = ()


MODELS: Final[Mapping[str, Served]] = MappingProxyType(
    {
        KIMI: Served(262_144, 16_384),
        "openai/gpt-oss-120b": Served(131_072, 65_536, efforts=("low", "medium", "high")),
        VISION: Served(131_072, 16_384, vision=True, efforts=("none", "default", "low", "medium", "high")),
    }
)
DECOMMISSIONED: Final = ("moonshotai/kimi-k2-instruct", "qwen-qwq-32b")

RULES: Final = ChatRules(
    fields=frozenset(
        {
            "model",
            "messages",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "disable_tool_validation",
            "stream",
            "stream_options",
            "stop",
            "temperature",
            "top_p",
            "seed",
            "user",
            "n",
            "max_tokens",
            "max_completion_tokens",
            "frequency_penalty",
            "presence_penalty",
            "response_format",
            "reasoning_effort",
            "reasoning_format",
            "include_reasoning",
            "service_tier",
        }
    ),
    message_fields={
        "system": frozenset({"role", "content"}),
        "user": frozenset({"role", "content"}),
        "assistant": frozenset({"role", "content", "tool_calls", "reasoning"}),
        "tool": frozenset({"role", "content", "tool_call_id"}),
    },
    stop_limit=4,
)
NOT_OPENAI: Final = frozenset(
    {"reasoning_format", "include_reasoning", "disable_tool_validation", "service_tier", "reasoning_effort"}
)
"""Fields, or values of fields, that are Groq's own; the SDK that judges would not know them."""
SERVICE_TIERS: Final = ("auto", "on_demand", "flex", "performance")


class Groq(Double):
    """`models` is the live list; ids outside it are unknown, or decommissioned."""

    key_prefix: ClassVar[str] = "gsk_"
    base_path: ClassVar[str] = "/openai/v1"
    models: Mapping[str, Served] = MODELS

    def routes(self) -> Iterable[web.RouteDef]:
        """The two endpoints that are used."""
        return (
            web.post(f"{self.base_path}/chat/completions", self._chat),
            web.get(f"{self.base_path}/models", self._models),
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
        writer = ChatWriter(body, reasoning_field="reasoning", is_groq=True)
        return await deliver(exchange, request, answer, writer=writer)

    async def _models(self, request: web.Request) -> web.StreamResponse:
        try:
            self.check_key(request)
        except Refused as refused:
            return self.refuse(request, refused, body={})
        entries = [
            {
                "id": model_id,
                "object": "model",
                "created": 1_757_000_000,
                "owned_by": "Moonshot AI" if model_id == KIMI else "Groq",
                "active": True,
                "context_window": model.context_window,
                "public_apps": None,
                "max_completion_tokens": model.max_output,
            }
            for model_id, model in self.models.items()
        ]
        return web.json_response({"object": "list", "data": entries})

    def _check(self, body: JsonObject) -> None:
        check_fields(body, rules=RULES)
        model = self._model(body.get("model"))
        check_messages(body["messages"], vision=model.vision)
        check_pairs(body["messages"])
        check_stream_options(body)
        check_stop(body, rules=RULES)
        check_tools(body, rules=RULES)
        for index, tool in enumerate(body.get("tools") or ()):
            check_groq_schema(tool["function"]["name"], tool["function"]["parameters"], index=index)
        _check_knobs(body, model=model)
        _check_images(body)
        _check_size(body, model=model)
        judge_chat(body, extras=NOT_OPENAI, message_extras=frozenset({"reasoning"}))

    def _model(self, model_id: object) -> Served:
        if not isinstance(model_id, str) or not model_id:
            raise Refused("'model' : property 'model' is missing")
        if model_id in DECOMMISSIONED:
            raise Refused(
                f"The model `{model_id}` has been decommissioned and is no longer supported. Please refer to "
                "https://console.groq.com/docs/deprecations for a recommendation on which model to use instead.",
                code="model_decommissioned",
            )
        if model_id not in self.models:
            raise Refused(
                f"The model `{model_id}` does not exist or you do not have access to it.",
                status=404,
                code="model_not_found",
            )
        return self.models[model_id]


def _check_knobs(body: JsonObject, *, model: Served) -> None:
    if body.get("n", 1) != 1:
        raise Refused("'n' : number must be at most 1", param="n")
    if body.get("stream") and (body.get("response_format") or {}).get("type") not in (None, "text"):
        raise Refused("response_format is not supported with streaming", param="response_format")
    if body.get("reasoning_effort") is not None and body["reasoning_effort"] not in model.efforts:
        known = ", ".join(f"`{effort}`" for effort in model.efforts)
        reason = f"must be one of {known}" if known else "is not supported with this model"
        raise Refused(f"`reasoning_effort` {reason}", param="reasoning_effort")
    if "reasoning_format" in body and "include_reasoning" in body:
        raise Refused("cannot specify both `reasoning_format` and `include_reasoning`", param="reasoning_format")
    if body.get("service_tier", "auto") not in SERVICE_TIERS:
        raise Refused("'service_tier' : value must be one of " + ", ".join(SERVICE_TIERS), param="service_tier")
    for name, top in (("temperature", 2), ("top_p", 1)):
        value = body.get(name)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= top
        ):
            raise Refused(f"'{name}' : number must be between 0 and {top}", param=name)
    if "parallel_tool_calls" in body and not isinstance(body["parallel_tool_calls"], bool):
        raise Refused("'parallel_tool_calls' : value must be a boolean", param="parallel_tool_calls")


def _check_images(body: JsonObject) -> None:
    urls = list(data_urls(body))
    if len(urls) > IMAGES_LIMIT:
        raise Refused(f"Too many images provided. This model supports up to {IMAGES_LIMIT} images")
    if urls and len(json.dumps(body)) > IMAGED_REQUEST_LIMIT:
        raise Refused("Request Entity Too Large", status=413, code="request_too_large")
    for url in urls:
        if not url.startswith("data:"):
            continue
        try:
            seen = look_at(base64_of(url))
        except ValueError:
            raise Refused("invalid image data") from None
        if seen.width * seen.height > IMAGE_PIXELS_LIMIT:
            raise Refused(f"image has more than the maximum of {IMAGE_PIXELS_LIMIT} pixels")


def _check_size(body: JsonObject, *, model: Served) -> None:
    wanted = 0
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise Refused(f"'{name}' : number must be at least 1", param=name)
        if value > model.max_output:
            raise Refused(
                f"`{name}` must be less than or equal to `{model.max_output}`, the maximum value for `{name}` is "
                "less than the `context_window` for this model",
                param=name,
            )
        wanted = value
    if estimate_tokens(body) + wanted > model.context_window:
        raise Refused(
            "Please reduce the length of the messages or completion.", code="context_length_exceeded", param="messages"
        )
