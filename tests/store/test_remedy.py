"""What helps where a file cannot be read or written."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from kimi_cli.store.files import NotPrivateError
from kimi_cli.store.remedy import read_remedy, write_remedy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of POSIX shells")


def failure(number: int) -> OSError:
    """The system's own error of this number."""
    return OSError(number, os.strerror(number))


def test_a_full_disk(tmp_path):
    """What is full is the file system that the file would be on, wherever its directories begin to be missing."""
    for number in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        assert write_remedy(tmp_path / "a" / "b" / "f", failure(number)).startswith(f"df -h {tmp_path},")


def test_a_directory_that_may_not_be_written(tmp_path):
    """One's own directory can be opened; for somebody else's there is another place."""
    assert write_remedy(tmp_path / "a" / "f", failure(errno.EACCES)) == f"chmod u+rwx {tmp_path}"


def test_a_directory_of_somebody_else(unprivileged):
    """Nobody is told to change what is not theirs."""
    assert write_remedy(Path("/f"), failure(errno.EACCES)).startswith("export XDG_CONFIG_HOME=")


def test_words_with_spaces(tmp_path):
    """A path is one word of the command."""
    folder = tmp_path / "two words"
    folder.mkdir()
    assert write_remedy(folder / "f", failure(errno.EACCES)) == f"chmod u+rwx '{folder}'"


def test_something_in_the_way(tmp_path):
    """What is there in the place of a directory or a file is moved, and not removed."""
    blocked = tmp_path / "blocked"
    blocked.write_text("mine")
    moved = f"mv {blocked} {blocked}.old"
    assert write_remedy(blocked / "f", failure(errno.ENOTDIR)) == moved
    assert write_remedy(blocked / "f", failure(errno.EEXIST)) == moved
    assert write_remedy(blocked, failure(errno.EISDIR)) == moved
    assert read_remedy(blocked / "f", failure(errno.ENOTDIR)) == moved
    assert read_remedy(blocked, failure(errno.EISDIR)) == moved


def test_another_users_directory(tmp_path):
    """A directory of ours that another user made, as a run with sudo does, is taken back."""
    theirs = NotPrivateError(tmp_path, reason="belongs to another user")
    assert write_remedy(tmp_path / "f", theirs) == f'sudo chown -R "$USER" {tmp_path}'
    assert write_remedy(tmp_path / "f", NotPrivateError(tmp_path, reason="is not a regular file")) is None


def test_reading(tmp_path):
    """A file that may not be read is opened."""
    assert read_remedy(tmp_path / "f", failure(errno.EACCES)) == f"chmod u+rw {tmp_path / 'f'}"


def test_reading_through_a_closed_directory(sandbox, unprivileged):
    """A directory that may not be entered is what has to be opened, and not the file behind it."""
    closed = sandbox.home / "closed"
    closed.mkdir()
    closed.chmod(0)
    try:
        assert read_remedy(closed / "a" / "f", failure(errno.EACCES)) == f"chmod u+rwx {closed}"
        assert write_remedy(closed / "a" / "f", failure(errno.EACCES)) == f"chmod u+rwx {closed}"
    finally:
        closed.chmod(0o700)


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.ETIMEDOUT])
def test_nothing_to_name(tmp_path, number):
    """Where no command helps none is named."""
    assert write_remedy(tmp_path / "f", failure(number)) is None
    assert read_remedy(tmp_path / "f", failure(number)) is None
