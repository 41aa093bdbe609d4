"""A call before which nothing was said is kept back until it is whole; what else is said leaves at once."""

from __future__ import annotations

import json

import pytest

from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.failure import Failure
from kimi_cli.wire.passage import Passage
from tests.wire.build import WINDOW, calls, end, fragment, frame, reasoning, sse, text

FAILURE = Failure(500, "api_error", "it broke")


def event(name: str, **fields: object) -> bytes:
    """One event of Anthropic's format."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


def block(index: int, kind: str, **fields: object) -> bytes:
    """The beginning of a block."""
    return event("content_block_start", index=index, content_block={"type": kind, **fields})


def chat(*chunks) -> bytes:
    """Chunks of OpenAI's format."""
    return sse(*chunks, done=False)


BEGIN = event("message_start", message={"id": "m", "type": "message", "content": [], "usage": {}})
PIECE = event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": '{"a": 1}'})
FORMATS = {
    "chat": (
        lambda: ChatAnswer(frame()),
        {
            "begin": chat(text("")),
            "half a call": chat(calls(fragment(0, id="x", name="Read", arguments='{"a"'))),
            "its rest": chat(calls(fragment(0, arguments=": 1}"))),
            "the end": sse(end("tool_calls")),
            "text": chat(text("I will.")),
            "reasoning": chat(reasoning("Hm.")),
        },
    ),
    "messages": (
        lambda: Passage(host="Host", window=WINDOW, estimate=0),
        {
            "begin": BEGIN,
            "half a call": block(0, "tool_use", id="x", name="Read", input={}) + PIECE,
            "its rest": event("content_block_stop", index=0),
            "the end": event("message_delta", delta={"stop_reason": "tool_use"}, usage={}) + event("message_stop"),
            "text": block(0, "text", text="") + event("content_block_stop", index=0),
            "reasoning": block(0, "thinking", thinking="") + event("content_block_stop", index=0),
        },
    ),
}


@pytest.fixture(params=FORMATS)
def host(request):
    """An answer, and what a host can say in it."""
    make, said = FORMATS[request.param]
    return make(), said


def test_a_call_that_comes_first_leaves_as_a_whole(host):
    """Nothing of it is seen before, and then all of it."""
    answer, said = host
    answer.feed(said["begin"])
    assert (answer.feed(said["half a call"]), answer.has_content) == (b"", False)
    out = answer.feed(said["its rest"]) + answer.feed(said["the end"])
    assert answer.has_content
    names = [line.removeprefix("event: ") for line in out.decode().splitlines() if line.startswith("event: content")]
    assert (names[0], set(names[1:-1]), names[-1]) == (
        "content_block_start",
        {"content_block_delta"},
        "content_block_stop",
    )
    pieces = [json.loads(line[6:]) for line in out.decode().splitlines() if "partial_json" in line]
    assert json.loads("".join(piece["delta"]["partial_json"] for piece in pieces)) == {"a": 1}
    assert answer.failure is None


@pytest.mark.parametrize("ending", ["failure", "end of the stream"])
def test_half_of_it_is_never_seen(host, ending):
    """Where it breaks off there is an error and no content, so that another answer can be asked for."""
    answer, said = host
    answer.feed(said["begin"])
    answer.feed(said["half a call"])
    out = answer.fail(FAILURE) if ending == "failure" else answer.finish()
    assert answer.failure is not None
    assert not answer.has_content
    assert out.startswith(b"event: error")
    assert b"content_block" not in out


@pytest.mark.parametrize("before", ["text", "reasoning"])
def test_behind_other_words_a_call_leaves_as_it_comes(host, before):
    """From then on a client has something to go on from."""
    answer, said = host
    answer.feed(said["begin"])
    assert b"content_block_start" in answer.feed(said[before])
    assert answer.has_content
    assert b"input_json_delta" in answer.feed(said["half a call"])
