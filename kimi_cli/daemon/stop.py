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
from kimi_cli.store.state import other_states, read_state

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from kimi_cli.daemon.lock import ProxyLock
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.state import ProxyState

ASKED_SECONDS: Final = 5.0
"""How long an orderly end may take: open answers get two of them to say that they are cut short."""
TERMINATED_SECONDS: Final = 3.0
KILLED_SECONDS: Final = 5.0
_DRAIN_LOOK_SECONDS: Final = 1.0
_HANGING_SECONDS: Final = 1.0
"""How long a proxy that is known to hang, or seems to be gone, may take to answer a request to stop."""


class Way(StrEnum):
    """What made the proxy end."""

    NOT_RUNNING = "not running"
    DRAINED = "drained"
    ASKED = "asked"
    TERMINATED = "terminated"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class StopReport:
    """What a stop did; `pid` is the process that ended."""

    way: Way
    pid: int | None = None


def stop_proxies(paths: Paths, *, force: bool) -> tuple[StopReport, ...]:
    """Stops every proxy that runs, and removes what those that died have left. A report for each that ended.

    Those that finish their sessions come first, so that a refusal comes before anything has ended.

    Raises:
        SessionsRunningError: sessions run on one, and `force` is not set.
        ProxyError: one could not be stopped.
    """
    if not paths.runtime_dir.exists():
        return ()
    with proxy_lock(paths) as lock:
        others = [stop_process(state, force=force) for state in other_states(paths.runtime_dir)]
        reports = (*others, _stop_usual(paths, lock, force=force))
    return tuple(report for report in reports if report.way is not Way.NOT_RUNNING)


def stop_proxy(paths: Paths, *, force: bool) -> StopReport:
    """Stops the proxy that new sessions go to, and removes what one that died has left.

    Raises:
        SessionsRunningError: sessions run on it, and `force` is not set.
        ProxyError: it could not be stopped.
    """
    if not paths.runtime_dir.exists():
        return StopReport(Way.NOT_RUNNING)
    with proxy_lock(paths) as lock:
        return _stop_usual(paths, lock, force=force)


def drain_proxies(paths: Paths, *, waiting: Callable[[int], None]) -> tuple[StopReport, ...]:
    """Has every proxy end as soon as the answers in flight are complete, and waits for that.

    `waiting` is called with the number of those answers, now and then. New sessions go to another proxy meanwhile. An
    interrupt ends the waiting alone.

    Raises:
        ProxyError: one could not be stopped.
    """
    if not paths.runtime_dir.exists():
        return ()
    with proxy_lock(paths):
        usual = read_state(paths.state_file)
        states = (*other_states(paths.runtime_dir), *(() if usual is None else (usual,)))
        draining = tuple(state for state in states if _begin_to_drain(state))
    while running := [state for state in draining if state.process.is_alive()]:
        waiting(sum(map(_answers, running)))
        wait_for_end(running[0].process, seconds=_DRAIN_LOOK_SECONDS)
    drained = (StopReport(Way.DRAINED, state.process.pid) for state in draining)
    # One that hangs could not be asked.
    return (*drained, *(stop_proxies(paths, force=True) if len(draining) < len(states) else ()))


def tidy(paths: Paths, *, besides: Collection[Path] = ()) -> None:
    """Removes what a proxy that died has left, if nobody is about to bring it back.

    Whoever might has a file of their session; `besides` are the files of the caller's.

    Raises:
        ProxyError: the lock cannot be had.
    """
    if not paths.runtime_dir.exists():
        return
    with proxy_lock(paths) as lock:
        state = read_state(paths.state_file)
        is_needed = state is not None and (state.process.is_alive() or _files(paths.sessions_dir) - {*besides})
        if not is_needed:
            lock.clear()


def stop_process(state: ProxyState, *, force: bool, is_hanging: bool = False) -> StopReport:
    """Stops one proxy. Its state file is left to whoever owns its place.

    A process is signalled only while its id and its creation time are those of the state file.

    Raises:
        SessionsRunningError: sessions run on it, and `force` is not set.
        ProxyError: it could not be stopped.
    """
    pid = state.process.pid
    patience = ASKED_SECONDS if state.process.is_alive() and not is_hanging else _HANGING_SECONDS
    try:
        Control(state, timeout=patience).stop(force=force)
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


def _stop_usual(paths: Paths, lock: ProxyLock, *, force: bool) -> StopReport:
    state = read_state(paths.state_file)
    report = StopReport(Way.NOT_RUNNING) if state is None else stop_process(state, force=force)
    lock.clear_sessions()
    lock.clear()
    return report


def _begin_to_drain(state: ProxyState) -> bool:
    """Whether the proxy runs and now ends by itself."""
    try:
        Control(state, timeout=ASKED_SECONDS).retire(only_answers=True)
    except (ProxyGoneError, ProxyRefusedError):
        return False
    return True


def _answers(state: ProxyState) -> int:
    """How many answers a proxy has in flight.

    Raises:
        ProxyError: it hangs, and could not be ended either.
    """
    try:
        return sum(session.streams for session in Control(state, timeout=ASKED_SECONDS).status().sessions)
    except (ProxyGoneError, ProxyRefusedError):
        # It is ending, or it hangs.
        if not wait_for_end(state.process, seconds=ASKED_SECONDS):
            stop_process(state, force=True, is_hanging=True)
        return 0


def _files(directory: Path) -> set[Path]:
    try:
        return set(directory.iterdir())
    except OSError:
        return set()
