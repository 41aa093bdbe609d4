"""A relayed answer loses the reasoning that the client does not want to see, and its host gets all of it back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.encode import encode
from kimi_cli.wire.failure import Failure
from kimi_cli.wire.messages import MessagesAnswer
from kimi_cli.wire.omission import as_displayed
from kimi_cli.wire.passage import Passage
from kimi_cli.wire.signature import from_signature, reasoning_of
from kimi_cli.wire.thinking import Display
from tests.wire.asking import ask, relayed, result, said, user
from tests.wire.build import WINDOW, message_of, read, sse
from tests.wire.upstream import Script, scripts


def _event(name: str, **fields: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


def _block(index: int, start: dict, *deltas: dict) -> bytes:
    body = b"".join(_event("content_block_delta", index=index, delta=delta) for delta in deltas)
    stop = _event("content_block_stop", index=index)
    return _event("content_block_start", index=index, content_block=start) + body + stop


def _thinking(index: int, *texts: str, signature: str = "") -> bytes:
    deltas = [{"type": "thinking_delta", "thinking": text} for text in texts]
    signed = [{"type": "signature_delta", "signature": signature}] if signature else []
    return _block(index, {"type": "thinking", "thinking": "", "signature": ""}, *deltas, *signed)


def _text(index: int, text: str) -> bytes:
    return _block(index, {"type": "text", "text": ""}, {"type": "text_delta", "text": text})


def _call(index: int, name: str) -> bytes:
    start = {"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": {}}
    return _block(index, start, {"type": "input_json_delta", "partial_json": "{}"})


_START = _event(
    "message_start",
    message={"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": {"input_tokens": 7}},
)
_END = _event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3}) + _event("message_stop")


def _shown(*blocks: bytes, display: Display, end: bytes = _END) -> list[dict]:
    """The content that the client puts together; the stream is one that its protocol allows."""
    passage = Passage(host="Moonshot", window=WINDOW, estimate=9, display=display)
    whole = passage.feed(_START + b"".join(blocks) + end) + passage.finish()
    return _content(whole)


def _content(stream: bytes) -> list[dict]:
    content: list[dict] = []
    is_open = False
    for event in (json.loads(event.partition(b"data: ")[2]) for event in stream.split(b"\n\n") if event):
        match event["type"]:
            case "content_block_start":
                assert (is_open, event["index"]) == (False, len(content))
                content.append(dict(event["content_block"]))
                is_open = True
            case "content_block_delta":
                assert (is_open, event["index"]) == (True, len(content) - 1)
                delta = event["delta"]
                name = {"input_json_delta": "partial_json"}.get(delta["type"], delta["type"].removesuffix("_delta"))
                key = "input" if name == "partial_json" else name
                content[-1][key] = (content[-1].get(key) or "") + delta[name]
            case "content_block_stop":
                assert (is_open, event["index"]) == (True, len(content) - 1)
                is_open = False
    for block in content:
        if block["type"] == "tool_use":
            block["input"] = json.loads(block["input"] or "{}")
    return content


_ANSWER = (
    _thinking(0, "Let me ", "see.", signature="sig-1"),
    _text(1, "I look."),
    _thinking(2, "There.", signature="sig-2"),
    _call(3, "Read"),
    _call(4, "Bash"),
)


@pytest.mark.parametrize(
    ("display", "kinds"),
    [
        (Display.OMITTED, ["thinking", "text", "thinking", "tool_use", "tool_use"]),
        (Display.CARRIED, ["text", "thinking", "thinking", "tool_use", "tool_use"]),
        (Display.DROPPED, ["text", "tool_use", "tool_use"]),
    ],
)
def test_what_is_hidden_goes_back(display, kinds):
    """The client sees no reasoning; its host gets every block of it again, text, signature and all."""
    content = _shown(*_ANSWER, display=display)
    assert [block["type"] for block in content] == kinds
    assert not any(block.get("thinking") for block in content)
    for block in content:
        block.pop("citations", None)
    body, _ = relayed(ask(user("a"), said(*content), user(result("toolu_Read"), result("toolu_Bash"))))
    thoughts = [block for block in body["messages"][1]["content"] if block["type"] == "thinking"]
    assert thoughts == (
        []
        if display is Display.DROPPED
        else [
            {"type": "thinking", "thinking": "Let me see.", "signature": "sig-1"},
            {"type": "thinking", "thinking": "There.", "signature": "sig-2"},
        ]
    )
    assert not thoughts or body["messages"][1]["content"][0]["type"] == "thinking"


def test_what_is_shown_passes_as_it_is():
    """Without a wish for less, nothing is rewritten."""
    stream = _START + b"".join(_ANSWER) + _END
    assert Passage(host="Moonshot", window=WINDOW, estimate=9).feed(stream) == stream


def test_without_calls_nothing_is_carried():
    """Reasoning that nobody asked for and no host needs is let go, and text comes first."""
    assert _shown(*_ANSWER[:2], _thinking(2, "Done."), display=Display.CARRIED) == [{"type": "text", "text": "I look."}]


@pytest.mark.parametrize("display", list(Display))
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_failure_closes_what_the_client_has_open(display, cut):
    """Where a stream breaks off, the block that the client sees is closed, with what was thought in it."""
    started = _START + b"".join(_event_of(_ANSWER[0], at) for at in range(cut))
    passage = Passage(host="Moonshot", window=WINDOW, estimate=9, display=display)
    out = passage.feed(started) + passage.fail(Failure(500, "api_error", "Gone."))
    content = _content(out.rpartition(b"event: error")[0])
    assert out.endswith(b'"Gone."}}\n\n')
    if display in {Display.CARRIED, Display.DROPPED}:
        assert content == []
    else:
        assert reasoning_of(content[0]) == ["", "Let me ", "Let me see."][cut - 1]


def _event_of(block: bytes, at: int) -> bytes:
    return block.split(b"\n\n")[at] + b"\n\n"


def test_a_whole_message():
    """An answer in one piece shows as much as one in many."""
    shown = _shown(*_ANSWER, display=Display.SHOWN)
    message = {"type": "message", "content": shown}
    assert as_displayed(message, Display.SHOWN) is message
    for display in (Display.OMITTED, Display.CARRIED, Display.DROPPED):
        assert as_displayed(message, display) == {**message, "content": _shown(*_ANSWER, display=display)}


@pytest.mark.parametrize("display", list(Display))
def test_an_answer_that_is_taken_apart(display):
    """An answer that is read for more than passing it on shows as much, streamed or in one piece."""
    shown = _shown(*_ANSWER, display=display)
    stream = _START + b"".join(_ANSWER) + _END
    content = _shown(*_ANSWER, display=Display.SHOWN)
    message = {"type": "message", "content": content, "stop_reason": "end_turn"}
    for feed in (lambda answer: answer.events(stream), lambda answer: answer.whole(json.dumps(message).encode())):
        answer = MessagesAnswer(host="Moonshot", window=WINDOW, estimate=9, tool_names={}, display=display)
        assert message_of(feed(answer))["content"] == [_bare(block) for block in shown]


def _bare(block: dict) -> dict:
    return {key: value for key, value in block.items() if key != "citations"}


@given(script=scripts(), display=st.sampled_from(Display))
def test_relayed_and_translated_alike(script: Script, display: Display) -> None:
    """Whatever an answer says, the client sees the same of it on either way, and in one piece as in many."""
    told = read([sse(*script.chunks)])
    streamed = _content(
        Passage(host="Moonshot", window=WINDOW, estimate=9, display=display).feed(b"".join(map(encode, told)))
    )
    message = as_displayed(message_of(told), display)
    assert [_plain(block) for block in streamed] == [_plain(block) for block in message["content"]]
    translated = message_of(read([sse(*script.chunks)], display=display))["content"]
    if display in {Display.SHOWN, Display.OMITTED}:
        assert [_plain(block) for block in streamed] == [_plain(block) for block in translated]
    for kind in ("text", "tool_use"):
        said_streamed, said_translated = (
            [_plain(block) for block in content if block["type"] == kind] for content in (streamed, translated)
        )
        if kind == "text":  # where nothing is seen between two of them, translation makes one of them
            said_streamed, said_translated = ("".join(b["text"] for b in t) for t in (said_streamed, said_translated))
        assert said_streamed == said_translated


def _plain(block: dict) -> dict:
    """A block without its ids, and with its reasoning unpacked."""
    if block["type"] == "thinking":
        assert not block["signature"] or from_signature(block["signature"]) is not None
        return {"seen": block["thinking"], "thought": reasoning_of(block)}
    return {key: value for key, value in block.items() if key not in {"id", "citations"}}
