"""The proxy stopped: asked, then SIGTERM, then SIGKILL, and a report of which it took."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from kimi_cli.daemon.control import Control
from kimi_cli.daemon.end import kill, terminate, wait_for_end
from kimi_cli.daemon.errors import ProxyGoneError, ProxyRefusedError
from kimi_cli.daemon.lock import proxy_lock
from kimi_cli.errors import ProxyError
from kimi_cli.store.state import read_state

if TYPE_CHECKING:
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.state import ProxyState

ASKED_SECONDS: Final = 5.0
"""How long an orderly end may take: open answers get two of them to say that they are cut short."""
TERMINATED_SECONDS: Final = 3.0
KILLED_SECONDS: Final = 5.0
_HANGING_SECONDS: Final = 1.0
"""How long a proxy that is known to hang may take to answer a request to stop."""


class Way(StrEnum):
    """What made the proxy end."""

    NOT_RUNNING = "not running"
    ASKED = "asked"
    TERMINATED = "terminated"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class StopReport:
    """What a stop did; `pid` is the process that ended."""

    way: Way
    pid: int | None = None


def stop_proxy(paths: Paths, *, force: bool) -> StopReport:
    """Stops the proxy that runs, and removes what one that died has left.

    Raises:
        SessionsRunningError: sessions run on it, and `force` is not set.
        ProxyError: it could not be stopped.
    """
    if not paths.runtime_dir.exists():
        return StopReport(Way.NOT_RUNNING)
    with proxy_lock(paths) as lock:
        state = read_state(paths.state_file)
        report = StopReport(Way.NOT_RUNNING) if state is None else stop_process(state, force=force)
        lock.clear()
    return report


def stop_process(state: ProxyState, *, force: bool, is_hanging: bool = False) -> StopReport:
    """Stops one proxy. Its state file is left to whoever owns its place.

    A process is signalled only while its id and its creation time are those of the state file.

    Raises:
        SessionsRunningError: sessions run on it, and `force` is not set.
        ProxyError: it could not be stopped.
    """
    pid = state.process.pid
    try:
        Control(state, timeout=_HANGING_SECONDS if is_hanging else ASKED_SECONDS).stop(force=force)
    except (ProxyGoneError, ProxyRefusedError):
        if not state.process.is_alive():
            return StopReport(Way.NOT_RUNNING)
    else:
        if wait_for_end(state.process, seconds=ASKED_SECONDS):
            return StopReport(Way.ASKED, pid)
    terminate(state.process)
    if wait_for_end(state.process, seconds=TERMINATED_SECONDS):
        return StopReport(Way.TERMINATED, pid)
    kill(state.process)
    if wait_for_end(state.process, seconds=KILLED_SECONDS):
        return StopReport(Way.KILLED, pid)
    raise ProxyError(f"The proxy (process {pid}) does not end, not even when it is killed.")
