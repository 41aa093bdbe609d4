"""A new proxy process, and the line by which it says that it is ready."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, TYPE_CHECKING, Final

from kimi_cli.daemon.errors import PortTakenError, ProxyStartError
from kimi_cli.daemon.wishes import DEFAULT_GRACE, DEFAULT_PORT, DEFAULT_RETRY, proxy_environment
from kimi_cli.store.state import read_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kimi_cli.store.state import ProxyState

READY_SECONDS: Final = 20.0
"""How long a new process may take: well under a second as a rule, several on a cold or busy machine."""
_END_SECONDS: Final = 1.0
"""How long a process that has said why it cannot start may take to end."""
_LINE_LIMIT: Final = 16 * 1024
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

    With `strict` it takes `port` or none. With `reopening` it comes after one whose sessions have not ended, and waits
    for them a moment; `replaces` says what became of that one, for the log. Without `lock_file` it is one that nobody
    but its spawner looks for, and it must have a state file of its own.
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
    with _error_output(options.log_file) as errors:
        process = _start(options, environ=environ, errors=errors)
    try:
        state = _state_of(_first_line(process), options=options)
    except BaseException:
        _clear_away(process)
        raise
    # Waited for in the background: a proxy that ends before we do must not stay behind as a zombie.
    Thread(target=process.wait, daemon=True).start()
    return state


def _start(options: SpawnOptions, *, environ: Mapping[str, str], errors: IO[bytes] | int) -> subprocess.Popen[bytes]:
    command = [
        *(sys.executable, "-P", "-m", "kimi_cli.proxy"),  # -P: nothing is imported from the directory it starts in
        *("--state", str(options.state_file)),
        *("--log", str(options.log_file)),
        *("--port", str(options.port)),
        *("--grace", str(options.grace)),
        *("--retry", str(options.retry)),
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
                stdin=subprocess.DEVNULL,
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


def _clear_away(process: subprocess.Popen[bytes]) -> None:
    """Sees a process end that did not become a proxy. It is our child, so its id cannot have gone to anybody else."""
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


def _first_line(process: subprocess.Popen[bytes]) -> bytes | None:
    """What the process says first; empty if it ends without a word, None if it says nothing in time."""
    lines: SimpleQueue[bytes] = SimpleQueue()

    def read() -> None:
        with suppress(OSError, ValueError):
            if process.stdout is not None:
                with process.stdout:
                    lines.put(process.stdout.readline(_LINE_LIMIT))

    # A thread, because a pipe cannot be waited for with a deadline on every system.
    Thread(target=read, daemon=True).start()
    try:
        return lines.get(timeout=READY_SECONDS)
    except Empty:
        return None


def _state_of(line: bytes | None, *, options: SpawnOptions) -> ProxyState:
    """The state of a proxy whose first line says that it is ready."""
    if line is None:
        raise ProxyStartError(reason=f"it was not ready after {READY_SECONDS:.0f} seconds", log_file=options.log_file)
    try:
        said = json.loads(line)
    except ValueError:
        said = {}
    if not isinstance(said, dict):
        said = {}
    if said.get("ready") is True:
        state = read_state(options.state_file)
        if state is not None and state.instance == said.get("instance"):
            return state
        raise ProxyStartError(reason=f"{options.state_file} is not what it wrote", log_file=options.log_file)
    if said.get("kind") == "port_taken":
        raise PortTakenError(int(said["port"]), holder=said.get("holder"))
    reason, fix = str(said.get("error", "it ended at once")), said.get("fix")
    raise ProxyStartError(reason=reason, log_file=options.log_file, fix=fix if isinstance(fix, str) else None)
