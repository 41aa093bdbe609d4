"""Keeps one command: a process between the proxy and a shell, which ends when everything has ended that it started.

Run as a script, with nothing but the standard library, so that it is there at once:

    python -I -S keeper.py SHELL COMMAND

The command's output is the keeper's own, its status is the keeper's too, 128 + n where signal n ended it. The end of
the keeper's stdin is the order to end the command; so the command ends with the proxy, however that does. Processes
that leave the command's session, and lose their parent, become the keeper's own children where the system can do that
(Linux), whatever their environment says.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

assert sys.platform != "win32"  # noqa: S101 - for the type checker; it is never started there

PROCESSES = 256
"""Threads and processes that a command may add to those of the system. Builds need dozens, fork bombs thousands."""
FILE_BYTES = 1024 * 1024 * 1024
TERM_SECONDS = 0.3
"""For an orderly end, such as removing a lock file."""
KILL_SECONDS = 10.0
_LOOK_SECONDS = 0.01
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


def main(shell: str, command: str) -> int:
    """Run the command, and end all that it has started."""
    _adopt_orphans()
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(ended, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    before = _tasks()
    child = os.fork()
    if child == 0:
        _become(shell, command)
    status = _watch(child, ended, most=before + PROCESSES)
    if status is None:
        status = _ask_to_end(child, ended)
    _end_all(child)
    return 128 + signal.SIGTERM if status is None else status


def _become(shell: str, command: str) -> None:
    """The shell, in a session of its own. Does not come back."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        _limit()
        os.execv(shell, [shell, "-c", command])  # noqa: S606 - the shell is what is started
    except BaseException as error:  # noqa: BLE001 - nothing of this process may go on in the child
        os.write(2, f"{shell} cannot be run: {error}\n".encode())
    os._exit(127)


def _limit() -> None:
    import resource

    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, FILE_BYTES)]
    if os.getuid() != 0 and (mine := _tasks(os.getuid())):  # it does not hold for root
        limits.append((resource.RLIMIT_NPROC, mine + PROCESSES))
    for kind, most in limits:
        hard = resource.getrlimit(kind)[1]
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _watch(child: int, ended: int, *, most: int) -> int | None:
    """The command's status; None where it has to end before it has one."""
    while True:
        ready, _, _ = select.select([0, ended], [], [], _LOOK_SECONDS)
        if 0 in ready:
            return None
        if ended in ready:
            os.read(ended, 4096)
            status = _reap(child)
            if status is not None:
                return status
        if 0 < most < _tasks() and len(_descendants()) > PROCESSES:
            os.write(2, f"\nStopped: the command started more than {PROCESSES} processes.\n".encode())
            return None


def _ask_to_end(child: int, ended: int) -> int | None:
    with suppress(OSError):
        os.killpg(child, signal.SIGTERM)
    deadline = time.monotonic() + TERM_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        select.select([ended], [], [], min(left, _LOOK_SECONDS))
        with suppress(OSError):
            os.read(ended, 4096)
        if _reap(child) is not None:
            break
    return None


def _end_all(child: int) -> None:
    """Kill the command's group, then whatever else came of it, until there is nothing left to wait for."""
    deadline = time.monotonic() + KILL_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError):
            os.killpg(child, signal.SIGKILL)
        for pid in _descendants():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_LOOK_SECONDS / 5)


def _reap(child: int) -> int | None:
    """The command's status, if it has ended; whatever else has ended is let go."""
    found = None
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                found = code if code >= 0 else 128 - code
    return found


def _descendants() -> list[int]:
    """Everything below this process; nothing where the system does not list processes as files."""
    children: dict[int, list[int]] = {}
    for pid in _pids():
        if fields := _fields(pid):
            children.setdefault(int(fields[1]), []).append(int(pid))
    found, left = [], [os.getpid()]
    while left:
        below = children.pop(left.pop(), [])
        found += below
        left += below
    return found


def _tasks(uid: int | None = None) -> int:
    """How many threads there are, of all users or of one; 0 where that cannot be told."""
    if uid is None:
        try:
            return int(Path("/proc/loadavg").read_text("ascii").split()[3].split("/")[1])
        except (OSError, ValueError, IndexError):
            return 0
    count = 0
    for pid in _pids():
        with suppress(OSError):
            if Path("/proc", pid).stat().st_uid == uid and (fields := _fields(pid)):
                count += int(fields[17])
    return count


def _pids() -> list[str]:
    """Every process, where the system lists them as files."""
    try:
        return [path.name for path in Path("/proc").iterdir() if path.name.isdecimal()]
    except OSError:
        return []


def _fields(pid: str) -> list[str]:
    """What `/proc/PID/stat` says behind the name: state, parent, and so on."""
    try:
        return Path("/proc", pid, "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


if __name__ == "__main__":
    code = main(sys.argv[1], sys.argv[2])
    os._exit(code)
