"""Calls that a host lets through as tokens become tool_use blocks, as if it had sent them properly."""

from __future__ import annotations

import json

import pytest

from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.events import Failed, InputDelta, MessageStop, ToolUseStart
from kimi_cli.wire.stream import Reducer
from tests.wire.build import (
    calls,
    check_events,
    chunk,
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
from tests.wire.rawcalls import BEGIN, CALL_END, END, raw, section

_INPUT = {"a": ["b", "<|é|>"]}
_ARGUMENTS = json.dumps(_INPUT, ensure_ascii=False)
_SECTION = section(("functions.Read:0", _ARGUMENTS))
_PROPER = calls(fragment(0, id="functions.Read:0", name="Read", arguments=_ARGUMENTS))


def _pieces(content: str, size: int, make=text) -> list:
    return [make(content[at : at + size]) for at in range(0, len(content), size)]


def _events(data: bytes, **changes) -> list:
    """The events of a stream; that cuts of its bytes are of no matter is shown elsewhere."""
    events = read([data], **changes)
    check_events(events)
    return events


def _brief(data: bytes, **changes) -> list:
    """The content in short: text as a string, reasoning in a tuple, calls by name."""
    blocks = message_of(_events(data, **changes))["content"]
    short = {"text": lambda block: block["text"], "thinking": lambda block: (block["thinking"],)}
    return [short.get(block["type"], lambda block: {block["name"]: block["input"]})(block) for block in blocks]


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "eos"])
@pytest.mark.parametrize("make", [text, reasoning])
def test_a_call_in_tokens_is_the_call_sent_properly(make, reason):
    """The events are those of the same call in its own field, in text and in reasoning, down to ids and stop reason."""
    assert told(sse(make(_SECTION), end(reason))) == told(sse(_PROPER, end("tool_calls")))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 26, 40])
@pytest.mark.parametrize("make", [text, reasoning])
def test_a_section_may_be_cut_anywhere(make, size):
    """The chunks in which tokens arrive are of no matter."""
    content = f"Let me see.{_SECTION}"
    blocks = message_of(_events(sse(*_pieces(content, size, make), end())))["content"]
    kind = "text" if make is text else "thinking"
    assert [block["type"] for block in blocks] == [kind, "tool_use"]
    assert (blocks[0][kind], blocks[1]["name"], blocks[1]["input"]) == ("Let me see.", "Read", _INPUT)


def test_text_around_calls_keeps_its_place():
    """What was said before, between and after calls stays there, each in a block of its own."""
    content = f"a{_SECTION}b{raw('functions.Bash:1', '{}')}{raw('functions.Bash:2', '{}')}c"
    assert _brief(sse(*_pieces(content, 5), end())) == ["a", {"Read": _INPUT}, "b", {"Bash": {}}, {"Bash": {}}, "c"]


def test_a_whole_completion_is_searched_too():
    """An answer in one piece has its tokens turned into calls, in reasoning and content."""
    message = {"role": "assistant", "reasoning_content": f"Hm.{_SECTION}", "content": f"{raw('Bash', '{}')}Done."}
    body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
    events = ChatAnswer(frame()).whole(body)
    check_events(events)
    assert _brief(sse(json.loads(body))) == [("Hm.",), {"Read": _INPUT}, {"Bash": {}}, "Done."]
    assert message_of(events)["stop_reason"] == "tool_use"


def test_content_in_parts_is_searched_too():
    """A section that is cut between the parts of a content is whole."""
    parts = [{"type": "text", "text": _SECTION[:50]}, {"type": "text", "text": _SECTION[50:]}]
    thoughts = [{"type": "thinking", "thinking": raw("Bash", "{}")}, *parts]
    assert _brief(sse(chunk({"content": thoughts}), end())) == [{"Bash": {}}, {"Read": _INPUT}]


def test_changed_names_come_back():
    """A name that had to be changed for the host is changed back, and one that was not stays."""
    data = sse(text(section(("functions.a_b_12345678:0", "{}"), ("functions.c.d:1", "{}"))), end())
    assert _brief(data, tool_names={"a_b_12345678": "a.b"}) == [{"a.b": {}}, {"c.d": {}}]


def test_calls_have_fresh_ids():
    """Every call has an id of its own, also where the model counted wrong."""
    blocks = message_of(_events(sse(text(section(("functions.Read:0", "{}"), ("functions.Read:0", "{}"))), end())))[
        "content"
    ]
    assert [block["id"] for block in blocks] == ["toolu_2", "toolu_3"]


@pytest.mark.parametrize("arguments", ['{"a": 01}', "hello"])
def test_malformed_arguments_reach_the_client(arguments):
    """Arguments that cannot be mended are told in Claude Code's own form, and what follows them does not wait."""
    content = section(("functions.Read:0", arguments))
    reducer = Reducer(frame())
    reducer.feed(text(content))
    assert [type(event).__name__ for event in reducer.feed(text("b"))][-3:] == ["BlockStop", "TextStart", "TextDelta"]
    told_as = {"__unparsedToolInput": {"raw": arguments, "len": len(arguments)}}
    assert _brief(sse(text(content), end())) == [{"Read": told_as}]


def test_arguments_in_tokens_are_mended():
    """A call in tokens is whole before anything of it is passed on, so it can be mended."""
    heads = [("functions.Read:0", '{"a": True,}'), ("Read:1", '```json\n{"a": 1}\n```'), ("Read:2", '{"a": 1}{"a": 1}')]
    inputs = [{"Read": {"a": True}}, {"Read": {"a": 1}}, {"Read": {"a": 1}}]
    assert _brief(sse(text(section(*heads)), end())) == inputs


def test_plain_text_passes_piece_by_piece():
    """Where nothing looks like a token, every piece leaves with the chunk that brings it."""
    reducer = Reducer(frame())
    shown = [[event[1] for event in reducer.feed(text(piece))[-1:]] for piece in ("if a <", "= b", " > c", "<|", "x|>")]
    assert shown == [["if a "], ["<= b"], [" > c"], [], ["<|x|>"]]


@pytest.mark.parametrize("make", [text, reasoning])
def test_an_unclosed_call_that_is_whole_is_made(make):
    """A section that the answer ends in without its last tokens counts, where the arguments are whole."""
    assert _brief(sse(make("a" + _SECTION.removesuffix(CALL_END + END)), end()))[1:] == [{"Read": _INPUT}]


@pytest.mark.parametrize("make", [text, reasoning])
@pytest.mark.parametrize(
    ("content", "said"),
    [(f"a{_SECTION[:-60]}", "the tool call 'Read' breaks off"), (f"a{BEGIN}", "a tool call breaks off")],
)
def test_a_call_that_is_cut_off_is_a_failure(make, content, said):
    """Half a call is neither made nor shown nor passed over: the answer is no answer, and the error names the call."""
    events = _events(sse(make(content), end()))
    assert [type(event).__name__ for event in events][-2:] == ["BlockStop", "Failed"]
    assert not any(isinstance(event, ToolUseStart | InputDelta) for event in events)
    assert "tool_call" not in repr(events)
    assert said in events[-1].failure.message
    assert (events[-1].failure.status, events[-1].failure.kind) == (500, "api_error")


@pytest.mark.parametrize(("reason", "stop_reason"), [("length", "max_tokens"), ("content_filter", "refusal")])
def test_an_answer_that_was_not_let_finish_says_so_itself(reason, stop_reason):
    """A call that the output limit cuts off is left out, and the stop reason says why; another attempt is no help."""
    events = _events(sse(text(f"a{_SECTION[:-60]}"), end(reason)))
    assert message_of(events)["content"] == [{"type": "text", "text": "a"}]
    assert events[-2].stop_reason == stop_reason


def test_a_broken_stream_makes_no_call():
    """Without a finish reason nothing that is held is shown or made, whole or not."""
    events = _events(sse(text("a" + _SECTION.removesuffix(CALL_END + END)), done=False))
    assert [type(event).__name__ for event in events][-3:] == ["TextDelta", "BlockStop", "Failed"]


def test_an_error_after_a_call_leaves_the_call_whole():
    """A call in tokens whose section never ends is closed before the error, as any whole call is."""
    data = sse(text(_SECTION.removesuffix(END)), {"error": {"message": "No.", "type": "server_error"}})
    assert [type(event).__name__ for event in _events(data)][-3:] == ["InputDelta", "BlockStop", "Failed"]


def test_a_stray_token_before_proper_calls_is_left_out():
    """A host that lets only the section's first token slip, and then sends the call properly, has made one call."""
    assert _brief(sse(reasoning(f"Hm. {BEGIN}"), _PROPER, end("tool_calls"))) == [("Hm. ",), {"Read": _INPUT}]
    assert _brief(sse(reasoning(f"Hm. {BEGIN}"), text("Yes."), end())) == [("Hm. ",), "Yes."]


def test_a_section_that_goes_from_reasoning_to_text_is_whole():
    """A host that takes the section's first token for the end of the reasoning splits it, and the call is found."""
    assert _brief(sse(reasoning(f"Hm.{BEGIN}"), text(_SECTION.removeprefix(BEGIN)), end())) == [
        ("Hm.",),
        {"Read": _INPUT},
    ]


@pytest.mark.parametrize("make", [text, reasoning])
def test_the_same_call_in_both_ways_is_one(make):
    """A host that sends a call properly and lets its tokens through as well has made it once, whichever came first."""
    spaced = section(("functions.Read:0", json.dumps(_INPUT, indent=1)))
    pieces = [calls(fragment(0, id="x", name="Read", arguments="")), *_cut_fragments(_ARGUMENTS)]
    for chunks in ([_PROPER, make(spaced)], [make(spaced), _PROPER], [make(spaced), *pieces], [*pieces, make(spaced)]):
        assert _brief(sse(*chunks, end("tool_calls"))) == [{"Read": _INPUT}]
    between = [*pieces[:2], make(spaced), *pieces[2:]]
    assert _brief(sse(*between, end("tool_calls"))) == [{"Read": _INPUT}]


def _cut_fragments(arguments: str) -> list:
    return [calls(fragment(0, arguments=arguments[at : at + 6])) for at in range(0, len(arguments), 6)]


def test_other_calls_in_both_ways_are_all_made():
    """Calls that differ in name or input are calls of their own, and each is matched by no more than one other."""
    bash = calls(fragment(1, id="b", name="Bash", arguments=_ARGUMENTS))
    other = calls(fragment(2, id="c", name="Read", arguments='{"a": 1}'))
    again = calls(fragment(3, id="d", name="Read", arguments=_ARGUMENTS))
    data = sse(text(_SECTION), _PROPER, bash, other, again, end("tool_calls"))
    assert _brief(data) == [{"Read": _INPUT}, {"Bash": _INPUT}, {"Read": {"a": 1}}, {"Read": _INPUT}]
    twice = sse(text(_SECTION + _SECTION), _PROPER, end("tool_calls"))
    assert _brief(twice) == [{"Read": _INPUT}, {"Read": _INPUT}]


def test_a_proper_call_of_the_same_tool_that_never_ends_is__events():
    """A call that waits to be compared is not lost when its arguments stay broken."""
    data = sse(text(_SECTION), calls(fragment(0, id="x", name="Read", arguments='{"a": ')), end("tool_calls"))
    assert _brief(data)[1] == {"Read": {"__unparsedToolInput": {"raw": '{"a": ', "len": 6}}}


@pytest.mark.parametrize("size", [1, 4, 1_000])
def test_stop_sequences_are_looked_for_in_the_visible_text(size):
    """Tokens and arguments do not stop the answer, text around them does, and nothing after it is said or called."""
    content = "a" + section(("functions.Read:0", '{"a": "END"}')) + f"b END{_SECTION}c"
    data = sse(*_pieces(content, size), end())
    assert _brief(data, stops=("END", "section", "tool_call")) == ["a", {"Read": {"a": "END"}}, "b "]
    assert _events(data, stops=("END",))[-2].stop_sequence == "END"


def test_nothing_follows_a_stop_sequence():
    """What the same chunk says and calls behind a stop sequence is left out, whatever its kind."""
    parts = [
        {"type": "text", "text": "a END"},
        {"type": "thinking", "thinking": "b"},
        {"type": "text", "text": _SECTION},
    ]
    delta = {"content": parts, **_PROPER["choices"][0]["delta"]}
    assert _brief(sse(chunk(delta), end()), stops=("END",)) == ["a "]


def test_a_stop_sequence_does_not_go_on_across_a_call():
    """What only began like a stop sequence before a call comes out before it."""
    data = sse(text(f"a EN{_SECTION}D"), end())
    assert _brief(data, stops=("END",)) == ["a EN", {"Read": _INPUT}, "D"]


def test_a_stop_sequence_that_begins_like_a_token_is_found():
    """Of two that could have begun, the one that comes counts."""
    data = sse(*_pieces("a <|stop|> b", 1), end())
    assert _brief(data, stops=("<|stop|>",)) == ["a "]
    assert _brief(sse(text("a <|tool_"), _PROPER, end()), stops=("<|tool_",)) == ["a "]


def test_nothing_is_lost_between_reasoning_and_text():
    """Part of a token at the end of one kind of block comes out before the other kind goes on."""
    data = sse(text("a <|to"), reasoning("b <"), text("ol_call c"), reasoning("|d"), end())
    assert _brief(data) == ["a <|to", ("b <",), "ol_call c", ("|d",)]


def test_the_answers_end_is_counted_like_any_other():
    """Where the host counts nothing, the estimate is of what was said, not of the tokens around it."""
    assert _events(sse(text(_SECTION), end()))[-2].usage == _events(sse(_PROPER, end()))[-2].usage


def test_what_is_quoted_runs_no_tool():
    """An example in a code block is text, and the answer ends as one."""
    content = f"The form:\n```\n{_SECTION}\n```\n"
    events = _events(sse(*_pieces(content, 4), end()))
    assert message_of(events)["content"] == [{"type": "text", "text": content}]
    assert (events[-2].stop_reason, type(events[-1])) == ("end_turn", MessageStop)


def test_failures_come_first():
    """A host that gave up, and a call without a name, are failures as ever."""
    assert "error" in _events(sse(text(_SECTION[:-60]), end("error")))[-1].failure.message
    nameless = calls(fragment(0, id="x", arguments="{}"))
    assert isinstance(_events(sse(text(_SECTION), nameless, end()))[-1], Failed)
