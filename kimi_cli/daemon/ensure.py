"""The proxy that runs, or a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.daemon.control import Control, OpenSession
from kimi_cli.daemon.end import wait_for_end
from kimi_cli.daemon.errors import ProxyClosingError, ProxyGoneError
from kimi_cli.daemon.find import Condition, examine, look
from kimi_cli.daemon.lock import proxy_lock
from kimi_cli.daemon.spawn import SpawnOptions, spawn
from kimi_cli.daemon.stop import stop_process
from kimi_cli.daemon.wishes import DEFAULT_PORT, read_wishes
from kimi_cli.store.state import read_state

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
    """The proxy that runs, or a new one on `port`, which must then be that one.

    Without `port` a new one takes KIMI_PROXY_PORT and no other, or else the port of a predecessor that died, whose
    clients still know it, or 8090, or any free one. A proxy that runs already is used whatever its port is.

    Raises:
        UsageError: a variable makes no sense.
        PortTakenError: the port that was asked for belongs to somebody else.
        ProxyError: no proxy could be started.
    """
    wishes = read_wishes(environ)
    found, condition = look(paths)
    if found is not None and condition is Condition.SOUND:
        return Control(found)
    with proxy_lock(paths) as lock:
        former = read_state(paths.state_file)
        if former is not None:
            # One that has been waited for in vain need not be waited for again; any other may be new, and sound.
            if former != found or condition is not Condition.HANGING:
                condition = examine(former)
            if condition is Condition.SOUND:
                return Control(former)
            if condition is not Condition.GONE:
                _see_off(former, is_hanging=condition is Condition.HANGING)
        try:
            return Control(spawn(_options(paths, wishes=wishes, port=port, former=former), environ=environ))
        except BaseException:
            lock.clear()
            raise


def open_session(
    paths: Paths,
    route: Route,
    *,
    environ: Mapping[str, str],
    owners: Sequence[ProcessIdentity],
    project: str,
    token: str | None = None,
    files: Sequence[Path] = (),
    port: int | None = None,
) -> tuple[Control, OpenSession]:
    """A session on the proxy that runs, or on a new one; arguments as of `ensure_proxy` and `Control.open_session`.

    The proxy may end between being found and being asked, as it does when its last session has; then another is
    started.
    """
    for tries_left in reversed(range(_TRIES)):
        control = ensure_proxy(paths, environ=environ, port=port)
        try:
            return control, control.open_session(route, owners=owners, project=project, token=token, files=files)
        except (ProxyClosingError, ProxyGoneError):
            if not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


def _see_off(former: ProxyState, *, is_hanging: bool) -> None:
    """Makes sure that a proxy which takes no session is gone, so that its port and its files are free."""
    if is_hanging or not wait_for_end(former.process, seconds=ENDING_SECONDS):
        stop_process(former, force=True, is_hanging=True)


def _options(paths: Paths, *, wishes: Wishes, port: int | None, former: ProxyState | None) -> SpawnOptions:
    named = port if port is not None else wishes.port
    usual = former.port if former is not None else DEFAULT_PORT
    return SpawnOptions(
        state_file=paths.state_file,
        log_file=paths.log_file,
        lock_file=paths.lock_file,
        port=usual if named is None else named,
        strict=named is not None,
        grace=wishes.grace,
        debug=wishes.debug,
    )
