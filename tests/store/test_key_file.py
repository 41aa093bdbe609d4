"""Keys in a protected file."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest

from kimi_cli.errors import SecretError
from kimi_cli.store.files import write_private
from kimi_cli.store.key_file import change_key, read_keys

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")


@pytest.fixture
def path(paths):
    """Where the key file is."""
    return paths.keys_file


def test_keeps_and_forgets(path):
    """Keys are kept beside one another; with the last one the file goes."""
    assert change_key(path, "groq", key="one")
    assert change_key(path, "moonshot", key="two")
    assert not change_key(path, "moonshot", key="two")
    assert read_keys(path) == {"groq": "one", "moonshot": "two"}
    assert change_key(path, "groq", key=None)
    assert not change_key(path, "groq", key=None)
    assert read_keys(path) == {"moonshot": "two"}
    assert change_key(path, "moonshot", key=None)
    assert list(path.parent.iterdir()) == []


def test_forgetting_makes_nothing(path):
    """Forgetting a key where there is no file makes none."""
    assert not change_key(path, "groq", key=None)
    assert read_keys(path) == {}
    assert not path.parent.exists()


@posix
def test_private(path):
    """The file is 0600 in a directory that is 0700, also where the directory was open."""
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o755)
    change_key(path, "groq", key="one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_open_file_is_refused_with_its_fix(path, mode):
    """A file that others can read is neither read nor added to, and the fix is named."""
    change_key(path, "groq", key="gsk_secret")
    path.chmod(mode)
    for use in (read_keys, lambda it: change_key(it, "moonshot", key="k"), lambda it: change_key(it, "groq", key=None)):
        with pytest.raises(SecretError, match="can be read or written by others") as caught:
            use(path)
        assert caught.value.fix == f"chmod 600 {path}"
    path.chmod(0o600)
    assert read_keys(path) == {"groq": "gsk_secret"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"gsk_secret",
        b"\xff",
        b"[" * 20_000,
        b"[]",
        b"{}",
        b'{"schema": 2, "keys": {"groq": "gsk_secret"}}',
        b'{"schema": 1, "keys": ["gsk_secret"]}',
        b'{"schema": 1, "keys": {"groq": ["gsk_secret"]}}',
    ],
    ids=lambda data: repr(data[:40]),
)
def test_broken_file_is_left_alone(path, data):
    """A file that is not ours is an error that repeats nothing of it, and is not overwritten."""
    write_private(path, data)
    for use in (read_keys, lambda it: change_key(it, "groq", key="k")):
        with pytest.raises(SecretError, match="left as it is") as caught:
            use(path)
        assert "gsk_secret" not in str(caught.value)
    assert path.read_bytes() == data


def test_full_disk(path, full_disk):
    """On a full disk the keys that were there stay."""
    change_key(path, "groq", key="one")
    with full_disk(), pytest.raises(SecretError, match="cannot be written"):
        change_key(path, "groq", key="two")
    assert read_keys(path) == {"groq": "one"}
    assert list(path.parent.iterdir()) == [path]


@posix
def test_read_only_directory(path, unprivileged):
    """A directory that cannot be written to is one sentence."""
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o500)
    with pytest.raises(SecretError, match=r"cannot be written \(Permission denied\)"):
        change_key(path, "groq", key="one")


def test_two_at_once(path):
    """Processes that set keys at the same moment lose none of them."""
    script = (
        "import sys; from pathlib import Path; from kimi_cli.store.key_file import change_key\n"
        "for n in range(8): change_key(Path(sys.argv[1]), f'{sys.argv[2]}{n}', key='k')\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", script, str(path), name]) for name in "abc"]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert set(read_keys(path)) == {f"{name}{number}" for name in "abc" for number in range(8)}
