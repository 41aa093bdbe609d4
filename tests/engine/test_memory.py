"""What was carried out beside the client's calls comes back into the history, in order and within bounds."""

from __future__ import annotations

from kimi_cli.engine.memory import Memory

MINE = {"type": "tool_use", "id": "toolu_1", "name": "LS", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "files"}
THEIRS = {"type": "tool_use", "id": "toolu_2", "name": "task", "input": {}}
THEIR_RESULT = {"type": "tool_result", "tool_use_id": "toolu_2", "content": "done"}
ASKED = {"role": "user", "content": "go"}


def request(*messages):
    """A request with these behind the first question."""
    return {"model": "kimi", "messages": [ASKED, *messages]}


def remembering():
    """A memory of one call."""
    memory = Memory()
    memory.keep("toolu_2", [MINE, RESULT])
    return memory


def test_both_come_back():
    """Our call stands before the client's, our result before its result; the client's request stays as it was."""
    asked = request({"role": "assistant", "content": [THEIRS]}, {"role": "user", "content": [THEIR_RESULT]})
    put_back = remembering().put_back(asked)
    assert put_back["messages"][1:] == [
        {"role": "assistant", "content": [MINE, THEIRS]},
        {"role": "user", "content": [RESULT, THEIR_RESULT]},
    ]
    assert asked["messages"][1]["content"] == [THEIRS]


def test_other_forms_of_history():
    """A turn of plain text, none at all, or another of the assistant's after the call: the result has its place."""
    said = {"role": "assistant", "content": [THEIRS]}
    text = remembering().put_back(request(said, {"role": "user", "content": "stop"}))
    assert text["messages"][2]["content"] == [RESULT, {"type": "text", "text": "stop"}]
    none = remembering().put_back(request(said))
    assert none["messages"][2] == {"role": "user", "content": [RESULT]}
    twice = remembering().put_back(request(said, {"role": "assistant", "content": "x"}))
    assert twice["messages"][2:] == [{"role": "user", "content": [RESULT]}, {"role": "assistant", "content": "x"}]


def test_what_is_not_remembered():
    """Requests without such a call are the very same."""
    asked = request({"role": "assistant", "content": [MINE]}, {"role": "user", "content": [RESULT]})
    assert remembering().put_back(asked) is asked
    assert Memory().put_back(asked) is asked


def test_bounds():
    """What was first goes first, and never more is held than the limit."""
    memory = Memory(limit=3_000)
    for number in range(10):
        memory.keep(f"toolu_{number}", [{"type": "tool_result", "content": "x" * 900}])
    assert len(memory) == 3
    memory.keep("large", [{"content": "x" * 5_000}])
    assert len(memory) == 0
