"""The port: bound and listening before anybody is told of it."""

from __future__ import annotations

import errno
import socket
import sys
from typing import Final

LOOPBACK: Final = "127.0.0.1"
BACKLOG: Final = 512
"""Connections that wait to be accepted; a burst of subagents opens many at once."""
_PROBE_SECONDS: Final = 0.2
_DISCARD: Final = 9
_TAKEN: Final = frozenset({errno.EADDRINUSE, errno.EACCES})
"""What `bind` and `listen` say of a port that is not to be had: in use, or kept by the system (Windows, ports below
1024)."""


class PortTakenError(OSError):
    """Somebody else has the port."""

    def __init__(self, port: int) -> None:
        super().__init__(errno.EADDRINUSE, f"port {port} is taken")
        self.port = port


def listen(port: int, *, strict: bool) -> socket.socket:
    """A listening socket on the loopback interface: on `port`, or, unless `strict`, on a free one where it is taken.

    Port 0 is any free one.

    Raises:
        PortTakenError: `port` is taken and nothing else would do.
        OSError: there is no loopback interface, or no socket to be had.
    """
    _check_way()
    try:
        return _listen(port)
    except PortTakenError:
        if strict:
            raise
        return _listen(0)


def _check_way() -> None:
    """Where the loopback interface is down, as in some containers, a socket can be bound to it, and never reached."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((LOOPBACK, _DISCARD))  # which looks for the way, and sends nothing


def _listen(port: int) -> socket.socket:
    if sys.platform == "darwin" and port and _is_answered(port):
        # With SO_REUSEADDR the BSD family lets us bind beside a stranger that listens on all interfaces, and would
        # take its loopback connections from it.
        raise PortTakenError(port)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # There SO_REUSEADDR would let two processes have one port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # A port whose old connections linger in TIME_WAIT is free for us; one that somebody listens on is not.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        # Two sockets with SO_REUSEADDR can both be bound; only listening settles who has the port.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if port and error.errno in _TAKEN:
            raise PortTakenError(port) from error
        raise
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _is_answered(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=_PROBE_SECONDS).close()
    except OSError:
        return False
    return True
