"""A user who has been through Claude Code's first questions, and a terminal of theirs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.terminal import find_tmux, terminal

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.e2e.stage import Stage
    from tests.e2e.terminal import Terminal

READY = "mode on|edits on|Make auto mode"
"""What stands below the prompt once it is there."""


def settle(stage: Stage, **settings: Any) -> Path:
    """No first questions any more; gives the file of the user's own settings for Claude Code, which are these."""
    projects = {str(stage.work): {"hasTrustDialogAccepted": True}}
    known = {"hasCompletedOnboarding": True, "theme": "dark", "projects": projects}
    (stage.sandbox.home / ".claude.json").write_text(json.dumps(known), encoding="utf-8")
    file = stage.sandbox.home / ".claude" / "settings.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(settings), encoding="utf-8")
    return file


def at_a_terminal(stage: Stage, *client: str) -> AbstractContextManager[Terminal]:
    """A launch in a terminal of its own; `client` are Claude Code's own arguments."""
    tmux = find_tmux()
    if tmux is None:
        pytest.skip("tmux is not installed")
    command = stage.launch_command(*client)
    return terminal(tmux, command, socket=stage.sandbox.root / "tty", environ=stage.environ, cwd=stage.work)
