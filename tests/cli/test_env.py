"""`kimi env` in real shells."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from kimi_cli.cli.shell_syntax import Shell, evaluated
from kimi_cli.daemon import Control, find_proxy
from kimi_cli.daemon.errors import ProxyGoneError
from kimi_cli.store.paths import Paths
from tests.cli.run import kimi

KEY = "sk-" + "envtests0123456789" * 2
MODEL = "kimi-k2.6"
SHELLS = {
    "bash": (Shell.BASH, ["bash", "--noprofile", "--norc"]),
    "dash": (Shell.SH, ["dash"]),
    "zsh": (Shell.ZSH, ["zsh", "-f"]),
    # Fish reads a script to its end before it begins.
    "fish": (Shell.FISH, ["fish", "--no-config", "-c", "while read -l line; eval $line; end"]),
}
POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX shells")
PYTHON = shlex.quote(sys.executable)
SHOW = f"{PYTHON} -c 'import os, json; print(json.dumps(dict(os.environ)), flush=True)'"


def command(*arguments: str) -> str:
    """`kimi env` as it is typed."""
    return shlex.join([sys.executable, "-m", "kimi_cli", "env", "--provider", "moonshot", "--model", MODEL, *arguments])


@pytest.fixture(params=SHELLS)
def shell(request):
    """An installed shell: its syntax and its command line."""
    syntax, program = SHELLS[request.param]
    if sys.platform == "win32" or shutil.which(program[0]) is None:
        pytest.skip(f"{request.param} is not installed")
    return syntax, program


@pytest.fixture(autouse=True)
def _user(monkeypatch, no_leftovers):
    """A user with a key, and a key of Anthropic's in the way; nothing of theirs is left at the end."""
    monkeypatch.setenv("MOONSHOT_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-in-the-way")
    monkeypatch.setenv("KIMI_PROXY_PORT", "0")
    monkeypatch.setenv("KIMI_IDLE_GRACE", "0.2")


@contextmanager
def typed(program):
    """A shell that carries out what is written to it, line by line; what it prints comes back line by line."""
    process = subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.stdin.close()
            process.wait(30)
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def environment(process, *lines: str) -> dict[str, str]:
    """The environment of a program that the shell starts after these lines."""
    process.stdin.write("".join(f"{line}\n" for line in (*lines, SHOW)))
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return json.loads(line)


def sessions() -> list[str]:
    """The ids of the sessions that run. A proxy without any ends after a moment, maybe while it is asked."""
    state = find_proxy(Paths.find(os.environ))
    try:
        return [] if state is None else [session.id for session in Control(state).status().sessions]
    except ProxyGoneError:
        return []


def test_set_and_undone(shell):
    """The shell's programs are on the session; afterwards they are not, and the session has ended."""
    syntax, program = shell
    with typed(program) as process:
        environ = environment(process, evaluated(syntax, command()))
        assert environ["ANTHROPIC_BASE_URL"].startswith("http://127.0.0.1:")
        assert environ["ANTHROPIC_MODEL"] == MODEL
        assert not environ.get("ANTHROPIC_API_KEY")
        assert KEY not in [value for name, value in environ.items() if name != "MOONSHOT_API_KEY"]
        assert len(sessions()) == 1
        again = environment(process, evaluated(syntax, command()))
        assert again["ANTHROPIC_AUTH_TOKEN"] == environ["ANTHROPIC_AUTH_TOKEN"]
        assert len(sessions()) == 1
        after = environment(process, evaluated(syntax, f"{PYTHON} -m kimi_cli env --close"))
        assert not {name for name in after if name.startswith("ANTHROPIC_") and after[name]}
        assert sessions() == []
        process.stdin.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM, None] if sys.platform != "win32" else [])
def test_it_ends_with_the_shell(shell, sandbox, way):
    """Whatever way the shell ends, the session does, and the proxy."""
    syntax, program = shell
    with typed(program) as process:
        environment(process, evaluated(syntax, command()))
        assert len(sessions()) == 1
        if way is None:
            process.stdin.close()
        else:
            process.send_signal(signal.SIGKILL if syntax is Shell.FISH else way)
        process.wait(30)
        sandbox.assert_nothing_left()


@POSIX_ONLY
def test_without_quotes():
    """`eval $(kimi env)`, which makes one line of it, works just the same."""
    with typed(["sh"]) as process:
        environ = environment(process, f"eval $({command()})")
        assert environ["ANTHROPIC_MODEL"] == MODEL
        assert "million tokens" in environ["ANTHROPIC_DEFAULT_OPUS_MODEL_DESCRIPTION"]


def test_any_model(shell):
    """A model's id arrives as it was given, whatever is in it."""
    syntax, program = shell
    name = 'it\'s "$HOME" `id`; \\x'
    script = shlex.join([sys.executable, "-m", "kimi_cli", "env", "--provider", "moonshot", "--model", name])
    with typed(program) as process:
        wrapped = f"sh -c {shlex.quote(script)}" if syntax is not Shell.FISH else f"sh -c '{_in_fish(script)}'"
        environ = environment(process, evaluated(syntax, f"{wrapped} kimi env --shell {syntax}"))
    assert environ["ANTHROPIC_MODEL"] == name


def _in_fish(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


@POSIX_ONLY
def test_nothing_is_said_where_nobody_looks():
    """Without a terminal there is nothing on stderr, and nothing but statements on stdout."""
    done = subprocess.run(["sh", "-c", f"{command()}; true"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert {line.split()[0] for line in done.stdout.splitlines()} == {"export", "unset"}
    kimi("env", "--close")


@POSIX_ONLY
def test_a_person_is_told():
    """On a terminal it says whose session it is, and how to end it; the token is not repeated there."""
    with _terminal() as (screen, end):
        done = subprocess.run(
            ["bash", "-c", f'eval "$({command()})"; echo "$ANTHROPIC_AUTH_TOKEN"'],
            stdout=subprocess.PIPE,
            stderr=end,
            env={**os.environ, "TERM": "dumb", "COLUMNS": "200"},
            check=True,
        )
        said = os.read(screen, 10_000).decode()
    assert "until bash (process" in said
    assert 'eval "$(kimi env --close)"' in said
    assert done.stdout.decode().strip() not in said


@POSIX_ONLY
def test_on_a_terminal_it_says_that_nothing_is_set():
    """Who only looks at it is told how it is taken up."""
    with _terminal() as (screen, end):
        subprocess.run(
            ["bash", "-c", f"{command()}; true"],
            stdout=end,
            stderr=end,
            env={**os.environ, "TERM": "dumb", "COLUMNS": "200"},
            check=True,
        )
        said = os.read(screen, 100_000).decode()
    assert 'It is taken up with: eval "$(kimi env --provider moonshot' in said


@contextmanager
def _terminal():
    screen, end = os.openpty()
    try:
        yield screen, end
    finally:
        os.close(screen)
        os.close(end)


def test_json():
    """A program that reads it is the owner; what it has to set and to unset are values."""
    found = json.loads(kimi("env", "--provider", "moonshot", "--model", MODEL, "--json").out)
    assert found["owner"]["pid"] == os.getpid()
    assert found["variables"]["ANTHROPIC_BASE_URL"] == found["base_url"]
    assert found["variables"]["ANTHROPIC_AUTH_TOKEN"] == found["token"]
    assert (found["provider"], found["model"]) == ("moonshot", MODEL)
    assert "ANTHROPIC_API_KEY" in found["unset"]
    assert sessions() == [found["session"]]
    closed = json.loads(kimi("env", "--unset", "--json").out)
    assert closed["closed"]
    assert set(found["variables"]) <= set(closed["unset"])
    assert not json.loads(kimi("env", "--close", "--json").out)["closed"]


def test_powershell():
    """What PowerShell gets is one ASCII statement a line."""
    out = kimi("env", "--provider", "moonshot", "--model", MODEL, "--shell", "powershell").out
    assert out.isascii()
    lines = out.splitlines()
    assert "$env:ANTHROPIC_API_KEY = $null;" in lines
    assert f"$env:ANTHROPIC_MODEL = '{MODEL}';" in lines
    assert all(line.startswith("$env:") and line.endswith(";") for line in lines)
    kimi("env", "--close")


def test_a_failure_prints_nothing_to_carry_out():
    """Where something is missing the shell gets nothing, and a person the sentence."""
    ran = kimi("env", "--provider", "groq", "--model", "llama", GROQ_API_KEY="")
    assert (ran.status, ran.out) == (3, "")
    assert "kimi set-key groq" in ran.err
    assert sessions() == []


@POSIX_ONLY
def test_a_shell_that_we_do_not_write_for(tmp_path):
    """It is said before anything is opened; with --shell or --json it goes on."""
    other = tmp_path / "tcsh"
    other.symlink_to(shutil.which("sh"))
    script = f'found="$({command()})"; echo "$found"'
    done = subprocess.run([other, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
    assert "kimi env --json" in done.stderr
    assert sessions() == []
    script = f'found="$({command("--json")})"; echo "$found"'
    done = subprocess.run([other, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["base_url"]
