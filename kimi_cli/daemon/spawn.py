"""A new proxy process, and the lines by which it says how far it is."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
import weakref
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, TYPE_CHECKING, Any, Final

from kimi_cli.daemon.errors import PortTakenError, ProxyStartError
from kimi_cli.daemon.wishes import DEFAULT_GRACE, DEFAULT_PORT, DEFAULT_RETRY, proxy_environment
from kimi_cli.store.remedy import write_remedy
from kimi_cli.store.state import ProxyState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kimi_cli.errors import ProxyError

READY_SECONDS: Final = 20.0
"""How long a new process may take: well under a second as a rule, several on a cold or busy machine."""
_END_SECONDS: Final = 1.0
"""How long a process that has said why it cannot start may take to end."""
_CATCH_UP_SECONDS: Final = 1.0
"""How long it may take after the time is up to see what was said in time."""
_LINE_LIMIT: Final = 16 * 1024
_LINES: Final = 2
"""One when it has its port, and one when it answers."""
_PRIVATE: Final = 0o600

if sys.platform == "win32":
    # A console without a window, and not none: the Python of a virtual environment starts another one, and that would
    # get a console with a window where its parent has none.
    _APART: Final = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    # A terminal may run its programs in a job that is killed as a whole when it closes. Not every job lets one out.
    _WAYS: Final = (_APART | subprocess.CREATE_BREAKAWAY_FROM_JOB, _APART)
else:
    _WAYS: Final = (0,)
"""Creation flags to try, one after the other."""


@dataclass(frozen=True, slots=True)
class SpawnOptions:
    """What a new process is told. `grace` and `retry` are in seconds.

    With `strict` it takes `port` or none. With `reopening` clients may come before their sessions are opened, and are
    let wait a moment; `replaces` says what became of one that was here before, for the log. Without `lock_file` it is
    one that nobody but its spawner looks for, and it must have a state file of its own.
    """

    state_file: Path
    log_file: Path
    lock_file: Path | None = None
    port: int = DEFAULT_PORT
    strict: bool = False
    grace: float = DEFAULT_GRACE
    retry: float = DEFAULT_RETRY
    usage_dir: Path | None = None
    """Where to record usage; nowhere without."""
    calibration_file: Path | None = None
    """Where to keep what is learned of token counts; nowhere without."""
    debug: bool = False
    reopening: bool = False
    replaces: str | None = None


def spawn(options: SpawnOptions, *, environ: Mapping[str, str]) -> ProxyState:
    """Starts a proxy in the background, and returns once it answers. It outlives this process.

    Raises:
        PortTakenError: `strict`, and somebody else has the port.
        ProxyStartError: it did not become ready.
    """
    return begin(options, environ=environ).finish()


def begin(options: SpawnOptions, *, environ: Mapping[str, str]) -> Spawned:
    """The same, and returns once the process has its port.

    Raises:
        PortTakenError, ProxyStartError: it did not come that far.
    """
    _check_place(options)
    with _error_output(options.log_file) as errors:
        process = _start(options, environ=environ, errors=errors)
    spawned = Spawned(process, options)
    spawned.wait_bound()
    return spawned


class Spawned:
    """A process that becomes a proxy. From `wait_bound` on it has `port`; clients that connect are answered later."""

    def __init__(self, process: subprocess.Popen[bytes], options: SpawnOptions) -> None:
        self._process, self._options = process, options
        self._deadline = time.monotonic() + READY_SECONDS
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        self.port = 0
        # Where an interruption comes between two steps, nobody is there to end it but the end of this process.
        self._abandon = weakref.finalize(self, _clear_away, process)
        # A thread, because a pipe cannot be waited for with a deadline on every system.
        Thread(target=self._read, daemon=True).start()

    def wait_bound(self) -> None:
        """Returns once the process has its port; raises as `begin` does, and then it has been ended."""
        try:
            self.port = self._bound(self._said())
        except BaseException:
            self._abandon()
            raise

    def hand_over(self, request: Mapping[str, object]) -> None:
        """Says, once, which session the process is to open when it can. One that has died says so in `finish`."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(json.dumps(request).encode() + b"\n")
        _close_input(self._process)

    def finish(self) -> ProxyState:
        """Returns once it answers. A process that does not come that far is ended.

        Raises:
            ProxyStartError: it did not become ready.
        """
        try:
            _close_input(self._process)
            state = self._state(self._said())
        except BaseException:
            self._abandon()
            raise
        self._abandon.detach()
        # Waited for in the background: a proxy that ends before we do must not stay behind as a zombie.
        Thread(target=self._process.wait, daemon=True).start()
        return state

    def _bound(self, said: Mapping[str, Any]) -> int:
        port = said.get("bound")
        if not isinstance(port, int):
            raise _failure(said, log_file=self._options.log_file)
        return port

    def _state(self, said: Mapping[str, Any]) -> ProxyState:
        if said.get("ready") is not True:
            raise _failure(said, log_file=self._options.log_file)
        # As it says itself: the file is for others, and may come to harm at any time.
        state = ProxyState.from_json(said.get("state"))
        if state is None:
            raise ProxyStartError(reason="it does not say what it is", log_file=self._options.log_file)
        return state

    def _said(self) -> dict[str, Any]:
        """What the process says next; empty if it ends without a word."""
        try:
            try:
                line = self._lines.get(timeout=max(0.0, self._deadline - time.monotonic()))
            except Empty:  # where this process was stopped meanwhile, the thread has yet to read what was said
                line = self._lines.get(timeout=_CATCH_UP_SECONDS)
        except Empty:
            reason = f"it was not ready after {READY_SECONDS:.0f} seconds"
            raise ProxyStartError(reason=reason, log_file=self._options.log_file) from None
        try:
            said = json.loads(line)
        except ValueError:
            said = {}
        return said if isinstance(said, dict) else {}

    def _read(self) -> None:
        with suppress(OSError, ValueError):
            if self._process.stdout is not None:
                with self._process.stdout as said:
                    for _ in range(_LINES):
                        self._lines.put(said.readline(_LINE_LIMIT))


def _check_place(options: SpawnOptions) -> None:
    """Sees what the process would find out too late, when a client is already waiting for it."""
    if options.state_file.is_dir():
        error = IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        fix = write_remedy(options.state_file, error, variable="XDG_RUNTIME_DIR")
        raise ProxyStartError(
            reason=f"{options.state_file} cannot be written: {error.strerror}", log_file=options.log_file, fix=fix
        )


def _start(options: SpawnOptions, *, environ: Mapping[str, str], errors: IO[bytes] | int) -> subprocess.Popen[bytes]:
    command = [
        *(sys.executable, "-P", "-m", "kimi_cli.proxy"),  # -P: nothing is imported from the directory it starts in
        *("--state", str(options.state_file)),
        *("--log", str(options.log_file)),
        *("--port", str(options.port)),
        *("--grace", str(options.grace)),
        *("--retry", str(options.retry)),
        "--early",
    ]
    if options.lock_file is not None:
        command += ["--lock", str(options.lock_file)]
    if options.usage_dir is not None:
        command += ["--usage", str(options.usage_dir)]
    if options.calibration_file is not None:
        command += ["--calibration", str(options.calibration_file)]
    if options.strict:
        command.append("--strict")
    if options.debug:
        command.append("--debug")
    if options.reopening:
        command.append("--reopening")
    if options.replaces is not None:
        command += ["--replaces", options.replaces]
    failure = OSError()
    for flags in _WAYS:
        try:
            return subprocess.Popen(  # noqa: S603 - this interpreter, with our own arguments
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                # It keeps no directory in use, and no terminal's signal reaches it.
                cwd=Path(sys.executable).anchor,
                env=proxy_environment(environ),
                start_new_session=sys.platform != "win32",
                creationflags=flags,
            )
        except OSError as error:
            failure = error
    raise ProxyStartError(reason=f"{sys.executable} cannot be run ({failure.strerror})") from failure


def _close_input(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with suppress(OSError):  # a process that has died did not read what was written to it
            process.stdin.close()


def _clear_away(process: subprocess.Popen[bytes]) -> None:
    """Sees a process end that did not become a proxy. It is our child, so its id cannot have gone to anybody else."""
    _close_input(process)
    try:
        process.wait(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _error_output(log_file: Path) -> Iterator[IO[bytes] | int]:
    """Where a crash of the interpreter itself is written: the log, or nowhere if there can be none."""
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _PRIVATE)
    except OSError:
        yield subprocess.DEVNULL
        return
    with open(descriptor, "ab", buffering=0) as file:  # noqa: PTH123 - it is a descriptor
        yield file


def _failure(said: Mapping[str, Any], *, log_file: Path) -> ProxyError:
    """Why a process gave up, as it says itself."""
    if said.get("kind") == "port_taken":
        return PortTakenError(int(said["port"]), holder=said.get("holder"))
    reason, fix = str(said.get("error", "it ended at once")), said.get("fix")
    return ProxyStartError(reason=reason, log_file=log_file, fix=fix if isinstance(fix, str) else None)
