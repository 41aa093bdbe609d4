"""`kimi status`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kimi_cli.cli.status import span
from tests.cli.proxies import KEY
from tests.cli.run import kimi

SESSION = {"id", "project", "provider", "model", "opened_at", "idle", "requests", "streams", "fallback", "cost"} | {
    "input_tokens", "output_tokens", "cached_tokens"
}  # fmt: skip


def test_nothing_runs():
    """Without a proxy there is a sentence, and JSON of the same form as ever."""
    assert kimi("status").out == "No proxy is running. It starts with the next launch.\n"
    found = json.loads(kimi("status", "--json").out)
    assert (found["running"], found["pid"], found["sessions"], found["others"], found["hanging"]) == (
        False, None, [], [], []
    )  # fmt: skip


def test_a_proxy_and_its_sessions(proxies):
    """What runs is shown with its sessions, and neither key nor token."""
    control = proxies.start()
    assert "No session; it ends soon." in kimi("status").out
    session = proxies.open(control, project=str(Path.home() / "work"))
    ran = kimi("status")
    assert ran.status == 0
    assert f"at {control.state.base_url} (process {control.state.process.pid}, up" in ran.out
    assert str(Path("~") / "work") in ran.out
    found = json.loads(kimi("status", "--json").out)
    assert found["running"] is True
    assert (found["pid"], found["port"], found["base_url"]) == (
        control.state.process.pid, control.state.port, control.state.base_url
    )  # fmt: skip
    assert [set(one) for one in found["sessions"]] == [SESSION]
    for secret in (KEY, session.token, control.state.control_token):
        assert secret not in ran.out + json.dumps(found)


def test_a_proxy_that_finishes_its_sessions(proxies):
    """One of another version is shown beside the one that new sessions go to."""
    old = proxies.start("0.0.9")
    proxies.open(old, project="/old")
    new = proxies.start()
    out = kimi("status").out
    assert out.index(new.state.base_url) < out.index("Proxy 0.0.9")
    assert "It finishes its sessions; new ones go to another proxy." in out
    assert "/old" in out
    found = json.loads(kimi("status", "--json").out)
    assert [(other["version"], other["closing"], len(other["sessions"])) for other in found["others"]] == [
        ("0.0.9", True, 1)
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="there a process cannot be stopped by a signal")
def test_a_proxy_that_hangs(proxies):
    """One that does not answer is named, with what helps."""
    pid = proxies.start().state.process.pid
    os.kill(pid, signal.SIGSTOP)
    assert f"The proxy (process {pid}) does not answer." in kimi("status").out
    assert json.loads(kimi("status", "--json").out)["hanging"] == [pid]


def test_watching_as_json(proxies):
    """With --watch --json there is a line for each look, and Ctrl-C is a good end."""
    control = proxies.start()
    command = [sys.executable, "-m", "kimi_cli", "status", "--watch", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert json.loads(process.stdout.readline())["sessions"] == []
        proxies.open(control)
        while not json.loads(process.stdout.readline())["sessions"]:
            pass
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, err) == (0, "")


def test_watching_needs_somebody_who_looks():
    """Without a terminal --watch alone is a mistake, and the way out is said."""
    ran = kimi("status", "--watch")
    assert (ran.status, ran.out) == (2, "")
    assert "kimi status --watch --json" in ran.err


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-1, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (3_661, "1 h 1 min"), (200_000, "2 d 7 h")],
)
def test_spans(seconds, shown):
    """A span of time is shown in its two largest units."""
    assert span(seconds) == shown
