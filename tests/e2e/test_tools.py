"""The real client, with tools that the proxy carries out for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.doubles.scenario import Call, call, say

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

pytestmark = pytest.mark.claude


@pytest.mark.parametrize("stage", ["moonshot"], indirect=True)
def test_reading_tools(stage: Stage) -> None:
    """The proxy reads and searches, the client runs what is its own, and the model sees the results of both."""
    (stage.work / "a.txt").write_text("forty-two\n", encoding="utf-8")
    stage.script(
        call(Call("LS", {"path": "."}), Call("Read", {"file_path": str(stage.work / "a.txt")})),
        call(
            Call("Grep", {"pattern": "forty"}),
            Call("Bash", {"command": "echo theirs", "description": "Says a word"}),
        ),
        say("Forty-two."),
    )
    command = stage.command("launch", "--execute-tools", "read-only", "--claude", str(stage.claude), "--")
    done = stage.run(*command, "--print", "--allowedTools", "Bash(echo:*)", "--", "What is in a.txt?")
    stage.assert_said(done, "Forty-two.")
    second, third = stage.asks[1:]
    assert "forty-two" in second.results[1].text
    assert [result.text.strip() for result in third.results] == ["Found 1 file\na.txt", "theirs"]
    assert {"LS", "Glob", "Grep", "Read", "Bash"} <= set(third.tools)
    assert "Executing" not in str(third.body["messages"])


@pytest.mark.parametrize("stage", ["groq"], indirect=True)
def test_all_tools(stage: Stage) -> None:
    """On that level nobody is asked for permission; progress is text of the answer, and the answer comes last."""
    stage.script(
        call(
            Call("Bash", {"command": "echo forty-two > a.txt", "description": "Writes"}),
            Call("Write", {"file_path": "b.txt", "content": "by us\n"}),
        ),
        say("Done."),
    )
    command = stage.command(
        "launch", "--execute-tools", "all", "--progress", "text", "--claude", str(stage.claude), "--"
    )
    done = stage.run(*command, "--print", "--output-format", "stream-json", "--verbose", "--", "Write both.")
    assert done.status == 0, done
    assert {path.name: path.read_text() for path in stage.work.iterdir()} == {
        "a.txt": "forty-two\n",
        "b.txt": "by us\n",
    }
    events = [json.loads(line) for line in done.stdout.splitlines()]
    blocks = [block for event in events if event["type"] == "assistant" for block in event["message"]["content"]]
    assert {block["type"] for block in blocks} == {"text"}
    told = "".join(block["text"] for block in blocks)
    assert told.startswith("Starting\nExecuting Bash, Write\n")
    assert told.endswith("Thinking (step 2)\nDone.")
    assert events[-1]["result"] == "Done."
    assert stage.asks[1].results[0].text == "(Bash completed with no output)"
