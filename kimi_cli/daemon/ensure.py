"""The proxy that runs, or a new one."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final

from kimi_cli import __version__
from kimi_cli.daemon.control import Control
from kimi_cli.daemon.end import wait_for_end
from kimi_cli.daemon.errors import PortTakenError, ProxyGoneError, ProxyRefusedError, SessionUnknownError
from kimi_cli.daemon.find import Condition, examine, look
from kimi_cli.daemon.lock import proxy_lock
from kimi_cli.daemon.wishes import DEFAULT_PORT, read_wishes
from kimi_cli.store.state import other_state_file, read_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kimi_cli.daemon.lock import ProxyLock
    from kimi_cli.daemon.spawn import Spawned, SpawnOptions
    from kimi_cli.daemon.wishes import Wishes
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.state import ProxyState

ENDING_SECONDS: Final = 5.0
"""How long a proxy that is ending may take before it counts as hanging: open answers get two seconds, files little."""


def ensure_proxy(paths: Paths, *, environ: Mapping[str, str], port: int | None = None) -> Control:
    """The proxy for new sessions, or with `port` the one that serves that port; a new one where there is none.

    Without `port` a new one takes KIMI_PROXY_PORT and no other, or else the port of a predecessor that died, whose
    clients still know it, or 8090, or any free one. A proxy of this version that runs already is used whatever its
    port is; one of another version finishes its sessions, and makes room for a new one.

    Raises:
        UsageError: a variable makes no sense.
        PortTakenError: the port that was asked for belongs to somebody else.
        ProxyError: no proxy could be started.
    """
    found = begin_proxy(paths, environ=environ, port=port)
    return found if isinstance(found, Control) else found.finish()


def begin_proxy(paths: Paths, *, environ: Mapping[str, str], port: int | None = None) -> Control | Beginning:
    """The same, but a new one as soon as its port is known; raises as `ensure_proxy` does."""
    wishes = read_wishes(environ)
    found, condition = look(_place(paths, port))
    if found is not None and condition is Condition.SOUND and _is_wanted(found, port):
        return Control(found)
    with ExitStack() as stack:
        lock = stack.enter_context(proxy_lock(paths))
        place = _place(paths, port)
        former = read_state(place)
        replaces = None
        if former is not None:
            # One that has been waited for in vain need not be waited for again; any other may be new, and sound.
            if former != found or condition is not Condition.HANGING:
                condition = examine(former)
            if condition is Condition.SOUND and _is_wanted(former, port):
                return Control(former)
            replaces = _make_way(former, condition)
        from kimi_cli.daemon.spawn import begin

        options = _options(paths, place=place, wishes=wishes, port=port, former=former, replaces=replaces)
        # The state of one that died stays: by it those that had a session there know that it did not end in order.
        is_first = place == paths.state_file and former is None
        try:
            spawned = begin(options, environ=environ)
        except BaseException as error:
            if is_first:
                lock.clear()
            if isinstance(error, PortTakenError) and former is not None and former.port == error.port:
                raise _still_used(former, error) from error
            raise
        return Beginning(spawned, lock, stack.pop_all(), is_first=is_first)


class Beginning:
    """A new proxy that has its `port` and does not answer yet. The lock is held until `finish`, which must be called.

    Clients may connect already. The system keeps their connections until the proxy accepts them.
    """

    def __init__(self, spawned: Spawned, lock: ProxyLock, held: ExitStack, *, is_first: bool) -> None:
        self._spawned, self._lock, self._held, self._is_first = spawned, lock, held, is_first
        self.port = spawned.port

    def hand_over(self, request: Mapping[str, object]) -> None:
        """Has the proxy open a session as soon as it can, whatever becomes of this process; for a `session_request`."""
        self._spawned.hand_over(request)

    def finish(self) -> Control:
        """Returns once the proxy answers.

        Raises:
            ProxyStartError: it does not come that far.
        """
        with self._held:
            try:
                return Control(self._spawned.finish())
            except BaseException:
                if self._is_first:
                    self._lock.clear()
                raise


def _place(paths: Paths, port: int | None) -> Path:
    """Where the state of the proxy is that is looked for."""
    usual = read_state(paths.state_file) if port else None
    if usual is None or usual.port == port or port is None:
        return paths.state_file
    return other_state_file(paths.runtime_dir, port)


def _is_wanted(state: ProxyState, port: int | None) -> bool:
    """Whether a proxy that runs is the one: sessions are brought back to their port, whatever serves it by now."""
    return port is not None or state.version == __version__


def _make_way(former: ProxyState, condition: Condition) -> str:
    """Sees to it that a proxy which is not to be used does not stand in the way, and says how."""
    from kimi_cli.daemon.stop import stop_process

    pid = former.process.pid
    match condition:
        case Condition.GONE:
            return f"process {pid}, which died"
        case Condition.SOUND:
            with suppress(ProxyGoneError, ProxyRefusedError, SessionUnknownError):
                if Control(former).retire(only_answers=False):
                    return f"process {pid} of version {former.version}, which finishes its sessions"
            wait_for_end(former.process, seconds=ENDING_SECONDS)
            return f"process {pid} of version {former.version}"
        case Condition.ENDING if wait_for_end(former.process, seconds=ENDING_SECONDS):
            return f"process {pid}, which ended"
        case _:
            report = stop_process(former, force=True, is_hanging=condition is Condition.HANGING)
            return f"process {pid}, which did not answer: {report.way}"


def _still_used(former: ProxyState, error: PortTakenError) -> PortTakenError:
    """The port is asked for by number, and the proxy that makes room has not left it yet."""
    if not former.process.is_alive():
        return error
    return PortTakenError(
        error.port, holder=f"kimi {former.version} (process {former.process.pid}), which finishes its sessions first"
    )


def _options(
    paths: Paths, *, place: Path, wishes: Wishes, port: int | None, former: ProxyState | None, replaces: str | None
) -> SpawnOptions:
    from kimi_cli.daemon.spawn import SpawnOptions

    named = port if port is not None else wishes.port
    usual = former.port if former is not None else DEFAULT_PORT
    return SpawnOptions(
        state_file=place,
        log_file=paths.log_file,
        lock_file=paths.lock_file,
        port=usual if named is None else named,
        strict=named is not None,
        grace=wishes.grace,
        retry=wishes.retry,
        usage_dir=paths.usage_dir,
        calibration_file=paths.calibration_file,
        debug=wishes.debug,
        reopening=True,
        replaces=replaces,
    )
