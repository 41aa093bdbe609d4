"""Claude Code is run in directories of its own, within a time limit, and whatever it ends with is told."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from kimi_cli.demo.claude import ARGUMENTS, ClaudeRun, private_environment
from kimi_cli.demo.report import DemoError
from kimi_cli.errors import ClaudeUnusableError
from kimi_cli.launcher.claude import Claude


@pytest.fixture
def client(tmp_path):
    """Makes a run of a Python program in place of the client."""
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()

    def make(program: str, **more) -> ClaudeRun:
        facts = {
            "claude": Claude(tmp_path / "claude", (sys.executable, "-c", program)),
            "settings": tmp_path / "settings.json",
            "environ": {"PATH": os.environ["PATH"], "SYSTEMROOT": os.environ.get("SYSTEMROOT", ""), "TOLD": "yes"},
            "home": home,
            "folder": folder,
        }
        return ClaudeRun(**{**facts, **more})

    return make


_ECHO = """
import json, os, sys
told = {"argv": sys.argv[1:], "prompt": sys.stdin.read()}
told |= {"cwd": os.getcwd(), "env": dict(os.environ)}
print("not json", flush=True)
print(json.dumps({"type": "result", "subtype": "success", "result": json.dumps(told)}))
"""


def test_the_client_is_told_what_to_do(client, tmp_path):
    """It gets settings, arguments, the prompt on stdin, its directory, and an environment that leads nowhere else."""
    told = json.loads(client(_ECHO).converse("Read `C:\\a b`, please.").answer)
    assert tuple(told["argv"]) == ("--settings", str(tmp_path / "settings.json"), *ARGUMENTS)
    assert told["prompt"] == "Read `C:\\a b`, please."
    assert told["cwd"] == str(tmp_path / "work")
    assert told["env"]["TOLD"] == "yes"
    assert {told["env"][name] for name in ("HOME", "CLAUDE_CONFIG_DIR", "TMPDIR")} == {str(tmp_path / "home")}


def test_our_places_outrank_the_users(tmp_path):
    """The user's own directories are replaced, everything else is kept."""
    environ = private_environment({"HOME": "/home/u", "XDG_CACHE_HOME": "/x", "LANG": "C"}, home=tmp_path)
    assert environ["HOME"] == environ["XDG_CACHE_HOME"] == str(tmp_path)
    assert environ["LANG"] == "C"


def test_an_end_without_an_answer_is_told(client):
    """The error has the status, and what the client complained about."""
    program = "import sys; sys.stdin.read(); print('no licence', file=sys.stderr); sys.exit(3)"
    with pytest.raises(DemoError, match=r"without a result\. It ended with status 3 and said: no licence"):
        client(program).converse("Go")


def test_a_client_that_does_not_listen_is_told(client):
    """One that ends before it has read its prompt is an end without an answer, and nothing worse."""
    with pytest.raises(DemoError, match="ended with status 1"):
        client("import os; os._exit(1)").converse("x" * 1_000_000)


def test_a_client_that_cannot_start_is_told(client):
    """A program that is not there is one sentence."""
    with pytest.raises(ClaudeUnusableError, match="cannot be run"):
        client("", claude=Claude(Path("/no/such/claude"), ("/no/such/claude",))).converse("Go")


_HANGS = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("child").write_text(str(child.pid))
if {stays}:
    time.sleep(600)
"""


@pytest.mark.parametrize("stays", [True, False])
def test_a_client_that_hangs_is_ended(client, stays):
    """At the deadline whatever holds the output open is ended: the client and what it started, or the latter alone."""
    run = client(_HANGS.format(stays=stays), deadline=3.0)
    with pytest.raises(DemoError, match="had not ended after 3 seconds"):
        run.converse("Go")
    child = int((run.folder / "child").read_text())
    deadline = time.monotonic() + 10
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)
