"""The script holds its one conversation from the messages alone, and says what it is."""

from __future__ import annotations

import json
from pathlib import PurePosixPath, PureWindowsPath

import pytest

from kimi_cli.demo.model import ABOUT, Reply, answer_for, fact_for, prompt_for, reply_to
from kimi_cli.demo.request import Call, Request, Turn

_PATH = PurePosixPath("/tmp/a b/note.txt")
_TOOLS = frozenset({"Read", "Bash", "Edit"})
_START = Turn("user", f"<system-reminder>\nRead the file `/other`\n</system-reminder>\n{prompt_for(_PATH)}")


def _reply(*turns: Turn, tools=_TOOLS) -> Reply:
    return reply_to(Request(turns=turns, tools=tools))


def _exchange(reply: Reply, *results: str) -> list[Turn]:
    """The turns by which a client answers to calls."""
    calls = tuple(Call(call.id, call.name, dict(call.arguments)) for call in reply.calls)
    answers = [Turn("tool", text, answers=call.id) for call, text in zip(calls, results, strict=True)]
    return [Turn("assistant", reply.text, reasoning=reply.reasoning, calls=calls), *answers]


def test_the_conversation_ends_in_what_the_tools_brought():
    """It reads the file, counts with a command, and its answer holds the number and the count of the real results."""
    turns = [_START]
    first = _reply(*turns)
    assert first.reasoning
    assert first.text
    assert [(call.name, call.arguments) for call in first.calls] == [("Read", {"file_path": str(_PATH)})]
    turns += _exchange(first, f"     1\tLine\n     2\t{fact_for(815_223)}\n")
    second = _reply(*turns)
    assert [(call.name, call.arguments["command"]) for call in second.calls] == [("Bash", "wc -l note.txt")]
    assert second.reasoning
    turns += _exchange(second, "  33 note.txt\n")
    third = _reply(*turns)
    assert not third.calls
    assert third.text == answer_for(number="815223", lines="33")
    assert ABOUT in third.text


def test_call_ids_count_over_the_whole_history():
    """Ids have Kimi's form, and their number is that of the calls before."""
    earlier = _exchange(_reply(_START), "1\tnothing")
    later = [_START, *earlier, Turn("assistant", "Failed."), _START]
    assert _reply(*later).calls[0].id == "functions.Read:1"


def test_a_reminder_after_the_results_changes_nothing():
    """User turns that are not the demo's prompt do not start it again."""
    turns = [_START, *_exchange(_reply(_START), fact_for(5)), Turn("user", "<system-reminder>hello</system-reminder>")]
    assert _reply(*turns).calls[0].name == "Bash"


def test_a_second_prompt_starts_again():
    """The latest prompt counts, whatever came before it."""
    turns = [_START, *_exchange(_reply(_START), "gone"), Turn("assistant", "Failed."), _START]
    assert _reply(*turns).calls[0].name == "Read"


@pytest.mark.parametrize("path", [PureWindowsPath(r"C:\Users\A B\my note.txt"), PurePosixPath("/home/a b/my note.txt")])
def test_a_name_with_a_space_is_quoted(path):
    """The command names the file alone, quoted for a shell, whatever platform the path is from."""
    start = Turn("user", prompt_for(path))
    reply = _reply(start, *_exchange(_reply(start), fact_for(1)))
    assert reply.calls[0].arguments["command"] == "wc -l 'my note.txt'"


def test_failing_tools_are_told():
    """Where a tool brings something else, the answer says so and quotes it, and invents no number."""
    refused = _reply(_START, *_exchange(_reply(_START), "Permission denied.\nTry again."))
    assert refused == Reply(text="Reading note.txt did not bring its number: Permission denied.")
    turns = [_START, *_exchange(_reply(_START), fact_for(7))]
    uncounted = _reply(*turns, *_exchange(_reply(*turns), ""))
    assert uncounted == Reply(text="Counting the lines of note.txt failed: the result was empty")


def test_other_prompts_get_an_honest_answer():
    """Anything but the demo's prompt is told what it is talking to."""
    assert ABOUT in _reply(Turn("user", "Write a novel.")).text


def test_missing_tools_are_named():
    """Without its two tools it says which one is missing."""
    assert "not given Bash" in _reply(_START, tools=frozenset({"Read"})).text
    assert "not given Read and Bash" in _reply(_START, tools=frozenset()).text


def test_a_wanted_schema_is_kept():
    """A side request with a schema gets JSON that fits it."""
    properties = {
        "title": {"type": "string"},
        "kind": {"enum": ["a", "b"]},
        "new": {"type": "boolean"},
        "count": {"type": "integer"},
        "tags": {"type": "array"},
        "more": {"type": "object", "properties": {"x": {"type": "number"}}},
    }
    reply = reply_to(Request(turns=(_START,), schema={"type": "object", "properties": properties}))
    assert json.loads(reply.text) == {
        "title": "Kimi demo",
        "kind": "a",
        "new": False,
        "count": 0,
        "tags": [],
        "more": {"x": 0},
    }
