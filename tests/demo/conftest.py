"""A user whose proxy may take any free port, and on whose machine nothing is left running."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from kimi_cli.daemon.stop import stop_proxy
from kimi_cli.launcher.claude import Claude
from kimi_cli.store.paths import Paths

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "claude-code"
BINARY = "claude.exe" if sys.platform == "win32" else "claude"


@pytest.fixture
def environ(sandbox):
    """The environment of that user."""
    return {**os.environ, "KIMI_PROXY_PORT": "0"}


@pytest.fixture
def paths(environ):
    """Where that user's files are."""
    paths = Paths.find(environ)
    yield paths
    stop_proxy(paths, force=True)


@pytest.fixture
def temporary(sandbox, monkeypatch):
    """A temporary directory whose content can be looked at."""
    monkeypatch.setattr(tempfile, "tempdir", str(sandbox.temporary))
    return sandbox.temporary


@pytest.fixture
def claude():
    """The real Claude Code, or a skip that says how to get it."""
    found = sorted(path for path in CACHE.glob(f"*/{BINARY}") if os.access(path, os.X_OK))
    if not found:
        pytest.skip("Claude Code is not here; fetch it with: python scripts/fetch_claude.py")
    return Claude(found[-1], (str(found[-1]),))
