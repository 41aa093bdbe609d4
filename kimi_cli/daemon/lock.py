"""One launcher at a time looks for the proxy, starts it or stops it."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import ProxyError
from kimi_cli.store.files import PRIVATE_FILE, ensure_private_dir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from filelock import BaseFileLock

    from kimi_cli.store.paths import Paths

LOCK_SECONDS: Final = 45.0
"""How long to wait for the others: longer than replacing a proxy that hangs and starting a slow one takes together."""
_POLL_SECONDS: Final = 0.02


class RuntimeDirError(ProxyError):
    """The runtime directory cannot be used."""


class ProxyLock:
    """The lock, held."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def clear(self) -> None:
        """Removes what a proxy that is not there any more has left; the lock file too, so nothing remains.

        The caller has made sure that no proxy runs. What a running one would miss is not touched: directories go only
        when they are empty.
        """
        with suppress(OSError):
            self._paths.state_file.unlink(missing_ok=True)
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
        ProxyError: somebody else has held it for too long.
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
            raise ProxyError(
                f"Another kimi has been starting or stopping the proxy for {LOCK_SECONDS:.0f} seconds."
            ) from None
        except FileNotFoundError:
            # A proxy that ended has just removed the directory.
            if time.monotonic() > deadline:
                raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise RuntimeDirError(f"The runtime directory {paths.runtime_dir} cannot be used: {reason}.") from error
        else:
            return lock
