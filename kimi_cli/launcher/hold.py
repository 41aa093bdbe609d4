"""A session on the proxy that is held open while Claude Code runs, whatever happens to the proxy."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

from kimi_cli.daemon import (
    Control,
    Opening,
    OpenSession,
    ProxyGoneError,
    begin_session,
    open_as,
    session_request,
)
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
    recorded. With `early` the context may begin before the proxy answers, if that has to be started: a client can use
    `base_url` and `token` already, and `share` must be called as soon as it is there.
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
        early: bool = False,
    ) -> None:
        self._early = early
        self._paths, self._route, self._environ, self._project = paths, route, environ, str(project)
        self._files, self._record = tuple(files), record
        self._owners = [ProcessIdentity.current()]
        self._lock = threading.Lock()
        self._is_over = False
        self._opening: Opening | None = None
        self._open: tuple[Control, OpenSession] | None = None
        self._watch = Watch(self)

    def __enter__(self) -> Self:
        self._opening = begin_session(self._request, self._paths, environ=self._environ)
        if self._opening.is_open or not self._early:
            self._complete()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(KimiError):
            self._complete()
        if self._open is None:  # it never was
            for file in self._files:  # a directory goes only when it is empty
                with suppress(OSError):
                    file.unlink(missing_ok=True)
            self._tidy()
            return
        self._watch.stop()
        with self._lock:
            self._is_over = True
            control, session = self._current
        try:
            Control(control.state, timeout=_CLOSE_SECONDS).close_session(session.id)
        except ProxyGoneError:
            self._tidy()
        except KimiError:
            pass  # it has ended already

    @property
    def base_url(self) -> str:
        """The address for the client."""
        return (self._opening or self._current[1]).base_url

    @property
    def token(self) -> str:
        """The client's token."""
        return (self._opening or self._current[1]).token

    @property
    def proxy(self) -> ProcessIdentity:
        """The proxy that has the session now."""
        return self._current[0].state.process

    def share(self, pid: int) -> None:
        """Lets the session live as long as one more process does, so that it outlives this one if that is killed.

        Raises:
            KimiError: the context began early, and the proxy could not be started after all.
        """
        try:
            owner = ProcessIdentity.of(pid)
        except ProcessLookupError:
            self._complete()
            return
        if self._opening is not None:
            self._owners.append(owner)
            self._opening.hand_over()
            self._complete()
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
        control, session = open_as(
            self._request, self._paths, environ=self._environ, token=old.token, port=before.state.port
        )
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

    def _tidy(self) -> None:
        from kimi_cli.daemon.stop import tidy

        with suppress(KimiError):
            tidy(self._paths, besides=self._files)

    def _complete(self) -> None:
        """Returns once the session is open, and watched over; at once where it is."""
        opening, self._opening = self._opening, None
        if opening is not None:
            self._open = opening.finish()
            self._watch.start()

    def _request(self, token: str | None) -> dict[str, Any]:
        return session_request(
            *(self._route, token),
            owners=tuple(self._owners),
            project=self._project,
            files=self._files,
            record=self._record,
        )

    @property
    def _current(self) -> tuple[Control, OpenSession]:
        if self._open is None:
            raise RuntimeError("the session is not open")
        return self._open
