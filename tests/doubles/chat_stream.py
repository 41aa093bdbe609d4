"""The OpenAI form of a reply: chunks as the hosts were seen to stream them, or one completion."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, assert_never

from aiohttp import web

from tests.doubles.scenario import (
    Ask,
    Call,
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
    UsageAt,
)
from tests.doubles.serve import Writer, break_connection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.doubles.scenario import JsonObject, Usage

PIECE = 7
"""Characters in one piece of a split call's arguments: small, so that JSON tokens and escapes are cut."""
SPLIT_SHAPES = (Shape.SPLIT, Shape.INTERLEAVED, Shape.REPEATED_IDS)


def chat_ask(body: JsonObject) -> Ask:
    """The neutral form of a chat completion request."""
    messages = body["messages"]
    last = max((i for i, message in enumerate(messages) if message["role"] == "assistant"), default=-1)
    tail = messages[last + 1 :]
    parts = [part for message in tail if message["role"] == "user" for part in _parts(message["content"])]
    return Ask(
        body=body,
        model=body["model"],
        stream=bool(body.get("stream")),
        system="\n".join(str(message["content"]) for message in messages if message["role"] == "system"),
        last_text="\n".join(part["text"] for part in parts if part["type"] == "text"),
        results=tuple(
            ToolResult(message["tool_call_id"], message["content"]) for message in tail if message["role"] == "tool"
        ),
        images=sum(1 for part in parts if part["type"] == "image_url"),
        tools=tuple(tool["function"]["name"] for tool in body.get("tools") or ()),
    )


@dataclass(frozen=True, slots=True)
class ChatWriter(Writer):
    """Writes replies for one request's body; `reasoning_field` and `is_groq` are the host's ways."""

    body: JsonObject
    reasoning_field: str
    is_groq: bool = False

    async def stream(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        """As server-sent events."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        request_id = f"req_{uuid.uuid4().hex[:26]}"
        chunks = _Chunks(response, model=self.body["model"])
        await response.prepare(request)
        first = _choice({"role": "assistant", "content": ""})
        await chunks.send(first, **({"x_groq": {"id": request_id}} if self.is_groq else {}))
        for part in reply.parts:
            match part:
                case Text(texts):
                    for text in texts:
                        await chunks.send(_choice({"content": text}))
                case Reasoning(texts):
                    for text in texts:
                        await chunks.send(_choice({self.reasoning_field: text}))
                case Calls(calls, shape):
                    for entries in _call_deltas(calls, shape=shape, ids=self._call_ids(calls)):
                        await chunks.send(_choice({"tool_calls": entries}))
                case Silence(gate):
                    await gate.passed()
                case Truncate():
                    await response.write_eof()
                    return response
                case Reset():
                    break_connection(request)
                    return response
                case InStreamError():
                    await self._send_error(response, part, request_id=request_id)
                    return response
                case _:
                    assert_never(part)
        await self._finish(chunks, reply, request_id=request_id)
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    async def whole(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        """As one `chat.completion` object."""
        for part in reply.parts:
            match part:
                case Silence(gate):
                    await gate.passed()
                case Truncate() | Reset():
                    break_connection(request)
                    return web.Response()
                case InStreamError():
                    return web.json_response({"error": _error(part)}, status=400 if part.failed_generation else 500)
                case _:
                    pass
        message: JsonObject = {"role": "assistant", "content": reply.text or (None if reply.calls else "")}
        if reply.reasoning:
            message[self.reasoning_field] = reply.reasoning
        if reply.calls:
            message["tool_calls"] = [
                _entry(index, call, call_id)
                for index, (call, call_id) in enumerate(zip(reply.calls, self._call_ids(reply.calls), strict=True))
            ]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}
        return web.json_response(
            {
                "id": f"chatcmpl-{uuid.uuid4()}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": self.body["model"],
                "choices": [choice],
                "usage": self._usage(reply.usage),
            }
        )

    async def _finish(self, chunks: _Chunks, reply: Reply, *, request_id: str) -> None:
        usage = self._usage(reply.usage)
        last = _choice({}, finish=reply.finish_reason)
        if UsageAt.CHOICE in reply.usage_at:
            last["usage"] = usage
        in_groq = self.is_groq and UsageAt.X_GROQ in reply.usage_at
        await chunks.send(last, **({"x_groq": {"id": request_id, "usage": usage}} if in_groq else {}))
        wants_usage = (self.body.get("stream_options") or {}).get("include_usage")
        if wants_usage and UsageAt.TOP in reply.usage_at:
            await chunks.send(usage=usage, **({"service_tier": "on_demand"} if self.is_groq else {}))

    async def _send_error(self, response: web.StreamResponse, part: InStreamError, *, request_id: str) -> None:
        error = _error(part)
        if self.is_groq:
            data: JsonObject = {"error": error, "x_groq": {"id": request_id, "error": part.message}}
            await response.write(f"event: error\ndata: {json.dumps(data)}\n\n".encode())
        else:
            await response.write(f"data: {json.dumps({'error': error})}\n\n".encode())
        await response.write_eof()

    def _usage(self, usage: Usage) -> JsonObject:
        data: JsonObject = {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "total_tokens": usage.prompt + usage.completion,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
        }
        if usage.reasoning:
            data["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
        if self.is_groq:
            data |= {"queue_time": 0.02, "prompt_time": 0.01, "completion_time": 0.1, "total_time": 0.11}
        else:
            data["cached_tokens"] = usage.cached
        return data

    def _call_ids(self, calls: Sequence[Call]) -> list[str]:
        """Kimi's own ids, counted over the whole conversation."""
        made = sum(len(message.get("tool_calls") or ()) for message in self.body["messages"])
        return [f"functions.{call.name}:{made + index}" for index, call in enumerate(calls)]


class _Chunks:
    """Writes the chunks of one completion."""

    def __init__(self, response: web.StreamResponse, *, model: str) -> None:
        self._response = response
        self._head = {
            "id": f"chatcmpl-{uuid.uuid4()}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": "fp_double",
        }

    async def send(self, *choices: JsonObject, **more: object) -> None:
        data = json.dumps({**self._head, "choices": list(choices), **more}, ensure_ascii=False)
        await self._response.write(f"data: {data}\n\n".encode())


def _call_deltas(calls: Sequence[Call], *, shape: Shape, ids: Sequence[str]) -> Iterator[list[JsonObject]]:
    """The `tool_calls` of one delta after the other."""
    if shape not in SPLIT_SHAPES:
        for index, (call, call_id) in enumerate(zip(calls, ids, strict=True)):
            entry = _entry(index, call, ids[0] if shape is Shape.SAME_IDS else call_id)
            if shape is Shape.NO_IDS:
                entry = entry | {"id": ""} if index % 2 else {name: entry[name] for name in entry if name != "id"}
            if shape is Shape.EMPTY_ARGUMENTS and entry["function"]["arguments"] == "{}":
                entry["function"]["arguments"] = ""
            yield [entry]
        return
    rows = []
    for index, (call, call_id) in enumerate(zip(calls, ids, strict=True)):
        head = _entry(index, call, call_id)
        head["function"]["arguments"] = ""
        repeated = {"id": call_id, "type": "function"} if shape is Shape.REPEATED_IDS else {}
        name = {"name": call.name} if shape is Shape.REPEATED_IDS else {}
        rows.append(
            [
                head,
                *(
                    {"index": index, **repeated, "function": {**name, "arguments": call.text[start : start + PIECE]}}
                    for start in range(0, len(call.text), PIECE)
                ),
            ]
        )
    if shape is Shape.INTERLEAVED:
        for column in zip_longest(*rows):
            yield [entry for entry in column if entry is not None]
    else:
        for row in rows:
            yield from ([entry] for entry in row)


def _entry(index: int, call: Call, call_id: str) -> JsonObject:
    return {
        "index": index,
        "id": call_id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.text},
    }


def _choice(delta: JsonObject, *, finish: str | None = None) -> JsonObject:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _error(part: InStreamError) -> JsonObject:
    fields = {
        "message": part.message,
        "type": part.type,
        "code": part.code,
        "failed_generation": part.failed_generation,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _parts(content: str | list[JsonObject]) -> list[JsonObject]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
