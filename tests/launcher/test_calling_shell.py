"""Whom `kimi env` works for: decided on tables, and seen in real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from kimi_cli.launcher.calling_shell import Ancestor, choose, program_name

ROOT = Path(__file__).resolve().parents[2]
ARGV = ("env", "--shell", "sh")
SHELL = Ancestor(10, "bash", ("-bash",), stdout=None)
TERMINAL = Ancestor(9, "xterm", ("xterm",))
POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX shells")


@pytest.mark.parametrize(
    ("between", "owner"),
    [
        ((), 10),
        ((Ancestor(11, "bash", ("-bash",), "pipe:[1]", is_copy=True),), 10),
        ((Ancestor(11, "bash", ("-bash",), "pipe:[2]", is_copy=True),), 10),
        ((Ancestor(11, "sh", ("sh", "-c", "kimi env; true"), "pipe:[1]"),), 10),
        ((Ancestor(11, "sh", ("sh", "-c", 'eval "$(kimi env)"; ./agent'), "pipe:[2]"),), 11),
        ((Ancestor(11, "timeout", ("timeout", "10", "kimi", *ARGV)),), 10),
        ((Ancestor(12, "kimi", ("C:\\x\\kimi.exe", *ARGV)), Ancestor(11, "uv", ("uv", "run", "kimi", *ARGV))), 10),
        ((Ancestor(11, "python", ("/x/python", "-m", "kimi_cli", *ARGV)),), 10),
        ((Ancestor(11, "python", ("/x/python", "agent.py", *ARGV)),), 11),
        ((Ancestor(11, "python", ("/x/python", "agent.py"), "pipe:[2]"),), 11),
        ((Ancestor(11, "", (), None),), 11),
    ],
)  # fmt: skip
def test_choose(between, owner):
    """Copies, wrappers and what writes into our pipe are passed over; the first other process is the one."""
    chosen = choose((*between, SHELL, TERMINAL), stdout="pipe:[1]", argv=ARGV)
    assert chosen is not None
    assert chosen.pid == owner


def test_a_terminal_is_no_pipe():
    """That ancestors write where we do means something for a pipe alone."""
    parent = Ancestor(11, "zsh", ("zsh",), stdout=None)
    assert choose((parent, SHELL), stdout=None, argv=()) is parent


@pytest.mark.parametrize("ancestors", [(), (Ancestor(1, "systemd", ("/sbin/init",)),), (Ancestor(7, "tini", ()),)])
def test_nobody(ancestors):
    """What adopts the children of others never ends, and gets no session."""
    assert choose(ancestors, stdout=None, argv=ARGV) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [("-bash", "bash"), ("/bin/zsh", "zsh"), ("PowerShell.EXE", "powershell"), ("C:\\a b\\pwsh.exe", "pwsh"), ("", "")],
)
def test_program_name(text, name):
    """Login shells begin with a dash, Windows' programs end with .exe."""
    assert program_name(text) == name


ASK = """
import os, sys
from kimi_cli.launcher.calling_shell import find_caller
caller = find_caller(sys.argv[1:])
os.write(2, f"{caller.process.pid} {caller.name}\\n".encode())
"""


ELSEWHERE = """
from kimi_cli.launcher import calling_shell
calling_shell._pipe = lambda process: None
calling_shell._is_copy = calling_shell._seems_copied
"""


@pytest.fixture(params=["here", "elsewhere"])
def ask(request, tmp_path):
    """A command that says on stderr whom it works for, as here, or as a system without `/proc`; its name is `kimi`."""
    program = tmp_path / "kimi"
    program.write_text(f"#!{sys.executable}\n{ELSEWHERE if request.param == 'elsewhere' else ''}{ASK}")
    program.chmod(0o755)
    return f"{program} env"


def run(command: list[str], script: str) -> list[list[str]]:
    """Run a script; what was said on stderr, in words."""
    done = subprocess.run(
        [*command, textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return [line.split() for line in done.stderr.splitlines()]


@POSIX_ONLY
@pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "sh"])
@pytest.mark.parametrize(
    "line",
    [
        'eval "$({ask})"',
        'eval "$({ask} --shell sh)"',
        'eval "$({ask}; true)"',
        'eval "$({ask} | cat)"',
        'eval "`{ask}`"',
        '( eval "$({ask})"; true ); true',
        "eval \"$(sh -c '{ask}; true')\"",
        'eval "$(env KT=1 {ask})"',
        'eval "$(nice {ask}; true)"',
        "{ask} > /dev/null; true",
        'f() {{ {ask}; true; }}; eval "$(f)"',
    ],
)
def test_in_shells(request, shell, line, ask):
    """Whatever way a shell takes the variables up, the session is for the shell itself and not for a passing copy."""
    if "sh -c" in line and (sys.platform != "linux" or "elsewhere" in request.node.name):
        pytest.skip("only Linux shows which pipe another process writes to")
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    said = run([shell, "-c"], f'echo "$$" >&2\n{line.format(ask=ask)}\ntrue')
    assert [words[0] for words in said] == [said[0][0]] * 2
    assert said[1][1] == shell or shell == "sh"


@POSIX_ONLY
@pytest.mark.parametrize(
    "line", ["{ask} | source", "eval ({ask})", "{ask} | cat | source", "begin; {ask}; end | source"]
)
def test_in_fish(line, ask):
    """The same for fish."""
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    said = run(["fish", "-c"], f"echo $fish_pid >&2\n{line.format(ask=ask)}\ntrue")
    assert [said[0][0], "fish"] == said[1]


@POSIX_ONLY
def test_process_substitution(ask):
    """What is read from a process substitution is for the shell that reads."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    said = run(["bash", "-c"], f'echo "$$" >&2\nsource <({ask})\nwait\ntrue')
    assert [said[0][0], "bash"] == said[1]


@POSIX_ONLY
def test_inner_and_outer_shell(ask):
    """In a shell within a shell the session is the inner one's, whether that is another program or not."""
    inner = f'echo "$$" >&2; eval "$({ask})"; true'
    for outer in ("sh", "bash"):
        if shutil.which(outer) is not None:
            said = run([outer, "-c"], f"bash -c '{inner}'; true")
            assert said[0][0] == said[1][0]


@POSIX_ONLY
def test_a_program_that_reads(ask):
    """A script that starts us and reads what we print is the owner, and no shell above it."""
    script = f"import os, subprocess as s; os.write(2, b'%d\\n' % os.getpid()); s.check_output({ask.split()})"
    said = run([sys.executable, "-c"], script)
    assert said[0][0] == said[1][0]
