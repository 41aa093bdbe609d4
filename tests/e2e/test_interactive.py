"""A newcomer's first session, in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.doubles.scenario import Call, call, say
from tests.e2e.terminal import Terminal, find_tmux, get_ready, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Stage

pytestmark = pytest.mark.claude

NAMES = {"groq": "Kimi K2", "moonshot": "Kimi K3"}
ANTHROPICS_OWN = ("Fable 5", "Sonnet 5", "Haiku 5", "Opus 5")


@pytest.fixture
def window(stage: Stage) -> Iterator[Terminal]:
    """`kimi launch` in a terminal, as somebody sees it who never ran Claude Code before."""
    tmux = find_tmux()
    if tmux is None:
        pytest.skip("tmux is not installed")
    socket = stage.sandbox.root / "s"
    with terminal(tmux, stage.launch_command(), socket=socket, environ=stage.environ, cwd=stage.work) as window:
        yield window


def test_first_session(stage: Stage, window: Terminal) -> None:
    """Theme, security notes, trust, a prompt, an ordinary permission question, the answer, the models, and out."""
    command = Call("Bash", {"command": "touch made; echo made", "description": "Make a file"})
    stage.script(call(command, thinking="A file is wanted."), say("The file is made."))
    get_ready(window)
    assert "isn't recognized" not in window.screen()

    window.enter("Make a file.")
    question = window.wait_for("Do you want to proceed")
    assert "auto mode can't check" not in question.lower()
    assert "touch made" in question
    assert not (stage.work / "made").exists()
    window.press("Enter")
    window.wait_for("The file is made")
    assert (stage.work / "made").exists()

    window.enter("/model")
    picker = window.wait_for("Select model")
    assert NAMES[stage.host.provider] in picker
    assert not [name for name in ANTHROPICS_OWN if name in picker]
    window.press("Escape")
    window.wait_for("Kept model")
    _leave(window)


def test_interrupted_session(stage: Stage, window: Terminal) -> None:
    """A call that the user declines is answered for in the next request, so that the host does not refuse it."""
    command = Call("Bash", {"command": "touch made", "description": "Make a file"})
    stage.script(call(command, thinking="A file is wanted."), say("As you wish."))
    get_ready(window)
    window.enter("Make a file.")
    window.wait_for("Do you want to proceed")
    window.press("Escape")
    window.wait_for("Interrupted|interrupted")
    window.enter("Never mind.")
    window.wait_for("As you wish")
    assert not (stage.work / "made").exists()
    _leave(window)


def _leave(window: Terminal) -> None:
    window.enter("/exit")
    window.wait_for_end()
