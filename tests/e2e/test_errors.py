"""What the user of the real client sees when a host refuses, and that the conversation goes on when it does not."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.doubles import spoken
from tests.doubles.groq import KIMI, Groq, Served
from tests.doubles.scenario import Call, call, say
from tests.doubles.serve import running
from tests.e2e.stage import HOSTS, Stage, new_key
from tests.e2e.terminal import find_tmux, get_ready, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import ClassVar

    from tests.conftest import Sandbox
    from tests.doubles.scenario import Ask
    from tests.e2e.stage import Finished

pytestmark = pytest.mark.claude

SUCCESSOR = "openai/gpt-oss-120b"
FILES = 5
WINDOW = 60_000
"""Tokens of a host that gives a model less of its window than is known: four of the files fit, five do not."""
LINES = 500


def only_line(done: Finished) -> str:
    """The one line that a run which failed has printed."""
    assert done.status != 0, done
    (line,) = done.stdout.splitlines()
    assert "/login" not in line
    return line


def turns(ask: Ask) -> str:
    """All that the host was told in a request."""
    return json.dumps(ask.body["messages"])


@pytest.mark.parametrize("stage", ["groq"], indirect=True)
def test_one_line_for_a_key_a_retired_model_and_a_tier(stage: Stage) -> None:
    """Each is told in one line, after one request; its command helps, and the conversation is where it was."""
    key, stage.double.key = stage.double.key, new_key(stage.host)
    line = only_line(stage.launch("--print", "The word is marmalade."))
    assert line.endswith(
        "Groq: Invalid API Key. Store another key, from https://console.groq.com/keys, with: kimi set-key groq"
    )
    assert [refusal.status for refusal in stage.double.refusals if not refusal.path.endswith("/models")] == [401]
    stage.double.refusals.clear()
    stage.double.key = key

    stage.script(spoken.GROQ["retired"].answer)
    line = only_line(stage.launch("--continue", "--print", "And a second one."))
    assert "`moonshotai/kimi-k2-instruct-0905` has been decommissioned" in line
    assert len(stage.asks) == 1
    assert "marmalade" in turns(stage.asks[0])
    command = shlex.split(line.rpartition(": ")[2])
    assert command == ["kimi", "model", SUCCESSOR, "--provider", "groq"]
    assert stage.run(*stage.command(*command[1:])).status == 0

    stage.script(spoken.GROQ["tier"].answer)
    line = only_line(stage.launch("--continue", "--print", "And a third one."))
    assert "Your Groq tier allows 8,000 tokens a minute; this request needs 13,200: " in line
    assert "org" not in line
    assert [ask.model for ask in stage.asks] == [SUCCESSOR]

    stage.script(say("It was marmalade."))
    stage.assert_said(stage.launch("--continue", "--print", "Which word was it?"), "It was marmalade.")
    said = turns(stage.asks[0])
    assert [text in said for text in ("marmalade", "a second one", "a third one", "Which word")] == [True] * 4


@pytest.mark.parametrize("stage", ["moonshot"], indirect=True)
def test_one_line_for_an_empty_balance(stage: Stage) -> None:
    """The line says where to top up and names no account; afterwards the conversation goes on."""
    stage.script(spoken.MOONSHOT["balance"].answer)
    line = only_line(stage.launch("--print", "The word is marmalade."))
    assert "Moonshot: Your account is suspended due to insufficient balance" in line
    assert line.endswith("Top up at https://platform.kimi.ai/console/pay and ask again.")
    assert not [secret for secret in spoken.SECRETS if secret in line]
    assert len(stage.asks) == 1

    stage.script(say("It was marmalade."))
    stage.assert_said(stage.launch("--continue", "--print", "Which word was it?"), "It was marmalade.")
    assert "marmalade" in turns(stage.asks[0])


@pytest.mark.parametrize("stage", ["moonshot"], indirect=True)
def test_a_wrong_key_in_a_terminal(stage: Stage) -> None:
    """The line is on the screen, nobody is sent to log in at Anthropic, and the next question is answered."""
    tmux = find_tmux()
    if tmux is None:
        pytest.skip("tmux is not installed")
    stage.script(say("Good day."))
    key, stage.double.key = stage.double.key, new_key(stage.host)
    socket = stage.sandbox.root / "s"
    with terminal(tmux, stage.launch_command(), socket=socket, environ=stage.environ, cwd=stage.work) as window:
        get_ready(window)
        window.enter("Hello.")
        screen = window.wait_for(r"kimi\s+set-key\s+moonshot")
        assert "Moonshot: Invalid Authentication." in screen
        assert "/login" not in screen
        stage.double.key = key
        window.enter("Hello again.")
        window.wait_for("Good day")
        window.enter("/exit")
        window.wait_for_end()
    assert {refusal.status for refusal in stage.double.refusals} == {401}
    stage.double.refusals.clear()


class Small(Groq):
    """Gives the model less of its window than is known, and says so in Groq's words."""

    models: ClassVar = {KIMI: Served(WINDOW, 16_384)}


@pytest.fixture
def small(sandbox: Sandbox, claude: Path) -> Iterator[Stage]:
    """A stage with such a host."""
    double = Small(key=new_key(HOSTS["groq"]))
    work = sandbox.root / "w"
    work.mkdir()
    with running(double):
        stage = Stage(sandbox, HOSTS["groq"], double, claude, work, double.key)
        stage.write_settings()
        try:
            yield stage
            stage.assert_clean()
        finally:
            stage.kill_leftovers()


def test_an_overflow_in_the_middle_of_a_tool_loop(small: Stage) -> None:
    """The client sums the conversation up, in a request that fits, and goes on to the end of its task."""
    files = [small.work / f"{number}.txt" for number in range(FILES)]
    for file in files:
        file.write_text("".join(f"line {line} of {file.name}, which is long\n" * 2 for line in range(LINES)))
    small.script(*(call(Call("Read", {"file_path": str(file)})) for file in files), say("All five are read."))
    small.double.scenario.add_rule(
        lambda ask: "TEXT ONLY" in ask.last_text, say("<summary>Four files are read, the fifth is not.</summary>")
    )
    done = small.launch("--print", "Read all five.", "--allowedTools", "Read")
    assert [refusal.message for refusal in small.double.refusals] == [
        "Please reduce the length of the messages or completion."
    ]
    small.double.refusals.clear()
    small.assert_said(done, "All five are read.")
    assert small.double.scenario.is_done
    assert "Four files are read, the fifth is not." in turns(small.asks[-1])
    assert re.search(r"line \d+ of 4\.txt", small.asks[-1].result)
