"""The look for leftovers finds what is left, so that its silence means something."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Sandbox

WAITING = [sys.executable, "-c", "import sys; print('ready', flush=True); sys.stdin.read()"]


def test_finds_processes_by_their_environment(sandbox: Sandbox) -> None:
    """A child that inherited the sandbox is a leftover until it has ended."""
    with subprocess.Popen(WAITING, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(AssertionError):
            sandbox.assert_nothing_left(seconds=0.2)
        child.terminate()
        child.wait(10)
    sandbox.assert_nothing_left(seconds=5)


def test_finds_files(sandbox: Sandbox) -> None:
    """A file in the runtime directory is a leftover."""
    (sandbox.runtime / "kimi-cli").mkdir()
    sandbox.assert_nothing_left(seconds=0.2)
    (sandbox.runtime / "kimi-cli" / "proxy.lock").touch()
    with pytest.raises(AssertionError):
        sandbox.assert_nothing_left(seconds=0.2)
