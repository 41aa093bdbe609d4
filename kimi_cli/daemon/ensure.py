"""The proxy that runs, or a new one."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from kimi_cli import __version__
from kimi_cli.daemon.control import Control, OpenSession
from kimi_cli.daemon.end import wait_for_end
from kimi_cli.daemon.errors import (
    PortTakenError,
    ProxyClosingError,
    ProxyGoneError,
    ProxyRefusedError,
    SessionUnknownError,
)
from kimi_cli.daemon.find import Condition, examine, look
from kimi_cli.daemon.lock import proxy_lock
from kimi_cli.daemon.spawn import SpawnOptions, spawn
from kimi_cli.daemon.stop import stop_process
from kimi_cli.daemon.wishes import DEFAULT_PORT, read_wishes
from kimi_cli.store.state import other_state_file, read_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kimi_cli.daemon.wishes import Wishes
    from kimi_cli.providers.route import Route
    from kimi_cli.store.identity import ProcessIdentity
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.state import ProxyState

ENDING_SECONDS: Final = 5.0
"""How long a proxy that is ending may take before it counts as hanging: open answers get two seconds, files little."""
_TRIES: Final = 5
"""How often a session is asked for. A proxy that ends in between is met once; twice in a row hardly ever."""


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
    wishes = read_wishes(environ)
    found, condition = look(_place(paths, port))
    if found is not None and condition is Condition.SOUND and _is_wanted(found, port):
        return Control(found)
    with proxy_lock(paths) as lock:
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
        options = _options(paths, place=place, wishes=wishes, port=port, former=former, replaces=replaces)
        try:
            return Control(spawn(options, environ=environ))
        except BaseException as error:
            # The state of one that died stays: by it those that had a session there know that it did not end in order.
            if place == paths.state_file and former is None:
                lock.clear()
            if isinstance(error, PortTakenError) and former is not None and former.port == error.port:
                raise _still_used(former, error) from error
            raise


def open_session(  # noqa: PLR0913 - where, how and for whom; all but two by name
    paths: Paths,
    route: Route,
    *,
    environ: Mapping[str, str],
    owners: Sequence[ProcessIdentity],
    project: str,
    token: str | None = None,
    files: Sequence[Path] = (),
    port: int | None = None,
    record: bool = False,
) -> tuple[Control, OpenSession]:
    """A session on the proxy that runs, or on a new one; arguments as of `ensure_proxy` and `Control.open_session`.

    The proxy may end between being found and being asked, as it does when its last session has; then another is
    started.
    """
    for tries_left in reversed(range(_TRIES)):
        control = ensure_proxy(paths, environ=environ, port=port)
        try:
            return control, control.open_session(
                route, owners=owners, project=project, token=token, files=files, record=record
            )
        except (ProxyClosingError, ProxyGoneError):
            if not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


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
        reopening=port is not None or former is not None,
        replaces=replaces,
    )
