"""Keys of the predecessor, found and brought over without a loss."""

from __future__ import annotations

import os
import sys

import pytest

from kimi_cli.setup.old_keys import OldKey, find_old_keys, import_old_keys
from kimi_cli.store.key_file import change_key, read_keys
from kimi_cli.store.keyring_backend import KeyringFault
from kimi_cli.store.secrets import KeySource
from tests.store.conftest import NOBODY
from tests.store.rings import FakeKeyring

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and links")
as_root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give files away")

GROQ = "gsk_0123456789abcdefwxyz"
MOONSHOT = "sk-0123456789abcdefwxyz"


@pytest.fixture
def environ(sandbox):
    """The user's environment, with a variable that outranks whatever is stored."""
    return {**sandbox.environ(), "GROQ_API_KEY": "gsk_environ"}


@pytest.fixture
def folder(sandbox):
    """Where the predecessor kept keys."""
    folder = sandbox.home / ".config" / "kimi-claude"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def write(folder):
    """Leaves a key there, as the predecessor did."""

    def leave(name, text):
        (folder / name).write_text(text)
        return folder / name

    return leave


def test_none(environ, sandbox):
    """Where the predecessor never was there is nothing, and a directory without keys is nothing either."""
    assert find_old_keys(environ) == ()
    assert find_old_keys({}) == ()
    (sandbox.home / ".config" / "kimi-claude").mkdir(parents=True)
    assert find_old_keys(environ) == ()


def test_found(environ, write):
    """Each file is found with the provider that its name means, and its key is shown masked only."""
    files = [write(f"{name}_api_key", f" {GROQ}\n") for name in ("groq", "kimi", "moonshot", "moonshot_cn", "openai")]
    write("config.json", "{}")
    write("together_api_key", " \n")
    found = find_old_keys(environ)
    assert [(old.file, old.provider) for old in found] == list(
        zip(files, ("groq", "moonshot", "moonshot", "moonshot-cn", None), strict=True)
    )
    assert {old.masked for old in found} == {"gsk_...wxyz"}
    assert "0123456789" not in repr(found)


def test_found_where_the_configuration_is(environ, tmp_path):
    """A configuration directory of the user's own is looked at as well, and each directory once."""
    other = tmp_path / "kimi-claude"
    other.mkdir()
    (other / "groq_api_key").write_text(GROQ)
    assert [old.file for old in find_old_keys({**environ, "XDG_CONFIG_HOME": str(tmp_path)})] == [
        other / "groq_api_key"
    ]


@posix
def test_not_keys(environ, folder, write, tmp_path):
    """Links, pipes, directories and large files are no keys of the predecessor's."""
    (tmp_path / "key").write_text(GROQ)
    (folder / "groq_api_key").symlink_to(tmp_path / "key")
    (folder / "together_api_key").mkdir()
    os.mkfifo(folder / "novita_api_key")
    write("baseten_api_key", "x" * 70_000)
    assert find_old_keys(environ) == ()


@as_root
def test_not_somebody_elses(environ, write):
    """A file of another user is left alone."""
    os.chown(write("groq_api_key", GROQ), NOBODY, NOBODY)
    assert find_old_keys(environ) == ()


def test_imported(paths, environ, folder, write):
    """Keys go into the keyring, and their files and directory go after them."""
    write("groq_api_key", f"{GROQ}\n")
    write("moonshot_api_key", MOONSHOT)
    ring = FakeKeyring()
    results = import_old_keys(find_old_keys(environ), paths, environ, keyring=ring)
    assert [(one.source, one.is_removed, one.failure) for one in results] == [(KeySource.KEYRING, True, None)] * 2
    assert ring.kept == {"groq": GROQ, "moonshot": MOONSHOT}
    assert not folder.exists()


def test_directory_with_something_else(paths, environ, folder, write):
    """Where something else is left the directory stays."""
    write("groq_api_key", GROQ)
    other = write("config.json", "{}")
    import_old_keys(find_old_keys(environ), paths, environ, keyring=FakeKeyring())
    assert list(folder.iterdir()) == [other]


@pytest.mark.parametrize("fault", list(KeyringFault))
def test_keyring_that_fails(paths, environ, write, fault):
    """Where the keyring fails the file stays, and the reason is told; the protected file takes the key on request."""
    file = write("groq_api_key", GROQ)
    ring, old = FakeKeyring(fault=fault), find_old_keys(environ)
    (result,) = import_old_keys(old, paths, environ, keyring=ring)
    assert (result.source, result.is_removed) == (None, False)
    assert str(result.failure) == f"The keyring is {fault}."
    assert file.read_text() == GROQ
    (result,) = import_old_keys(old, paths, environ, insecure=True, keyring=ring)
    assert (result.source, result.is_removed, result.failure) == (KeySource.FILE, True, None)
    assert read_keys(paths.keys_file) == {"groq": GROQ}
    assert not file.exists()


class ForgetfulKeyring(FakeKeyring):
    """A keyring that takes keys and keeps none."""

    def store(self, user, key):
        pass


def test_keyring_that_keeps_nothing(paths, environ, write):
    """A key that cannot be read back counts as not stored, and its file stays."""
    file = write("groq_api_key", GROQ)
    (result,) = import_old_keys(find_old_keys(environ), paths, environ, keyring=ForgetfulKeyring())
    assert (result.source, result.is_removed) == (None, False)
    assert "could not be read back" in str(result.failure)
    assert file.exists()


def test_one_failure_does_not_stop_the_others(paths, environ, write):
    """A file whose name or key is none of a provider's stays, with its reason, and the others are imported."""
    stay = [write("groq_api_key", MOONSHOT), write("openai_api_key", "sk-proj-1"), write("together_api_key", "a b")]
    write("moonshot_api_key", MOONSHOT)
    ring = FakeKeyring()
    results = import_old_keys(find_old_keys(environ), paths, environ, keyring=ring)
    assert ring.kept == {"moonshot": MOONSHOT}
    assert [one.old.file for one in results if one.failure] == sorted(stay)
    assert all(file.exists() for file in stay)
    assert all("0123456789" not in str(one.failure) for one in results)
    assert "is the key of none of" in str(next(one for one in results if one.old.provider is None).failure)


def test_another_key_is_there_already(paths, environ, write):
    """A key that is stored already stays in use unless it is to be replaced; the same key is not stored twice."""
    file = write("groq_api_key", GROQ)
    ring, old = FakeKeyring(groq="gsk_newer_9876543210"), find_old_keys(environ)
    (result,) = import_old_keys(old, paths, environ, keyring=ring)
    assert "holds another key (gsk_...wxyz) than the keyring (gsk_...3210)" in str(result.failure)
    assert (ring.kept, file.exists()) == ({"groq": "gsk_newer_9876543210"}, True)
    (result,) = import_old_keys(old, paths, environ, replace=True, keyring=ring)
    assert (ring.kept, result.is_removed) == ({"groq": GROQ}, True)


def test_same_key_is_there_already(paths, environ, folder, write):
    """Where the key is stored already only its file goes."""
    write("groq_api_key", GROQ)
    change_key(paths.keys_file, "groq", key=GROQ)
    (result,) = import_old_keys(find_old_keys(environ), paths, environ, keyring=FakeKeyring())
    assert (result.source, result.is_removed) == (KeySource.FILE, True)
    assert not folder.exists()


def test_file_that_changed_meanwhile(paths, environ, write):
    """A key that was put there after the look stays."""
    write("groq_api_key", GROQ)
    old = find_old_keys(environ)
    file = write("groq_api_key", "gsk_other")
    (result,) = import_old_keys(old, paths, environ, keyring=FakeKeyring())
    assert (result.source, result.is_removed) == (KeySource.KEYRING, False)
    assert "was changed" in str(result.failure)
    assert file.read_text() == "gsk_other"


@posix
def test_file_that_cannot_be_removed(paths, environ, folder, write, unprivileged):
    """Where the file cannot be removed its key is stored, and the command that removes it is told."""
    file = write("groq_api_key", GROQ)
    os.chown(file, os.geteuid(), -1)
    folder.chmod(0o500)
    ring = FakeKeyring()
    (result,) = import_old_keys(find_old_keys(environ), paths, environ, keyring=ring)
    assert (result.source, result.is_removed, result.failure.fix) == (KeySource.KEYRING, False, f"rm {file}")
    assert ring.kept == {"groq": GROQ}
    folder.chmod(0o700)


def test_full_disk(paths, environ, write, full_disk):
    """On a full disk the file stays."""
    file = write("groq_api_key", GROQ)
    old = find_old_keys(environ)
    with full_disk():
        (result,) = import_old_keys(old, paths, environ, insecure=True, keyring=FakeKeyring())
    assert "cannot be written" in str(result.failure)
    assert file.read_text() == GROQ
    assert isinstance(result.old, OldKey)
