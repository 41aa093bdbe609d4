"""Chunks that differ in one string are read together, and give what they would give one by one."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.events import TextDelta, ThinkingDelta
from kimi_cli.wire.passage import Passage
from kimi_cli.wire.runs import Run, Runs
from tests.wire.build import WINDOW, chunk, end, frame, message_of, pieces

_BEFORE, _AFTER = b'data: {"said":"', b'","n":1}\n\n'
_run = Run(_BEFORE, _AFTER)
_letters = st.sampled_from(list(' a"\\\n\t/<|月é\u2028\x7f\U0001f600')) | st.characters(codec="utf-8")
_strings = st.text(_letters, max_size=8)
_odd = st.sampled_from(
    [b'"', b"\\", b"\\u00", b"\\u0041", b"\n", b"\n\n", _BEFORE, _AFTER, b"\xe6", b"\x9c\x88", b"}", b""]
)
_deltas = st.tuples(st.sampled_from(["content", "content", "reasoning", "reasoning_content"]), _strings) | st.just(
    ("role", "assistant")
)
_cuts = st.sets(st.integers(0, 3_000), max_size=12)


def _chunk(said: str, *, is_ascii: bool = False) -> bytes:
    return _BEFORE + json.dumps(said, ensure_ascii=is_ascii).encode()[1:-1] + _AFTER


def _one_by_one(data: bytes) -> str:
    """What an event stream of such chunks says, read without any knowledge of them."""
    *events, rest = data.split(b"\n\n")
    assert rest == b""
    said = ""
    for event in events:
        fields = json.loads(event.removeprefix(b"data: ").decode())
        assert fields.keys() == {"said", "n"}
        assert fields["n"] == 1
        said += fields["said"]
    return said


@given(said=st.lists(_strings, min_size=1, max_size=6), behind=st.sampled_from([b"", b"data: [DONE]\n\n", _BEFORE]))
def test_a_run_says_what_its_chunks_say(said, behind):
    """As long as nothing has to be looked at more closely, which in text as hosts send it nothing has."""
    data = b"".join(map(_chunk, said))
    needs_a_look = any(one.endswith("\\") for one in said)
    assert _run.read(data + behind) == (None if needs_a_look else "".join(said), len(data))


@given(
    parts=st.lists(
        st.one_of(_strings.map(_chunk), st.builds(_chunk, _strings, is_ascii=st.just(True)), _odd), max_size=6
    ),
    at=st.integers(0, 40),
)
@example(parts=[_BEFORE, b"\\", _AFTER, _BEFORE, b"n", _AFTER], at=0)
@example(parts=[_BEFORE, b"\\u00", _AFTER, _BEFORE, b"41", _AFTER], at=0)
@example(parts=[_BEFORE, b"\\ud83d", _AFTER, _BEFORE, b"\\ude00", _AFTER], at=0)
@example(parts=[_BEFORE, b"\xe6", _AFTER, _BEFORE, b"\x9c\x88", _AFTER], at=0)
@example(parts=[_BEFORE, b"\\", _AFTER], at=0)
@example(parts=[_BEFORE[:-1], _AFTER], at=0)
@example(parts=[_BEFORE, b"a\nb", _AFTER], at=0)
def test_what_is_no_run_is_none(parts, at):
    """Whatever is read as a run is one: every chunk by itself is what it was taken for."""
    data = b"".join(parts)
    text, end = _run.read(data, at)
    assert end > at or end == len(data)
    if text is not None:
        assert text == _one_by_one(data[at:end])


def test_what_stands_around_may_overlap():
    """A read that is shorter than what stands around a string has none in it."""
    data = b'{"a":"\n\n'
    assert Run(data, b'"a":"\n\n').read(data) == (None, len(data))


def _sent(*chunks: dict) -> bytes:
    """Chunks as hosts send them: what needs no escape has none."""
    return b"".join(b"data: %b\n\n" % json.dumps(one, ensure_ascii=False).encode() for one in chunks)


def _chunks(deltas: list[tuple[str, str]], style: dict) -> bytes:
    """Chunks with everything around them that hosts send."""
    around = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "kimi", **style}
    said = [chunk({name: value}) for name, value in deltas]
    return _sent(*({**around, **one} for one in said), {**around, **end("stop")})


@given(
    deltas=st.lists(_deltas, max_size=12),
    style=st.sampled_from(
        [{}, {"usage": None}, {"system_fingerprint": "content"}, {"content": "x", "x_groq": {"id": "r"}}]
    ),
    cuts=_cuts,
)
@example(deltas=[("content", "a")] * 6 + [("reasoning", "b")] * 3 + [("content", "<|")] * 3, style={}, cuts={300, 900})
def test_an_answer_is_the_same_with_runs_and_without(deltas, style, cuts):
    """Text, reasoning, blocks and the end do not depend on whether chunks were read together."""
    data = _chunks(deltas, style)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runs, "read", lambda _self, data, _at: (None, len(data)))
        slow = _message([data])
    assert _message(pieces(data, cuts)) == slow
    ends = {at + 2 for at in range(len(data)) if data[at : at + 2] == b"\n\n"}
    assert _message(pieces(data, ends)) == slow  # every read a chunk, as at a slow pace


def _message(parts) -> dict:
    answer = ChatAnswer(frame())
    events = [event for part in parts for event in answer.events(part)] + answer.end()
    return message_of(events)


def test_chunks_that_come_together_make_one_delta():
    """From the second read on, what a host sends in one piece reaches the client in one."""
    answer = ChatAnswer(frame())
    for name, kind in (("reasoning", ThinkingDelta), ("content", TextDelta)):
        read = [_sent(*(chunk({name: said}) for said in group)) for group in (["a"], ["b\n", '"c"', "月"], ["d"])]
        answer.events(read[0])
        assert [(type(event), event[1]) for event in answer.events(read[1])] == [(kind, 'b\n"c"月')]
        assert [(type(event), event[1]) for event in answer.events(read[2])] == [(kind, "d")]


@pytest.mark.parametrize("beside", [{"usage": {"prompt_tokens": 7}}, {"error": {"message": "no"}}])
def test_what_says_more_is_no_run(beside):
    """A chunk with a count or an error in it is read for what it is, however often it comes."""
    answer = ChatAnswer(frame())
    for _ in range(2):
        answer.events(_sent(chunk({"content": "a"}, **beside)))
    assert not answer._runs.is_known


def test_a_host_that_varies_more_is_not_learned_from_for_ever():
    """Where something else changes with every chunk, each is read by itself, and after some none is learned from."""
    answer = ChatAnswer(frame())
    asked = []
    answer._runs._said_in = lambda fields: asked.append(fields) or (b"content", "a")
    for at in range(40):
        answer.events(_sent(chunk({"content": "a"}, obfuscation=f"{at}")))
    assert len(asked) < 40
    assert (
        "".join(event.text for event in answer.events(_sent(chunk({"content": "b"}))) if isinstance(event, TextDelta))
        == "b"
    )


def _event(name: str, **fields: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields}, ensure_ascii=False)}\n\n".encode()


_KINDS = {
    "text": ({"type": "text", "text": ""}, "text_delta", "text"),
    "thinking": ({"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", "thinking"),
    "tool_use": ({"type": "tool_use", "id": "t", "name": "Read", "input": {}}, "input_json_delta", "partial_json"),
}


@given(
    blocks=st.lists(st.tuples(st.sampled_from(list(_KINDS)), st.lists(_strings, max_size=6)), min_size=1, max_size=4),
    cuts=_cuts,
    shift=st.sampled_from([0, 0, 2]),
)
def test_a_passage_is_the_same_with_runs_and_without(blocks, cuts, shift):
    """Byte for byte, also where the blocks have other numbers towards the client, and where calls are kept back."""
    data = _event("message_start", message={"id": "msg_1", "type": "message", "usage": {}, "content": []})
    for index, (kind, said) in enumerate(blocks, shift):
        block, delta, key = _KINDS[kind]
        data += _event("content_block_start", index=index, content_block=block)
        data += b"".join(_event("content_block_delta", index=index, delta={"type": delta, key: one}) for one in said)
        data += _event("content_block_stop", index=index)
    data += _event("message_delta", delta={"stop_reason": "end_turn"}, usage={}) + _event("message_stop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runs, "read", lambda _self, data, _at: (None, len(data)))
        slow = _passed([data])
    ends = {at + 2 for at in range(len(data)) if data[at : at + 2] == b"\n\n"}
    for reads in (pieces(data, cuts), pieces(data, ends)):
        assert _passed(reads) == slow


def test_nothing_is_passed_on_behind_a_failure():
    """A run that goes on behind what ends the answer belongs to no answer any more."""
    block, delta, key = _KINDS["text"]
    piece = _event("content_block_delta", index=0, delta={"type": delta, key: "a"})
    data = _event("message_start", message={"id": "msg_1", "type": "message", "usage": {}, "content": []})
    data += _event("content_block_start", index=0, content_block=block)
    out, _ = _passed([data + piece * 2 + b"event: error\ndata: 0.5\n\n" + piece * 2])
    assert out.count(piece) == 2
    assert b"event: error" in out[out.rindex(piece) :]


def test_half_a_character_as_a_name():
    """Whatever a host calls a piece, it is passed on."""
    piece = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    piece += b'"delta":{"type":"text_delta","\\ud83d":"a"}}\n\n'
    data = _event("message_start", message={"id": "msg_1", "type": "message", "usage": {}, "content": []})
    data += _event("content_block_start", index=0, content_block=_KINDS["text"][0])
    out, _ = _passed([data, piece, piece, piece * 2])
    assert out.count(piece) == 4


def _passed(parts) -> tuple[bytes, object]:
    passage = Passage(host="Moonshot", window=WINDOW, estimate=9)
    return b"".join(map(passage.feed, parts)) + passage.finish(), passage.usage
