"""The `.cmd` files of Windows."""

from __future__ import annotations

from pathlib import Path

import pytest

from kimi_cli.errors import UsageError
from kimi_cli.launcher.claude import Claude
from kimi_cli.launcher.shim import interpreter_line, is_shim, shim_target

NPM = r"""@ECHO off
GOTO start
:find_dp0
SET dp0=%~dp0
EXIT /b
:start
SETLOCAL
CALL :find_dp0
IF EXIST "%dp0%\node.exe" (
  SET "_prog=%dp0%\node.exe"
) ELSE (
  SET "_prog=node"
)
endLocal & goto #_undefined_# 2>NUL || "%_prog%"  "%dp0%\node_modules\@anthropic-ai\claude-code\cli.js" %*
"""
NPM_PROGRAM = NPM.replace('"%_prog%"  ', "").replace("cli.js", r"bin\claude.exe")
PNPM = r"""@SETLOCAL
@IF EXIST "%~dp0\node.exe" (
  "%~dp0\node.exe"  "%~dp0\global\5\node_modules\@anthropic-ai\claude-code\cli.js" %*
) ELSE (
  node  "%~dp0\global\5\node_modules\@anthropic-ai\claude-code\cli.js" %*
)
"""


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (NPM, "node_modules/@anthropic-ai/claude-code/cli.js"),
        (NPM_PROGRAM, "node_modules/@anthropic-ai/claude-code/bin/claude.exe"),
        (PNPM, "global/5/node_modules/@anthropic-ai/claude-code/cli.js"),
    ],
)
def test_what_a_shim_runs(tmp_path, text, target):
    """The program behind the shims of package managers is found, and Node itself is not taken for it."""
    shim = tmp_path / "claude.cmd"
    shim.write_text(text)
    (tmp_path / "node.exe").write_text("")
    (tmp_path / target).parent.mkdir(parents=True)
    (tmp_path / target).write_text("")
    assert shim_target(shim) == tmp_path / target


@pytest.mark.parametrize("text", ["", "@echo off\r\nclaude-real %*", NPM])
def test_a_shim_that_is_not_understood(tmp_path, text):
    """One of another form, or whose target is not there, has none."""
    shim = tmp_path / "claude.cmd"
    shim.write_text(text)
    assert shim_target(shim) is None
    assert shim_target(tmp_path / "nothing.cmd") is None


def test_what_is_a_shim():
    """Only what the command interpreter alone can run."""
    assert [is_shim(Path(name)) for name in ("claude.cmd", "CLAUDE.CMD", "x.bat", "claude.exe", "claude")] == [
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("plain", '^^^"plain^^^"'),
        ("a b", '^^^"a^^^ b^^^"'),
        ("100%", '^^^"100^^^%^^^"'),
        ("a&calc", '^^^"a^^^&calc^^^"'),
        ('say "x"', '^^^"say^^^ \\^^^"x\\^^^"^^^"'),
        ("", '^^^"^^^"'),
        ("C:\\dir\\", '^^^"C:\\dir\\\\^^^"'),
        ("^|<>!", '^^^"^^^^^^^|^^^<^^^>^^^!^^^"'),
    ],
)
def test_arguments_mean_nothing_to_the_interpreter(argument, word):
    """Everything that it acts upon is escaped, for the interpreter and for the shim."""
    line = interpreter_line("cmd.exe", Path("claude.cmd"), [argument])
    assert line == f'"cmd.exe" /d /s /c "claude.cmd {word}"'


def test_a_line_break_cannot_be_passed():
    """The interpreter ends its line there, so such an argument is refused."""
    claude = Claude(Path("claude.cmd"), (), interpreter="cmd.exe")
    with pytest.raises(UsageError, match="several lines"):
        claude.command(["-p", "one\ntwo"])
