"""The tool loop with a scripted model and scripted tools: what the client sees, and what the model is asked."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from kimi_cli.engine.loop import CALLS_AT_ONCE, Loop
from kimi_cli.engine.progress import Channel, Words, listed
from kimi_cli.engine.toolbox import Result
from kimi_cli.wire.collect import Collector
from kimi_cli.wire.events import (
    BlockStop,
    Failed,
    InputDelta,
    MessageDelta,
    MessageStart,
    MessageStop,
    ServerToolUseStart,
    TextDelta,
    TextStart,
    ThinkingStart,
    ToolUseStart,
    Usage,
    WholeBlock,
)
from kimi_cli.wire.failure import Failure
from kimi_cli.wire.signature import PROGRESS

REQUEST = {"model": "kimi-k3", "messages": [{"role": "user", "content": "go"}], "tool_choice": {"type": "any"}}


def answer(*parts):
    """The events of one answer: a string is text, a pair a call; one event a time."""
    events = [MessageStart("msg_host", "kimi", Usage(1))]
    for block, part in enumerate(parts):
        if isinstance(part, str):
            events += [TextStart(block), TextDelta(block, part), BlockStop(block)]
        else:
            name, arguments = part
            start = ToolUseStart(block, f"toolu_{name}_{block}", name)
            events += [start, InputDelta(block, arguments[:3]), InputDelta(block, arguments[3:]), BlockStop(block)]
    reason = "tool_use" if any(not isinstance(part, str) for part in parts) else "end_turn"
    return [*events, MessageDelta(reason, None, Usage(10, 5, 3)), MessageStop()]


class Script:
    """A model that gives these answers in order, and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    async def ask(self, request, hear):
        self.asked.append(request)
        for event in self.answers.pop(0):
            if isinstance(event, Exception):
                raise event
            await hear([event])


class Tools:
    """Owns what begins with a capital letter; a call to Fail fails, one to Wait waits for the gate.

    `busy` is set once as many calls run as it says.
    """

    def __init__(self, *, is_shown=False, busy_at=1):
        self.shows, self.busy_at, self.busy = is_shown, busy_at, asyncio.Event()
        self.gate = asyncio.Event()
        self.running, self.most, self.ended = 0, 0, 0
        self.calls = []

    def owns(self, name):
        return name[:1].isupper() or name == "web_search"

    def is_shown(self, name):
        return self.shows

    async def run(self, call):
        self.calls.append(call)
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running == self.busy_at:
            self.busy.set()
        try:
            if call.name == "Wait":
                await self.gate.wait()
            if call.name == "Fail":
                return Result("it failed", is_error=True)
            shown = {"type": "web_search_tool_result", "tool_use_id": call.id, "content": []} if self.shows else None
            return Result(f"{call.name} says {call.input}", shown=shown, searches=int(self.shows))
        finally:
            self.running -= 1
            self.ended += 1


async def run(model, tools, request=REQUEST, **options):
    """All events, whose order is checked, and the message that they make."""
    numbers, events = count(), []
    options = {"channel": Channel.OFF, "steps": 15, **options}
    loop = Loop(request, model=model, toolbox=tools, new_id=lambda prefix: f"{prefix}{next(numbers)}", **options)

    async def emit(batch):
        events.extend(batch)

    try:
        await loop.run(emit)
    finally:
        check(events)
    return loop, events, folded(events)


def check(events):
    """Blocks follow one another with rising indexes and never overlap; nothing comes after the end."""
    index, is_open = -1, False
    for at, event in enumerate(events):
        if isinstance(event, TextStart | ThinkingStart | ToolUseStart | ServerToolUseStart | WholeBlock):
            assert not is_open, events
            assert event.block == index + 1, events
            index, is_open = event.block, True
        elif isinstance(event, BlockStop):
            assert is_open, events
            assert event.block == index
            is_open = False
        elif hasattr(event, "block"):
            assert is_open, events
            assert event.block == index
        elif isinstance(event, MessageStart):
            assert at == 0
        elif isinstance(event, MessageStop | Failed):
            assert at == len(events) - 1
            assert not is_open


def folded(events):
    """The message, or the failure."""
    collector = Collector()
    collector.feed(events)
    return collector.message or collector.failure


async def test_an_answer_without_calls():
    """One step, passed on as it is."""
    model = Script(answer("hello"))
    _, events, message = await run(model, Tools())
    assert message["content"] == [{"type": "text", "text": "hello"}]
    assert message["stop_reason"] == "end_turn"
    assert events == answer("hello")
    assert model.asked == [REQUEST]


async def test_two_steps():
    """Calls are carried out and not shown, their results go back in order, and the usage is the sum."""
    model, tools = Script(answer("let me look", ("LS", '{"path": "."}'), ("Fail", "")), answer("done")), Tools()
    _, _, message = await run(model, tools)
    assert [block["text"] for block in message["content"]] == ["let me look", "done"]
    assert message["usage"]["input_tokens"] == 20
    assert message["usage"]["cache_read_input_tokens"] == 10
    assert message["usage"]["output_tokens"] == 6
    second = model.asked[1]
    assert second["tool_choice"] == {"type": "auto"}
    said, results = second["messages"][1:]
    assert [block["type"] for block in said["content"]] == ["text", "tool_use", "tool_use"]
    assert results["content"] == [
        {"type": "tool_result", "tool_use_id": "toolu_LS_1", "content": "LS says {'path': '.'}"},
        {"type": "tool_result", "tool_use_id": "toolu_Fail_2", "content": "it failed", "is_error": True},
    ]
    assert REQUEST["messages"] == [{"role": "user", "content": "go"}]


async def test_calls_run_at_once_within_a_bound():
    """Calls of one answer are carried out at the same time, and never more than the bound."""
    calls = [("Wait", "{}")] * (CALLS_AT_ONCE + 3)
    model, tools = Script(answer(*calls), answer("done")), Tools(busy_at=CALLS_AT_ONCE)
    task = asyncio.create_task(run(model, tools))
    async with asyncio.timeout(30):
        await tools.busy.wait()
    tools.gate.set()
    await task
    assert tools.most == CALLS_AT_ONCE
    assert len(tools.calls) == len(calls)


async def test_calls_of_the_client():
    """What is not ours goes to the client as ever."""
    model, tools = Script(answer("hm", ("task", '{"a": 1}'))), Tools()
    _, _, message = await run(model, tools)
    assert message["stop_reason"] == "tool_use"
    assert message["content"][1] == {"type": "tool_use", "id": "toolu_task_1", "name": "task", "input": {"a": 1}}
    assert tools.calls == []


async def test_calls_of_both():
    """Ours are carried out, the client's are passed on, and what was carried out is kept for the next request."""
    model, tools = Script(answer(("LS", "{}"), ("task", "{}"), ("Fail", "{}"))), Tools()
    memory = {}
    _, _, message = await run(model, tools, remember=memory.__setitem__)
    assert [block["name"] for block in message["content"]] == ["task"]
    assert message["stop_reason"] == "tool_use"
    (kept,) = memory.values()
    assert list(memory) == ["toolu_task_1"]
    assert [block["type"] for block in kept] == ["tool_use", "tool_use", "tool_result", "tool_result"]


async def test_a_loop_that_does_not_end():
    """After the last step it is said, in words and as Anthropic says it."""
    model = Script(*[answer(("LS", "{}")) for _ in range(4)])
    _, _, message = await run(model, Tools(), steps=3)
    assert len(model.asked) == 3
    assert message["stop_reason"] == "pause_turn"
    assert "3 steps" in message["content"][-1]["text"]


async def test_searches_are_shown():
    """Calls and results are blocks of the client's, and counted."""
    model, tools = Script(answer(("web_search", '{"query": "x"}')), answer("found")), Tools(is_shown=True)
    _, _, message = await run(model, tools, channel=Channel.OFF)
    kinds = [block["type"] for block in message["content"]]
    assert kinds == ["server_tool_use", "web_search_tool_result", "text"]
    assert message["content"][0]["input"] == {"query": "x"}
    assert message["usage"]["server_tool_use"]["web_search_requests"] == 1


@pytest.mark.parametrize("channel", [Channel.THINKING, Channel.TEXT])
async def test_progress(channel):
    """Every step is told as it begins, also before the model has said anything."""
    model, tools = Script(answer(("LS", "{}"), ("Read", "{}"), ("Read", "{}")), answer("done")), Tools()
    _, events, message = await run(model, tools, channel=channel)
    kind = channel.value
    lines = "".join(block.get(kind, "") for block in message["content"] if block["type"] == kind)
    told = lines.removesuffix("done")
    assert told.splitlines()[:2] == ["Starting", "Executing LS, Read x2"]
    assert sorted(told.splitlines()[2:5]) == ["LS (1/3)", "Read (2/3)", "Read (3/3)"]
    assert told.splitlines()[5:] == ["Thinking (step 2)"]
    assert isinstance(events[1], ThinkingStart if kind == "thinking" else TextStart)
    if kind == "thinking":
        assert {block["signature"] for block in message["content"] if block["type"] == kind} == {PROGRESS}
    assert message["content"][-1]["text"] == "done"


async def test_the_first_word_comes_before_the_model():
    """Progress begins at once, however long the model takes."""
    tools, begun = Tools(), []

    class Slow:
        async def ask(self, request, hear):
            assert begun
            for event in answer("late"):
                await hear([event])

    loop = Loop(REQUEST, model=Slow(), toolbox=tools, new_id=lambda prefix: prefix + "1", steps=2)

    async def emit(batch):
        begun.extend(batch)

    await loop.run(emit)
    check(begun)


async def test_a_failure_within_an_answer():
    """An error in the middle of a step ends the whole, with everything closed."""
    cut = [MessageStart("m", "k", Usage()), TextStart(0), TextDelta(0, "half"), BlockStop(0)]
    failed = Failed(Failure(500, "api_error", "cut"))
    model = Script(answer(("LS", "{}")), [*cut, failed])
    _, events, failure = await run(model, Tools(), channel=Channel.THINKING)
    assert failure == failed.failure
    assert events[-1] == failed


@pytest.mark.parametrize("channel", list(Channel))
async def test_a_failure_before_an_answer(channel):
    """What the model's side raises comes out as it is, after what was open has been closed."""
    cut = [MessageStart("m", "k", Usage()), TextStart(0), TextDelta(0, "half"), RuntimeError("gone")]
    with pytest.raises(RuntimeError, match="gone"):
        await run(Script(cut), Tools(), channel=channel)


async def test_a_client_that_leaves_ends_the_tools():
    """Where the loop is cancelled, so is what runs for it."""
    model, tools = Script(answer(("Wait", "{}"), ("Wait", "{}"))), Tools(busy_at=2)
    task = asyncio.create_task(run(model, tools))
    async with asyncio.timeout(30):
        await tools.busy.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (tools.running, tools.ended) == (0, 2)


def test_words():
    """Words may be changed one by one, and mistakes in them are named."""
    assert Words.from_mapping({"starting": "Los"}).starting == "Los"
    assert Words.from_mapping({}, emoji=True).starting != Words().starting
    for wrong in ({"begin": "x"}, {"thinking": "{nothing}"}, {"executed": "{tool.x}"}, {"starting": "{"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Words.from_mapping(wrong)
    assert listed(["LS", "Read", "Read"]) == "LS, Read x2"
