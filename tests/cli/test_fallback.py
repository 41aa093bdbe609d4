"""`kimi provider fallback`: which providers stand in where one cannot answer."""

from __future__ import annotations

import os
import tomllib

import pytest

from kimi_cli.store.paths import Paths
from tests.cli.run import kimi


def stored() -> dict:
    """What the settings file holds."""
    return tomllib.loads(Paths.find(os.environ).settings_file.read_text())


def test_none_yet():
    """Without any the command says how to name some."""
    ran = kimi("provider", "fallback")
    assert (ran.status, ran.out) == (0, "")
    assert "kimi provider fallback NAME" in ran.err


def test_named_shown_and_taken_back(monkeypatch):
    """They are stored in their order, each once, shown with their models and what they lack, and taken back."""
    monkeypatch.setenv("MOONSHOT_API_KEY", "sk-fallbacktests0123456789")
    assert kimi("provider", "groq").status == 0
    ran = kimi("provider", "fallback", "Moonshot", "openrouter", "moonshot")
    assert ran.status == 0
    assert stored()["fallback"] == ["moonshot", "openrouter"]
    assert stored()["provider"] == "groq"
    assert [line.split()[0] for line in ran.out.splitlines()] == ["moonshot", "openrouter"]
    assert "kimi-k3" in ran.out
    assert "kimi set-key openrouter" in ran.err
    assert "kimi set-key moonshot" not in ran.err
    assert kimi("provider", "fallback").out == ran.out
    assert "moonshot, openrouter" in kimi("config").out
    assert kimi("provider", "fallback", "none").status == 0
    assert stored() == {"provider": "groq"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fallback", "mooonshot"), "moonshot"),
        (("fallback", "none", "moonshot"), "none"),
        (("fallback", "moonshot", "--model", "x"), "--model means nothing"),
        (("groq", "moonshot"), "one word too many"),
        (("list", "moonshot"), "one word too many"),
    ],
)
def test_mistakes(words, said):
    """What cannot be meant is said, and changes nothing."""
    ran = kimi("provider", *words)
    assert ran.status != 0
    assert said in ran.err
    assert not Paths.find(os.environ).settings_file.exists()


def test_a_provider_that_is_removed():
    """One that is removed stands in for no other any more."""
    added = ("--format", "openai", "--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    assert kimi("provider", "add", "mine", *added).status == 0
    kimi("provider", "fallback", "mine", "moonshot")
    assert kimi("provider", "remove", "mine").status == 0
    assert stored()["fallback"] == ["moonshot"]


def test_a_file_that_means_nothing():
    """Something else than a list of names is an error that says where."""
    file = Paths.find(os.environ).settings_file
    file.parent.mkdir(parents=True)
    file.write_text('fallback = "moonshot"\n')
    ran = kimi("provider", "fallback")
    assert ran.status != 0
    assert "fallback must be a list" in ran.err
