"""However a host cuts and mixes its answer, the client gets one block after another, with whole characters and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anthropic
import pytest

from tests.faults.network import DIALOGS, RawHost, head, raw_host
from tests.proxy.served import served
from tests.wire.build import calls, chunk, end, fragment, reasoning, sse, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anthropic.types.beta import BetaMessage

    from tests.faults.network import Link

SIZES = (1, 3, 10_000)
TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in ("Read", "Write")]
MIXED = sse(
    chunk({"role": "assistant", "content": ""}),
    reasoning("First 考え"),
    text("I will 🌍"),
    reasoning("then 続き"),
    calls(fragment(0, id="functions.Read:0", name="Read", arguments='{"pa')),
    calls(fragment(1, id="functions.Write:1", name="Write", arguments='{"text": "')),
    text("Meanwhile."),
    calls(fragment(1, arguments="👋🏽 "), fragment(0, arguments='th": "é"}')),
    calls(fragment(1, arguments='\\ud83d\\ude00"}')),
    end("tool_calls"),
)
"""Of OpenAI's format: reasoning after text, two calls at once, and text between their pieces."""


def event(name: str, **fields: object) -> bytes:
    """One event of Anthropic's format, as hosts write it that do not escape."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields}, ensure_ascii=False)}\n\n".encode()


def start(index: int, kind: str, **fields: object) -> bytes:
    """The beginning of a block."""
    return event("content_block_start", index=index, content_block={"type": kind, **fields})


def piece(index: int, kind: str, **fields: object) -> bytes:
    """A piece of one."""
    return event("content_block_delta", index=index, delta={"type": kind, **fields})


BEGIN = event("message_start", message={"id": "m", "type": "message", "role": "assistant", "content": [], "usage": {}})
OVERLAPPING = b"".join(
    (
        BEGIN,
        start(0, "text", text=""),
        piece(0, "thinking_delta", thinking="First 考え"),
        piece(0, "text_delta", text="I will 🌍"),
        start(0, "thinking", thinking="", signature=""),
        piece(0, "thinking_delta", thinking="then 続き"),
        BEGIN,
        start(1, "tool_use", id="a", name="Read", input={}),
        piece(1, "input_json_delta", partial_json='{"pa'),
        start(2, "tool_use", id="b", name="Write", input={}),
        piece(2, "input_json_delta", partial_json='{"text": "👋🏽 '),
        piece(1, "input_json_delta", partial_json='th": "é"}'),
        event("content_block_stop", index=1),
        piece(2, "input_json_delta", partial_json='\\ud83d\\ude00"}'),
        piece(3, "text_delta", text="Meanwhile."),
        event("content_block_stop", index=2),
        event("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 9}),
        event("message_stop"),
    )
)
"""Of Anthropic's format, as gateways were seen to send it: blocks in each other, without beginnings and ends."""


def says(data: bytes, size: int) -> Callable[[Link], Awaitable[None]]:
    """A host that sends this in writes of so many bytes."""

    async def script(link: Link) -> None:
        await link.send(head(), *(data[at : at + size] for at in range(0, len(data), size)))

    return script


async def answer_of(host: RawHost, directory) -> BetaMessage:
    """What the SDK makes of the answer; it gives up on a block that is not there, or is another one."""
    async with (
        served(host.route, directory) as proxy,
        anthropic.AsyncAnthropic(
            base_url=proxy.base_url, auth_token=proxy.session.token, api_key=None, max_retries=0
        ) as sdk,
        sdk.beta.messages.stream(
            model="any",
            max_tokens=2000,
            thinking={"type": "enabled", "budget_tokens": 1024},
            tools=TOOLS,
            messages=[{"role": "user", "content": "Go."}],
        ) as stream,
    ):
        open_at = None
        async for one in stream:
            match one.type:
                case "content_block_start":
                    assert open_at is None
                    open_at = one.index
                case "content_block_delta":
                    assert one.index == open_at
                case "content_block_stop":
                    assert one.index == open_at
                    open_at = None
        return await stream.get_final_message()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("format_", "data"), [("chat", MIXED), ("messages", OVERLAPPING)])
async def test_field_15_everything_arrives_in_blocks_of_its_own(format_, data, size, tmp_path):
    """Nothing is lost, whatever is cut where: all words of both kinds, and both calls with their inputs."""
    async with raw_host(DIALOGS[format_], says(data, size)) as host:
        message = await answer_of(host, tmp_path)
    said = {kind: "".join(getattr(one, kind) for one in message.content if one.type == kind) for kind in KINDS}
    assert said["thinking"] == "First 考えthen 続き"
    assert said["text"] == "I will 🌍Meanwhile."
    inputs = {one.name: one.input for one in message.content if one.type == "tool_use"}
    assert inputs == {"Read": {"path": "é"}, "Write": {"text": "👋🏽 😀"}}
    assert message.stop_reason == "tool_use"


KINDS = ("thinking", "text")


async def test_field_15_what_is_no_event_ends_the_answer(tmp_path):
    """Of either format: what cannot be read is not handed on to a client that cannot read it either."""
    for format_, data in (
        ("chat", sse(text("Some words."), done=False) + b"data: {nonsense\n\n" + sse(end())),
        ("messages", BEGIN + start(0, "text", text="") + b"event: content_block_delta\ndata: {nonsense\n\n"),
    ):
        async with raw_host(DIALOGS[format_], says(data, 10_000)) as host:
            with pytest.raises(anthropic.APIError, match="cannot be read"):
                await answer_of(host, tmp_path / format_)
