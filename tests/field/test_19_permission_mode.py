"""A launch starts in the mode that asks before it acts, unless the user chose one; no verdict is ever invented."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.doubles.scenario import Call, call, say
from tests.field.behind import HOSTS, ask, behind
from tests.field.settled import READY, at_a_terminal, settle

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

COMMAND = Call("Bash", {"command": 'sh -c "echo made > made"', "description": "Make a file"})
SAFEGUARDS = [{"type": "dangerous_tool_use", "classifier_context": {"cwd": "/"}}]


@pytest.mark.claude
@pytest.mark.parametrize("stage", ["groq"], indirect=True)
def test_field_19_without_a_choice_it_asks(stage: Stage) -> None:
    """One ordinary question before an action, none where a rule of the user's allows it, no word of auto mode."""
    settle(stage, permissions={"allow": ["Bash(echo:*)"]})
    stage.script(call(COMMAND), call(Call("Bash", {"command": "echo hi", "description": "Greet"})), say("All done."))
    with at_a_terminal(stage) as window:
        assert "manual mode on" in window.wait_for(READY)
        window.enter("Make a file.")
        question = window.wait_for("Do you want to proceed")
        assert "echo made" in question
        assert "auto mode" not in question.lower()
        assert not (stage.work / "made").exists()
        window.press("Enter")
        assert "Do you want to proceed" not in window.wait_for("All done")
        window.enter("/exit")
        window.wait_for_end()
    assert (stage.work / "made").exists()
    assert len(stage.asks) == 3


@pytest.mark.claude
@pytest.mark.parametrize("stage", ["groq"], indirect=True)
@pytest.mark.parametrize(
    ("mode", "flags", "shown", "question"),
    [
        ("acceptEdits", (), "accept edits on", "Do you want to proceed"),
        ("auto", (), "auto mode on", "can't check actions"),
        (None, ("--permission-mode", "auto"), "auto mode on", "can't check actions"),
    ],
)
def test_field_19_the_users_choice_stays(stage: Stage, mode, flags, shown, question) -> None:
    """Also auto mode, by setting or flag: its check cannot be made here, and Claude Code says so before it acts."""
    settle(stage, permissions={"defaultMode": mode} if mode else {})
    stage.script(call(COMMAND), say("As you wish."))
    with at_a_terminal(stage, *flags) as window:
        assert shown in window.wait_for(READY)
        window.enter("Make a file.")
        window.wait_for(question)
        window.press("Escape")
        window.wait_for(READY)
        window.enter("/exit")
        window.wait_for_end()
    assert not (stage.work / "made").exists()
    assert "safeguard" not in json.dumps([request.body for request in stage.double.requests])


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("host", HOSTS)
async def test_field_19_nothing_is_said_about_safety(host, stream, tmp_path):
    """The host is not asked for a verdict that it does not give, and the client gets none."""
    tools = [{"name": "Bash", "input_schema": {"type": "object", "properties": {}}}]
    async with behind(host, tmp_path) as there:
        there.script(call(COMMAND, thinking="A file."))
        answered = await there.post(ask(tools=tools, stream=stream, safeguards=SAFEGUARDS))
        assert answered.status == 200
        assert b"tool_use" in answered.body
        assert b"safeguard" not in answered.body
        assert b"dangerous" not in answered.body
        assert "dangerous" not in json.dumps(there.last)
