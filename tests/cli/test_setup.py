"""`kimi setup` without questions."""

from __future__ import annotations

import os
import sys
import tomllib

import pytest

from kimi_cli.store.paths import Paths
from tests.cli.pty_screen import on_terminal
from tests.cli.run import GROQ_KEY, kimi
from tests.doubles.groq import KIMI, Groq
from tests.doubles.serve import running


@pytest.fixture
def double():
    """A host that serves a Kimi model."""
    found = Groq()
    with running(found):
        yield found


def settings() -> dict:
    """What the settings file holds; nothing where there is none."""
    file = Paths.find(os.environ).settings_file
    return tomllib.loads(file.read_text()) if file.exists() else {}


def test_everything_by_flags(double):
    """Provider, key and address by flags: the key is checked at the host, and its model found in the live list."""
    ran = kimi(
        *("setup", "--provider", "groq", "--base-url", double.base_url, "--key-stdin", "--insecure-storage"),
        stdin=double.key,
    )
    assert ran.status == 0, ran.err
    assert "Groq takes the key." in ran.err
    assert settings()["provider"] == "groq"
    assert settings()["providers"]["groq"] == {"base_url": double.base_url, "model": KIMI}
    assert double.key not in ran.out + ran.err


def test_a_refused_key_changes_nothing(double):
    """A key that the host refuses is status 6, and neither key nor settings are stored."""
    ran = kimi(
        *("setup", "--provider", "groq", "--base-url", double.base_url, "--key-stdin", "--insecure-storage"),
        stdin=GROQ_KEY,
    )
    assert ran.status == 6
    assert "refused the key" in ran.err
    assert settings() == {}
    assert not Paths.find(os.environ).keys_file.exists()


def test_a_host_out_of_reach_is_a_warning():
    """Without the host the key cannot be checked; it is stored all the same, with a warning."""
    found = Groq()
    with running(found):
        url = found.base_url
    ran = kimi(
        *("setup", "--provider", "groq", "--base-url", url, "--model", KIMI, "--key-stdin", "--insecure-storage"),
        stdin=found.key,
    )
    assert ran.status == 0, ran.err
    assert "Warning" in ran.err
    assert Paths.find(os.environ).keys_file.exists()


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ((), 3, "No provider is chosen."),
        (("--provider", "moonshot"), 3, "No API key is set for Moonshot"),
        (("--provider", "grok"), 2, "did you mean 'groq'"),
        (("--provider", "custom"), 3, "has no address"),
        (("--provider", "custom", "--base-url", "http://example.com"), 2, "http:// would send the key"),
    ],
)
def test_what_is_missing_is_said(arguments, status, says):
    """Without a terminal nothing is asked, and what is missing is named."""
    ran = kimi("setup", *arguments)
    assert ran.status == status
    assert says in " ".join(ran.err.split())
    assert settings() == {}


def test_running_it_again_keeps_what_is_set(double):
    """A second run without changes leaves the settings as they are."""
    kimi("provider", "groq", "--base-url", double.base_url, "--model", "openai/gpt-oss-120b")
    before = settings()
    ran = kimi("setup", "--yes", GROQ_API_KEY=double.key)
    assert ran.status == 0, ran.err
    assert settings() == before


def test_launch_without_anything_set_up_says_what_to_run(tmp_path):
    """Without a terminal a first launch is status 3 and names the command."""
    client = tmp_path / "claude"
    client.write_text("#!/bin/sh\nexit 0\n")
    client.chmod(0o700)
    ran = kimi("--print", "hello", KIMI_CLAUDE=str(client))
    assert ran.status == 3
    assert "kimi " in ran.err


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_options_ask_nothing_on_a_terminal():
    """With an option given beforehand nobody is asked, even where somebody could be; what is missing is said."""
    shown = on_terminal("setup", "--provider", "moonshot")
    assert shown.status == 3
    assert "No API key is set for Moonshot" in shown.words
