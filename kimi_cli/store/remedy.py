"""What helps where a file cannot be read or written: the command for what the operating system said."""

from __future__ import annotations

import errno
import os
import shlex
from typing import TYPE_CHECKING, Final

from kimi_cli.store.files import NotPrivateError

if TYPE_CHECKING:
    from pathlib import Path

_FULL: Final = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_EFFECTIVE: Final = {"effective_ids": os.access in os.supports_effective_ids}
"""Permissions are those of the user that files are opened as."""
_IN_THE_WAY: Final = frozenset({errno.EEXIST, errno.ENOTDIR})


def write_remedy(path: Path, error: OSError, *, variable: str = "XDG_CONFIG_HOME") -> str | None:
    """The command that mends why the file at `path` could not be written; None where there is none to name.

    `variable` is the one by which such files can be put somewhere else.
    """
    if isinstance(error, NotPrivateError):
        return f'sudo chown -R "$USER" {shlex.quote(str(error.path))}' if "another user" in error.reason else None
    if error.errno == errno.EISDIR:
        return _out_of_the_way(path)
    place = _nearest(path)
    if isinstance(error, PermissionError):
        if _is_own(place):
            return f"chmod u+rwx {shlex.quote(str(place))}"
        return f"export {variable}=DIRECTORY, with one that you can write to"
    if error.errno in _FULL:
        return f"df -h {shlex.quote(str(place))}, to see what is full, and make room"
    return _out_of_the_way(place) if error.errno in _IN_THE_WAY else None


def read_remedy(path: Path, error: OSError) -> str | None:
    """The command that mends why what is at `path` could not be read; None where there is none to name."""
    if isinstance(error, PermissionError):
        closed = next((place for place in reversed(path.parents) if not os.access(place, os.X_OK, **_EFFECTIVE)), None)
        if closed is not None:
            return f"chmod u+rwx {shlex.quote(str(closed))}" if _is_own(closed) else None
        return f"chmod u+rw {shlex.quote(str(path))}"
    if error.errno == errno.ENOTDIR:
        return _out_of_the_way(_nearest(path))
    return _out_of_the_way(path) if error.errno == errno.EISDIR else None


def _out_of_the_way(place: Path) -> str:
    return f"mv {shlex.quote(str(place))} {shlex.quote(f'{place}.old')}"


def _nearest(path: Path) -> Path:
    """The directory that a new file at `path` would be made in, or what there is in its way."""
    return next((place for place in path.parents if os.access(place, os.F_OK, **_EFFECTIVE)), path)


def _is_own(place: Path) -> bool:
    return not hasattr(os, "geteuid") or place.stat().st_uid == os.geteuid()
