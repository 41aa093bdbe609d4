"""Sees to it that the proxy lives as long as the session: one that dies or hangs is replaced."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from kimi_cli.errors import KimiError

if TYPE_CHECKING:
    from kimi_cli.store.identity import ProcessIdentity

RESTARTS: Final = 5
"""How often a proxy is brought back within a minute. One that dies more often than that would do so for ever."""
_WINDOW: Final = 60.0
_POLL: Final = 0.25
"""Seconds between two looks where the system does not tell. Claude Code repeats a refused request for longer."""
_HEALTH: Final = 5.0
"""Seconds between two questions to a proxy that runs."""
_SILENCES: Final = 2
"""How many questions in a row a proxy leaves open before it counts as hanging. A machine that has just woken up, or is
short of memory, makes it miss one."""
_PAUSE: Final = 1.0
"""Seconds before another try where the proxy could not be brought back; somebody may have its port for a moment."""
_STOP: Final = 1.0
"""Seconds to wait for the watch to end. It may be starting a proxy, which then ends by itself."""


class Watched(Protocol):
    """What is watched over: a session, and the process that has it."""

    @property
    def proxy(self) -> ProcessIdentity:
        """The process that has the session now."""

    def hangs(self) -> bool:
        """Whether that process runs and does not answer, which takes some seconds to see."""

    def was_ended(self) -> bool:
        """Whether that process, now gone, ended because somebody wanted it to."""

    def restore(self) -> None:
        """Puts the session on another process; one that hangs is ended."""


class Watch:
    """A thread that waits for the end of a session's proxy, and restores the session as soon as it comes.

    Now and then it asks whether the proxy still answers. One that does not is as good as gone.
    """

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._stopped = threading.Event()
        self._bell: tuple[int, int] | None = None
        self._restarts: deque[float] = deque(maxlen=RESTARTS)
        self._thread = threading.Thread(target=self._run, name="proxy watch", daemon=True)

    def start(self) -> None:
        """Begins to watch."""
        if sys.platform == "linux":
            self._bell = os.pipe()
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch; a proxy that dies from now on stays dead."""
        self._stopped.set()
        if self._bell is not None:
            os.write(self._bell[1], b"!")
        self._thread.join(_STOP)
        if self._bell is not None and not self._thread.is_alive():
            for descriptor in self._bell:
                os.close(descriptor)
            self._bell = None

    def _run(self) -> None:
        silences = 0
        while not self._stopped.is_set():
            is_gone = self._is_gone(self._watched.proxy, seconds=0.0 if silences else _HEALTH)
            if self._stopped.is_set() or (is_gone and self._watched.was_ended()):
                return
            silences = silences + 1 if not is_gone and self._watched.hangs() else 0
            if is_gone or silences == _SILENCES:
                self._restore()
                silences = 0

    def _restore(self) -> None:
        """Restores the session, now or when enough time has passed since the last times."""
        while not self._stopped.is_set():
            if len(self._restarts) == RESTARTS:
                self._stopped.wait(max(0.0, self._restarts[0] + _WINDOW - time.monotonic()))
                if self._stopped.is_set():
                    return
            self._restarts.append(time.monotonic())
            with suppress(KimiError, OSError):
                self._watched.restore()
                return
            self._stopped.wait(_PAUSE)

    def _is_gone(self, process: ProcessIdentity, *, seconds: float) -> bool:
        """Waits for the end of a process, or of the watch; whether the process has ended."""
        if self._bell is not None and sys.platform == "linux":
            try:
                descriptor = os.pidfd_open(process.pid)
            except ProcessLookupError:
                return True
            except OSError:  # no such system call here, or no descriptor left
                return self._poll(process, seconds=seconds)
            try:
                # Only now it is certain that the descriptor is not of somebody who got the number since.
                if process.is_alive():
                    poll = select.poll()
                    poll.register(descriptor, select.POLLIN)
                    poll.register(self._bell[0], select.POLLIN)
                    poll.poll(seconds * 1000)
            finally:
                os.close(descriptor)
            return not process.is_alive()
        return self._poll(process, seconds=seconds)

    def _poll(self, process: ProcessIdentity, *, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while process.is_alive():
            if self._stopped.wait(_POLL) or time.monotonic() >= deadline:
                return not process.is_alive()
        return True
