"""What the real Claude Code makes of our settings, against everything that a user may have set."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.doubles.scenario import say
from tests.doubles.serve import running
from tests.e2e.conftest import claude, claude_version  # noqa: F401 - fixtures
from tests.e2e.stage import HOSTS, Stage, new_key
from tests.e2e.terminal import find_tmux, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.claude,
    pytest.mark.skipif(sys.platform == "win32", reason="looks at terminals by way of tmux"),
]

NOWHERE = "http://127.0.0.1:9"
DIVERSIONS = {
    "ANTHROPIC_BASE_URL": NOWHERE,
    "ANTHROPIC_AUTH_TOKEN": "theirs",
    "ANTHROPIC_API_KEY": "theirs",
    "ANTHROPIC_MODEL": "claude-theirs",
    "ANTHROPIC_CUSTOM_HEADERS": "x-theirs: 1",
    "CLAUDE_CODE_OAUTH_TOKEN": "theirs",
    "HTTP_PROXY": NOWHERE,
    "http_proxy": NOWHERE,
    "NO_PROXY": "theirs.example",
    "no_proxy": "theirs.example",
}


@pytest.fixture
def stage(sandbox, claude) -> Iterator[Stage]:  # noqa: F811
    """A host's double, and a user who has been through Claude Code's first questions."""
    host = HOSTS["moonshot"]
    double = host.double(key=new_key(host))
    work = sandbox.root / "w"
    work.mkdir()
    known = {"hasCompletedOnboarding": True, "theme": "dark", "projects": {str(work): {"hasTrustDialogAccepted": True}}}
    (sandbox.home / ".claude.json").write_text(json.dumps(known))
    with running(double):
        stage = Stage(sandbox, host, double, claude, work, double.key)
        stage.write_settings()
        try:
            yield stage
            stage.assert_clean()
        finally:
            stage.kill_leftovers()


def write_user_settings(stage: Stage, settings: dict) -> None:
    """Claude Code's own settings of the user."""
    file = stage.sandbox.home / ".claude" / "settings.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(settings))


@pytest.mark.parametrize(
    "way",
    [
        {},
        {"CLAUDE_CODE_USE_BEDROCK": "1", "CLAUDE_CODE_USE_VERTEX": "1", "CLAUDE_CODE_USE_FOUNDRY": "1"},
        {"ANTHROPIC_UNIX_SOCKET": "/nowhere.sock", "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"},
    ],
)
@pytest.mark.parametrize("place", ["shell", "settings"])
def test_nothing_diverts_the_session(stage, monkeypatch, place, way):
    """Neither the shell nor the user's settings lead it to another host, another model or another account."""
    stage.script(say("Hello."))
    if place == "shell":
        for name, value in (DIVERSIONS | way).items():
            monkeypatch.setenv(name, value)
    else:
        write_user_settings(
            stage,
            {"env": DIVERSIONS | way, "apiKeyHelper": "echo theirs", "availableModels": ["sonnet"], "model": "opus"},
        )
    done = stage.launch("--print", "Say hello.")
    stage.assert_said(done, "Hello.")
    assert "restricted" not in done.stderr
    assert stage.double.bodies[0]["model"] == "kimi-k3"


def test_settings_that_the_client_rejects(stage):
    """A mistake in the user's `--settings` has the client leave all of them out: it is on our session all the same."""
    stage.script(say("Hello."))
    done = stage.launch("--settings", '{"cleanupPeriodDays": "soon"}', "--print", "Say hello.")
    stage.assert_said(done, "Hello.")
    assert "cleanupPeriodDays" in done.stderr


def test_settings_of_the_users_own(stage):
    """What the user gives with `--settings` counts beside ours, and the last of several."""
    stage.script(say("Hello."))
    marker = stage.work / "started"
    hook = {"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": f"echo $MINE > {marker}"}]}]}}
    (stage.work / "mine.json").write_text(json.dumps({"env": {"MINE": "yes"}, **hook}))
    done = stage.launch("--settings", "not-this.json", "--settings=mine.json", "--print", "Say hello.")
    stage.assert_said(done, "Hello.")
    assert marker.read_text() == "yes\n"


@pytest.mark.parametrize(
    ("settings", "flags", "shown"),
    [
        (None, (), "manual mode on"),
        ("acceptEdits", (), "accept edits on"),
        ("plan", (), "plan mode on"),
        ("plan", ("--permission-mode", "acceptEdits"), "accept edits on"),
        (None, ("--permission-mode=plan",), "plan mode on"),
        ("auto", (), "auto mode on"),
    ],
)
def test_permission_modes(stage, settings, flags, shown):
    """It starts in the mode that the user chose, or in the one that asks, and offers no auto mode in its place."""
    if settings is not None:
        write_user_settings(stage, {"permissions": {"defaultMode": settings}})
    with at_a_terminal(stage, stage.launch_command(*flags)) as window:
        screen = window.wait_for("(?i)mode on|edits on|Make auto mode")
        assert shown in screen
        window.enter("/exit")
        window.wait_for_end()


def test_stop_and_continue(stage):
    """Ctrl-Z gives the shell its prompt back, and `fg` the conversation."""
    shell = next((path for path in ("/bin/bash", "/usr/bin/bash") if Path(path).exists()), None)
    if shell is None:
        pytest.skip("bash is not installed")
    stage.script(say("Hello."))
    with at_a_terminal(stage, [shell, "--norc", "--noprofile", "-i"]) as window:
        window.enter(" ".join(stage.launch_command()))
        window.wait_for("manual mode on")
        window.press("C-z")
        window.wait_for(r"\[1\]\+ +Stopped")
        window.enter("echo shell is $((40 + 2))")
        window.wait_for("shell is 42")
        window.enter("fg")
        window.wait_for("manual mode on")
        window.enter("Say hello.")
        window.wait_for("Hello")
        window.enter("/exit")
        window.wait_for(r"--resume[^$#]+[$#]\s*$")
        window.enter("echo status $?")
        window.wait_for("status 0")
        window.enter("exit")
        window.wait_for_end()


def at_a_terminal(stage: Stage, command: list[str]):
    """A command in a terminal of its own."""
    tmux = find_tmux()
    if tmux is None:
        pytest.skip("tmux is not installed")
    return terminal(tmux, command, socket=stage.sandbox.root / "tty", environ=stage.environ, cwd=stage.work)
