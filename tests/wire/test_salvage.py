"""Calls that a host could not read are read where they can mean one thing, and nothing is made of anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.collect import Collector
from kimi_cli.wire.encode import encode
from kimi_cli.wire.events import Failed
from kimi_cli.wire.failure import classify
from kimi_cli.wire.refusal import from_response
from kimi_cli.wire.salvage import callable_tools, is_tool_use_failed, salvage
from kimi_cli.wire.thinking import Display
from tests.wire.build import (
    DONE,
    calls,
    check_events,
    chunk,
    content_of,
    every_cut,
    fragment,
    frame,
    message_of,
    read,
    sse,
    text,
)
from tests.wire.rawcalls import section
from tests.wire.upstream import inputs

LS = {"command": "ls"}
_LS = '{"command": "ls"}'
_SEARCH = '{"name": "web_search", "arguments": {"q": "a</function>b"}}'
TOOLS: dict[str, dict[str, Any]] = {
    "Bash": {
        "type": "object",
        "properties": {
            "command": {"type": "string"},
            "timeout": {"type": ["integer"]},
            "tags": {"type": "array"},
            "loud": {"type": "boolean"},
            "note": {"type": ["string", "null"]},
            "any": {},
        },
    },
    "web_search": {},
    "mcp__a__b": {},
}


def _calls(generation: str) -> list[tuple[str, Any]] | None:
    """The calls in a generation, with their arguments read."""
    salvaged = salvage(generation, offered=TOOLS)
    return salvaged and [(call.name, json.loads(call.arguments)) for call in salvaged.calls]


@pytest.mark.parametrize(
    "generation",
    [
        f"<function=Bash>{_LS}</function>",
        f"<function=Bash{_LS}</function>",
        f"<function=Bash {_LS}></function>\n",
        f"<function=Bash={_LS}</function>",
        f"<function=Bash>{_LS}",
        f"<function=functions.Bash:0>{_LS}</function><|eot_id|>",
        '<tool_call>\n{"name": "Bash", "arguments": {"command": "ls"}}\n</tool_call>',
        '<tool_call>{"name": "Bash", "arguments": "{\\"command\\": \\"ls\\"}"}',
        "<tool_call>\n<function=Bash>\n<parameter=command>\nls\n</parameter>\n</function>\n</tool_call>",
        "<function=Bash>\n<parameter=command>ls</parameter>\n</function>",
        '<|python_tag|>{"name": "Bash", "parameters": {"command": "ls"}}<|eom_id|>',
        '{"name": "Bash", "arguments": {"command": "ls"}}',
        '{"name": "Bash", "arguments": {"command": "ls",}}',
        '{"type": "function", "name": "functions.Bash", "parameters": {"command": "ls"}}',
        '{"id": "c", "type": "function", "function": {"name": "Bash", "arguments": "{\\"command\\": \\"ls\\"}"}}',
        '{"function": "Bash", "args": {"command": "ls"}}',
        '[{"name": "Bash", "input": {"command": "ls"}}]',
        '```json\n{"tool_calls": [{"function": {"name": "Bash", "arguments": {"command": "ls"}}}]}\n```',
        '```\n{"tool_calls": [{"id": "pending", "function": {"name": "Bash"}, "parameters": {"command": "ls"}}]}\n```',
        '{"name": "Bash<|channel|>commentary", "arguments": {"command": "ls"}}',
        f"Bash{_LS}</function>",
        f"functions.Bash:0{_LS}",
        section(("functions.Bash:0", _LS)),
        f"<|tool_call_begin|>functions.Bash:0<|tool_call_argument_begin|>{_LS}<|tool_call_end|>",
    ],
)
def test_one_call(generation):
    """Each form in which models were seen to write a call is that call, and no text."""
    assert _calls(generation) == [("Bash", LS)]
    assert salvage(generation, offered=TOOLS).text == ""


@pytest.mark.parametrize(
    "both",
    [
        f'<function=Bash>{_LS}</function>\n<function=web_search>{{"q": "a</function>b"}}</function>',
        f'<tool_call>{{"name": "Bash", "arguments": {_LS}}}</tool_call>\n<tool_call>{_SEARCH}</tool_call>',
        f'<|python_tag|>{{"name": "Bash", "parameters": {_LS}}}; {_SEARCH}',
        section(("functions.Bash:0", _LS), ("functions.web_search:1", '{"q": "a</function>b"}')),
    ],
)
@pytest.mark.parametrize("before", ["", "I look.\n\n", "<think>\nI should look.\n</think>\n\nI look.\n"])
def test_several_calls_behind_a_text(before, both):
    """Text ahead of the calls is the answer's text, and what was thought its reasoning."""
    salvaged = salvage(before + both, offered=TOOLS)
    assert _calls(before + both) == [("Bash", LS), ("web_search", {"q": "a</function>b"})]
    assert salvaged.text == ("I look." if before else "")
    assert salvaged.thought == ("I should look." if "<think>" in before else "")


def test_bare_calls_in_a_row():
    """Names with their arguments behind them may be several, and so may calls in a list."""
    listed = [{"name": "Bash", "parameters": LS}, {"name": "mcp__a__b", "parameters": None}]
    assert _calls(json.dumps(listed)) == [("Bash", LS), ("mcp__a__b", {})]
    assert _calls(f'functions.Bash:0{_LS}\nfunctions.web_search:1 {{"q": 1}}') == [
        ("Bash", LS),
        ("web_search", {"q": 1}),
    ]
    assert _calls("<function=mcp__a__b></function>") == [("mcp__a__b", {})]


def test_parameters_are_what_their_schema_says():
    """Values that were written as text are text where they should be, and JSON where they should be something else."""
    written = (
        "<function=Bash>\n<parameter=command>\n  if </parameter> then\n\n</parameter>\n"
        "<parameter=timeout>\n5\n</parameter>\n<parameter=tags>[1]</parameter><parameter=loud>True</parameter>"
        "<parameter=note>5</parameter></function>"
    )
    assert _calls(written) == [
        (
            "Bash",
            {"command": "  if </parameter> then\n", "timeout": 5, "tags": [1], "loud": True, "note": "5"},
        )
    ]


@pytest.mark.parametrize(
    "generation",
    [
        "",
        "Tool use failed: JSON does not match the expected schema for tool calls",
        "Bash",
        f"You can write <function=Bash>{_LS}</function>",
        f"```\n<function=Bash>{_LS}</function>\n```",
        f"Like this:\n~~~\n<function=Bash>{_LS}</function>",
        f"<function=Bash>{_LS}</function> and it listed the files.",
        f"{section(('functions.Bash:0', _LS))} And then?",
        f"Look:\n```\n{section(('functions.Bash:0', _LS))}\n```",
        f"Here it is: {_LS}",
        f"Bash {_LS} and so on",
        'Here:\n```json\n{"name": "Bash", "arguments": {}}\n```',
        'I look.\n{"name": "Bash", "arguments": {}}',
        '<function=brave_search>{"query": "x"}</function>',
        '{"name": "brave_search", "arguments": {}}',
        '<function=Bash>{"command": "l',
        '{"name": "Bash", "arguments": {"command": "ls"}',
        section(("functions.Bash:0", _LS))[:-80],
        "<function=Bash>",
        "<function=Bash [1, 2]</function>",
        "<function=Bash>ls</function>",
        "<tool_call>Bash</tool_call>",
        "<tool_call>",
        "calculator {2*3",
        '{"name": "Bash"}',
        '{"name": "Bash", "arguments": [1]}',
        '{"name": "Bash", "arguments": {}, "parameters": {}}',
        '{"name": "Bash", "arguments": {}, "note": 1}',
        '{"name": "Bash", "function": {"name": "Bash"}, "arguments": {}}',
        '{"name": "Bash", "arguments": {"command": "ls", "command": "rm"}}',
        '<function=Bash>{"command": "ls", "command": "rm"}</function>',
        '[{"name": "Bash", "arguments": {}}, 3]',
        "[]",
        "<function=Bash><parameter=any>x</parameter></function>",
        "<function=Bash><parameter=timeout>soon</parameter></function>",
        "<function=Bash><parameter=command>a</parameter><parameter=command>b</parameter></function>",
        "<function=Bash><parameter=command>ls</function>",
        '{"name": "Bash", "arguments": {"a": ' + "[" * 5_000 + "]" * 5_000 + "}}",
        '{"name": "Bash", "arguments": {"a": NaN}}',
        "<function=Bash>" + _LS + " " * (1024 * 1024),
    ],
    ids=range(40),
)
def test_nothing_is_made_up(generation):
    """What breaks off, is quoted, goes on, was not offered, or could mean something else, is no call."""
    assert salvage(generation, offered=TOOLS) is None


def test_without_tools_there_is_nothing():
    """A model that was told to call none has called none."""
    assert salvage(f"<function=Bash>{_LS}</function>", offered={}) is None


_MARKS = [
    "<function=",
    "Bash",
    ">",
    _LS,
    "</function>",
    "<tool_call>",
    "{",
    "}",
    '"',
    "\n",
    "`",
    "```",
    ":",
    "name",
    ";",
]


@given(st.lists(st.sampled_from(_MARKS) | st.text(max_size=5), max_size=12).map("".join))
def test_no_text_breaks_it(generation):
    """Whatever a model wrote, nothing fails, and what is made of it is calls to offered tools with objects in them."""
    salvaged = salvage(generation, offered=TOOLS)
    if salvaged is not None:
        assert salvaged.calls
        for call in salvaged.calls:
            assert call.name in TOOLS
            assert isinstance(json.loads(call.arguments), dict)


@given(st.lists(st.sampled_from(["I", "call", "Bash", "with", _LS, "then", "`<function=Bash>{}`", "."]), min_size=2))
def test_prose_stays_prose(words):
    """A text that names tools and arguments in a row of words is none."""
    prose = f"So {' '.join(words)}"
    assert salvage(prose, offered=TOOLS) is None


@given(arguments=inputs, cut=st.integers(1, 10_000))
def test_half_a_call_is_no_call(arguments, cut):
    """A generation that was cut anywhere inside the arguments gives nothing."""
    told = json.dumps(arguments)
    for form in ("<function=Bash>{}", '{{"name": "Bash", "arguments": {}}}', "functions.Bash:0{}"):
        whole = form.format(told)
        assert _calls(whole) == [("Bash", arguments)]
        begun = whole.index("{", 1 if whole[0] == "{" else 0)
        assert _calls(whole[: begun + cut % (whole.rindex("}") - begun)]) is None


def _refusal(generation: object, *, code: str = "tool_use_failed"):
    error = {"message": "Failed to call a function.", "type": "invalid_request_error", "code": code}
    body = json.dumps({"error": error | {"failed_generation": generation}}).encode()
    return from_response(host="Groq", status=400, headers={}, body=body, window=1, estimate=1)


def test_a_refused_request_is_answered_after_all():
    """The calls of a refusal are an answer like any other: with ids of its own, the client's names, and its text."""
    refusal = _refusal(f"I look.\n<function=Bash>{_LS}</function>")
    assert is_tool_use_failed(refusal)
    assert refusal.failed_generation not in repr(refusal)
    fields = {"offered": TOOLS, "tool_names": {"Bash": "the shell"}}
    events = ChatAnswer(frame(**fields)).salvaged(refusal)
    check_events(events)
    message = message_of(events)
    assert message["stop_reason"] == "tool_use"
    assert message["content"] == [
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_2", "name": "the shell", "input": LS},
    ]
    answer = ChatAnswer(frame(**fields))
    stream = b"".join(map(encode, answer.salvaged(refusal)))
    assert stream.count(b"event: message_start") == stream.count(b"event: message_stop") == 1
    assert answer.is_over


@pytest.mark.parametrize(
    "refusal",
    [
        _refusal("I do not know."),
        _refusal(None),
        _refusal({"name": "Bash"}),
        _refusal(f"<function=Bash>{_LS}</function>", code="json_validate_failed"),
    ],
)
def test_other_refusals_stay_refusals(refusal):
    """Without a call in it, and for any other code, the answer is not begun and can be asked for again."""
    answer = ChatAnswer(frame(offered=TOOLS))
    assert answer.salvaged(refusal) is None
    assert not answer.is_over
    assert classify(refusal).status in {400, 500}


def _failing(*before: dict, generation: str) -> bytes:
    error = {"message": "Failed to call a function.", "code": "tool_use_failed", "failed_generation": generation}
    failure = {"error": error | {"status_code": 400}, "x_groq": {"id": "req_1", "error": "Failed."}}
    return sse(*before, done=False) + b"event: error\ndata: " + json.dumps(failure).encode() + b"\n\n" + DONE


_CALLED = f"I look.\n<function=Bash>{_LS}</function>"


@pytest.mark.parametrize("before", [[], [chunk({"role": "assistant", "content": ""})], [text("I "), text("look.\n")]])
def test_in_the_middle_of_a_stream(before):
    """A failure inside the stream is salvaged too, and text that was shown already is not shown again."""
    content = content_of(_failing(*before, generation=_CALLED), offered=TOOLS)
    assert [block["text"].strip() for block in content if block["type"] == "text"] == ["I look."]
    assert [block["input"] for block in content if block["type"] == "tool_use"] == [LS]


def test_reasoning_that_was_shown_is_not_shown_again():
    """What the generation holds of the reasoning has come ahead of the failure."""
    stream = _failing(chunk({"reasoning": "Hm."}), generation=f"<think>Hm.</think>{_CALLED}")
    assert [block["type"] for block in content_of(stream, offered=TOOLS)] == ["thinking", "text", "tool_use"]


@pytest.mark.parametrize(
    "stream",
    [
        _failing(text("I "), generation="I look. <function=Bash>{"),
        _failing(calls(fragment(0, id="a", name="Bash", arguments=_LS)), generation=_CALLED),
        _failing(calls(fragment(0, id="a", name="Bash", arguments='{"com')), generation=_CALLED),
        _failing(generation="<function=nobody>{}</function>"),
    ],
)
def test_a_stream_that_cannot_be_saved_fails(stream):
    """Half a call is none, and after a call no other is made: it might be the same one."""
    for parts in every_cut(stream):
        events = read(parts, offered=TOOLS)
        check_events(events)
        assert isinstance(events[-1], Failed)
        assert events[-1].failure.status == 500


def test_what_a_model_may_call():
    """The tools of a request, those that it forces, or none."""
    tools = [{"type": "function", "function": {"name": name, "parameters": {"a": 1}}} for name in ("a", "b")]
    assert callable_tools({"tools": tools}) == {"a": {"a": 1}, "b": {"a": 1}}
    assert set(callable_tools({"tools": tools, "tool_choice": "required"})) == {"a", "b"}
    forced = {"type": "function", "function": {"name": "b"}}
    assert set(callable_tools({"tools": tools, "tool_choice": forced})) == {"b"}
    assert callable_tools({"tools": tools, "tool_choice": "none"}) == {}
    assert callable_tools({}) == {}


def test_reasoning_is_shown_as_far_as_it_was_asked_for():
    """A salvaged answer keeps to what the client wants to see."""
    refusal = _refusal(f"<think>Hm.</think><function=Bash>{_LS}</function>")
    collector = Collector()
    collector.feed(ChatAnswer(frame(offered=TOOLS, display=Display.DROPPED)).salvaged(refusal))
    assert [block["type"] for block in collector.message["content"]] == ["tool_use"]
