"""A proxy of its own in the foreground, with one session that lives as long as this process."""

from __future__ import annotations

import math
import os
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.daemon.control import Control
from kimi_cli.daemon.spawn import SpawnOptions, spawn
from kimi_cli.daemon.stop import stop_process
from kimi_cli.daemon.wishes import DEFAULT_PORT, read_wishes
from kimi_cli.errors import NotConfiguredError, ProxyError
from kimi_cli.store.bodies import ensure_bodies_dir
from kimi_cli.store.files import ensure_private_dir
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.paths import Paths
from kimi_cli.store.state import remove_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kimi_cli.providers.route import Route
    from kimi_cli.store.state import ProxyState

GRACE_SECONDS: Final = 2.0
"""How long the proxy outlives us where we could not end it: nobody else knows of it."""
_LOOK_SECONDS: Final = 0.5
"""Between two looks at the proxy. A sleep is what a signal interrupts on every system; a wait for a process is not."""
_NO_HOME: Final = "/nonexistent"
"""The home directory of users who have none, as systems name it."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What a client needs in order to use the proxy; `pid` is the proxy's."""

    base_url: str
    token: str = field(repr=False)
    provider: str
    model: str
    pid: int
    _state: ProxyState = field(repr=False)
    _session: str = field(repr=False)

    def wait(self, *, idle: float | None = None) -> None:
        """Return once no request has come, and none was being answered, for `idle` seconds; without it, never.

        Raises:
            ProxyError: the proxy has ended by itself, which it does only when something went wrong.
        """
        due = math.inf if idle is None else time.monotonic() + idle
        while self._state.process.is_alive():
            left = due - time.monotonic()
            if idle is not None and left <= 0:
                left = idle - self._idle()
                if left <= 0:
                    return
                due = time.monotonic() + left
            time.sleep(min(left, _LOOK_SECONDS))
        raise ProxyError(f"The proxy (process {self.pid}) has ended.")

    def _idle(self) -> float:
        """Seconds since the session was last used; none where the proxy does not say."""
        with suppress(ProxyError):
            for session in Control(self._state).status().sessions:
                if session.id == self._session:
                    return session.idle
        return 0.0


def serving_paths(environ: Mapping[str, str]) -> Paths:
    """The user's directories; a user without a home, as containers have them, has no settings and no log."""
    try:
        return Paths.find(environ)
    except NotConfiguredError:
        return Paths.find({**environ, "HOME": _NO_HOME})


@contextmanager
def serving(
    paths: Paths,
    environ: Mapping[str, str],
    route: Route,
    *,
    port: int | None,
    token: str | None = None,
    record: bool = False,
) -> Iterator[Serving]:
    """Run a proxy on `port`, or else on KIMI_PROXY_PORT, 8090 or any free one, for as long as the context lasts.

    It shares nothing with the background proxy, so stopping either leaves the other alone. Its session has `token`,
    or a new one. With `record` everything that is asked and answered is recorded beside the log.

    Raises:
        ProxyError: it could not be started.
        KimiError: nothing can be recorded.
    """
    if record:
        ensure_bodies_dir(paths.bodies_dir)
    wishes = read_wishes(environ)
    named = port if port is not None else wishes.port
    with _state_file(paths) as state_file:
        options = SpawnOptions(
            state_file=state_file,
            log_file=paths.serve_log_file,
            port=DEFAULT_PORT if named is None else named,
            strict=named is not None,
            grace=GRACE_SECONDS,
            retry=wishes.retry,
            usage_dir=paths.usage_dir,
            calibration_file=paths.calibration_file,
            debug=wishes.debug,
        )
        state = spawn(options, environ=environ)
        try:
            owner, project = ProcessIdentity.current(), str(Path.cwd())
            session = Control(state).open_session(route, owners=(owner,), project=project, token=token, record=record)
            model = route.main.id
            yield Serving(state.base_url, session.token, route.provider, model, state.process.pid, state, session.id)
        finally:
            stop_process(state, force=True)
            with suppress(OSError):
                remove_state(state_file, instance=state.instance)


@contextmanager
def _state_file(paths: Paths) -> Iterator[Path]:
    """Where the proxy says how it can be reached.

    The runtime directory, or, where nothing can be written to it, as in a container with a read-only file system, a
    private directory of ours among the temporary ones.

    Raises:
        ProxyError: nothing can be written to anywhere.
    """
    if _is_usable(paths.runtime_dir):
        yield paths.runtime_dir / f"serve-{os.getpid()}.json"
        return
    try:
        directory = Path(tempfile.mkdtemp(prefix="kimi-cli-"))
    except OSError as error:
        raise ProxyError(
            f"Neither {paths.runtime_dir} nor a temporary directory can be written to.",
            fix="export TMPDIR=/a/directory/that/can/be/written/to",
        ) from error
    try:
        yield directory / "serve.json"
    finally:
        with suppress(OSError):  # the proxy has removed it, as a rule
            directory.rmdir()


def _is_usable(directory: Path) -> bool:
    try:
        ensure_private_dir(directory)
    except OSError:
        return False
    return os.access(directory, os.W_OK | os.X_OK)
