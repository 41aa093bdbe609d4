"""`kimi set-key` and `kimi unset-key`."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from kimi_cli.store.key_file import read_keys
from kimi_cli.store.paths import Paths
from tests.cli.pty_screen import on_terminal
from tests.cli.run import GROQ_KEY, kimi


def keys() -> dict[str, str]:
    """The keys in the protected file."""
    return read_keys(Paths.find(os.environ).keys_file)


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
        (f"{GROQ_KEY}\x1b[31m", "line breaks"),
        (f"{GROQ_KEY}\x00", "line breaks"),
        (f"{GROQ_KEY}ä", "other characters"),
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


def test_a_provider_that_there_is_not():
    """A slip leads to the same command for the one that was meant; a name like no other to the list."""
    ran = kimi("set-key", "grok", "--stdin", stdin=GROQ_KEY)
    assert (ran.status, ran.out) == (2, "")
    assert "did you mean 'groq'" in ran.err
    assert "Try: kimi set-key groq" in ran.err
    assert "Try: kimi provider list" in kimi("unset-key", "zzz").err


def test_another_key_takes_the_place_of_the_first():
    """Storing again replaces, and what cannot be stored leaves what was there."""
    kimi("set-key", "groq", "--stdin", "--insecure-storage", stdin=GROQ_KEY)
    kimi("set-key", "groq", "--stdin", "--insecure-storage", stdin="gsk_another_one_altogether")
    assert keys() == {"groq": "gsk_another_one_altogether"}
    assert kimi("set-key", "groq", "--stdin", "--insecure-storage", stdin="sk-ant-0123").status == 3
    assert kimi("set-key", "groq", "--stdin", stdin=GROQ_KEY).status == 3
    assert keys() == {"groq": "gsk_another_one_altogether"}


def test_many_at_once():
    """Several that store keys in the same moment lose none."""
    names = ["groq", "moonshot", "openrouter", "together", "deepinfra", "baseten", "novita", "custom"]
    prefixes = {"groq": "gsk_", "openrouter": "sk-or-", "moonshot": "sk-"}
    given = {name: prefixes.get(name, "") + "0123456789abcdef" for name in names}
    with ThreadPoolExecutor(len(names)) as pool:
        ran = list(pool.map(lambda name: kimi("set-key", name, "-", "--insecure-storage", stdin=given[name]), names))
    assert [one.status for one in ran] == [0] * len(names), [one.err for one in ran]
    assert keys() == given


def test_two_of_the_same_at_once():
    """Of two that store the same provider's key one wins, and the file is whole."""
    given = [f"gsk_{number}123456789abcdef" for number in range(2)]
    with ThreadPoolExecutor(2) as pool:
        ran = list(pool.map(lambda key: kimi("set-key", "groq", "-", "--insecure-storage", stdin=key), given))
    assert [one.status for one in ran] == [0, 0]
    assert keys()["groq"] in given


def test_a_file_that_others_can_read():
    """Keys in a file that is open to others are neither used nor added to, until it is closed."""
    kimi("set-key", "groq", "--stdin", "--insecure-storage", stdin=GROQ_KEY)
    if os.name != "posix":
        pytest.skip("Windows has no permission bits")
    file = Paths.find(os.environ).keys_file
    file.chmod(0o644)
    for ran in (
        kimi("set-key", "moonshot", "--stdin", "--insecure-storage", stdin="sk-0123456789abcdef"),
        kimi("unset-key", "groq"),
    ):
        assert ran.status == 3
        assert "can be read or written by others" in ran.err
        assert f"Try: chmod 600 {file}" in ran.err
    file.chmod(0o600)
    assert keys() == {"groq": GROQ_KEY}


def test_unset():
    """A key goes from where it was; the second time there is none, which is no failure."""
    kimi("set-key", "groq", "--stdin", "--insecure-storage", stdin=GROQ_KEY)
    ran = kimi("unset-key", "groq", GROQ_API_KEY=GROQ_KEY)
    assert (ran.status, ran.out) == (0, "")
    assert "The key for Groq is gone from a file that only you can read." in ran.err
    assert "GROQ_API_KEY is set, and is used while it is." in ran.err
    assert not stored()
    again = kimi("unset-key", "Groq")
    assert (again.status, again.err) == (0, "No key is stored for Groq.\n")


def test_unset_after_its_provider_was_removed():
    """A key that was kept when its provider was removed can still be named."""
    kimi("provider", "add", "mine", "--format", "openai", "--base-url", "https://h.example/v1", "--model", "m")
    kimi("set-key", "mine", "--stdin", "--insecure-storage", stdin="0123456789abcdef")
    kimi("provider", "remove", "mine", "--keep-key")
    ran = kimi("unset-key", "mine")
    assert (ran.status, "is gone" in ran.err) == (0, True)
    assert not stored()


def test_unset_with_broken_settings():
    """A key of the catalogue's can be removed whatever is wrong with the settings."""
    kimi("set-key", "groq", "--stdin", "--insecure-storage", stdin=GROQ_KEY)
    Paths.find(os.environ).settings_file.write_text("provider =\n")
    assert kimi("unset-key", "groq").status == 0
    assert not stored()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_key_typed_on_a_terminal_is_not_shown():
    """It is asked for, with the page on which keys are made, and nothing of it appears."""
    shown = on_terminal(
        "set-key", "groq", "--insecure-storage", answers=[("API key for Groq (not shown): ", f"{GROQ_KEY}\r")]
    )
    assert shown.status == 0
    assert "Keys are made at https://console.groq.com/keys" in shown.lines
    assert "0123456789" not in shown.sent
    assert keys() == {"groq": GROQ_KEY}


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("typed", ["\x03", "\x04"])
def test_leaving_the_question(typed):
    """Ctrl-C and Ctrl-D store nothing, and are no error."""
    shown = on_terminal("set-key", "groq", "--insecure-storage", answers=[("(not shown): ", typed)])
    assert shown.status == 130
    assert "Error" not in shown.text
    assert not stored()
