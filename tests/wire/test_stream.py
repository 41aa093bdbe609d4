"""What hosts stream becomes blocks one after another, in the order of their beginnings, however the bytes are cut."""

from __future__ import annotations

import json

import pytest

from kimi_cli.wire.events import MessageStart, MessageStop, TextDelta, TextStart, ThinkingDelta, Usage
from kimi_cli.wire.stream import Reducer
from tests.wire.build import (
    USAGE,
    calls,
    chunk,
    content_of,
    end,
    fragment,
    frame,
    message_of,
    read,
    reasoning,
    sse,
    text,
    told,
)

_CALL = calls(fragment(0, id="x", name="Read", arguments="{}"))


def _brief(data: bytes, **changes) -> list:
    """The content in short: text as a string, reasoning in a tuple, calls by name."""
    brief = []
    for block in content_of(data, **changes):
        kind = block["type"]
        brief.append(block["text"] if kind == "text" else (block["thinking"],) if kind == "thinking" else block)
        if kind == "tool_use":
            brief[-1] = {block["name"]: block["input"]}
    return brief


def test_text_is_one_block():
    """Pieces of text join to one block; each read's pieces leave at once."""
    data = sse(chunk({"role": "assistant", "content": ""}), text("Hel"), text("lo"), end())
    events = told(data)
    assert message_of(events)["content"] == [{"type": "text", "text": "Hello"}]
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Hel", "lo"]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_a_thinking_block(field):
    """Reasoning under either name becomes a thinking block with an empty signature, before the text."""
    data = sse(reasoning("Let me ", field=field), reasoning("see.", field=field), text("Yes."), end())
    assert content_of(data) == [
        {"type": "thinking", "thinking": "Let me see.", "signature": ""},
        {"type": "text", "text": "Yes."},
    ]


def test_reasoning_under_both_names_counts_once():
    """Hosts that send reasoning under two names mean the same reasoning."""
    data = sse(chunk({"reasoning": "Hm.", "reasoning_content": "Hm."}), text("Yes."), end())
    assert _brief(data) == [("Hm.",), "Yes."]


def test_the_name_of_reasoning_may_change():
    """A field that is there but empty does not hide the other one."""
    data = sse(chunk({"reasoning": "a", "reasoning_content": ""}), chunk({"reasoning_content": "b"}), end())
    assert _brief(data) == [("ab",)]


def test_reasoning_and_text_in_one_delta():
    """A delta that holds both thought first and then spoke."""
    assert _brief(sse(chunk({"reasoning": "Hm.", "content": "Yes."}), end())) == [("Hm.",), "Yes."]


@pytest.mark.parametrize(
    ("chunks", "content"),
    [
        ([text("a"), reasoning("b"), text("c"), reasoning("d")], ["a", ("b",), "c", ("d",)]),
        ([_CALL, text("a")], [{"Read": {}}, "a"]),
        ([_CALL, reasoning("a"), text("b")], [{"Read": {}}, ("a",), "b"]),
        ([text("a"), _CALL, text("b")], ["a", {"Read": {}}, "b"]),
        ([reasoning("a"), _CALL, reasoning("b"), text("c")], [("a",), {"Read": {}}, ("b",), "c"]),
        ([chunk({"content": "a", "reasoning": "b", **_CALL["choices"][0]["delta"]})], [("b",), "a", {"Read": {}}]),
    ],
    ids=[
        "thinking after text",
        "text after a call",
        "thinking after a call",
        "text around a call",
        "thinking around a call",
        "all in one delta",
    ],
)
def test_kinds_may_follow_in_any_order(chunks, content):
    """Whatever follows whatever, each kind gets a block of its own and nothing is dropped."""
    assert _brief(sse(*chunks, end("tool_calls"))) == content


def test_text_inside_a_call_waits_for_the_call():
    """What comes between two fragments of a call follows the call; blocks do not overlap."""
    data = sse(
        calls(fragment(0, id="x", name="Read")),
        text("a"),
        reasoning("b"),
        calls(fragment(0, arguments='{"p":')),
        text("c"),
        calls(fragment(0, arguments="1}")),
        text("d"),
        end("tool_calls"),
    )
    assert _brief(data) == [{"Read": {"p": 1}}, "a", ("b",), "cd"]


def test_what_has_waited_leaves_as_soon_as_the_call_is_whole():
    """A complete call gives way at the next thing to say, not at the end of the stream."""
    reducer = Reducer(frame())
    reducer.feed(calls(fragment(0, id="x", name="Read", arguments='{"p":')))
    assert reducer.feed(text("a")) == []
    reducer.feed(calls(fragment(0, arguments="1}")))
    kinds = [type(event).__name__ for event in reducer.feed(reasoning("b"))]
    assert kinds == ["BlockStop", "TextStart", "TextDelta", "BlockStop", "ThinkingStart", "ThinkingDelta"]


@pytest.mark.parametrize(
    ("content", "blocks"),
    [
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], ["ab"]),
        ([{"type": "thinking", "thinking": "a"}, {"type": "text", "text": "b"}], [("a",), "b"]),
        ([{"type": "output_text", "text": "a"}, "x", None, {"type": "text"}, {}], ["a"]),
        (
            [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}, {"type": "text", "text": "b"}],
            [("a",), "b"],
        ),
        ({"text": "a"}, []),
        (7, []),
    ],
)
def test_content_may_be_a_list_of_parts(content, blocks):
    """Parts count for what they say; what is no part says nothing."""
    assert _brief(sse(chunk({"content": content}), end())) == blocks


def test_a_refusal_is_text():
    """A refusal in words reaches the user as what the model said."""
    assert _brief(sse(chunk({"content": None, "refusal": "I cannot."}), end())) == ["I cannot."]


def test_empty_pieces_open_nothing():
    """Empty strings, nulls and deltas without content leave no trace."""
    nothing = {"role": "assistant", "content": "", "reasoning": None, "reasoning_content": "", "tool_calls": []}
    assert content_of(sse(chunk(nothing), chunk({"tool_calls": None, "function_call": None}), end())) == []


def test_the_message_starts_with_the_first_chunk():
    """The start carries a fresh id, the model that the client asked for, and the estimate of the prompt."""
    reducer = Reducer(frame(estimate=99))
    assert reducer.feed(chunk({"role": "assistant"})) == [MessageStart("msg_1", "claude-test", Usage(99))]
    assert reducer.feed(text("a")) == [TextStart(0), TextDelta(0, "a")]
    assert reducer.start() == []


def test_a_start_that_was_asked_for_comes_once():
    """A start before the first chunk, sent to keep a client patient, is not repeated."""
    reducer = Reducer(frame())
    events = reducer.start() + reducer.feed(text("a")) + reducer.feed(end()) + reducer.finish()
    assert sum(isinstance(event, MessageStart) for event in events) == 1


def test_two_answers_have_two_ids():
    """Every response has an id of its own, because clients merge messages that share one."""
    new_id = frame().new_id
    data = sse(text("a"), end())
    ids = [message_of(read([data], new_id=new_id))["id"] for _ in range(2)]
    assert len(set(ids)) == 2


def test_nothing_follows_the_end():
    """After the terminal event neither chunks nor another end say anything."""
    reducer = Reducer(frame())
    reducer.feed(end())
    assert isinstance(reducer.finish()[-1], MessageStop)
    assert reducer.is_over
    assert [*reducer.feed(text("a")), *reducer.finish(), *reducer.feed({"error": "x"})] == []


def test_a_surrogate_pair_may_be_cut_between_chunks():
    """An emoji whose halves come in two chunks is whole again in the message and on the wire."""
    data = b'data: {"choices":[{"delta":{"content":"a\\ud83c"}}]}\n\n'
    data += b'data: {"choices":[{"delta":{"content":"\\udf12b"}}]}\n\n' + sse(end())
    halves = [event.text for event in told(data) if isinstance(event, TextDelta)]
    assert halves == ["a\ud83c", "\udf12b"]
    assert json.loads(json.dumps(message_of(read([data]))))["content"] == [{"type": "text", "text": "a🌒b"}]


def test_a_half_surrogate_pair_alone_does_not_crash():
    """Text that is no text passes on, in reasoning and arguments too."""
    data = b'data: {"choices":[{"delta":{"content":"\\ud83c","reasoning":"\\udf12","tool_calls":[{"index":0,'
    data += b'"function":{"name":"\\ud83c","arguments":"{\\"a\\":\\"\\ud83c\\"}"}}]}}]}\n\n' + sse(end())
    assert _brief(data) == [("\udf12",), "\ud83c", {"\ud83c": {"a": "\ud83c"}}]


def test_line_separators_inside_json_are_text():
    """U+2028, U+2029 and U+0085 end no lines."""
    content = "a\u2028b\u2029c\u0085d"
    data = f'data: {{"choices":[{{"delta":{{"content":"{content}"}}}}]}}\n\n'.encode()
    assert _brief(data + sse(end())) == [content]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_line_ends_of_all_kinds(newline):
    """Hosts end lines as they like."""
    data = b": hello\n\n" + sse(reasoning("a"), text("b"), _CALL, end("tool_calls"))
    assert _brief(data.replace(b"\n", newline)) == [("a",), "b", {"Read": {}}]


def test_the_recorded_shape_of_groq():
    """Role first, the call whole in one delta, usage in `x_groq` and at the top, then a chunk of usage alone."""
    usage = {**USAGE, "queue_time": 0.1, "prompt_tokens_details": {"cached_tokens": 4}, "total_tokens": 15}
    data = sse(
        chunk({"role": "assistant", "content": ""}, x_groq={"id": "req_1"}),
        chunk({"reasoning": "I add."}),
        chunk({"tool_calls": [{**fragment(0, id="functions.add:0", name="add", arguments='{"a":2}')}]}),
        end("tool_calls", x_groq={"id": "req_1", "usage": usage}, usage=usage),
        {"choices": [], "usage": usage, "service_tier": "on_demand"},
    )
    assert _brief(data) == [("I add.",), {"add": {"a": 2}}]
    delta = told(data)[-2]
    assert (delta.stop_reason, delta.usage) == ("tool_use", Usage(8, 4, 3))


def test_a_whole_completion_is_read_like_a_chunk():
    """A host that answers in one piece is understood as well, in a stream or without one."""
    message = {
        "role": "assistant",
        "content": "Done.",
        "reasoning_content": "Hm.",
        "tool_calls": [fragment(id="a", name="Read", arguments="{}"), fragment(id="b", name="Bash", arguments="{}")],
    }
    completion = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": USAGE}
    assert _brief(sse(completion)) == [("Hm.",), "Done.", {"Read": {}}, {"Bash": {}}]


@pytest.mark.parametrize("odd", [{}, {"choices": None}, {"choices": [None]}, {"choices": {}}, {"choices": []}])
def test_chunks_that_say_nothing_are_passed_over(odd):
    """Chunks without a choice, as filters and keep-alives send them, change nothing."""
    assert _brief(sse(odd, text("a"), odd, end(), odd)) == ["a"]


def test_thinking_deltas_are_counted_for_what_they_are():
    """Every piece of reasoning leaves as a thinking delta of its block."""
    events = told(sse(reasoning("a"), reasoning("b"), end()))
    assert [event for event in events if isinstance(event, ThinkingDelta)] == [
        ThinkingDelta(0, "a"),
        ThinkingDelta(0, "b"),
    ]
