"""One process, told from every other that has had or will have its number.

A process id alone proves nothing: the system gives it to a stranger soon after its owner ended. With the moment of
creation it is unique, as long as that moment is measured on a clock that nobody sets. Linux keeps it in ticks since
the machine started, and that is what we use there: seconds of the wall clock, derived from them, move whenever the
clock is corrected, and a live process would look like another.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from kimi_cli.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOLERANCE: Final = 0.01 if sys.platform in {"linux", "win32"} else 2.0
"""Seconds by which two readings of one process may differ. Linux and Windows repeat theirs exactly; elsewhere psutil
moves it along with corrections of the clock, and no number is given out again within two seconds of its first use."""


class ProcessIdentity(Record):
    """A process id and when that process was created, in seconds.

    What `created` counts from differs between systems, so it is only good for comparing identities that `of` or
    `current` made on this machine.
    """

    pid: int
    created: float

    @classmethod
    def current(cls) -> Self:
        """This process."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Self:
        """The process that has this id now.

        Raises:
            ProcessLookupError: there is none, or it has ended and only waits for its parent.
        """
        created = _created(pid)
        if created is None:
            raise ProcessLookupError(f"there is no process {pid}")
        return cls(pid=pid, created=created)

    def is_alive(self) -> bool:
        """Whether this very process still runs; one that has ended and waits for its parent does not."""
        created = _created(self.pid)
        return created is not None and abs(created - self.created) <= _TOLERANCE

    def to_json(self) -> dict[str, int | float]:
        """The form in state files and in the control API."""
        return {"pid": self.pid, "created": self.created}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Self:
        """The reverse of `to_json`.

        Raises:
            KeyError, ValueError, TypeError: the data does not describe a process.
        """
        pid, created = data["pid"], data["created"]
        if isinstance(pid, bool) or not isinstance(pid, int):
            raise TypeError("a process id is an integer")
        if isinstance(created, bool) or not isinstance(created, int | float):
            raise TypeError("a moment of creation is a number")
        if pid <= 0:
            raise ValueError("a process id is positive")
        return cls(pid=pid, created=float(created))


if sys.platform == "linux":

    def boot() -> str:
        """Which start of the machine this is: numbers and moments of creation come again after the next one."""
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            return ""

    def _created(pid: int) -> float | None:
        """When the process was created, or None where no process of that id runs.

        From `/proc/PID/stat` (proc_pid_stat(5)): field 3 is the state, field 22 the start in clock ticks since boot.
        """
        try:
            line = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:  # gone before or while it was read, or not ours to see: no process that we knew, either way
            return None
        # The program's name is in parentheses and may itself hold spaces and parentheses; fields count from its end.
        fields = line.rpartition(b")")[2].split()
        state, started = fields[0], int(fields[19])
        return None if state in {b"Z", b"X", b"x"} else started / os.sysconf("SC_CLK_TCK")

else:
    import psutil

    def boot() -> str:
        """Nothing: the moment of creation is one of the wall clock here, and does not come again."""
        return ""

    def _created(pid: int) -> float | None:
        """When the process was created, or None where no process of that id runs."""
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return process.create_time()
        except (psutil.Error, ValueError):  # a number that can be no process id is a ValueError
            return None
