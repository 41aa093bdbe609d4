"""What the process says on its stdout to whoever starts it: one JSON object a line.

To those who ask for it first that it has its port, `{"bound": 8090}`: from then on clients may connect, and wait for
their answers. Last that it answers, `{"ready": true, ...}`, or why it gives up, `{"error": "...", ...}`.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress


def announce(**fields: object) -> None:
    """Says one thing. A starter that has died meanwhile is no reason to stop."""
    with suppress(OSError):
        os.write(sys.stdout.fileno(), json.dumps(fields).encode() + b"\n")


def announce_last(**fields: object) -> None:
    """Says the last thing; from here on nobody reads.

    The pipe is closed, and its number kept, so that nothing else is opened under it.
    """
    announce(**fields)
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)
