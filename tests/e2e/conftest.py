"""The stage of the end-to-end tests, and where the real client is found."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.doubles.serve import running
from tests.e2e.stage import HOSTS, Stage, new_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Sandbox

ROOT = Path(__file__).resolve().parents[2]
VERSION = "2.1.330"
BINARY = "claude.exe" if sys.platform == "win32" else "claude"


@pytest.fixture
def claude() -> Path:
    """The pinned Claude Code, or a skip that says how to get it."""
    path = ROOT / ".cache" / "claude-code" / VERSION / BINARY
    if not os.access(path, os.X_OK):
        pytest.skip(f"Claude Code {VERSION} is not here; fetch it with: python scripts/fetch_claude.py")
    return path


@pytest.fixture(params=["groq", "moonshot"])
def stage(request: pytest.FixtureRequest, sandbox: Sandbox, claude: Path) -> Iterator[Stage]:
    """A host's double with the user's settings for it; at the end nothing was refused and nothing is left."""
    host = HOSTS[request.param]
    double = host.double(key=new_key(host))
    work = sandbox.root / "w"
    work.mkdir()
    with running(double):
        stage = Stage(sandbox, host, double, claude, work, double.key)
        stage.write_settings()
        try:
            yield stage
            stage.assert_clean()
        finally:
            stage.kill_leftovers()
