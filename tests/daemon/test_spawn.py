"""A new proxy process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from queue import Empty, SimpleQueue

import psutil
import pytest

from kimi_cli.daemon import Control, ProxyStartError
from kimi_cli.daemon.spawn import SpawnOptions, begin, spawn
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.state import read_state
from tests.daemon.conftest import KEY

SECRET = "s3cret-of-a-host-that-the-user-added"


def run_module(world, *arguments, **given):
    """`python -m kimi_cli.proxy`, as `spawn` would start it."""
    command = [sys.executable, "-P", "-m", "kimi_cli.proxy", *arguments]
    return subprocess.Popen(command, env=world.environ, stdin=subprocess.DEVNULL, **given)


def options(world, **changes) -> SpawnOptions:
    """A proxy beside the shared one, as `kimi serve` has it."""
    facts = {"state_file": world.paths.runtime_dir / "serve-1.json", "log_file": world.paths.log_file}
    return SpawnOptions(**(facts | {"port": 0, "grace": 0.2} | changes))


def test_a_proxy_of_its_own_has_its_own_state_file(world):
    """`kimi serve` runs a second proxy beside the shared one, and neither knows of the other."""
    shared = world.ensure()
    world.open(shared)
    own = Control(spawn(options(world), environ=world.environ))
    assert own.state.port != shared.state.port
    owner = world.child()
    world.open(own, ProcessIdentity.of(owner.pid))
    owner.kill()
    owner.wait()
    world.eventually(lambda: not own.state.process.is_alive())
    assert not (world.paths.runtime_dir / "serve-1.json").exists()
    assert len(shared.status().sessions) == 1


def test_keys_and_tokens_are_nowhere_to_be_read(world):
    """No key or token is in the command line, the environment, the state file of a session, or the log."""
    world.environ |= {"GROQ_API_KEY": KEY, "MY_OWN_HOST": SECRET, "ANTHROPIC_API_KEY": SECRET, "KIMI_DEBUG": "1"}
    control = world.ensure()
    session = world.open(control)
    process = psutil.Process(control.state.process.pid)
    places = [*process.cmdline(), *process.environ().values(), world.paths.log_file.read_text()]
    for place in places:
        for secret in (KEY, SECRET, session.token, control.state.control_token):
            assert secret not in place
    state = world.paths.state_file.read_text()
    assert KEY not in state
    assert session.token not in state
    assert world.paths.log_file.read_text()
    for value in (control.state, session, control.status()):
        assert control.state.control_token not in repr(value)
        assert session.token not in repr(value)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups")
def test_the_process_stands_apart_from_its_terminal(world):
    """It is the leader of a session of its own, so that Ctrl-C in the terminal does not reach it."""
    pid = world.ensure().state.process.pid
    assert os.getsid(pid) == pid


def test_a_spawner_that_dies_is_not_missed(world):
    """Where nobody reads the line that says it is ready, the proxy serves all the same."""
    state_file = world.paths.runtime_dir / "proxy.json"
    reading, writing = os.pipe()
    os.close(reading)
    process = run_module(world, "--state", str(state_file), "--log", str(world.paths.log_file), stdout=writing)
    os.close(writing)
    world.children.append(process)
    world.eventually(lambda: read_state(state_file) is not None)
    assert Control(read_state(state_file)).status().pid == process.pid


def test_a_process_that_cannot_write_its_state_says_so(world):
    """It ends with one line that says what is wrong."""
    world.paths.runtime_dir.write_text("in the way")
    state_file = world.paths.runtime_dir / "proxy.json"
    process = run_module(world, "--state", str(state_file), "--log", str(world.paths.log_file), stdout=subprocess.PIPE)
    world.children.append(process)
    said = json.loads(process.stdout.readline())
    assert said["kind"] == "state"
    assert str(state_file) in said["error"]
    assert process.wait() == 1


def test_a_process_that_breaks_at_once_is_reported(world, tmp_path):
    """A start that fails without a word is an error that names the log."""
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit(3)\n")
    with pytest.raises(ProxyStartError, match="ended at once") as caught:
        spawn(options(world), environ=world.environ | {"PYTHONPATH": str(tmp_path)})
    assert caught.value.log_file == world.paths.log_file
    assert not world.sandbox.processes()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_in_order(world, number):
    """After SIGTERM, SIGINT or SIGHUP nothing is left, sessions or not."""
    control = world.ensure()
    world.open(control)
    os.kill(control.state.process.pid, number)
    world.eventually(world.is_clean)


def test_what_was_said_in_time_counts(world, monkeypatch):
    """Where this process was stopped for longer than a start may take, the proxy has long been ready."""
    spawned = begin(options(world), environ=world.environ)
    spawned._deadline = 0.0
    line = spawned._lines.get(timeout=20)

    class Late(SimpleQueue):
        def get(self, *, timeout):
            if not timeout:
                raise Empty
            return line

    monkeypatch.setattr(spawned, "_lines", Late())
    state = spawned.finish()
    assert state.process.is_alive()
    assert Control(state).stop(force=True) is None
    world.eventually(lambda: not state.process.is_alive())
