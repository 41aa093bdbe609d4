"""The proxy that runs, or a new one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import kimi_cli
from kimi_cli.daemon import ProxyGoneError, find_proxy, open_session
from kimi_cli.daemon.end import kill
from kimi_cli.daemon.lock import RuntimeDirError
from kimi_cli.errors import UsageError
from kimi_cli.record import replace
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.state import read_state, write_state

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")


def test_a_proxy_is_started_and_then_found(world):
    """The first launch starts a proxy, and everyone after it finds that one."""
    assert find_proxy(world.paths) is None
    first = world.ensure()
    assert first.state.process.is_alive()
    assert find_proxy(world.paths) == first.state
    assert world.ensure().state == first.state


def test_looking_for_a_proxy_leaves_no_trace(world):
    """Finding nothing creates nothing."""
    assert find_proxy(world.paths) is None
    assert not world.paths.runtime_dir.exists()


def test_ten_threads_get_one_proxy(world):
    """Launches at the same moment agree on one proxy."""
    barrier = threading.Barrier(10)

    def launch(_):
        barrier.wait()
        return world.ensure().state

    with ThreadPoolExecutor(10) as pool:
        states = list(pool.map(launch, range(10)))
    assert len({state.instance for state in states}) == 1
    assert len(world.sandbox.proxies()) == 1


def test_ten_processes_get_one_proxy_and_ten_sessions(world):
    """Ten launchers in the same second share a proxy; when all of them are gone, so is it."""
    script = """
import os, sys
from kimi_cli.daemon import open_session
from kimi_cli.providers.model import Model
from kimi_cli.providers.provider import Format
from kimi_cli.providers.route import Route
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.paths import Paths
model = Model(id="m", context_window=1000, max_output=100)
route = Route(provider="p", format=Format.OPENAI, base_url="http://127.0.0.1:9", dialect="groq", models=(model,),
              key="")
control, session = open_session(
    Paths.find(os.environ), route, environ=os.environ, owners=[ProcessIdentity.current()], project=""
)
print(control.state.instance, session.id, flush=True)
sys.stdin.read()
"""
    world.environ["KIMI_IDLE_GRACE"] = "2"
    launchers = [
        subprocess.Popen(
            [sys.executable, "-c", script], env=world.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(10)
    ]
    world.children += launchers
    said = [launcher.stdout.readline().split() for launcher in launchers]
    assert len({instance for instance, _ in said}) == 1
    assert len({session for _, session in said}) == 10
    assert len(world.ensure().status().sessions) == 10
    for launcher in launchers:
        launcher.kill()
        launcher.communicate()
    world.eventually(world.is_clean)


@posix
def test_a_killed_owner_ends_its_session_and_the_proxy(world):
    """A launcher killed with -9 takes its session along, and the idle proxy removes everything it has made."""
    control, launcher = world.ensure(), world.child()
    world.open(control, ProcessIdentity.of(launcher.pid))
    launcher.send_signal(signal.SIGKILL)
    world.eventually(world.is_clean)
    world.eventually(lambda: not control.state.process.is_alive())


def test_a_session_lives_as_long_as_one_of_its_owners(world):
    """The client keeps its session when only the launcher was killed."""
    control, launcher, client = world.ensure(), world.child(), world.child()
    session = world.open(control, ProcessIdentity.of(launcher.pid))
    control.add_owner(session.id, ProcessIdentity.of(client.pid))
    world.open(control, ProcessIdentity.of(launcher.pid))  # ends when the launcher's end has been noticed
    launcher.kill()
    launcher.wait()
    world.eventually(lambda: len(control.status().sessions) == 1)
    assert [one.id for one in control.status().sessions] == [session.id]
    client.kill()
    client.wait()
    world.eventually(world.is_clean)


def test_an_idle_proxy_ends_after_its_grace_period(world):
    """KIMI_IDLE_GRACE is how long a proxy stays without a session, and not longer."""
    world.environ["KIMI_IDLE_GRACE"] = "0.8"
    control = world.ensure()
    session = world.open(control)
    asked = time.monotonic()
    control.close_session(session.id)
    world.eventually(lambda: not control.state.process.is_alive())
    assert 0.7 < time.monotonic() - asked < 9  # the default is 10
    world.eventually(world.is_clean)


def test_a_proxy_that_nobody_uses_ends(world):
    """The grace period runs from the start as well: a launcher may die before it opens its session."""
    control = world.ensure()
    world.eventually(lambda: not control.state.process.is_alive())
    world.eventually(world.is_clean)


@pytest.mark.parametrize("text", ["", "{", '{"schema": 1}', "\x00" * 300, "[" * 50_000])
def test_an_unusable_state_file_is_replaced(world, text):
    """Whatever stands in the state file, a launch gets a proxy that works."""
    world.paths.runtime_dir.mkdir(parents=True, mode=0o700)
    world.paths.state_file.write_text(text)
    world.paths.state_file.chmod(0o600)
    assert find_proxy(world.paths) is None
    assert world.ensure().status().version == kimi_cli.__version__


def test_a_deleted_state_file_costs_a_second_proxy_and_nothing_else(world):
    """The old proxy cannot be found any more, and ends by itself; its end does not touch the new one's files."""
    former = world.ensure()
    world.paths.state_file.unlink()
    control = world.ensure()
    session = world.open(control)
    assert control.state.instance != former.state.instance
    world.eventually(lambda: not former.state.process.is_alive())
    assert find_proxy(world.paths) == control.state
    control.close_session(session.id)
    world.eventually(world.is_clean)


def test_a_reused_process_id_is_no_proxy(world):
    """A state file that names a stranger's process is not believed, and the stranger is left alone."""
    stranger = world.child()
    identity = ProcessIdentity.of(stranger.pid)
    former = world.ensure().state
    kill(former.process)
    world.eventually(lambda: not former.process.is_alive())
    write_state(world.paths.state_file, replace(former, process=replace(identity, created=identity.created - 100)))
    control = world.ensure()
    assert control.state.process.pid != stranger.pid
    assert stranger.poll() is None


@posix
def test_a_killed_proxy_is_replaced_on_its_port(world):
    """After kill -9 the next launch gets a new proxy, where the clients of the old one look for it."""
    former = world.ensure().state
    del world.environ["KIMI_PROXY_PORT"]
    os.kill(former.process.pid, signal.SIGKILL)
    world.eventually(lambda: not former.process.is_alive())
    control = world.ensure()
    assert control.state.instance != former.instance
    assert control.state.port == former.port


@posix
def test_a_proxy_that_hangs_is_replaced(world):
    """A stopped process answers nobody; it is ended, and a new proxy serves."""
    former = world.ensure().state
    os.kill(former.process.pid, signal.SIGSTOP)
    control = world.ensure()
    assert control.state.instance != former.instance
    assert not former.process.is_alive()


@posix
def test_a_dead_proxy_leaves_no_zombie(world):
    """The launcher that started a proxy collects it when it dies."""
    former = world.ensure().state
    os.kill(former.process.pid, signal.SIGKILL)
    world.eventually(lambda: not _exists(former.process.pid))


def test_a_session_is_opened_on_another_proxy_when_the_first_just_ended(world):
    """Between finding a proxy and asking it for a session, it may end; nobody notices."""
    former = world.ensure()
    former.stop(force=True)
    control, session = open_session(
        world.paths, world.route(), environ=world.environ, owners=[ProcessIdentity.current()], project=""
    )
    assert control.state.instance != former.state.instance
    assert [one.id for one in control.status().sessions] == [session.id]
    with pytest.raises(ProxyGoneError):
        former.status()


def test_a_session_can_be_opened_again_with_its_token(world):
    """After its proxy was killed a session comes back under the token and on the port that the client has."""
    former = world.ensure()
    session = world.open(former)
    kill(former.state.process)
    world.eventually(lambda: not former.state.process.is_alive())
    control, again = open_session(
        world.paths,
        world.route(),
        environ=world.environ,
        owners=[ProcessIdentity.current()],
        project="",
        token=session.token,
        port=former.state.port,
    )
    assert (again.token, again.base_url) == (session.token, session.base_url)
    assert len(control.status().sessions) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("KIMI_PROXY_PORT", "x"), ("KIMI_PROXY_PORT", "65536"), ("KIMI_IDLE_GRACE", "-1"), ("KIMI_IDLE_GRACE", "nan")],
)
def test_a_variable_without_meaning_is_refused(world, name, value):
    """A variable that cannot be understood is an error of usage, before anything is started."""
    world.environ[name] = value
    with pytest.raises(UsageError, match=name):
        world.ensure()
    assert world.is_clean()


def test_an_unusable_runtime_directory_is_an_error(world):
    """A file in the directory's place is named in the error."""
    world.paths.runtime_dir.write_text("in the way")
    with pytest.raises(RuntimeDirError, match=world.paths.runtime_dir.name):
        world.ensure()
    assert world.paths.runtime_dir.read_text() == "in the way"


def test_a_log_that_cannot_be_written_does_not_matter(world):
    """The proxy serves without a log."""
    world.paths.log_dir.parent.mkdir(parents=True)
    world.paths.log_dir.write_text("in the way")
    assert world.ensure().status().sessions == ()


def test_the_state_file_is_private(world):
    """Only its owner can read the control token."""
    state = world.ensure().state
    assert read_state(world.paths.state_file) == state
    if sys.platform != "win32":
        assert world.paths.state_file.stat().st_mode & 0o777 == 0o600
        assert world.paths.runtime_dir.stat().st_mode & 0o777 == 0o700


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
