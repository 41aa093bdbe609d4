"""A token and the file that keeps it."""

from __future__ import annotations

import os
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from kimi_cli.store.session_token import TokenFileError, is_token, kept_token, new_token

POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")


@pytest.fixture
def file(tmp_path):
    """Where a token is kept."""
    return tmp_path / "token"


def test_new_tokens():
    """Each is another one, and has the form."""
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(map(is_token, tokens))


@pytest.mark.parametrize(
    "text", ["", "short", "x" * 31, "x" * 257, "x" * 40 + "\n", "x" * 40 + " ", "ü" * 40, "a+" * 20]
)
def test_what_is_no_token(text):
    """A text that is too short, too long, or not safe in a header is none."""
    assert not is_token(text)


def test_written_and_found_again(file):
    """The first time a token is made, and every other time it is the same; nothing lies beside it."""
    token = kept_token(file)
    assert is_token(token)
    assert kept_token(file) == token
    assert [path.name for path in file.parent.iterdir() if path.name != ".lock"] == ["token"]
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_token_of_the_users_own(file, end):
    """A token that somebody else wrote is used, with or without the end of its line."""
    file.write_bytes(b"my-own_token-0123456789abcdefghij" + end.encode())
    file.chmod(0o600)
    assert kept_token(file) == "my-own_token-0123456789abcdefghij"


def test_all_at_once(file):
    """However many come in the same moment, they get one token."""
    start = threading.Barrier(8)

    def keep(_):
        start.wait(10)
        return kept_token(file)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(keep, range(8)))) == 1


@POSIX_ONLY
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_open_to_others(file, mode):
    """A file that others can read or write is refused, with the command that closes it, and left as it is."""
    file.write_text("x" * 40)
    file.chmod(mode)
    with pytest.raises(TokenFileError, match="can be read or written by others") as caught:
        kept_token(file)
    assert caught.value.fix == f"chmod 600 {file}"
    assert file.read_text() == "x" * 40


@POSIX_ONLY
def test_somebody_elses(file):
    """Another user's file is refused: they know the token."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    file.write_text("x" * 40)
    file.chmod(0o600)
    os.chown(file, 12345, 12345)
    with pytest.raises(TokenFileError, match="belongs to another user"):
        kept_token(file)


@pytest.mark.parametrize("content", [b"", b"short\n", b"x" * 300, b"\xff" * 40, b"x" * 40 + b"\nmore"])
def test_something_else_in_it(file, content):
    """What is no token is neither used nor overwritten, and not repeated."""
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(TokenFileError, match="no token") as caught:
        kept_token(file)
    assert caught.value.fix.startswith(f"rm {file}")
    assert file.read_bytes() == content
    assert not content or content.decode("latin-1").strip() not in str(caught.value)


@POSIX_ONLY
@pytest.mark.parametrize("make", [lambda path: path.mkdir(), os.mkfifo])
def test_no_file(file, make):
    """A directory or a pipe of that name is refused, without hanging."""
    make(file)
    with pytest.raises(TokenFileError):
        kept_token(file)


def test_no_directory(tmp_path):
    """A directory that does not exist is not made, since it may be a slip."""
    file = tmp_path / "no where" / "token"
    with pytest.raises(TokenFileError, match="there is no directory") as caught:
        kept_token(file)
    assert caught.value.fix == f"mkdir -p '{file.parent}'"
    assert not file.parent.exists()


@POSIX_ONLY
def test_a_link_to_nowhere_is_replaced(file, tmp_path):
    """A link is never written through."""
    file.symlink_to(tmp_path / "elsewhere")
    token = kept_token(file)
    assert not (tmp_path / "elsewhere").exists()
    assert kept_token(file) == token


def test_secrecy(file):
    """The error of a file says nothing of what is in it."""
    file.write_text("almost a token but with spaces 0123456789")
    file.chmod(0o600)
    with pytest.raises(TokenFileError) as caught:
        kept_token(file)
    assert "almost" not in f"{caught.value} {caught.value.fix}"


@POSIX_ONLY
def test_a_file_where_a_directory_should_be(tmp_path):
    """What stands in the way is left alone, and another place is proposed."""
    (tmp_path / "file").write_text("something")
    with pytest.raises(TokenFileError, match="Not a directory") as caught:
        kept_token(tmp_path / "file" / "token")
    assert "--token-file" in caught.value.fix
    assert (tmp_path / "file").read_text() == "something"
