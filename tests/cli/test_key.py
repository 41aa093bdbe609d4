"""`kimi set-key`, without a terminal."""

from __future__ import annotations

import os

import pytest

from kimi_cli.store.paths import Paths
from tests.cli.run import GROQ_KEY, kimi


def stored() -> bool:
    """Whether any key is in the protected file."""
    return Paths.find(os.environ).keys_file.exists()


@pytest.mark.parametrize("way", [("--stdin",), ("-",)])
def test_a_key_from_stdin_is_kept_where_it_was_asked_to_be(way):
    """The key is trimmed and stored with mode 0600, and never shown."""
    ran = kimi("set-key", "groq", *way, "--insecure-storage", stdin=f"  {GROQ_KEY}\n")
    assert (ran.status, ran.out) == (0, "")
    assert GROQ_KEY not in ran.err
    if os.name == "posix":
        assert Paths.find(os.environ).keys_file.stat().st_mode & 0o777 == 0o600
    assert "gsk_...mnop" in kimi("provider", "groq").out


def test_without_a_keyring_nothing_is_written_silently():
    """Where no keyring works the key is not stored, and the explicit way is named."""
    ran = kimi("set-key", "groq", "--stdin", stdin=GROQ_KEY)
    assert ran.status == 3
    assert "--insecure-storage" in ran.err
    assert not stored()


def test_an_argument_works_and_warns():
    """A key on the command line is stored, with a word about the shell's history."""
    ran = kimi("set-key", "groq", GROQ_KEY, "--insecure-storage")
    assert ran.status == 0
    assert "history" in ran.err


def test_a_variable_that_outranks_the_stored_key_is_named():
    """Storing a key that would not be used says so."""
    ran = kimi(
        "set-key", "groq", "--stdin", "--insecure-storage", stdin=GROQ_KEY, GROQ_API_KEY="gsk_another_one_altogether"
    )
    assert "GROQ_API_KEY is set" in ran.err


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("", "is empty"),
        ("gsk_" + "x" * 10_000_000, "is longer than"),
        (f"{GROQ_KEY}\nsecond", "line breaks"),
        ("sk-ant-0123456789", "is a key of Anthropic"),
        ("sk-kimi-0123456789", "is a key of the Kimi Code subscription"),
        ("nonsense-0123456789", "does not begin with gsk_"),
    ],
)
def test_what_is_no_key_is_refused(key, says):
    """A wrong key is named for what it is, without being repeated."""
    ran = kimi("set-key", "groq", "--stdin", "--insecure-storage", stdin=key)
    assert ran.status == 3
    assert says in " ".join(ran.err.split())
    assert not key or key[:40] not in ran.err
    assert not stored()


def test_no_terminal_and_no_stdin_flag_is_a_usage_error():
    """Where nobody can be asked the command names the flag."""
    ran = kimi("set-key", "groq")
    assert ran.status == 2
    assert "--stdin" in ran.err
