"""What the process that reads documents denies itself, before it looks at the bytes of a stranger."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

MEMORY: Final = 1024 * 1024 * 1024
"""Bytes of address space: four times the largest image that is decoded, in four colours."""
FILES: Final = 32
"""Descriptors: enough for a module that is imported late."""
LATE_SECONDS: Final = 5
"""How long after its time a process ends itself, where nobody was left to end it."""


def confine(*, seconds: int, memory: int = MEMORY) -> None:
    """From here on this process cannot write a file, take more memory, or outlive its time by much.

    Where the platform knows no such limits, as Windows does, only the one who started it ends it.
    """
    if sys.platform != "win32":
        import resource
        import signal

        signal.alarm(seconds + LATE_SECONDS)
        for kind, limit in (
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_AS, memory),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NPROC, 0),
            (resource.RLIMIT_NOFILE, FILES),
        ):
            # Where a limit is stricter already, or is none that this system has, it stays as it is.
            with suppress(ValueError, OSError):
                resource.setrlimit(kind, (limit, limit))
