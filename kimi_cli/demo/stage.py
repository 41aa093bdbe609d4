"""Everything that a run sets up, and takes down again: directory, model, proxy, session."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.daemon import Control, ProxyGoneError, SessionsRunningError, find_proxy
from kimi_cli.daemon.stop import stop_proxy
from kimi_cli.demo.report import DemoError
from kimi_cli.demo.request import MODEL_ID
from kimi_cli.demo.upstream import Upstream
from kimi_cli.launcher.hold import Hold
from kimi_cli.launcher.settings_file import SettingsFile
from kimi_cli.providers.dialect import VLLM
from kimi_cli.providers.model import Model, Thinking
from kimi_cli.providers.provider import Format
from kimi_cli.providers.route import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kimi_cli.store.identity import ProcessIdentity
    from kimi_cli.store.paths import Paths

PROVIDER: Final = "demo"
_MODEL: Final = Model(
    id=MODEL_ID, name="Demo script", context_window=131_072, max_output=8_192, thinking=Thinking.ALWAYS
)
_SHORT: Final = "/tmp" if sys.platform == "darwin" else None  # noqa: S108 - `mkdtemp` makes it ours alone
"""Where the directory is made: paths of sockets are limited to about a hundred characters, and macOS spends half of
them on its usual temporary directory."""
_REMOVE_SECONDS: Final = 5.0
"""How long the directory may resist: a client that has just ended may have a child that still writes into it."""
_CLOSE_SECONDS: Final = 5.0
"""How long the session may take to end: a proxy that died just now may be on its way back with it."""
_POLL_SECONDS: Final = 0.05


class Stage:
    """What a run stands on. The methods that set up are called in their order; `clear` is right after any of them."""

    def __init__(self, paths: Paths, environ: Mapping[str, str]) -> None:
        self._paths, self._environ = paths, environ
        self.folder = Path()
        self.upstream = Upstream()
        self.settings = SettingsFile.for_session(paths)
        self._hold: Hold | None = None
        self._before: ProcessIdentity | None = None
        self._has_folder = False

    @property
    def hold(self) -> Hold:
        """The session, held open."""
        if self._hold is None:
            raise DemoError("There is no session.")
        return self._hold

    @property
    def route(self) -> Route:
        """The way to the script. The dialect is one whose hosts keep a turn's reasoning in the history."""
        return Route(
            provider=PROVIDER,
            format=Format.OPENAI,
            base_url=self.upstream.base_url,
            dialect=VLLM.name,
            models=(_MODEL,),
            key=self.upstream.key,
            ledger=False,  # nobody used anything
        )

    def start_model(self) -> str:
        """Makes the directory, and starts the model."""
        # Resolved, because clients resolve their working directory: on macOS the temporary one is behind a link.
        self.folder = Path(tempfile.mkdtemp(prefix="kimi-demo-", dir=_SHORT)).resolve()
        self._has_folder = True
        self.upstream.start()
        return f"a script, not a language model, at {self.upstream.base_url}"

    def open_session(self) -> str:
        """Finds or starts the proxy, and holds a session on it open as a launch does."""
        before = find_proxy(self._paths)
        self._before = before.process if before else None
        hold = Hold(self._paths, self.route, environ=self._environ, project=self.folder, files=(self.settings.path,))
        self._hold = hold.__enter__()
        how = "found running" if hold.proxy == self._before else "started"
        return f"{how} at {hold.base_url}, process {hold.proxy.pid}, with a session of our own"

    def subfolder(self, name: str) -> Path:
        """A new directory in the run's own."""
        folder = self.folder / name
        folder.mkdir()
        return folder

    def clear(self) -> str:
        """Takes everything down, and sees that it is gone.

        Raises:
            DemoError: something is left; everything else was taken down nevertheless.
        """
        done, left = [], []
        for take_down in (self._close_session, self._end_proxy, self._stop_model, self._remove_folder):
            detail, error = _attempt(take_down)
            done += [detail] if detail else []
            left += [error] if error else []
        if left:
            raise DemoError(f"Something is left: {'; '.join(left)}.")
        return ", ".join(done)

    def _close_session(self) -> str:
        self.settings.remove()
        if self._hold is None:
            return ""
        self._hold.__exit__(None, None, None)
        deadline = time.monotonic() + _CLOSE_SECONDS
        while str(self.folder) in _projects(self._paths):
            if time.monotonic() >= deadline:
                raise DemoError("the session is still open")
            time.sleep(_POLL_SECONDS)
        return "session closed"

    def _end_proxy(self) -> str:
        if self._hold is None:
            return ""
        process = self._hold.proxy
        if process == self._before:
            return "proxy left running, as it was found"
        found = find_proxy(self._paths)
        if found is not None and found.process == process:
            try:
                stop_proxy(self._paths, force=False)
            except SessionsRunningError:
                return "proxy left running, for another session has come"
        if process.is_alive():
            raise DemoError(f"the proxy, process {process.pid}, still runs")
        return "proxy ended"

    def _stop_model(self) -> str:
        if not self.upstream.port:
            return ""
        self.upstream.stop()
        if self.upstream.is_running:
            raise DemoError("the model still runs")
        return "model ended"

    def _remove_folder(self) -> str:
        if not self._has_folder:
            return ""
        deadline = time.monotonic() + _REMOVE_SECONDS
        while self.folder.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            if time.monotonic() >= deadline:
                raise DemoError(f"{self.folder} cannot be removed")
            if self.folder.exists():
                time.sleep(_POLL_SECONDS)
        return "files removed"


def _projects(paths: Paths) -> set[str]:
    """What the sessions of the proxy that runs, if one does, are for."""
    state = find_proxy(paths)
    if state is None:
        return set()
    try:
        return {session.project for session in Control(state).status().sessions}
    except ProxyGoneError:
        return set()


def _attempt(take_down: Callable[[], str]) -> tuple[str, str]:
    """What was done, or what went wrong: nothing that goes wrong may keep the rest from being taken down."""
    try:
        return take_down(), ""
    except Exception as error:  # noqa: BLE001 - see above; it is reported
        return "", str(error) or type(error).__name__
