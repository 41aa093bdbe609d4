"""What a proxy that ends removes."""

from __future__ import annotations

import json
import os

import pytest
from filelock import FileLock

from kimi_cli.proxy.leaving import Leaving
from kimi_cli.store.files import write_private
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.state import ProxyState, other_states, read_state, write_state


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
    leaving(runtime, lock=lock).remove_files(instance="mine")
    assert not runtime.exists()


def test_whoever_holds_the_lock_cleans_up(runtime):
    """While a launcher holds the lock only the state goes, which tells watchers that this end was in order."""
    (runtime / "sessions").mkdir()
    with FileLock(runtime / "lock"):
        leaving(runtime).remove_files(instance="mine")
        assert sorted(path.name for path in runtime.iterdir()) == ["lock", "sessions"]


def test_a_successor_s_state_stays(runtime):
    """A proxy that was taken for dead does not remove what its successor has written."""
    write_state(runtime / "state", state("successor"))
    leaving(runtime).remove_files(instance="mine")
    assert [path.name for path in runtime.iterdir()] == ["state"]


def test_only_old_leftovers_of_sessions_go(runtime):
    """Files from before this proxy belong to nobody, whatever their date; a newer one may be that of a launcher."""
    (runtime / "sessions").mkdir()
    (runtime / "sessions" / "old").touch()
    os.utime(runtime / "sessions" / "old", (4_000_000_000, 4_000_000_000))
    one = leaving(runtime)
    (runtime / "sessions" / "new").touch()
    one.remove_files(instance="mine")
    assert [path.name for path in runtime.rglob("*") if path.is_file()] == ["new"]


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"schema": 99, "process": {"pid": 1, "created": 0}}'])
def test_a_lost_state_is_put_back(runtime, text):
    """Where the state is gone, damaged, or of another form and of a process that is gone, it is written again."""
    (runtime / "state").unlink()
    if text is not None:
        write_private(runtime / "state", text.encode())
    leaving(runtime).stay_known(state("mine"))
    assert read_state(runtime / "state") == state("mine")


def test_a_state_that_is_there_is_not_written_again(runtime):
    """A look at a state that is as it should be changes nothing."""
    before = (runtime / "state").stat()
    leaving(runtime).stay_known(state("mine"))
    assert (runtime / "state").stat() == before


def test_anothers_place_is_left_to_it(runtime):
    """A proxy in whose place another is known has its state beside that one's, and takes that alone along."""
    write_state(runtime / "state", state("successor"))
    one = leaving(runtime)
    one.stay_known(state("mine"))
    assert read_state(runtime / "state") == state("successor")
    assert other_states(runtime) == (state("mine"),)
    one.remove_files(instance="mine")
    assert other_states(runtime) == ()
    assert read_state(runtime / "state") == state("successor")


def test_a_form_of_another_version_is_left_to_it(runtime):
    """A state that cannot be read but names a process that runs is another version's."""
    parent = ProcessIdentity.of(os.getppid())
    text = json.dumps({"schema": 99, "process": parent.to_json()})
    write_private(runtime / "state", text.encode())
    one = leaving(runtime)
    one.stay_known(state("mine"))
    one.remove_files(instance="mine")
    assert (runtime / "state").read_text() == text


def test_a_directory_that_is_gone_already_is_fine(tmp_path):
    """Somebody may have removed everything before."""
    one = leaving(tmp_path / "gone")
    assert one.take()
    one.remove_files(instance="mine")
    assert not (tmp_path / "gone").exists()
