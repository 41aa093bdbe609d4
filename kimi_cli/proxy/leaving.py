"""What a process that ends takes with it: its state file, its lock file, and their directories where they are empty."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from kimi_cli.store.files import PRIVATE_FILE
from kimi_cli.store.paths import STATE_FILE
from kimi_cli.store.state import (
    is_anothers,
    other_state_file,
    read_state,
    remove_dead_states,
    remove_state,
    write_state,
)

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import BaseFileLock

    from kimi_cli.store.state import ProxyState


class Leaving:
    """The end of one process, under the lock that launchers take before they start another.

    While it is held nobody looks for a proxy, so none can be found that is about to be gone. `lock_file` is None for
    a process that no launcher looks for.
    """

    def __init__(self, *, state_file: Path, lock_file: Path | None, sessions_dir: Path) -> None:
        self._state_file = state_file
        self._lock_file, self._sessions_dir = lock_file, sessions_dir
        self._lock: BaseFileLock | None = None
        self._is_free = lock_file is None
        self._former = frozenset(_files(sessions_dir))

    def take(self) -> bool:
        """Takes the lock without waiting; False while somebody else holds it."""
        if self._is_free or self._lock_file is None:
            return True
        from filelock import FileLock, Timeout

        lock = FileLock(self._lock_file, mode=PRIVATE_FILE, blocking=False)
        try:
            lock.acquire()
        except Timeout:
            return False
        except OSError:
            pass  # the directory is gone or unusable: then there is nothing that could be found in it
        else:
            self._lock = lock
        self._is_free = True
        return True

    def stay_known(self, state: ProxyState) -> None:
        """Writes the state again where it was removed or damaged; beside another's, where that has its place by now.

        So this process can be found, asked and stopped for as long as it runs, and nobody takes its sessions' files
        for a dead one's.

        Raises:
            OSError: it cannot be written.
        """
        found = read_state(self._state_file)
        if found is None or found.instance != state.instance:
            if is_anothers(self._state_file, instance=state.instance):
                self.move_aside(state)
            else:
                write_state(self._state_file, state)

    def move_aside(self, state: ProxyState) -> None:
        """Moves the state file to where it is found by the port alone, so that the usual place is free for another.

        Raises:
            OSError: it cannot be written there; it is where it was.
        """
        before, after = self._state_file, other_state_file(self._state_file.parent, state.port)
        if before == after:
            return
        write_state(after, state)
        self._state_file = after
        remove_state(before, instance=state.instance)

    def remove_files(self, *, instance: str) -> None:
        """Removes what is ours and gives the lock back.

        The state goes in any case, so that whoever watches this process can tell an end in order from a death; nobody
        writes another before this process is gone. Where somebody else holds the lock the rest stays for them: they
        are either replacing this process or stopping it, and both clean up.
        """
        with suppress(OSError):
            remove_state(self._state_file, instance=instance)
        if not self.take():
            return
        if self._lock_file is not None and not self._is_other_left():
            self._sweep_sessions()
        with suppress(OSError):
            self._sessions_dir.rmdir()
        self._release()
        with suppress(OSError):
            self._state_file.parent.rmdir()

    def _is_other_left(self) -> bool:
        """Whether another proxy of this user runs, whose sessions' files may be older than this process."""
        directory = self._sessions_dir.parent
        try:
            usual = read_state(directory / STATE_FILE)
            return remove_dead_states(directory) or (usual is not None and usual.process.is_alive())
        except OSError:
            return True

    def _sweep_sessions(self) -> None:
        """Removes files of sessions that an earlier process had and did not live to end: those that we found.

        Newer ones may belong to a launcher that is about to open its session.
        """
        for file in self._former:
            with suppress(OSError):
                file.unlink(missing_ok=True)

    def _release(self) -> None:
        lock, file = self._lock, self._lock_file
        self._lock = None
        if lock is None or file is None:
            return
        if sys.platform == "win32":  # there an open file cannot be removed
            lock.release()
            with suppress(OSError):
                file.unlink()
        else:
            # Removed while it is held: whoever waits for it sees that its file has no name any more, and takes a new
            # one. The other way round, two processes could hold a file of this name each.
            with suppress(OSError):
                file.unlink()
            lock.release()


def _files(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:  # there is no such directory, or nothing can be done about it
        return []
