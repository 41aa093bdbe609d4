"""The Anthropic form of a reply: server-sent events, or one message."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, assert_never

from aiohttp import web

from tests.doubles.chat_stream import PIECE, SPLIT_SHAPES
from tests.doubles.scenario import (
    ENDINGS,
    Ask,
    Calls,
    InStreamError,
    Reasoning,
    Reply,
    Reset,
    Shape,
    Silence,
    Text,
    ToolResult,
    Truncate,
)
from tests.doubles.serve import Writer, break_connection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.doubles.scenario import JsonObject, Usage

STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def messages_ask(body: JsonObject) -> Ask:
    """The neutral form of a messages request."""
    messages = body["messages"]
    last = max((i for i, message in enumerate(messages) if message["role"] == "assistant"), default=-1)
    blocks = [block for message in messages[last + 1 :] for block in _blocks(message["content"])]
    results = [block for block in blocks if block["type"] == "tool_result"]
    inner = [part for result in results for part in _blocks(result.get("content") or "")]
    return Ask(
        body=body,
        model=body["model"],
        stream=bool(body.get("stream")),
        system="\n".join(block["text"] for block in _blocks(body.get("system", ""))),
        last_text="\n".join(block["text"] for block in blocks if block["type"] == "text"),
        results=tuple(_result(block) for block in results),
        images=sum(1 for block in (*blocks, *inner) if block["type"] == "image"),
        tools=tuple(tool["name"] for tool in body.get("tools") or ()),
    )


@dataclass(slots=True)
class MessagesWriter(Writer):
    """Writes one reply; `issued` holds the ids of its tool calls once it is written."""

    model: str
    issued: list[str] = field(default_factory=list)

    async def stream(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        """As server-sent events."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)

        async def send(event: str, **fields: object) -> None:
            data = json.dumps({"type": event, **fields}, ensure_ascii=False)
            await response.write(f"event: {event}\ndata: {data}\n\n".encode())

        await send("message_start", message=self._message([], usage=_usage(reply.usage, output=1), stop=None))
        await send("ping")
        index = 0
        for part, following in zip_longest(reply.parts, reply.parts[1:]):
            match part:
                case Text() | Reasoning() | Calls():
                    for start, deltas in self._blocks(part):
                        await send("content_block_start", index=index, content_block=start)
                        for delta in deltas:
                            await send("content_block_delta", index=index, delta=delta)
                        if not isinstance(following, ENDINGS):  # what breaks off does so in the middle of a block
                            await send("content_block_stop", index=index)
                        index += 1
                case Silence(gate):
                    await gate.passed()
                case Truncate():
                    await response.write_eof()
                    return response
                case Reset():
                    break_connection(request)
                    return response
                case InStreamError():
                    await send("error", error={"type": part.type, "message": part.message})
                    await response.write_eof()
                    return response
                case _:
                    assert_never(part)
        stop = {"stop_reason": STOP_REASONS[reply.finish_reason], "stop_sequence": None}
        await send("message_delta", delta=stop, usage=_usage(reply.usage, output=reply.usage.completion))
        await send("message_stop")
        await response.write_eof()
        return response

    async def whole(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        """As one message."""
        content: list[JsonObject] = []
        for part in reply.parts:
            match part:
                case Text() | Reasoning() | Calls():
                    content.extend(_finished(start, deltas) for start, deltas in self._blocks(part))
                case Silence(gate):
                    await gate.passed()
                case Truncate() | Reset():
                    break_connection(request)
                    return web.Response()
                case InStreamError():
                    error = {"type": part.type, "message": part.message}
                    return web.json_response({"type": "error", "error": error}, status=500)
                case _:
                    assert_never(part)
        usage = _usage(reply.usage, output=reply.usage.completion)
        return web.json_response(self._message(content, usage=usage, stop=STOP_REASONS[reply.finish_reason]))

    def _message(self, content: list[JsonObject], *, usage: JsonObject, stop: str | None) -> JsonObject:
        return {
            "id": f"msg_{uuid.uuid4().hex[:24]}",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": usage,
        }

    def _blocks(self, part: Text | Reasoning | Calls) -> Iterator[tuple[JsonObject, list[JsonObject]]]:
        """Each block of a part: its start, and its deltas."""
        match part:
            case Text(chunks):
                yield {"type": "text", "text": ""}, [{"type": "text_delta", "text": chunk} for chunk in chunks]
            case Reasoning(chunks):
                deltas: list[JsonObject] = [{"type": "thinking_delta", "thinking": chunk} for chunk in chunks]
                signature = {"type": "signature_delta", "signature": uuid.uuid4().hex}
                yield {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signature]
            case Calls(calls, shape):
                shared = f"toolu_{uuid.uuid4().hex[:24]}"
                for call in calls:
                    call_id = shared if shape is Shape.SAME_IDS else f"toolu_{uuid.uuid4().hex[:24]}"
                    self.issued.append(call_id)
                    text = "" if shape is Shape.EMPTY_ARGUMENTS and call.text == "{}" else call.text
                    step = PIECE if shape in SPLIT_SHAPES else len(text) or 1
                    pieces = [text[start : start + step] for start in range(0, len(text), step)]
                    yield (
                        {"type": "tool_use", "id": call_id, "name": call.name, "input": {}},
                        [{"type": "input_json_delta", "partial_json": piece} for piece in pieces],
                    )
            case _:
                assert_never(part)


def _finished(start: JsonObject, deltas: list[JsonObject]) -> JsonObject:
    """The block that a start and its deltas add up to."""
    block = dict(start)
    if block["type"] == "tool_use":
        block["input"] = json.loads("".join(delta["partial_json"] for delta in deltas) or "{}")
        return block
    for delta in deltas:
        for name in ("text", "thinking", "signature"):
            if name in delta:
                block[name] += delta[name]
    return block


def _usage(usage: Usage, *, output: int) -> JsonObject:
    return {
        "input_tokens": usage.prompt - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": output,
    }


def _result(block: JsonObject) -> ToolResult:
    parts = _blocks(block.get("content") or "")
    return ToolResult(
        block["tool_use_id"],
        "\n".join(part["text"] for part in parts if part["type"] == "text"),
        is_error=block.get("is_error"),
        images=sum(1 for part in parts if part["type"] == "image"),
    )


def _blocks(content: str | list[JsonObject]) -> list[JsonObject]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content
