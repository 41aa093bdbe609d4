"""The proxy's state file."""

from __future__ import annotations

import json
import os
import stat
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kimi_cli.record import replace
from kimi_cli.store.files import write_private
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.state import ProxyState, read_state, remove_state, write_state

STATE = ProxyState(
    instance="i-1",
    process=ProcessIdentity(pid=4711, created=12.5),
    port=8090,
    version="1",
    control_token="secret-token",
)
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")


@pytest.fixture
def path(paths):
    """Where the state file goes."""
    return paths.state_file


def test_round_trip(path):
    """What was written is read back."""
    write_state(path, STATE)
    assert read_state(path) == STATE
    assert STATE.base_url == "http://127.0.0.1:8090"


def test_token_is_not_in_the_repr():
    """The control token does not show where a state is logged."""
    assert "secret-token" not in repr(STATE)


@posix
def test_private(path):
    """The file is 0600 in a directory that is 0700."""
    write_state(path, STATE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_missing(path):
    """Where there is no file there is no state, and none is made."""
    assert read_state(path) is None
    assert not path.parent.exists()


@posix
def test_open_to_others(path):
    """A state that others could have written is none."""
    write_state(path, STATE)
    path.chmod(0o666)
    assert read_state(path) is None


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_of_another_user(path):
    """A state that somebody else put there is none."""
    write_state(path, STATE)
    os.chown(path, 65534, 65534)
    assert read_state(path) is None


def test_truncated_at_every_byte(path):
    """A file cut short anywhere is no state."""
    write_state(path, STATE)
    whole = path.read_bytes()
    for length in range(len(whole)):
        write_private(path, whole[:length])
        assert read_state(path) is None


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"boot": "an earlier one"},
        {"boot": None},
        {"port": 0},
        {"port": 70000},
        {"port": True},
        {"port": "8090"},
        {"process": None},
        {"process": {"pid": -1, "created": 1.0}},
        {"instance": ""},
        {"instance": None},
        {"control_token": None},
        {"version": 3},
    ],
)
def test_other_forms(path, change):
    """A file of another form is no state."""
    write_state(path, STATE)
    write_private(path, json.dumps(json.loads(path.read_bytes()) | change).encode())
    assert read_state(path) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_garbage(paths, garbage):
    """Whatever is in the file, reading it raises nothing."""
    data = garbage if isinstance(garbage, bytes) else garbage.encode()
    write_private(paths.state_file, data)
    assert read_state(paths.state_file) is None


def test_deeply_nested_garbage(path):
    """Nesting beyond the parser's depth is no state."""
    write_private(path, b"[" * 30_000)
    assert read_state(path) is None


def test_removes_its_own(path):
    """A proxy removes the state that names it."""
    write_state(path, STATE)
    remove_state(path, instance=STATE.instance)
    assert not path.exists()
    remove_state(path, instance=STATE.instance)


def test_leaves_that_of_another(path):
    """A proxy does not remove the state of its successor."""
    later = replace(STATE, instance="i-2")
    write_state(path, later)
    remove_state(path, instance=STATE.instance)
    assert read_state(path) == later


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"schema": 2}', b'{"schema": 2, "process": {"pid": 1}}'])
def test_removes_what_is_damaged(path, data):
    """What nobody can read, and nobody is known to have written, goes with the proxy that ends."""
    write_private(path, data)
    remove_state(path, instance=STATE.instance)
    assert not path.exists()


def test_leaves_another_form_to_whoever_runs(path):
    """A form that we cannot read is another version's, for as long as the process in it runs."""
    parent = ProcessIdentity.of(os.getppid())
    for process, stays in ((parent, True), (replace(parent, created=parent.created - 60), False)):
        write_private(path, json.dumps({"schema": 2, "process": process.to_json()}).encode())
        remove_state(path, instance=STATE.instance)
        assert path.exists() is stays
