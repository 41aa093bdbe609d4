"""The tested versions of Claude Code: named once, fetched by one script, tried by one command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kimi_cli.setup.tested import NEWEST, RANGE
from scripts import fetch_claude

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "fetch_claude.py"

posix = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are scripts")


def run(*command: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout, as if no make had started the tests; `path` is its whole search path."""
    environ = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    environ |= {} if path is None else {"PATH": path}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_the_newest_is_what_is_fetched():
    """What is said to be tested is what the tests drive."""
    assert fetch_claude.VERSION == NEWEST


def test_the_readme_names_the_range():
    """The README names the same versions as `kimi check`."""
    found = re.findall(r"tested with (\S+ to [\d.]+\d)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert found == [RANGE]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_compat():
    """`make compat` fetches the version, or fails, and then holds the conversations with it."""
    done = run("make", "-n", "compat", "CLAUDE=2.1.200")
    assert done.returncode == 0, done.stderr
    fetch, hold = done.stdout.splitlines()[-2:]
    assert fetch.endswith('scripts/fetch_claude.py --version "2.1.200" --required')
    assert "-m pytest" in hold
    assert " tests/e2e/test_conversations.py " in hold
    assert ' --claude-version "2.1.200" ' in hold


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_compat_without_a_version():
    """A version has to be named."""
    done = run("make", "-o", ".venv/dev", "compat", "CLAUDE=")
    assert done.returncode != 0
    assert f"Which version? make compat CLAUDE={NEWEST}" in done.stdout


@posix
@pytest.mark.parametrize(
    ("npm", "says"),
    [
        (
            "echo 'npm error code ETARGET' >&2; exit 1",
            "npm has no Claude Code 2.1.9999 for this machine (see: npm view @anthropic-ai/claude-code-",
        ),
        (
            "echo 'npm error code ENOTFOUND' >&2; exit 1",
            "Claude Code 2.1.9999 was not fetched (npm error code ENOTFOUND).",
        ),
        ("exit 0", "Claude Code 2.1.9999 was not fetched (StopIteration)."),
        (None, "npm was not found, so Claude Code was not fetched."),
    ],
)
def test_a_version_that_is_not_to_be_had(tmp_path, npm, says):
    """What is missing is said in a line; that is a failure where the version is required, and else tests skip."""
    if npm is not None:
        stub = tmp_path / "npm"
        stub.write_text(f"#!/bin/sh\n{npm}\n")
        stub.chmod(0o755)
    fetch = (sys.executable, str(SCRIPT), "--version", "2.1.9999")
    required, wanted = run(*fetch, "--required", path=str(tmp_path)), run(*fetch, path=str(tmp_path))
    assert (required.returncode, wanted.returncode) == (1, 0), required.stderr + wanted.stderr
    assert says in required.stdout
    assert wanted.stdout.endswith(" Tests with the real client will skip.\n")
    assert not (fetch_claude.CACHE / "2.1.9999").exists()
    assert required.stderr == wanted.stderr == ""


@pytest.mark.parametrize("version", ["latest", "2.1", "../2.1.1", "2.1.1 "])
def test_what_is_no_version(version):
    """Only a version is one, since a directory gets its name."""
    done = run(sys.executable, str(SCRIPT), "--version", version, "--required")
    assert done.returncode == 2
    assert f"{version!r} is no version of Claude Code" in done.stdout
