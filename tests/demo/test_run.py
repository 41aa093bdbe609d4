"""The whole self-test, with a real proxy and the built-in client: every step holds, and nothing is left."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from kimi_cli.demo.run import run_demo

_STEPS = [
    "demo model",
    "proxy",
    "conversation",
    "first token",
    "translation",
    "thinking",
    "tools",
    "answer",
    "clean-up",
]


def _assert_nothing_left(sandbox, temporary: Path) -> None:
    sandbox.assert_nothing_left()
    assert list(temporary.iterdir()) == []


def test_the_demo_runs(paths, environ, sandbox, temporary):
    """Each step is reported in order, all are right, the answer has the numbers drawn, and nothing is left."""
    told = []
    report = run_demo(paths, environ, claude=None, report=told.append, random=Random(7))
    assert [step.name for step in told if not step.ok] == []
    assert [step.name for step in told] == _STEPS
    assert report.steps == tuple(told)
    assert report.ok
    assert report.client == "built-in"
    drawn = Random(7)
    assert f"the number {drawn.randint(100_000, 999_999)} in" in report.answer
    assert 0 < report.steps[3].seconds < report.steps[2].seconds < report.seconds
    _assert_nothing_left(sandbox, temporary)


@pytest.mark.claude
def test_the_demo_runs_with_claude_code(paths, environ, sandbox, temporary, claude):
    """The real client holds the same conversation, and leaves nothing anywhere, its own directories included."""
    environ |= {"ANTHROPIC_API_KEY": "sk-of-the-user", "MOONSHOT_API_KEY": "sk-of-the-user", "HTTP_PROXY": "http://x:1"}
    before = sorted(sandbox.home.rglob("*"))
    report = run_demo(paths, environ, claude=claude, report=lambda _: None)
    assert [step.detail for step in report.failures] == []
    assert [step.name for step in report.steps] == _STEPS
    assert report.client == "claude"
    assert report.steps[2].detail.startswith("held by Claude Code 2.")
    _assert_nothing_left(sandbox, temporary)
    new = [path for path in sandbox.home.rglob("*") if path not in before and not path.is_dir()]
    assert new == [paths.log_file]


def test_two_demos_share_a_proxy(paths, environ, sandbox, temporary):
    """A demo that is started while another one runs uses its proxy, and the last one out ends it."""
    inner = []

    def run_another(step) -> None:
        if step.name == "proxy":
            inner.append(run_demo(paths, environ, claude=None, report=lambda _: None))

    outer = run_demo(paths, environ, claude=None, report=run_another)
    assert outer.ok
    assert inner[0].ok
    assert "found running" in inner[0].steps[1].detail
    assert "left running, as it was found" in inner[0].steps[-1].detail
    _assert_nothing_left(sandbox, temporary)


def test_a_failure_is_a_step_and_is_cleaned_up_after(paths, environ, sandbox, temporary):
    """Where the proxy cannot start, that step says so with what to do, later ones are left out, and nothing is left."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        environ["KIMI_PROXY_PORT"] = str(holder.getsockname()[1])
        report = run_demo(paths, environ, claude=None, report=lambda _: None)
    assert not report.ok
    assert [step.name for step in report.steps] == ["demo model", "proxy", "clean-up"]
    (failure,) = report.failures
    assert "Port" in failure.detail
    assert "KIMI_PROXY_PORT" in failure.detail
    assert report.steps[-1].detail == "model ended, files removed"
    _assert_nothing_left(sandbox, temporary)


def test_an_interrupt_is_cleaned_up_after(paths, environ, sandbox, temporary):
    """A key press in the middle ends the run, and still nothing is left."""

    def interrupt(step) -> None:
        if step.name == "proxy":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_demo(paths, environ, claude=None, report=interrupt)
    _assert_nothing_left(sandbox, temporary)


_TOLD = """
import os, signal
from kimi_cli.demo.run import run_demo
from kimi_cli.store.paths import Paths

def tell(step):
    print(step.name, flush=True)
    if step.name == "proxy":
        signal.pause()

run_demo(Paths.find(os.environ), os.environ, claude=None, report=tell)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("number", [15, 1])
def test_a_signal_is_cleaned_up_after(environ, sandbox, temporary, number):
    """SIGTERM and SIGHUP in the middle end the run with the status that shells expect, and nothing is left."""
    environ["TMPDIR"] = str(temporary)
    with subprocess.Popen([sys.executable, "-c", _TOLD], env=environ, stdout=subprocess.PIPE, text=True) as process:
        names = [process.stdout.readline().strip() for _ in range(2)]
        process.send_signal(number)
        names += process.stdout.read().split("\n")
    assert names == ["demo model", "proxy", "clean-up", ""]
    assert process.returncode == 128 + number
    _assert_nothing_left(sandbox, temporary)


def test_the_key_is_in_no_file(paths, environ, sandbox, temporary):
    """What the run wrote that stays, the log, holds nothing that begins as the model's key does, and no header."""
    assert run_demo(paths, environ, claude=None, report=lambda _: None).ok
    kept = b"".join(Path(folder, name).read_bytes() for folder, _, names in os.walk(sandbox.root) for name in names)
    assert b"demo-" not in kept.replace(b"kimi-demo-", b"")
    assert b"Bearer" not in kept
