"""What the user of the real client sees when the upstream fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.doubles.scenario import Call, HttpError, InStreamError, Reply, Reset, Text, Truncate, call, say
from tests.e2e.stage import new_key

if TYPE_CHECKING:
    from tests.doubles.scenario import Part
    from tests.e2e.stage import Stage

pytestmark = pytest.mark.claude

LIMITED = HttpError(429, {"error": {"message": "Slow down", "type": "rate_limit_reached_error"}}, {"retry-after": "1"})
BROKEN_ENDS = {
    "truncated": Truncate(),
    "reset": Reset(),
    "error": InStreamError("The engine stumbled", type="api_error"),
}


@pytest.mark.parametrize("end", BROKEN_ENDS)
def test_broken_answer_is_not_taken_for_a_whole_one(stage: Stage, end: str) -> None:
    """An answer that breaks off is asked for again, whatever way it broke, and the run ends well."""
    ending: Part = BROKEN_ENDS[end]
    stage.script(Reply((Text(("The first half, ",)), ending)), say("The whole answer."))
    done = stage.launch("--print", "Tell me.")
    assert done.status == 0
    assert done.stdout.endswith("The whole answer.\n")


def test_rate_limit_is_waited_for(stage: Stage) -> None:
    """A rate limit is passed on with its waiting time, and the client asks again."""
    stage.script(LIMITED, say("Now then."))
    done = stage.launch("--print", "Tell me.")
    stage.assert_said(done, "Now then.")
    assert len(stage.asks) == 2


def test_wrong_key_is_said_plainly(stage: Stage) -> None:
    """A key that the host refuses ends the run with the host's own sentence and no success."""
    stage.double.key = new_key(stage.host)
    done = stage.launch("--print", "Tell me.")
    assert done.status != 0
    assert "Invalid A" in done.stdout + done.stderr
    assert {refusal.status for refusal in stage.double.refusals} == {401}
    stage.double.refusals.clear()


def test_subagent(stage: Stage) -> None:
    """A subagent's conversation runs beside the main one, and its answer comes back as a tool result."""
    agent = Call("Agent", {"description": "Count", "prompt": "SUBTASK: count to three", "run_in_background": False})
    stage.script(call(agent, thinking="This is for another."), say("The agent counted."))
    stage.double.scenario.add_rule(lambda ask: "SUBTASK" in ask.last_text and not ask.results, say("One two three."))
    done = stage.launch("--print", "Let somebody count.", "--allowedTools", "Agent")
    stage.assert_said(done, "The agent counted.")
    assert "One two three." in stage.asks[1].result
