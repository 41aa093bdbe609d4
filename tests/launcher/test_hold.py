"""A session held open, on real proxies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from kimi_cli.daemon import Control, find_proxy
from kimi_cli.daemon.stop import stop_proxy
from kimi_cli.launcher.hold import Hold
from kimi_cli.store.identity import ProcessIdentity
from tests.launcher.conftest import eventually, make_route

PROJECT = Path("/project")


@pytest.fixture
def hold(user):
    """Makes a hold that is not open yet."""
    return lambda **more: Hold(user.paths, make_route(), environ=user.environ, project=PROJECT, **more)


def models(held: Hold) -> list[str]:
    """What the proxy lists for this session."""
    request = urllib.request.Request(f"{held.base_url}/v1/models", headers={"Authorization": f"Bearer {held.token}"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return [model["id"] for model in json.loads(response.read())["data"]]


def is_served(held: Hold) -> bool:
    """Whether the session is there, at the address and with the token that the client has."""
    try:
        return models(held) == ["big", "small"]
    except urllib.error.URLError:
        return False


def test_open_and_closed(user, hold):
    """While the hold lasts its token opens the proxy; afterwards nothing is left."""
    with hold() as held:
        assert models(held) == ["big", "small"]
        status = Control(find_proxy(user.paths)).status()
        assert [session.project for session in status.sessions] == [str(PROJECT)]
    with pytest.raises(urllib.error.URLError, match=r"401|refused|reset|closed"):  # or it has ended by now
        models(held)
    user.sandbox.assert_nothing_left()


def test_closed_after_a_failure(user, hold):
    """An error inside ends the session just the same."""
    with pytest.raises(ZeroDivisionError), hold():
        _ = 1 / 0
    user.sandbox.assert_nothing_left()


def test_a_proxy_that_dies_is_brought_back(user, hold, tmp_path):
    """After kill -9 the session goes on at the same address with the same token, with all of its owners and files."""
    user.paths.sessions_dir.mkdir(parents=True)
    file = user.paths.sessions_dir / "settings.json"
    file.write_text("{}")
    with hold(files=(file,)) as held:
        held.share(os.getppid())
        address, token = held.base_url, held.token
        for _ in range(2):
            before = held.proxy
            os.kill(before.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
            eventually(lambda before=before: held.proxy != before)
            eventually(lambda: is_served(held))
            assert (held.base_url, held.token) == (address, token)
        sessions = Control(find_proxy(user.paths)).status().sessions
        assert len(sessions) == 1
        assert file.exists()
    eventually(lambda: not file.exists())
    user.sandbox.assert_nothing_left()


@pytest.mark.skipif(sys.platform == "win32", reason="there a process cannot be stopped by a signal")
def test_a_proxy_that_hangs_is_replaced(user, hold, monkeypatch):
    """A stopped process does not answer; the session goes on with another one, and the log says what it took."""
    monkeypatch.setattr("kimi_cli.launcher.watch._HEALTH", 0.1)
    monkeypatch.setattr("kimi_cli.daemon.find.HEALTH_SECONDS", 0.5)
    with hold() as held:
        before, address = held.proxy, held.base_url
        os.kill(before.pid, signal.SIGSTOP)
        eventually(lambda: held.proxy != before)
        assert not before.is_alive()
        assert held.base_url == address
        assert is_served(held)
        told = f'"replaces":"process {before.pid}, which did not answer: killed"'
        eventually(lambda: told in user.paths.log_file.read_text())
    user.sandbox.assert_nothing_left()


def test_nothing_is_left_of_a_proxy_that_died_last(user, hold, monkeypatch):
    """Where the proxy is killed in the last moment, what it left goes with its last session."""
    with hold() as held:
        held._watch.stop()
        os.kill(held.proxy.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
        eventually(lambda: not held.proxy.is_alive())
    user.sandbox.assert_nothing_left()


def test_another_session_s_proxy_is_not_forgotten(user, hold):
    """What a dead proxy left stays for those that are about to bring it back."""
    user.paths.sessions_dir.mkdir(parents=True)
    (user.paths.sessions_dir / "theirs.json").write_text("{}")
    with hold() as held:
        held._watch.stop()
        os.kill(held.proxy.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
        eventually(lambda: not held.proxy.is_alive())
    assert user.paths.state_file.exists()
    stop_proxy(user.paths, force=True)
    user.sandbox.assert_nothing_left()


def test_a_proxy_that_was_stopped_stays_stopped(user, hold):
    """`kimi stop --force` means what it says."""
    with hold() as held:
        stop_proxy(user.paths, force=True)
        eventually(lambda: not held._watch._thread.is_alive())
        assert find_proxy(user.paths) is None
    user.sandbox.assert_nothing_left()


def test_shared(user, hold):
    """A session that is shared with the client outlives the launcher that is killed, and ends with the client."""
    program = """
import os, sys
from pathlib import Path
from kimi_cli.launcher.hold import Hold
from kimi_cli.store.paths import Paths
from tests.launcher.conftest import make_route
hold = Hold(Paths.find(os.environ), make_route(), environ=os.environ, project=Path("/p"))
with hold:
    hold.share(int(sys.argv[1]))
    print("up", flush=True)
    sys.stdin.read()
"""
    sleeps = "import time; time.sleep(600)"
    client = subprocess.Popen([sys.executable, "-c", sleeps], env=user.environ)
    launcher = subprocess.Popen(
        [sys.executable, "-c", program, str(client.pid)],
        env={**user.environ, "PYTHONPATH": str(Path.cwd())},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert launcher.stdout.readline() == b"up\n"
        control = Control(find_proxy(user.paths))
        control.open_session(make_route(), owners=(ProcessIdentity.of(launcher.pid),), project="/launchers-alone")
        launcher.kill()
        launcher.communicate()
        eventually(lambda: [session.project for session in control.status().sessions] == ["/p"])
    finally:
        client.kill()
        client.wait()
    user.sandbox.assert_nothing_left()


def test_shared_with_a_process_that_is_gone(user, hold):
    """A client that has ended already is no owner, and no error."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with hold() as held:
        held.share(child.pid)
        assert held._owners == [ProcessIdentity.current()]
    user.sandbox.assert_nothing_left()
