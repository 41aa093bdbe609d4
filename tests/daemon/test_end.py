"""Signals to processes that are proven to be the ones meant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kimi_cli.daemon.end import kill, terminate, wait_for_end
from kimi_cli.record import replace
from kimi_cli.store.identity import ProcessIdentity

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
DESCRIPTORS = Path("/proc/self/fd")
UNPRIVILEGED = """
import os, sys
from kimi_cli.daemon.end import kill, terminate
from kimi_cli.store.identity import ProcessIdentity
other = ProcessIdentity.of(int(sys.argv[1]))
os.setuid(65534)
terminate(other)
kill(other)
"""


@posix
@pytest.mark.parametrize(("act", "number"), [(terminate, signal.SIGTERM), (kill, 9)])
def test_the_very_process(world, act, number):
    """The process of that id and that moment gets the signal."""
    child = world.child()
    act(ProcessIdentity.of(child.pid))
    assert child.wait() == -number


@pytest.mark.parametrize("shift", [-5.0, 5.0])
def test_another_process_of_that_number(world, shift):
    """One of that id and another moment gets none."""
    child = world.child()
    identity = ProcessIdentity.of(child.pid)
    for act in (terminate, kill):
        act(replace(identity, created=identity.created + shift))
    assert not wait_for_end(identity, seconds=0.2)


def test_a_process_that_is_gone(world):
    """There is nothing to signal, and that is no failure."""
    child = world.child()
    identity = ProcessIdentity.of(child.pid)
    child.kill()
    child.wait()
    for act in (terminate, kill):
        act(identity)
    assert wait_for_end(identity, seconds=0)


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")
def test_a_process_of_another_user(world):
    """One that the system does not let us signal lives on, and that is no failure of its own."""
    child = world.child()
    subprocess.run([sys.executable, "-c", UNPRIVILEGED, str(child.pid)], check=True, timeout=20)
    assert child.poll() is None


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors of processes are Linux's")
def test_no_descriptor_is_left(world):
    """What was opened for a signal is closed, whether it was sent or not."""
    child = world.child()
    identity = ProcessIdentity.of(child.pid)
    before = len(list(DESCRIPTORS.iterdir()))
    terminate(replace(identity, created=identity.created + 5))
    terminate(identity)
    assert len(list(DESCRIPTORS.iterdir())) == before
