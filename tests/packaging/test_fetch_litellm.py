"""The script that installs LiteLLM for the tests, in a checkout of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scripts.fetch_litellm import CONSTRAINTS, VERSION

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it is not installed there")

SCRIPT = CONSTRAINTS.with_name("fetch_litellm.py")
NO_INDEX = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture
def script(tmp_path) -> Path:
    """The script in a checkout that has nothing else."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    for file in (SCRIPT, CONSTRAINTS):
        shutil.copy(file, folder)
    return folder / SCRIPT.name


def start(script: Path) -> subprocess.Popen[str]:
    """Run it where pip finds nothing."""
    environ = {**os.environ, **NO_INDEX}
    command = [sys.executable, str(script)]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def pretend(script: Path) -> Path:
    """An installation that is complete; gives its directory."""
    target = script.parents[1] / ".cache" / "litellm" / VERSION
    (target / "bin").mkdir(parents=True)
    (target / "bin" / "python").symlink_to(sys.executable)
    shutil.copyfile(CONSTRAINTS, target / "installed")
    return target


def test_pip_that_fails(script):
    """Other constraints make it install again. What pip says is one line, nothing half is left, it is no failure."""
    (pretend(script) / "installed").write_text("other==1\n")
    process = start(script)
    said, _ = process.communicate(timeout=100)
    assert process.returncode == 0, said
    first, last = said.splitlines()
    assert first == f"Installing LiteLLM {VERSION} with pip ..."
    assert last.startswith("LiteLLM was not installed (ERROR: No matching distribution found for litellm[proxy]==")
    assert last.endswith("); tests with it will skip.")
    assert not (script.parents[1] / ".cache" / "litellm" / VERSION).exists()


def test_what_is_complete_stays(script):
    """A second run does nothing and says nothing."""
    target = pretend(script)
    assert start(script).communicate(timeout=60) == ("", None)
    assert (target / "installed").exists()


def test_two_at_once(script):
    """One that finds another at work waits for it, and then has nothing to do."""
    import fcntl

    folder = script.parents[1] / ".cache" / "litellm"
    folder.mkdir(parents=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = start(script)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        pretend(script)
    assert process.communicate(timeout=60) == ("", None)
    assert process.returncode == 0
