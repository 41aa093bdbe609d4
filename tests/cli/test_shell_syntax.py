"""Statements for shells, carried out by those that are installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.cli.shell_syntax import (
    USUAL,
    Shell,
    ShellUnknownError,
    evaluated,
    hide_variables,
    quote,
    set_from_file,
    set_variable,
    shell_of,
    show_variables,
    unset_variables,
)

PROGRAMS = {
    "bash": (Shell.BASH, ["bash", "--noprofile", "--norc", "-c"]),
    "dash": (Shell.SH, ["dash", "-c"]),
    "busybox": (Shell.SH, ["busybox", "sh", "-c"]),
    "zsh": (Shell.ZSH, ["zsh", "-f", "-c"]),
    "fish": (Shell.FISH, ["fish", "-c"]),
    "pwsh": (Shell.POWERSHELL, ["pwsh", "-NoProfile", "-NonInteractive", "-Command"]),
}
VALUES = [
    "plain", "", " ", "two words", " both ends ", "it's", "''", "'", '"quoted"', "$HOME ${HOME} $(id) `id`", "a\\b\\",
    "\\'", "a;b|c&d", "!!", "*?[a-z]~", "=ls", "~", "%1", "#no comment", "line\nline", "tab\tbell\a", "ends\n",
    "\u2018typographic\u2019 \u201cquotes\u201d", "Groq · $1 in, $3.5 out · 256K context", "\U0001f600", "\x7f\x1b[0m",
    "-n", "@{x}", "(1,2)", "a,b", "{a,b}", "^M", "<in >out",
]  # fmt: skip
SAY = f"{quote(Shell.SH, sys.executable)} -c 'import os, json; print(json.dumps(dict(os.environ)))'"
SAYS = {Shell.POWERSHELL: "& " + SAY}


@pytest.fixture(params=PROGRAMS)
def shell(request):
    """An installed shell, as its syntax and what runs a text in it."""
    syntax, command = PROGRAMS[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{request.param} is not installed")
    if sys.platform == "win32" and syntax is not Shell.POWERSHELL:
        pytest.skip("the POSIX shells of Windows have an environment of their own")

    def run(*statements: str, **variables: str) -> dict[str, str]:
        """The environment of a program that is started after the statements."""
        text = "".join(f"{statement};\n" for statement in statements) + SAYS.get(syntax, SAY)
        done = subprocess.run(
            [*command, text], env={**os.environ, **variables}, capture_output=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        return json.loads(done.stdout)

    return syntax, run


def test_values_arrive_as_they_are(shell):
    """Whatever a value holds, the shell's programs get exactly that."""
    syntax, run = shell
    named = {f"KT_{number}": value for number, value in enumerate(VALUES)}
    environ = run(*(set_variable(syntax, name, value) for name, value in named.items()))
    empty = {""} if syntax is Shell.POWERSHELL else set()  # there an empty variable is none
    assert {name: environ.get(name, "") for name in named} == named
    assert {name for name, value in named.items() if value not in empty} <= set(environ)


def test_unset(shell):
    """What was set is gone afterwards, and what was never set is no error, not even to a strict shell."""
    syntax, run = shell
    strict = ["set -eu"] if syntax in {Shell.SH, Shell.BASH, Shell.ZSH} else []
    sets = set_variable(syntax, "KT_SET", "x")
    environ = run(*strict, sets, *unset_variables(syntax, ("KT_SET", "KT_NEVER", "KT_INHERITED")), KT_INHERITED="y")
    assert not {name for name in environ if name.startswith("KT_")}


def test_hidden(shell):
    """A hidden variable has no value for programs."""
    syntax, run = shell
    environ = run(*hide_variables(syntax, ("KT_KEY", "KT_NEVER")), KT_KEY="theirs")
    assert not environ.get("KT_KEY")
    assert "KT_NEVER" not in environ


def test_a_universal_variable_of_fish_survives(shell):
    """What the user set for all of their shells is hidden in one, and is there again afterwards, and elsewhere."""
    syntax, run = shell
    if syntax is not Shell.FISH:
        pytest.skip("only fish has such variables")
    run("set -Ux KT_KEY theirs")
    hidden = hide_variables(syntax, ("KT_KEY",))
    assert run()["KT_KEY"] == "theirs"
    assert run(*hidden)["KT_KEY"] == ""
    assert run(*hidden, *show_variables(syntax, ("KT_KEY",)))["KT_KEY"] == "theirs"
    assert run()["KT_KEY"] == "theirs"


def test_showing_leaves_what_was_set_since(shell):
    """A value that the user gave a hidden variable afterwards stays."""
    syntax, run = shell
    statements = (*hide_variables(syntax, ("KT_KEY",)), set_variable(syntax, "KT_KEY", "new"))
    assert run(*statements, *show_variables(syntax, ("KT_KEY",)))["KT_KEY"] == "new"


def test_from_a_file(shell, tmp_path):
    """A variable gets what a file of any name holds, without the end of its line."""
    syntax, run = shell
    file = tmp_path / "it's a $token; file"
    file.write_text("abc-_0\n")
    assert run(set_from_file(syntax, "KT_TOKEN", file))["KT_TOKEN"] == "abc-_0"


def test_evaluated(shell, tmp_path):
    """The command line that is shown carries out what a command prints, whole."""
    syntax, run = shell
    statements = [set_variable(syntax, "KT_A", "a\n\n  b"), set_variable(syntax, "KT_B", "'")]
    printed = tmp_path / "printed"
    printed.write_text("".join(f"{statement};\n" for statement in statements))
    command = f"Get-Content {printed}" if syntax is Shell.POWERSHELL else f"cat {printed}"
    environ = run(evaluated(syntax, command))
    assert (environ["KT_A"], environ["KT_B"]) == ("a\n\n  b", "'")


def test_without_quotes_around_the_substitution(shell, tmp_path):
    """`eval $(kimi env)` makes one line of all statements, and they stay apart."""
    syntax, run = shell
    if syntax in {Shell.FISH, Shell.POWERSHELL}:
        pytest.skip("it is not said like that there")
    statements = [*unset_variables(syntax, ("KT_C",)), set_variable(syntax, "KT_A", "a b"), "export KT_B=c"]
    printed = tmp_path / "printed"
    printed.write_text("".join(f"{statement};\n" for statement in statements))
    environ = run(f"eval $(cat {printed})", KT_C="c")
    assert (environ["KT_A"], environ["KT_B"], environ.get("KT_C")) == ("a b", "c", None)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))))
def test_powershell_gets_ascii_on_one_line(value):
    """Whatever the value, its statement is one line of ASCII, which no console's encoding can change."""
    statement = set_variable(Shell.POWERSHELL, "NAME", value)
    assert statement.isascii()
    assert statement.isprintable()


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("plain", "'plain'"),
        ("", "''"),
        ("it's", "'it''s'"),
        ("a\nb", "('a' + [char]10 + 'b')"),
        ("\u2019", "('' + [char]8217 + '')"),
        ("\U0001f600!", "('' + [char]55357 + [char]56832 + '!')"),
        ("$x `n", "'$x `n'"),
    ],
)
def test_powershell(value, quoted):
    """Single quotes are doubled; a character beyond ASCII is written as its units of UTF-16."""
    assert quote(Shell.POWERSHELL, value) == quoted


@pytest.mark.parametrize(
    ("program", "shell"),
    [
        ("bash", Shell.BASH),
        ("zsh", Shell.ZSH),
        ("fish", Shell.FISH),
        ("pwsh", Shell.POWERSHELL),
        ("powershell", Shell.POWERSHELL),
        ("dash", Shell.SH),
        ("python3.12", USUAL),
        ("", USUAL),
    ],
)
def test_shell_of(program, shell):
    """A shell has its own words, any other program the usual ones."""
    assert shell_of(program) is shell


@pytest.mark.parametrize("program", ["tcsh", "nu", "cmd"])
def test_shells_that_we_do_not_know(program):
    """Words that a shell would not understand are not printed to it."""
    with pytest.raises(ShellUnknownError, match=program) as caught:
        shell_of(program)
    assert caught.value.fix == "kimi env --json"
