"""Claude Code as a child process that the shell, and the user's keys, deal with as if it were this one.

On POSIX the child is in our process group, so that the terminal's signals reach both: SIGINT and SIGQUIT are the
child's business, and we only wait; SIGTERM and SIGHUP, which come to us alone, are passed on. When the child stops
(Ctrl-Z), so do we, because the shell waits for us.

On Windows the child shares our console, and Ctrl-C and Ctrl-Break reach both in the same way. In a process group of
its own it would not get Ctrl-C at all.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from kimi_cli.launcher.terminal import TerminalState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

DEATH_BY_SIGNAL: Final = 128
"""Added to the signal's number, as shells do."""
_END_SECONDS: Final = 3.0
"""How long a client that was told to end may take."""
_STOP_PAUSE: Final = 0.05
"""Seconds in which a stop that was meant for both of us has reached us as well."""


def run_client(command: Sequence[str] | str, *, environ: Mapping[str, str], started: Callable[[int], None]) -> int:
    """Runs the client to its end and gives its exit status. `started` is called with its process id.

    Where that fails the client is ended, and the failure goes on.

    Raises:
        OSError: it cannot be started.
    """
    terminal = TerminalState.read()
    with _signals() as signals:
        process = subprocess.Popen(command, env=dict(environ))  # noqa: S603 - the program that the user wants to run
        signals.deliver_to(process.pid)
        try:
            started(process.pid)
        except BaseException:
            _end(process)
            terminal.restore()
            raise
        status = _wait(process)
        signals.deliver_to(None)
    if status < 0:
        terminal.restore()
        return DEATH_BY_SIGNAL - status
    return status


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the client, which may still put the terminal in order and save what it has."""
    process.terminate()
    try:
        process.wait(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Signals:
    """Passes signals on to the child, those that came before it was there included."""

    def __init__(self) -> None:
        self._pid: int | None = None
        self._early: list[int] = []
        self._is_over = False

    def deliver_to(self, pid: int | None) -> None:
        """Names the child; None once there is none any more."""
        self._is_over, self._pid = pid is None, pid
        while self._early:
            self.forward(self._early.pop(0))

    def forward(self, number: int, _frame: FrameType | None = None) -> None:
        """A handler: the child gets the signal that we got."""
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, number)
        elif not self._is_over:
            self._early.append(number)

    def ignore(self, number: int, _frame: FrameType | None = None) -> None:
        """A handler: the child gets this signal from the terminal as well, unless it is not there yet.

        It is no `SIG_IGN`, which the child would inherit.
        """
        if self._pid is None and not self._is_over:
            self._early.append(number)


@contextmanager
def _signals() -> Iterator[_Signals]:
    """Our handlers, for as long as the child runs. A signal that we were started to ignore stays ignored, by both."""
    signals = _Signals()
    handlers: dict[int, Callable[[int, FrameType | None], None]] = {signal.SIGINT: signals.ignore}
    if sys.platform == "win32":
        handlers[signal.SIGBREAK] = signals.ignore
    else:
        handlers |= {signal.SIGQUIT: signals.ignore, signal.SIGTERM: signals.forward, signal.SIGHUP: signals.forward}
    if threading.current_thread() is not threading.main_thread():  # handlers are the main thread's
        handlers = {}
    before = {number: signal.getsignal(number) for number in handlers}
    for number, handler in handlers.items():
        if before[number] not in {signal.SIG_IGN, None}:
            signal.signal(number, handler)
    if sys.platform != "win32" and handlers:
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it loses exit statuses
    try:
        yield signals
    finally:
        for number, found in before.items():
            if found is not None:  # one that was not set from Python, and that we could not set again
                signal.signal(number, found)


if sys.platform == "win32":

    def _wait(process: subprocess.Popen[bytes]) -> int:
        return process.wait()

else:

    def _wait(process: subprocess.Popen[bytes]) -> int:
        """The child's exit status, negative for a signal. Unlike `Popen.wait` it also sees the child stop."""
        while True:
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            if os.WIFSTOPPED(status):
                _stop_with(process.pid)
            else:
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode

    def _stop_with(pid: int) -> None:
        """Stops this process as its child has stopped, until the shell continues both.

        A stop that the terminal sends reaches both of us. Then we were stopped and have been continued by the time
        that this is done with its pause, the child runs, and to stop once more would be wrong.
        """
        import psutil  # slow to import, and hardly ever needed

        time.sleep(_STOP_PAUSE)
        try:
            if psutil.Process(pid).status() != psutil.STATUS_STOPPED:
                return
        except psutil.Error:
            return
        os.kill(os.getpid(), signal.SIGSTOP)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
