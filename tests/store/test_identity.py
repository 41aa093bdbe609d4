"""Telling processes apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from kimi_cli.record import replace
from kimi_cli.store.identity import ProcessIdentity


@pytest.fixture
def child():
    """A process that runs until it is told to end."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_this_process_lives():
    """The current process is itself, and alive."""
    current = ProcessIdentity.current()
    assert current.pid == os.getpid()
    assert current == ProcessIdentity.of(os.getpid())
    assert current.is_alive()


def test_another_process_sees_the_same_moment(child):
    """Two processes read one and the same moment of creation of a third."""
    script = f"from kimi_cli.store.identity import ProcessIdentity as P; print(P.of({child.pid}).created.hex())"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    other = ProcessIdentity(pid=child.pid, created=float.fromhex(told.stdout.strip()))
    assert other.is_alive()


def test_number_with_another_moment_is_another_process(child):
    """The same number with another moment of creation is not the same process."""
    identity = ProcessIdentity.of(child.pid)
    assert identity.is_alive()
    assert not replace(identity, created=identity.created - 5).is_alive()
    assert not replace(identity, created=identity.created + 5).is_alive()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no zombies")
def test_unreaped_process_is_dead(child):
    """A process that has ended counts as dead even while its parent has not waited for it."""
    identity = ProcessIdentity.of(child.pid)
    child.kill()
    deadline = time.monotonic() + 10
    while identity.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert child.returncode is None
    assert not identity.is_alive()
    with pytest.raises(ProcessLookupError):
        ProcessIdentity.of(child.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="names are read from /proc on Linux only")
def test_names_with_parentheses_are_understood(tmp_path):
    """A program whose name looks like the fields that follow it is still found."""
    program = tmp_path / "a) Z 1 (b"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "60"])
    try:
        assert ProcessIdentity.of(process.pid).is_alive()
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("pid", [0, -1, 2**31 - 1, 2**70])
def test_impossible_numbers_are_no_processes(pid):
    """Numbers that no process can have are dead, and raise nothing else."""
    assert not ProcessIdentity(pid=pid, created=1.0).is_alive()


def test_json_round_trip():
    """The form in files gives back the same identity."""
    identity = ProcessIdentity.current()
    assert ProcessIdentity.from_json(json.loads(json.dumps(identity.to_json()))) == identity


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"pid": 1},
        {"created": 1.0},
        {"pid": "1", "created": 1.0},
        {"pid": True, "created": 1.0},
        {"pid": 1, "created": "1"},
        {"pid": 1, "created": False},
        {"pid": 0, "created": 1.0},
        {"pid": -5, "created": 1.0},
    ],
)
def test_other_forms_are_refused(data):
    """What does not describe a process is refused."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        ProcessIdentity.from_json(data)
