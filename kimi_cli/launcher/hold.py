"""A session on the proxy that is held open while Claude Code runs, whatever happens to the proxy."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from kimi_cli.daemon import Control, OpenSession, ProxyGoneError, open_session, tidy
from kimi_cli.daemon.find import Condition, examine
from kimi_cli.daemon.lock import proxy_lock
from kimi_cli.errors import KimiError, ProxyError
from kimi_cli.launcher.watch import Watch
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.state import other_states, read_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from kimi_cli.providers.route import Route
    from kimi_cli.store.paths import Paths

_CLOSE_SECONDS: Final = 2.0
"""How long a proxy may take to end a session; one that does not answer sees for itself that we are gone."""


class Hold:
    """One session. As a context it is opened, watched over, and closed; `base_url` and `token` stay what they are.

    The session belongs to this process, and with `share` to others. `files` go with it. With `record` its bodies are
    recorded.
    """

    def __init__(
        self,
        paths: Paths,
        route: Route,
        *,
        environ: Mapping[str, str],
        project: Path,
        files: Sequence[Path] = (),
        record: bool = False,
    ) -> None:
        self._paths, self._route, self._environ, self._project = paths, route, environ, str(project)
        self._files, self._record = tuple(files), record
        self._owners = [ProcessIdentity.current()]
        self._lock = threading.Lock()
        self._is_over = False
        self._open: tuple[Control, OpenSession] | None = None
        self._watch = Watch(self)

    def __enter__(self) -> Self:
        self._open = self._opened(token=None, port=None)
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._watch.stop()
        with self._lock:
            self._is_over = True
            control, session = self._current
        try:
            Control(control.state, timeout=_CLOSE_SECONDS).close_session(session.id)
        except ProxyGoneError:
            with suppress(KimiError):
                tidy(self._paths, besides=self._files)
        except KimiError:
            pass  # it has ended already

    @property
    def base_url(self) -> str:
        """The address for the client."""
        return self._current[1].base_url

    @property
    def token(self) -> str:
        """The client's token."""
        return self._current[1].token

    @property
    def proxy(self) -> ProcessIdentity:
        """The proxy that has the session now."""
        return self._current[0].state.process

    def share(self, pid: int) -> None:
        """Lets the session live as long as one more process does, so that it outlives this one if that is killed."""
        try:
            owner = ProcessIdentity.of(pid)
        except ProcessLookupError:
            return
        with self._lock:
            self._owners.append(owner)
            control, session = self._current
        with suppress(KimiError):  # a proxy that is gone is brought back with all owners
            control.add_owner(session.id, owner)

    def hangs(self) -> bool:
        """Whether the proxy runs and does not answer."""
        return examine(self._current[0].state) is Condition.HANGING

    def was_ended(self) -> bool:
        """Whether a proxy that is gone ended in order, because somebody wanted it to.

        Then the session's files are gone, and its state. Looked at under the lock, since whoever stops a proxy removes
        them only when it has ended. A state with its port is of one that has come in its place.
        """
        if not self._paths.runtime_dir.exists():
            return True
        ours = self._current[0].state
        try:
            with proxy_lock(self._paths) as lock:
                if any(file.exists() for file in self._files):
                    return False
                usual = read_state(self._paths.state_file)
                others = other_states(self._paths.runtime_dir)
                if any(state.port == ours.port for state in (usual, *others) if state is not None):
                    return False
                if usual is None:
                    lock.clear()
        except ProxyError:  # nothing can be said, and the session matters more
            return False
        return True

    def restore(self) -> None:
        """Puts the session on the proxy that runs, or on a new one, at the same address and with the same token.

        Raises:
            KimiError: it cannot be done, for now at least.
        """
        before, old = self._current
        with self._lock:
            owners = tuple(self._owners)
        control, session = self._opened(token=old.token, port=before.state.port)
        if control.state.port != before.state.port:
            with suppress(KimiError):
                control.close_session(session.id)
            raise ProxyGoneError(reason=f"its successor is not on port {before.state.port}")
        with self._lock:
            self._open = control, session
            is_over, later = self._is_over, self._owners[len(owners) :]
        with suppress(KimiError):
            for owner in later:
                control.add_owner(session.id, owner)
            if is_over:
                control.close_session(session.id)

    def _opened(self, *, token: str | None, port: int | None) -> tuple[Control, OpenSession]:
        return open_session(
            self._paths,
            self._route,
            environ=self._environ,
            owners=tuple(self._owners),
            project=self._project,
            token=token,
            files=self._files,
            port=port,
            record=self._record,
        )

    @property
    def _current(self) -> tuple[Control, OpenSession]:
        if self._open is None:
            raise RuntimeError("the session is not open")
        return self._open
