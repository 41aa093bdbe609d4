"""`kimi provider`."""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING

import pytest

from kimi_cli.store.paths import Paths
from tests.cli.run import kimi

if TYPE_CHECKING:
    from pathlib import Path


def settings() -> dict:
    """What the settings file holds."""
    return tomllib.loads(Paths.find(os.environ).settings_file.read_text())


def test_nothing_chosen_shows_the_choice():
    """Without a provider the command lists them."""
    ran = kimi("provider")
    assert ran.status == 0
    assert "moonshot" in ran.out
    assert "No provider is chosen yet." in ran.err


def test_switching_says_what_is_missing():
    """Choosing a provider stores it, shows it, and names the commands that are still needed."""
    ran = kimi("provider", "moonshot")
    assert ran.status == 0
    assert settings()["provider"] == "moonshot"
    assert "kimi-k3" in ran.out
    assert "kimi set-key moonshot" in ran.err


def test_groq_without_kimi_says_so():
    """Groq retired its Kimi models, and the switch says that and the way out."""
    ran = kimi("provider", "groq")
    assert "2026-04-15" in ran.err
    assert "kimi provider groq --model" in ran.err


def test_address_and_model_are_stored_clean():
    """An address with an endpoint's path is brought to its base."""
    ran = kimi("provider", "custom", "--base-url", "http://127.0.0.1:8000/v1/chat/completions/", "--model", "kimi")
    assert ran.status == 0
    assert settings()["providers"]["custom"] == {"base_url": "http://127.0.0.1:8000/v1", "model": "kimi"}
    assert "Missing" not in ran.err


def test_options_alone_change_the_chosen_one():
    """`--model` without a name is for the provider that is chosen."""
    kimi("provider", "moonshot")
    kimi("provider", "--model", "kimi-k2.6")
    assert settings()["providers"]["moonshot"]["model"] == "kimi-k2.6"
    assert "kimi-k2.6" in kimi("provider").out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("grok",), "did you mean 'groq'"),
        (("custom", "--base-url", "http://example.com/v1"), "http:// would send the key unencrypted"),
        (("custom", "--base-url", "https://user:pw@example.com/v1"), "user name or password"),
        (("custom", "--base-url", "example.com"), "no scheme"),
        (("groq", "--model", " "), "A model needs an id."),
        (("--model", "x"), "There is no provider yet"),
    ],
)
def test_what_cannot_be_changes_nothing(arguments, says):
    """A wrong value is one sentence with status 2, and no settings file comes of it."""
    ran = kimi("provider", *arguments)
    assert ran.status == 2
    assert says in " ".join(ran.err.split())
    assert "pw" not in ran.err
    assert not Paths.find(os.environ).settings_file.exists()


def test_a_broken_file_is_named_and_kept():
    """A settings file that cannot be understood is reported with its place and left as it is."""
    file: Path = Paths.find(os.environ).settings_file
    file.parent.mkdir(parents=True)
    file.write_text('provider = "groq\n')
    ran = kimi("provider", "moonshot")
    assert ran.status == 3
    assert "line 1" in ran.err
    assert file.read_text() == 'provider = "groq\n'
