"""Providers of the user's own, added and removed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kimi_cli.errors import BaseUrlError, ProviderUnknownError, SettingsError, UsageError
from kimi_cli.providers.provider import Format
from kimi_cli.setup.added import Removal, add_provider, removal_of, remove_added
from kimi_cli.store.key_file import change_key, read_keys
from kimi_cli.store.keyring_backend import KeyringError, KeyringFault
from kimi_cli.store.known import configured
from kimi_cli.store.live_models import LiveModel, read_live, write_live
from kimi_cli.store.secrets import KeySource
from kimi_cli.store.settings import ProviderSettings, choose_provider, read_settings
from tests.store.rings import FakeKeyring

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")

URL = "http://127.0.0.1:8000/v1"


@pytest.fixture
def add(paths):
    """Adds a provider, a good one unless told otherwise."""

    def add_one(name="local", **given):
        facts = {"format": Format.OPENAI, "base_url": URL, "model": "kimi-k3"}
        return add_provider(name, paths, **(facts | given))

    return add_one


def test_added(add, paths):
    """A provider is added with a clean address, and is then one like any other; it is not chosen."""
    added = add(base_url=f"{URL}/chat/completions", model=" kimi-k3 ", key_variable="LOCAL_KEY")
    settings = read_settings(paths.settings_file)
    assert settings.of("local") == ProviderSettings(
        base_url=URL, model="kimi-k3", format=Format.OPENAI, key_variable="LOCAL_KEY"
    )
    assert (settings.provider, settings.warnings) == (None, ())
    assert added == configured("local", settings)
    assert added.key_variables == ("LOCAL_KEY",)


def test_added_in_anthropics_format(add):
    """The address of an Anthropic host stands before `/v1`, whatever was pasted."""
    added = add("relay", format=Format.ANTHROPIC, base_url="https://relay.example/v1/messages/")
    assert (added.base_url, added.models_url) == ("https://relay.example", "https://relay.example/v1/models")
    assert added.key_variables == ("RELAY_API_KEY",)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"name": "groq"}, "A provider cannot be named 'groq': a provider of the catalogue has it"),
        ({"name": "remove"}, "cannot be named 'remove': it is a word of the command line"),
        ({"name": "My_Host"}, "cannot be named 'My_Host': it must be up to 32 small letters"),
        ({"name": ""}, "cannot be named ''"),
        ({"name": "\x1b[31m"}, r"cannot be named '\\x1b\[31m'"),
        ({"model": " "}, "A model needs an id"),
        ({"model": "a b"}, "A model's id has up to 200 visible characters"),
        ({"key_variable": "gsk_secret"}, "--key-env takes the name of an environment variable"),
        ({"key_variable": "sk-secret"}, "--key-env takes the name"),
        ({"key_variable": ""}, "--key-env takes the name"),
    ],
)
def test_refused(add, paths, given, what):
    """What cannot be used is one sentence with an example, and nothing is written."""
    with pytest.raises(UsageError, match=what) as caught:
        add(**given)
    assert caught.value.fix
    assert "secret" not in f"{caught.value} {caught.value.fix}"
    assert not paths.config_dir.exists()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h.example",
        "http://h.example/v1",
        "https://u:secret@h.example",
        "https://h.example/v1?key=secret",
        "ftp://h",
    ],
)
def test_refused_address(add, paths, url):
    """An address that cannot be used is refused, and what may be secret in it is not repeated."""
    with pytest.raises(BaseUrlError) as caught:
        add(base_url=url)
    assert "secret" not in str(caught.value)
    assert not paths.config_dir.exists()


def test_added_twice(add, paths):
    """A name that is taken is not taken again."""
    add()
    before = paths.settings_file.read_text()
    with pytest.raises(UsageError, match="There is a provider local already") as caught:
        add(model="other")
    assert caught.value.fix == "kimi provider local --base-url URL --model ID"
    assert paths.settings_file.read_text() == before


def test_full_disk(add, paths, full_disk):
    """On a full disk the settings stay as they were."""
    choose_provider(paths.settings_file, "groq")
    before = paths.settings_file.read_text()
    with full_disk(), pytest.raises(SettingsError, match="cannot be written"):
        add()
    assert paths.settings_file.read_text() == before


@posix
def test_read_only_directory(add, paths, unprivileged):
    """Where the settings cannot be written that is one sentence, and they stay as they were."""
    choose_provider(paths.settings_file, "groq")
    paths.config_dir.chmod(0o500)
    with pytest.raises(SettingsError, match=r"cannot be written \(Permission denied\)"):
        add()
    paths.config_dir.chmod(0o700)
    assert list(read_settings(paths.settings_file).providers) == []


def test_two_at_once(paths):
    """Processes that add and remove providers at the same moment disturb each other in nothing."""
    script = (
        "import os, sys\n"
        "from kimi_cli.providers.provider import Format\n"
        "from kimi_cli.setup.added import add_provider, remove_added\n"
        "from kimi_cli.store.paths import Paths\n"
        "paths, name = Paths.find(os.environ), sys.argv[1]\n"
        "for n in range(6):\n"
        "    add_provider(f'{name}{n}', paths, format=Format.OPENAI, base_url='https://h.example/v1', model='m')\n"
        "    if n % 2: remove_added(f'{name}{n}', paths, {}, keep_key=True)\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", script, name]) for name in "abc"]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert set(read_settings(paths.settings_file).providers) == {f"{name}{n}" for name in "abc" for n in (0, 2, 4)}


def test_removed(add, paths):
    """A provider goes with its key and the list of its models, and with the choice; another one stays whole."""
    add()
    add("other")
    choose_provider(paths.settings_file, "local")
    ring = FakeKeyring(local="k", other="k")
    change_key(paths.keys_file, "local", key="k")
    for name in ("local", "other"):
        write_live(paths, name, URL, [LiveModel("m")], now=1.0)
    expected = Removal(
        "local", is_chosen=True, keys=(KeySource.KEYRING, KeySource.FILE), keep_key=False, variable="LOCAL_API_KEY"
    )
    environ = {"LOCAL_API_KEY": "k"}
    assert removal_of("local", paths, environ, keep_key=False, keyring=ring) == expected
    assert ring.kept == {"local": "k", "other": "k"}
    assert remove_added("Local", paths, environ, keep_key=False, keyring=ring) == expected
    settings = read_settings(paths.settings_file)
    assert (settings.provider, list(settings.providers)) == (None, ["other"])
    assert (ring.kept, read_keys(paths.keys_file)) == ({"other": "k"}, {})
    assert read_live(paths, "local", URL, now=1.0) is None
    assert read_live(paths, "other", URL, now=1.0) is not None


def test_removed_with_its_key_kept(add, paths):
    """On request the key stays, and its places are told."""
    add()
    ring = FakeKeyring(local="k")
    removal = remove_added("local", paths, {}, keep_key=True, keyring=ring)
    assert removal == Removal("local", is_chosen=False, keys=(KeySource.KEYRING,), keep_key=True, variable=None)
    assert ring.kept == {"local": "k"}
    assert "local" not in read_settings(paths.settings_file).providers


def test_keyring_that_fails(add, paths):
    """Where the key may be left the provider is as well, with the command that removes it all the same."""
    add()
    ring = FakeKeyring(fault=KeyringFault.LOCKED)
    assert removal_of("local", paths, {}, keep_key=False, keyring=ring).troubles == ("The keyring is locked.",)
    with pytest.raises(KeyringError, match="A key may be left in it") as caught:
        remove_added("local", paths, {}, keep_key=False, keyring=ring)
    assert caught.value.fix == "kimi provider remove local --keep-key"
    assert "local" in read_settings(paths.settings_file).providers
    assert remove_added("local", paths, {}, keep_key=True, keyring=ring).troubles == ("The keyring is locked.",)
    assert "local" not in read_settings(paths.settings_file).providers


def test_incomplete_one_is_removed(paths):
    """A table that never was a provider can be removed like one."""
    paths.config_dir.mkdir(parents=True)
    paths.settings_file.write_text('[providers.Grok]\nmodel = "m"\n')
    assert remove_added("Grok", paths, {}, keep_key=False, keyring=FakeKeyring()).provider == "Grok"
    assert dict(read_settings(paths.settings_file).providers) == {}


def test_not_to_be_removed(add, paths):
    """A provider of the catalogue stays, and a name that is none leads to one."""
    add()
    with pytest.raises(UsageError, match="Groq is in the catalogue and stays there") as caught:
        remove_added("Groq", paths, {}, keep_key=False, keyring=FakeKeyring())
    assert caught.value.fix == "kimi reset --provider groq"
    for name, fix in (
        ("locl", "kimi provider remove local"),
        ("grok", "kimi provider list"),
        ("zz", "kimi provider list"),
    ):
        with pytest.raises(ProviderUnknownError) as unknown:
            removal_of(name, paths, {}, keep_key=False, keyring=FakeKeyring())
        assert unknown.value.fix == fix


def test_broken_settings(paths):
    """Broken settings are an error with their place, and are not written to."""
    paths.config_dir.mkdir(parents=True)
    paths.settings_file.write_text("provider =\n")
    for use in (remove_added, removal_of):
        with pytest.raises(SettingsError, match="line 1"):
            use("local", paths, {}, keep_key=False, keyring=FakeKeyring(local="k"))
    with pytest.raises(SettingsError, match="line 1"):
        add_provider("local", paths, format=Format.OPENAI, base_url=URL, model="m")
    assert paths.settings_file.read_text() == "provider =\n"
