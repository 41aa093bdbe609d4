"""A key forgotten."""

from __future__ import annotations

import pytest

from kimi_cli.errors import ProviderUnknownError, SettingsError
from kimi_cli.setup.forget import Forgotten, forget_key
from kimi_cli.store.key_file import change_key, read_keys
from kimi_cli.store.keyring_backend import KeyringFault
from kimi_cli.store.secrets import KeySource
from kimi_cli.store.settings import save_provider
from tests.store.rings import FakeKeyring

BOTH = (KeySource.KEYRING, KeySource.FILE)


def test_forgotten(paths):
    """A key goes from the keyring and the file; a variable that is set stays, and is told."""
    ring = FakeKeyring(groq="gsk_1", moonshot="sk-1")
    change_key(paths.keys_file, "groq", key="gsk_1")
    found = forget_key(" Groq", paths, {"GROQ_API_KEY": "gsk_2"}, keyring=ring)
    assert found == Forgotten("groq", "Groq", BOTH, "GROQ_API_KEY")
    assert found.exit_code == 0
    assert (ring.kept, read_keys(paths.keys_file)) == ({"moonshot": "sk-1"}, {})


def test_nothing_to_forget(paths):
    """Where there is no key nothing happens, and nothing is made."""
    assert forget_key("groq", paths, {}, keyring=FakeKeyring()) == Forgotten("groq", "Groq", (), None)
    assert not paths.config_dir.exists()


def test_added_provider(paths):
    """An added provider's key is forgotten like any other, and its own variable is looked at."""
    save_provider(paths.settings_file, "local", base_url="https://h.example", key_variable="MINE")
    ring = FakeKeyring(local="k")
    assert forget_key("local", paths, {"MINE": "k"}, keyring=ring) == Forgotten("local", "local", BOTH[:1], "MINE")


def test_removed_provider(paths):
    """The key of a provider that is there no more can still be named; a name without a key cannot."""
    ring = FakeKeyring(local="k")
    assert forget_key("local", paths, {}, keyring=ring) == Forgotten("local", "local", BOTH[:1], None)
    for name in ("local", "grok", "../x", ""):
        with pytest.raises(ProviderUnknownError):
            forget_key(name, paths, {}, keyring=ring)


@pytest.mark.parametrize("fault", [KeyringFault.LOCKED, KeyringFault.SILENT, KeyringFault.FAILED])
def test_keyring_that_fails(paths, fault):
    """A keyring that fails is told, with the command to repeat; the file's key is gone all the same."""
    change_key(paths.keys_file, "groq", key="gsk_1")
    found = forget_key("groq", paths, {}, keyring=FakeKeyring(fault=fault))
    assert found.sources == (KeySource.FILE,)
    assert [str(failure) for failure in found.failures] == [f"The keyring is {fault}. A key may be left in it."]
    assert found.failures[0].fix == "kimi unset-key groq"
    assert found.exit_code == 3


def test_file_that_is_refused(paths):
    """A key file that is refused is told with its own fix; the keyring's key is gone all the same."""
    change_key(paths.keys_file, "groq", key="gsk_1")
    paths.keys_file.write_text("{")
    ring = FakeKeyring(groq="gsk_1")
    found = forget_key("groq", paths, {}, keyring=ring)
    assert (found.sources, ring.kept) == ((KeySource.KEYRING,), {})
    assert "is not JSON" in str(found.failures[0])
    assert paths.keys_file.read_text() == "{"


def test_broken_settings(paths):
    """Broken settings do not keep a key of the catalogue's; an added provider cannot be told then."""
    paths.config_dir.mkdir(parents=True)
    paths.settings_file.write_text("x =")
    ring = FakeKeyring(groq="gsk_1", local="k")
    assert forget_key("groq", paths, {}, keyring=ring).sources == (KeySource.KEYRING,)
    with pytest.raises(SettingsError):
        forget_key("local", paths, {}, keyring=ring)
    assert ring.kept == {"local": "k"}
