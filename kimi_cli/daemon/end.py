"""The end of a process that is proven to be the one we mean: waited for, or brought about."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kimi_cli.store.identity import ProcessIdentity

_POLL_SECONDS: Final = 0.01


def wait_for_end(process: ProcessIdentity, *, seconds: float) -> bool:
    """Whether the process has ended, as soon as it has, or after `seconds`."""
    deadline = time.monotonic() + seconds
    while process.is_alive():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def terminate(process: ProcessIdentity) -> None:
    """Asks the system to end the process in order (SIGTERM; on Windows there is no such thing, and it just ends)."""
    _signal(process, kill=False)


def kill(process: ProcessIdentity) -> None:
    """Ends the process at once."""
    _signal(process, kill=True)


if sys.platform == "win32":

    def _signal(process: ProcessIdentity, *, kill: bool) -> None:  # noqa: ARG001 - Windows knows one way alone
        import psutil

        with suppress(psutil.Error):
            found = psutil.Process(process.pid)
            # The handle that psutil opens for it compares the creation time again.
            if process.is_alive():
                found.kill()

else:

    def _signal(process: ProcessIdentity, *, kill: bool) -> None:
        number = signal.SIGKILL if kill else signal.SIGTERM
        with suppress(ProcessLookupError, PermissionError):  # gone, or somebody else's: not to be ended by us
            if sys.platform == "linux":
                try:
                    descriptor = os.pidfd_open(process.pid)
                except ProcessLookupError:
                    return
                except OSError:  # no such system call here
                    descriptor = -1
                if descriptor >= 0:
                    try:
                        # The descriptor is of one process for good; if that is ours now, the signal goes to ours.
                        if process.is_alive():
                            signal.pidfd_send_signal(descriptor, number)
                    finally:
                        os.close(descriptor)
                    return
            if process.is_alive():
                os.kill(process.pid, number)
