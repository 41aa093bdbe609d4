"""What every command looks like: widths, colours, and what goes where."""

from __future__ import annotations

import json
import os
import re
import sys

import pytest

from kimi_cli.cli.entry import COMMANDS
from kimi_cli.store.key_file import change_key
from kimi_cli.store.paths import Paths
from kimi_cli.store.settings import choose_provider, save_provider
from tests.cli.pty_screen import on_terminal
from tests.cli.run import GROQ_KEY, kimi
from tests.doubles.groq import KIMI, Groq
from tests.doubles.serve import running
from tests.launcher.conftest import make_program

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
LOOKS = [
    ("provider",),
    ("provider", "list"),
    ("provider", "moonshot"),
    ("model",),
    ("models",),
    ("check",),
    ("check", "--online"),
    ("config", "show"),
    ("status",),
    ("usage",),
    ("stop",),
    ("reset",),
]
"""Every command that shows something and asks for nothing but consent."""
BOUND = re.compile(r"\S{30,}|Try: |or:  |and: ")
"""Paths and commands, which are not broken and may be longer than a line."""


@pytest.fixture
def host():
    """A host that serves a model with a long id; it is chosen, and its key stored."""
    double = Groq(key=GROQ_KEY)
    with running(double) as url:
        paths = Paths.find(os.environ)
        save_provider(paths.settings_file, "groq", base_url=url, model=KIMI, slots={"haiku": "openai/gpt-oss-120b"})
        choose_provider(paths.settings_file, "groq")
        change_key(paths.keys_file, "groq", key=GROQ_KEY)
        yield double


@pytest.fixture
def claude(sandbox) -> dict[str, str]:
    """The variable that names something which says it is Claude Code."""
    program = make_program(sandbox.root / "claude", "print('9.9.9 (Claude Code)')")
    return {"KIMI_CLAUDE": str(program)}


def show(command, columns, **variables):
    """Run a command on a terminal, and say no to what it asks."""
    answers = {"models": [("Use which", "\r")], "reset": [("Remove all of this", "n\r")]}
    return on_terminal(*command, columns=columns, answers=answers.get(command[0], []), **variables)


@posix
@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_widths_hold(host, claude, command, columns):
    """Nothing is cut, and nothing is wider than the terminal but what must be copied whole."""
    shown = show(command, columns, **claude)
    assert shown.status == 0, shown.text
    too_wide = [line for line in shown.lines if len(line) > columns and not BOUND.search(line)]
    assert too_wide == []
    assert "…" not in shown.text
    if (
        command[0] in {"provider", "models", "model", "check"}
        and command != ("provider", "list")
        and "moonshot" not in command
    ):
        assert KIMI in shown.text


@posix
@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"help"}))
def test_help_holds(command, columns):
    """Every command's help has a sentence, and keeps to the terminal."""
    shown = on_terminal(command, "--help", columns=columns)
    assert shown.status == 0
    assert max(map(len, shown.lines)) <= columns
    assert shown.lines[1].startswith(f" Usage: kimi {command}")
    assert shown.lines[3].rstrip().endswith(".") or shown.lines[4].strip()


@posix
@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
@pytest.mark.parametrize("command", [*LOOKS, ("--help",), ("check", "--nonsense")], ids=" ".join)
def test_no_colours_where_none_are_wanted(host, claude, command, variables):
    """With NO_COLOR or on a terminal that cannot, no colour is set."""
    shown = show(command, 80, **claude, **variables)
    assert not re.search(r"\x1b\[(\d+;)*(3|4|9|10)[0-7]m", shown.sent)


@pytest.mark.parametrize("command", [*LOOKS, ("--help",), ("check", "--nonsense")], ids=" ".join)
def test_no_escapes_in_pipes(host, claude, command):
    """What is read by a program is plain text, nothing is cut, and no spinner turns."""
    ran = kimi(*command, **claude)
    assert "\x1b" not in ran.out + ran.err
    assert "\r" not in ran.out + ran.err
    assert "⠋" not in ran.out + ran.err
    if command[0] in {"models", "model", "provider"} and command != ("provider", "list") and "moonshot" not in command:
        assert KIMI in ran.out


@pytest.mark.parametrize(
    ("command", "out", "err"),
    [
        (("provider",), "Provider  Groq (groq)", "To change it: kimi provider NAME"),
        (("provider", "list"), "GROQ_API_KEY", "* is the one in use."),
        (("provider", "moonshot"), "Provider  Moonshot (moonshot)", "Missing: It has no key."),
        (("model",), "main", "To change it: kimi model ID"),
        (("model", "m2"), "", "Groq now uses m2."),
        (("models",), "At the host", "prices are in dollars"),
        (("config", "show"), "KIMI_PROXY_PORT", "settings.toml is /"),
        (("config", "path"), "settings.toml", ""),
        (("check",), "A launch would work.", ""),
        (("status",), "No proxy is running.", ""),
        (("usage",), "", "Nothing has been used yet."),
        (("stop",), "", "No proxy is running."),
        (("unset-key", "groq"), "", "The key for Groq is gone"),
        (("reset",), "", "This will go:"),
        (("--version",), "kimi ", ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_results_and_narration(host, claude, command, out, err):
    """Results are on stdout, everything else on stderr; neither is in both."""
    ran = kimi(*command, **claude)
    assert out in ran.out
    assert err in ran.err
    assert bool(ran.out) is bool(out)
    assert bool(ran.err) is bool(err)


@pytest.mark.parametrize(
    "command",
    [
        ("models", "--json"),
        ("config", "show", "--json"),
        ("check", "--json"),
        ("status", "--json"),
        ("usage", "--json"),
        ("clean-session", "--all", "--json"),
        ("stop", "--json"),
        ("demo", "--builtin", "--json"),
    ],
    ids=" ".join,
)
def test_json_is_one_line_and_nothing_else(host, claude, command, no_leftovers):
    """Scripts get one object on stdout."""
    ran = kimi(*command, **claude)
    assert ran.out.count("\n") == 1
    assert isinstance(json.loads(ran.out), dict)
    assert GROQ_KEY not in ran.out + ran.err


@posix
@pytest.mark.parametrize("columns", [80, 100])
def test_an_id_that_is_too_long_is_folded(host, columns):
    """Whatever the width, every character of an id is on the screen."""
    name = "accounts/somebody/models/kimi-" + "0123456789" * 4
    save_provider(Paths.find(os.environ).settings_file, "groq", model=name)
    shown = show(("models",), columns)
    assert max(map(len, shown.lines)) <= columns
    (head,) = [number for number, line in enumerate(shown.lines) if "At the host" in line]
    ids = slice(shown.lines[head].index("Model"), shown.lines[head].index("Window"))
    assert name in "".join(line[ids].strip() for line in shown.lines[head + 1 :])


@posix
@pytest.mark.parametrize("columns", [80, 120])
def test_where_values_come_from(host, columns):
    """Files are named shortly in the table, and in full below it; addresses are whole."""
    shown = show(("config", "show"), columns)
    assert host.base_url in shown.text
    assert f"settings.toml is {Paths.find(os.environ).settings_file}" in shown.lines
    rows = [line.split() for line in shown.lines]
    assert ["model", KIMI, "user", "(settings.toml)"] in rows
    assert ["key", "gsk_...mnop", "user", "(keys.json)"] in rows


@posix
def test_long_sentences_stay_in_their_column(host, claude):
    """A finding that is longer than a line goes on below its own text."""
    shown = show(("check",), 80, **claude)
    at = next(number for number, line in enumerate(shown.lines) if line.startswith("ok      model"))
    assert shown.lines[at + 1].startswith(" " * 18 + "out per million tokens")
    shown = show(("provider",), 80, **claude)
    at = next(number for number, line in enumerate(shown.lines) if line.startswith("Model"))
    assert shown.lines[at + 1] == " " * 10 + "million tokens)"


@posix
def test_each_way_out_has_its_line(sandbox):
    """Where several commands would help each stands on a line of its own, to be copied."""
    shown = on_terminal("check", PATH="/usr/bin:/bin")
    lines = [line.strip() for line in shown.lines]
    assert "Try: kimi setup" in lines
    assert "or:  kimi provider NAME" in lines


@posix
@pytest.mark.parametrize("columns", [80, 120])
def test_the_demo(columns, no_leftovers):
    """The demo shows its steps in columns, the answer once, and how long it took."""
    shown = on_terminal("demo", "--builtin", columns=columns)
    assert shown.status == 0, shown.text
    assert [line for line in shown.lines if len(line) > columns and not BOUND.search(line)] == []
    assert shown.words.count("I read the number") == 1
    assert re.search(r"^ok   first token +\d+\.\d\d s  after the client's start$", shown.text, re.MULTILINE)
    assert re.fullmatch(r"Everything worked, with the built-in client, in \d+\.\d s\.", shown.lines[-1])


def test_the_demo_in_a_pipe(no_leftovers):
    """Steps and answer are results; what it is about to do is narration."""
    ran = kimi("demo", "--builtin")
    assert ran.status == 0, ran.out
    assert ran.err == "A conversation on the embedded demo model, a script, held by the built-in client.\n\n"
    assert "The answer: I read the number" in ran.out


@posix
def test_choosing_a_model_from_the_list(host, claude):
    """A number or an id of the list is chosen, anything else changes nothing."""
    chosen = on_terminal("models", answers=[("Use which", "openai/gpt-oss-120b\r")])
    assert "Groq now uses openai/gpt-oss-120b." in chosen.text
    assert kimi("model").out.split()[:2] == ["main", "openai/gpt-oss-120b"]
    for typed in ("99\r", "²\r", "nothing like it\r"):
        assert "nothing is changed" in on_terminal("models", answers=[("Use which", typed)]).text
    first = on_terminal("models", answers=[("Use which", "1\r")])
    assert f"Groq now uses {KIMI}." in first.text


@posix
@pytest.mark.parametrize("typed", ["\x03", "\x04"])
def test_leaving_the_list(host, typed):
    """Ctrl-C and Ctrl-D change nothing, and are no error."""
    shown = on_terminal("models", answers=[("Use which", typed)])
    assert shown.status == 130
    assert "Error" not in shown.text


def test_the_width_of_a_pipe_does_not_depend_on_the_terminal(host):
    """COLUMNS is about terminals: a table in a pipe holds whole ids whatever it says."""
    assert KIMI in kimi("models", COLUMNS="20").out
    assert os.environ["COLUMNS"] == "100"
