"""A proxy of its own in the foreground, with one session that lives as long as this process."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.daemon.control import Control
from kimi_cli.daemon.spawn import SpawnOptions, spawn
from kimi_cli.daemon.stop import stop_process
from kimi_cli.daemon.wishes import DEFAULT_PORT, read_wishes
from kimi_cli.errors import ProxyError
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.state import remove_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kimi_cli.providers.route import Route
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.state import ProxyState

GRACE_SECONDS: Final = 2.0
"""How long the proxy outlives us where we could not end it: nobody else knows of it."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What a client needs in order to use the proxy; `pid` is the proxy's."""

    base_url: str
    token: str = field(repr=False)
    provider: str
    model: str
    pid: int
    _state: ProxyState = field(repr=False)

    def wait(self) -> None:
        """Return when the proxy has ended by itself, which it does only when something went wrong.

        Raises:
            ProxyError: it has.
        """
        import psutil

        with suppress(psutil.NoSuchProcess):
            if self._state.process.is_alive():
                psutil.Process(self.pid).wait()
        raise ProxyError(f"The proxy (process {self.pid}) has ended.")


@contextmanager
def serving(paths: Paths, environ: Mapping[str, str], route: Route, *, port: int | None) -> Iterator[Serving]:
    """Run a proxy on `port`, or else on KIMI_PROXY_PORT, 8090 or any free one, for as long as the context lasts.

    It shares nothing with the background proxy, so stopping either leaves the other alone.

    Raises:
        ProxyError: it could not be started.
    """
    wishes = read_wishes(environ)
    named = port if port is not None else wishes.port
    state_file = paths.runtime_dir / f"serve-{os.getpid()}.json"
    options = SpawnOptions(
        state_file=state_file,
        log_file=paths.log_dir / "serve.log",
        port=DEFAULT_PORT if named is None else named,
        strict=named is not None,
        grace=GRACE_SECONDS,
        debug=wishes.debug,
    )
    state = spawn(options, environ=environ)
    try:
        session = Control(state).open_session(route, owners=(ProcessIdentity.current(),), project=str(Path.cwd()))
        yield Serving(state.base_url, session.token, route.provider, route.main.id, state.process.pid, state)
    finally:
        stop_process(state, force=True)
        with suppress(OSError):
            remove_state(state_file, instance=state.instance)
