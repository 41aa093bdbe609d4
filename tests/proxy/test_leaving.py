"""What a proxy that ends removes."""

from __future__ import annotations

import os

import pytest
from filelock import FileLock

from kimi_cli.proxy.leaving import Leaving
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.state import ProxyState, write_state


@pytest.fixture
def runtime(tmp_path):
    """A runtime directory with the state of the proxy `mine`."""
    runtime = tmp_path / "run"
    write_state(runtime / "state", state("mine"))
    return runtime


def state(instance: str) -> ProxyState:
    return ProxyState(instance, ProcessIdentity.current(), 1, "0", "token")


def leaving(runtime, *, lock: str | None = "lock") -> Leaving:
    return Leaving(
        state_file=runtime / "state", lock_file=runtime / lock if lock else None, sessions_dir=runtime / "sessions"
    )


@pytest.mark.parametrize("lock", ["lock", None])
def test_everything_goes(runtime, lock):
    """State, lock and directories are gone, with a lock of launchers and without one."""
    (runtime / "sessions").mkdir()
    leaving(runtime, lock=lock).remove_files(instance="mine", started_at=0)
    assert not runtime.exists()


def test_whoever_holds_the_lock_cleans_up(runtime):
    """While a launcher holds the lock only the state goes, which tells watchers that this end was in order."""
    (runtime / "sessions").mkdir()
    with FileLock(runtime / "lock"):
        leaving(runtime).remove_files(instance="mine", started_at=0)
        assert sorted(path.name for path in runtime.iterdir()) == ["lock", "sessions"]


def test_a_successor_s_state_stays(runtime):
    """A proxy that was taken for dead does not remove what its successor has written."""
    write_state(runtime / "state", state("successor"))
    leaving(runtime).remove_files(instance="mine", started_at=0)
    assert [path.name for path in runtime.iterdir()] == ["state"]


def test_only_old_leftovers_of_sessions_go(runtime):
    """Files from before this proxy belong to nobody; a newer one may be a launcher's that is just coming."""
    (runtime / "sessions").mkdir()
    for name, age in (("old", 1000), ("new", 3000)):
        (runtime / "sessions" / name).touch()
        os.utime(runtime / "sessions" / name, (age, age))
    leaving(runtime).remove_files(instance="mine", started_at=2000)
    assert [path.name for path in runtime.rglob("*") if path.is_file()] == ["new"]


def test_a_directory_that_is_gone_already_is_fine(tmp_path):
    """Somebody may have removed everything before."""
    one = leaving(tmp_path / "gone")
    assert one.take()
    one.remove_files(instance="mine", started_at=0)
    assert not (tmp_path / "gone").exists()
