"""Private files and directories."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kimi_cli.store.files import NotPrivateError, ensure_private_dir, exclusive, read_private, write_private

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request):
    """Each umask that matters."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@posix
def test_modes_do_not_depend_on_the_umask(tmp_path, umask):
    """Files are 0600 and new directories, parents included, 0700, whatever the umask."""
    path = tmp_path / "a" / "b" / "file"
    write_private(path, b"x")
    assert (mode(path), mode(path.parent), mode(path.parent.parent)) == (0o600, 0o700, 0o700)


def test_replaces_whole_files(tmp_path):
    """The new content takes the place of the old, and no temporary file is left."""
    path = tmp_path / "file"
    write_private(path, b"a long first version")
    write_private(path, b"short")
    assert path.read_bytes() == b"short"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_replacing_closes_an_open_file(tmp_path):
    """A file that others could read cannot be read by them after it was written."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert mode(path) == 0o600


def test_old_file_survives_a_full_disk(tmp_path, full_disk):
    """When the disk is full the old file is as it was, and no temporary file is left."""
    path = tmp_path / "file"
    write_private(path, b"old")
    with full_disk(), pytest.raises(OSError, match="large"):
        write_private(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_links_are_replaced_not_followed(tmp_path):
    """A symbolic link in the place of the file is replaced; what it points to is left alone."""
    target = tmp_path / "target"
    target.write_bytes(b"theirs")
    path = tmp_path / "file"
    path.symlink_to(target)
    write_private(path, b"ours")
    assert (target.read_bytes(), path.read_bytes(), path.is_symlink()) == (b"theirs", b"ours", False)


@posix
def test_read_only_directory_is_an_error(sandbox, unprivileged):
    """A directory that its owner made read-only is not written to, nor opened up."""
    directory = sandbox.home / "locked"
    directory.mkdir(mode=0o500)
    ensure_private_dir(directory)
    with pytest.raises(PermissionError):
        write_private(directory / "file", b"x")
    assert mode(directory) == 0o500


@posix
def test_open_directory_is_closed_to_others(tmp_path):
    """A directory of ours that others could enter becomes private; one that is private stays."""
    directory = tmp_path / "open"
    directory.mkdir(mode=0o755)
    directory.chmod(0o755)
    ensure_private_dir(directory)
    assert mode(directory) == 0o700


@posix
def test_another_users_directory_is_refused(sandbox, unprivileged):
    """A directory that belongs to somebody else is not used."""
    with pytest.raises(NotPrivateError, match="belongs to another user"):
        ensure_private_dir(Path("/usr"))


def test_a_file_is_no_directory(tmp_path):
    """A file in the place of the directory is an error."""
    path = tmp_path / "file"
    path.write_bytes(b"")
    with pytest.raises(OSError, match="exists"):
        ensure_private_dir(path)


def test_reads_what_was_written(tmp_path):
    """What was written privately can be read."""
    path = tmp_path / "file"
    write_private(path, b"line\r\nline\n\x1a")
    assert read_private(path, limit=100) == b"line\r\nline\n\x1a"


@posix
@pytest.mark.parametrize("open_mode", [0o640, 0o604, 0o620, 0o602, 0o610])
def test_open_files_are_not_read(tmp_path, open_mode):
    """A file that the group or others have any permission on is refused."""
    path = tmp_path / "file"
    write_private(path, b"secret")
    path.chmod(open_mode)
    with pytest.raises(NotPrivateError, match="by others"):
        read_private(path, limit=100)


@posix
def test_another_users_files_are_not_read(sandbox, unprivileged):
    """A file that belongs to somebody else is refused."""
    with pytest.raises(NotPrivateError, match="another user"):
        read_private(Path("/etc/passwd"), limit=1_000_000)


@posix
def test_pipes_neither_block_nor_are_read(tmp_path):
    """A pipe in the place of the file is refused at once."""
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)
    with pytest.raises(NotPrivateError, match="regular"):
        read_private(path, limit=100)


def test_large_files_are_not_read(tmp_path):
    """A file beyond the limit is refused; one that just reaches it is read."""
    path = tmp_path / "file"
    write_private(path, b"12345")
    assert read_private(path, limit=5) == b"12345"
    with pytest.raises(NotPrivateError, match="larger than 4 bytes"):
        read_private(path, limit=4)


def test_missing_files_are_missing(tmp_path):
    """A missing file is told from an unusable one."""
    with pytest.raises(FileNotFoundError):
        read_private(tmp_path / "none", limit=5)


def test_exclusive_keeps_processes_apart(tmp_path):
    """Counters in a file that many processes raise at once lose no step."""
    path = tmp_path / "counter"
    write_private(path, b"0")
    script = (
        "import sys; from pathlib import Path; from kimi_cli.store.files import exclusive, write_private\n"
        "path = Path(sys.argv[1])\n"
        "for _ in range(25):\n"
        "    with exclusive(path.parent): write_private(path, str(int(path.read_bytes()) + 1).encode())\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", script, str(path)]) for _ in range(4)]
    assert [process.wait(60) for process in started] == [0, 0, 0, 0]
    assert path.read_bytes() == b"100"
    assert list(tmp_path.iterdir()) == [path]


def test_exclusive_is_let_go_of_after_a_failure(tmp_path):
    """What fails within it does not keep the next one out."""
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path):
        raise ZeroDivisionError
    with exclusive(tmp_path):
        pass
