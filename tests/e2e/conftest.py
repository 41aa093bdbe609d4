"""The stage of the end-to-end tests, and where the real client is found."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kimi_cli.setup.tested import NEWEST
from tests.doubles.serve import running
from tests.e2e.gateway import missing, running_gateway
from tests.e2e.stage import HOSTS, Stage, new_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Sandbox
    from tests.e2e.gateway import Gateway

ROOT = Path(__file__).resolve().parents[2]
VERSION = NEWEST
BINARY = "claude.exe" if sys.platform == "win32" else "claude"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The version of Claude Code to drive. Pytest knows the option where it is given a path in this directory."""
    parser.addoption("--claude-version", default=VERSION, help=f"Claude Code's version (default: {VERSION})")


@pytest.fixture
def claude_version(request: pytest.FixtureRequest) -> str:
    """The version of Claude Code that is driven: the pinned one, or that of the command line."""
    return request.config.getoption("claude_version", VERSION)


@pytest.fixture
def claude(claude_version: str) -> Path:
    """That Claude Code, or a skip that says how to get it."""
    path = ROOT / ".cache" / "claude-code" / claude_version / BINARY
    if not os.access(path, os.X_OK):
        fetch = f"python scripts/fetch_claude.py --version {claude_version}"
        pytest.skip(f"Claude Code {claude_version} is not here; fetch it with: {fetch}")
    return path


@pytest.fixture(scope="session")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A LiteLLM proxy for all tests of this process, or a skip that says how to get it."""
    if reason := missing():
        pytest.skip(reason)
    with running_gateway(tmp_path_factory.mktemp("litellm")) as gateway:
        yield gateway


@pytest.fixture(params=["groq", "moonshot"])
def stage(request: pytest.FixtureRequest, sandbox: Sandbox, claude: Path) -> Iterator[Stage]:
    """A host's double with the user's settings for it; at the end nothing was refused and nothing is left."""
    host = HOSTS[request.param]
    work = sandbox.root / "w"
    work.mkdir()
    with ExitStack() as stack:
        if host.is_behind_gateway:
            gateway: Gateway = request.getfixturevalue("litellm")
            gateway.reset()
            stage = Stage(sandbox, host, gateway.double, claude, work, gateway.key, gateway.base_url(host.format))
        else:
            double = host.double(key=new_key(host))
            stack.enter_context(running(double))
            stage = Stage(sandbox, host, double, claude, work, double.key)
        stage.write_settings()
        try:
            yield stage
            stage.assert_clean()
        finally:
            stage.kill_leftovers()
