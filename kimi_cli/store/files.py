"""Private files: written whole or not at all, and readable by their owner alone.

Errors are the operating system's own (`OSError`); whoever knows what the file is for turns them into a sentence.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIVATE_DIRECTORY: Final = 0o700
PRIVATE_FILE: Final = 0o600
OTHERS: Final = 0o077
"""Every permission of the group and of others."""

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
"""A file that nobody had a hand in before."""
_RANDOM_BYTES: Final = 8
_REPLACE_TRIES: Final = 20
_REPLACE_PAUSE: Final = 0.05
"""Seconds. Windows refuses to replace a file that somebody is reading just now; our readers hold it for moments."""
_LOCK_TIMEOUT: Final = 5.0
"""Seconds; a lock is held for the writing of one small file."""
_LOCK_PAUSE: Final = 0.02


class NotPrivateError(PermissionError):
    """A file that should be its owner's alone is not; `reason` completes "the file ..."."""

    def __init__(self, path: Path, *, reason: str) -> None:
        super().__init__(errno.EPERM, reason, str(path))
        self.path, self.reason = path, reason


def write_private(path: Path, data: bytes) -> None:
    """Replaces `path` by a file that holds `data`, with mode 0600, in one step.

    Readers see the old file or the new one. After any failure, a full disk included, the old file is as it was and no
    temporary file is left. Missing parent directories are made with mode 0700; existing ones stay as they are
    (see `ensure_private_dir`). A symbolic link at `path` is itself replaced, never written through.

    Raises:
        OSError: it cannot be written.
    """
    if not path.parent.is_dir():
        ensure_private_dir(path.parent)
    temporary = path.with_name(f".{path.name}.{os.urandom(_RANDOM_BYTES).hex()}.tmp")
    descriptor = os.open(temporary, _NEW, PRIVATE_FILE)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - it is a descriptor
            if sys.platform != "win32":
                os.fchmod(file.fileno(), PRIVATE_FILE)  # whatever the umask took away
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_directory(path.parent)


def read_private(path: Path, *, limit: int) -> bytes:
    """The bytes of a file that only its owner, this user, can read or write.

    What was opened is what is judged, so that nothing can be exchanged in between; a pipe or a device put in the
    file's place neither blocks nor is read.

    Raises:
        NotPrivateError: it is somebody else's, open to others, not a regular file, or larger than `limit` bytes.
        OSError: it cannot be read; `FileNotFoundError` where there is none.
    """
    # O_BINARY keeps Windows from translating line ends; O_NONBLOCK keeps a pipe from hanging us. Each is missing
    # where it has no meaning.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 - it is a descriptor
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise NotPrivateError(path, reason="is not a regular file")
        if sys.platform != "win32":
            if found.st_uid != os.geteuid():
                raise NotPrivateError(path, reason="belongs to another user")
            if found.st_mode & OTHERS:
                raise NotPrivateError(path, reason="can be read or written by others")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise NotPrivateError(path, reason=f"is larger than {limit} bytes")
    return data


def ensure_private_dir(path: Path) -> None:
    """Makes `path`, parents included, a directory with mode 0700 that belongs to this user.

    A directory of ours that is open to others is closed to them. One that belongs to somebody else is refused, as is
    a symbolic link that somebody else made: they could exchange what we put there.

    Raises:
        NotPrivateError: it belongs to another user.
        OSError: it cannot be made, or is not a directory.
    """
    _make(path)
    if sys.platform != "win32":  # there a user's profile directories are private by inheritance
        if path.is_symlink() and path.lstat().st_uid not in {os.geteuid(), 0}:
            raise NotPrivateError(path, reason="is another user's symbolic link")
        found = path.stat()
        if found.st_uid != os.geteuid():
            raise NotPrivateError(path, reason="belongs to another user")
        if found.st_mode & OTHERS:  # the owner's own bits stay: who made it read-only meant that
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Keeps every other process that uses this function out of `directory` while a file in it is read and rewritten.

    POSIX locks the directory itself, which leaves no file behind; Windows cannot, and uses a file that goes with the
    lock. Where the file system knows no locks (some network mounts), nothing is locked: writes stay atomic, and the
    later of two at the same moment wins.

    Raises:
        TimeoutError: another process did not let go of it.
        OSError: the directory cannot be opened.
    """
    with _locked(directory):
        yield


def _make(path: Path) -> None:
    """`mkdir -p` whose every new directory is 0700, whatever the umask; `Path.mkdir` gives parents the default mode."""
    if path.is_dir():
        return
    if path.parent != path:
        _make(path.parent)
    try:
        path.mkdir(mode=PRIVATE_DIRECTORY)
    except FileExistsError:
        if not path.is_dir():  # else another process was faster
            raise
    else:
        path.chmod(PRIVATE_DIRECTORY)


def _replace(source: Path, target: Path) -> None:
    tries = _REPLACE_TRIES if sys.platform == "win32" else 1
    while True:
        tries -= 1
        try:
            source.replace(target)
        except PermissionError:
            if not tries:
                raise
            time.sleep(_REPLACE_PAUSE)
        else:
            return


def _sync_directory(path: Path) -> None:
    """Makes the new name durable; the file itself is already, so a file system that cannot is no failure."""
    if sys.platform != "win32":
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


if sys.platform == "win32":

    @contextmanager
    def _locked(directory: Path) -> Iterator[None]:
        import filelock

        try:
            with filelock.FileLock(directory / ".lock", timeout=_LOCK_TIMEOUT):
                yield
        except filelock.Timeout as error:
            raise _busy(directory) from error

else:
    import fcntl

    @contextmanager
    def _locked(directory: Path) -> Iterator[None]:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            deadline = time.monotonic() + _LOCK_TIMEOUT
            while not _try_lock(descriptor):
                if time.monotonic() >= deadline:
                    raise _busy(directory)
                time.sleep(_LOCK_PAUSE)
            yield
        finally:
            os.close(descriptor)  # which lets go of the lock

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in {errno.EBADF, errno.ENOLCK, errno.EINVAL, errno.ENOTSUP}:
                raise
        return True


def _busy(directory: Path) -> TimeoutError:
    return TimeoutError(errno.ETIMEDOUT, "another process is changing the files in it", str(directory))
