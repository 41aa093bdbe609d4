"""One launcher at a time looks for the proxy, starts it or stops it."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import ProxyError
from kimi_cli.store.files import PRIVATE_FILE, NotPrivateError, ensure_private_dir
from kimi_cli.store.remedy import write_remedy
from kimi_cli.store.state import remove_dead_states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from filelock import BaseFileLock

    from kimi_cli.store.paths import Paths

LOCK_SECONDS: Final = 45.0
"""How long to wait for the others: longer than replacing a proxy that hangs and starting a slow one takes together."""
_POLL_SECONDS: Final = 0.02
_LOCKS: Final = Path("/proc/locks")


class RuntimeDirError(ProxyError):
    """The runtime directory cannot be used."""

    def __init__(self, paths: Paths, error: OSError) -> None:
        fix = write_remedy(paths.lock_file, error, variable="XDG_RUNTIME_DIR")
        super().__init__(f"The runtime directory {paths.runtime_dir} cannot be used: {_reason(error)}.", fix=fix)


class LockHeldError(ProxyError):
    """Another process has held the lock for too long. `holder` is that process, where the system tells."""

    def __init__(self, *, holder: int | None, fix: str | None) -> None:
        who = f"Another kimi (process {holder})" if holder else "Another kimi"
        super().__init__(f"{who} has been starting or stopping the proxy for {LOCK_SECONDS:.0f} seconds.", fix=fix)
        self.holder = holder


class ProxyLock:
    """The lock, held."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def clear_sessions(self) -> None:
        """Removes the files of sessions that a proxy did not live to end.

        The caller has made sure that the usual proxy does not run, and that nobody is to bring it back. While another
        one runs they stay, because some of them may be its sessions'.
        """
        with suppress(OSError):
            if not remove_dead_states(self._paths.runtime_dir):
                for file in self._paths.sessions_dir.iterdir():
                    file.unlink()

    def clear(self) -> None:
        """Removes what a proxy that is not there any more has left; the lock file too, so nothing remains.

        The caller has made sure that the usual proxy does not run. What a running one would miss is not touched:
        directories go only when they are empty.
        """
        with suppress(OSError):
            self._paths.state_file.unlink(missing_ok=True)
        with suppress(OSError):
            remove_dead_states(self._paths.runtime_dir)
        with suppress(OSError):
            self._paths.sessions_dir.rmdir()
        if sys.platform != "win32":  # there an open file cannot be removed, and its name stays
            # Removed while it is held: whoever waits for it sees that its file has no name any more, and takes a new
            # one.
            with suppress(OSError):
                self._paths.lock_file.unlink(missing_ok=True)
            with suppress(OSError):
                self._paths.runtime_dir.rmdir()


@contextmanager
def proxy_lock(paths: Paths) -> Iterator[ProxyLock]:
    """Holds the lock for the block.

    Raises:
        RuntimeDirError: the directory it lies in cannot be made or used.
        LockHeldError: somebody else has held it for too long.
    """
    lock = _acquire(paths, deadline=time.monotonic() + LOCK_SECONDS)
    try:
        yield ProxyLock(paths)
    finally:
        lock.release()


def _acquire(paths: Paths, *, deadline: float) -> BaseFileLock:
    from filelock import FileLock, Timeout

    while True:
        try:
            ensure_private_dir(paths.runtime_dir)
            lock = FileLock(paths.lock_file, mode=PRIVATE_FILE, poll_interval=_POLL_SECONDS)
            lock.acquire(timeout=max(0.0, deadline - time.monotonic()))
        except Timeout:
            holder = _holder(paths.lock_file)
            raise LockHeldError(holder=holder, fix=_waking(holder) if holder else None) from None
        except OSError as error:
            # A proxy that ends removes the directory; made once more, it is there.
            if not isinstance(error, FileNotFoundError) or time.monotonic() > deadline:
                raise RuntimeDirError(paths, error) from error
            time.sleep(_POLL_SECONDS)
        else:
            return lock


def _holder(file: Path) -> int | None:
    """The process that has the lock, as proc_locks(5) tells it; None where there is no such thing."""
    try:
        found = file.stat()
        locks = _LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for fields in map(str.split, locks):
        # number, FLOCK, ADVISORY, WRITE, process, device:inode, start, end; who waits has "->" after the number
        if fields[1] == "FLOCK" and fields[5].endswith(f":{found.st_ino}") and _has_open(int(fields[4]), found):
            return int(fields[4])
    return None


def _has_open(pid: int, file: os.stat_result) -> bool:
    """Whether a process has that file open. The device of a lock may be named otherwise than that of its file."""
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed by now
                if os.path.samestat(descriptor.stat(), file):
                    return True
    return False


def _waking(pid: int) -> str:
    """What makes a process let go of the lock: one that was stopped, with Ctrl-Z perhaps, goes on where it was."""
    import psutil

    with suppress(psutil.Error):
        if psutil.Process(pid).status() == psutil.STATUS_STOPPED:
            return f"kill -CONT {pid}"
    return f"kill {pid}"


def _reason(error: OSError) -> str:
    match error:
        case FileExistsError():
            return "something else is in its place"
        case NotPrivateError():
            return f"it {error.reason}"
        case _:
            return error.strerror or str(error)
