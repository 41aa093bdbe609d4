"""The command line of a launch, read with and without the library that reads all the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
import typer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kimi_cli.cli.app import app
from kimi_cli.cli.launch_line import SWITCHES, VALUED, read_launch_line
from kimi_cli.launcher import LaunchRequest
from kimi_cli.launcher.tools_choice import ToolsAsked
from kimi_cli.providers.tools import Level, Progress
from tests.launcher.conftest import make_program

WORDS = st.one_of(
    st.sampled_from(sorted(VALUED | SWITCHES)),
    st.sampled_from(sorted(VALUED | SWITCHES)).flatmap(
        lambda name: st.text("ab=-", max_size=3).map(f"{name}=".__add__)
    ),
    st.sampled_from(
        ["--", "-", "---", "-p", "-cp", "-h", "--print", "--print=x", "--mod", "--models", "mcp", "", "=", "ä"]
    ),
    st.sampled_from(["all", "off", "OFF", "read-only", "thinking", "text", "--execute-tools=all", "--progress=text"]),
    st.text("-=a\u2028 ", max_size=4),
)


def by_library(argv: list[str]) -> tuple[LaunchRequest, bool] | None:
    """What the application has launched for a command line; None where it launches nothing."""
    asked = []

    def launch(request: LaunchRequest, *, quiet: bool) -> int:
        asked.append((request, quiet))
        return 0

    with patch("kimi_cli.cli.launch.launch", launch):
        try:
            app(argv, prog_name="kimi", standalone_mode=False)
        except Exception:  # noqa: BLE001 - the library's own, whatever is wrong with the line
            return None
    return asked[0] if asked else None


@given(st.lists(WORDS, max_size=6))
@example(["--model", "--", "--direct"])
@example(["--execute-tools", "off", "--execute-tools", "all", "--progress", "text", "--", "--quiet"])
@example(["--claude", "", "--provider=", "x"])
@settings(deadline=None, max_examples=120)
def test_both_understand_the_same(words):
    """What is read here is what the application would have understood; what is not, it does not launch either."""
    argv = ["launch", *words]
    assert read_launch_line(argv) == by_library(argv)


def test_nothing_is_forgotten():
    """Every option that the application knows is known here, by its kind."""
    options = [one for one in typer.main.get_command(app).commands["launch"].params if one.opts != ["--help"]]
    assert {name for one in options if one.is_flag for name in one.opts} == SWITCHES
    assert {name for one in options if not one.is_flag for name in one.opts} == VALUED
    assert not any(one.secondary_opts for one in options)


def test_a_launch():
    """Our options stand anywhere before `--`, everything else is Claude Code's."""
    line = ["launch", "-p", "--provider", "groq", "hi", "--model=k", "--claude", "c", "--execute-tools", "all"]
    assert read_launch_line([*line, "--progress=off", "--debug-bodies", "--quiet", "--", "--quiet", "--", "x"]) == (
        LaunchRequest(
            ("-p", "hi", "--quiet", "--", "x"),
            provider="groq",
            model="k",
            claude=Path("c"),
            debug_bodies=True,
            tools=ToolsAsked(Level.ALL, Progress.OFF),
        ),
        True,
    )


@pytest.mark.parametrize(
    "argv",
    [
        *([], ["status"], ["demo", "--claude", "x"], ["launch", "--help"], ["launch", "-p", "--help"]),
        *(["launch", "--model"], ["launch", "--direct=1"], ["launch", "--execute-tools", "some"]),
    ],
)
def test_what_is_left_to_the_library(argv):
    """Other commands, help, and what has to be explained."""
    assert read_launch_line(argv) is None


@pytest.mark.skipif(sys.platform == "win32", reason="programs are made executable as POSIX does")
def test_a_launch_loads_nothing_heavy(sandbox, tmp_path):
    """Neither the library of the command line nor what draws, nor any network or keyring, comes before Claude Code."""
    program = make_program(tmp_path / "claude", "")
    code = (
        "import sys\n"
        "from kimi_cli.cli.entry import run\n"
        "import kimi_cli.launcher.client as client\n"
        "heavy = {'typer', 'click', 'rich', 'pydantic', 'aiohttp', 'asyncio', 'keyring', 'tomlkit', 'http', 'email'}\n"
        "heavy |= {'psutil'} if sys.platform == 'linux' else set()  # elsewhere it tells one process from another\n"
        "heavy |= {'difflib', 'tempfile', 'kimi_cli.providers.dialect', 'kimi_cli.daemon.status'}\n"
        "def started(*_, **__):\n"
        "    print(sorted(heavy & set(sys.modules)))\n"
        "    return 0\n"
        "import kimi_cli.launcher.run as launch\n"
        "launch.run_client = started\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    file = sandbox.home / ".config" / "kimi-cli" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text('provider = "groq"\n[providers.groq]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\n')
    done = subprocess.run(
        [sys.executable, "-c", code, "launch", "--claude", str(program)],
        env={**sandbox.environ(), "GROQ_API_KEY": "k" * 20, "KIMI_PROXY_PORT": "0", "KIMI_IDLE_GRACE": "0.2"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    sandbox.assert_nothing_left()


def test_a_launch_makes_no_data_classes():
    """They cost more than all else that a launch loads, so that what it loads of ours is made of records."""
    code = "import kimi_cli.cli.entry, kimi_cli.launcher.run, sys; print({'dataclasses', 'inspect'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"
