"""Windows is a platform like the others: in quoting, shims, paths and spawning, as far as it can be seen elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kimi_cli.launcher.claude import Claude
from tests.field.windows import argv_of, interpreted

ROOT = Path(__file__).resolve().parents[2]
SHIM = Path("C:/Users/me & you/AppData/Roaming/npm/claude.cmd")
VARIABLES = {"PATH": "C:\\evil & calc", "a": "1", "^": "x", "COMSPEC": "cmd.exe"}
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0", exclude_categories=["Cs", "Cc"]), max_size=30)
NASTY = st.lists(st.sampled_from([*'"%^&|<>()!,;=*? \\', "%PATH%", "^^", '\\"', "\\\\", "é", "a", "%a%"]), max_size=12)
ARGUMENTS = st.lists(WORDS | NASTY.map("".join), max_size=4)

AS_WINDOWS = """
import asyncio, concurrent.futures, ctypes, json, os, subprocess, sys
import aiohttp, filelock, platformdirs, psutil  # they look at the platform themselves, when they are imported
sys.platform = "win32"
subprocess.CREATE_NEW_PROCESS_GROUP, subprocess.DETACHED_PROCESS = 0x200, 0x8
subprocess.CREATE_NO_WINDOW, subprocess.CREATE_BREAKAWAY_FROM_JOB = 0x08000000, 0x01000000
from pathlib import Path
"""
"""What a script starts with that is to see our modules as they are on Windows."""


def on_windows(script: str, *arguments: str) -> object:
    """What a script prints, as JSON, for which `sys.platform` says that this is Windows."""
    command = [sys.executable, "-c", AS_WINDOWS + script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@given(arguments=ARGUMENTS)
@example(["-p", 'say "hello" & calc', "100% ^ %PATH% | more > x", "C:\\dir\\", "a,b;c=d", "", "!x! (1)"])
def test_field_30_a_shim_passes_every_argument_on(arguments):
    """Through the interpreter twice, its line and the shim's own, arguments arrive as they are and run nothing."""
    line = Claude(SHIM, (), interpreter="C:/Windows/cmd.exe").command(arguments)
    assert isinstance(line, str)
    program, _, rest = line.partition(" /d /s /c ")
    assert program == '"C:/Windows/cmd.exe"'
    # `/s` takes the first and the last quotation mark away, and leaves the others alone.
    typed = interpreted(rest[1:-1], VARIABLES)
    assert typed.startswith(str(SHIM))
    inside_the_shim = '"node" "cli.js" ' + typed.removeprefix(str(SHIM))
    assert argv_of(interpreted(inside_the_shim)) == ["node", "cli.js", *arguments]


@given(arguments=ARGUMENTS)
def test_field_30_a_program_gets_every_argument(arguments):
    """What is found behind a shim is a program, and its arguments never meet the interpreter."""
    program = Claude(SHIM, ("C:/node.exe", "C:/npm/cli.js"))
    line = subprocess.list2cmdline(program.command(arguments))
    assert argv_of(line) == ["C:/node.exe", "C:/npm/cli.js", *arguments]


def test_field_30_what_npm_leaves_is_understood(tmp_path):
    """Of the three files that npm makes, the one for Windows is taken, and what it runs is run in its place."""
    npm = tmp_path / "npm"
    cli = npm / "node_modules" / "@anthropic-ai" / "claude-code" / "cli.js"
    cli.parent.mkdir(parents=True)
    cli.write_text("", encoding="utf-8")
    for name, text in (
        ("claude", '#!/bin/sh\nexec node "$basedir/cli.js" "$@"\n'),
        ("claude.ps1", "& node $args\n"),
        ("claude.cmd", '@"%~dp0\\node.exe" "%~dp0\\node_modules\\@anthropic-ai\\claude-code\\cli.js" %*\n'),
        ("node.exe", ""),
    ):
        (npm / name).write_text(text, encoding="utf-8")
        (npm / name).chmod(0o755)
    script = """
from kimi_cli.launcher.claude import find_claude
found = find_claude({"PATH": "relative;" + sys.argv[1], "USERPROFILE": "/nowhere", "APPDATA": "/nowhere"})
print(json.dumps([str(found.path), *found.command(["-p", "x"])]))
"""
    expected = [npm / "claude.cmd", npm / "node.exe", cli, "-p", "x"]
    assert on_windows(script, f'"{npm}"') == [str(part) for part in expected]


def test_field_30_files_are_where_windows_has_them():
    """Everything is below the user's local application data, without any of POSIX's variables."""
    script = """
from kimi_cli.store.paths import Paths
paths = Paths.find({"LOCALAPPDATA": "/users/me/Local", "HOME": "/posix", "XDG_RUNTIME_DIR": "/run/posix"})
print(json.dumps([str(place) for place in (paths.settings_file, paths.log_file, paths.runtime_dir)]))
"""
    found = on_windows(script)
    assert isinstance(found, list)
    assert all(place.startswith("/users/me/Local/kimi-cli") for place in found)


def test_field_30_the_proxy_stands_apart_from_its_terminal():
    """It is started without a window, outside of the terminal's job where that lets it, and never as POSIX has it."""
    script = """
import importlib
module = importlib.import_module("kimi_cli.daemon.spawn")
asked = []
class Popen:
    def __init__(self, command, **given):
        asked.append({"flags": given["creationflags"], "session": given["start_new_session"]})
        raise PermissionError(5, "the job lets nobody out")
module.subprocess = type(sys)("subprocess")
module.subprocess.Popen, module.subprocess.DEVNULL, module.subprocess.PIPE = Popen, -3, -1
try:
    module.spawn(module.SpawnOptions(Path("s"), Path(os.devnull) / "log"), environ={})
except Exception as error:
    print(json.dumps([repr(error), asked]))
"""
    kind, asked = on_windows(script)
    assert "ProxyStartError" in kind
    apart = 0x08000000 | 0x200
    assert asked == [{"flags": apart | 0x01000000, "session": False}, {"flags": apart, "session": False}]


def test_field_30_the_checks_look_at_every_platform():
    """Types are checked as they are on Windows and on macOS, where other functions exist and other code runs."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for platform in ("win32", "darwin"):
        assert f"mypy --platform {platform}" in makefile


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stands in for Windows elsewhere")
