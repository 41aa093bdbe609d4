"""Which process `kimi env` works for: the shell, or the program, that takes up what it prints.

Its parent is not always that one. A shell runs `eval "$(kimi env | ...)"` in a copy of itself that is gone the next
moment; `sh -c`, `uv run`, `timeout` and their like stand in between. What they have in common: they write into the
same pipe as we do, or they are copies, or their command line ends with ours. The nearest ancestor of which nothing of
this is true is the one that reads.
"""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import KimiError
from kimi_cli.store.identity import ProcessIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import psutil

_OURS: Final = frozenset({"kimi", "kimi_cli", "__main__"})
"""How the word before our arguments ends, whichever way we were started."""
_INITS: Final = frozenset({"systemd", "init", "launchd", "tini", "dumb-init", "docker-init", "catatonit"})
"""Programs that adopt the children of others. They end with the machine, and so would a session of theirs."""
_FARTHEST: Final = 64
"""Ancestors to look at; nobody has as many."""


class NoCallerError(KimiError):
    """Nobody is there whom a session could belong to."""

    def __init__(self) -> None:
        super().__init__("No shell or program is there that the session could belong to.", fix="kimi serve")


@dataclass(frozen=True, slots=True)
class Caller:
    """The process that a session is opened for. `name` is its program's, such as `bash`."""

    process: ProcessIdentity
    name: str


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A process on the way up from ours.

    `stdout` names the pipe or socket that it writes to, where that can be told; `is_copy` where it is its parent
    going on, with nothing of its own.
    """

    pid: int
    name: str
    command: tuple[str, ...]
    stdout: str | None = None
    is_copy: bool = False


def find_caller(argv: Sequence[str]) -> Caller:
    """The process that takes up what this one prints; `argv` is our command line without the program.

    Raises:
        NoCallerError: there is none.
    """
    chosen = choose(_ancestors(), stdout=_pipe("self"), argv=argv)
    if chosen is None:
        raise NoCallerError
    try:
        return Caller(ProcessIdentity.of(chosen.pid), chosen.name)
    except ProcessLookupError:
        raise NoCallerError from None


def choose(ancestors: Iterable[Ancestor], *, stdout: str | None, argv: Sequence[str]) -> Ancestor | None:
    """The first of our ancestors, the nearest first, that is more than a way to us."""
    for ancestor in ancestors:
        is_inside = stdout is not None and ancestor.stdout == stdout
        if not (is_inside or ancestor.is_copy or _is_given_ours(ancestor.command, argv)):
            return None if ancestor.name in _INITS else ancestor
    return None


def program_name(text: str) -> str:
    """A program's plain name: `-bash` and `/bin/bash` are bash, `PowerShell.exe` is powershell."""
    name = PurePath(text.replace("\\", "/")).name.lower().removesuffix(".exe")
    return name.removeprefix("-")


def _is_given_ours(command: Sequence[str], argv: Sequence[str]) -> bool:
    """Whether a command line is another's with ours at its end: `timeout 10 kimi env`."""
    before = len(command) - len(argv)
    if before < 1 or not argv or list(command[before:]) != list(argv):
        return False
    return program_name(command[before - 1]).removesuffix(".py") in _OURS


def _ancestors() -> Iterator[Ancestor]:
    import psutil

    try:
        process = psutil.Process(os.getppid())
    except psutil.Error:
        return
    for _ in range(_FARTHEST):
        parent = _parent(process)
        try:
            name, command = program_name(process.name()), tuple(process.cmdline())
        except psutil.AccessDenied:
            name, command = "", ()
        except psutil.Error:
            return
        is_copy = parent is not None and _is_copy(process, parent)
        yield Ancestor(process.pid, name, command, _pipe(str(process.pid)), is_copy)
        if parent is None:
            return
        process = parent


def _parent(process: psutil.Process) -> psutil.Process | None:
    import psutil

    try:
        return process.parent()
    except psutil.Error:
        return None


if sys.platform == "linux":
    _NEVER_EXECUTED: Final = 0x40
    """`PF_FORKNOEXEC` among the flags of a process: it was made, and has not executed a program since."""

    def _pipe(process: str) -> str | None:
        """The pipe or socket that a process writes to; a terminal or a file is shared by strangers, and is none."""
        path = Path(f"/proc/{process}/fd/1")
        try:
            mode = path.stat().st_mode
            return str(path.readlink()) if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else None
        except OSError:  # gone, or another user's
            return None

    def _is_copy(process: psutil.Process, parent: psutil.Process) -> bool:
        """Whether a process is its parent going on: it was made, executed nothing, and its parent is there still."""
        import psutil

        try:
            fields = Path(f"/proc/{process.pid}/stat").read_bytes().rpartition(b")")[2].split()
            return bool(int(fields[6]) & _NEVER_EXECUTED) and process.name() == parent.name()
        except (OSError, psutil.Error):
            return False

else:

    def _pipe(_process: str) -> str | None:
        """Cannot be told."""
        return None

    def _is_copy(process: psutil.Process, parent: psutil.Process) -> bool:
        """Whether a process is its parent going on, as far as that can be told."""
        return _seems_copied(process, parent)


if sys.platform == "win32":

    def _seems_copied(_process: psutil.Process, _parent: psutil.Process) -> bool:
        """Windows makes no copies of processes."""
        return False

else:

    def _seems_copied(process: psutil.Process, parent: psutil.Process) -> bool:
        """Whether a process looks like its parent going on: the same command line, and no job of its own."""
        import psutil

        try:
            is_same = bool(process.cmdline()) and process.cmdline() == parent.cmdline()
            return is_same and os.getpgid(process.pid) != process.pid
        except (OSError, psutil.Error):
            return False
