"""`kimi env --execute-tools`: scripts in a shell whose tools the proxy carries out."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import urllib.request

import pytest

from kimi_cli.cli.shell_syntax import evaluated
from tests.cli.run import kimi
from tests.cli.test_env import KEY, PYTHON, SHELLS, command, environment, sessions, typed
from tests.cli.test_serve_tools import LOOK, script, set_up
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import say
from tests.doubles.serve import running

SCRIPT = """
import anthropic
sdk = anthropic.Anthropic(max_retries=0, timeout=30)
asked = {"model": "kimi", "max_tokens": 1000, "messages": [{"role": "user", "content": "What is in a.txt?"}]}
with sdk.messages.stream(**asked) as stream:
    print("".join(stream.text_stream))
print(sdk.messages.create(**asked).content[-1].text)
"""
POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX shells")


@pytest.fixture(autouse=True)
def work(monkeypatch, sandbox, no_leftovers):
    """A user with a key, in a directory with a file."""
    directory = sandbox.root / "work"
    directory.mkdir()
    (directory / "a.txt").write_text("forty-two\n")
    monkeypatch.chdir(directory)
    for name, value in {"MOONSHOT_API_KEY": KEY, "KIMI_PROXY_PORT": "0", "KIMI_IDLE_GRACE": "0.2"}.items():
        monkeypatch.setenv(name, value)
    return directory


def features(environ):
    """What the proxy of these variables has on."""
    with urllib.request.urlopen(f"{environ['ANTHROPIC_BASE_URL']}/health", timeout=30) as answer:
        return json.load(answer)["features"]


def session_variables(environ):
    """The variables of a session, without the values that differ from one to the next."""
    changing = ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN")
    ours = {name: value for name, value in environ.items() if name.startswith(("ANTHROPIC_", "CLAUDE_"))}
    return ours | dict.fromkeys(changing, "")


@POSIX_ONLY
@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell(shell):
    """The shell gets the same variables as without tools, and its session changes with what is asked for."""
    syntax, program = SHELLS[shell]
    if shutil.which(program[0]) is None:
        pytest.skip(f"{program[0]} is not installed")
    with typed(program) as process:
        plain = environment(process, evaluated(syntax, command()))
        assert not [name for name in features(plain) if name.startswith(("tools", "progress"))]
        options = ("--execute-tools", "read-only", "--progress", "text")
        tools = environment(process, evaluated(syntax, command(*options)))
        assert {"tools:read-only", "progress:text"} <= set(features(tools))
        assert session_variables(tools) == session_variables(plain)
        assert tools["ANTHROPIC_AUTH_TOKEN"] == plain["ANTHROPIC_AUTH_TOKEN"]
        assert len(sessions()) == 1
        process.stdin.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


def test_powershell():
    """PowerShell gets the same statements with tools as without."""
    statements = []
    for options in ((), ("--execute-tools", "all", "--progress", "off")):
        ran = kimi("env", "--provider", "moonshot", "--model", "kimi-k2.6", "--shell", "powershell", *options)
        assert ran.err == ""
        statements.append(ran.out)
    assert statements[0] == statements[1]
    kimi("env", "--close")


@POSIX_ONLY
def test_a_script_of_the_sdk(work):
    """A script that knows nothing of tools has its work done in the directory of the shell, streaming and not."""
    double = Moonshot(key=KEY)
    double.scenario = script(*[LOOK, say("Forty-two.")] * 2)
    (work / "agent.py").write_text(SCRIPT)
    with running(double) as base_url, typed(["bash", "--noprofile", "--norc"]) as process:
        set_up(base_url)
        take_up = evaluated(SHELLS["bash"][0], command("--execute-tools", "all"))
        process.stdin.write(f"{take_up}\ncd /\n{PYTHON} {shlex.quote(str(work / 'agent.py'))}\n")
        assert [process.stdout.readline() for _ in range(2)] == ["Forty-two.\n"] * 2
    assert double.refusals == []
    assert all("forty-two" in str(double.bodies[index]["messages"]) for index in (1, 3))


def test_a_directory_that_is_not_there(monkeypatch):
    """It is said, and the shell gets nothing to carry out."""
    monkeypatch.setenv("KIMI_WORKING_DIR", "/does/not/exist")
    ran = kimi("env", "--provider", "moonshot", "--model", "kimi-k2.6", "--execute-tools", "all")
    assert (ran.status, ran.out) == (2, "")
    assert "KIMI_WORKING_DIR" in ran.err
    assert sessions() == []
