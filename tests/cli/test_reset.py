"""`kimi reset`, as a script and on a terminal."""

from __future__ import annotations

import os
import sys

import pytest

from kimi_cli.store.key_file import change_key, read_keys
from kimi_cli.store.paths import Paths
from kimi_cli.store.settings import choose_provider, read_settings, save_provider
from tests.cli.pty_screen import on_terminal
from tests.cli.run import GROQ_KEY, kimi

QUESTION = "Remove all of this"
posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")


@pytest.fixture
def paths() -> Paths:
    """Two providers that are set up, keys in the protected file, and a stranger's file beside ours."""
    found = Paths.find(os.environ)
    save_provider(found.settings_file, "groq", model="m1")
    save_provider(found.settings_file, "moonshot", model="m2")
    choose_provider(found.settings_file, "moonshot")
    change_key(found.keys_file, "groq", key=GROQ_KEY)
    change_key(found.keys_file, "moonshot", key="sk-0123456789abcdef")
    (found.config_dir / "notes.txt").write_text("mine")
    return found


def everything(paths: Paths) -> list[str]:
    """What lies in our directory for choices."""
    return sorted(path.name for path in paths.config_dir.iterdir())


def test_nothing_to_remove():
    """On a machine without us there is nothing to do, which is no failure."""
    ran = kimi("reset")
    assert (ran.status, ran.out, ran.err) == (0, "", "There is nothing to remove.\n")
    assert kimi("reset", "--provider", "groq", "--yes").err == "There is nothing to remove.\n"


def test_everything_goes_but_what_is_not_ours(paths):
    """Settings and keys go; what somebody else put beside them stays, and is named."""
    ran = kimi("reset", "--yes", GROQ_API_KEY=GROQ_KEY)
    assert (ran.status, ran.out) == (0, "")
    assert everything(paths) == ["notes.txt"]
    goes, _, stays = ran.err.partition("This stays:")
    assert str(paths.settings_file) in goes
    assert "the key for groq in the file" in goes
    assert str(paths.config_dir / "notes.txt") in stays
    assert "GROQ_API_KEY, which is set in your environment" in stays
    assert GROQ_KEY not in ran.err
    assert ran.err.endswith("Done.\n")


def test_keys_can_be_kept(paths):
    """With `--keep-keys` the keys stay, and are told to."""
    ran = kimi("reset", "--keep-keys", "--yes")
    assert ran.status == 0
    assert everything(paths) == ["keys.json", "notes.txt"]
    assert sorted(read_keys(paths.keys_file)) == ["groq", "moonshot"]
    assert "the key for groq in the file" in ran.err.partition("This stays:")[2]


def test_one_provider(paths):
    """What belongs to another provider is not touched."""
    ran = kimi("reset", "--provider", "moonshot", "--yes")
    assert ran.status == 0
    assert "the choice of moonshot as the provider" in ran.err
    assert "[providers.moonshot] in the settings" in ran.err
    settings = read_settings(paths.settings_file)
    assert (settings.provider, list(settings.providers)) == (None, ["groq"])
    assert list(read_keys(paths.keys_file)) == ["groq"]


@pytest.mark.parametrize(
    ("options", "again"),
    [
        ((), "kimi reset --yes"),
        (("--keep-keys",), "kimi reset --keep-keys --yes"),
        (("--provider", "groq"), "kimi reset --provider groq --yes"),
        (("--provider", "Groq", "--keep-keys"), "kimi reset --provider groq --keep-keys --yes"),
    ],
)
def test_without_a_terminal_nothing_is_removed(paths, options, again):
    """Where nobody can be asked it says what would go, and the command that does just that."""
    before = {path: path.read_bytes() for path in paths.config_dir.iterdir()}
    ran = kimi("reset", *options)
    assert ran.status == 2
    assert "This will go:" in ran.err
    assert ran.err.rstrip().endswith(f"Try: {again}")
    assert {path: path.read_bytes() for path in paths.config_dir.iterdir()} == before


def test_a_provider_that_there_is_not(paths):
    """A slip leads to the same command for the one that was meant, and not to choosing it."""
    ran = kimi("reset", "--provider", "grok", "--yes")
    assert ran.status == 2
    assert "Try: kimi reset --provider groq" in ran.err
    assert everything(paths) == ["keys.json", "notes.txt", "settings.toml"]


def test_broken_settings(paths):
    """A reset is the way out of a broken file, and says that it was."""
    paths.settings_file.write_text("provider =\n")
    ran = kimi("reset", "--yes")
    assert ran.status == 0
    assert "line 1" in ran.err
    assert everything(paths) == ["notes.txt"]


def test_running_sessions_end_with_it(paths, proxies, no_leftovers):
    """The proxy is stopped, and that sessions end with it is told before."""
    control = proxies.start()
    proxies.open(control)
    ran = kimi("reset", "--yes")
    assert ran.status == 0
    assert f"process {control.state.process.pid}" in ran.err
    assert "with 1 running session" in ran.err
    assert not control.state.process.is_alive()
    assert not paths.runtime_dir.exists()


def test_a_provider_alone_leaves_sessions_running(paths, proxies):
    """A reset of one provider is about what is stored; sessions go on."""
    control = proxies.start()
    proxies.open(control)
    kimi("reset", "--provider", "groq", "--yes")
    assert control.state.process.is_alive()
    assert len(control.status().sessions) == 1


@posix
@pytest.mark.parametrize("typed", ["n\r", "\r", "perhaps\rn\r"])
def test_no_is_no(paths, typed):
    """Anything but yes leaves everything as it was."""
    shown = on_terminal("reset", answers=[(QUESTION, typed)])
    assert shown.status == 0
    assert shown.lines[-1].endswith("Nothing was removed.")
    assert everything(paths) == ["keys.json", "notes.txt", "settings.toml"]


@posix
@pytest.mark.parametrize("typed", ["\x03", "\x04"])
def test_leaving_the_question(paths, typed):
    """Ctrl-C and Ctrl-D leave everything as it was, without a word about an error."""
    shown = on_terminal("reset", answers=[(QUESTION, typed)])
    assert shown.status == 130
    assert "Error" not in shown.text
    assert everything(paths) == ["keys.json", "notes.txt", "settings.toml"]


@posix
def test_yes_is_yes(paths):
    """On a terminal it asks, and does it."""
    shown = on_terminal("reset", answers=[(QUESTION, "y\r")])
    assert (shown.status, shown.lines[-1]) == (0, "Done.")
    assert everything(paths) == ["notes.txt"]
