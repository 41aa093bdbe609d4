"""What the client sees of a model's reasoning, and that none of it is lost to the host that wants it back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.collect import Collector
from kimi_cli.wire.events import Failed, SignatureDelta, ThinkingDelta, ThinkingStart
from kimi_cli.wire.signature import reasoning_of
from kimi_cli.wire.thinking import Display
from tests.wire.build import calls, check_events, content_of, end, fragment, frame, read, reasoning, sse, text
from tests.wire.upstream import Script, scripts

_THOUGHT = reasoning("Let me ")
_MORE = reasoning("see.")
_CALL = calls(fragment(0, id="a", name="Read", arguments="{}"))
_OTHER = calls(fragment(1, id="b", name="Bash", arguments='{"a":1}'))


def _shape(content: list[dict]) -> list[object]:
    """The content in short: a tuple for reasoning that is shown, a list for reasoning that is not."""
    short: list[object] = []
    for block in content:
        match block["type"]:
            case "thinking" if block["thinking"]:
                short.append((block["thinking"],))
            case "thinking":
                short.append([reasoning_of(block)])
            case "text":
                short.append(block["text"])
            case _:
                short.append({block["name"]: block["input"]})
    return short


@pytest.mark.parametrize(
    ("display", "shapes"),
    [
        (Display.SHOWN, [[("Let me see.",), "So.", {"Read": {}}], [("Let me see.",), "So."], [("Let me ",)]]),
        (Display.OMITTED, [[["Let me see."], "So.", {"Read": {}}], [["Let me see."], "So."], [["Let me "]]]),
        (Display.CARRIED, [["So.", ["Let me see."], {"Read": {}}], ["So."], []]),
        (Display.DROPPED, [["So.", {"Read": {}}], ["So."], []]),
    ],
)
def test_what_becomes_of_reasoning(display, shapes):
    """Shown, without its text, only ahead of a call, or not at all."""
    streams = [
        sse(_THOUGHT, _MORE, text("So."), _CALL, end("tool_calls")),
        sse(_THOUGHT, _MORE, text("So."), end()),
        sse(_THOUGHT, end("length")),
    ]
    assert [_shape(content_of(stream, display=display)) for stream in streams] == shapes


def test_reasoning_between_calls_is_carried_ahead_of_the_next():
    """Each call has before it what was thought since the one before, and what follows the last one is let go."""
    stream = sse(_THOUGHT, _CALL, _MORE, _OTHER, reasoning("Done."), end("tool_calls"))
    assert _shape(content_of(stream, display=Display.CARRIED)) == [
        ["Let me "],
        {"Read": {}},
        ["see."],
        {"Bash": {"a": 1}},
    ]


@pytest.mark.parametrize("display", [Display.OMITTED, Display.CARRIED])
def test_a_failure_closes_what_was_thought(display):
    """What breaks off in the middle of a thought keeps it, and sends nothing that was not asked for."""
    events = read([sse(_THOUGHT, done=False)], display=display)
    check_events(events)
    assert isinstance(events[-1], Failed)
    signatures = [event.signature for event in events if isinstance(event, SignatureDelta)]
    expected = ["Let me "] if display is Display.OMITTED else []
    assert [reasoning_of({"signature": signature}) for signature in signatures] == expected


def test_the_client_sees_that_a_model_thinks():
    """A block without text opens as soon as the model thinks, so that a client can tell thinking from silence."""
    answer = ChatAnswer(frame(display=Display.OMITTED))
    events = answer.events(sse(_THOUGHT, done=False))
    assert any(isinstance(event, ThinkingStart) for event in events)
    assert not any(isinstance(event, ThinkingDelta) for event in events)
    assert answer.has_content


@given(script=scripts(), display=st.sampled_from(Display))
def test_only_reasoning_differs(script: Script, display: Display) -> None:
    """Text and calls do not depend on what is shown; what is thought ahead of a call is there, in order."""
    data = sse(*script.chunks)
    events = read([data], display=display)
    check_events(events)
    contents = []
    for said in (events, read([data])):
        collector = Collector()
        collector.feed(said)
        contents.append(collector.message["content"] if collector.message else [])
    hidden, shown = contents
    said_alike = [
        ["".join(b["text"] for b in content if b["type"] == "text")]
        + [(b["name"], b["input"]) for b in content if b["type"] == "tool_use"]
        for content in (hidden, shown)
    ]
    assert said_alike[0] == said_alike[1]
    thoughts = [[reasoning_of(block) for block in content if block["type"] == "thinking"] for content in contents]
    match display:
        case Display.SHOWN | Display.OMITTED:
            assert thoughts[0] == thoughts[1]
        case Display.CARRIED:
            # A thought that comes while a call waits behind another goes ahead of it or behind, as it happens.
            assert script.thinking.startswith("".join(thoughts[0]))
            kinds = [block["type"] for block in hidden]
            assert all(kinds[at + 1 : at + 2] == ["tool_use"] for at, kind in enumerate(kinds) if kind == "thinking")
            if shown and shown[-1]["type"] == "tool_use":
                assert "".join(thoughts[0]) == "".join(thoughts[1])
        case Display.DROPPED:
            assert thoughts[0] == []
    if display is not Display.SHOWN:
        assert not any(block.get("thinking") for block in hidden)
