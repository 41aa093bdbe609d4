"""Words that are nearly commands, `help`, and the ways to start the program."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kimi_cli import __version__
from kimi_cli.cli.entry import COMMANDS
from kimi_cli.store.paths import Paths
from kimi_cli.store.settings import choose_provider, save_provider
from tests.cli.pty_screen import on_terminal
from tests.cli.run import kimi
from tests.launcher.conftest import make_program

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
QUESTION = "There is no command 'statsu'. Run kimi status instead of Claude Code"


@pytest.fixture
def claude(sandbox) -> str:
    """Claude Code, which says what it was started with."""
    return str(make_program(sandbox.root / "claude", "import sys; print('claude', sys.argv[-1])"))


@pytest.fixture
def ready() -> None:
    """A provider that needs no key."""
    file = Paths.find(os.environ).settings_file
    save_provider(file, "custom", base_url="http://127.0.0.1:9/v1", model="m")
    choose_provider(file, "custom")


@posix
@pytest.mark.parametrize("typed", ["\r", "y\r"])
def test_a_slip_on_a_terminal_is_asked_about(typed):
    """Enter takes the command that was probably meant."""
    shown = on_terminal("statsu", answers=[(QUESTION, typed)])
    assert shown.status == 0
    assert "No proxy is running." in shown.text


@posix
def test_a_slip_keeps_its_options():
    """What stood behind the word is the command's."""
    shown = on_terminal("statsu", "--json", answers=[(QUESTION, "\r")])
    assert '"running": false' in shown.text


@posix
def test_a_word_that_was_meant(ready, claude, no_leftovers):
    """Somebody who did mean the word gets Claude Code with it."""
    shown = on_terminal(
        "statsu", answers=[(QUESTION, "n\r")], KIMI_CLAUDE=claude, KIMI_IDLE_GRACE="0", KIMI_PROXY_PORT="0"
    )
    assert shown.status == 0
    assert shown.lines[-1] == "claude statsu"


@posix
@pytest.mark.parametrize("typed", ["\x03", "\x04"])
def test_leaving_the_question(typed):
    """Ctrl-C and Ctrl-D start nothing."""
    shown = on_terminal("statsu", answers=[(QUESTION, typed)])
    assert shown.status == 130
    assert "Error" not in shown.text


@posix
@pytest.mark.parametrize("word", ["fix the bug", "mcp", "hello", "--stats"])
def test_other_words_are_not_asked_about(ready, claude, no_leftovers, word):
    """What looks like no command goes to Claude Code as it is."""
    shown = on_terminal(word, KIMI_CLAUDE=claude, KIMI_IDLE_GRACE="0", KIMI_PROXY_PORT="0")
    assert shown.status == 0
    assert shown.lines[-1].endswith(word)


def test_without_a_terminal_nobody_is_asked(ready, sandbox, claude, no_leftovers):
    """A script gets Claude Code with the word, whatever it looks like."""
    ran = kimi("statsu", KIMI_CLAUDE=claude, KIMI_IDLE_GRACE="0", KIMI_PROXY_PORT="0")
    assert (ran.status, ran.out, ran.err) == (0, "claude statsu\n", "")


@pytest.mark.parametrize("line", [("help",), ("--help",), ("-h",)])
def test_help(line):
    """All three show every command with a sentence, on stdout."""
    ran = kimi(*line)
    assert (ran.status, ran.err) == (0, "")
    words = {row.strip("│ ").split(" ")[0] for row in ran.out.splitlines()}
    assert {*COMMANDS} - {"help"} <= words
    for panel in ("Run Claude Code", "Provider, model and key", "The background proxy"):
        assert f"─ {panel} ─" in ran.out
    assert "--version" in ran.out


@pytest.mark.parametrize("command", ["provider", "set-key", "reset"])
def test_help_for_a_command(command):
    """`kimi help COMMAND` is `kimi COMMAND --help`."""
    ran = kimi("help", command)
    assert ran.status == 0
    assert ran.out == kimi(command, "--help").out
    assert "<bool>" not in ran.out
    assert "<str>" not in ran.out


@pytest.mark.parametrize(("command", "meant"), [("statsu", "status"), ("modles", "models"), ("zzz", None)])
def test_help_for_a_command_that_there_is_not(command, meant):
    """A slip is told with what was probably meant."""
    ran = kimi("help", command)
    assert (ran.status, ran.out) == (2, "")
    assert f"No such command '{command}'." in ran.err
    assert (f"'{meant}'" in ran.err) if meant else "Did you mean" not in ran.err


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_module_is_the_program(option):
    """`python -m kimi_cli` is `kimi`."""
    done = subprocess.run(
        [sys.executable, "-m", "kimi_cli", option], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"kimi {__version__}\n", "")
