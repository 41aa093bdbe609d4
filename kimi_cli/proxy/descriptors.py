"""How many files and sockets this process may have open."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

WANTED: Final = 4096
"""A stream takes two. The usual limit of 256 on macOS is meant for programs without a network."""


def raise_limit() -> None:
    """Takes what a process may take without asking anybody, up to what we can make use of."""
    if sys.platform != "win32":  # there is no such limit there
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(ValueError, OSError):  # then what there is has to do
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
