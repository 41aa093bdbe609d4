"""Sessions that a launcher hands over while this process starts: one JSON object a line, on its stdin.

Clients are started meanwhile. Were a launcher killed before it could open the session over the control API, its client
would be refused; so it says beforehand what it will ask for. To ask again then opens nothing twice.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Final

from kimi_cli.proxy.control import CONTROL_BODY_LIMIT, NobodyError, Opening, opened
from kimi_cli.proxy.sessions import ClosingError

if TYPE_CHECKING:
    from aiohttp import web

_log = logging.getLogger(__name__)

_READ: Final = 64 * 1024


def receive(app: web.Application) -> None:
    """Opens what is handed over as it comes, until the launcher closes the pipe or ends."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        rest = b""
        # By its descriptor: a thread that waits in a buffered reader keeps the interpreter from ending.
        with suppress(OSError, RuntimeError):  # RuntimeError: the loop has ended
            while len(rest) <= CONTROL_BODY_LIMIT and (data := os.read(descriptor, _READ)):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    loop.call_soon_threadsafe(_open, app, line)

    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):  # there is none
        return
    Thread(target=read, name="handover", daemon=True).start()


def _open(app: web.Application, line: bytes) -> None:
    try:
        opened(app, Opening.from_json(json.loads(line)))
    except NobodyError:
        pass
    except (ClosingError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        _log.warning("session not taken over", extra={"fields": {"error": type(error).__name__}})
