"""A double of Moonshot's Anthropic endpoint, and of the model list beside it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from aiohttp import web

from tests.doubles.judge import judge_messages
from tests.doubles.messages_stream import MessagesWriter, messages_ask
from tests.doubles.pictures import check_for_kimi
from tests.doubles.refusal import Refused
from tests.doubles.scenario import Reply
from tests.doubles.serve import Double, deliver
from tests.doubles.strict_chat import BYTES_PER_TOKEN, TOKENS_PER_IMAGE
from tests.doubles.strict_messages import (
    check_fields,
    check_knobs,
    check_messages,
    check_pairs,
    check_tools,
    count_block_cache_controls,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.doubles.scenario import JsonObject, Scenario

SAMPLING: Final = ("temperature", "top_p", "top_k")
"""Accepted from older clients; the SDK that judges has dropped them."""


@dataclass(frozen=True, slots=True)
class Served:
    """One model of the live list."""

    context_length: int
    switchable_thinking: bool = False
    is_k3: bool = True

    @property
    def only_enabled(self) -> bool:
        """Whether the only thinking mode that may be named is `enabled`."""
        return not self.is_k3 and not self.switchable_thinking


MODELS: Final[Mapping[str, Served]] = MappingProxyType(
    {
        "kimi-k3.1-pro": Served(1_048_576),
        "kimi-k3.1-pro-highspeed": Served(1_048_576),
        "kimi-k3": Served(1_048_576),
        "kimi-k2.7-code": Served(262_144, is_k3=False),
        "kimi-k2.7-code-highspeed": Served(262_144, is_k3=False),
        "kimi-k2.6": Served(262_144, switchable_thinking=True, is_k3=False),
    }
)


class MoonshotDouble(Double):
    """What both of Moonshot's surfaces share: models, their list, and the words for a wrong key or model."""

    def wrong_key(self) -> Refused:
        """Moonshot's words for a wrong key."""
        return Refused("Invalid Authentication", status=401, type="invalid_authentication_error")

    def model(self, model_id: object) -> Served:
        """The model of that id; discontinued ids and `[1m]` suffixes are unknown.

        Raises:
            Refused: there is none.
        """
        if not isinstance(model_id, str) or model_id not in MODELS:
            raise Refused(
                f"Not found the model {model_id} or Permission denied", status=404, type="resource_not_found_error"
            )
        return MODELS[model_id]

    async def models(self, request: web.Request) -> web.StreamResponse:
        """The live list, in OpenAI's form."""
        try:
            self.check_key(request)
        except Refused as refused:
            self.refuse(request, refused, body={})
            return web.json_response({"error": refused.to_error()}, status=refused.status)
        entries = [
            {
                "id": model_id,
                "object": "model",
                "created": 1_784_000_000,
                "owned_by": "moonshot",
                "context_length": model.context_length,
                "supports_image_in": True,
                "supports_video_in": False,
                "supports_reasoning": True,
            }
            for model_id, model in MODELS.items()
        ]
        return web.json_response({"object": "list", "data": entries})


class Moonshot(MoonshotDouble):
    """`/anthropic/v1/messages`. `block_cache_controls` counts, for each accepted request, those that it ignores."""

    base_path: ClassVar[str] = "/anthropic"

    def __init__(self, scenario: Scenario | None = None, *, key: str | None = None) -> None:
        super().__init__(scenario, key=key)
        self.block_cache_controls: list[int] = []
        self._thoughts: dict[str, str] = {}

    def routes(self) -> Iterable[web.RouteDef]:
        """The endpoint, and the model list at the host's other base."""
        return (
            web.post(f"{self.base_path}/v1/messages", self._messages),
            web.get("/v1/models", self.models),
        )

    def error_body(self, refused: Refused) -> JsonObject:
        """The Anthropic path's outer object."""
        return {
            "type": "error",
            "error": {"type": refused.type, "message": refused.message},
            "request_id": "req_double",
        }

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body: JsonObject = {}
        try:
            body = await self.receive(request)
            self._check(body)
        except Refused as refused:
            return self.refuse(request, refused, body=body)
        exchange = self.accept(request, body)
        self.block_cache_controls.append(count_block_cache_controls(body))
        answer = self.next_answer(messages_ask(body))
        writer = MessagesWriter(body["model"])
        response = await deliver(exchange, request, answer, writer=writer)
        if isinstance(answer, Reply) and answer.reasoning:
            self._thoughts |= dict.fromkeys(writer.issued, answer.reasoning)
        return response

    def _check(self, body: JsonObject) -> None:
        check_fields(body)
        model = self.model(body["model"])
        check_messages(body["messages"])
        check_pairs(body["messages"])
        check_tools(body)
        check_knobs(body, only_enabled=model.only_enabled)
        self._check_thoughts(body["messages"])
        _check_size(body, model=model)
        _check_images(body["messages"])
        judge_messages({name: value for name, value in body.items() if name not in SAMPLING})

    def _check_thoughts(self, messages: list[JsonObject]) -> None:
        """A call that was thought about must come back with that thought, word for word."""
        for index, message in enumerate(messages):
            blocks = message["content"] if isinstance(message["content"], list) else []
            told = "".join(block["thinking"] for block in blocks if block["type"] == "thinking")
            for block in blocks:
                if block["type"] == "tool_use" and self._thoughts.get(block["id"], "") not in told:
                    raise Refused(
                        "thinking is enabled but reasoning_content is missing in assistant tool call message "
                        f"at index {index}"
                    )


def _check_images(messages: list[JsonObject]) -> None:
    waiting: list[JsonObject] = list(messages)
    while waiting:
        block = waiting.pop()
        if block.get("type") == "image":
            check_for_kimi(block["source"]["data"])
        elif isinstance(block.get("content"), list):
            waiting.extend(block["content"])


def _check_size(body: JsonObject, *, model: Served) -> None:
    limit = model.context_length
    wanted = body["max_tokens"]
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
        raise Refused("max_tokens: Input should be greater than or equal to 1")
    if wanted > limit:
        raise Refused(f"max_tokens: {wanted} > {limit}, which is the maximum allowed number of output tokens")
    if estimate_tokens(body) + wanted > limit:
        raise Refused(f"Invalid request: Your request exceeded model token limit : {limit}")


def estimate_tokens(body: JsonObject) -> int:
    """A rough size of the prompt: a quarter of its characters, a fixed size for each image."""
    characters = images = 0
    waiting: list[object] = [body.get("system"), body.get("tools"), body["messages"]]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, dict) and value.get("type") == "image":
            images += 1
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return characters // BYTES_PER_TOKEN + images * TOKENS_PER_IMAGE
