"""What holds for every upstream stream, plausible or not."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.encode import encode
from kimi_cli.wire.events import Failed, InputDelta, MessageStop, TextDelta, ThinkingDelta, ToolUseStart
from tests.wire.build import check_events, frame, merged, message_of, pieces, read, sse
from tests.wire.upstream import scripts, values

_cuts = st.sets(st.integers(0, 2_000), max_size=40)
_words = st.sampled_from(
    ["choices", "delta", "message", "content", "tool_calls", "function", "arguments", "name", "id", "index", "usage"]
) | st.sampled_from(["finish_reason", "error", "x_groq", "reasoning", "stop_reason", "prompt_tokens", "type", "text"])
_odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(["{", "}", "stop"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=5),
    max_leaves=20,
)
_deltas = st.dictionaries(_words, _odd, max_size=4)
_chunks = st.dictionaries(_words, _odd, max_size=5) | st.builds(
    lambda delta, reason: {"choices": [{"delta": delta, "finish_reason": reason}]}, _deltas, st.none() | _odd
)


@given(script=scripts(), cuts=_cuts)
def test_any_cut_of_the_bytes_gives_the_same_events(script, cuts):
    """Where reads end is of no matter, and every stream is one well-formed message."""
    data = sse(*script.chunks)
    events = read([data])
    assert merged(read(pieces(data, cuts))) == merged(events)
    check_events(events)


@given(script=scripts())
def test_nothing_is_lost_or_changed(script):
    """Text, reasoning and each call's arguments come out as the host sent them, calls in the order of beginning."""
    events = read([sse(*script.chunks)])
    assert isinstance(events[-1], MessageStop)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == script.text
    assert "".join(event.thinking for event in events if isinstance(event, ThinkingDelta)) == script.thinking
    arguments: dict[int, str] = {}
    names: dict[int, str] = {}
    for event in events:
        if isinstance(event, ToolUseStart):
            names[event.block], arguments[event.block] = event.name, ""
        elif isinstance(event, InputDelta):
            arguments[event.block] += event.partial_json
    assert list(zip(names.values(), arguments.values(), strict=True)) == script.calls


@given(script=scripts())
def test_ids_are_never_repeated(script):
    """Every call of every stream has an id of its own."""
    ids = [block["id"] for block in message_of(read([sse(*script.chunks)]))["content"] if block["type"] == "tool_use"]
    assert len(ids) == len(set(ids)) == len(script.calls)


@given(script=scripts())
def test_the_events_can_be_read_back_from_the_bytes(script):
    """The bytes for the client hold the same events, each under its name, and nothing else."""
    events = read([sse(*script.chunks)])
    answer = ChatAnswer(frame())
    sent = answer.feed(sse(*script.chunks)) + answer.finish()
    assert sent == b"".join(map(encode, events))
    for event in sent.decode().split("\n\n")[:-1]:
        name, data = event.split("\n")
        assert name == f"event: {json.loads(data.removeprefix('data: '))['type']}"


@given(script=scripts(), share=st.floats(0, 1))
def test_no_beginning_of_a_stream_is_an_answer(script, share):
    """A stream that is cut anywhere before its finish reason was whole ends in a failure."""
    finish = next(at for at, chunk in enumerate(script.chunks) if chunk["choices"][0].get("finish_reason"))
    data = sse(*script.chunks[: finish + 1], done=False)
    needed = len(data) - len(b"\n\n")
    events = read([data[: int(share * (needed - 1))]])
    check_events(events)
    assert isinstance(events[-1], Failed)


@given(script=scripts(finish=False))
def test_a_stream_without_a_finish_reason_is_no_answer(script):
    """The host's DONE alone does not complete an answer."""
    assert isinstance(read([sse(*script.chunks)])[-1], Failed)


@given(script=scripts(), stops=st.lists(st.text(min_size=1, max_size=2), min_size=1, max_size=2), cuts=_cuts)
def test_stop_sequences_do_not_depend_on_the_cut(script, stops, cuts):
    """With stop sequences to look for, the events are the same for every cut, and none of them is in the text."""
    data = sse(*script.chunks)
    events = read([data], stops=tuple(stops))
    assert merged(read(pieces(data, cuts), stops=tuple(stops))) == merged(events)
    check_events(events)
    for block in message_of(events)["content"]:
        assert block["type"] != "text" or not any(stop in block["text"] for stop in stops)


@given(chunks=st.lists(_chunks, max_size=6))
def test_arbitrary_chunks_never_crash(chunks):
    """JSON of any kind in any place is read as far as it can be, and ends in a message or a failure."""
    data = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    events = read([data, sse()])
    check_events(events)
    b"".join(map(encode, events))


@given(chunks=st.lists(values, max_size=4), junk=st.binary(max_size=60), cuts=_cuts)
def test_arbitrary_bytes_never_crash(chunks, junk, cuts):
    """Bytes of any kind end in one terminal event, the same for every cut."""
    data = sse(*chunks, done=False) + junk + sse()
    events = read([data])
    assert merged(read(pieces(data, cuts))) == merged(events)
    check_events(events)


@given(body=st.binary(max_size=40) | st.builds(lambda value: json.dumps(value).encode(), _chunks | values))
def test_arbitrary_bodies_never_crash(body):
    """So does an answer in one piece."""
    check_events(ChatAnswer(frame()).whole(body))
