"""The real client, with tools that the proxy carries out for it."""

from __future__ import annotations

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
