"""The proxy stopped, with as little force as it takes."""

from __future__ import annotations

import signal
import sys

import pytest

from kimi_cli.daemon import SessionsRunningError
from kimi_cli.daemon.stop import StopReport, Way, stop_process, stop_proxy
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.state import ProxyState, write_state

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")

DEAF = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
sys.stdin.read()
"""


def state_of(pid: int, **changes) -> ProxyState:
    """The state of a proxy that does not answer: its port is one that nobody listens on."""
    facts = {"process": ProcessIdentity.of(pid), "instance": "i", "port": 9, "version": "0", "control_token": "t"}
    return ProxyState(**(facts | changes))


def test_a_proxy_is_asked_to_stop(world):
    """An idle proxy ends when it is asked, and leaves nothing."""
    state = world.ensure().state
    assert stop_proxy(world.paths, force=False) == StopReport(Way.ASKED, state.process.pid)
    assert world.is_clean()


def test_a_proxy_with_sessions_is_not_stopped(world):
    """Sessions keep a proxy, unless it is stopped with force."""
    control = world.ensure()
    session = world.open(control)
    with pytest.raises(SessionsRunningError, match="1 session is running") as caught:
        stop_proxy(world.paths, force=False)
    assert caught.value.fix == "kimi stop --force"
    assert [one.id for one in control.status().sessions] == [session.id]
    assert stop_proxy(world.paths, force=True).way is Way.ASKED
    assert world.is_clean()


def test_nothing_to_stop_is_fine(world):
    """Without a proxy there is nothing to do, and nothing is created in looking."""
    assert stop_proxy(world.paths, force=False) == StopReport(Way.NOT_RUNNING)
    assert not world.paths.runtime_dir.exists()


def test_what_a_dead_proxy_left_is_removed(world):
    """A stop clears the files of a proxy that was killed."""
    control = world.ensure()
    session = world.open(control)
    assert session.id
    control.stop(force=True)
    world.eventually(lambda: world.is_clean() and not control.state.process.is_alive())
    write_state(world.paths.state_file, control.state)
    assert stop_proxy(world.paths, force=False) == StopReport(Way.NOT_RUNNING)
    assert world.is_clean()


@posix
def test_a_proxy_that_does_not_answer_is_terminated(world):
    """Where asking does not help, SIGTERM does."""
    process = world.child()
    write_state(world.paths.state_file, state_of(process.pid))
    assert stop_proxy(world.paths, force=False) == StopReport(Way.TERMINATED, process.pid)
    assert process.wait() == -signal.SIGTERM


@posix
def test_a_proxy_that_ignores_sigterm_is_killed(world):
    """Where SIGTERM does not help, SIGKILL does."""
    process = world.child(DEAF)
    write_state(world.paths.state_file, state_of(process.pid))
    assert stop_proxy(world.paths, force=False) == StopReport(Way.KILLED, process.pid)
    assert process.wait() == -signal.SIGKILL


def test_a_stranger_with_the_proxy_s_number_is_left_alone(world):
    """A process id alone proves nothing: the process that has it now is not signalled."""
    stranger = world.child()
    identity = ProcessIdentity.of(stranger.pid)
    former = ProcessIdentity(pid=identity.pid, created=identity.created - 60)
    assert stop_process(state_of(stranger.pid, process=former), force=True) == StopReport(Way.NOT_RUNNING)
    assert stranger.poll() is None
