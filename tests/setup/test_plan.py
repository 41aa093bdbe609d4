"""What a set-up decided, carried out in one go."""

from __future__ import annotations

import pytest

from kimi_cli.errors import SecretError, SettingsError
from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.setup.plan import Plan, carry_out
from kimi_cli.store.key_file import read_keys
from kimi_cli.store.keyring_backend import KeyringError
from kimi_cli.store.secrets import KeySource
from kimi_cli.store.settings import choose_provider, read_settings, save_provider

GROQ = PROVIDERS["groq"]
KEY = "gsk_0123456789abcdefwxyz"


def test_everything(paths, sandbox):
    """Key, address and model are stored, and the provider is chosen."""
    plan = Plan(GROQ, base_url="https://h.example/v1", model="m", key=f" {KEY}\n", insecure=True)
    assert carry_out(plan, paths, sandbox.environ()) is KeySource.FILE
    settings = read_settings(paths.settings_file)
    assert settings.provider == "groq"
    assert (settings.of("groq").base_url, settings.of("groq").model) == ("https://h.example/v1", "m")
    assert read_keys(paths.keys_file) == {"groq": KEY}


def test_what_is_left_open_stays(paths, sandbox):
    """None leaves a value as it is."""
    save_provider(paths.settings_file, "groq", base_url="https://h.example/v1", model="m")
    assert carry_out(Plan(GROQ), paths, sandbox.environ()) is None
    own = read_settings(paths.settings_file).of("groq")
    assert (own.base_url, own.model) == ("https://h.example/v1", "m")


@pytest.mark.parametrize(
    ("key", "insecure", "error"),
    [(KEY, False, KeyringError), ("sk-ant-0123", True, SecretError), ("", True, SecretError)],
)
def test_a_key_that_cannot_be_stored(paths, sandbox, key, insecure, error):
    """Where the key cannot be kept nothing else is changed: a provider without its key would be a broken set-up."""
    choose_provider(paths.settings_file, "moonshot")
    with pytest.raises(error):
        carry_out(Plan(GROQ, model="m", key=key, insecure=insecure), paths, sandbox.environ())
    assert read_settings(paths.settings_file).provider == "moonshot"
    assert read_keys(paths.keys_file) == {}


def test_a_full_disk(paths, sandbox, full_disk):
    """Settings that cannot be written are as they were."""
    choose_provider(paths.settings_file, "moonshot")
    before = paths.settings_file.read_bytes()
    with full_disk(), pytest.raises(SettingsError, match="cannot be written") as caught:
        carry_out(Plan(GROQ, model="m"), paths, sandbox.environ())
    assert caught.value.fix.startswith("df -h ")
    assert paths.settings_file.read_bytes() == before


def test_the_key_is_not_in_the_repr():
    """A plan can be shown in an error without giving the key away."""
    assert KEY not in repr(Plan(GROQ, key=KEY))
