"""Kimi's raw tool-call tokens in text or reasoning, K3's tags too, are calls, and the real client carries them out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.doubles.scenario import Call, Reasoning, Reply, Text, call, say
from tests.wire.rawcalls import CALL_END, END, section, tagged

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

pytestmark = [pytest.mark.claude, pytest.mark.parametrize("stage", ["groq"], indirect=True)]


def bash(number: int, command: str) -> tuple[str, str]:
    """The head and the arguments of a call, as the model writes them."""
    return f"functions.Bash:{number}", json.dumps({"command": command, "description": "A step of the script"})


def cut(content: str) -> tuple[str, ...]:
    """Chunks so short that every token is cut, and never in the same place."""
    return tuple(content[at : at + 7] for at in range(0, len(content), 7))


def test_field_05_calls_in_text_and_reasoning_are_carried_out(stage: Stage) -> None:
    """Each call runs once, in its order, its result reaches the model, and no token is ever shown or sent back."""
    first = section(bash(0, "echo one >> log; echo first"), bash(1, "echo two >> log; echo second"))
    second = section(bash(2, "echo three >> log; echo third")).replace("calls_section", "call_section")
    third = section(bash(3, "echo four >> log; echo fourth")).removesuffix(CALL_END + END)
    fourth = tagged(("Bash", {"command": "echo five >> log; echo fifth", "description": "In K3's tags"}))
    stage.script(
        Reply((Text(cut(f"I will count.\n\n{first}")),), finish="stop"),
        Reply((Reasoning(cut(f"One is missing. {second}")),), finish="stop"),
        Reply((Text((third,)),), finish="stop"),
        Reply((Text(cut(f"<|open|>response<|sep|>The last.<|close|>response<|sep|>{fourth}")),), finish="stop"),
        say("All five are done."),
    )
    done = stage.launch("--print", "Do five things.", "--allowedTools", "Bash")
    stage.assert_said(done, "All five are done.")
    assert (stage.work / "log").read_text(encoding="utf-8").split() == ["one", "two", "three", "four", "five"]
    results = [[result.text for result in ask.results] for ask in stage.asks]
    assert results == [[], ["first", "second"], ["third"], ["fourth"], ["fifth"]]
    assert "tool_call_begin" not in json.dumps(stage.asks[-1].body["messages"])
    assert "<|open|>" not in json.dumps(stage.asks[-1].body["messages"])


def test_field_05_a_call_that_was_sent_both_ways_runs_once(stage: Stage) -> None:
    """A host that parses the call and lets its tokens through as well has made one call."""
    head, arguments = bash(0, "echo once >> log; echo done")
    both = Reply((Text((section((head, arguments)),)), *call(Call("Bash", arguments)).parts))
    stage.script(both, say("Once."))
    done = stage.launch("--print", "Do it once.", "--allowedTools", "Bash")
    stage.assert_said(done, "Once.")
    assert "tool_call_begin" not in json.dumps(stage.asks[-1].body["messages"])
    assert (stage.work / "log").read_text(encoding="utf-8") == "once\n"


def test_field_05_half_a_call_is_asked_for_again(stage: Stage) -> None:
    """An answer that ends inside a call runs nothing and is no answer, so the client asks for another."""
    whole = section(bash(0, "echo half >> log"))
    stage.script(say(whole[: whole.index("half")], finish="stop"), say(whole), say("Now it is whole."))
    done = stage.launch("--print", "Do it.", "--allowedTools", "Bash")
    stage.assert_said(done, "Now it is whole.")
    assert (stage.work / "log").read_text(encoding="utf-8") == "half\n"


def test_field_05_an_example_runs_nothing(stage: Stage) -> None:
    """Tokens that the model quotes in a code block are shown to the user and carried out by nobody."""
    example = f"It looks like this:\n\n```\n{section(bash(0, 'echo ran >> log'))}\n```"
    stage.script(Reply((Text(cut(example)),), finish="stop"))
    done = stage.launch("--print", "What do the tokens look like?", "--allowedTools", "Bash")
    stage.assert_said(done, example)
    assert not (stage.work / "log").exists()
