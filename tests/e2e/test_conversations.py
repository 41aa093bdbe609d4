"""Whole conversations: the real Claude Code, the real proxy, a strict upstream."""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING

import pytest

from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Call, Shape, call, say

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

pytestmark = pytest.mark.claude

HOSTS = ("groq", "groq-vision", "moonshot", "moonshot-chat", "litellm-chat", "litellm-messages")
ALL_HOSTS = pytest.mark.parametrize("stage", HOSTS, indirect=True)
ALL_HOSTS_AND_MOONSHOT_BEHIND_A_GATEWAY = pytest.mark.parametrize("stage", [*HOSTS, "litellm-moonshot"], indirect=True)
DEFERS_SINCE = (2, 1, 304)
"""The version since which Claude Code holds tools back at any address; the ones before send all of them at once."""
THOUGHT = "First the file, then the answer: a plan of récital."


def bash(command: str) -> Call:
    return Call("Bash", {"command": command, "description": "A step of the script"})


@ALL_HOSTS
def test_plain_text(stage: Stage) -> None:
    """A question is answered with the model's text on stdout, and nothing else there."""
    stage.script(say("The answer", " is 42", " é naturally."))
    done = stage.launch("--print", "What is the answer?")
    stage.assert_said(done, "The answer is 42 é naturally.")
    assert "What is the answer?" in stage.asks[0].last_text
    assert stage.asks[0].model == stage.host.model


@ALL_HOSTS
def test_two_tools_in_turn(stage: Stage) -> None:
    """A file is read, then a command run, and the model sees both results."""
    note = stage.work / "note.txt"
    note.write_text("the word is marmalade\n", encoding="utf-8")
    stage.script(
        call(Call("Read", {"file_path": str(note)}), text="I will read it.", thinking=THOUGHT),
        call(bash("echo $((6 * 7))"), thinking=THOUGHT),
        say("Marmalade, and 42."),
    )
    done = stage.launch("--print", "Read the note and calculate.", "--allowedTools", "Bash,Read")
    stage.assert_said(done, "Marmalade, and 42.")
    assert "the word is marmalade" in stage.asks[1].result
    assert stage.asks[2].result == "42"


@pytest.mark.parametrize("shape", [Shape.WHOLE, Shape.INTERLEAVED, Shape.NO_IDS, Shape.SAME_IDS, Shape.REPEATED_IDS])
@pytest.mark.parametrize("stage", ["groq"], indirect=True)
def test_parallel_tools_in_every_shape(stage: Stage, shape: Shape) -> None:
    """Two calls in one turn are both run, once each, whatever shape they are streamed in."""
    _run_parallel(stage, shape=shape)


@pytest.mark.parametrize("stage", ["moonshot", "moonshot-chat", "litellm-chat", "litellm-messages"], indirect=True)
def test_parallel_tools(stage: Stage) -> None:
    """Two calls in one turn are both run, and both results come back."""
    _run_parallel(stage, shape=Shape.SPLIT)


def _run_parallel(stage: Stage, *, shape: Shape) -> None:
    calls = (bash("echo one >> log; echo first"), bash("echo two >> log; echo second"))
    stage.script(call(*calls, thinking=THOUGHT, shape=shape), say("Both are done."))
    done = stage.launch("--print", "Do two things.", "--allowedTools", "Bash")
    stage.assert_said(done, "Both are done.")
    assert sorted((stage.work / "log").read_text(encoding="utf-8").split()) == ["one", "two"]
    assert [result.text for result in stage.asks[1].results] == ["first", "second"]


@ALL_HOSTS
def test_failing_tool(stage: Stage) -> None:
    """The model is told that a command failed, and how, and can go on."""
    stage.script(call(bash("echo nonsense >&2; exit 7"), thinking=THOUGHT), say("It failed, as I feared."))
    done = stage.launch("--print", "Try it.", "--allowedTools", "Bash")
    stage.assert_said(done, "It failed, as I feared.")
    result = stage.asks[1].results[0]
    assert "nonsense" in result.text
    assert "7" in result.text
    assert result.is_error in (True, None)


@pytest.mark.parametrize("stage", ["groq", "moonshot", "moonshot-chat"], indirect=True)
def test_deferred_tool(stage: Stage, claude_version: str) -> None:
    """A tool that ToolSearch finds is offered from then on and can be used; before, it is not sent at all."""
    if tuple(map(int, claude_version.split("."))) < DEFERS_SINCE:
        pytest.skip(f"Claude Code {claude_version} sends every tool at once")
    stage.script(
        call(Call("ToolSearch", {"query": "select:CronList", "max_results": 3}), thinking=THOUGHT),
        call(Call("CronList"), thinking=THOUGHT, shape=Shape.EMPTY_ARGUMENTS),
        say("There are no jobs."),
    )
    done = stage.launch("--print", "Which jobs are scheduled?")
    stage.assert_said(done, "There are no jobs.")
    assert "CronList" not in stage.asks[0].tools
    assert "CronList" in stage.asks[1].tools
    assert "CronList" in stage.asks[1].result
    assert "No scheduled jobs" in stage.asks[2].result
    assert all("DeferredToolPlaceholder" not in ask.tools for ask in stage.asks)


@ALL_HOSTS_AND_MOONSHOT_BEHIND_A_GATEWAY
def test_thinking_is_replayed(stage: Stage) -> None:
    """Reasoning before a call goes back on the next turn where the host wants it, and nowhere else."""
    stage.script(call(bash("echo ok"), thinking=THOUGHT), say("Done.", thinking="All is well."))
    done = stage.launch("--print", "Think, then act.", "--allowedTools", "Bash")
    stage.assert_said(done, "Done.")
    replayed = THOUGHT in json.dumps(stage.asks[1].body, ensure_ascii=False)
    assert replayed is stage.host.takes_thoughts


@ALL_HOSTS_AND_MOONSHOT_BEHIND_A_GATEWAY
def test_image_from_a_file(stage: Stage) -> None:
    """A picture that is read reaches a model with eyes as an image, and any other as a line of text."""
    picture = stage.work / "red.png"
    picture.write_bytes(red_png())
    stage.script(call(Call("Read", {"file_path": str(picture)}), thinking=THOUGHT), say("It is red."))
    done = stage.launch("--print", "Which colour is it?", "--allowedTools", "Read")
    stage.assert_said(done, "It is red.")
    assert stage.asks[1].images == (1 if stage.host.sees_images else 0)
    if not stage.host.sees_images:
        assert "image" in (stage.asks[1].result + stage.asks[1].last_text).lower()
        assert "base64" not in json.dumps(stage.asks[1].body["messages"])


@ALL_HOSTS
def test_second_turn(stage: Stage) -> None:
    """`--continue` goes on with the conversation, and what was sent before is sent again unchanged."""
    stage.script(call(bash("echo ok"), thinking=THOUGHT), say("The capital is Lima."), say("About ten million."))
    first = stage.launch("--print", "What is the capital of Peru?", "--allowedTools", "Bash")
    second = stage.launch("--print", "--continue", "How many people live there?")
    stage.assert_said(first, "The capital is Lima.")
    stage.assert_said(second, "About ten million.")
    history = json.dumps(stage.asks[2].body["messages"])
    assert "What is the capital of Peru?" in history
    assert "The capital is Lima." in history
    assert "How many people live there?" in stage.asks[2].last_text


@pytest.mark.parametrize("stage", ["groq", "moonshot", "moonshot-chat"], indirect=True)
def test_prefix_is_stable(stage: Stage) -> None:
    """Within a conversation each request starts with the whole of the one before, so that the host's cache serves."""
    steps = [call(bash(f"echo {number}"), thinking=THOUGHT) for number in range(3)]
    stage.script(*steps, say("Done."))
    done = stage.launch("--print", "Count.", "--allowedTools", "Bash")
    stage.assert_said(done, "Done.")
    assert ("cache_control" in stage.asks[0].body) is (stage.host.double is Moonshot)
    for earlier, later in zip(stage.asks, stage.asks[1:], strict=False):
        assert earlier.body.get("tools") == later.body.get("tools")
        assert _without_marks(earlier.body.get("system")) == _without_marks(later.body.get("system"))
        ours = _without_marks(earlier.body["messages"])
        assert _without_marks(later.body["messages"])[: len(ours)] == ours


def _without_marks(value):
    """The value without cache marks, which move along with the conversation, and with one form for a plain text."""
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], dict) and value[0].get("type") == "text":
            return value[0]["text"]
        return [_without_marks(item) for item in value]
    if isinstance(value, dict):
        return {name: _without_marks(item) for name, item in value.items() if name != "cache_control"}
    return value


def red_png() -> bytes:
    """A real picture: eight by eight pixels of red."""
    rows = b"".join(b"\0" + b"\xff\0\0" * 8 for _ in range(8))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
