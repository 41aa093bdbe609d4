"""What a process that ends takes with it: its state file, its lock file, and their directories where they are empty."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from kimi_cli.store.files import PRIVATE_FILE
from kimi_cli.store.state import remove_state

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import BaseFileLock


class Leaving:
    """The end of one process, under the lock that launchers take before they start another.

    While it is held nobody looks for a proxy, so none can be found that is about to be gone. `lock_file` is None for
    a process that no launcher looks for.
    """

    def __init__(self, *, state_file: Path, lock_file: Path | None, sessions_dir: Path) -> None:
        self._state_file, self._lock_file, self._sessions_dir = state_file, lock_file, sessions_dir
        self._lock: BaseFileLock | None = None
        self._is_free = lock_file is None

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

    def remove_files(self, *, instance: str, started_at: float) -> None:
        """Removes what is ours and gives the lock back.

        The state goes in any case, so that whoever watches this process can tell an end in order from a death; nobody
        writes another before this process is gone. Where somebody else holds the lock the rest stays for them: they
        are either replacing this process or stopping it, and both clean up. `started_at` is in seconds since the
        epoch.
        """
        with suppress(OSError):
            remove_state(self._state_file, instance=instance)
        if not self.take():
            return
        if self._lock_file is not None:
            self._sweep_sessions(older_than=started_at)
        with suppress(OSError):
            self._sessions_dir.rmdir()
        self._release()
        with suppress(OSError):
            self._state_file.parent.rmdir()

    def _sweep_sessions(self, *, older_than: float) -> None:
        """Removes files of sessions that an earlier process had and did not live to end.

        Newer ones may belong to a launcher that is about to open its session.
        """
        with suppress(OSError):
            for file in self._sessions_dir.iterdir():
                if file.lstat().st_mtime < older_than:
                    file.unlink()

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
