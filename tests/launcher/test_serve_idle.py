"""A proxy in the foreground: how long it waits for requests, and what it needs to run."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from kimi_cli.daemon import Control
from kimi_cli.errors import ProxyError
from kimi_cli.launcher.serve import serving, serving_paths
from kimi_cli.store.paths import Paths
from kimi_cli.store.session_token import new_token
from tests.launcher.conftest import SECONDS, eventually, make_route

LONG = 1000.0
SHORT = 0.5


@pytest.fixture
def served(user):
    """Serves inside a block."""
    return lambda **more: serving(user.paths, user.environ, make_route(), **({"port": 0} | more))


def ask(running) -> int:
    """A request of a client."""
    request = urllib.request.Request(
        f"{running.base_url}/v1/models", headers={"Authorization": f"Bearer {running.token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        json.loads(response.read())
        return response.status


def test_a_token_of_the_callers(user, served):
    """The session has the token that is given, every time."""
    token = new_token()
    for _ in range(2):
        with served(token=token) as running:
            assert running.token == token
            assert ask(running) == 200
    user.sandbox.assert_nothing_left()


def test_it_ends_when_nobody_asks(user, served):
    """After the span without a request the wait is over, and then nothing is left."""
    with served() as running:
        running.wait(idle=SHORT)
        assert psutil.pid_exists(running.pid)
    user.sandbox.assert_nothing_left()


def test_requests_put_it_off(served):
    """The span counts from the last request, and not from the start."""
    with served() as running:
        over = threading.Event()
        waiting = threading.Thread(target=lambda: (running.wait(idle=1.5), over.set()), daemon=True)
        started = time.monotonic()
        waiting.start()
        last = started
        while last < started + 3.0:
            assert ask(running) == 200
            last = time.monotonic()
            assert not over.is_set()
            time.sleep(0.1)  # a client that works
        assert over.wait(SECONDS)
        assert time.monotonic() - last >= 1.4


def test_without_a_span_it_waits(served):
    """Nothing but the proxy's own end ends a wait without a span, and that is a failure."""
    with served() as running:
        failures = []

        def wait():
            try:
                running.wait()
            except ProxyError as error:
                failures.append(str(error))

        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        psutil.Process(running.pid).kill()
        waiting.join(SECONDS)
        assert failures == [f"The proxy (process {running.pid}) has ended."]


def test_an_end_before_the_span(served):
    """A proxy that dies is noticed however long the span is."""
    with served() as running:
        psutil.Process(running.pid).kill()
        with pytest.raises(ProxyError, match="has ended"):
            running.wait(idle=LONG)


def test_a_directory_that_cannot_be_written_to(user, monkeypatch):
    """Where the runtime directory cannot be used a temporary one is, which goes as well."""
    monkeypatch.setattr("tempfile.tempdir", None)  # it remembers what TMPDIR was
    state = Path(user.environ["XDG_RUNTIME_DIR"])
    state.rmdir()
    state.write_text("no directory")
    blocked = Paths(*(state / name for name in ("config", "cache", "log", "run")))
    with serving(blocked, user.environ, make_route(), port=0) as running:
        assert ask(running) == 200
        (made,) = user.sandbox.temporary.iterdir()
        if os.name == "posix":
            assert made.stat().st_mode & 0o777 == 0o700
    eventually(lambda: not list(user.sandbox.temporary.iterdir()))


def test_nowhere_to_write(user, monkeypatch, tmp_path):
    """Where nothing at all can be written to it says so, and what to do."""
    file = tmp_path / "file"
    file.write_text("no directory")
    monkeypatch.setattr("tempfile.tempdir", str(file))
    blocked = Paths(*(file / name for name in ("config", "cache", "log", "run")))
    with (
        pytest.raises(ProxyError, match="can be written to") as caught,
        serving(blocked, user.environ, make_route(), port=0),
    ):
        pass
    assert "TMPDIR" in caught.value.fix


@pytest.mark.skipif(sys.platform == "win32", reason="users of Windows have a profile")
def test_a_user_without_a_home(monkeypatch):
    """Where no home can be found, as for the made-up user ids of containers, there are no settings."""
    monkeypatch.setattr("pwd.getpwuid", _no_entry)
    environ = {"XDG_CONFIG_HOME": "/etc/kimi"}
    paths = serving_paths(environ)
    assert paths.settings_file == Path("/etc/kimi/kimi-cli/settings.toml")
    assert not paths.log_dir.exists()
    assert environ == {"XDG_CONFIG_HOME": "/etc/kimi"}


def test_the_session_ends_with_us(user, served):
    """When the block is left its session is gone at once."""
    with served() as running:
        assert len(Control(running._state).status().sessions) == 1
        address = running
    with pytest.raises(OSError, match=r"refused|reset|timed out"):
        ask(address)
    user.sandbox.assert_nothing_left()


def _no_entry(number):
    raise KeyError(number)
