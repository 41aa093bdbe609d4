"""Who has a port that we wanted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that has a port."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


def find_holder(port: int) -> Holder | None:
    """The process that listens on a port, where the system lets us see it. Slow; nothing depends on it."""
    import psutil

    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
                return Holder(connection.pid, psutil.Process(connection.pid).name()) if connection.pid else None
    return None
